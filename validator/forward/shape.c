/* Operations that only look at the same elements in another way. */
#include "forward/families.h"

enum { INPUT, SHAPE };               /* view */
enum { START_DIM = 1, END_DIM = 2 }; /* flatten */
enum { DIM = 1 };                    /* squeeze, unsqueeze */

/* The size that -1 stands for. */
static bool infer_size(struct op_call *c, uint64_t *size, uint32_t ndim, uint32_t unknown) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint64_t known = 1;
  for (uint32_t i = 0; i < ndim; i++)
    if (i != unknown && !try_mul(known, size[i], &known))
      return op_error(c, "a shape with too many elements");
  if (known == 0) return op_error(c, "-1 can stand for any size where another size is 0");
  if (x->numel % known)
    return op_error(c, "%s has %llu elements, not a multiple of %llu", ft_shape_text(c->arena, x),
                    (unsigned long long)x->numel, (unsigned long long)known);
  size[unknown] = x->numel / known;
  return true;
}

static bool read_sizes(struct op_call *c, const struct op_value *shape, uint64_t *size, uint32_t *unknown) {
  *unknown = UINT32_MAX;
  for (uint32_t i = 0; i < shape->n; i++) {
    if (shape->ints[i] < -1) return op_error(c, "a size of %lld", (long long)shape->ints[i]);
    if (shape->ints[i] == -1 && *unknown != UINT32_MAX) return op_error(c, "-1 twice in one shape");
    if (shape->ints[i] == -1) *unknown = i;
    size[i] = shape->ints[i] < 0 ? 1 : (uint64_t)shape->ints[i];
  }
  return true;
}

bool view_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  struct op_value shape = c->arg[SHAPE];
  if (shape.kind == OPV_INT) { /* shape=6 by keyword */
    shape.ints = &c->arg[SHAPE].i;
    shape.n = 1;
  }
  if (shape.n > FT_DIMS)
    return op_unsupported(c, "a view of %u dimensions; at most %d are supported", shape.n, FT_DIMS);
  uint64_t size[FT_DIMS] = {0};
  uint32_t unknown;
  if (!read_sizes(c, &shape, size, &unknown)) return false;
  if (unknown != UINT32_MAX && !infer_size(c, size, shape.n, unknown)) return false;
  if (!op_result(c, x->type, size, shape.n)) return false;
  return c->out->numel == x->numel ||
         op_error(c, "%s has %llu elements, the new shape %s has %llu", ft_shape_text(c->arena, x),
                  (unsigned long long)x->numel, ft_shape_text(c->arena, c->out),
                  (unsigned long long)c->out->numel);
}

/* One dimension becomes several; -1 stands for what is left of it. */
bool unflatten_shape(struct op_call *c) {
  enum { WHICH = 1, SIZES };
  const struct ftensor *x = op_tensor(c, INPUT);
  const struct op_value *sizes = &c->arg[SIZES];
  const int64_t *list = sizes->kind == OPV_INT ? &sizes->i : sizes->ints;
  const uint32_t n = sizes->kind == OPV_INT ? 1 : sizes->n;
  uint32_t dim, unknown = UINT32_MAX;
  uint64_t size[FT_DIMS] = {0}, known = 1;
  if (!op_axis(c, c->arg[WHICH].i, x->ndim, &dim)) return false;
  if (x->ndim == 0 || n == 0) return op_error(c, "unflattened_size is empty, or the input has no dimensions");
  if (n > FT_DIMS || x->ndim - 1 + n > FT_DIMS)
    return op_unsupported(c, "a result of more than %d dimensions", FT_DIMS);
  for (uint32_t i = 0; i < x->ndim; i++) size[i < dim ? i : i + n - 1] = x->size[i];
  for (uint32_t i = 0; i < n; i++) {
    if (list[i] < -1 || (list[i] == -1 && unknown != UINT32_MAX))
      return op_error(c, "a size of %lld", (long long)list[i]);
    if (list[i] == -1)
      unknown = i;
    else if (!try_mul(known, (uint64_t)list[i], &known))
      return op_error(c, "unflattened_size has too many elements");
    size[dim + i] = (uint64_t)list[i];
  }
  if (unknown != UINT32_MAX && known == 0)
    return op_error(c, "-1 can stand for any size where another size is 0");
  if (unknown != UINT32_MAX) size[dim + unknown] = x->size[dim] / known;
  if (unknown != UINT32_MAX ? x->size[dim] % known != 0 : x->size[dim] != known)
    return op_error(c, "unflattened_size does not come to the %llu elements of dimension %u",
                    (unsigned long long)x->size[dim], dim);
  return op_result(c, x->type, size, x->ndim - 1 + n);
}

bool flatten_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t start, end;
  if (!op_axis(c, c->arg[START_DIM].i, x->ndim, &start) || !op_axis(c, c->arg[END_DIM].i, x->ndim, &end))
    return false;
  if (start > end) return op_error(c, "start_dim %u is behind end_dim %u", start, end);
  uint64_t size[FT_DIMS] = {0};
  uint32_t n = 0;
  for (uint32_t i = 0; i < start; i++) size[n++] = x->size[i];
  size[n] = 1;
  for (uint32_t i = start; i <= end && i < x->ndim; i++) size[n] *= x->size[i]; /* at most numel, or 0 */
  n++;
  for (uint32_t i = end + 1; i < x->ndim; i++) size[n++] = x->size[i];
  return op_result(c, x->type, size, n);
}

bool dropout_shape(struct op_call *c) {
  enum { P = 1, TRAINING };
  if (c->arg[TRAINING].i && op_number(c, P) != 0)
    return op_unsupported(c, "dropout with training=True: the pass is in eval mode");
  return shape_like_input(c);
}

/* squeeze(x), squeeze(x, dim), squeeze(x, dims): dimensions of size 1 go, others stay. */
bool squeeze_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const struct op_value *dims = &c->arg[DIM];
  const uint32_t n = dims->kind == OPV_INTS ? dims->n : 1;
  bool asked[FT_DIMS] = {false};
  for (uint32_t i = 0; dims->kind != OPV_NONE && i < n; i++) {
    uint32_t axis;
    if (!op_axis(c, dims->kind == OPV_INTS ? dims->ints[i] : dims->i, x->ndim, &axis)) return false;
    asked[axis] = true;
  }
  uint64_t size[FT_DIMS] = {0};
  uint32_t left = 0;
  for (uint32_t i = 0; i < x->ndim; i++)
    if (x->size[i] != 1 || (dims->kind != OPV_NONE && !asked[i])) size[left++] = x->size[i];
  return op_result(c, x->type, size, left);
}

bool unsqueeze_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint64_t size[FT_DIMS + 1] = {0};
  uint32_t axis;
  if (!op_axis(c, c->arg[DIM].i, x->ndim + 1, &axis)) return false;
  memcpy(size, x->size, axis * sizeof size[0]);
  size[axis] = 1;
  memcpy(size + axis + 1, x->size + axis, (x->ndim - axis) * sizeof size[0]);
  return op_result(c, x->type, size, x->ndim + 1);
}

/* view_as, reshape_as */
bool view_as_shape(struct op_call *c) {
  enum { OTHER = 1 };
  const struct ftensor *x = op_tensor(c, INPUT), *y = op_tensor(c, OTHER);
  if (x->numel != y->numel)
    return op_error(c, "%s can't have the shape %s", ft_shape_text(c->arena, x), ft_shape_text(c->arena, y));
  return op_result(c, x->type, y->size, y->ndim);
}
