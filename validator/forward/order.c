/* Ops that reorder or pick elements: each is a view with strides, copied once. */
#include "forward/families.h"
#include "forward/strided.h"

enum { INPUT };

#define VIEW_OP(name)                                                            \
  bool name##_shape(struct op_call *c) { return strided_shape(c, name##_view); } \
  bool name##_run(struct op_call *c) { return strided_run(c, name##_view); }

/* An int, or a tuple, as a list. None: an empty one. */
static void int_list(const struct op_value *v, const int64_t **list, uint32_t *n) {
  *list = v->kind == OPV_INTS ? v->ints : &v->i;
  *n = v->kind == OPV_INTS ? v->n : v->kind == OPV_INT ? 1 : 0;
}

/* ---- transpose, permute, movedim ---- */

static bool transpose_view(struct op_call *c, struct strided *v) {
  enum { DIM0 = 1, DIM1 };
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t a, b;
  if (!op_axis(c, c->arg[DIM0].i, x->ndim, &a) || !op_axis(c, c->arg[DIM1].i, x->ndim, &b)) return false;
  strided_dense(v, x);
  const uint64_t size = v->size[a];
  const int64_t stride = v->stride[a];
  v->size[a] = v->size[b];
  v->stride[a] = v->stride[b];
  v->size[b] = size;
  v->stride[b] = stride;
  return true;
}
VIEW_OP(transpose)

/* x.t() */
static bool t_view(struct op_call *c, struct strided *v) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (x->ndim > 2) return op_error(c, "%s has more than 2 dimensions", ft_shape_text(c->arena, x));
  strided_dense(v, x);
  if (x->ndim == 2) strided_move(v, 0, 1);
  return true;
}
VIEW_OP(t)

/* x.mT: the last two dimensions change places */
static bool adjoint_view(struct op_call *c, struct strided *v) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (x->ndim == 1) return op_error(c, "%s has fewer than 2 dimensions", ft_shape_text(c->arena, x));
  strided_dense(v, x);
  if (x->ndim) strided_move(v, x->ndim - 2, x->ndim - 1);
  return true;
}
VIEW_OP(adjoint)

/* The axes of a list, each once. */
static bool read_axes(struct op_call *c, const struct op_value *dims, uint32_t ndim, uint32_t *axis,
                      uint32_t *n) {
  const int64_t *list;
  bool seen[FT_DIMS] = {false};
  int_list(dims, &list, n);
  if (*n > FT_DIMS) return op_error(c, "%u dimensions", *n);
  for (uint32_t i = 0; i < *n; i++) {
    if (!op_axis(c, list[i], ndim, &axis[i])) return false;
    if (seen[axis[i]]) return op_error(c, "dimension %u twice", axis[i]);
    seen[axis[i]] = true;
  }
  return true;
}

static bool permute_view(struct op_call *c, struct strided *v) {
  enum { DIMS = 1 };
  const struct ftensor *x = op_tensor(c, INPUT);
  struct strided dense;
  uint32_t axis[FT_DIMS] = {0}, n;
  if (!read_axes(c, &c->arg[DIMS], x->ndim, axis, &n)) return false;
  if (n != x->ndim) return op_error(c, "%u dimensions for %s", n, ft_shape_text(c->arena, x));
  strided_dense(&dense, x);
  *v = dense;
  for (uint32_t i = 0; i < n; i++) {
    v->size[i] = dense.size[axis[i]];
    v->stride[i] = dense.stride[axis[i]];
  }
  return true;
}
VIEW_OP(permute)

/* The named dimensions go to the named places, the others keep their order. */
static bool movedim_view(struct op_call *c, struct strided *v) {
  enum { SOURCE = 1, DESTINATION };
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t from[FT_DIMS] = {0}, to[FT_DIMS] = {0}, n, m, order[FT_DIMS];
  bool taken[FT_DIMS] = {false};
  struct strided dense;
  if (!read_axes(c, &c->arg[SOURCE], x->ndim, from, &n) ||
      !read_axes(c, &c->arg[DESTINATION], x->ndim, to, &m))
    return false;
  if (n != m) return op_error(c, "%u dimensions to %u places", n, m);
  for (uint32_t i = 0; i < FT_DIMS; i++) order[i] = FT_DIMS;
  for (uint32_t i = 0; i < n; i++) {
    order[to[i]] = from[i];
    taken[from[i]] = true;
  }
  strided_dense(&dense, x);
  *v = dense;
  for (uint32_t i = 0, next = 0; i < x->ndim; i++) {
    if (order[i] == FT_DIMS) {
      while (taken[next]) next++;
      order[i] = next++;
    }
    v->size[i] = dense.size[order[i]];
    v->stride[i] = dense.stride[order[i]];
  }
  return true;
}
VIEW_OP(movedim)

