/* One layer of an RNN, LSTM or GRU in one direction. Gates in PyTorch's order: LSTM i, f, g, o; GRU r, z, n
 * with n = tanh(W x + b + r * (U h + c)), which is not ONNX's default.
 *
 * The result is flat: the outputs [length, batch, out], then the last hidden state [batch, out], then for
 * an LSTM the last cell state [batch, hidden]. out is hidden, or less with a projection (weight_hr). */
#include <math.h>

#include "forward/families.h"

enum { INPUT, WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH, WEIGHT_HR, H0, C0, KIND, REVERSE };
enum kind { RNN_TANH, RNN_RELU, LSTM, GRU, KINDS };

struct recurrent {
  enum kind kind;
  uint64_t length, batch, in, hidden, out, gates; /* gates: rows of the weights, as many times hidden */
};

static bool read_kind(struct op_call *c, struct recurrent *r) {
  static const char *const names[KINDS] = {
      [RNN_TANH] = "tanh", [RNN_RELU] = "relu", [LSTM] = "lstm", [GRU] = "gru"};
  static const uint64_t gates[KINDS] = {[RNN_TANH] = 1, [RNN_RELU] = 1, [LSTM] = 4, [GRU] = 3};
  for (uint32_t i = 0; i < KINDS; i++) {
    if (!span_is(c->arg[KIND].text, names[i])) continue;
    r->kind = (enum kind)i;
    r->gates = gates[i];
    return true;
  }
  return op_error(c, "the nonlinearity is neither 'tanh' nor 'relu'");
}

static bool has_shape(struct op_call *c, const char *what, const struct ftensor *t, uint64_t rows,
                      uint64_t columns) {
  if (!t) return true;
  const bool fits = t->type == FT_F32 && (columns ? t->ndim == 2 && t->size[1] == columns : t->ndim == 1) &&
                    t->size[0] == rows;
  return fits || op_error(c, "%s is %s %s", what, ft_name(t->type), ft_shape_text(c->arena, t));
}

static bool recurrent_read(struct op_call *c, struct recurrent *r) {
  const struct ftensor *x = op_tensor(c, INPUT), *ih = op_tensor(c, WEIGHT_IH), *hh = op_tensor(c, WEIGHT_HH);
  const struct ftensor *hr = op_tensor_or_null(c, WEIGHT_HR);
  uint64_t flat, product;
  if (!read_kind(c, r) || !op_wants_f32(c, "input", x)) return false;
  if (x->ndim != 3)
    return op_error(c, "input %s, expected [length, batch, size]", ft_shape_text(c->arena, x));
  if (ih->ndim != 2 || ih->size[0] % r->gates || hh->ndim != 2 || hh->size[1] == 0)
    return op_error(c, "weights %s and %s", ft_shape_text(c->arena, ih), ft_shape_text(c->arena, hh));
  r->length = x->size[0];
  r->batch = x->size[1];
  r->in = x->size[2];
  r->hidden = ih->size[0] / r->gates;
  r->out = hr ? hr->size[0] : r->hidden;
  if (r->length == 0) return op_error(c, "a sequence of length 0");
  if (r->in != ih->size[1])
    return op_error(c, "input %s does not end in %llu, as the weights want", ft_shape_text(c->arena, x),
                    (unsigned long long)ih->size[1]);
  if (!try_add(r->length, 2, &flat) || !try_mul(flat, r->batch, &flat) || !try_mul(flat, r->hidden, &flat) ||
      !try_mul(r->length, r->batch, &product) || !try_mul(product, ih->size[0], &product) ||
      product > UINT64_MAX / 64)
    return op_error(c, "the result has too many elements");
  return has_shape(c, "weight_ih", ih, ih->size[0], r->in) &&
         has_shape(c, "weight_hh", hh, ih->size[0], r->out) &&
         has_shape(c, "bias_ih", op_tensor_or_null(c, BIAS_IH), ih->size[0], 0) &&
         has_shape(c, "bias_hh", op_tensor_or_null(c, BIAS_HH), ih->size[0], 0) &&
         has_shape(c, "weight_hr", hr, r->out, r->hidden) &&
         has_shape(c, "the hidden state", op_tensor_or_null(c, H0), r->batch, r->out) &&
         has_shape(c, "the cell state", op_tensor_or_null(c, C0), r->batch, r->hidden);
}

bool recurrent_shape(struct op_call *c) {
  struct recurrent r = {.gates = 0};
  if (!recurrent_read(c, &r)) return false;
  const uint64_t cell = r.kind == LSTM ? r.hidden : 0;
  const uint64_t n = (r.length + 1) * r.batch * r.out + r.batch * cell;
  return op_result(c, FT_F32, &n, 1);
}

uint64_t recurrent_cost(const struct op_call *c) {
  struct op_call copy = *c;
  struct recurrent r = {.gates = 0};
  if (!recurrent_read(&copy, &r)) return 0;
  const uint64_t step = saturating_mul(2 * r.gates, saturating_mul(r.hidden, saturating_add(r.in, r.out)));
  return saturating_mul(saturating_mul(r.length, r.batch), saturating_add(step, 20 * r.hidden));
}

