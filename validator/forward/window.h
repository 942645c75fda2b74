/* Sliding windows over up to three axes: what convolutions, their transposes and poolings share. Inputs of
 * fewer axes have axes of one element in front. */
#ifndef CKPTLINT_FORWARD_WINDOW_H
#define CKPTLINT_FORWARD_WINDOW_H

#include "forward/op.h"

enum { Z, Y, X, AXES };
/* What a convolution has of columns at a time: as much as stays in a core's second cache. On ResNet-18 a
 * sixth faster than 512 KiB, a quarter faster than 16 MiB. */
enum { COLUMN_BYTES = 1 << 20 };

/* One axis. */
struct window {
  uint64_t in, kernel, stride, dilation;
  uint64_t before, after; /* padding */
  uint64_t out;           /* positions: set by window_count */
};
#define WINDOW_OF_ONE ((struct window){.in = 1, .kernel = 1, .stride = 1, .dilation = 1, .out = 1})

/* Elements that the dilated kernel spans. */
static inline uint64_t window_reach(const struct window *w) { return w->dilation * (w->kernel - 1) + 1; }
/* Kernel elements, input elements, positions of all axes together. */
static inline uint64_t window_kernel(const struct window axis[AXES]) {
  return saturating_mul(saturating_mul(axis[Z].kernel, axis[Y].kernel), axis[X].kernel);
}
static inline uint64_t window_in(const struct window axis[AXES]) {
  return axis[Z].in * axis[Y].in * axis[X].in;
}
static inline uint64_t window_out(const struct window axis[AXES]) {
  return axis[Z].out * axis[Y].out * axis[X].out;
}

/* An argument that is an int or a tuple of one or `dims` ints, each within [least, 2^31): the last `dims` of
 * out. */
NODISCARD bool window_ints(struct op_call *c, const char *name, const struct op_value *v, uint32_t dims,
                           int64_t least, uint64_t out[AXES]);

/* Positions: floor((in + padding - reach) / stride) + 1, or PyTorch's ceil_mode: rounded up, but a last
 * window that would start in the padding behind the input is dropped. False when the kernel does not fit. */
NODISCARD bool window_count(struct op_call *c, struct window *w, bool ceil_mode);

/* ---- where the elements under a kernel come from ---- */

enum padding_mode { PAD_ZEROS, PAD_REFLECT, PAD_REPLICATE, PAD_CIRCULAR, PAD_MODES };

/* Of n elements, the one that stands at i, which may be in the padding on either side; -1: a zero. `mode`
 * must allow it: reflection reaches up to n - 1 elements, wrapping around up to n. */
int64_t padding_source(enum padding_mode mode, uint64_t n, int64_t i);

/* Along one axis: index[k * out + o] is the source of kernel element k at position o, -1 for a zero. Padding
 * modes, stride and dilation all end here. */
struct sources {
  int64_t *index;
  struct run { /* positions of kernel element k whose sources are consecutive, if all others are zeros */
    uint64_t first, end; /* end 0: they are not */
  } * run;
};
NODISCARD bool sources_init(struct sources s[AXES], struct fpool *pool, const struct window axis[AXES],
                            enum padding_mode mode); /* false: no memory; sources_free all the same */
void sources_free(struct fpool *pool, struct sources s[AXES]);

#endif
