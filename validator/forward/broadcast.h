/* PyTorch's broadcasting: shapes are aligned at their last dimension, and a dimension of size 1, or one that
 * is not there, counts as many as the others have. */
#ifndef CKPTLINT_FORWARD_BROADCAST_H
#define CKPTLINT_FORWARD_BROADCAST_H

#include "forward/strided.h"

/* A shape that is being broadcast; starts as {0}, a shape of no dimensions. */
struct broadcast {
  uint32_t ndim;
  uint64_t size[FT_DIMS];
};
/* Broadcasts t into *b. False: they don't fit (error). */
NODISCARD bool broadcast_with(struct op_call *c, struct broadcast *b, const struct ftensor *t);
/* t under the broadcast shape, which it fits. */
void broadcast_view(struct strided *v, const struct ftensor *t, uint32_t ndim, const uint64_t *size);

#endif
