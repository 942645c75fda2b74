/* searchsorted(sorted_sequence, values, right): where values would be put in. As torch finds it: by halves,
 * and a NaN is not less than anything. */
#include "forward/binary.h"
#include "forward/families.h"

enum { SORTED, VALUES, OUT_INT32, RIGHT, SIDE };

static bool to_the_right(const struct op_call *c) {
  return c->arg[RIGHT].i != 0 || (c->arg[SIDE].kind == OPV_TEXT && span_is(c->arg[SIDE].text, "right"));
}

/* Sorted are the rows of the sequence, as many as the values have, or one for all of them. */
static bool rows_fit(const struct ftensor *sorted, const struct ftensor *values) {
  if (sorted->ndim == 1) return true;
  bool fit = sorted->ndim == values->ndim && sorted->ndim > 0;
  for (uint32_t i = 0; fit && i + 1 < sorted->ndim; i++) fit = sorted->size[i] == values->size[i];
  return fit;
}

bool searchsorted_shape(struct op_call *c) {
  static const struct ftensor number = {.numel = 1};
  const struct ftensor *sorted = op_tensor(c, SORTED), *given = op_tensor_or_null(c, VALUES),
                       *values = given ? given : &number;
  if (c->arg[SIDE].kind == OPV_TEXT && !span_is(c->arg[SIDE].text, "left") && !to_the_right(c))
    return op_error(c, "side is neither 'left' nor 'right'");
  if (sorted->type == FT_BOOL || operand_type(&c->arg[VALUES]) == FT_BOOL)
    return op_unsupported(c, "a search of bools");
  if (!rows_fit(sorted, values))
    return op_error(c, "values %s in a sequence %s", ft_shape_text(c->arena, values),
                    ft_shape_text(c->arena, sorted));
  return op_result(c, FT_I64, values->size, values->ndim);
}

uint64_t searchsorted_cost(const struct op_call *c) { return saturating_mul(64, c->out->numel); }

/* Does the value go behind element i of the sequence? */
static bool behind(const struct ftensor *sorted, uint64_t i, const struct ftensor *values, uint64_t k,
                   bool right) {
  if (sorted->type == FT_F32) {
    const float x = ft_f32(sorted)[i], v = ft_f32(values)[k];
    return right ? !(x > v) : !(x >= v);
  }
  const int64_t x = ft_i64(sorted)[i], v = ft_i64(values)[k];
  return right ? x <= v : x < v;
}

bool searchsorted_run(struct op_call *c) {
  const struct ftensor *sorted = op_tensor(c, SORTED);
  const enum ftype type = operands_type(&c->arg[SORTED], &c->arg[VALUES]);
  const bool right = to_the_right(c);
  struct operand rows, values;
  if (!operand_take(c, &c->arg[SORTED], type, &rows)) return false;
  if (!operand_take(c, &c->arg[VALUES], type, &values)) {
    operand_give(c, &rows);
    return false;
  }
  const uint64_t n = sorted->size[sorted->ndim - 1], wide = c->out->ndim ? c->out->size[c->out->ndim - 1] : 1;
  for (uint64_t k = 0; k < c->out->numel; k++) {
    const uint64_t start = sorted->ndim == 1 ? 0 : k / wide * n;
    uint64_t from = 0, to = n;
    while (from < to) {
      const uint64_t middle = from + (to - from) / 2;
      if (behind(&rows.t, start + middle, &values.t, k, right))
        from = middle + 1;
      else
        to = middle;
    }
    ft_i64_out(c->out)[k] = (int64_t)from;
  }
  operand_give(c, &values);
  operand_give(c, &rows);
  return true;
}
