/* Evaluation of expressions over values. Everything here is exact or refused; nothing takes longer than its
 * steps. */
#include <math.h>
#include <stdarg.h>

#include "arch/value.h"
#include "base/near.h"

enum { MAX_ITEMS = 65536 }; /* of a tuple that an expression makes */

/* ---- errors and budget ---- */

bool eval_error(struct eval *ev, uint32_t at, const char *format, ...) {
  char text[256];
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  size_t len = n < 0 ? 0 : min_size((size_t)n, sizeof text - 1);
  ev->error = (struct expr_error){.at = at};
  if (!arena_copy(ev->arena, span_of(text, len), &ev->error.what)) {
    ev->error.what = SPAN("the memory budget is spent");
    ev->error.limit = true;
  }
  return false;
}

static bool out_of_memory(struct eval *ev, uint32_t at) {
  ev->error = (struct expr_error){.at = at, .what = SPAN("the memory budget is spent"), .limit = true};
  return false;
}

bool eval_charge(struct eval *ev, uint64_t n, uint32_t at) {
  if (n <= *ev->steps) {
    *ev->steps -= n;
    return true;
  }
  *ev->steps = 0;
  ev->error =
      (struct expr_error){.at = at, .what = SPAN("the budget of evaluation steps is spent"), .limit = true};
  return false;
}

static bool unfit(struct eval *ev, uint32_t at, const char *what, const struct value *v) {
  struct span shown = value_show(ev->arena, v);
  ev->culprit = *v;
  return eval_error(ev, at, "expected %s, found %.*s", what, (int)shown.n, (const char *)shown.p);
}

/* ---- what values are ---- */

const char *value_kind_name(enum value_kind k) {
  static const char *const names[] = {
      [VALUE_NONE] = "None",       [VALUE_BOOL] = "a bool",     [VALUE_INT] = "an integer",
      [VALUE_FLOAT] = "a float",   [VALUE_TEXT] = "a text",     [VALUE_TUPLE] = "a tuple",
      [VALUE_DICT] = "a dict",     [VALUE_RANGE] = "a range",   [VALUE_DTYPE] = "a dtype",
      [VALUE_MODULE] = "a module", [VALUE_MISSING] = "nothing", [VALUE_PENDING] = "nothing",
  };
  return names[k];
}

static bool is_integer(const struct value *v) { return v->kind == VALUE_INT || v->kind == VALUE_BOOL; }
static int64_t integer(const struct value *v) { return v->kind == VALUE_BOOL ? v->truth : v->number; }

double value_number(const struct value *v) { return v->kind == VALUE_FLOAT ? v->real : (double)integer(v); }

static uint64_t range_length(const struct value *v) {
  int64_t from = v->range.start, to = v->range.stop, step = v->range.step;
  uint64_t span; /* fails where there is none: what is exact is no overflow */
  if (!(step > 0 ? try_sub(to, from, &span) : try_sub(from, to, &span)) || span == 0) return 0;
  uint64_t stride = step > 0 ? (uint64_t)step : (uint64_t) - (step + 1) + 1;
  return (span - 1) / stride + 1;
}

bool value_truth(const struct value *v) {
  switch (v->kind) {
  case VALUE_NONE:
  case VALUE_MISSING:
  case VALUE_PENDING: return false;
  case VALUE_BOOL: return v->truth;
  case VALUE_INT: return v->number != 0;
  case VALUE_FLOAT: return v->real != 0;
  case VALUE_TEXT: return v->text.n != 0;
  case VALUE_TUPLE:
  case VALUE_DICT: return v->n != 0;
  case VALUE_RANGE: return range_length(v) != 0;
  case VALUE_DTYPE:
  case VALUE_MODULE: return true;
  }
  return false;
}

static const struct value *dict_find(const struct value *dict, struct span key) {
  for (uint32_t i = 0; i < dict->n; i++)
    if (span_eq(dict->pairs[i].key, key)) return &dict->pairs[i].value;
  return NULL;
}

enum { MAX_NESTING = 128 }; /* of values: configs have 64 levels, an expression adds its own height */

