/* Linear layers of other kinds: Bilinear, and the Conv1D of transformers, whose weight is that of a Linear
 * transposed. */
#include "forward/families.h"

static bool bias_fits(struct op_call *c, const struct ftensor *bias, uint64_t out) {
  if (!bias) return true;
  if (!op_wants_f32(c, "bias", bias)) return false;
  return (bias->ndim == 1 && bias->size[0] == out) ||
         op_error(c, "bias %s, expected [%llu]", ft_shape_text(c->arena, bias), (unsigned long long)out);
}

static bool last_is(struct op_call *c, const struct ftensor *x, uint64_t n) {
  if (!op_wants_f32(c, "input", x)) return false;
  return (x->ndim && x->size[x->ndim - 1] == n) ||
         op_error(c, "input %s does not end in %llu", ft_shape_text(c->arena, x), (unsigned long long)n);
}

static bool with_last(struct op_call *c, const struct ftensor *x, uint64_t n) {
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, x->size, sizeof size);
  size[x->ndim - 1] = n;
  return op_result(c, FT_F32, size, x->ndim);
}

static void add_bias(struct op_call *c, const struct ftensor *bias, uint64_t out) {
  float *y = ft_f32_out(c->out);
  for (uint64_t at = 0; bias && at < c->out->numel; at += out)
    for (uint64_t i = 0; i < out; i++) y[at + i] += ft_f32(bias)[i];
}

static bool too_wide(struct op_call *c) {
  return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
}

/* ---- transformers_conv1d: input (…, in) · weight (in, out) + bias (out) ---- */

enum { INPUT, WEIGHT, BIAS };

bool transformers_conv1d_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *w = op_tensor(c, WEIGHT);
  if (!op_wants_f32(c, "weight", w)) return false;
  if (w->ndim != 2) return op_error(c, "weight %s, expected 2 dimensions", ft_shape_text(c->arena, w));
  return last_is(c, x, w->size[0]) && bias_fits(c, op_tensor_or_null(c, BIAS), w->size[1]) &&
         with_last(c, x, w->size[1]);
}

uint64_t transformers_conv1d_cost(const struct op_call *c) {
  return saturating_mul(saturating_mul(2, op_tensor(c, WEIGHT)->size[0]), c->out->numel);
}

bool transformers_conv1d_run(struct op_call *c) {
  const struct ftensor *w = op_tensor(c, WEIGHT);
  const uint64_t in = w->size[0], out = w->size[1];
  if (c->out->numel == 0) return true;
  if (!gemm_multiply(c->gemm, c->out->numel / out, out, in,
                     (struct gemm_operand){ft_f32(op_tensor(c, INPUT)), in, false},
                     (struct gemm_operand){ft_f32(w), out, false}, ft_f32_out(c->out), out))
    return too_wide(c);
  add_bias(c, op_tensor_or_null(c, BIAS), out);
  return true;
}

/* ---- bilinear: for each output o, input1 · weight[o] · input2 ---- */

enum { INPUT1, INPUT2, BI_WEIGHT, BI_BIAS };

bool bilinear_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT1), *y = op_tensor(c, INPUT2), *w = op_tensor(c, BI_WEIGHT);
  if (!op_wants_f32(c, "weight", w)) return false;
  if (w->ndim != 3) return op_error(c, "weight %s, expected 3 dimensions", ft_shape_text(c->arena, w));
  if (!last_is(c, x, w->size[1]) || !last_is(c, y, w->size[2])) return false;
  if (x->ndim != y->ndim || memcmp(x->size, y->size, (x->ndim - 1) * sizeof x->size[0]) != 0)
    return op_error(c, "inputs %s and %s differ before their last dimension", ft_shape_text(c->arena, x),
                    ft_shape_text(c->arena, y));
  return bias_fits(c, op_tensor_or_null(c, BI_BIAS), w->size[0]) && with_last(c, x, w->size[0]);
}

uint64_t bilinear_cost(const struct op_call *c) {
  const struct ftensor *w = op_tensor(c, BI_WEIGHT);
  return saturating_mul(saturating_mul(2, c->out->numel),
                        saturating_add(saturating_mul(w->size[1], w->size[2]), w->size[2]));
}

/* half (rows, in2) = input1 · weight[o]; a result is the sum over its row times that of input2. */
static bool bilinear_output(struct op_call *c, uint64_t o, uint64_t rows, float *half) {
  const struct ftensor *w = op_tensor(c, BI_WEIGHT);
  const uint64_t out = w->size[0], in1 = w->size[1], in2 = w->size[2];
  const float *y = ft_f32(op_tensor(c, INPUT2));
  if (!gemm_multiply(c->gemm, rows, in2, in1, (struct gemm_operand){ft_f32(op_tensor(c, INPUT1)), in1, false},
                     (struct gemm_operand){ft_f32(w) + o * in1 * in2, in2, false}, half, in2))
    return too_wide(c);
  for (uint64_t r = 0; r < rows; r++) {
    double sum = 0;
    for (uint64_t i = 0; i < in2; i++) sum += (double)half[r * in2 + i] * (double)y[r * in2 + i];
    ft_f32_out(c->out)[r * out + o] = (float)sum;
  }
  return true;
}

bool bilinear_run(struct op_call *c) {
  const struct ftensor *w = op_tensor(c, BI_WEIGHT);
  if (c->out->numel == 0) return true;
  const uint64_t rows = c->out->numel / w->size[0];
  float *half = fpool_take(c->pool, saturating_mul(saturating_mul(rows, w->size[2]), sizeof *half));
  bool done = half || op_no_memory(c);
  for (uint64_t o = 0; done && o < w->size[0]; o++) done = bilinear_output(c, o, rows, half);
  fpool_give(c->pool, half);
  if (done) add_bias(c, op_tensor_or_null(c, BI_BIAS), w->size[0]);
  return done;
}
