/* Activations: functions of one element. Formulas are those of PyTorch's CPU kernels
 * (aten/src/ATen/native/cpu/ Activation.cpp) in float32; the names of `act` are those of Hugging Face's
 * configs (transformers/activations.py). */
#include "forward/binary.h"
#include "forward/families.h"

#include <math.h>

enum { INPUT, A, B };

/* n elements of one function; a and b are its numbers, if it has any. */
typedef void map_fn(float *out, const float *in, uint64_t n, float a, float b);

static float logistic(float x) { return 1 / (1 + expf(-x)); }
static float clamp(float x, float low, float high) { /* NaN stays NaN; high wins over a low above it */
  const float y = x < low ? low : x;
  return y > high ? high : y;
}
static float exp_linear(float x, float alpha, float inner) {
  return x > 0 ? x : alpha * expm1f(x * inner); /* NaN stays NaN */
}

/* x * p(x²) / q(x²). Unlike the C library's functions these become vector instructions: in a transformer the
 * difference is a third of its time. The coefficients are Eigen's (Core/MathFunctionsImpl.h:
 * generic_fast_erf_float, generic_fast_tanh_float); within 4.2e-7 of the exact value for every float, as
 * measured. NaN stays NaN. */
static float fast_erf(float x) {
  const float y = clamp(x, -4, 4), s = y * y;
  float p = -2.72614225801306e-10f * s + 2.77068142495902e-08f;
  p = p * s - 2.10102402082508e-06f;
  p = p * s - 5.69250639462346e-05f;
  p = p * s - 7.34990630326855e-04f;
  p = p * s - 2.95459980854025e-03f;
  p = p * s - 1.60960333262415e-02f;
  float q = -1.45660718464996e-05f * s - 2.13374055278905e-04f;
  q = q * s - 1.68282697438203e-03f;
  q = q * s - 7.37332916720468e-03f;
  q = q * s - 1.42647390514189e-02f;
  return y * p / q;
}

static float fast_tanh(float x) {
  const float y = clamp(x, -7.90531110763549805f, 7.90531110763549805f), s = y * y;
  float p = -2.76076847742355e-16f * s + 2.00018790482477e-13f;
  p = p * s - 8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  float q = 1.19825839466702e-06f * s + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return y * p / q;
}

static float gelu_erf(float x) { return 0.5f * x * (1 + fast_erf(x * 0.70710678118654752f)); }
static float gelu_tanh(float x) {
  return 0.5f * x * (1 + fast_tanh(0.79788456080286536f * (x + 0.044715f * x * x * x)));
}
static float soft_plus(float x, float beta, float threshold) {
  return x * beta > threshold ? x : log1pf(expf(x * beta)) / beta;
}

/* clang-format off */
#define MAP(name, value)                                                                               \
  static void name##_map(float *out, const float *in, uint64_t n, float a, float b) {                  \
    (void)a, (void)b;                                                                                  \
    SAME_PLACES                                                                                        \
    for (uint64_t i = 0; i < n; i++) {                                                                 \
      const float x = in[i];                                                                           \
      out[i] = (value);                                                                                \
    }                                                                                                  \
  }
MAP(relu, x < 0 ? 0 : x) /* NaN stays NaN */
MAP(hardtanh, clamp(x, a, b))
MAP(leaky_relu, x > 0 ? x : x * a)
MAP(elu, exp_linear(x, a, 1))
MAP(celu, exp_linear(x, a, 1 / a))
MAP(selu, 1.0507009873554804934f * exp_linear(x, 1.6732632423543772848f, 1))
MAP(gelu, gelu_erf(x))
MAP(gelu_tanh, gelu_tanh(x))
MAP(silu, x * logistic(x))
MAP(mish, x * tanhf(log1pf(expf(x))))
MAP(sigmoid, logistic(x))
MAP(logsigmoid, fminf(x, 0) - log1pf(expf(-fabsf(x))))
MAP(tanh, tanhf(x))
MAP(tanhshrink, x - tanhf(x))
MAP(softplus, soft_plus(x, a, b))
MAP(softsign, x / (1 + fabsf(x)))
MAP(softshrink, x > a ? x - a : x < -a ? x + a : 0)
MAP(hardshrink, x >= -a && x <= a ? 0 : x)
MAP(hardsigmoid, clamp(x + 3, 0, 6) / 6)
MAP(hardswish, x * clamp(x + 3, 0, 6) / 6)
MAP(threshold, x <= a ? b : x)
/* Hugging Face's own */
MAP(linear, x)
MAP(gelu_10, clamp(gelu_erf(x), -10, 10))
MAP(quick_gelu, x * logistic(1.702f * x))
MAP(relu2, x < 0 ? 0 : x * x)
MAP(laplace, 0.5f * (1 + erff((x - 0.707107f) / (0.282095f * 1.4142135623730951f))))
#undef MAP
/* clang-format on */

