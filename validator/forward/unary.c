/* Elementwise functions of one tensor. */
#include <math.h>

#include "forward/binary.h"
#include "forward/families.h"
#include "forward/unary.h"

enum { INPUT };

/* ---- float32 whatever the input ---- */

bool real_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  return op_result(c, FT_F32, x->size, x->ndim);
}

bool real_run(struct op_call *c, real_fn *f) {
  struct operand x;
  if (!operand_take(c, &c->arg[INPUT], FT_F32, &x)) return false;
  for (uint64_t i = 0; i < c->out->numel; i++) ft_f32_out(c->out)[i] = f(ft_f32(&x.t)[i]);
  operand_give(c, &x);
  return true;
}

static float rsqrt_of(float x) { return 1 / sqrtf(x); }
static float reciprocal_of(float x) { return 1 / x; }

#define REAL(name, f) \
  bool name##_run(struct op_call *c) { return real_run(c, f); }
REAL(exp, expf)
REAL(exp2, exp2f)
REAL(expm1, expm1f)
REAL(log, logf)
REAL(log2, log2f)
REAL(log10, log10f)
REAL(log1p, log1pf)
REAL(sqrt, sqrtf)
REAL(rsqrt, rsqrt_of)
REAL(reciprocal, reciprocal_of)
REAL(sin, sinf)
REAL(cos, cosf)
REAL(tan, tanf)
REAL(asin, asinf)
REAL(acos, acosf)
REAL(atan, atanf)
REAL(sinh, sinhf)
REAL(cosh, coshf)
REAL(asinh, asinhf)
REAL(acosh, acoshf)
REAL(atanh, atanhf)
REAL(erf, erff)
REAL(erfc, erfcf)

/* ---- the input's type; integers are whole already ---- */

bool number_shape(struct op_call *c) {
  if (op_tensor(c, INPUT)->type == FT_BOOL) return op_unsupported(c, "of a bool tensor");
  return shape_like_input(c);
}
bool frac_shape(struct op_call *c) {
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && shape_like_input(c);
}

typedef int64_t whole_fn(int64_t x);
static bool number_run(struct op_call *c, real_fn *real, whole_fn *whole) {
  const struct ftensor *x = op_tensor(c, INPUT);
  for (uint64_t i = 0; i < x->numel; i++) {
    if (x->type == FT_F32)
      ft_f32_out(c->out)[i] = real(ft_f32(x)[i]);
    else
      ft_i64_out(c->out)[i] = whole(ft_i64(x)[i]);
  }
  return true;
}

static int64_t same_whole(int64_t x) { return x; }
static int64_t abs_whole(int64_t x) { return x < 0 ? wrapping_sub(0, x) : x; }
static float sign_real(float x) { return (float)((x > 0) - (x < 0)); }
static int64_t sign_whole(int64_t x) { return (x > 0) - (x < 0); }
static float square_real(float x) { return x * x; }
static int64_t square_whole(int64_t x) { return wrapping_mul(x, x); }
static float frac_real(float x) { return x - truncf(x); }

bool abs_run(struct op_call *c) { return number_run(c, fabsf, abs_whole); }
bool sign_run(struct op_call *c) { return number_run(c, sign_real, sign_whole); }
bool square_run(struct op_call *c) { return number_run(c, square_real, square_whole); }
bool floor_run(struct op_call *c) { return number_run(c, floorf, same_whole); }
bool ceil_run(struct op_call *c) { return number_run(c, ceilf, same_whole); }
bool trunc_run(struct op_call *c) { return number_run(c, truncf, same_whole); }
bool frac_run(struct op_call *c) { return number_run(c, frac_real, same_whole); }

/* ---- round, to a number of decimals: halves go to the even neighbour ---- */

enum { DECIMALS = 1, MOST_DECIMALS = 38 };