/* ---- parts: select, narrow, slice, diagonal, unfold ---- */

static bool select_view(struct op_call *c, struct strided *v) {
  enum { DIM = 1, INDEX };
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t axis;
  int64_t i = c->arg[INDEX].i;
  if (x->ndim == 0) return op_error(c, "an index into a tensor of no dimensions");
  if (!op_axis(c, c->arg[DIM].i, x->ndim, &axis)) return false;
  const int64_t size = (int64_t)x->size[axis];
  if (i < -size || i >= size)
    return op_error(c, "index %lld is out of bounds for dimension %u of size %lld", (long long)i, axis,
                    (long long)size);
  strided_dense(v, x);
  v->offset = (i < 0 ? i + size : i) * v->stride[axis];
  strided_move(v, axis, x->ndim - 1);
  v->ndim--;
  return true;
}
VIEW_OP(select)

static bool narrow_view(struct op_call *c, struct strided *v) {
  enum { DIM = 1, START, LENGTH };
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t axis;
  int64_t start = c->arg[START].i;
  const int64_t length = c->arg[LENGTH].i;
  if (x->ndim == 0) return op_error(c, "a part of a tensor of no dimensions");
  if (!op_axis(c, c->arg[DIM].i, x->ndim, &axis)) return false;
  const int64_t size = (int64_t)x->size[axis];
  if (start < -size || start > size || length < 0)
    return op_error(c, "%lld elements from %lld on of dimension %u of size %lld", (long long)length,
                    (long long)start, axis, (long long)size);
  if (start < 0) start += size;
  if (length > size - start)
    return op_error(c, "%lld elements from %lld on of dimension %u of size %lld", (long long)length,
                    (long long)start, axis, (long long)size);
  strided_dense(v, x);
  v->offset = start * v->stride[axis];
  v->size[axis] = (uint64_t)length;
  return true;
}
VIEW_OP(narrow)

/* A bound of a slice as Python clamps it into [0, size]. */
static int64_t slice_bound(const struct op_value *v, int64_t missing, int64_t size) {
  if (v->kind == OPV_NONE) return missing;
  int64_t i = v->i < 0 && v->i >= -size ? v->i + size : v->i;
  return i < 0 ? 0 : i > size ? size : i;
}

/* x[:, start:stop:step] along dimension dim */
static bool slice_view(struct op_call *c, struct strided *v) {
  enum { DIM = 1, START, STOP, STEP };
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t axis;
  if (x->ndim == 0) return op_error(c, "a slice of a tensor of no dimensions");
  if (!op_axis(c, c->arg[DIM].i, x->ndim, &axis)) return false;
  const int64_t size = (int64_t)x->size[axis], step = c->arg[STEP].kind == OPV_NONE ? 1 : c->arg[STEP].i;
  if (step <= 0)
    return op_error(c, "a slice with step %lld; PyTorch takes only positive steps", (long long)step);
  const int64_t start = slice_bound(&c->arg[START], 0, size), stop = slice_bound(&c->arg[STOP], size, size);
  const int64_t length = stop > start ? (stop - start - 1) / step + 1 : 0;
  strided_dense(v, x);
  v->offset = length ? start * v->stride[axis] : 0;
  v->stride[axis] = length > 1 ? v->stride[axis] * step : v->stride[axis]; /* step < size, then */
  v->size[axis] = (uint64_t)length;
  return true;
}
VIEW_OP(slice)