/* Comparisons left, of values and of keys: two large dicts in another order cost the product of their sizes.
 */
struct comparison {
  unsigned depth;
  uint64_t *steps;
};

static bool items_equal(struct comparison c, const struct value *a, const struct value *b);

/* NOLINTBEGIN(misc-no-recursion): values in values, at most MAX_NESTING deep */
static bool equal_within(struct comparison c, const struct value *a, const struct value *b) {
  if (c.depth == 0 || *c.steps == 0) return false;
  c.depth--;
  --*c.steps;
  if (is_integer(a) && is_integer(b)) return integer(a) == integer(b);
  if (value_is_number(a) && value_is_number(b))
    return value_number(a) <= value_number(b) && value_number(a) >= value_number(b);
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case VALUE_NONE:
  case VALUE_MISSING:
  case VALUE_PENDING: return true;
  case VALUE_BOOL:
  case VALUE_INT:
  case VALUE_FLOAT: return false; /* compared above */
  case VALUE_TEXT: return span_eq(a->text, b->text);
  case VALUE_TUPLE:
  case VALUE_DICT: return items_equal(c, a, b);
  case VALUE_RANGE:
    return a->range.start == b->range.start && a->range.stop == b->range.stop &&
           a->range.step == b->range.step;
  case VALUE_DTYPE: return a->dtype == b->dtype;
  case VALUE_MODULE: return a->module == b->module;
  }
  return false;
}

/* The value of the same key, first looked for in the same place. */
static const struct value *counterpart(struct comparison c, const struct value *dict, uint32_t i,
                                       struct span key) {
  if (span_eq(dict->pairs[i].key, key)) return &dict->pairs[i].value;
  *c.steps -= min_u64(*c.steps, dict->n);
  return dict_find(dict, key);
}

static bool items_equal(struct comparison c, const struct value *a, const struct value *b) {
  if (a->n != b->n) return false;
  for (uint32_t i = 0; i < a->n; i++) {
    bool tuple = a->kind == VALUE_TUPLE;
    const struct value *x = tuple ? &a->items[i] : &a->pairs[i].value;
    const struct value *y = tuple ? &b->items[i] : counterpart(c, b, i, a->pairs[i].key);
    if (!y || !equal_within(c, x, y)) return false;
  }
  return true;
}

/* NOLINTEND(misc-no-recursion) */

bool value_equal(const struct value *a, const struct value *b) {
  uint64_t steps = UINT64_C(1) << 24;
  return equal_within((struct comparison){MAX_NESTING, &steps}, a, b);
}

/* The same, on the budget of an evaluation. */
static bool equal(struct eval *ev, const struct value *a, const struct value *b, uint32_t at, bool *out) {
  *out = equal_within((struct comparison){MAX_NESTING, ev->steps}, a, b);
  return eval_charge(ev, 1, at);
}

const struct value *scope_find(const struct scope *s, struct span name) {
  for (; s; s = s->up)
    for (uint32_t i = 0; i < s->n; i++)
      if (span_eq(s->names[i], name)) return &s->values[i];
  return NULL;
}

/* ---- arithmetic ---- */

static bool finite_result(struct eval *ev, double x, uint32_t at, struct value *out) {
  if (!isfinite(x)) return eval_error(ev, at, "the result is not a finite number");
  *out = value_real(x);
  return true;
}

static bool overflow(struct eval *ev, uint32_t at) {
  return eval_error(ev, at, "the result does not fit 64 bits");
}

/* Python: the quotient rounds towards minus infinity, the remainder has the divisor's sign. */
static bool floor_divide(struct eval *ev, int64_t a, int64_t b, uint32_t at, int64_t *quotient,
                         int64_t *rest) {
  if (b == 0) return eval_error(ev, at, "division by zero");
  if (a == INT64_MIN && b == -1) return overflow(ev, at);
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
    if (exponent % 2 && !try_mul(result, base, &result)) return overflow(ev, at);
    exponent /= 2;
    if (exponent && !try_mul(base, base, &base)) return overflow(ev, at);
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
  if (!fits) return overflow(ev, at);
  if (op == BIN_FLOORDIV && !floor_divide(ev, a, b, at, &r, &other)) return false;
  if (op == BIN_MOD && !floor_divide(ev, a, b, at, &other, &r)) return false;
  if (op == BIN_POW && !int_power(ev, a, b, at, &r)) return false;
  *out = value_int(r);
  return true;
}