static bool map(const struct op_call *c, map_fn *f, double a, double b) {
  const struct ftensor *x = op_tensor(c, INPUT);
  f(ft_f32_out(c->out), ft_f32(x), x->numel, (float)a, (float)b);
  return true;
}

bool act_shape(struct op_call *c) {
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && shape_like_input(c);
}

/* ---- without numbers ---- */

#define PLAIN(name) \
  bool name##_run(struct op_call *c) { return map(c, name##_map, 0, 0); }
PLAIN(selu)
PLAIN(silu)
PLAIN(mish)
PLAIN(logsigmoid)
PLAIN(tanhshrink)
PLAIN(softsign)
PLAIN(hardsigmoid)
PLAIN(hardswish)
#undef PLAIN

/* These two take integers, as exp does. */
static bool map_real(struct op_call *c, map_fn *f) {
  struct operand x;
  if (!operand_take(c, &c->arg[INPUT], FT_F32, &x)) return false;
  f(ft_f32_out(c->out), ft_f32(&x.t), c->out->numel, 0, 0);
  operand_give(c, &x);
  return true;
}
bool sigmoid_run(struct op_call *c) { return map_real(c, sigmoid_map); }
bool tanh_run(struct op_call *c) { return map_real(c, tanh_map); }

bool relu_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (x->type == FT_BOOL) return op_error(c, "relu of a bool tensor");
  return shape_like_input(c);
}

bool relu_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (x->type == FT_F32) return map(c, relu_map, 0, 0);
  for (uint64_t i = 0; i < x->numel; i++) ft_i64_out(c->out)[i] = ft_i64(x)[i] > 0 ? ft_i64(x)[i] : 0;
  return true;
}

bool relu6_run(struct op_call *c) { return map(c, hardtanh_map, 0, 6); }

/* ---- with numbers ---- */

#define NUMBERED(name) \
  bool name##_run(struct op_call *c) { return map(c, name##_map, op_number(c, A), op_number(c, B)); }
NUMBERED(leaky_relu)
NUMBERED(elu)
NUMBERED(celu)
NUMBERED(softplus)
NUMBERED(softshrink)
NUMBERED(hardshrink)
NUMBERED(hardtanh)
NUMBERED(threshold)
#undef NUMBERED

bool celu_shape(struct op_call *c) {
  if (op_number(c, A) == 0) return op_error(c, "alpha is 0");
  return act_shape(c);
}

bool softshrink_shape(struct op_call *c) {
  if (!(op_number(c, A) >= 0)) return op_error(c, "lambd is %g, expected at least 0", op_number(c, A));
  return act_shape(c);
}

/* In evaluation the slope is the mean of its bounds. */
bool rrelu_shape(struct op_call *c) {
  enum { TRAINING = 3 };
  if (c->arg[TRAINING].i) return op_unsupported(c, "rrelu with training=True: the pass is in eval mode");
  if (op_number(c, A) > op_number(c, B)) return op_error(c, "lower is greater than upper");
  return act_shape(c);
}

bool rrelu_run(struct op_call *c) {
  return map(c, leaky_relu_map, (op_number(c, A) + op_number(c, B)) / 2, 0);
}

/* ---- by name ---- */

bool gelu_shape(struct op_call *c) {
  struct span kind = c->arg[A].text;
  if (!span_is(kind, "none") && !span_is(kind, "tanh"))
    return op_error(c, "approximate is neither 'none' nor 'tanh'");
  return act_shape(c);
}

bool gelu_run(struct op_call *c) {
  return map(c, span_is(c->arg[A].text, "tanh") ? gelu_tanh_map : gelu_map, 0, 0);
}