static bool diagonal_view(struct op_call *c, struct strided *v) {
  enum { OFFSET = 1, DIM1, DIM2 };
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t a, b;
  const int64_t given = c->arg[OFFSET].i, offset = given < -INT64_MAX ? -INT64_MAX : given;
  if (!op_axis(c, c->arg[DIM1].i, x->ndim, &a) || !op_axis(c, c->arg[DIM2].i, x->ndim, &b)) return false;
  if (a == b || x->ndim < 2) return op_error(c, "a diagonal needs two dimensions");
  const int64_t rows = (int64_t)x->size[a], columns = (int64_t)x->size[b];
  const int64_t down = offset < 0 ? -offset : 0, right = offset > 0 ? offset : 0;
  int64_t n = rows - down < columns - right ? rows - down : columns - right;
  if (n < 0) n = 0;
  strided_dense(v, x);
  const int64_t stride = v->stride[a] + v->stride[b];
  v->offset = n ? down * v->stride[a] + right * v->stride[b] : 0;
  strided_move(v, a > b ? a : b, x->ndim - 1);
  strided_move(v, a > b ? b : a, x->ndim - 1);
  v->ndim -= 2;
  strided_insert(v, v->ndim, (uint64_t)n, stride);
  return true;
}
VIEW_OP(diagonal)

/* x.unfold(dimension, size, step): windows along one dimension, in a new last one */
static bool unfold_view(struct op_call *c, struct strided *v) {
  enum { DIM = 1, SIZE, STEP };
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t axis;
  const int64_t size = c->arg[SIZE].i, step = c->arg[STEP].i;
  if (!op_axis(c, c->arg[DIM].i, x->ndim, &axis)) return false;
  const int64_t length = x->ndim ? (int64_t)x->size[axis] : 1;
  if (size < 0 || size > length || step <= 0)
    return op_error(c, "windows of %lld, %lld apart, over %lld elements", (long long)size, (long long)step,
                    (long long)length);
  const int64_t n = (length - size) / step + 1;
  strided_dense(v, x);
  const int64_t stride = x->ndim ? v->stride[axis] : 1;
  if (x->ndim) {
    v->size[axis] = (uint64_t)n;
    v->stride[axis] = n > 1 ? stride * step : stride;
  }
  strided_insert(v, v->ndim, (uint64_t)size, stride);
  return true;
}
VIEW_OP(unfold)

/* ---- the same elements more than once: expand, repeat, repeat_interleave ---- */

/* A list of sizes or repetitions, and x with as many dimensions: those that it lacks come first. */
static bool widened(struct op_call *c, const int64_t **list, uint32_t *n, struct strided *v) {
  enum { COUNTS = 1 };
  const struct ftensor *x = op_tensor(c, INPUT);
  int_list(&c->arg[COUNTS], list, n);
  if (*n > FT_DIMS) return op_unsupported(c, "%u dimensions; at most %d are supported", *n, FT_DIMS);
  if (*n < x->ndim) return op_error(c, "%s to %u dimensions", ft_shape_text(c->arena, x), *n);
  strided_dense(v, x);
  for (uint32_t i = x->ndim; i < *n; i++) strided_insert(v, 0, 1, 0);
  return true;
}

static bool expand_view(struct op_call *c, struct strided *v) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const int64_t *list;
  uint32_t n = 0;
  if (!widened(c, &list, &n, v)) return false;
  for (uint32_t i = 0; i < n; i++) {
    const bool added = i < n - x->ndim;
    if (list[i] == -1 && !added) continue;
    if (list[i] < 0 || (v->size[i] != 1 && v->size[i] != (uint64_t)list[i]))
      return op_error(c, "%s: dimension %u can't become %lld", ft_shape_text(c->arena, x), i,
                      (long long)list[i]);
    if (v->size[i] == 1 && list[i] != 1) v->stride[i] = 0;
    v->size[i] = (uint64_t)list[i];
  }
  return true;
}
VIEW_OP(expand)

static bool expand_as_view(struct op_call *c, struct strided *v) {
  enum { OTHER = 1 };
  const struct ftensor *y = op_tensor(c, OTHER);
  int64_t size[FT_DIMS];
  for (uint32_t i = 0; i < y->ndim; i++) size[i] = (int64_t)y->size[i];
  struct op_value arg[] = {c->arg[INPUT], {.kind = OPV_INTS, .n = y->ndim, .ints = size}};
  struct op_call as = *c;
  as.arg = arg;
  return op_answer(c, &as, expand_view(&as, v));
}
VIEW_OP(expand_as)

/* Each dimension as two, that of the repetition outside; results are dense, so the two are one again. */
static bool repeat_view(struct op_call *c, struct strided *v) {
  const int64_t *list;
  uint32_t n = 0;
  if (!widened(c, &list, &n, v)) return false;
  for (uint32_t i = n; i > 0; i--) {
    if (list[i - 1] < 0) return op_error(c, "%lld repetitions", (long long)list[i - 1]);
    strided_insert(v, i - 1, (uint64_t)list[i - 1], 0);
  }
  return true;
}

