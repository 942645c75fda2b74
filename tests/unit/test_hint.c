/* Which config value fits the checkpoint: found by trying, told with what it resolves; and how long that
 * takes. */
#include "arch/fit.h"

#include "tests/unit/match_bench.h"

#define MLP                                                                                        \
  "{'arch': 1, 'config': {'d': 20, 'out': 2, 'heads': 4}, 'modules': {'a': 'Linear(10, d)', 'b': " \
  "'Linear(d, out)'}}"
#define LISTS                                                                                              \
  "{'arch': 1, 'config': {'depths': [2, 2], 'wide': false}, 'presets': {'deep': {'depths': [3, 4]}, "      \
  "'wide': {'depths': [1, 4], 'wide': true}}, 'modules': {'s.{i < depths[0]}': 'Parameter(8 if wide else " \
  "4)',"                                                                                                   \
  " 't.{i < depths[1]}': 'Parameter(8 if wide else 4)'}}"
#define HEADS                                                                               \
  "{'arch': 1, 'config': {'d': 64, 'heads': 8, 'kv': '=heads', 'n': 16}, 'modules': {'q': " \
  "'Parameter((d, d))', 'k': 'Parameter((kv * d // heads, d))', 'pos': 'Parameter(n + 2)'}}"
/* Names that end in numbers, from 0 and from 1; and a list whose numbers tell nothing of its config. */
#define NAMED                                                                                              \
  "{'arch': 1, 'config': {'n': 9, 'm': 9}, 'modules': {'h.step_{i < n}': 'Parameter(4)', 'l.unit{i < m + " \
  "1}': "                                                                                                  \
  "'Parameter(4) if i else None'}}"
#define FLAT "{'arch': 1, 'config': {'pairs': 3}, 'modules': {'f.{i < 7 * pairs}': 'Parameter(4)'}}"

static void values_are_found(void **state) {
  static const struct {
    const char *arch, *keys, *hint; /* hint "": none */
    uint64_t resolved, problems;
  } rows[] = {
      {MLP, "a.weight[20,10] a.bias[20] b.weight[2,20] b.bias[2]", "", 0, 0},
      {MLP, "a.weight[16,10] a.bias[16] b.weight[2,16] b.bias[2]", "d=16 (now 20)", 3, 3},
      {MLP, "a.weight[16,10] a.bias[16] b.weight[5,16] b.bias[5]", "d=16 (now 20), out=5 (now 2)", 4, 4},
      /* a hint must resolve half of it */
      {MLP, "a.weight[16,9] a.bias[20] b.weight[2,7] x[1] y[2] z[3]", "", 0, 0},
      /* no shape of the model depends on what differs */
      {MLP, "a.weight[20,11] a.bias[20] b.weight[2,20] b.bias[2]", "", 0, 0},
      /* another model: nothing to correct */
      {MLP, "p[1] q[2] r[3]", "", 0, 0},
      {LISTS, "s.0[4] s.1[4] t.0[4] t.1[4] t.2[4]", "depths=[2, 3] (now [2, 2])", 1, 1},
      {LISTS, "s.0[4] t.0[4] t.1[4] t.2[4]", "depths=[1, 3] (now [2, 2])", 2, 2},
      /* in the order of their texts, as safetensors files have them */
      {LISTS,
       "s.0[4] s.1[4] s.10[4] s.11[4] s.2[4] s.3[4] s.4[4] s.5[4] s.6[4] s.7[4] s.8[4] s.9[4] t.0[4] t.1[4]",
       "depths=[12, 2] (now [2, 2])", 10, 10},
      {LISTS, "s.0[4] s.1[4] s.2[4] t.0[4] t.1[4] t.2[4] t.3[4]", "--arch deep", 3, 3},
      {LISTS, "s.0[8] s.1[8] t.0[8] t.1[8]", "wide=true (now False)", 4, 4},
      /* a factor and a sum: 2 of 8 heads, 30 positions and two more */
      {HEADS, "q[64,64] k[16,64] pos[18]", "kv=2 (now 8)", 1, 1},
      {HEADS, "q[64,64] k[64,64] pos[32]", "n=30 (now 16)", 1, 1},
      {NAMED, "h.step_0[4] h.step_1[4] h.step_2[4] h.step_3[4] h.step_4[4] l.unit1[4] l.unit2[4] l.unit3[4]",
       "m=3 (now 9), n=5 (now 9)", 10, 10},
      {FLAT,
       "f.0[4] f.1[4] f.2[4] f.3[4] f.4[4] f.5[4] f.6[4] f.7[4] f.8[4] f.9[4] f.10[4] f.11[4] f.12[4] "
       "f.13[4]",
       "pairs=2 (now 3)", 7, 7},
      /* what the first change makes wrong is found with the next */
      {HEADS, "q[96,96] k[24,96] pos[18]", "d=96 (now 64), kv=2 (now 8)", 2, 2},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, rows[i].arch);
    root_dict(&x, rows[i].keys, "");
    bench_run(&x);
    assert_true(bench_hint(&x));
    bool told = seen(&x.b.o, OBS_HINT) != 0;
    const struct observation none = {.subject = SPAN("")}, *o = told ? first_of(&x.b.o, OBS_HINT) : &none;
    if (!span_is(o->subject, rows[i].hint) || o->got != rows[i].resolved || o->want != rows[i].problems)
      fail_msg("%s: %.*s resolves %llu of %llu", rows[i].keys, (int)o->subject.n, (const char *)o->subject.p,
               (unsigned long long)o->got, (unsigned long long)o->want);
    bench_close(&x);
  }
}