static bool is_zero(double x) { return x >= 0 && x <= 0; }

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
  if (!items) return out_of_memory(ev, at);
  if (a->n) memcpy(items, a->items, a->n * sizeof *items);
  if (b->n) memcpy(items + a->n, b->items, b->n * sizeof *items);
  *out = value_tuple(items, (uint32_t)n);
  return true;
}

static bool repeat_tuple(struct eval *ev, const struct value *tuple, int64_t times, uint32_t at,
                         struct value *out) {
  uint64_t n;
  if (times < 0) times = 0;
  if (!try_mul((uint64_t)tuple->n, (uint64_t)times, &n) || n > MAX_ITEMS)
    return eval_error(ev, at, "a tuple of more than %d items", MAX_ITEMS);
  if (!eval_charge(ev, n, at)) return false;
  struct value *items = arena_array(ev->arena, n, struct value);
  if (!items) return out_of_memory(ev, at);
  for (uint64_t i = 0; i < n; i++) items[i] = tuple->items[i % tuple->n];
  *out = value_tuple(items, (uint32_t)n);
  return true;
}

static bool join_texts(struct eval *ev, struct span a, struct span b, uint32_t at, struct value *out) {
  size_t n = a.n + b.n;
  if (n > ev->max->expr_bytes)
    return eval_error(ev, at, "a text of more than %u bytes", (unsigned)ev->max->expr_bytes);
  uint8_t *p = arena_alloc(ev->arena, n, 1, 1);
  if (!p) return out_of_memory(ev, at);
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
      if (!equal(ev, needle, &in->items[i], at, &yes)) return false;
  } else if (in->kind == VALUE_DICT && needle->kind == VALUE_TEXT) {
    if (!eval_charge(ev, in->n, at)) return false;
    yes = dict_find(in, needle->text) != NULL;
  } else if (in->kind == VALUE_TEXT && needle->kind == VALUE_TEXT) {
    yes =
        needle->text.n == 0 || (in->text.n && memmem(in->text.p, in->text.n, needle->text.p, needle->text.n));
  } else {
    return unfit(ev, at, "a tuple, a dict or a text behind 'in'", in);
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
  if (op == BIN_EQ || op == BIN_NE) {
    bool same;
    if (!equal(ev, a, b, at, &same)) return false;
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
  if (!value_is_number(v)) return unfit(ev, at, "a number behind '-'", v);
  if (v->kind == VALUE_FLOAT)
    *out = value_real(-v->real);
  else if (integer(v) == INT64_MIN)
    return overflow(ev, at);
  else
    *out = value_int(-integer(v));
  return true;
}

/* ---- parts of values ---- */

bool value_attr(struct eval *ev, const struct value *v, struct span name, uint32_t at, struct value *out) {
  if (v->kind != VALUE_DICT)
    return eval_error(ev, at, "'%.*s' is looked up in a dict, found %s", (int)min_size(name.n, 60),
                      (const char *)name.p, value_kind_name(v->kind));
  if (!eval_charge(ev, v->n, at)) return false;
  const struct value *found = dict_find(v, name);
  *out = found ? *found : (struct value){.kind = VALUE_NONE};
  return true;
}

bool value_index(struct eval *ev, const struct value *v, const struct value *index, uint32_t at,
                 struct value *out) {
  if (v->kind == VALUE_DICT && index->kind == VALUE_TEXT) {
    if (!eval_charge(ev, v->n, at)) return false;
    const struct value *found = dict_find(v, index->text);
    if (found) *out = *found;
    return found || unfit(ev, at, "a key of the dict", index);
  }
  if (v->kind != VALUE_TUPLE) return unfit(ev, at, "a list, a tuple or a dict in front of '['", v);
  if (!is_integer(index)) return unfit(ev, at, "an integer as index", index);
  int64_t i = integer(index), n = v->n;
  if (i < -n || i >= n)
    return eval_error(ev, at, "index %lld is outside a list of %lld", (long long)i, (long long)n);
  *out = v->items[i < 0 ? i + n : i];
  return true;
}

/* Python's rule: negative counts from the end, then clamped to [low, high]. */
static bool slice_bound(struct eval *ev, const struct value *v, int64_t n, int64_t low, int64_t high,
                        int64_t absent, uint32_t at, int64_t *out) {
  *out = absent;
  if (!v || v->kind == VALUE_NONE) return true;
  if (!is_integer(v)) return unfit(ev, at, "an integer in a slice", v);
  int64_t i = integer(v);
  if (i < 0) i += n; /* a negative number plus a length can't overflow */
  *out = i < low ? low : i > high ? high : i;
  return true;
}

bool value_slice(struct eval *ev, const struct value *v, const struct value *start, const struct value *stop,
                 const struct value *step, uint32_t at, struct value *out) {
  if (v->kind != VALUE_TUPLE) return unfit(ev, at, "a list or a tuple in front of '['", v);
  int64_t n = v->n, by = 1, from, to;
  if (step && step->kind != VALUE_NONE) {
    if (!is_integer(step) || integer(step) == 0) return unfit(ev, at, "a step other than 0", step);
    by = integer(step);
  }
  int64_t low = by < 0 ? -1 : 0, high = by < 0 ? n - 1 : n;
  if (!slice_bound(ev, start, n, low, high, by < 0 ? n - 1 : 0, at, &from) ||
      !slice_bound(ev, stop, n, low, high, by < 0 ? -1 : n, at, &to))
    return false;
  struct value range = {.kind = VALUE_RANGE, .range = {from, to, by}};
  uint64_t count = range_length(&range);
  if (!eval_charge(ev, count, at)) return false;
  struct value *items = arena_array(ev->arena, count, struct value);
  if (!items) return out_of_memory(ev, at);
  for (uint64_t i = 0; i < count; i++) items[i] = v->items[from + (int64_t)i * by];
  *out = value_tuple(items, (uint32_t)count);
  return true;
}

/* ---- functions ---- */

struct args {
  const struct value *v;
  uint32_t n, at;
};

static bool want_integer(struct eval *ev, const struct value *v, uint32_t at, int64_t *out) {
  if (!is_integer(v)) return unfit(ev, at, "an integer", v);
  *out = integer(v);
  return true;
}

/* min and max: of the arguments, or of the items of the only one. */
static bool extreme(struct eval *ev, struct args a, enum expr_op better, struct value *out) {
  if (a.n == 1) {
    if (a.v->kind != VALUE_TUPLE) return unfit(ev, a.at, "a tuple, or several numbers", a.v);
    a = (struct args){a.v->items, a.v->n, a.at};
  }
  if (a.n == 0) return eval_error(ev, a.at, "of an empty tuple there is no least or greatest");
  if (!eval_charge(ev, a.n, a.at)) return false;
  struct value best = a.v[0];
  for (uint32_t i = 0; i < a.n; i++) {
    struct value wins;
    if (!value_binary(ev, better, &a.v[i], &best, a.at, &wins)) return false;
    if (wins.truth) best = a.v[i];
  }
  *out = best;
  return true;
}

static bool call_min(struct eval *ev, struct args a, struct value *out) {
  return extreme(ev, a, BIN_LT, out);
}
static bool call_max(struct eval *ev, struct args a, struct value *out) {
  return extreme(ev, a, BIN_GT, out);
}

static bool to_integer(struct eval *ev, double x, uint32_t at, struct value *out) {
  if (!(x >= -0x1p63 && x < 0x1p63)) return overflow(ev, at);
  *out = value_int((int64_t)x);
  return true;
}

static bool call_int(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v)) return unfit(ev, a.at, "a number", a.v);
  if (a.v->kind == VALUE_FLOAT) return to_integer(ev, trunc(a.v->real), a.at, out);
  *out = value_int(integer(a.v));
  return true;
}