/* ---- one step: gates from input (x) and state (u), both with their bias ---- */

static float sigmoid_of(float x) { return 1 / (1 + expf(-x)); }

/* The new hidden state of one element of the batch; an LSTM's is not yet projected. */
static void next_state(const struct recurrent *r, const float *x, const float *u, const float *before,
                       float *cell, float *h) {
  const uint64_t n = r->hidden;
  for (uint64_t i = 0; i < n; i++) {
    switch (r->kind) {
    case RNN_TANH: h[i] = tanhf(x[i] + u[i]); break;
    case RNN_RELU: h[i] = x[i] + u[i] < 0 ? 0 : x[i] + u[i]; break;
    case LSTM:
      cell[i] = sigmoid_of(x[n + i] + u[n + i]) * cell[i] +
                sigmoid_of(x[i] + u[i]) * tanhf(x[2 * n + i] + u[2 * n + i]);
      h[i] = sigmoid_of(x[3 * n + i] + u[3 * n + i]) * tanhf(cell[i]);
      break;
    case GRU: {
      const float reset = sigmoid_of(x[i] + u[i]), keep = sigmoid_of(x[n + i] + u[n + i]);
      const float fresh = tanhf(x[2 * n + i] + reset * u[2 * n + i]);
      h[i] = fresh + keep * (before[i] - fresh);
      break;
    }
    case KINDS: break;
    }
  }
}

/* rows · weightᵀ + bias */
static bool project(struct op_call *c, uint64_t rows, const float *x, const struct ftensor *weight,
                    const struct ftensor *bias, float *out) {
  const uint64_t n = weight->size[0], k = weight->size[1];
  if (!gemm_multiply(c->gemm, rows, n, k, (struct gemm_operand){x, k, false},
                     (struct gemm_operand){ft_f32(weight), k, true}, out, n))
    return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
  for (uint64_t r = 0; bias && r < rows; r++)
    for (uint64_t i = 0; i < n; i++) out[r * n + i] += ft_f32(bias)[i];
  return true;
}

struct scratch {
  float *x, *u, *cell, *raw,
      *zero; /* gates of the input (all steps), of the state; cells; states before projection; a state of 0 */
};

static bool run_steps(struct op_call *c, const struct recurrent *r, const struct scratch *s) {
  const struct ftensor *hr = op_tensor_or_null(c, WEIGHT_HR), *h0 = op_tensor_or_null(c, H0),
                       *c0 = op_tensor_or_null(c, C0);
  const uint64_t state = r->batch * r->out, width = r->gates * r->hidden, cells = r->batch * r->hidden;
  float *y = ft_f32_out(c->out);
  const float *before = h0 ? ft_f32(h0) : s->zero;
  memset(s->zero, 0, state * sizeof(float));
  if (c0)
    memcpy(s->cell, ft_f32(c0), cells * sizeof(float));
  else
    memset(s->cell, 0, cells * sizeof(float));
  if (!project(c, r->length * r->batch, ft_f32(op_tensor(c, INPUT)), op_tensor(c, WEIGHT_IH),
               op_tensor_or_null(c, BIAS_IH), s->x))
    return false;
  for (uint64_t i = 0; i < r->length; i++) {
    const uint64_t t = c->arg[REVERSE].i ? r->length - 1 - i : i;
    float *now = y + t * state, *raw = hr ? s->raw : now;
    if (!project(c, r->batch, before, op_tensor(c, WEIGHT_HH), op_tensor_or_null(c, BIAS_HH), s->u))
      return false;
    for (uint64_t b = 0; b < r->batch; b++)
      next_state(r, s->x + (t * r->batch + b) * width, s->u + b * width, before + b * r->out,
                 s->cell + b * r->hidden, raw + b * r->hidden);
    if (hr && !project(c, r->batch, raw, hr, NULL, now)) return false;
    before = now;
  }
  memcpy(y + r->length * state, before, state * sizeof(float));
  if (r->kind == LSTM) memcpy(y + (r->length + 1) * state, s->cell, cells * sizeof(float));
  return true;
}

bool recurrent_run(struct op_call *c) {
  struct recurrent r = {.gates = 0};
  if (!recurrent_read(c, &r)) return false;
  if (c->out->numel == 0) return true;
  const uint64_t width = r.gates * r.hidden, cells = r.batch * r.hidden;
  float *memory = fpool_take(
      c->pool, (r.length * r.batch * width + r.batch * width + 2 * cells + r.batch * r.out) * sizeof(float));
  if (!memory) return op_no_memory(c);
  struct scratch s = {.x = memory, .u = memory + r.length * r.batch * width};
  s.cell = s.u + r.batch * width;
  s.raw = s.cell + cells;
  s.zero = s.raw + cells;
  bool done = run_steps(c, &r, &s);
  fpool_give(c->pool, memory);
  return done;
}
