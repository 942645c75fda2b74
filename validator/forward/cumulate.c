/* What is known of a dimension's elements so far, at each of them: cumsum, cumprod, logcumsumexp, cummax and
 * cummin. */
#include <math.h>

#include "forward/binary.h"
#include "forward/families.h"

enum { INPUT, DIM, DTYPE };

/* ---- lines: elements of a dimension, `step` apart ---- */

struct lines {
  uint64_t n, step;
};
static bool lines_of(struct op_call *c, const struct ftensor *x, struct lines *out) {
  uint32_t axis;
  if (!op_axis(c, c->arg[DIM].i, x->ndim, &axis)) return false;
  *out = (struct lines){x->ndim ? x->size[axis] : 1, 1};
  for (uint32_t i = axis + 1; i < x->ndim; i++) out->step *= x->size[i];
  return true;
}

/* `at`: the first element of a line, in x as in out. */
typedef void line_fn(struct ftensor *out, const struct ftensor *x, uint64_t at, const struct lines *l);

static bool each_line(struct op_call *c, const struct ftensor *x, line_fn *f) {
  struct lines l;
  if (!lines_of(c, x, &l)) return false;
  for (uint64_t block = 0; block < x->numel; block += l.n * l.step)
    for (uint64_t i = 0; i < l.step; i++) f(c->out, x, block + i, &l);
  return true;
}

/* ---- cumsum, cumprod ---- */

bool cumsum_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const struct op_value *dtype = &c->arg[DTYPE];
  struct lines l;
  const enum ftype type = dtype->kind == OPV_DTYPE ? (enum ftype)dtype->i
                          : x->type == FT_F32      ? FT_F32
                                                   : FT_I64;
  if (type == FT_BOOL) return op_unsupported(c, "a running sum as bool");
  return lines_of(c, x, &l) && op_result(c, type, x->size, x->ndim);
}

static void cumulate(struct ftensor *out, const struct ftensor *x, uint64_t at, const struct lines *l,
                     bool multiply) {
  double real = multiply;
  int64_t whole = multiply;
  for (uint64_t i = 0; i < l->n; i++, at += l->step) {
    if (out->type == FT_F32) {
      real = multiply ? real * (double)ft_f32(x)[at] : real + (double)ft_f32(x)[at];
      ft_f32_out(out)[at] = (float)real;
      continue;
    }
    const int64_t v = ft_i64(x)[at];
    whole = multiply ? wrapping_mul(whole, v) : wrapping_add(whole, v);
    ft_i64_out(out)[at] = whole;
  }
}
static void sum_line(struct ftensor *out, const struct ftensor *x, uint64_t at, const struct lines *l) {
  cumulate(out, x, at, l, false);
}
static void product_line(struct ftensor *out, const struct ftensor *x, uint64_t at, const struct lines *l) {
  cumulate(out, x, at, l, true);
}

static bool cumulated(struct op_call *c, line_fn *f) {
  struct operand x;
  if (!operand_take(c, &c->arg[INPUT], c->out->type, &x)) return false;
  const bool done = each_line(c, &x.t, f);
  operand_give(c, &x);
  return done;
}
bool cumsum_run(struct op_call *c) { return cumulated(c, sum_line); }
bool cumprod_run(struct op_call *c) { return cumulated(c, product_line); }

/* ---- logcumsumexp ---- */

bool logcumsumexp_shape(struct op_call *c) {
  struct lines l;
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && lines_of(c, op_tensor(c, INPUT), &l) &&
         shape_like_input(c);
}

/* The sum so far is sum * exp(most). */
static void log_line(struct ftensor *out, const struct ftensor *x, uint64_t at, const struct lines *l) {
  double most = -HUGE_VAL, sum = 0;
  for (uint64_t i = 0; i < l->n; i++, at += l->step) {
    const double v = (double)ft_f32(x)[at];
    if (isnan(v) || (isinf(v) && v > 0) || (isinf(most) && most > 0) || isnan(most)) {
      most = isnan(v) || isnan(most) ? (double)NAN : HUGE_VAL;
      sum = 1;
    } else if (v > most) {
      sum = 1 + sum * exp(most - v);
      most = v;
    } else if (!isinf(v)) {
      sum += exp(v - most);
    }
    ft_f32_out(out)[at] = (float)(most + log(sum));
  }
}
bool logcumsumexp_run(struct op_call *c) { return each_line(c, op_tensor(c, INPUT), log_line); }

/* ---- cummax, cummin: the last of equal ones; a NaN stays ---- */

bool cummax_shape(struct op_call *c) {
  struct lines l;
  return lines_of(c, op_tensor(c, INPUT), &l) && shape_like_input(c);
}
bool cummax_indices_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  struct lines l;
  return lines_of(c, x, &l) && op_result(c, FT_I64, x->size, x->ndim);
}

static double element(const struct ftensor *x, uint64_t at) {
  return x->type == FT_F32 ? (double)ft_f32(x)[at] : (double)ft_bool(x)[at];
}
static bool takes_over(const struct ftensor *x, uint64_t at, uint64_t best, bool least) {
  if (x->type == FT_I64) return least ? ft_i64(x)[at] <= ft_i64(x)[best] : ft_i64(x)[at] >= ft_i64(x)[best];
  const double a = element(x, at), b = element(x, best);
  return isnan(a) || (!isnan(b) && (least ? a <= b : a >= b));
}
static void extreme_line(struct ftensor *out, const struct ftensor *x, uint64_t at, const struct lines *l,
                         bool least, bool position) {
  const uint64_t item = ft_itemsize(x->type);
  uint64_t best = 0;
  for (uint64_t i = 0; i < l->n; i++) {
    const uint64_t here = at + i * l->step;
    if (takes_over(x, here, at + best * l->step, least)) best = i;
    if (position)
      ft_i64_out(out)[here] = (int64_t)best;
    else
      memcpy((uint8_t *)out->data.out + here * item,
             (const uint8_t *)x->data.in + (at + best * l->step) * item, item);
  }
}
#define EXTREME(name, least, position)                                               \
  static void name##_line(struct ftensor *out, const struct ftensor *x, uint64_t at, \
                          const struct lines *l) {                                   \
    extreme_line(out, x, at, l, least, position);                                    \
  }                                                                                  \
  bool name##_run(struct op_call *c) { return each_line(c, op_tensor(c, INPUT), name##_line); }
EXTREME(cummax, false, false)
EXTREME(cummin, true, false)
EXTREME(cummax_indices, false, true)
EXTREME(cummin_indices, true, true)
