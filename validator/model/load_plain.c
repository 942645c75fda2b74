#include "model/load_plain.h"

static bool leave(struct checkpoint *cp, enum obs_kind kind, uint64_t got, uint64_t want) {
  cp->unread = true;
  return refuse(cp->obs, (struct observation){.kind = kind, .got = got, .want = want});
}

/* Strides of an array without gaps. False: they overflow, which view_prove says with the shape. */
static void fill_strides(const struct plain_claim *c, int64_t *strides) {
  uint64_t next = 1;
  for (uint32_t k = 0; k < c->ndim; k++) {
    uint32_t i = c->fortran_order ? k : c->ndim - 1 - k;
    if (!try_cast(next, &strides[i])) strides[i] = INT64_MAX;
    if (!try_mul(next, max_u64(c->sizes[i], 1), &next)) next = INT64_MAX;
  }
}

static bool prove(struct checkpoint *cp, const struct plain_claim *c, int64_t *sizes, int64_t *strides,
                  struct view *v) {
  const struct view_claim claim = {.dtype = c->dtype,
                                   .storage_bytes = c->bytes,
                                   .num_sizes = c->ndim,
                                   .num_strides = c->ndim,
                                   .sizes = sizes,
                                   .strides = strides,
                                   .member = c->member,
                                   .at = c->said_at,
                                   .subject = c->key};
  if (c->ndim > MAX_DIMS) return leave(cp, OBS_LIMIT_TENSOR_DIMS, c->ndim, MAX_DIMS);
  for (uint32_t i = 0; i < c->ndim; i++)
    if (!try_cast(c->sizes[i], &sizes[i]))
      sizes[i] = INT64_MAX; /* too many elements, as view_prove will say */
  fill_strides(c, strides);
  return view_prove(v, &claim, cp->obs);
}

static bool add_storage(struct checkpoint *cp, const struct plain_claim *c) {
  struct storage_fact *s = vec_push(cp->arena, &cp->storages, cp->max->tensors);
  if (!s) return leave(cp, OBS_LIMIT_TENSORS, cp->storages.n, cp->max->tensors);
  *s = (struct storage_fact){.key = c->key,
                             .location = SPAN("cpu"),
                             .dtype = c->dtype,
                             .big_endian = c->big_endian,
                             .member = c->member,
                             .at = c->at,
                             .numel = dtype_elements_in(c->dtype, c->bytes),
                             .bytes = c->bytes,
                             .declared_at = c->said_at};
  return true;
}

uint32_t plain_tensor(struct checkpoint *cp, const struct plain_claim *c) {
  int64_t sizes[MAX_DIMS], strides[MAX_DIMS];
  struct view v;
  uint32_t number = 0;
  if (prove(cp, c, sizes, strides, &v) && add_storage(cp, c))
    number = tensor_add(cp,
                        (struct tensor_fact){.storage = cp->storages.n,
                                             .at = c->said_at,
                                             .dtype = (uint8_t)c->dtype,
                                             .ndim = v.ndim,
                                             .flags = v.contiguous ? PLAN_CONTIGUOUS : 0,
                                             .numel = v.numel,
                                             .extent = v.extent},
                        sizes, strides);
  cp->unread = cp->unread || number == 0;
  return number;
}

enum dtype numpy_dtype(char kind, uint64_t item_size) {
  static const struct {
    char kind;
    uint8_t size, dtype;
  } table[] = {{'f', 2, DTYPE_F16},   {'f', 4, DTYPE_F32}, {'f', 8, DTYPE_F64}, {'c', 8, DTYPE_C64},
               {'c', 16, DTYPE_C128}, {'i', 1, DTYPE_I8},  {'i', 2, DTYPE_I16}, {'i', 4, DTYPE_I32},
               {'i', 8, DTYPE_I64},   {'u', 1, DTYPE_U8},  {'u', 2, DTYPE_U16}, {'u', 4, DTYPE_U32},
               {'u', 8, DTYPE_U64},   {'b', 1, DTYPE_BOOL}};
  for (size_t i = 0; i < ARRAY_LEN(table); i++)
    if (table[i].kind == kind && table[i].size == item_size) return (enum dtype)table[i].dtype;
  return DTYPE_BITS8; /* texts, times, long doubles, records */
}

