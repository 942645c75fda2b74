/* One axis of a sliding window: what convolutions and poolings share. */
#ifndef CKPTLINT_FORWARD_WINDOW_H
#define CKPTLINT_FORWARD_WINDOW_H

#include "forward/op.h"

struct window {
  uint64_t in, kernel, stride, dilation;
  uint64_t before, after; /* padding */
  uint64_t out;           /* positions: set by window_count */
};

/* Elements that the dilated kernel spans. */
static inline uint64_t window_reach(const struct window *w) { return w->dilation * (w->kernel - 1) + 1; }

/* The two ints of an argument that is an int or a tuple of one or two, each within [least, 2^31). */
NODISCARD bool window_pair(struct op_call *c, const char *name, const struct op_value *v, int64_t least,
                           uint64_t out[2]);

/* Positions: floor((in + padding - reach) / stride) + 1, or PyTorch's ceil_mode: rounded up, but a last
 * window that would start in the padding behind the input is dropped. False when the kernel does not fit. */
NODISCARD bool window_count(struct op_call *c, struct window *w, bool ceil_mode);

#endif
