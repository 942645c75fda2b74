/* The expression language: values recorded from CPython, the grammar's edges, and what hostile texts cost. */
#include "arch/value.h"
#include "tests/unit/check.h"

struct bench {
  struct arena arena;
  struct limits max;
  uint64_t steps;
  struct eval ev;
  struct scope scope;
  struct span names[4];
  struct value values[4], items[3];
};

static void bench_open(struct bench *b) {
  memset(b, 0, sizeof *b);
  arena_init(&b->arena, 1 << 22);
  b->max = limits_default();
  b->steps = 100000;
  b->ev = (struct eval){.arena = &b->arena, .max = &b->max, .steps = &b->steps};
  b->items[0] = value_int(3);
  b->items[1] = value_int(-5);
  b->items[2] = value_real(2.5);
  const struct span names[4] = {SPAN("x"), SPAN("y"), SPAN("t"), SPAN("s")};
  const struct value values[4] = {value_int(7), value_real(-1.5), value_tuple(b->items, 3),
                                  value_text(SPAN("gelu"))};
  memcpy(b->names, names, sizeof names);
  memcpy(b->values, values, sizeof values);
  b->scope = (struct scope){.n = 4, .names = b->names, .values = b->values};
}

/* Same kind, same value: 1 is not 1.0 here. */
static bool same(const struct value *a, const struct value *b) {
  if (a->kind != b->kind || !value_equal(a, b)) return false;
  for (uint32_t i = 0; a->kind == VALUE_TUPLE && i < a->n; i++)
    if (!same(&a->items[i], &b->items[i])) return false;
  return true;
}

static bool run(struct bench *b, struct span text, struct value *out) {
  struct expr_error err;
  const struct expr *e = expr_parse(&b->arena, &b->max, text, &err);
  if (e) return expr_eval(&b->ev, e, &b->scope, out);
  b->ev.error = err;
  return false;
}

static void gives_what_python_gives(void **state) {
  static const struct {
    const char *expr, *value;
  } rows[] = {
#define VALUE(expr, value) {expr, value},
#define FAILS(expr)
#include "tests/oracle/expr_recorded.inc"
#undef VALUE
#undef FAILS
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench b;
    struct value got, want;
    bench_open(&b);
    struct span text = exact_copy(rows[i].expr, strlen(rows[i].expr));
    if (!run(&b, text, &got))
      fail_msg("%s: %.*s", rows[i].expr, (int)b.ev.error.what.n, (const char *)b.ev.error.what.p);
    assert_true(run(&b, span_str(rows[i].value), &want));
    if (!same(&got, &want)) fail_msg("%s is not %s", rows[i].expr, rows[i].value);
    exact_free(text);
    arena_free(&b.arena);
  }
}

static void fails_where_python_raises(void **state) {
  static const char *const rows[] = {
#define VALUE(expr, value)
#define FAILS(expr) expr,
#include "tests/oracle/expr_recorded.inc"
#undef VALUE
#undef FAILS
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench b;
    struct value got;
    bench_open(&b);
    if (run(&b, span_str(rows[i]), &got)) fail_msg("%s has a value", rows[i]);
    assert_true(b.ev.error.what.n > 0);
    assert_false(b.ev.error.limit);
    assert_true(b.ev.error.at < strlen(rows[i]));
    arena_free(&b.arena);
  }
}

static bool says(struct span what, const char *part) {
  return memmem(what.p, what.n, part, strlen(part)) != NULL;
}

/* Python has an answer, this language refuses: fixed integers, finite floats, no chains. Or a place and its
 * message. */
