/* A checkpoint's own config as values of the language: what Python has there is what an expression gets. */
#include "arch/config.h"

#include "tests/unit/arch_bench.h"
#include "tests/unit/plan_bench.h"

static bool value_at(struct plan_bench *p, struct value *out) {
  return value_from_plan(out, &p->arena, plan_bench_done(p), 0);
}

static struct plan_value *one(struct plan_bench *p, enum plan_value_kind kind) {
  plan_bench_open(p);
  return plan_value(p, 0, "", kind);
}

static void plain_values_keep_their_kind(void **state) {
  static const struct {
    enum plan_value_kind kind;
    int64_t number;
    double real;
    const char *text, *shown; /* as the language writes it */
  } rows[] = {
      {PLAN_VAL_NONE, 0, 0, "", "None"},
      {PLAN_VAL_BOOL, 1, 0, "", "True"},
      {PLAN_VAL_BOOL, 0, 0, "", "False"},
      {PLAN_VAL_INT, -7, 0, "", "-7"},
      {PLAN_VAL_FLOAT, 0, 0.5, "", "0.5"},
      {PLAN_VAL_TEXT, 0, 0, "gelu", "'gelu'"},
      {PLAN_VAL_BIGINT, 0, 0, "18446744073709551616", "'18446744073709551616'"},
      {PLAN_VAL_DEVICE, 0, 0, "cuda:0", "'cuda:0'"},
      {PLAN_VAL_DTYPE, 0, 0, "torch.float16", "float16"},
      {PLAN_VAL_DTYPE, 0, 0, "bfloat16", "bfloat16"},
      {PLAN_VAL_DTYPE, 0, 0, "torch.no_such", "'torch.no_such'"},
      {PLAN_VAL_TUPLE, 0, 0, "", "[]"},
      {PLAN_VAL_DICT, 0, 0, "", "{}"},
      {PLAN_VAL_CUT, 0, 0, "", "'not listed'"}, /* no config value: an error where it is used */
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct plan_bench p;
    struct value v;
    struct plan_value *row = one(&p, rows[i].kind);
    if (rows[i].kind == PLAN_VAL_FLOAT)
      row->real = rows[i].real;
    else
      row->number = rows[i].number;
    row->text = plan_words(&p, rows[i].text);
    assert_true(value_at(&p, &v));
    struct span shown = value_show(&p.arena, &v);
    if (!span_is(shown, rows[i].shown))
      fail_msg("%s: %.*s", rows[i].shown, (int)shown.n, (const char *)shown.p);
    plan_bench_close(&p);
  }
}

static void classes_are_their_names(void **state) {
  struct plan_bench p;
  struct value v;
  (void)state;
  one(&p, PLAN_VAL_GLOBAL)->cls = plan_words(&p, "torch.nn.GELU");
  assert_true(value_at(&p, &v) && v.kind == VALUE_TEXT && span_is(v.text, "torch.nn.GELU"));
  plan_bench_close(&p);
}

static void containers_keep_what_is_in_them(void **state) {
  static const enum plan_value_kind lists[] = {PLAN_VAL_TUPLE, PLAN_VAL_LIST, PLAN_VAL_SET, PLAN_VAL_SIZE},
                                    dicts[] = {PLAN_VAL_DICT, PLAN_VAL_RECORD};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
    struct plan_bench p;
    struct value v;
    one(&p, lists[i]);
    plan_value(&p, 1, "0", PLAN_VAL_INT)->number = 3;
    plan_value(&p, 1, "1", PLAN_VAL_LIST);
    plan_value(&p, 2, "0", PLAN_VAL_BOOL)->number = 1;
    assert_true(value_at(&p, &v));
    assert_true(v.kind == VALUE_TUPLE && v.n == 2 && v.items[0].number == 3);
    assert_true(v.items[1].kind == VALUE_TUPLE && v.items[1].n == 1 && v.items[1].items[0].truth);
    plan_bench_close(&p);
  }
  for (size_t i = 0; i < ARRAY_LEN(dicts); i++) {
    struct plan_bench p;
    struct value v;
    one(&p, dicts[i]);
    plan_value(&p, 1, "hidden", PLAN_VAL_INT)->number = 3;
    plan_value(&p, 1, "act", PLAN_VAL_NONE);
    assert_true(value_at(&p, &v));
    assert_true(v.kind == VALUE_DICT && v.n == 2 && span_is(v.pairs[0].key, "hidden") &&
                v.pairs[0].value.number == 3);
    assert_true(span_is(v.pairs[1].key, "act") && v.pairs[1].value.kind == VALUE_NONE);
    plan_bench_close(&p);
  }
}

/* 64 levels, 131,072 values in one config value. */
static void what_is_too_large_is_refused(void **state) {
  (void)state;
  for (uint32_t over = 0; over < 2; over++) {
    struct plan_bench p;
    struct value v;
    one(&p, PLAN_VAL_LIST);
    for (uint32_t i = 1; i < 64 + over; i++) plan_value(&p, i, "0", PLAN_VAL_LIST);
    assert_int_equal(value_at(&p, &v), !over);
    plan_bench_close(&p);
    one(&p, PLAN_VAL_LIST);
    for (uint32_t i = 0; i < (1 << 17) + over; i++) {
      struct plan_value *row = vec_push(&p.arena, &p.values, PLAN_BENCH_ROWS);
      assert_non_null(row);
      *row = (struct plan_value){.kind = PLAN_VAL_NONE, .depth = 1, .end = i + 2};
    }
    p.values.p[0].end = p.values.n;
    assert_int_equal(value_at(&p, &v), !over);
    plan_bench_close(&p);
  }
}

static void a_field_that_is_too_large_is_told(void **state) {
  struct arch_bench b;
  struct plan_bench p;
  (void)state;
  arch_bench_open(&b);
  plan_bench_open(&p);
  assert_true(
      arch_bench_parse(&b, as_json(&b.arena,
                                   "{'arch': 1, 'config': {'n': 1}, 'modules': {'a': 'Parameter(n)'}, "
                                   "'checkpoint': {'config': 'cfg'}}")));
  plan_value(&p, 0, "", PLAN_VAL_DICT);
  plan_value(&p, 1, "cfg", PLAN_VAL_DICT);
  for (uint32_t i = 0; i < 65; i++) plan_value(&p, 2 + i, i ? "0" : "n", PLAN_VAL_LIST);
  b.sources.plan = plan_bench_done(&p);
  assert_false(arch_bench_build(&b, "", 1));
  assert_true(span_is(first_of(&b.o, OBS_ARCH_CONFIG_VALUE)->detail, "n"));
  plan_bench_close(&p);
  arch_bench_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_values_keep_their_kind),      cmocka_unit_test(classes_are_their_names),
      cmocka_unit_test(containers_keep_what_is_in_them),   cmocka_unit_test(what_is_too_large_is_refused),
      cmocka_unit_test(a_field_that_is_too_large_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
