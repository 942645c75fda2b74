/* Sparse and nested tensors, which are made of others (format-spec D.3, D.4). Here their shapes are proved;
 * what their indices say is claimed, and proved when the bytes are read (contents.c). */
#include "model/call.h"

/* The strided tensor that an argument is. NULL: *tag is the answer of the call. */
static const struct tensor_fact *strided_part(const struct call *c, val_id v, uint32_t *tag) {
  const struct built *b = built_of(c->cp, c->m, v);
  const struct tensor_fact *t = b && b->kind == BUILT_TENSOR ? &c->cp->tensors.p[b->index] : NULL;
  if (b && (b->kind == BUILT_REFUSED || b->kind == BUILT_UNREAD))
    *tag = call_built(c, (enum built_kind)b->kind, 0); /* said already */
  else if (!t || t->flags & (PLAN_SPARSE | PLAN_QUANTIZED))
    *tag = refuse_arguments(c, "a part is not a strided tensor");
  else if (t->flags & PLAN_META)
    *tag = partly_proved(c, "a part has no data (meta device)");
  else
    return t;
  return NULL;
}

static uint32_t fact_number(const struct call *c, const struct tensor_fact *t) {
  return (uint32_t)(t - c->cp->tensors.p);
}

static uint64_t size_of(const struct call *c, const struct tensor_fact *t, uint32_t i) {
  return c->cp->dims.p[t->first_dim + i];
}

static uint32_t refuse_part(const struct call *c, const char *what, uint64_t found, uint64_t expected) {
  char text[128];
  (void)snprintf(text, sizeof text, "%s: found %llu, expected %llu", what, (unsigned long long)found,
                 (unsigned long long)expected);
  return refuse_arguments(c, text);
}

static uint32_t refuse_block(const struct call *c, uint64_t block, uint64_t size) {
  char text[128];
  (void)snprintf(text, sizeof text, "blocks of %llu rows or columns do not fill %llu",
                 (unsigned long long)block, (unsigned long long)size);
  return refuse_arguments(c, text);
}

/* What was read of a call. */
struct sparse_call {
  enum plan_layout layout;
  val_id data;
  const struct tensor_fact *part[MAX_PARTS]; /* the last one: the values */
  uint32_t num_parts, ndim;
  int64_t size[MAX_DIMS];
};

static uint32_t add_sparse(const struct call *c, const struct sparse_call *s, uint64_t nnz,
                           struct contents_fact *claim) {
  static const int64_t no_strides[MAX_DIMS];
  struct checkpoint *cp = c->cp;
  struct tensor_fact t = {.at = c->at,
                          .dtype = s->part[s->num_parts - 1]->dtype,
                          .ndim = (uint8_t)s->ndim,
                          .flags = PLAN_SPARSE,
                          .numel = 1};
  for (uint32_t i = 0; i < s->ndim; i++)
    if (!try_mul(t.numel, (uint64_t)s->size[i], &t.numel) || t.numel > INT64_MAX)
      return refuse_arguments(c, "the sizes multiply to more than 2^63 - 1");
  struct sparse_fact *slot = vec_push(cp->arena, &cp->sparse, cp->max->tensors);
  if (!slot) return 0;
  *slot = (struct sparse_fact){.layout = (uint8_t)s->layout, .num_parts = (uint8_t)s->num_parts, .nnz = nnz};
  for (uint32_t i = 0; i < s->num_parts; i++) {
    slot->part[i] = value_item(c->m, s->data, i);
    claim->part[i] = fact_number(c, s->part[i]);
    claim->name[i] = sparse_part_name(s->layout, i);
  }
  t.sparse = cp->sparse.n;
  claim->first_dim = cp->dims.n; /* where add_tensor puts the sizes */
  return claim_contents(c, claim) ? add_tensor(c, t, s->size, no_strides) : 0;
}

/* Sizes from `at` of the values on are those of the tensor from `dim` on. */
static bool same_sizes(const struct call *c, const struct sparse_call *s, uint32_t at, uint32_t dim) {
  const struct tensor_fact *values = s->part[s->num_parts - 1];
  for (uint32_t i = 0; at + i < values->ndim; i++)
    if (size_of(c, values, at + i) != (uint64_t)s->size[dim + i]) return false;
  return true;
}