static void refuses_with_place_and_reason(void **state) {
  static const struct {
    const char *expr;
    uint32_t at;
    const char *what;
  } rows[] = {
      {"2 ** 63", 2, "64 bits"},
      {"9223372036854775807 + 1", 20, "64 bits"},
      {"-9223372036854775807 - 2", 21, "64 bits"},
      {"9223372036854775807 * 2", 20, "64 bits"},
      {"(-9223372036854775807 - 1) // -1", 27, "64 bits"},
      {"-(-9223372036854775807 - 1)", 0, "64 bits"},
      {"abs(-9223372036854775807 - 1)", 0, "64 bits"},
      {"int(1e300)", 0, "64 bits"},
      {"9223372036854775808", 0, "64 bits"},
      {"1e308 * 10", 6, "finite"},
      {"1e999", 0, "float"},
      {"(-8) ** 0.5", 5, "finite"},
      {"2 @ 3", 2, "takes numbers"},
      {"1 < 2 < 3", 6, "comparisons"},
      {"1 == 1 == 1", 7, "comparisons"},
      {"1 not in (1, 2)", 2, "an operator or the end, found 'not'"},
      {"1 +", 3, "a value, found the end"},
      {"", 0, "a value"},
      {"(1, 2", 5, "')', found the end"},
      {"[1, 2)", 5, "']', found ')'"},
      {"f(a=1, 2)", 7, "positional"},
      {"t[]", 2, "index"},
      {"t[0:1:2:3]", 7, "']', found ':'"},
      {"t[0, 1]", 1, "one index"},
      {"1 if 2", 6, "else"},
      {"1 if 2 if 3 else 4 else 5", 7, "'else', found 'if'"},
      {"a.1", 1, "m[0]"},
      {"x.", 2, "name behind"},
      {"012", 0, "leading zeros"},
      {"12abc", 0, "behind a number"},
      {"'abc", 0, "closing"},
      {"\"abc\"", 0, "single quotes"},
      {"1 $ 2", 2, "sign of the language"},
      {"\xc3\xa9", 0, "sign of the language"},
      {"1 = 2", 2, "found '='"},
      {"* 2", 0, "a value"},
      {"2 * not 1", 4, "a value, found 'not'"},
      {"xs", 0, "did you mean 'x'"},
      {"get(t, 'a')", 0, "looked up in a dict"},
      {"len(t=1)", 4, "no keyword"},
      {"x(1)", 0, "no function"},
      {"(1)(2)", 3, "is called here"},
      {"divided(7, 2)", 0, "7 can't be divided by 2"},
      {"multiple(7, 0)", 0, "positive"},
      {"ntuple((1, 2), 3)", 0, "one number or 3"},
      {"arange(0, 1, 0)", 0, "step other than 0"},
      {"causal_mask(0)", 0, "a size from 1 to 65536, found 0"},
      {"relative_position_index(65537)", 0, "a size from 1 to 65536, found 65537"},
      {"(1,) * 100000", 5, "65536"},
      {"sqrt(-1)", 0, "a number of 0 or more"},
      {"sqrt('a')", 0, "a number of 0 or more"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench b;
    struct value got;
    bench_open(&b);
    struct span text = exact_copy(rows[i].expr, strlen(rows[i].expr));
    if (run(&b, text, &got)) fail_msg("%s has a value", rows[i].expr);
    if (b.ev.error.at != rows[i].at || !says(b.ev.error.what, rows[i].what))
      fail_msg("%s: at %u: %.*s", rows[i].expr, b.ev.error.at, (int)b.ev.error.what.n,
               (const char *)b.ev.error.what.p);
    exact_free(text);
    arena_free(&b.arena);
  }
}

static void own_functions(void **state) {
  static const struct {
    const char *expr, *value;
  } rows[] = {
      {"ceil_to(50257, 64)", "50304"},
      {"ceil_to(64, 64)", "64"},
      {"ceil_to(-1, 8)", "0"},
      {"get(None, 'a')", "None"},
      {"get(None, 'a', 3)", "3"},
      {"sqrt(16)", "4.0"},
      {"ntuple(3, 2)", "(3, 3)"},
      {"ntuple((3, 5), 2)", "(3, 5)"},
      {"divided(6, 2)", "3"},
      {"multiple(6, 3)", "6"},
      {"len('\xc3\xa9')", "1"},
      {"causal_mask(4) == causal_mask(4)", "True"},
      {"causal_mask(4) == causal_mask(5)", "False"},
      {"causal_mask(4) == relative_position_index(4)", "False"},
      {"arange(0, 6, 2) == arange(0, 6, 2)", "True"},
      {"arange(0, 6, 2) == arange(0, 6, 3)", "False"},
      {"arange(0, 6, 2) == arange(1, 6, 2)", "False"},
      {"arange(0, 6, 2) == arange(0, 5, 2)", "False"},
      {"1 if arange(3, 3, 1) else 2", "2"},
      {"1 if arange(3, 2, -1) else 2", "1"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench b;
    struct value got, want;
    bench_open(&b);
    assert_true(run(&b, span_str(rows[i].expr), &got) && run(&b, span_str(rows[i].value), &want));
    if (!same(&got, &want)) fail_msg("%s is not %s", rows[i].expr, rows[i].value);
    arena_free(&b.arena);
  }
}

/* Dicts come from configs only. A key that is not there and a None are one. */
static void dicts_answer_none_for_absent_keys(void **state) {
  struct bench b;
  struct value got;
  const struct value_pair pairs[] = {{SPAN("hidden"), value_int(20)}, {SPAN("none"), {.kind = VALUE_NONE}}};
  (void)state;
  bench_open(&b);
  b.values[0] = (struct value){.kind = VALUE_DICT, .n = 2, .pairs = pairs};
  static const struct {
    const char *expr, *value;
  } rows[] = {
      {"x.hidden", "20"},
      {"x.absent", "None"},
      {"x['hidden']", "20"},
      {"get(x, 'none', 4)", "4"},
      {"get(x, 'hidden', 4)", "20"},
      {"'hidden' in x", "True"},
      {"'absent' in x", "False"},
      {"len(x)", "2"},
      {"1 if x else 0", "1"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct value want;
    assert_true(run(&b, span_str(rows[i].expr), &got) && run(&b, span_str(rows[i].value), &want));
    if (!same(&got, &want)) fail_msg("%s is not %s", rows[i].expr, rows[i].value);
  }
  assert_false(run(&b, SPAN("x['absent']"), &got));
  arena_free(&b.arena);
}

/* Whatever the order of their keys, as in Python. */
static void dicts_are_equal_by_their_keys(void **state) {
  const struct value_pair one[] = {{SPAN("a"), value_int(1)}, {SPAN("b"), value_int(2)}},
                          turned[] = {{SPAN("b"), value_int(2)}, {SPAN("a"), value_int(1)}},
                          other[] = {{SPAN("b"), value_int(1)}, {SPAN("a"), value_int(2)}},
                          keys[] = {{SPAN("a"), value_int(1)}, {SPAN("c"), value_int(2)}};
  static const char *const want[] = {"True", "True", "False", "False", "False"};
  const struct value_pair *const pairs[] = {one, turned, other, keys, one};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
    struct bench b;
    struct value got, answer;
    bench_open(&b);
    b.values[0] = (struct value){.kind = VALUE_DICT, .n = 2, .pairs = one};
    b.values[1] = (struct value){.kind = VALUE_DICT, .n = i < 4 ? 2 : 1, .pairs = pairs[i]};
    assert_true(run(&b, SPAN("x == y"), &got) && run(&b, span_str(want[i]), &answer));
    if (!same(&got, &answer)) fail_msg("row %zu", i);
    arena_free(&b.arena);
  }
}

static void a_text_that_grows_ends(void **state) {
  static const uint8_t letters[3000];
  struct bench b;
  struct value got;
  (void)state;
  bench_open(&b);
  b.values[3] = value_text(span_of(letters, sizeof letters));
  assert_false(run(&b, SPAN("s + s"), &got));
  assert_true(says(b.ev.error.what, "a text of more than 4096 bytes"));
  arena_free(&b.arena);
}

/* Only one side of a choice is evaluated: the other may be nonsense. */
static void unused_sides_are_not_evaluated(void **state) {
  struct bench b;
  struct value got;
  (void)state;
  bench_open(&b);
  assert_true(run(&b, SPAN("1 if 1 else 1 // 0"), &got));
  assert_true(run(&b, SPAN("1 // 0 if 0 else 1"), &got));
  assert_true(run(&b, SPAN("0 and 1 // 0"), &got));
  assert_true(run(&b, SPAN("1 or undefined"), &got));
  arena_free(&b.arena);
}

static struct span repeat(char *into, const char *open, size_t n, const char *middle, const char *close) {
  char *p = into;
  for (size_t i = 0; i < n; i++, p += strlen(open)) memcpy(p, open, strlen(open));
  memcpy(p, middle, strlen(middle));
  p += strlen(middle);
  for (size_t i = 0; i < n; i++, p += strlen(close)) memcpy(p, close, strlen(close));
  return span_of(into, (size_t)(p - into));
}

/* edge: 64 levels are read, 65 are our limit and not a fault of the text. */
static void nesting_is_bounded(void **state) {
  static const struct {
    const char *open, *middle, *close;
    size_t most;
  } rows[] = {
      {"(", "1", ")", 64},           {"[", "1", "]", 63},    {"-", "1", "", 63},
      {"not ", "1", "", 63},         {"int(", "1", ")", 63}, {"2**", "1", "", 63},
      {"1 if 1 else ", "1", "", 63}, {"", "x", "+1", 63},    {"", "x", ".a", 63},
      {"(1+", "1", ")", 63},
  };
  static char text[4096 * 2];
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++)
    for (size_t n = rows[i].most; n <= rows[i].most + 200; n += n == rows[i].most ? 1 : 199) {
      struct bench b;
      struct expr_error err;
      bench_open(&b);
      struct span s = repeat(text, rows[i].open, n, rows[i].middle, rows[i].close);
      const struct expr *e = expr_parse(&b.arena, &b.max, s, &err);
      if ((e != NULL) != (n == rows[i].most)) fail_msg("row %zu, %zu levels", i, n);
      if (!e) assert_true(err.limit && says(err.what, "64 deep"));
      arena_free(&b.arena);
    }
}

/* edge: 4,096 bytes. A million parentheses are refused by their length, unread. */
static void length_is_bounded(void **state) {
  struct bench b;
  struct expr_error err;
  (void)state;
  bench_open(&b);
  char *text = malloc(1000000);
  memset(text, ' ', 1000000);
  text[0] = '1';
  assert_non_null(expr_parse(&b.arena, &b.max, span_of(text, 4096), &err));
  assert_null(expr_parse(&b.arena, &b.max, span_of(text, 4097), &err));
  assert_true(err.limit);
  memset(text, '(', 1000000);
  assert_null(expr_parse(&b.arena, &b.max, span_of(text, 1000000), &err));
  assert_true(err.limit);
  free(text);
  arena_free(&b.arena);
}

static void bombs_cost_nothing(void **state) {
  static const char *const rows[] = {
      "2**999999",          "9**9**9**9",         "(2**62)**(2**62)", "(-2)**9223372036854775807",
      "10**400 // 10**399", "((1,)*65536)*65536", "1e308**1e308"};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench b;
    struct value got;
    bench_open(&b);
    assert_false(run(&b, span_str(rows[i]), &got));
    assert_true(b.steps > 100000 - 66000);
    arena_free(&b.arena);
  }
}