static bool call_float(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v)) return unfit(ev, a.at, "a number", a.v);
  *out = value_real(value_number(a.v));
  return true;
}

static bool call_len(struct eval *ev, struct args a, struct value *out) {
  if (a.v->kind == VALUE_TEXT) {
    int64_t n = 0; /* characters, not bytes: continuation bytes don't count */
    for (size_t i = 0; i < a.v->text.n; i++) n += (a.v->text.p[i] & 0xc0) != 0x80;
    *out = value_int(n);
    return true;
  }
  if (a.v->kind != VALUE_TUPLE && a.v->kind != VALUE_DICT)
    return unfit(ev, a.at, "a list, a dict or a text", a.v);
  *out = value_int(a.v->n);
  return true;
}

static bool call_abs(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v)) return unfit(ev, a.at, "a number", a.v);
  if (a.v->kind == VALUE_FLOAT)
    *out = value_real(fabs(a.v->real));
  else if (integer(a.v) < 0)
    return value_negate(ev, a.v, a.at, out);
  else
    *out = value_int(integer(a.v));
  return true;
}

static bool call_sum(struct eval *ev, struct args a, struct value *out) {
  if (a.v->kind != VALUE_TUPLE) return unfit(ev, a.at, "a tuple", a.v);
  struct value total = value_int(0);
  if (!eval_charge(ev, a.v->n, a.at)) return false;
  for (uint32_t i = 0; i < a.v->n; i++)
    if (!value_binary(ev, BIN_ADD, &total, &a.v->items[i], a.at, &total)) return false;
  *out = total;
  return true;
}