bool round_shape(struct op_call *c) {
  const int64_t n = c->arg[DECIMALS].i;
  if (n < -MOST_DECIMALS || n > MOST_DECIMALS) return op_unsupported(c, "%lld decimals", (long long)n);
  if (n && op_tensor(c, INPUT)->type != FT_F32) return op_error(c, "decimals of integers");
  return number_shape(c);
}
bool round_run(struct op_call *c) {
  const int64_t n = c->arg[DECIMALS].i;
  const struct ftensor *x = op_tensor(c, INPUT);
  if (n == 0) return number_run(c, nearbyintf, same_whole);
  const float ten = powf(10, (float)(n < 0 ? -n : n));
  for (uint64_t i = 0; i < x->numel; i++)
    ft_f32_out(c->out)[i] =
        n > 0 ? nearbyintf(ft_f32(x)[i] * ten) / ten : nearbyintf(ft_f32(x)[i] / ten) * ten;
  return true;
}

/* ---- bool ---- */

bool is_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  return op_result(c, FT_BOOL, x->size, x->ndim);
}

/* An integer is finite. */
static bool is_run(struct op_call *c, bool (*f)(float), bool otherwise) {
  const struct ftensor *x = op_tensor(c, INPUT);
  for (uint64_t i = 0; i < x->numel; i++)
    ft_bool_out(c->out)[i] = x->type == FT_F32 ? f(ft_f32(x)[i]) : otherwise;
  return true;
}
static bool nan_of(float x) { return isnan(x); }
static bool inf_of(float x) { return isinf(x); }
static bool finite_of(float x) { return isfinite(x); }
bool isnan_run(struct op_call *c) { return is_run(c, nan_of, false); }
bool isinf_run(struct op_call *c) { return is_run(c, inf_of, false); }
bool isfinite_run(struct op_call *c) { return is_run(c, finite_of, true); }

bool logical_not_run(struct op_call *c) {
  ft_convert(c->out, op_tensor(c, INPUT));
  for (uint64_t i = 0; i < c->out->numel; i++) ft_bool_out(c->out)[i] ^= 1;
  return true;
}

/* ---- casts: every floating dtype is float32 here, every integer dtype int64 ---- */

static bool cast_shape(struct op_call *c, enum ftype type) {
  const struct ftensor *x = op_tensor(c, INPUT);
  return op_result(c, type, x->size, x->ndim);
}
bool float_shape(struct op_call *c) { return cast_shape(c, FT_F32); }
bool long_shape(struct op_call *c) { return cast_shape(c, FT_I64); }
bool to_shape(struct op_call *c) {
  enum { OTHER = 1, DTYPE };
  const struct op_value *v = &c->arg[c->arg[OTHER].kind == OPV_NONE ? DTYPE : OTHER];
  if (v->kind == OPV_NONE) return shape_like_input(c);
  return cast_shape(c, v->kind == OPV_DTYPE ? (enum ftype)v->i : v->tensor->type);
}
bool cast_run(struct op_call *c) {
  ft_convert(c->out, op_tensor(c, INPUT));
  return true;
}

/* ---- pow, atan2 ---- */

static int64_t whole_power(int64_t base, int64_t exponent) {
  int64_t result = 1, square = base;
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  for (; exponent; exponent /= 2, square = wrapping_mul(square, square))
    if (exponent % 2) result = wrapping_mul(result, square);
  return result;
}
static float real_power(float x, float y) { return y >= 2 && y <= 2 ? x * x : powf(x, y); }

ROW(pow_f32, float, float, real_power(x, y))
ROW(pow_i64, int64_t, int64_t, whole_power(x, y))
ROW(atan2_f32, float, float, atan2f(x, y))

bool pow_shape(struct op_call *c) {
  enum { EXPONENT = 1 };
  const enum ftype type = operands_type(&c->arg[INPUT], &c->arg[EXPONENT]);
  if (type == FT_BOOL) return op_unsupported(c, "a power of bools");
  if (type == FT_I64 && c->arg[EXPONENT].kind == OPV_INT && c->arg[EXPONENT].i < 0)
    return op_error(c, "integers to a negative power");
  return binary_shape(c, type);
}
bool pow_run(struct op_call *c) {
  return binary_run(c, c->out->type, c->out->type == FT_F32 ? pow_f32 : pow_i64);
}
bool atan2_shape(struct op_call *c) { return binary_shape(c, FT_F32); }
bool atan2_run(struct op_call *c) { return binary_run(c, FT_F32, atan2_f32); }
