/* Elements by their numbers: x[i, j] with int64 tensors, index_select. A number that
 * is out of bounds is an error when the pass runs, because only then it is known. */
#include "forward/broadcast.h"
#include "forward/families.h"

enum { INPUT };

static bool wants_index(struct op_call *c, const struct ftensor *t) {
  if (t->type == FT_BOOL)
    return op_unsupported(c, "a bool tensor as an index: the shape of the result would depend on its values");
  return t->type == FT_I64 || op_error(c, "an index must be int64, it is %s", ft_name(t->type));
}

/* i, counted from the end if it is negative. */
static bool in_bounds(struct op_call *c, int64_t i, uint64_t size, uint64_t *out) {
  const int64_t n = (int64_t)size;
  if (i < -n || i >= n)
    return op_error(c, "index %lld is out of bounds for a dimension of size %lld", (long long)i,
                    (long long)n);
  *out = (uint64_t)(i < 0 ? i + n : i);
  return true;
}

/* ---- x[i, j]: the indices broadcast; the dimensions they stand for become theirs ---- */

enum { FIRST_INDEX = 2, MOST_INDICES = 4 }; /* index(input, dims, i0, i1, i2, i3) */

struct indexing {
  uint32_t n;
  uint32_t axis[MOST_INDICES];
  struct broadcast shape; /* of the indices */
  uint32_t before; /* dimensions of the input in front of them; 0 where the indices don't stand together */
  struct strided rest; /* the other dimensions */
};

/* The axes ascend: it is the lowering of x[…] that calls this. */
static bool index_read(struct op_call *c, struct indexing *x) {
  enum { DIMS = 1 };
  const struct ftensor *in = op_tensor(c, INPUT);
  const struct op_value *dims = &c->arg[DIMS];
  *x = (struct indexing){.n = dims->kind == OPV_INTS ? dims->n : 1};
  if (x->n == 0 || x->n > MOST_INDICES)
    return op_unsupported(c, "%u tensors as indices; at most %d are supported", x->n, MOST_INDICES);
  strided_dense(&x->rest, in);
  for (uint32_t i = 0; i < x->n; i++) {
    const struct ftensor *index = op_tensor_or_null(c, FIRST_INDEX + i);
    if (!index || !op_axis(c, dims->kind == OPV_INTS ? dims->ints[i] : dims->i, in->ndim, &x->axis[i]) ||
        in->ndim == 0 || (i && x->axis[i] <= x->axis[i - 1]))
      return op_error(c, "dimensions and indices that don't fit");
    if (!wants_index(c, index) || !broadcast_with(c, &x->shape, index)) return false;
  }
  const uint32_t first = x->axis[0], last = x->axis[x->n - 1];
  x->before = last - first == x->n - 1 ? first : 0;
  for (uint32_t i = x->n; i > 0; i--) {
    strided_move(&x->rest, x->axis[i - 1], x->rest.ndim - 1);
    x->rest.ndim--;
  }
  return true;
}

bool index_shape(struct op_call *c) {
  struct indexing x;
  uint64_t size[2 * FT_DIMS] = {0};
  uint32_t n = 0;
  if (!index_read(c, &x)) return false;
  for (uint32_t i = 0; i < x.before; i++) size[n++] = x.rest.size[i];
  for (uint32_t i = 0; i < x.shape.ndim; i++) size[n++] = x.shape.size[i];
  for (uint32_t i = x.before; i < x.rest.ndim; i++) size[n++] = x.rest.size[i];
  return op_result(c, op_tensor(c, INPUT)->type, size, n);
}

/* Where each combination of indices points, in elements of the input. */
static bool index_offsets(struct op_call *c, const struct indexing *x, uint64_t count, int64_t *scratch,
                          int64_t *at) {
  const struct ftensor *in = op_tensor(c, INPUT);
  struct strided dense;
  strided_dense(&dense, in);
  memset(at, 0, count * sizeof *at);
  for (uint32_t i = 0; i < x->n; i++) {
    const struct ftensor *index = op_tensor(c, FIRST_INDEX + i);
    struct strided v;
    broadcast_view(&v, index, x->shape.ndim, x->shape.size);
    strided_copy(scratch, index, &v);
    for (uint64_t k = 0; k < count; k++) {
      uint64_t number = 0;
      if (!in_bounds(c, scratch[k], in->size[x->axis[i]], &number)) return false;
      at[k] += (int64_t)number * dense.stride[x->axis[i]];
    }
  }
  return true;
}