/* Python 3: halves go to the even neighbour, as rint does in the default mode. */
static bool call_round(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v)) return unfit(ev, a.at, "a number", a.v);
  if (a.v->kind == VALUE_FLOAT) return to_integer(ev, rint(a.v->real), a.at, out);
  *out = value_int(integer(a.v));
  return true;
}

static bool call_sqrt(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v) || value_number(a.v) < 0) return unfit(ev, a.at, "a number of 0 or more", a.v);
  *out = value_real(sqrt(value_number(a.v)));
  return true;
}

static bool call_arange(struct eval *ev, struct args a, struct value *out) {
  int64_t n[3] = {0, 0, 1};
  for (uint32_t i = 0; i < a.n; i++)
    if (!want_integer(ev, &a.v[i], a.at, &n[a.n == 1 ? 1 : i])) return false;
  if (n[2] == 0) return eval_error(ev, a.at, "expected a step other than 0");
  *out = (struct value){.kind = VALUE_RANGE, .range = {n[0], n[1], n[2]}};
  return true;
}

static bool call_ceil_to(struct eval *ev, struct args a, struct value *out) {
  int64_t x = 0, unit = 0, quotient = 0, rest = 0;
  if (!want_integer(ev, &a.v[0], a.at, &x) || !want_integer(ev, &a.v[1], a.at, &unit)) return false;
  if (unit <= 0) return unfit(ev, a.at, "a positive integer", &a.v[1]);
  if (!floor_divide(ev, x, unit, a.at, &quotient, &rest)) return false;
  if (rest && !try_add(x, unit - rest, &x)) return overflow(ev, a.at);
  *out = value_int(x);
  return true;
}

static bool call_get(struct eval *ev, struct args a, struct value *out) {
  struct value found = {.kind = VALUE_NONE};
  if (a.v[1].kind != VALUE_TEXT) return unfit(ev, a.at, "a text as key", &a.v[1]);
  if (a.v[0].kind != VALUE_NONE && !value_attr(ev, &a.v[0], a.v[1].text, a.at, &found)) return false;
  *out = found.kind == VALUE_NONE && a.n == 3 ? a.v[2] : found;
  return true;
}