static void steps_run_out(void **state) {
  struct bench b;
  struct value got;
  (void)state;
  bench_open(&b);
  b.steps = 5;
  assert_true(run(&b, SPAN("1 + 2 + 3"), &got)); /* edge: five nodes */
  b.steps = 4;
  assert_false(run(&b, SPAN("1 + 2 + 3"), &got));
  assert_true(b.ev.error.limit);
  arena_free(&b.arena);
}

static void statements(void **state) {
  static const struct {
    const char *text;
    uint32_t names;
    enum expr_kind kind;
  } good[] = {
      {"x = f(x)", 1, EXPR_CALL},
      {"q, k, v = a.split(3, -1)", 3, EXPR_CALL},
      {"a, b", 0, EXPR_TUPLE},
      {"x == 3", 0, EXPR_BINARY},
      {"return x", 0, EXPR_NAME},
      {"return x, y", 0, EXPR_TUPLE},
      {"n, t = size(x, 1), 2", 2, EXPR_TUPLE},
      {"f(x=1)", 0, EXPR_CALL},
      {"x = y = 1", 0, EXPR_NONE},
      {"x, = 1", 0, EXPR_NONE},
      {"3 = x", 0, EXPR_NONE},
      {"if = 3", 0, EXPR_NONE},
      {"x =", 0, EXPR_NONE},
      {"", 0, EXPR_NONE},
      {"return", 0, EXPR_NONE},
      {"x y", 0, EXPR_NONE},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(good); i++) {
    struct bench b;
    struct statement st;
    struct expr_error err;
    bench_open(&b);
    bool wants = good[i].kind != EXPR_NONE;
    if (statement_parse(&st, &b.arena, &b.max, span_str(good[i].text), &err) != wants)
      fail_msg("%s", good[i].text);
    if (wants) assert_int_equal(st.num_names, good[i].names);
    if (wants) assert_int_equal(st.value->kind, good[i].kind);
    arena_free(&b.arena);
  }
}

