/* The expression language: a text is a tree or a word about what is wrong at a place in it; trees are no
 * higher than the limit, and evaluation ends within its steps with a value or a word. The input is read as an
 * expression, a statement and a signature. */
#include "arch/expr.h"

#include "arch/value.h"
#include "fuzz/fuzz.h"

enum { STEPS = 20000, NESTED = 8 };

static void check_error(const struct expr_error *err, struct span text) {
  FUZZ_CHECK(err->what.n > 0 && err->at <= text.n);
}

/* Recursion: e->height, which the parser bounds. */
static uint32_t check_tree(const struct expr *e, struct span text, const struct limits *max) {
  uint32_t height = 0;
  if (!e) return 0;
  FUZZ_CHECK(e->at < text.n && e->height <= max->expr_depth);
  for (uint32_t i = 0; i < e->num_kids; i++) {
    uint32_t kid = check_tree(e->kids[i], text, max);
    height = kid > height ? kid : height;
  }
  FUZZ_CHECK(e->height == height + 1);
  FUZZ_CHECK(e->text.n == 0 || (e->text.p >= text.p && e->text.p + e->text.n <= text.p + text.n));
  return e->height;
}

static void check_value(const struct value *v, unsigned depth) {
  FUZZ_CHECK(v->kind <= VALUE_PENDING);
  if (v->kind == VALUE_RANGE) FUZZ_CHECK(v->range.step != 0);
  for (uint32_t i = 0; v->kind == VALUE_TUPLE && depth < NESTED && i < v->n && i < 64; i++)
    check_value(&v->items[i], depth + 1);
}

static void evaluate(const struct expr *e, struct arena *a, const struct fuzz_input *in, struct value *out,
                     bool *fine) {
  static const struct value pair[] = {{.kind = VALUE_INT, .number = 2}, {.kind = VALUE_BOOL, .truth = true}};
  const struct value values[] = {{.kind = VALUE_INT, .number = 3},
                                 {.kind = VALUE_FLOAT, .real = 0.5},
                                 {.kind = VALUE_TEXT, .text = SPAN("gelu")},
                                 {.kind = VALUE_TUPLE, .n = 2, .items = pair},
                                 {.kind = VALUE_MISSING}};
  const struct span names[] = {SPAN("n"), SPAN("f"), SPAN("s"), SPAN("t"), SPAN("missing")};
  const struct scope scope = {.n = ARRAY_LEN(values), .names = names, .values = values};
  uint64_t steps = STEPS;
  struct eval ev = {.arena = a, .max = &in->limits, .steps = &steps};
  *fine = expr_eval(&ev, e, &scope, out);
  FUZZ_CHECK(steps <= STEPS && *fine == (ev.error.what.n == 0));
  if (*fine) check_value(out, 0);
  if (*fine) FUZZ_CHECK(value_show(a, out).n <= 200 && (value_truth(out) || true));
}

static void check_expression(const struct fuzz_input *in, struct arena *a) {
  struct expr_error err = {0};
  struct value first, second;
  bool fine, again;
  const struct expr *e = expr_parse(a, &in->limits, in->bytes, &err);
  FUZZ_CHECK(!e == (err.what.n > 0));
  if (!e) {
    check_error(&err, in->bytes);
    return;
  }
  (void)check_tree(e, in->bytes, &in->limits);
  evaluate(e, a, in, &first, &fine);
  if (a->exhausted) return;
  evaluate(e, a, in, &second, &again);
  FUZZ_CHECK(a->exhausted || (fine == again && (!fine || first.kind == second.kind)));
}

static void check_statement(const struct fuzz_input *in, struct arena *a) {
  struct statement s;
  struct expr_error err = {0};
  if (!statement_parse(&s, a, &in->limits, in->bytes, &err)) {
    check_error(&err, in->bytes);
    return;
  }
  (void)check_tree(s.value, in->bytes, &in->limits);
  for (uint32_t i = 0; i < s.num_names; i++) FUZZ_CHECK(is_identifier(s.names[i]));
}

static void check_signature(const struct fuzz_input *in, struct arena *a) {
  struct signature s;
  struct expr_error err = {0};
  if (!signature_parse(&s, a, &in->limits, in->bytes, &err)) {
    check_error(&err, in->bytes);
    return;
  }
  FUZZ_CHECK(is_identifier(s.name));
  for (uint32_t i = 0; i < s.num_params; i++) {
    FUZZ_CHECK(is_identifier(s.params[i].name));
    (void)check_tree(s.params[i].fallback, in->bytes, &in->limits);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct arena arena;
  arena_init(&arena, in.arena_bytes);
  if (in.knobs & KNOB_SHRUNK) in.limits.expr_depth = 5;
  check_expression(&in, &arena);
  check_statement(&in, &arena);
  check_signature(&in, &arena);
  arena_free(&arena);
  fuzz_close(&in);
  return 0;
}