static bool call_ntuple(struct eval *ev, struct args a, struct value *out) {
  int64_t n = 0;
  if (!want_integer(ev, &a.v[1], a.at, &n)) return false;
  if (a.v[0].kind != VALUE_TUPLE) {
    struct value one = value_tuple(a.v, 1);
    return repeat_tuple(ev, &one, n, a.at, out);
  }
  if (a.v[0].n != n) {
    struct span shown = value_show(ev->arena, &a.v[0]);
    return eval_error(ev, a.at, "expected one number or %lld of them, found %.*s", (long long)n, (int)shown.n,
                      (const char *)shown.p);
  }
  *out = a.v[0];
  return true;
}

static bool divide_exactly(struct eval *ev, struct args a, int64_t *number, int64_t *quotient) {
  int64_t by = 0, rest = 0;
  if (!want_integer(ev, &a.v[0], a.at, number) || !want_integer(ev, &a.v[1], a.at, &by)) return false;
  if (by <= 0) return unfit(ev, a.at, "a positive integer", &a.v[1]);
  if (!floor_divide(ev, *number, by, a.at, quotient, &rest)) return false;
  return rest == 0 ||
         eval_error(ev, a.at, "%lld can't be divided by %lld", (long long)*number, (long long)by);
}

static bool call_divided(struct eval *ev, struct args a, struct value *out) {
  int64_t number = 0, quotient = 0;
  if (!divide_exactly(ev, a, &number, &quotient)) return false;
  *out = value_int(quotient);
  return true;
}

static bool call_multiple(struct eval *ev, struct args a, struct value *out) {
  int64_t number = 0, quotient = 0;
  if (!divide_exactly(ev, a, &number, &quotient)) return false;
  *out = value_int(number);
  return true;
}

static const struct builtin {
  const char *name;
  uint32_t least, most;
  bool (*run)(struct eval *ev, struct args a, struct value *out);
} builtins[] = {
#define BUILTIN(name, least, most) {#name, least, most, call_##name},
#include "arch/builtins.def"
#undef BUILTIN
};

static const struct builtin *builtin_find(struct span name) {
  for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
    if (span_is(name, builtins[i].name)) return &builtins[i];
  return NULL;
}

bool builtin_is(struct span name) { return builtin_find(name) != NULL; }

bool builtin_call(struct eval *ev, struct span name, const struct value *args, uint32_t n, uint32_t at,
                  struct value *out) {
  const struct builtin *f = builtin_find(name);
  if (!f)
    return eval_error(ev, at, "there is no function %.*s", (int)min_size(name.n, 60), (const char *)name.p);
  if (n < f->least || n > f->most)
    return eval_error(ev, at, "%s takes %u to %u arguments, found %u", f->name, f->least, f->most, n);
  return f->run(ev, (struct args){args, n, at}, out);
}

/* ---- expressions ---- */

/* NOLINTBEGIN(misc-no-recursion): over an expression, at most limits.expr_depth deep; see expr.h */

static bool eval_dtype(struct span name, struct value *out) {
  enum dtype d = span_is(name, "float") ? DTYPE_NONE : dtype_by_name(name);
  if (d == DTYPE_NONE && !span_is(name, "float")) return false;
  *out = (struct value){.kind = VALUE_DTYPE, .dtype = d};
  return true;
}

static bool unknown_name(struct eval *ev, const struct expr *e, const struct scope *scope) {
  struct nearest near = {.word = e->text};
  for (const struct scope *s = scope; s; s = s->up)
    for (uint32_t i = 0; i < s->n && i < MAX_ITEMS; i++) nearest_try(&near, s->names[i]);
  int n = (int)min_size(e->text.n, 60);
  if (near.best.n == 0) return eval_error(ev, e->at, "unknown name '%.*s'", n, (const char *)e->text.p);
  return eval_error(ev, e->at, "unknown name '%.*s', did you mean '%.*s'?", n, (const char *)e->text.p,
                    (int)near.best.n, (const char *)near.best.p);
}

