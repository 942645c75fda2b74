/* The softmax family: exp(x) over its sum along one dimension, after the largest element is subtracted. */
#include "forward/families.h"

#include <math.h>

enum { INPUT, DIM, DTYPE };

/* What torch.nn.functional takes when no dimension is given. */
static int64_t implicit_dim(uint32_t ndim) { return ndim == 0 || ndim == 1 || ndim == 3 ? 0 : 1; }

static bool softmax_dim(struct op_call *c, uint32_t *out) {
  const uint32_t ndim = op_tensor(c, INPUT)->ndim;
  const struct op_value *dim = &c->arg[DIM];
  return op_axis(c, dim->kind == OPV_NONE ? implicit_dim(ndim) : dim->i, ndim, out);
}

bool softmax_shape(struct op_call *c) {
  uint32_t dim;
  if (c->arg[DTYPE].kind == OPV_DTYPE && c->arg[DTYPE].i != FT_F32)
    return op_error(c, "a result of %s", ft_name((enum ftype)c->arg[DTYPE].i));
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && softmax_dim(c, &dim) && shape_like_input(c);
}

/* torch.nn.Softmax2d: over the channels of an image */
bool softmax2d_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (x->ndim != 3 && x->ndim != 4)
    return op_error(c, "input %s, expected [batch, channels, height, width]", ft_shape_text(c->arena, x));
  return op_wants_f32(c, "input", x) && shape_like_input(c);
}

uint64_t softmax_cost(const struct op_call *c) { return saturating_mul(4, c->out->numel); }

/* n elements, `step` apart; `sign` -1 for softmin. */
typedef void line_fn(float *out, const float *in, uint64_t n, uint64_t step, float sign);

static float largest(const float *in, uint64_t n, uint64_t step, float sign) {
  float max = -INFINITY;
  for (uint64_t i = 0; i < n; i++) max = sign * in[i * step] > max ? sign * in[i * step] : max;
  return max;
}

static void softmax_line(float *out, const float *in, uint64_t n, uint64_t step, float sign) {
  const float max = largest(in, n, step, sign);
  double sum = 0;
  for (uint64_t i = 0; i < n; i++) {
    out[i * step] = expf(sign * in[i * step] - max);
    sum += (double)out[i * step];
  }
  const float scale = (float)(1 / sum);
  for (uint64_t i = 0; i < n; i++) out[i * step] *= scale;
}

static void log_softmax_line(float *out, const float *in, uint64_t n, uint64_t step, float sign) {
  const float max = largest(in, n, step, sign);
  double sum = 0;
  for (uint64_t i = 0; i < n; i++) sum += (double)expf(sign * in[i * step] - max);
  const float log_sum = (float)log(sum);
  for (uint64_t i = 0; i < n; i++) out[i * step] = sign * in[i * step] - max - log_sum;
}

static bool each_line(const struct op_call *c, uint32_t dim, line_fn *line, float sign) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (x->numel == 0) return true;
  const uint64_t n = x->ndim ? x->size[dim] : 1;
  uint64_t inner = 1;
  for (uint32_t i = dim + 1; i < x->ndim; i++) inner *= x->size[i];
  for (uint64_t at = 0; at < x->numel; at += n * inner)
    for (uint64_t i = 0; i < inner; i++)
      line(ft_f32_out(c->out) + at + i, ft_f32(x) + at + i, n, inner, sign);
  return true;
}

bool softmax_run(struct op_call *c) {
  uint32_t dim;
  return softmax_dim(c, &dim) && each_line(c, dim, softmax_line, 1);
}
bool softmin_run(struct op_call *c) {
  uint32_t dim;
  return softmax_dim(c, &dim) && each_line(c, dim, softmax_line, -1);
}
bool log_softmax_run(struct op_call *c) {
  uint32_t dim;
  return softmax_dim(c, &dim) && each_line(c, dim, log_softmax_line, 1);
}
bool softmax2d_run(struct op_call *c) { return each_line(c, op_tensor(c, INPUT)->ndim - 3, softmax_line, 1); }