void plain_items(struct plain_claim *claim, uint64_t *sizes, char kind, uint64_t item_size) {
  claim->sizes = sizes;
  claim->dtype = numpy_dtype(kind, item_size);
  if (claim->dtype != DTYPE_BITS8) return;
  if (claim->fortran_order && claim->ndim > 1) {
    sizes[0] = item_size ? claim->bytes / item_size : 0;
    claim->ndim = 1;
  }
  sizes[claim->ndim++] = item_size;
  claim->fortran_order = claim->big_endian = false;
}

bool add_plain(struct checkpoint *cp, const struct plain_claim *c) {
  uint32_t number = plain_tensor(cp, c);
  return number && add_root(cp, &(struct root){.kind = ROOT_TENSOR, .key = c->key, .index = number - 1});
}

static bool add_text(struct checkpoint *cp, struct span group, struct span key, struct span text) {
  return add_root(cp, &(struct root){.kind = ROOT_TEXT, .group = group, .key = key, .text = text});
}

/* The sizes of an array as an array of bytes. */
static uint32_t byte_sizes(const struct plain_array *array, uint64_t sizes[MAX_DIMS]) {
  uint64_t rows = 1;
  uint32_t last = array->ndim ? array->ndim - 1 : 0;
  for (uint32_t i = 0; i < last; i++) {
    sizes[i] = array->dims[i];
    if (!try_mul(rows, sizes[i], &rows)) rows = 0;
  }
  if (rows && array->bytes % rows == 0) {
    sizes[last] = array->bytes / rows;
    return last + 1;
  }
  sizes[0] = array->bytes;
  return 1;
}

static bool add_array(struct checkpoint *cp, const struct plain_array *array, uint32_t member,
                      const struct plain *file) {
  uint64_t sizes[MAX_DIMS];
  struct plain_claim claim = {.key = array->name,
                              .dtype = array->dtype ? dtype_by_name(span_str(array->dtype)) : DTYPE_BITS8,
                              .sizes = array->dims,
                              .ndim = array->ndim,
                              .big_endian = file->big_endian,
                              .member = member,
                              .at = array->at - file->data_at,
                              .bytes = array->bytes};
  if (dtype_table[claim.dtype].cls == DT_OPAQUE && !dtype_is_block(claim.dtype)) {
    claim.ndim = byte_sizes(array, sizes);
    claim.sizes = sizes;
  }
  return add_plain(cp, &claim);
}

static bool add_types(struct checkpoint *cp, const struct plain *file) {
  for (uint32_t i = 0; i < file->arrays.n; i++) {
    const struct plain_array *array = &file->arrays.p[i];
    if (!array->dtype && !add_text(cp, SPAN("__dtype__"), array->name, array->type)) return false;
  }
  return true;
}

void add_file(struct checkpoint *cp, const struct plain *file) {
  uint64_t rest = cp->container->file.n - file->data_at;
  const struct member *header = load_section(cp, SPAN("header"), 0, file->data_at);
  const struct member *data = header ? load_section(cp, SPAN("data"), file->data_at, rest) : NULL;
  if (!data) {
    (void)leave(cp, OBS_LIMIT_MEMORY, cp->arena->used, cp->arena->budget);
    return;
  }
  uint32_t number = member_number(cp->container, data);
  bool fine = true;
  for (uint32_t i = 0; fine && i < file->arrays.n; i++)
    fine = add_array(cp, &file->arrays.p[i], number, file);
  for (uint32_t i = 0; fine && i < file->texts.n; i++)
    fine = add_text(cp, SPAN("__metadata__"), file->texts.p[i].key, file->texts.p[i].value);
  if (fine && add_types(cp, file) && cp->roots.n == 0) (void)add_root(cp, &(struct root){.kind = ROOT_EMPTY});
}
