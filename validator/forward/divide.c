/* Divisions that round: floor_divide and the operator //, remainder and the operator %, fmod. */
#include <math.h>

#include "forward/binary.h"
#include "forward/families.h"

enum { INPUT, OTHER };

bool floor_divide_shape(struct op_call *c) {
  const enum ftype type = operands_type(&c->arg[INPUT], &c->arg[OTHER]);
  if (type == FT_BOOL) return op_unsupported(c, "a division of two bools that rounds");
  return binary_shape(c, type);
}

bool divisor_fits(struct op_call *c) {
  const struct op_value *by = &c->arg[OTHER];
  if (c->out->type == FT_F32 || c->out->numel == 0) return true;
  bool zero = by->kind != OPV_TENSOR && by->i == 0;
  for (uint64_t i = 0; by->kind == OPV_TENSOR && i < by->tensor->numel; i++)
    zero = zero || (by->tensor->type == FT_I64 ? ft_i64(by->tensor)[i] == 0 : ft_bool(by->tensor)[i] == 0);
  return !zero || op_error(c, "an integer division by zero");
}

static bool differ_in_sign(float a, float b) { return (a < 0) != (b < 0); }

/* As c10::div_floor_floating does it: exact where the quotient is. */
static float floor_div_f32(float x, float y) {
  if (y >= 0 && y <= 0) return x / y;
  const float rest = fmodf(x, y);
  float quotient = (x - rest) / y;
  if (!(rest >= 0 && rest <= 0) && differ_in_sign(y, rest)) quotient -= 1;
  if (quotient >= 0 && quotient <= 0) return copysignf(0, x / y);
  const float down = floorf(quotient);
  return quotient - down > 0.5F ? down + 1 : down;
}
static float remainder_f32(float x, float y) {
  const float rest = fmodf(x, y);
  return !(rest >= 0 && rest <= 0) && differ_in_sign(y, rest) ? rest + y : rest;
}
/* y is not 0. INT64_MIN / -1 wraps around. */
static int64_t floor_div_i64(int64_t x, int64_t y) {
  if (y == -1) return wrapping_sub(0, x);
  return x / y - (x % y != 0 && (x < 0) != (y < 0));
}
static int64_t rest_i64(int64_t x, int64_t y) { return y == -1 ? 0 : x % y; }
static int64_t remainder_i64(int64_t x, int64_t y) {
  const int64_t rest = rest_i64(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

ROW(row_floor_f32, float, float, floor_div_f32(x, y))
ROW(row_floor_i64, int64_t, int64_t, floor_div_i64(x, y))
ROW(row_remainder_f32, float, float, remainder_f32(x, y))
ROW(row_remainder_i64, int64_t, int64_t, remainder_i64(x, y))
ROW(row_fmod_f32, float, float, fmodf(x, y))
ROW(row_fmod_i64, int64_t, int64_t, rest_i64(x, y))

static bool divide(struct op_call *c, row_fn *real, row_fn *integer) {
  return divisor_fits(c) && binary_run(c, c->out->type, c->out->type == FT_F32 ? real : integer);
}
bool floor_divide_run(struct op_call *c) { return divide(c, row_floor_f32, row_floor_i64); }
bool remainder_run(struct op_call *c) { return divide(c, row_remainder_f32, row_remainder_i64); }
bool fmod_run(struct op_call *c) { return divide(c, row_fmod_f32, row_fmod_i64); }
