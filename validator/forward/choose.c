/* One of several elements: maximum, minimum, clamp, where, masked_fill. A NaN wins in the first three. */
#include <math.h>

#include "forward/binary.h"
#include "forward/families.h"

/* ---- maximum, minimum ---- */

enum { INPUT, OTHER };

bool maximum_shape(struct op_call *c) {
  return binary_shape(c, operands_type(&c->arg[INPUT], &c->arg[OTHER]));
}

ROW(max_f32, float, float, x > y || isnan(x) ? x : y)
ROW(min_f32, float, float, x < y || isnan(x) ? x : y)
ROW(max_i64, int64_t, int64_t, x > y ? x : y)
ROW(min_i64, int64_t, int64_t, x < y ? x : y)
ROW(max_bool, uint8_t, uint8_t, x || y)
ROW(min_bool, uint8_t, uint8_t, x &&y)

static row_fn *const max_rows[] = {[FT_F32] = max_f32, [FT_I64] = max_i64, [FT_BOOL] = max_bool};
static row_fn *const min_rows[] = {[FT_F32] = min_f32, [FT_I64] = min_i64, [FT_BOOL] = min_bool};

bool maximum_run(struct op_call *c) { return binary_run(c, c->out->type, max_rows[c->out->type]); }
bool minimum_run(struct op_call *c) { return binary_run(c, c->out->type, min_rows[c->out->type]); }

/* ---- clamp(x, min, max): first the lower bound, then the upper ---- */

enum { CLAMP_MIN = 1, CLAMP_MAX };

bool clamp_shape(struct op_call *c) {
  const struct op_value *x = &c->arg[INPUT];
  struct broadcast shape = {.ndim = 0};
  enum ftype type = operand_type(x);
  uint32_t bounds = 0;
  if (!broadcast_with(c, &shape, x->tensor)) return false;
  for (uint32_t i = CLAMP_MIN; i <= CLAMP_MAX; i++) {
    const struct op_value *bound = &c->arg[i];
    if (bound->kind == OPV_NONE) continue;
    bounds++;
    if (type == FT_BOOL || operand_type(bound) == FT_F32) type = operand_type(bound);
    if (bound->kind == OPV_TENSOR && !broadcast_with(c, &shape, bound->tensor)) return false;
  }
  if (bounds == 0) return op_error(c, "neither min nor max is given");
  if (type == FT_BOOL) return op_unsupported(c, "clamp of a bool tensor between bools");
  return op_result(c, type, shape.size, shape.ndim);
}

static bool clamp_by(struct op_call *c, const struct op_value *x, const struct op_value *bound,
                     row_fn *const rows[]) {
  const struct op_value arg[] = {*x, *bound};
  struct op_call both = *c;
  both.arg = arg;
  return op_answer(c, &both, binary_run(&both, c->out->type, rows[c->out->type]));
}

bool clamp_run(struct op_call *c) {
  const struct op_value *x = &c->arg[INPUT], *low = &c->arg[CLAMP_MIN], *high = &c->arg[CLAMP_MAX];
  if (low->kind == OPV_NONE) return clamp_by(c, x, high, min_rows);
  if (!clamp_by(c, x, low, max_rows)) return false;
  const struct op_value so_far = {.kind = OPV_TENSOR,
                                  .tensor = c->out}; /* elements are read before they are written */
  return high->kind == OPV_NONE || clamp_by(c, &so_far, high, min_rows);
}

/* ---- where(condition, x, y); masked_fill(x, mask, value) ---- */

struct choice {
  const struct op_value *condition, *yes, *no;
};

static bool choice_shape(struct op_call *c, const struct choice *k, enum ftype type) {
  const struct op_value *all[] = {k->condition, k->yes, k->no};
  struct broadcast shape = {.ndim = 0};
  for (size_t i = 0; i < ARRAY_LEN(all); i++)
    if (all[i]->kind == OPV_TENSOR && !broadcast_with(c, &shape, all[i]->tensor)) return false;
  if (k->condition->tensor->type != FT_BOOL)
    return op_error(c, "the condition must be bool, it is %s", ft_name(k->condition->tensor->type));
  return op_result(c, type, shape.size, shape.ndim);
}

/* Index of the next element in three broadcast tensors at once. */
static void next_element(const struct ftensor *out, uint64_t *index, const struct strided v[3],
                         int64_t at[3]) {
  for (uint32_t d = out->ndim; d > 0; d--) {
    const bool inside = ++index[d - 1] < out->size[d - 1];
    const int64_t by = inside ? 1 : 1 - (int64_t)out->size[d - 1];
    for (uint32_t i = 0; i < 3; i++) at[i] += by * v[i].stride[d - 1];
    if (inside) return;
    index[d - 1] = 0;
  }
}

static void choose(struct ftensor *out, const struct ftensor *condition, const struct ftensor *yes,
                   const struct ftensor *no) {
  const struct ftensor *t[] = {condition, yes, no};
  struct strided v[3];
  int64_t at[3] = {0};
  uint64_t index[FT_DIMS] = {0};
  const uint64_t item = ft_itemsize(out->type);
  for (uint32_t i = 0; i < 3; i++) broadcast_view(&v[i], t[i], out->ndim, out->size);
  for (uint64_t i = 0; i < out->numel; i++) {
    const uint32_t from = ft_bool(condition)[at[0]] ? 1 : 2;
    memcpy((uint8_t *)out->data.out + i * item, (const uint8_t *)t[from]->data.in + (uint64_t)at[from] * item,
           item);
    next_element(out, index, v, at);
  }
}

static bool choice_run(struct op_call *c, const struct choice *k) {
  struct operand yes, no = {.scratch = NULL};
  bool taken = operand_take(c, k->yes, c->out->type, &yes) && operand_take(c, k->no, c->out->type, &no);
  if (taken) choose(c->out, k->condition->tensor, &yes.t, &no.t);
  operand_give(c, &no);
  operand_give(c, &yes);
  return taken;
}

static struct choice where_choice(const struct op_call *c) {
  return (struct choice){&c->arg[0], &c->arg[1], &c->arg[2]};
}
bool where_shape(struct op_call *c) {
  const struct choice k = where_choice(c);
  return choice_shape(c, &k, operands_type(k.yes, k.no));
}
bool where_run(struct op_call *c) {
  const struct choice k = where_choice(c);
  return choice_run(c, &k);
}

static struct choice fill_choice(const struct op_call *c) {
  return (struct choice){&c->arg[1], &c->arg[2], &c->arg[0]};
}
bool masked_fill_shape(struct op_call *c) {
  const struct choice k = fill_choice(c);
  if (k.yes->kind == OPV_TENSOR && k.yes->tensor->ndim)
    return op_error(c, "the value must be a number or of no dimensions");
  const bool truth = operand_type(k.no) == FT_BOOL && k.yes->kind != OPV_TENSOR; /* 0 is False there */
  if (!truth && operands_type(k.yes, k.no) != operand_type(k.no))
    return op_unsupported(c, "a %s value in a %s tensor", ft_name(operand_type(k.yes)),
                          ft_name(operand_type(k.no)));
  return choice_shape(c, &k, operand_type(k.no));
}
bool masked_fill_run(struct op_call *c) {
  const struct choice k = fill_choice(c);
  return choice_run(c, &k);
}
