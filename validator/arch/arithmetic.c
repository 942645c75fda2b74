/* The operators with Python's meaning: arithmetic on numbers, + and * of tuples and texts, comparison.
 * Integers are exact or an error; floats are finite or an error. */
#include <math.h>

#include "arch/eval_parts.h"

/* ---- arithmetic ---- */

static bool finite_result(struct eval *ev, double x, uint32_t at, struct value *out) {
  if (!isfinite(x)) return eval_error(ev, at, "the result is not a finite number");
  *out = value_real(x);
  return true;
}

/* Python: the quotient rounds towards minus infinity, the remainder has the divisor's sign. */
bool floor_divide(struct eval *ev, int64_t a, int64_t b, uint32_t at, int64_t *quotient, int64_t *rest) {
  if (b == 0) return eval_error(ev, at, "division by zero");
  if (a == INT64_MIN && b == -1) return eval_overflow(ev, at);
  *quotient = a / b;
  *rest = a % b;
  if (*rest != 0 && (*rest < 0) != (b < 0)) {
    *quotient -= 1;
    *rest += b;
  }
  return true;
}

/* By squaring: 63 rounds at most, and a base beyond ±1 overflows before that. */
static bool int_power(struct eval *ev, int64_t base, int64_t exponent, uint32_t at, int64_t *out) {
  int64_t result = 1;
  while (exponent > 0) {
    if (exponent % 2 && !try_mul(result, base, &result)) return eval_overflow(ev, at);
    exponent /= 2;
    if (exponent && !try_mul(base, base, &base)) return eval_overflow(ev, at);
  }
  *out = result;
  return true;
}

static bool int_arithmetic(struct eval *ev, enum expr_op op, int64_t a, int64_t b, uint32_t at,
                           struct value *out) {
  int64_t r = 0, other;
  bool fits = true;
  if (op == BIN_ADD) fits = try_add(a, b, &r);
  if (op == BIN_SUB) fits = try_sub(a, b, &r);
  if (op == BIN_MUL) fits = try_mul(a, b, &r);
  if (!fits) return eval_overflow(ev, at);
  if (op == BIN_FLOORDIV && !floor_divide(ev, a, b, at, &r, &other)) return false;
  if (op == BIN_MOD && !floor_divide(ev, a, b, at, &other, &r)) return false;
  if (op == BIN_POW && !int_power(ev, a, b, at, &r)) return false;
  *out = value_int(r);
  return true;
}

static double float_mod(double a, double b) {
  double r = fmod(a, b);
  return !is_zero(r) && (r < 0) != (b < 0) ? r + b : r;
}

static bool float_arithmetic(struct eval *ev, enum expr_op op, double a, double b, uint32_t at,
                             struct value *out) {
  bool divides = op == BIN_DIV || op == BIN_FLOORDIV || op == BIN_MOD || (op == BIN_POW && b < 0);
  if (divides && is_zero(op == BIN_POW ? a : b)) return eval_error(ev, at, "division by zero");
  double r = 0;
  if (op == BIN_ADD) r = a + b;
  if (op == BIN_SUB) r = a - b;
  if (op == BIN_MUL) r = a * b;
  if (op == BIN_DIV) r = a / b;
  if (op == BIN_FLOORDIV) r = floor(a / b);
  if (op == BIN_MOD) r = float_mod(a, b);
  if (op == BIN_POW) r = pow(a, b);
  return finite_result(ev, r, at, out);
}

static bool arithmetic(struct eval *ev, enum expr_op op, const struct value *a, const struct value *b,
                       uint32_t at, struct value *out) {
  bool exact = is_integer(a) && is_integer(b) && op != BIN_DIV && !(op == BIN_POW && integer(b) < 0);
  if (exact) return int_arithmetic(ev, op, integer(a), integer(b), at, out);
  return float_arithmetic(ev, op, value_number(a), value_number(b), at, out);
}

/* ---- tuples and texts under + and * ---- */

static bool join_tuples(struct eval *ev, const struct value *a, const struct value *b, uint32_t at,
                        struct value *out) {
  uint64_t n = (uint64_t)a->n + b->n;
  if (n > MAX_ITEMS) return eval_error(ev, at, "a tuple of more than %d items", MAX_ITEMS);
  if (!eval_charge(ev, n, at)) return false;
  struct value *items = arena_array(ev->arena, n, struct value);
  if (!items) return eval_out_of_memory(ev, at);
  if (a->n) memcpy(items, a->items, a->n * sizeof *items);
  if (b->n) memcpy(items + a->n, b->items, b->n * sizeof *items);
  *out = value_tuple(items, (uint32_t)n);
  return true;
}

bool repeat_tuple(struct eval *ev, const struct value *tuple, int64_t times, uint32_t at, struct value *out) {
  uint64_t n;
  if (times < 0) times = 0;
  if (!try_mul((uint64_t)tuple->n, (uint64_t)times, &n) || n > MAX_ITEMS)
    return eval_error(ev, at, "a tuple of more than %d items", MAX_ITEMS);
  if (!eval_charge(ev, n, at)) return false;
  struct value *items = arena_array(ev->arena, n, struct value);
  if (!items) return eval_out_of_memory(ev, at);
  for (uint64_t i = 0; i < n; i++) items[i] = tuple->items[i % tuple->n];
  *out = value_tuple(items, (uint32_t)n);
  return true;
}

