/* Operations that only look at the same elements in another way. */
#include "forward/families.h"

enum { INPUT, SHAPE };               /* view */
enum { START_DIM = 1, END_DIM = 2 }; /* flatten */

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
  enum { TRAINING = 2 };
  if (c->arg[TRAINING].i) return op_unsupported(c, "dropout with training=True: the pass is in eval mode");
  return shape_like_input(c);
}
