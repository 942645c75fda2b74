/* Comparisons and logic: the result is bool. */
#include "forward/binary.h"
#include "forward/families.h"

enum { INPUT, OTHER };

bool compare_shape(struct op_call *c) { return binary_shape(c, FT_BOOL); }

#define COMPARISON(name, sign)                                                                             \
  ROW(name##_f32, float, uint8_t, x sign y)                                                                \
  ROW(name##_i64, int64_t, uint8_t, x sign y)                                                              \
  ROW(name##_bool, uint8_t, uint8_t, x sign y)                                                             \
  bool name##_run(struct op_call *c) {                                                                     \
    static row_fn *const rows[] = {[FT_F32] = name##_f32, [FT_I64] = name##_i64, [FT_BOOL] = name##_bool}; \
    const enum ftype type = operands_type(&c->arg[INPUT], &c->arg[OTHER]);                                 \
    return binary_run(c, type, rows[type]);                                                                \
  }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal" /* that is what eq and ne are */
COMPARISON(eq, ==)
COMPARISON(ne, !=)
#pragma GCC diagnostic pop
COMPARISON(lt, <)
COMPARISON(le, <=)
COMPARISON(gt, >)
COMPARISON(ge, >=)

ROW(row_and, uint8_t, uint8_t, x &&y)
ROW(row_or, uint8_t, uint8_t, x || y)
ROW(row_xor, uint8_t, uint8_t, x != y)

bool logical_and_run(struct op_call *c) { return binary_run(c, FT_BOOL, row_and); }
bool logical_or_run(struct op_call *c) { return binary_run(c, FT_BOOL, row_or); }
bool logical_xor_run(struct op_call *c) { return binary_run(c, FT_BOOL, row_xor); }

/* ---- bit by bit; bools are bits ---- */

bool bitwise_shape(struct op_call *c) {
  const enum ftype type = operands_type(&c->arg[INPUT], &c->arg[OTHER]);
  return type == FT_F32 ? op_error(c, "of float32") : binary_shape(c, type);
}
ROW(and_i64, int64_t, int64_t, x &y)
ROW(or_i64, int64_t, int64_t, x | y)
ROW(xor_i64, int64_t, int64_t, x ^ y)

static bool bitwise(struct op_call *c, row_fn *bools, row_fn *ints) {
  return binary_run(c, c->out->type, c->out->type == FT_BOOL ? bools : ints);
}
bool bitwise_and_run(struct op_call *c) { return bitwise(c, row_and, and_i64); }
bool bitwise_or_run(struct op_call *c) { return bitwise(c, row_or, or_i64); }
bool bitwise_xor_run(struct op_call *c) { return bitwise(c, row_xor, xor_i64); }

bool bitwise_not_shape(struct op_call *c) {
  return op_tensor(c, INPUT)->type == FT_F32 ? op_error(c, "of float32") : shape_like_input(c);
}
bool bitwise_not_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  for (uint64_t i = 0; i < x->numel; i++) {
    if (x->type == FT_BOOL)
      ft_bool_out(c->out)[i] = !ft_bool(x)[i];
    else
      ft_i64_out(c->out)[i] = ~ft_i64(x)[i];
  }
  return true;
}
