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
