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
  *out = (struct farray){
      .name = name, .dtype = npy_dtype(&n), .bytes = n.data.p, .columns = n.fortran_order && n.ndim > 1};
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

/* Where element i, counted row by row, stands among the bytes. */
static const uint8_t *element(const struct farray *a, uint64_t i) {
  uint64_t place = i;
  if (a->columns) {
    uint64_t stride[FT_DIMS], step = 1;
    for (uint32_t d = 0; d < a->shape.ndim; step *= a->shape.size[d++]) stride[d] = step;
    place = 0;
    for (uint32_t d = a->shape.ndim; d > 0; i /= a->shape.size[--d])
      place += i % a->shape.size[d - 1] * stride[d - 1];
  }
  return a->bytes + place * dtype_size(a->dtype);
}

double farray_real(const struct farray *a, uint64_t i) {
  return a->numbers ? a->numbers[i] : dtype_load(a->dtype, element(a, i));
}

int64_t farray_int(const struct farray *a, uint64_t i) {
  if (a->numbers) return (int64_t)a->numbers[i]; /* exact: the JSON front refuses integers beyond 2^53 */
  if (a->dtype == DTYPE_I64) return (int64_t)load_u64le(element(a, i));
  return (int64_t)farray_real(a, i);
}