/* The user's own --set stays, and a value of it may be the wrong one. */
static void settings_are_kept(void **state) {
  struct match_bench x;
  struct setting set[2] = {{SPAN("d"), SPAN("16")}, {SPAN("out"), SPAN("3")}};
  (void)state;
  bench_open(&x, MLP);
  root_dict(&x, "a.weight[16,10] a.bias[16] b.weight[2,16] b.bias[2]", "");
  x.b.sources.set = set;
  x.b.sources.num_set = 2;
  bench_run(&x);
  assert_true(bench_hint(&x));
  assert_true(span_is(first_of(&x.b.o, OBS_HINT)->subject, "out=2 (now 3)"));
  bench_close(&x);
}

static void a_prefix_does_not_hide_the_value(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, MLP);
  root_dict(&x, "a.weight[16,10] a.bias[16] b.weight[2,16] b.bias[2]", "module.");
  bench_run(&x);
  assert_true(bench_hint(&x));
  assert_true(span_is(first_of(&x.b.o, OBS_HINT)->subject, "d=16 (now 20)"));
  bench_close(&x);
}

static void roots_are_found_by_their_keys(void **state) {
  static const char arch[] =
      "{'arch': 1, 'base_prefix': 'base.', 'blocks': {'Base()': {'modules': {'e': 'Parameter(4)', 'f': "
      "'Parameter(4)'}}, 'Head(n)': {'modules': {'base': 'Base()', 'head': 'Parameter(n)'}}, 'Bad()': "
      "{'modules': "
      "{'x': 'Parameter(1 // 0)'}}},"
      " 'roots': {'Broken': 'Bad()', 'Large': 'Head(9)', 'Small': 'Head(2)', 'Bare': 'Base()'}}";
  static const struct {
    const char *keys, *root;
  } rows[] = {
      {"base.e[4] base.f[4] head[2]", "Small"},
      {"base.e[4] base.f[4] head[9]", "Large"},
      {"e[4] f[4]", "Bare"}, /* the others fit with a prefix and lack the head */
      {"base.e[4] base.f[4]", "Bare"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, arch);
    root_dict(&x, rows[i].keys, "");
    x.plan = plan_bench_done(&x.p);
    struct span root = fit_root(&x.b.arch, &x.b.sources, x.plan, &x.plan->dicts[0], &x.b.max);
    if (!span_is(root, rows[i].root)) fail_msg("%s: %.*s", rows[i].keys, (int)root.n, (const char *)root.p);
    bench_close(&x);
  }
}

/* A file with two networks: the likeliest place holds the other one's keys. */
static void state_dicts_are_found_by_their_keys(void **state) {
  static const struct {
    const char *model, *ema, *best;
  } rows[] = {
      {"a.weight[20,10] a.bias[20]", "a.weight[20,10] a.bias[20] b.weight[2,20] b.bias[2]", "ema"},
      {"x.weight[20,10] y.bias[20] z[1]", "module.a.weight[20,10]", "ema"},
      {"a.weight[9,9] a.bias[9] b.weight[9,9] b.bias[9]", "a.weight[20,10] a.bias[20]",
       "model"}, /* another size */
      {"a.weight[20,10]", "a.weight[20,10]", "model"},
      {"x[1]", "y[1]", "model"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, MLP);
    plan_value(&x.p, 0, "", PLAN_VAL_DICT);
    plan_value(&x.p, 1, "model", PLAN_VAL_DICT);
    plan_dict_here(&x.p, "model");
    add_tensors(&x, rows[i].model, "");
    plan_value(&x.p, 1, "ema", PLAN_VAL_DICT);
    plan_dict_here(&x.p, "ema");
    add_tensors(&x, rows[i].ema, "");
    x.plan = plan_bench_done(&x.p);
    const struct plan_dict *best = fit_dict(&x.b.arch, &x.b.sources, SPAN(""), x.plan, &x.b.max);
    if (!span_is(plan_span(x.plan, best->path), rows[i].best)) fail_msg("row %zu", i);
    bench_close(&x);
  }
}