/* (indices [sparse dims, nnz], values [nnz, dense…], size[, is_coalesced]). */
static uint32_t coo_tensor(const struct call *c, const struct sparse_call *s) {
  const struct tensor_fact *indices = s->part[0], *values = s->part[1];
  val_id coalesced = value_item(c->m, s->data, 3);
  if (value_count(c->m, s->data) == 4 && kind_of(c->m, coalesced) != VAL_BOOL)
    return refuse_arguments(c, "is_coalesced is not a bool");
  if (indices->dtype != DTYPE_I64 || indices->ndim != 2)
    return refuse_arguments(c, "the indices are not int64 in two dimensions");
  uint64_t sparse_dims = size_of(c, indices, 0), nnz = size_of(c, indices, 1);
  if (values->ndim < 1 || size_of(c, values, 0) != nnz)
    return refuse_part(c, "values", values->ndim ? size_of(c, values, 0) : 0, nnz);
  if (sparse_dims + values->ndim - 1 != s->ndim)
    return refuse_part(c, "dimensions", s->ndim, sparse_dims + values->ndim - 1);
  if (!same_sizes(c, s, 1, (uint32_t)sparse_dims))
    return refuse_arguments(c, "the sizes of the values are not the tensor's");
  struct contents_fact claim = {
      .kind = CONTENTS_COO,
      .is_coalesced = value_count(c->m, s->data) == 4 && value_of(c->m, coalesced)->truth};
  return add_sparse(c, s, nnz, &claim);
}

/* (compressed [batch…, n + 1], plain [batch…, nnz], values [batch…, nnz, block…, dense…], size). */
static uint32_t compressed_tensor(const struct call *c, const struct sparse_call *s) {
  const struct tensor_fact *compressed = s->part[0], *plain = s->part[1], *values = s->part[2];
  bool blocks = s->layout == LAYOUT_BSR || s->layout == LAYOUT_BSC;
  bool by_rows = s->layout == LAYOUT_CSR || s->layout == LAYOUT_BSR;
  if (compressed->dtype != plain->dtype || (plain->dtype != DTYPE_I64 && plain->dtype != DTYPE_I32))
    return refuse_arguments(c, "the indices are not both int64 or both int32");
  if (compressed->ndim < 1 || plain->ndim != compressed->ndim)
    return refuse_part(c, "dimensions of the plain indices", plain->ndim, compressed->ndim);
  uint32_t batch = compressed->ndim - 1u, first_dense = batch + 1 + (blocks ? 2 : 0);
  if (values->ndim < first_dense || s->ndim < batch + 2 || s->ndim - batch - 2 != values->ndim - first_dense)
    return refuse_part(c, "dimensions of the values", values->ndim, s->ndim + first_dense - batch - 2);
  for (uint32_t i = 0; i < batch; i++)
    if (size_of(c, compressed, i) != (uint64_t)s->size[i] || size_of(c, plain, i) != (uint64_t)s->size[i] ||
        size_of(c, values, i) != (uint64_t)s->size[i])
      return refuse_arguments(c, "the batches of indices and values are not the tensor's");
  uint64_t nnz = size_of(c, plain, batch), block[2] = {1, 1};
  if (size_of(c, values, batch) != nnz) return refuse_part(c, "values", size_of(c, values, batch), nnz);
  if (!same_sizes(c, s, first_dense, batch + 2))
    return refuse_arguments(c, "the sizes of the values are not the tensor's");
  for (uint32_t i = 0; i < 2; i++) {
    if (blocks) block[i] = size_of(c, values, batch + 1 + i);
    if (block[i] == 0 || (uint64_t)s->size[batch + i] % block[i])
      return refuse_block(c, block[i], (uint64_t)s->size[batch + i]);
  }
  uint64_t rows = (uint64_t)s->size[batch] / block[0], columns = (uint64_t)s->size[batch + 1] / block[1];
  uint64_t runs = by_rows ? rows : columns;
  if (size_of(c, compressed, batch) != runs + 1)
    return refuse_part(c, "compressed indices", size_of(c, compressed, batch), runs + 1);
  struct contents_fact claim = {.kind = CONTENTS_COMPRESSED, .limit = by_rows ? columns : rows};
  return add_sparse(c, s, nnz, &claim);
}