static void signatures(void **state) {
  struct bench b;
  struct signature s;
  struct expr_error err;
  (void)state;
  bench_open(&b);
  assert_true(signature_parse(&s, &b.arena, &b.max, SPAN("Layer(i, bias=True, k=2 * 3)"), &err));
  assert_true(span_is(s.name, "Layer"));
  assert_int_equal(s.num_params, 3);
  assert_null(s.params[0].fallback);
  assert_int_equal(s.params[1].fallback->kind, EXPR_TRUE);
  assert_true(signature_parse(&s, &b.arena, &b.max, SPAN("Layer"), &err) && s.num_params == 0);
  assert_true(signature_parse(&s, &b.arena, &b.max, SPAN("Layer()"), &err) && s.num_params == 0);
  static const char *const bad[] = {"",         "3()",         "Layer(",        "Layer(i",  "Layer(i i)",
                                    "Layer(1)", "Layer(i, i)", "Layer(i=1, j)", "Layer()x", "a.b()"};
  for (size_t i = 0; i < ARRAY_LEN(bad); i++)
    if (signature_parse(&s, &b.arena, &b.max, span_str(bad[i]), &err)) fail_msg("%s", bad[i]);
  arena_free(&b.arena);
}

/* Positions and children, as a graph runner walks them. */
static void tree_of_a_call(void **state) {
  struct bench b;
  struct expr_error err;
  (void)state;
  bench_open(&b);
  const struct expr *e = expr_parse(&b.arena, &b.max, SPAN("attn.q(x[:, 0, ..., 1:2:3], bias=-1)"), &err);
  assert_non_null(e);
  assert_int_equal(e->kind, EXPR_CALL);
  assert_int_equal(e->num_kids, 3);
  assert_int_equal(e->kids[0]->kind, EXPR_ATTR);
  assert_true(span_is(e->kids[0]->text, "q"));
  assert_int_equal(e->kids[0]->at, 5);
  const struct expr *index = e->kids[1];
  assert_int_equal(index->kind, EXPR_INDEX);
  assert_int_equal(index->num_kids, 5);
  assert_int_equal(index->kids[1]->kind, EXPR_SLICE);
  assert_null(index->kids[1]->kids[0]);
  assert_int_equal(index->kids[3]->kind, EXPR_ELLIPSIS);
  assert_int_equal(index->kids[4]->kids[2]->number, 3);
  assert_int_equal(e->kids[2]->kind, EXPR_KEYWORD);
  assert_int_equal(e->kids[2]->kids[0]->kind, EXPR_NEG);
  arena_free(&b.arena);
}