/* 80 layers of nine tensors: everything wrong at once. The limit ends what would take longer. */
static void the_search_is_bounded(void **state) {
  enum { LAYERS = 80, TENSORS = 9 };
  static const char arch[] =
      "{'arch': 1, 'config': {'n': 32, 'd': 64, 'ff': 256, 'v': 100, 'a': 1, 'b': 2, 'c': 3}, 'modules': "
      "{'e': "
      "'Embedding(v, d)', 'l.{i < n}': {'modules': {'p.{k < 7}': 'Linear(d, ff, False)', 'x': 'Linear(ff, d, "
      "False)', 'y': 'Parameter(d)'}}}}";
  struct match_bench x;
  (void)state;
  for (int full = 1; full >= 0; full--) {
    char name[64];
    bench_open(&x, arch);
    root_dict(&x, "e.weight[50,48] ", "");
    for (int i = 0; i < LAYERS; i++)
      for (int k = 0; k < TENSORS; k++) {
        snprintf(name, sizeof name, k < 7 ? "l.%d.p.%d.weight" : k == 7 ? "l.%d.x.weight" : "l.%d.y", i, k);
        tensor_named(&x, name, DTYPE_F32, k < 8 ? 2 : 1,
                     k < 7    ? SIZES(96, 48)
                     : k == 7 ? SIZES(48, 96)
                              : SIZES(48));
      }
    if (!full) x.b.max.hint_keys = 20000;
    bench_run(&x);
    double started = milliseconds();
    assert_true(bench_hint(&x));
    double took = milliseconds() - started;
    if (full)
      assert_true(span_is(first_of(&x.b.o, OBS_HINT)->subject,
                          "d=48 (now 64), ff=96 (now 256), n=80 (now 32), v=50 (now 100)"));
    print_message("%d tensors, four values wrong: %.0f ms%s\n", LAYERS * TENSORS + 1, took,
                  full ? "" : ", bounded");
    assert_true(took < 5000); /* 1000 on a quiet machine, without sanitizers: make bench */
    bench_close(&x);
  }
}

/* 40 layers of 200 experts: of the whole no more than 17 trials are made, and the value wanted is a share of
 * sizes. */
static void a_part_stands_for_a_large_model(void **state) {
  enum { LAYERS = 40, EXPERTS = 200 };
  static const char arch[] =
      "{'arch': 1, 'config': {'a': 1, 'b': 2, 'c': 3, 'd': 64, 'e': 4, 'f': 5, 'heads': 8, 'kv': '=heads', "
      "'n': "
      "40, 'experts': 200}, 'modules': {'l.{i < n}': {'modules': {'k': 'Linear(d, kv * d // heads, False)', "
      "'x.{j < experts}': 'Linear(d, 2, False) if i else Parameter(1)'}}}}";
  struct match_bench x;
  (void)state;
  bench_open(&x, arch);
  root_dict(&x, "extra[1]", ""); /* stays without a place, whatever the values are */
  for (int i = 0; i < LAYERS; i++) {
    char name[64];
    snprintf(name, sizeof name, "l.%d.k.weight", i);
    tensor_named(&x, name, DTYPE_F32, 2, SIZES(16, 64));
    for (int j = 0; j < EXPERTS; j++) {
      snprintf(name, sizeof name, i ? "l.%d.x.%d.weight" : "l.%d.x.%d", i, j);
      tensor_named(&x, name, DTYPE_F32, i ? 2 : 1, i ? SIZES(2, 64) : SIZES(1));
    }
  }
  x.b.max.hint_keys = 17 * 2 * LAYERS * (EXPERTS + 1);
  bench_run(&x);
  assert_true(bench_hint(&x));
  const struct observation *o = first_of(&x.b.o, OBS_HINT);
  assert_true(span_is(o->subject, "kv=2 (now 8)"));
  assert_int_equal(o->got, LAYERS);
  assert_int_equal(o->want, LAYERS + 1);
  bench_close(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_found),
      cmocka_unit_test(settings_are_kept),
      cmocka_unit_test(a_prefix_does_not_hide_the_value),
      cmocka_unit_test(roots_are_found_by_their_keys),
      cmocka_unit_test(state_dicts_are_found_by_their_keys),
      cmocka_unit_test(the_search_is_bounded),
      cmocka_unit_test(a_part_stands_for_a_large_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
