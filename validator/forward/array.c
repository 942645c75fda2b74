#include "forward/array.h"

#include "base/npy.h"
#include "base/reader.h"

static enum dtype npy_dtype(const struct npy *n) {
  static const struct {
    char kind;
    uint8_t size;
    enum dtype dtype;
  } table[] = {{'f', 2, DTYPE_F16}, {'f', 4, DTYPE_F32}, {'f', 8, DTYPE_F64}, {'i', 1, DTYPE_I8},
               {'i', 2, DTYPE_I16}, {'i', 4, DTYPE_I32}, {'i', 8, DTYPE_I64}, {'u', 1, DTYPE_U8},
               {'u', 2, DTYPE_U16}, {'u', 4, DTYPE_U32}, {'b', 1, DTYPE_BOOL}}; /* uint64 is missing: it has
                                                                                   no place in an int64 */
  for (size_t i = 0; i < ARRAY_LEN(table); i++)
    if (table[i].kind == n->kind && table[i].size == n->size) return table[i].dtype;
  return DTYPE_NONE;
}

static bool unreadable(struct observations *o, struct span name, uint64_t at, const char *why) {
  return refuse(o, (struct observation){
                       .kind = OBS_FWD_FILE_UNREADABLE, .subject = name, .detail = span_str(why), .at = at});
}

bool farray_open(struct farray *out, struct span name, struct span bytes, struct observations *o) {
  struct npy n;
  struct npy_error err;
  if (!npy_read(&n, bytes, &err)) return unreadable(o, name, err.at, err.what);
  if (n.fortran_order && n.ndim > 1)
    return unreadable(o, name, 0, "an array in C order (save numpy.ascontiguousarray(x))");
  *out = (struct farray){.name = name, .dtype = npy_dtype(&n), .bytes = n.data.p};
  if (out->dtype == DTYPE_NONE) return unreadable(o, name, 0, "numbers other than uint64");
  const enum dtype_class cls = dtype_table[out->dtype].cls;
  const enum ftype type = cls == DT_FLOAT ? FT_F32 : cls == DT_BOOL ? FT_BOOL : FT_I64;
  return ft_shape(&out->shape, type, n.shape, n.ndim) || unreadable(o, name, 0, "at most 16 dimensions");
}

bool farray_inline(struct farray *out, const struct inline_array *numbers, struct observations *o) {
  *out = (struct farray){.name = SPAN("the inline value"),
                         .numbers = numbers->data,
                         .dtype = numbers->integers ? DTYPE_I64 : DTYPE_F64};
  return ft_shape(&out->shape, numbers->integers ? FT_I64 : FT_F32, numbers->sizes, numbers->ndim) ||
         unreadable(o, out->name, 0, "at most 16 dimensions");
}

double farray_real(const struct farray *a, uint64_t i) {
  return a->numbers ? a->numbers[i] : dtype_load(a->dtype, a->bytes + i * dtype_size(a->dtype));
}

int64_t farray_int(const struct farray *a, uint64_t i) {
  if (a->numbers) return (int64_t)a->numbers[i]; /* exact: the JSON front refuses integers beyond 2^53 */
  if (a->dtype == DTYPE_I64) return (int64_t)load_u64le(a->bytes + i * 8);
  return (int64_t)farray_real(a, i);
}
