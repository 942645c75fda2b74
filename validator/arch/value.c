/* Values: their kinds, truth and equality, the names they go by in a scope, and their parts: attributes,
 * items, slices. */
#include "arch/eval_parts.h"

/* ---- what values are ---- */

const char *value_kind_name(enum value_kind k) {
  static const char *const names[] = {
      [VALUE_NONE] = "None",       [VALUE_BOOL] = "a bool",     [VALUE_INT] = "an integer",
      [VALUE_FLOAT] = "a float",   [VALUE_TEXT] = "a text",     [VALUE_TUPLE] = "a tuple",
      [VALUE_DICT] = "a dict",     [VALUE_RANGE] = "a range",   [VALUE_PATTERN] = "a pattern",
      [VALUE_DTYPE] = "a dtype",   [VALUE_MODULE] = "a module", [VALUE_MISSING] = "nothing",
      [VALUE_PENDING] = "nothing",
  };
  return names[k];
}

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
  case VALUE_PATTERN:
  case VALUE_DTYPE:
  case VALUE_MODULE: return true;
  }
  return false;
}

const struct value *dict_find(const struct value *dict, struct span key) {
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

static bool texts_equal(struct comparison c, const struct value *a, const struct value *b) {
  *c.steps -= min_u64(*c.steps, text_steps(a));
  return span_eq(a->text, b->text);
}

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
  case VALUE_TEXT: return texts_equal(c, a, b);
  case VALUE_TUPLE:
  case VALUE_DICT: return items_equal(c, a, b);
  case VALUE_RANGE:
    return a->range.start == b->range.start && a->range.stop == b->range.stop &&
           a->range.step == b->range.step;
  case VALUE_PATTERN: return a->pattern.which == b->pattern.which && a->pattern.n == b->pattern.n;
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
bool eval_equal(struct eval *ev, const struct value *a, const struct value *b, uint32_t at, bool *out) {
  *out = equal_within((struct comparison){MAX_NESTING, ev->steps}, a, b);
  return eval_charge(ev, 1, at);
}

const struct value *scope_find(const struct scope *s, struct span name) {
  for (; s; s = s->up)
    for (uint32_t i = 0; i < s->n; i++)
      if (span_eq(s->names[i], name)) return &s->values[i];
  return NULL;
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
    return found || eval_unfit(ev, at, "a key of the dict", index);
  }
  if (v->kind != VALUE_TUPLE) return eval_unfit(ev, at, "a list, a tuple or a dict in front of '['", v);
  if (!is_integer(index)) return eval_unfit(ev, at, "an integer as index", index);
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
  if (!is_integer(v)) return eval_unfit(ev, at, "an integer in a slice", v);
  int64_t i = integer(v);
  if (i < 0) i += n; /* a negative number plus a length can't overflow */
  *out = i < low ? low : i > high ? high : i;
  return true;
}

bool value_slice(struct eval *ev, const struct value *v, const struct value *start, const struct value *stop,
                 const struct value *step, uint32_t at, struct value *out) {
  if (v->kind != VALUE_TUPLE) return eval_unfit(ev, at, "a list or a tuple in front of '['", v);
  int64_t n = v->n, by = 1, from, to;
  if (step && step->kind != VALUE_NONE) {
    if (!is_integer(step) || integer(step) == 0) return eval_unfit(ev, at, "a step other than 0", step);
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
  if (!items) return eval_out_of_memory(ev, at);
  for (uint64_t i = 0; i < count; i++) items[i] = v->items[from + (int64_t)i * by];
  *out = value_tuple(items, (uint32_t)count);
  return true;
}
