#include "forward/broadcast.h"

bool broadcast_with(struct op_call *c, struct broadcast *b, const struct ftensor *t) {
  struct broadcast wider = {.ndim = t->ndim > b->ndim ? t->ndim : b->ndim};
  for (uint32_t i = 0; i < wider.ndim; i++) {
    const uint32_t none_b = wider.ndim - b->ndim, none_t = wider.ndim - t->ndim;
    const uint64_t one = i < none_b ? 1 : b->size[i - none_b], other = i < none_t ? 1 : t->size[i - none_t];
    if (one != other && one != 1 && other != 1) {
      struct ftensor so_far = {.ndim = b->ndim};
      memcpy(so_far.size, b->size, sizeof so_far.size);
      return op_error(c, "%s and %s don't broadcast", ft_shape_text(c->arena, &so_far),
                      ft_shape_text(c->arena, t));
    }
    wider.size[i] = one == 1 ? other : one;
  }
  *b = wider;
  return true;
}

void broadcast_view(struct strided *v, const struct ftensor *t, uint32_t ndim, const uint64_t *size) {
  strided_dense(v, t);
  while (v->ndim < ndim) strided_insert(v, 0, 1, 0);
  for (uint32_t i = 0; i < ndim; i++) {
    if (v->size[i] == 1) v->stride[i] = 0;
    v->size[i] = size[i];
  }
}
