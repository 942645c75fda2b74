/* Windows as columns and back: torch.nn.Unfold and Fold, which PyTorch's own names im2col and col2im tell
 * from Tensor.unfold. */
#include "forward/families.h"
#include "forward/window.h"

enum { DIMS = 2 };
enum { INPUT, KERNEL = 1, UNFOLD_DILATION, UNFOLD_PADDING, UNFOLD_STRIDE };
enum { OUTPUT_SIZE = 1, FOLD_KERNEL, FOLD_DILATION, FOLD_PADDING, FOLD_STRIDE };

/* image (batch, channels, height, width), columns (batch, channels * kernel, positions); the batch may be
 * missing */
struct columns {
  uint64_t batch, channels;
  struct window axis[AXES];
};

static bool read_axes(struct op_call *c, struct columns *k, const uint64_t in[DIMS], uint32_t first) {
  uint64_t kernel[AXES] = {0}, dilation[AXES] = {0}, padding[AXES] = {0}, stride[AXES] = {0};
  if (!window_ints(c, "kernel_size", &c->arg[first], DIMS, 1, kernel) ||
      !window_ints(c, "dilation", &c->arg[first + 1], DIMS, 1, dilation) ||
      !window_ints(c, "padding", &c->arg[first + 2], DIMS, 0, padding) ||
      !window_ints(c, "stride", &c->arg[first + 3], DIMS, 1, stride))
    return false;
  k->axis[Z] = WINDOW_OF_ONE;
  for (uint32_t i = 0, a = Y; i < DIMS; i++, a++) {
    k->axis[a] = (struct window){.in = in[i],
                                 .kernel = kernel[a],
                                 .stride = stride[a],
                                 .dilation = dilation[a],
                                 .before = padding[a],
                                 .after = padding[a]};
    if (!window_count(c, &k->axis[a], false)) return false;
  }
  return true;
}

/* Where an image's element lies that kernel element `e` meets at position `p`; -1: in the padding. */
static int64_t source(const struct columns *k, uint64_t e, uint64_t p) {
  const struct window *y = &k->axis[Y], *x = &k->axis[X];
  const uint64_t at_y = p / x->out * y->stride + e / x->kernel * y->dilation;
  const uint64_t at_x = p % x->out * x->stride + e % x->kernel * x->dilation;
  const int64_t iy = padding_source(PAD_ZEROS, y->in, (int64_t)at_y - (int64_t)y->before);
  const int64_t ix = padding_source(PAD_ZEROS, x->in, (int64_t)at_x - (int64_t)x->before);
  return iy < 0 || ix < 0 ? -1 : iy * (int64_t)x->in + ix;
}

/* ---- im2col ---- */

static bool unfold_read(struct op_call *c, struct columns *k) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim != 3 && x->ndim != 4)
    return op_error(c, "input %s, expected [batch, channels, height, width]", ft_shape_text(c->arena, x));
  const uint64_t *chw = x->size + (x->ndim - 3);
  *k = (struct columns){.batch = x->ndim == 4 ? x->size[0] : 1, .channels = chw[0]};
  if (chw[0] == 0 || chw[1] == 0 || chw[2] == 0)
    return op_error(c, "input %s has no elements to unfold", ft_shape_text(c->arena, x));
  return read_axes(c, k, chw + 1, KERNEL);
}

bool im2col_shape(struct op_call *c) {
  struct columns k;
  uint64_t rows, positions;
  if (!unfold_read(c, &k)) return false;
  if (!try_mul(k.channels, window_kernel(k.axis), &rows) ||
      !try_mul(k.axis[Y].out, k.axis[X].out, &positions))
    return op_error(c, "the result has too many elements");
  const uint64_t size[] = {k.batch, rows, positions};
  const uint32_t ndim = op_tensor(c, INPUT)->ndim - 1;
  return op_result(c, FT_F32, size + (3 - ndim), ndim);
}

bool im2col_run(struct op_call *c) {
  struct columns k;
  if (!unfold_read(c, &k)) return false;
  const float *image = ft_f32(op_tensor(c, INPUT));
  float *out = ft_f32_out(c->out);
  for (uint64_t n = 0; n < k.batch * k.channels; n++, image += window_in(k.axis))
    for (uint64_t e = 0; e < window_kernel(k.axis); e++)
      for (uint64_t p = 0; p < window_out(k.axis); p++) {
        const int64_t from = source(&k, e, p);
        *out++ = from < 0 ? 0 : image[from];
      }
  return true;
}

/* ---- col2im: where windows overlap, their elements are added ---- */

static bool fold_read(struct op_call *c, struct columns *k) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint64_t size[AXES] = {0};
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim != 2 && x->ndim != 3)
    return op_error(c, "input %s, expected [batch, columns, positions]", ft_shape_text(c->arena, x));
  if (!window_ints(c, "output_size", &c->arg[OUTPUT_SIZE], DIMS, 1, size)) return false;
  *k = (struct columns){.batch = x->ndim == 3 ? x->size[0] : 1};
  if (!read_axes(c, k, size + Y, FOLD_KERNEL)) return false;
  const uint64_t rows = x->size[x->ndim - 2], positions = x->size[x->ndim - 1], each = window_kernel(k->axis);
  if (rows == 0 || rows % each || saturating_mul(k->axis[Y].out, k->axis[X].out) != positions)
    return op_error(c, "input %s, expected a multiple of %llu columns and %llu positions",
                    ft_shape_text(c->arena, x), (unsigned long long)each,
                    (unsigned long long)saturating_mul(k->axis[Y].out, k->axis[X].out));
  k->channels = rows / each;
  return true;
}

bool fold_shape(struct op_call *c) {
  struct columns k;
  if (!fold_read(c, &k)) return false;
  const uint64_t size[] = {k.batch, k.channels, k.axis[Y].in, k.axis[X].in};
  const uint32_t ndim = op_tensor(c, INPUT)->ndim + 1;
  return op_result(c, FT_F32, size + (4 - ndim), ndim);
}

uint64_t fold_cost(const struct op_call *c) {
  return saturating_add(op_tensor(c, INPUT)->numel, c->out->numel);
}

bool fold_run(struct op_call *c) {
  struct columns k;
  if (!fold_read(c, &k)) return false;
  const float *in = ft_f32(op_tensor(c, INPUT));
  float *image = ft_f32_out(c->out);
  memset(image, 0, ft_bytes(c->out));
  for (uint64_t n = 0; n < k.batch * k.channels; n++, image += window_in(k.axis))
    for (uint64_t e = 0; e < window_kernel(k.axis); e++)
      for (uint64_t p = 0; p < window_out(k.axis); p++, in++) {
        const int64_t to = source(&k, e, p);
        if (to >= 0) image[to] += *in;
      }
  return true;
}