static const struct named {
  const char *name;
  map_fn *map;
  float a, b;
} by_name[] = {
    {"gelu", gelu_map, 0, 0},
    {"gelu_10", gelu_10_map, 0, 0},
    {"gelu_accurate", gelu_tanh_map, 0, 0},
    {"gelu_fast", gelu_tanh_map, 0, 0},
    {"gelu_new", gelu_tanh_map, 0, 0},
    {"gelu_python", gelu_map, 0, 0},
    {"gelu_pytorch_tanh", gelu_tanh_map, 0, 0},
    {"laplace", laplace_map, 0, 0},
    {"leaky_relu", leaky_relu_map, 0.01f, 0},
    {"linear", linear_map, 0, 0},
    {"mish", mish_map, 0, 0},
    {"quick_gelu", quick_gelu_map, 0, 0},
    {"relu", relu_map, 0, 0},
    {"relu2", relu2_map, 0, 0},
    {"relu6", hardtanh_map, 0, 6},
    {"sigmoid", sigmoid_map, 0, 0},
    {"silu", silu_map, 0, 0},
    {"swish", silu_map, 0, 0},
    {"tanh", tanh_map, 0, 0},
};

static const struct named *find_named(struct span name) {
  for (size_t i = 0; i < ARRAY_LEN(by_name); i++)
    if (span_is(name, by_name[i].name)) return &by_name[i];
  return NULL;
}

bool named_shape(struct op_call *c) {
  struct span name = c->arg[A].text;
  if (!find_named(name))
    return op_unsupported(c, "no activation called '%.*s' is known", (int)min_size(name.n, 100),
                          (const char *)name.p);
  return act_shape(c);
}

bool named_run(struct op_call *c) {
  const struct named *f = find_named(c->arg[A].text);
  return f && map(c, f->map, (double)f->a, (double)f->b);
}

/* ---- prelu: a slope for all, or one for each channel (dimension 1) ---- */

bool prelu_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *w = op_tensor(c, A);
  if (!op_wants_f32(c, "weight", w) || !act_shape(c)) return false;
  if (w->ndim > 1) return op_error(c, "weight %s, expected one dimension", ft_shape_text(c->arena, w));
  if (w->numel == 1) return true;
  if (x->ndim == 0)
    return op_error(c, "%llu slopes for an input of no dimensions", (unsigned long long)w->numel);
  const uint64_t channels = x->ndim > 1 ? x->size[1] : 1;
  return w->numel == channels || op_error(c, "%llu slopes for %llu channels", (unsigned long long)w->numel,
                                          (unsigned long long)channels);
}

bool prelu_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *w = op_tensor(c, A);
  if (w->numel == 1) return map(c, leaky_relu_map, (double)ft_f32(w)[0], 0);
  uint64_t area = 1;
  for (uint32_t i = 2; i < x->ndim; i++) area *= x->size[i];
  for (uint64_t at = 0, channel = 0; at < x->numel;
       at += area, channel = channel + 1 == w->numel ? 0 : channel + 1)
    leaky_relu_map(ft_f32_out(c->out) + at, ft_f32(x) + at, area, ft_f32(w)[channel], 0);
  return true;
}

/* ---- glu: the first half of a dimension, gated by the second ---- */

bool glu_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t dim;
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim == 0) return op_error(c, "glu of a tensor without dimensions");
  if (!op_axis(c, c->arg[A].i, x->ndim, &dim)) return false;
  if (x->size[dim] % 2)
    return op_error(c, "glu halves dimension %u, which has %llu elements", dim,
                    (unsigned long long)x->size[dim]);
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, x->size, sizeof size);
  size[dim] /= 2;
  return op_result(c, FT_F32, size, x->ndim);
}

bool glu_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t dim;
  if (!op_axis(c, c->arg[A].i, x->ndim, &dim)) return false;
  uint64_t half = x->size[dim] / 2;
  for (uint32_t i = dim + 1; i < x->ndim; i++) half *= x->size[i];
  const float *in = ft_f32(x);
  float *out = ft_f32_out(c->out);
  for (uint64_t done = 0; done < c->out->numel; done += half, in += 2 * half, out += half)
    for (uint64_t i = 0; i < half; i++) out[i] = in[i] * logistic(in[half + i]);
  return true;
}