static void index_copy(struct op_call *c, const struct indexing *x, uint64_t count, const int64_t *at) {
  const struct ftensor *in = op_tensor(c, INPUT);
  struct strided block = {.ndim = x->rest.ndim - x->before};
  memcpy(block.size, x->rest.size + x->before, block.ndim * sizeof block.size[0]);
  memcpy(block.stride, x->rest.stride + x->before, block.ndim * sizeof block.stride[0]);
  uint64_t planes = 1;
  for (uint32_t i = 0; i < x->before; i++) planes *= in->size[i];
  const int64_t plane = planes ? (int64_t)(in->numel / planes) : 0;
  const uint64_t bytes = strided_count(&block) * ft_itemsize(in->type);
  uint8_t *out = c->out->data.out;
  for (uint64_t p = 0; p < planes; p++)
    for (uint64_t k = 0; k < count; k++, out += bytes) {
      block.offset = (int64_t)p * plane + at[k];
      strided_copy(out, in, &block);
    }
}

bool index_run(struct op_call *c) {
  struct indexing x;
  if (!index_read(c, &x)) return false;
  if (c->out->numel == 0) return true;
  uint64_t count = 1;
  for (uint32_t i = 0; i < x.shape.ndim; i++) count *= x.shape.size[i];
  int64_t *at = fpool_take(c->pool, 2 * count * sizeof *at);
  if (!at) return op_no_memory(c);
  bool done = index_offsets(c, &x, count, at + count, at);
  if (done) index_copy(c, &x, count, at);
  fpool_give(c->pool, at);
  return done;
}

/* ---- index_select(x, dim, index): index is one-dimensional ---- */

bool index_select_shape(struct op_call *c) {
  enum { DIM = 1, INDEX };
  const struct ftensor *x = op_tensor(c, INPUT), *index = op_tensor(c, INDEX);
  uint32_t axis;
  if (!op_axis(c, c->arg[DIM].i, x->ndim, &axis)) return false;
  if (index->type != FT_I64 || index->ndim > 1)
    return op_error(c, "the index must be a one-dimensional int64 tensor, it is %s%s", ft_name(index->type),
                    ft_shape_text(c->arena, index));
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, x->size, sizeof size);
  if (x->ndim) size[axis] = index->numel;
  if (x->ndim == 0 && index->numel != 1) return op_error(c, "a tensor of no dimensions has one element");
  return op_result(c, x->type, size, x->ndim);
}

/* Elements in front of, along and behind an axis. */
struct axis_counts {
  uint64_t outer, n, inner;
};
static struct axis_counts counts_around(const struct ftensor *t, uint32_t axis) {
  struct axis_counts k = {1, t->ndim ? t->size[axis] : 1, 1};
  for (uint32_t i = 0; i < axis; i++) k.outer *= t->size[i];
  for (uint32_t i = axis + 1; i < t->ndim; i++) k.inner *= t->size[i];
  return k;
}

bool index_select_run(struct op_call *c) {
  enum { DIM = 1, INDEX };
  const struct ftensor *x = op_tensor(c, INPUT), *index = op_tensor(c, INDEX);
  uint32_t axis;
  if (!op_axis(c, c->arg[DIM].i, x->ndim, &axis)) return false;
  if (c->out->numel == 0) return true; /* an empty dimension says nothing of how many there are of others */
  const struct axis_counts k = counts_around(x, axis);
  const uint64_t bytes = k.inner * ft_itemsize(x->type);
  uint8_t *out = c->out->data.out;
  for (uint64_t o = 0; o < k.outer; o++)
    for (uint64_t j = 0; j < index->numel; j++, out += bytes) {
      const int64_t i = ft_i64(index)[j]; /* not counted from the end, unlike in x[i] */
      if (i < 0 || (uint64_t)i >= k.n)
        return op_error(c, "index %lld is out of bounds for a dimension of size %llu", (long long)i,
                        (unsigned long long)k.n);
      memcpy(out, (const uint8_t *)x->data.in + (o * k.n + (uint64_t)i) * bytes, bytes);
    }
  return true;
}
