/* Special functions, elementwise in double, and the functions of two numbers that the C library has. */
#include <math.h>

#include "forward/binary.h"
#include "forward/families.h"
#include "forward/unary.h"

enum { INPUT, OTHER };

#define PI 3.14159265358979323846

/* ---- gamma ---- */

/* Above 8 by the series of Stirling (Abramowitz and Stegun 6.3.18), below by recurrence. */
static double digamma_of_positive(double x) {
  double below = 0;
  while (x < 8) {
    below -= 1 / x;
    x++;
  }
  const double y = 1 / (x * x);
  return below + log(x) - 0.5 / x -
         y * (1. / 12 - y * (1. / 120 - y * (1. / 252 - y * (1. / 240 - y * (1. / 132 - y * 691. / 32760)))));
}
/* A pole is infinite at 0, which has a sign, and NaN elsewhere, as torch has it. */
static double digamma_of(double x) {
  if (x > 0 || isnan(x)) return digamma_of_positive(x);
  if (x >= 0) return signbit(x) ? HUGE_VAL : -HUGE_VAL;
  if (floor(x) >= x) return (double)NAN;
  return digamma_of_positive(1 - x) - PI / tan(PI * fmod(x, 1));
}
static float digammaf(float x) { return (float)digamma_of((double)x); }
static float lgamma_of(float x) {
  int sign; /* lgamma has a variable of the whole process for it */
  return (float)lgamma_r((double)x, &sign);
}

/* ---- the normal distribution ---- */

/* Newton's steps on erf from the approximation of Winitzki (2008); near 1 on erfc, which keeps its digits
 * there. */
static double erfinv_of(double y) {
  const double a = fabs(y);
  if (!(a < 1)) return a > 1 || isnan(a) ? (double)NAN : copysign(HUGE_VAL, y);
  const double l = log((1 - a) * (1 + a)), k = 2 / (PI * 0.147) + l / 2;
  double x = sqrt(sqrt(k * k - l / 0.147) - k);
  for (int i = 0; i < 3; i++) {
    const double off = a > 0.5 ? (1 - a) - erfc(x) : erf(x) - a;
    x -= off * sqrt(PI) / 2 * exp(x * x);
  }
  return copysign(x, y);
}
static float erfinvf(float y) { return (float)erfinv_of((double)y); }
static float ndtrf(float x) { return (float)(0.5 * erfc((double)x / -sqrt(2))); }
static float ndtrif(float p) { return (float)(sqrt(2) * erfinv_of(2 * (double)p - 1)); }

/* exp(x * x) erfc(x); far out by its asymptotic expansion (Abramowitz and Stegun 7.1.23). */
static double erfcx_of(double x) {
  if (x < 10) return exp(x * x) * erfc(x);
  const double y = 1 / (2 * x * x);
  return (1 - y * (1 - 3 * y * (1 - 5 * y))) / (x * sqrt(PI));
}
static float erfcxf(float x) { return (float)erfcx_of((double)x); }
static float log_ndtrf(float x) {
  const double t = (double)x / sqrt(2);
  return (float)(x < -1 ? log(erfcx_of(-t) / 2) - t * t : log1p(-erfc(t) / 2));
}

/* ---- modified Bessel functions of the first kind, order 0 or 1, divided by exp(|x|) ---- */

/* Series up to 30, beyond it the asymptotic expansion (Abramowitz and Stegun 9.6.10, 9.7.1). */
static double bessel_scaled(double x, int order) {
  const double a = fabs(x);
  double term, sum;
  if (isinf(a)) return 0;
  if (a < 30) {
    term = sum = order ? a / 2 : 1;
    for (int k = 1; term > sum * 1e-17; k++) sum += term *= a * a / 4 / k / (k + order);
    sum *= exp(-a);
  } else {
    term = sum = 1;
    for (int k = 1; k < 12; k++) sum += term *= ((2. * k - 1) * (2. * k - 1) - 4. * order) / (8 * k * a);
    sum /= sqrt(2 * PI * a);
  }
  return order && x < 0 ? -sum : sum;
}
static float i0ef(float x) { return (float)bessel_scaled((double)x, 0); }
static float i1ef(float x) { return (float)bessel_scaled((double)x, 1); }
static float i0f(float x) { return (float)(bessel_scaled((double)x, 0) * exp(fabs((double)x))); }
static float i1f(float x) { return (float)(bessel_scaled((double)x, 1) * exp(fabs((double)x))); }