static bool join_texts(struct eval *ev, struct span a, struct span b, uint32_t at, struct value *out) {
  size_t n = a.n + b.n;
  if (n > ev->max->expr_bytes)
    return eval_error(ev, at, "a text of more than %u bytes", (unsigned)ev->max->expr_bytes);
  uint8_t *p = arena_alloc(ev->arena, n, 1, 1);
  if (!p) return eval_out_of_memory(ev, at);
  if (a.n) memcpy(p, a.p, a.n);
  if (b.n) memcpy(p + a.n, b.p, b.n);
  *out = value_text(span_of(p, n));
  return true;
}

/* ---- comparison ---- */

static bool compare(struct eval *ev, enum expr_op op, const struct value *a, const struct value *b,
                    uint32_t at, struct value *out) {
  int order;
  if (is_integer(a) && is_integer(b)) {
    order = (integer(a) > integer(b)) - (integer(a) < integer(b));
  } else if (value_is_number(a) && value_is_number(b)) {
    order = (value_number(a) > value_number(b)) - (value_number(a) < value_number(b));
  } else if (a->kind == VALUE_TEXT && b->kind == VALUE_TEXT) {
    order = span_cmp(a->text, b->text);
  } else {
    return eval_error(ev, at, "'%s' can't compare %s with %s", expr_op_text(op), value_kind_name(a->kind),
                      value_kind_name(b->kind));
  }
  *out = value_bool(op == BIN_LT   ? order < 0
                    : op == BIN_LE ? order <= 0
                    : op == BIN_GT ? order > 0
                                   : order >= 0);
  return true;
}

static bool contains(struct eval *ev, const struct value *needle, const struct value *in, uint32_t at,
                     struct value *out) {
  bool yes = false;
  if (in->kind == VALUE_TUPLE) {
    for (uint32_t i = 0; i < in->n && !yes; i++)
      if (!eval_equal(ev, needle, &in->items[i], at, &yes)) return false;
  } else if (in->kind == VALUE_DICT && needle->kind == VALUE_TEXT) {
    if (!eval_charge(ev, in->n, at)) return false;
    yes = dict_find(in, needle->text) != NULL;
  } else if (in->kind == VALUE_TEXT && needle->kind == VALUE_TEXT) {
    yes =
        needle->text.n == 0 || (in->text.n && memmem(in->text.p, in->text.n, needle->text.p, needle->text.n));
  } else {
    return eval_unfit(ev, at, "a tuple, a dict or a text behind 'in'", in);
  }
  *out = value_bool(yes);
  return true;
}

static bool given(struct eval *ev, const struct value *v, uint32_t at) {
  if (v->kind == VALUE_MODULE) return eval_error(ev, at, "a module is no operand here");
  return true;
}

bool value_binary(struct eval *ev, enum expr_op op, const struct value *a, const struct value *b, uint32_t at,
                  struct value *out) {
  if (!given(ev, a, at) || !given(ev, b, at)) return false;
  if (!eval_charge(ev, text_steps(a) + text_steps(b), at)) return false;
  if (op == BIN_EQ || op == BIN_NE) {
    bool same;
    if (!eval_equal(ev, a, b, at, &same)) return false;
    *out = value_bool(same == (op == BIN_EQ));
    return true;
  }
  if (op == BIN_IN) return contains(ev, a, b, at, out);
  if (op == BIN_LT || op == BIN_LE || op == BIN_GT || op == BIN_GE) return compare(ev, op, a, b, at, out);
  if (value_is_number(a) && value_is_number(b) && op != BIN_MATMUL) return arithmetic(ev, op, a, b, at, out);
  if (op == BIN_ADD && a->kind == VALUE_TUPLE && b->kind == VALUE_TUPLE)
    return join_tuples(ev, a, b, at, out);
  if (op == BIN_ADD && a->kind == VALUE_TEXT && b->kind == VALUE_TEXT)
    return join_texts(ev, a->text, b->text, at, out);
  if (op == BIN_MUL && a->kind == VALUE_TUPLE && is_integer(b))
    return repeat_tuple(ev, a, integer(b), at, out);
  if (op == BIN_MUL && b->kind == VALUE_TUPLE && is_integer(a))
    return repeat_tuple(ev, b, integer(a), at, out);
  ev->culprit = value_is_number(a) ? *b : *a;
  return eval_error(ev, at, "'%s' takes numbers, found %s and %s", expr_op_text(op), value_kind_name(a->kind),
                    value_kind_name(b->kind));
}

bool value_negate(struct eval *ev, const struct value *v, uint32_t at, struct value *out) {
  if (!value_is_number(v)) return eval_unfit(ev, at, "a number behind '-'", v);
  if (v->kind == VALUE_FLOAT)
    *out = value_real(-v->real);
  else if (integer(v) == INT64_MIN)
    return eval_overflow(ev, at);
  else
    *out = value_int(-integer(v));
  return true;
}
