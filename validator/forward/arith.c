/* The operators + - * / and unary minus; / is always float32. */
#include <math.h>

#include "forward/binary.h"
#include "forward/families.h"

enum { INPUT, OTHER };

static enum ftype common_type(const struct op_call *c) {
  return operands_type(&c->arg[INPUT], &c->arg[OTHER]);
}

bool add_shape(struct op_call *c) { return binary_shape(c, common_type(c)); }
bool mul_shape(struct op_call *c) { return binary_shape(c, common_type(c)); }
bool sub_shape(struct op_call *c) {
  if (operand_type(&c->arg[INPUT]) == FT_BOOL || operand_type(&c->arg[OTHER]) == FT_BOOL)
    return op_error(c, "subtraction with a bool");
  return binary_shape(c, common_type(c));
}
bool neg_shape(struct op_call *c) {
  if (op_tensor(c, INPUT)->type == FT_BOOL) return op_error(c, "minus of a bool tensor");
  return shape_like_input(c);
}

ROW(add_f32, float, float, x + y)
ROW(sub_f32, float, float, x - y)
ROW(mul_f32, float, float, x *y)
ROW(div_f32, float, float, x / y)
ROW(add_i64, int64_t, int64_t, wrapping_add(x, y))
ROW(sub_i64, int64_t, int64_t, wrapping_sub(x, y))
ROW(mul_i64, int64_t, int64_t, wrapping_mul(x, y))
ROW(or_bool, uint8_t, uint8_t, x || y)
ROW(and_bool, uint8_t, uint8_t, x &&y)

static bool by_type(struct op_call *c, row_fn *const rows[3]) {
  return binary_run(c, c->out->type, rows[c->out->type]);
}

bool add_run(struct op_call *c) {
  return by_type(c, (row_fn *const[]){[FT_F32] = add_f32, [FT_I64] = add_i64, [FT_BOOL] = or_bool});
}
bool sub_run(struct op_call *c) {
  return by_type(c, (row_fn *const[3]){[FT_F32] = sub_f32, [FT_I64] = sub_i64});
}
bool mul_run(struct op_call *c) {
  return by_type(c, (row_fn *const[]){[FT_F32] = mul_f32, [FT_I64] = mul_i64, [FT_BOOL] = and_bool});
}

bool neg_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  for (uint64_t i = 0; i < x->numel; i++) {
    if (x->type == FT_F32)
      ft_f32_out(c->out)[i] = -ft_f32(x)[i];
    else
      ft_i64_out(c->out)[i] = wrapping_sub(0, ft_i64(x)[i]);
  }
  return true;
}

/* ---- div, with and without rounding ---- */

enum { ROUNDING = 2 };

static bool rounds(const struct op_call *c, const char *mode) {
  return c->arg[ROUNDING].kind == OPV_TEXT && span_is(c->arg[ROUNDING].text, mode);
}

bool div_shape(struct op_call *c) {
  if (c->arg[ROUNDING].kind == OPV_NONE) return binary_shape(c, FT_F32);
  if (!rounds(c, "floor") && !rounds(c, "trunc"))
    return op_error(c, "rounding_mode is neither 'trunc' nor 'floor'");
  return floor_divide_shape(c);
}

ROW(trunc_f32, float, float, truncf(x / y))
ROW(trunc_i64, int64_t, int64_t, wrapping_mul(x, y == -1 ? -1 : 1) / (y == -1 ? 1 : y))

bool div_run(struct op_call *c) {
  if (c->arg[ROUNDING].kind == OPV_NONE) return binary_run(c, FT_F32, div_f32);
  if (rounds(c, "floor")) return floor_divide_run(c);
  return divisor_fits(c) && by_type(c, (row_fn *const[3]){[FT_F32] = trunc_f32, [FT_I64] = trunc_i64});
}