static void parse_any(struct span bytes) {
  struct bench b;
  struct value v;
  bench_open(&b);
  if (!run(&b, bytes, &v)) assert_true(b.ev.error.what.n > 0 && b.ev.error.at <= bytes.n);
  arena_free(&b.arena);
}

static void survives_mutations(void **state) {
  static const char text[] =
      "(x + 2.5e1) // -t[0] ** 2 if s in ('a', 'gelu') and not y else [1, t[:-1]][1][0].a(b=1, c='d')";
  (void)state;
  check_mutations((const uint8_t *)text, sizeof text - 1, parse_any);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_what_python_gives),
      cmocka_unit_test(fails_where_python_raises),
      cmocka_unit_test(refuses_with_place_and_reason),
      cmocka_unit_test(own_functions),
      cmocka_unit_test(dicts_answer_none_for_absent_keys),
      cmocka_unit_test(dicts_are_equal_by_their_keys),
      cmocka_unit_test(a_text_that_grows_ends),
      cmocka_unit_test(unused_sides_are_not_evaluated),
      cmocka_unit_test(nesting_is_bounded),
      cmocka_unit_test(length_is_bounded),
      cmocka_unit_test(bombs_cost_nothing),
      cmocka_unit_test(steps_run_out),
      cmocka_unit_test(statements),
      cmocka_unit_test(signatures),
      cmocka_unit_test(tree_of_a_call),
      cmocka_unit_test(survives_mutations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
