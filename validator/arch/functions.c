/* The built-in functions of the language: one call_* for each row of builtins.def, and the table that finds
 * them by name. */
#include <math.h>

#include "arch/eval_parts.h"

struct args {
  const struct value *v;
  uint32_t n, at;
};

static bool want_integer(struct eval *ev, const struct value *v, uint32_t at, int64_t *out) {
  if (!is_integer(v)) return eval_unfit(ev, at, "an integer", v);
  *out = integer(v);
  return true;
}

/* min and max: of the arguments, or of the items of the only one. */
static bool extreme(struct eval *ev, struct args a, enum expr_op better, struct value *out) {
  if (a.n == 1) {
    if (a.v->kind != VALUE_TUPLE) return eval_unfit(ev, a.at, "a tuple, or several numbers", a.v);
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
  if (!(x >= -0x1p63 && x < 0x1p63)) return eval_overflow(ev, at);
  *out = value_int((int64_t)x);
  return true;
}

static bool call_int(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v)) return eval_unfit(ev, a.at, "a number", a.v);
  if (a.v->kind == VALUE_FLOAT) return to_integer(ev, trunc(a.v->real), a.at, out);
  *out = value_int(integer(a.v));
  return true;
}

/* float('-inf') is how masks are written, float('nan') what stands where there is no answer; no other text is
 * taken. */
static bool call_float(struct eval *ev, struct args a, struct value *out) {
  static const struct {
    const char *text;
    double number;
  } written[] = {{"inf", HUGE_VAL}, {"-inf", -HUGE_VAL}, {"nan", (double)NAN}};
  for (size_t i = 0; a.v->kind == VALUE_TEXT && i < ARRAY_LEN(written); i++)
    if (span_is(a.v->text, written[i].text)) {
      *out = value_real(written[i].number);
      return true;
    }
  if (!value_is_number(a.v)) return eval_unfit(ev, a.at, "a number", a.v);
  *out = value_real(value_number(a.v));
  return true;
}

static bool call_len(struct eval *ev, struct args a, struct value *out) {
  if (a.v->kind == VALUE_TEXT) {
    if (!eval_charge(ev, 4 * text_steps(a.v), a.at)) return false; /* byte by byte */
    int64_t n = 0; /* characters, not bytes: continuation bytes don't count */
    for (size_t i = 0; i < a.v->text.n; i++) n += (a.v->text.p[i] & 0xc0) != 0x80;
    *out = value_int(n);
    return true;
  }
  if (a.v->kind != VALUE_TUPLE && a.v->kind != VALUE_DICT)
    return eval_unfit(ev, a.at, "a list, a dict or a text", a.v);
  *out = value_int(a.v->n);
  return true;
}

static bool call_abs(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v)) return eval_unfit(ev, a.at, "a number", a.v);
  if (a.v->kind == VALUE_FLOAT)
    *out = value_real(fabs(a.v->real));
  else if (integer(a.v) < 0)
    return value_negate(ev, a.v, a.at, out);
  else
    *out = value_int(integer(a.v));
  return true;
}

static bool call_sum(struct eval *ev, struct args a, struct value *out) {
  if (a.v->kind != VALUE_TUPLE) return eval_unfit(ev, a.at, "a tuple", a.v);
  struct value total = value_int(0);
  if (!eval_charge(ev, a.v->n, a.at)) return false;
  for (uint32_t i = 0; i < a.v->n; i++)
    if (!value_binary(ev, BIN_ADD, &total, &a.v->items[i], a.at, &total)) return false;
  *out = total;
  return true;
}

/* Python 3: halves go to the even neighbour, as rint does in the default mode. */
static bool call_round(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v)) return eval_unfit(ev, a.at, "a number", a.v);
  if (a.v->kind == VALUE_FLOAT) return to_integer(ev, rint(a.v->real), a.at, out);
  *out = value_int(integer(a.v));
  return true;
}

static bool call_sqrt(struct eval *ev, struct args a, struct value *out) {
  if (!value_is_number(a.v) || value_number(a.v) < 0)
    return eval_unfit(ev, a.at, "a number of 0 or more", a.v);
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

static bool pattern(struct eval *ev, struct args a, enum pattern which, struct value *out) {
  enum { MOST = 65536 };
  int64_t n = 0;
  if (!want_integer(ev, a.v, a.at, &n)) return false;
  if (n < 1 || n > MOST) return eval_unfit(ev, a.at, "a size from 1 to 65536", a.v);
  *out = (struct value){.kind = VALUE_PATTERN, .pattern = {which, n}};
  return true;
}

static bool call_causal_mask(struct eval *ev, struct args a, struct value *out) {
  return pattern(ev, a, PATTERN_causal_mask, out);
}
static bool call_relative_position_index(struct eval *ev, struct args a, struct value *out) {
  return pattern(ev, a, PATTERN_relative_position_index, out);
}

static bool call_ceil_to(struct eval *ev, struct args a, struct value *out) {
  int64_t x = 0, unit = 0, quotient = 0, rest = 0;
  if (!want_integer(ev, &a.v[0], a.at, &x) || !want_integer(ev, &a.v[1], a.at, &unit)) return false;
  if (unit <= 0) return eval_unfit(ev, a.at, "a positive integer", &a.v[1]);
  if (!floor_divide(ev, x, unit, a.at, &quotient, &rest)) return false;
  if (rest && !try_add(x, unit - rest, &x)) return eval_overflow(ev, a.at);
  *out = value_int(x);
  return true;
}

static bool call_get(struct eval *ev, struct args a, struct value *out) {
  struct value found = {.kind = VALUE_NONE};
  if (a.v[1].kind != VALUE_TEXT) return eval_unfit(ev, a.at, "a text as key", &a.v[1]);
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
  if (by <= 0) return eval_unfit(ev, a.at, "a positive integer", &a.v[1]);
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