static bool eval_name(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  for (const struct scope *s = scope; s; s = s->up)
    if (!eval_charge(ev, s->n / 8, e->at)) return false;
  const struct value *v = scope_find(scope, e->text);
  if (!v) return eval_dtype(e->text, out) || unknown_name(ev, e, scope);
  int n = (int)min_size(e->text.n, 60);
  if (v->kind == VALUE_MISSING) {
    bool ok =
        eval_error(ev, e->at, "config value '%.*s' is required and not given", n, (const char *)e->text.p);
    ev->error.absent = true;
    return ok;
  }
  if (v->kind == VALUE_PENDING)
    return eval_error(ev, e->at, "'%.*s' is computed on a later line", n, (const char *)e->text.p);
  *out = *v;
  return true;
}

static bool eval_tuple(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value *items = arena_array(ev->arena, e->num_kids, struct value);
  if (!items) return out_of_memory(ev, e->at);
  for (uint32_t i = 0; i < e->num_kids; i++)
    if (!expr_eval(ev, e->kids[i], scope, &items[i])) return false;
  *out = value_tuple(items, e->num_kids);
  return true;
}

static bool eval_choice(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value condition;
  if (!expr_eval(ev, e->kids[0], scope, &condition)) return false;
  return expr_eval(ev, e->kids[value_truth(&condition) ? 1 : 2], scope, out);
}

static bool eval_logic(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  if (!expr_eval(ev, e->kids[0], scope, out)) return false;
  if (value_truth(out) == (e->kind == EXPR_OR)) return true;
  return expr_eval(ev, e->kids[1], scope, out);
}

static bool eval_binary(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value a, b;
  return expr_eval(ev, e->kids[0], scope, &a) && expr_eval(ev, e->kids[1], scope, &b) &&
         value_binary(ev, e->op, &a, &b, e->at, out);
}

static bool eval_unary(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value v;
  if (!expr_eval(ev, e->kids[0], scope, &v)) return false;
  if (e->kind == EXPR_NEG) return value_negate(ev, &v, e->at, out);
  *out = value_bool(!value_truth(&v));
  return true;
}

static bool eval_attr(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value v;
  return expr_eval(ev, e->kids[0], scope, &v) && value_attr(ev, &v, e->text, e->at, out);
}

static bool eval_slice(struct eval *ev, const struct expr *e, const struct value *v,
                       const struct scope *scope, struct value *out) {
  struct value part[3] = {{.kind = VALUE_NONE}, {.kind = VALUE_NONE}, {.kind = VALUE_NONE}};
  for (uint32_t i = 0; i < 3; i++)
    if (e->kids[i] && !expr_eval(ev, e->kids[i], scope, &part[i])) return false;
  return value_slice(ev, v, &part[0], &part[1], &part[2], e->at, out);
}

static bool eval_index(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value v, index;
  if (!expr_eval(ev, e->kids[0], scope, &v)) return false;
  const struct expr *i = e->kids[1];
  if (e->num_kids != 2 || i->kind == EXPR_ELLIPSIS)
    return eval_error(ev, e->at, "a list or dict takes one index");
  if (i->kind == EXPR_SLICE) return eval_slice(ev, i, &v, scope, out);
  return expr_eval(ev, i, scope, &index) && value_index(ev, &v, &index, e->at, out);
}

static bool eval_builtin(struct eval *ev, const struct expr *e, const struct scope *scope,
                         struct value *out) {
  const struct expr *f = e->kids[0];
  uint32_t n = e->num_kids - 1;
  struct value *args = arena_array(ev->arena, n, struct value);
  if (!args) return out_of_memory(ev, e->at);
  for (uint32_t i = 0; i < n; i++) {
    const struct expr *arg = e->kids[i + 1];
    if (arg->kind == EXPR_KEYWORD)
      return eval_error(ev, arg->at, "%.*s takes no keyword arguments", (int)f->text.n,
                        (const char *)f->text.p);
    if (!expr_eval(ev, arg, scope, &args[i])) return false;
  }
  return builtin_call(ev, f->text, args, n, e->at, out);
}

static bool eval_call(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  const struct expr *f = e->kids[0];
  if (f->kind != EXPR_NAME)
    return eval_error(ev, e->at, "only a function, a module type or a block is called here");
  if (builtin_is(f->text)) return eval_builtin(ev, e, scope, out);
  if (ev->call) return ev->call(ev, e, scope, out);
  return eval_error(ev, e->at, "there is no function '%.*s'", (int)min_size(f->text.n, 60),
                    (const char *)f->text.p);
}