/* The result's shape: pairs of the view's dimensions, multiplied. */
static bool paired_shape(struct op_call *c, const struct strided *v) {
  uint64_t size[FT_DIMS] = {0};
  for (uint32_t i = 0; i < v->ndim; i += 2)
    if (!try_mul(v->size[i], v->size[i + 1], &size[i / 2]))
      return op_error(c, "the result has too many elements");
  return op_result(c, op_tensor(c, INPUT)->type, size, v->ndim / 2);
}
bool repeat_shape(struct op_call *c) {
  struct strided v;
  return repeat_view(c, &v) && paired_shape(c, &v);
}
bool repeat_run(struct op_call *c) { return strided_run(c, repeat_view); }

/* tile(x, dims): repeat, where missing repetitions are 1 */
static bool tile_as_repeat(struct op_call *c, struct op_value *repeats, int64_t *list) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const int64_t *given;
  uint32_t n;
  int_list(&c->arg[1], &given, &n);
  if (n > FT_DIMS) return op_unsupported(c, "%u dimensions; at most %d are supported", n, FT_DIMS);
  const uint32_t missing = x->ndim > n ? x->ndim - n : 0;
  for (uint32_t i = 0; i < missing; i++) list[i] = 1;
  for (uint32_t i = 0; i < n; i++) list[missing + i] = given[i];
  *repeats = (struct op_value){.kind = OPV_INTS, .ints = list, .n = missing + n};
  return true;
}
static bool tile_view(struct op_call *c, struct strided *v) {
  int64_t list[2 * FT_DIMS];
  struct op_value arg[] = {c->arg[INPUT], {.kind = OPV_NONE}};
  if (!tile_as_repeat(c, &arg[1], list)) return false;
  struct op_call as = *c;
  as.arg = arg;
  return op_answer(c, &as, repeat_view(&as, v));
}
bool tile_shape(struct op_call *c) {
  struct strided v;
  return tile_view(c, &v) && paired_shape(c, &v);
}
bool tile_run(struct op_call *c) { return strided_run(c, tile_view); }

/* The repetition inside. Without a dimension the tensor is flat. */
static bool repeat_interleave_view(struct op_call *c, struct strided *v, uint32_t *axis) {
  enum { REPEATS = 1, DIM };
  const struct ftensor *x = op_tensor(c, INPUT);
  if (c->arg[REPEATS].i < 0) return op_error(c, "%lld repetitions", (long long)c->arg[REPEATS].i);
  *axis = 0;
  if (c->arg[DIM].kind == OPV_NONE) {
    *v = (struct strided){.ndim = 1, .size = {x->numel}, .stride = {1}};
  } else {
    if (x->ndim == 0) return op_error(c, "a dimension of a tensor that has none");
    if (!op_axis(c, c->arg[DIM].i, x->ndim, axis)) return false;
    strided_dense(v, x);
  }
  strided_insert(v, *axis + 1, (uint64_t)c->arg[REPEATS].i, 0);
  return true;
}
bool repeat_interleave_shape(struct op_call *c) {
  struct strided v;
  uint32_t axis;
  if (!repeat_interleave_view(c, &v, &axis)) return false;
  if (!try_mul(v.size[axis], v.size[axis + 1], &v.size[axis]))
    return op_error(c, "the result has too many elements");
  strided_move(&v, axis + 1, v.ndim - 1);
  return op_result(c, op_tensor(c, INPUT)->type, v.size, v.ndim - 1);
}
bool repeat_interleave_run(struct op_call *c) {
  struct strided v;
  uint32_t axis;
  if (!repeat_interleave_view(c, &v, &axis)) return false;
  strided_copy(c->out->data.out, op_tensor(c, INPUT), &v);
  return true;
}

/* ---- flip, roll ---- */

static bool flip_view(struct op_call *c, struct strided *v) {
  enum { DIMS = 1 };
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t axis[FT_DIMS] = {0}, n;
  if (!read_axes(c, &c->arg[DIMS], x->ndim, axis, &n)) return false;
  strided_dense(v, x);
  for (uint32_t i = 0; x->numel && i < n && axis[i] < x->ndim; i++) {
    v->offset += ((int64_t)x->size[axis[i]] - 1) * v->stride[axis[i]];
    v->stride[axis[i]] = -v->stride[axis[i]];
  }
  return true;
}
VIEW_OP(flip)