#define REAL(name, f) \
  bool name##_run(struct op_call *c) { return real_run(c, f); }
REAL(digamma, digammaf)
REAL(lgamma, lgamma_of)
REAL(erfinv, erfinvf)
REAL(ndtr, ndtrf)
REAL(ndtri, ndtrif)
REAL(log_ndtr, log_ndtrf)
REAL(erfcx, erfcxf)
REAL(i0, i0f)
REAL(i0e, i0ef)
REAL(i1, i1f)
REAL(i1e, i1ef)

/* ---- signs ---- */

ROW(copysign_f32, float, float, copysignf(x, y))
ROW(nextafter_f32, float, float, nextafterf(x, y))

bool copysign_shape(struct op_call *c) { return binary_shape(c, FT_F32); }
bool copysign_run(struct op_call *c) { return binary_run(c, FT_F32, copysign_f32); }
bool nextafter_shape(struct op_call *c) {
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && op_wants_f32(c, "other", op_tensor(c, OTHER)) &&
         binary_shape(c, FT_F32);
}
bool nextafter_run(struct op_call *c) { return binary_run(c, FT_F32, nextafter_f32); }

bool signbit_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  for (uint64_t i = 0; i < x->numel; i++)
    ft_bool_out(c->out)[i] = x->type == FT_F32   ? signbit(ft_f32(x)[i]) != 0
                             : x->type == FT_I64 ? ft_i64(x)[i] < 0
                                                 : false;
  return true;
}

/* ---- integers: greatest common divisor, least common multiple, shifts ---- */

static uint64_t magnitude(int64_t x) { return x < 0 ? (uint64_t)(-(x + 1)) + 1 : (uint64_t)x; }
static int64_t gcd_of(int64_t x, int64_t y) {
  uint64_t a = magnitude(x), b = magnitude(y);
  while (b) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return (int64_t)a;
}
static int64_t lcm_of(int64_t x, int64_t y) {
  const int64_t g = gcd_of(x, y);
  if (g == 0 || x == INT64_MIN || y == INT64_MIN) return 0;
  const int64_t product = wrapping_mul(x / g, y);
  return product < 0 ? wrapping_sub(0, product) : product;
}
static int64_t left_of(int64_t x, int64_t by) {
  if (by < 0 || by > 63) return 0;
  const uint64_t kept = (uint64_t)x & (UINT64_MAX >> (unsigned)by);
  return (int64_t)(kept << (unsigned)by);
}
/* a shift right is a division, rounded down */
static int64_t right_of(int64_t x, int64_t by) {
  if (by < 0 || by > 62) return x < 0 ? -1 : 0;
  const int64_t by_two = INT64_C(1) << (unsigned)by;
  return x / by_two - (x % by_two < 0);
}

ROW(gcd_i64, int64_t, int64_t, gcd_of(x, y))
ROW(lcm_i64, int64_t, int64_t, lcm_of(x, y))
ROW(left_i64, int64_t, int64_t, left_of(x, y))
ROW(right_i64, int64_t, int64_t, right_of(x, y))

bool integers_shape(struct op_call *c) {
  if (operands_type(&c->arg[INPUT], &c->arg[OTHER]) != FT_I64) return op_error(c, "it takes integers");
  return binary_shape(c, FT_I64);
}
bool gcd_run(struct op_call *c) { return binary_run(c, FT_I64, gcd_i64); }
bool lcm_run(struct op_call *c) { return binary_run(c, FT_I64, lcm_i64); }
bool bitwise_left_shift_run(struct op_call *c) { return binary_run(c, FT_I64, left_i64); }
bool bitwise_right_shift_run(struct op_call *c) { return binary_run(c, FT_I64, right_i64); }