uint32_t build_SPARSE(const struct call *c) {
  const struct built *layout = built_of(c->cp, c->m, call_arg(c, 0));
  struct sparse_call s = {.data = call_arg(c, 1)};
  if (c->n != 2 || !layout || layout->kind != BUILT_LAYOUT || kind_of(c->m, s.data) != VAL_TUPLE)
    return refuse_arguments(c, "the arguments are not (layout, data)");
  if (layout->index == LAYOUT_STRIDED || layout->index >= LAYOUT_COUNT)
    return refuse_arguments(c, "the layout is not a sparse one");
  s.layout = (enum plan_layout)layout->index;
  s.num_parts = s.layout == LAYOUT_COO ? 2 : 3;
  uint32_t n = value_count(c->m, s.data), tag;
  if (n != s.num_parts + 1 && !(s.layout == LAYOUT_COO && n == s.num_parts + 2))
    return refuse_part(c, "parts of the data", n, s.num_parts + 1);
  for (uint32_t i = 0; i < s.num_parts; i++)
    if (!(s.part[i] = strided_part(c, value_item(c->m, s.data, i), &tag))) return tag;
  if (!int_tuple(c, value_item(c->m, s.data, s.num_parts), s.size, &s.ndim) || s.ndim > MAX_DIMS)
    return refuse_arguments(c, "the sizes are not a tuple of ints");
  for (uint32_t i = 0; i < s.ndim; i++)
    if (s.size[i] < 0) return refuse_arguments(c, "a size is negative");
  return s.layout == LAYOUT_COO ? coo_tensor(c, &s) : compressed_tensor(c, &s);
}

/* (buffer, sizes [n, d], strides [n, d], offsets [n]): kept as its parts. */
uint32_t build_NESTED(const struct call *c) {
  enum { BUFFER, SIZES, STRIDES, OFFSETS, PARTS };
  const struct tensor_fact *part[PARTS];
  uint32_t tag;
  if (c->n != PARTS) return refuse_arguments(c, "the number of arguments is not torch's");
  for (uint32_t i = 0; i < PARTS; i++) {
    if (i == OFFSETS && (call_kind(c, i) == VAL_LIST || call_kind(c, i) == VAL_TUPLE))
      return partly_proved(c, "the offsets are a list, which this version does not read");
    if (!(part[i] = strided_part(c, call_arg(c, i), &tag))) return tag;
    if (i != BUFFER && part[i]->dtype != DTYPE_I64)
      return refuse_arguments(c, "sizes, strides and offsets are not all int64");
  }
  const struct tensor_fact *sizes = part[SIZES], *strides = part[STRIDES], *offsets = part[OFFSETS];
  if (part[BUFFER]->ndim != 1 || !(part[BUFFER]->flags & PLAN_CONTIGUOUS))
    return refuse_arguments(c, "the buffer is not contiguous in one dimension");
  if (sizes->ndim != 2 || strides->ndim != 2 || offsets->ndim != 1)
    return refuse_arguments(c, "sizes, strides and offsets do not have 2, 2 and 1 dimensions");
  if (size_of(c, sizes, 1) > MAX_DIMS) return refuse_part(c, "dimensions", size_of(c, sizes, 1), MAX_DIMS);
  if (size_of(c, strides, 1) != size_of(c, sizes, 1) || size_of(c, strides, 0) != size_of(c, sizes, 0) ||
      size_of(c, offsets, 0) != size_of(c, sizes, 0))
    return refuse_arguments(c, "sizes, strides and offsets do not have a row for each component");
  struct contents_fact claim = {.kind = CONTENTS_NESTED,
                                .name = {"sizes", "strides", "offsets"},
                                .dtype = (enum dtype)part[BUFFER]->dtype,
                                .limit = part[BUFFER]->numel};
  for (uint32_t i = 0; i < MAX_PARTS; i++) claim.part[i] = fact_number(c, part[SIZES + i]);
  return claim_contents(c, &claim) ? call_built(c, BUILT_UNREAD, 0) : 0;
}
