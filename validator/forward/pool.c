/* Poolings. */
#include "forward/families.h"
#include "forward/window.h"

#include <math.h>

enum { INPUT, KERNEL_SIZE, STRIDE, PADDING, DILATION, CEIL_MODE, RETURN_INDICES };

struct pool {
  uint64_t planes; /* batch * channels */
  struct window axis[AXES];
};

/* input (batch, channels, h, w) or (channels, h, w) */
static bool max_pool2d_read(struct op_call *c, struct pool *p) {
  const struct ftensor *input = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", input)) return false;
  if (input->ndim != 3 && input->ndim != 4)
    return op_error(c, "input %s, expected [batch, channels, height, width]", ft_shape_text(c->arena, input));
  if (c->arg[RETURN_INDICES].i) return op_unsupported(c, "max_pool2d with return_indices=True");
  const struct op_value *stride = &c->arg[c->arg[STRIDE].kind == OPV_NONE ? KERNEL_SIZE : STRIDE];
  uint64_t kernel[AXES] = {0}, step[AXES] = {0}, padding[AXES] = {0}, dilation[AXES] = {0};
  if (!window_ints(c, "kernel_size", &c->arg[KERNEL_SIZE], 2, 1, kernel) ||
      !window_ints(c, "stride", stride, 2, 1, step) ||
      !window_ints(c, "padding", &c->arg[PADDING], 2, 0, padding) ||
      !window_ints(c, "dilation", &c->arg[DILATION], 2, 1, dilation))
    return false;
  for (uint32_t i = Y; i < AXES; i++) {
    struct window *w = &p->axis[i];
    *w = (struct window){.in = input->size[input->ndim - AXES + i],
                         .kernel = kernel[i],
                         .stride = step[i],
                         .dilation = dilation[i],
                         .before = padding[i],
                         .after = padding[i]};
    if (w->in == 0) return op_error(c, "a pooling over an empty axis");
    /* PyTorch's rule: no window may lie in the padding alone. */
    if (padding[i] > window_reach(w) / 2)
      return op_error(c, "padding is %llu, more than half of the kernel's reach %llu",
                      (unsigned long long)padding[i], (unsigned long long)window_reach(w));
    if (!window_count(c, w, c->arg[CEIL_MODE].i != 0)) return false;
  }
  p->planes = 1;
  for (uint32_t i = 0; i + 2 < input->ndim; i++) p->planes *= input->size[i];
  return true;
}

bool max_pool2d_shape(struct op_call *c) {
  struct pool p = {.planes = 0};
  if (!max_pool2d_read(c, &p)) return false;
  const struct ftensor *input = op_tensor(c, INPUT);
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, input->size, sizeof size);
  size[input->ndim - 2] = p.axis[Y].out;
  size[input->ndim - 1] = p.axis[X].out;
  return op_result(c, FT_F32, size, input->ndim);
}

uint64_t max_pool2d_cost(const struct op_call *c) {
  struct op_call copy = *c;
  struct pool p = {.planes = 0};
  if (!max_pool2d_read(&copy, &p)) return 0;
  return saturating_mul(c->out->numel, saturating_mul(p.axis[Y].kernel, p.axis[X].kernel));
}

/* First kernel element that lies in the input when the window starts at `start` of the padded axis. */
static uint64_t first_inside(const struct window *w, uint64_t start) {
  return start >= w->before ? 0 : (w->before - start + w->dilation - 1) / w->dilation;
}

/* The largest element of one window. The padding counts as -inf; a NaN wins, as in PyTorch. */
static float window_max(const float *plane, const struct pool *p, uint64_t oy, uint64_t ox) {
  const struct window *y = &p->axis[Y], *x = &p->axis[X];
  const uint64_t y0 = oy * y->stride, x0 = ox * x->stride;
  float best = -INFINITY;
  for (uint64_t ky = first_inside(y, y0); ky < y->kernel; ky++) {
    uint64_t iy = y0 + ky * y->dilation - y->before;
    if (iy >= y->in) break;
    for (uint64_t kx = first_inside(x, x0); kx < x->kernel; kx++) {
      uint64_t ix = x0 + kx * x->dilation - x->before;
      if (ix >= x->in) break;
      float value = plane[iy * x->in + ix];
      if (value > best || isnan(value)) best = value;
    }
  }
  return best;
}

bool max_pool2d_run(struct op_call *c) {
  struct pool p = {.planes = 0};
  if (!max_pool2d_read(c, &p)) return false;
  const float *plane = ft_f32(op_tensor(c, INPUT));
  float *out = ft_f32_out(c->out);
  for (uint64_t i = 0; i < p.planes; i++, plane += p.axis[Y].in * p.axis[X].in)
    for (uint64_t oy = 0; oy < p.axis[Y].out; oy++)
      for (uint64_t ox = 0; ox < p.axis[X].out; ox++) *out++ = window_max(plane, &p, oy, ox);
  return true;
}