bool expr_eval(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  if (!eval_charge(ev, 1, e->at)) return false;
  *out = (struct value){.kind = VALUE_NONE};
  switch (e->kind) {
  case EXPR_NONE: return true;
  case EXPR_TRUE:
  case EXPR_FALSE: *out = value_bool(e->kind == EXPR_TRUE); return true;
  case EXPR_INT: *out = value_int(e->number); return true;
  case EXPR_FLOAT: *out = value_real(e->real); return true;
  case EXPR_TEXT: *out = value_text(e->text); return true;
  case EXPR_NAME: return eval_name(ev, e, scope, out);
  case EXPR_TUPLE: return eval_tuple(ev, e, scope, out);
  case EXPR_IF: return eval_choice(ev, e, scope, out);
  case EXPR_OR:
  case EXPR_AND: return eval_logic(ev, e, scope, out);
  case EXPR_NOT:
  case EXPR_NEG: return eval_unary(ev, e, scope, out);
  case EXPR_BINARY: return eval_binary(ev, e, scope, out);
  case EXPR_ATTR: return eval_attr(ev, e, scope, out);
  case EXPR_CALL: return eval_call(ev, e, scope, out);
  case EXPR_INDEX: return eval_index(ev, e, scope, out);
  case EXPR_KEYWORD:
  case EXPR_SLICE:
  case EXPR_ELLIPSIS: break; /* only inside calls and indices */
  }
  return eval_error(ev, e->at, "no value can stand here");
}

/* NOLINTEND(misc-no-recursion) */

/* ---- for people ---- */

struct shown {
  char text[80];
  size_t n;
};

static void put(struct shown *s, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(struct shown *s, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(s->text + s->n, sizeof s->text - s->n, format, ap);
  va_end(ap);
  if (n > 0) s->n = min_size(s->n + (size_t)n, sizeof s->text - 1);
}

static void put_dtype(struct shown *s, enum dtype d) {
  put(s, "%s", d == DTYPE_NONE ? "float" : dtype_name(d));
}

static void put_value(struct shown *s, const struct value *v) {
  switch (v->kind) {
  case VALUE_NONE:
  case VALUE_MISSING:
  case VALUE_PENDING: put(s, "None"); break;
  case VALUE_BOOL: put(s, v->truth ? "True" : "False"); break;
  case VALUE_INT: put(s, "%lld", (long long)v->number); break;
  case VALUE_FLOAT:
    put(s, v->real >= -1e15 && v->real <= 1e15 && is_zero(v->real - trunc(v->real)) ? "%.1f" : "%.12g",
        v->real);
    break;
  case VALUE_TEXT:
    put(s, v->text.n > 48 ? "'%.*s…'" : "'%.*s'", (int)min_size(v->text.n, 48), (const char *)v->text.p);
    break;
  case VALUE_TUPLE: put(s, v->n ? "[…]" : "[]"); break;
  case VALUE_DICT: put(s, v->n ? "{…}" : "{}"); break;
  case VALUE_RANGE:
    put(s, "arange(%lld, %lld, %lld)", (long long)v->range.start, (long long)v->range.stop,
        (long long)v->range.step);
    break;
  case VALUE_DTYPE: put_dtype(s, v->dtype); break;
  case VALUE_MODULE: put(s, "a module"); break;
  }
}

struct span value_show(struct arena *a, const struct value *v) {
  struct shown s = {.n = 0};
  if (v->kind == VALUE_TUPLE && v->n) {
    put(&s, "[");
    for (uint32_t i = 0; i < v->n && s.n < 56; i++) {
      if (i) put(&s, ", ");
      put_value(&s, &v->items[i]);
    }
    put(&s, s.n < 56 ? "]" : " …]");
  } else {
    put_value(&s, v);
  }
  return arena_printf(a, "%.*s", (int)s.n, s.text);
}
