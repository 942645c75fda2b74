/* Answers, not walls: many keys that differ in the same way are one line. */
#include "tests/unit/match_bench.h"

#define STACK(n)                                                                                \
  "{'arch': 1, 'blocks': {'L()': {'modules': {'q': 'Linear(4, 4)', 'norm': 'LayerNorm(4)'}}}, " \
  "'modules': {'emb': 'Embedding(9, 4)', 'layers.{i < " n "}': 'L()', 'head': 'Linear(4, 9, False)'}}"
#define LAYER(i, rows)                                                                                     \
  " layers." i ".q.weight[" rows ",4] layers." i ".q.bias[" rows "] layers." i ".norm.weight[4] layers." i \
  ".norm.bias[4]"
#define ENDS "emb.weight[9,4] head.weight[9,4]"

static const struct {
  const char *arch, *keys;
  const char *lines; /* subject, '|' and detail of each observation, "; " between them */
} rows[] = {
    {STACK("2"), ENDS LAYER("0", "4") LAYER("1", "4"), ""},
    {STACK("3"), ENDS LAYER("0", "2") LAYER("1", "2") LAYER("2", "2"),
     "layers.{0-2}.q.weight|[2, 4], the architecture expects [4, 4] (Linear), 3 keys; "
     "layers.{0-2}.q.bias|[2], the architecture expects [4] (Linear), 3 keys"},
    /* numbers with a gap, two that are neighbours, one alone */
    {STACK("5"), ENDS LAYER("0", "4") LAYER("1", "2") LAYER("2", "2") LAYER("3", "4") LAYER("4", "2"),
     "layers.{1,2,4}.q.weight|[2, 4], the architecture expects [4, 4] (Linear), 3 keys; "
     "layers.{1,2,4}.q.bias|[2], the architecture expects [4] (Linear), 3 keys"},
    {STACK("2"), ENDS LAYER("0", "4") LAYER("1", "2"),
     "layers.1.q.weight|[2, 4], the architecture expects [4, 4] (Linear); "
     "layers.1.q.bias|[2], the architecture expects [4] (Linear)"},
    /* one layer less, one more */
    {STACK("3"), ENDS LAYER("0", "4"), "layers.{1,2}.*|L, 8 keys"},
    {STACK("1"), ENDS LAYER("0", "4") LAYER("1", "4") LAYER("2", "4"), "layers.{1,2}.*| (8 keys)"},
    /* a module that is half there is told key by key */
    {STACK("1"), ENDS " layers.0.q.weight[4,4] layers.0.norm.weight[4] layers.0.norm.bias[4]",
     "layers.0.q.bias|[4] (Linear)"},
    {STACK("1"), ENDS LAYER("0", "4") " layers.0.q.scale[4] layers.0.k.weight[4,4] layers.0.k.bias[4]",
     "layers.0.q.scale| (float32 [4]); layers.0.k.*| (2 keys)"},
    /* what stands under a module that is None is unknown to the model */
    {"{'arch': 1, 'modules': {'a': 'Linear(2, 2)', 'b': 'None'}}",
     "a.weight[2,2] a.bias[2] b.0.weight[1] b.0.bias[1]", "b.*| (2 keys)"},
    /* not every pair of numbers: lines by the last number */
    {"{'arch': 1, 'modules': {'a.{i < 2}': {'modules': {'e.{j < 3}': 'Parameter(2)'}}}}",
     "a.0.e.0[2] a.0.e.1[3] a.0.e.2[3] a.1.e.0[3] a.1.e.1[3] a.1.e.2[3]",
     "a.0.e.{1,2}|[3], the architecture expects [2] (ModuleList), 2 keys; "
     "a.1.e.{0-2}|[3], the architecture expects [2] (ModuleList), 3 keys"},
    {"{'arch': 1, 'modules': {'a.{i < 2}': {'modules': {'e.{j < 3}': 'Parameter(2)'}}}}",
     "a.0.e.0[3] a.0.e.1[3] a.0.e.2[3] a.1.e.0[3] a.1.e.1[3] a.1.e.2[3]",
     "a.{0,1}.e.{0-2}|[3], the architecture expects [2] (ModuleList), 6 keys"},
    /* the parts of one module, in the same words */
    {"{'arch': 1, 'modules': {'bn': 'BatchNorm2d(4)'}}",
     "bn.weight[8] bn.bias[8] bn.running_mean[8] bn.running_var[8] ~bn.num_batches_tracked[]",
     "bn.{weight, bias, running_mean, running_var}|[8], the architecture expects [4] (BatchNorm2d)"},
    /* 007 is a name, not the number 7 */
    {"{'arch': 1, 'modules': {'a': 'Parameter(1)'}}", "a[1] b.007[2] b.7[2]", "b.*| (2 keys)"},
    {"{'arch': 1, 'modules': {'a': 'Parameter(1)', 'b.x': 'Parameter(1)'}}", "a[1] b.x[1] b.007[2] b.7[2]",
     "b.{007, 7}| (float32 [2])"},
    /* the right numbers in the wrong place */
    {"{'arch': 1, 'modules': {'a': 'Linear(3, 4, False)'}}", "a.weight[3,4]",
     "a.weight|[3, 4], the architecture expects [4, 3] (Linear); it is transposed"},
    {"{'arch': 1, 'modules': {'a': 'Embedding(50257, 4)'}}", "a.weight[50304,4]",
     "a.weight|[50304, 4], the architecture expects [50257, 4] (Embedding); its rows look padded to a round "
     "number, as vocabularies are"},
    {"{'arch': 1, 'modules': {'a': 'Embedding(50304, 4)'}}", "a.weight[50257,4]",
     "a.weight|[50257, 4], the architecture expects [50304, 4] (Embedding); the rows expected look padded to "
     "a "
     "round number, as vocabularies are"},
    {"{'arch': 1, 'modules': {'a': 'Embedding(50257, 4)'}}", "a.weight[50258,4]",
     "a.weight|[50258, 4], the architecture expects [50257, 4] (Embedding)"},
    {"{'arch': 1, 'modules': {'a': 'Conv2d(3, 4, 1, bias=False)'}}", "a.weight[4,3]",
     "a.weight|[4, 3], the architecture expects [4, 3, 1, 1] (Conv2d); as many elements, in another shape"},
};

static void keys_are_folded(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    struct span lines = SPAN("");
    bench_open(&x, rows[i].arch);
    root_dict(&x, rows[i].keys, "");
    bench_run(&x);
    for (uint32_t k = 0; k < x.b.o.n; k++) {
      const struct observation *o = &x.b.o.list[k];
      lines = arena_printf(&x.b.arena, "%.*s%s%.*s|%.*s", (int)lines.n, (const char *)lines.p, k ? "; " : "",
                           (int)o->subject.n, (const char *)o->subject.p, (int)o->detail.n,
                           (const char *)o->detail.p);
    }
    if (!span_is(lines, rows[i].lines))
      fail_msg("%s\n%.*s\nnot %s", rows[i].keys, (int)lines.n, (const char *)lines.p, rows[i].lines);
    bench_close(&x);
  }
}

/* 40 keys of another model: one line, not eighty. */
static void another_model_is_one_line(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, "{'arch': 1, 'name': 'Net', 'modules': {'p.{i < 40}': 'Parameter(1)'}}");
  plan_value(&x.p, 0, "", PLAN_VAL_DICT);
  plan_dict_here(&x.p, "");
  for (int i = 0; i < 40; i++) {
    char name[16];
    snprintf(name, sizeof name, "q%d", i);
    tensor_named(&x, name, DTYPE_F32, 1, SIZES(1));
  }
  bench_run(&x);
  assert_int_equal(x.b.o.n, 1);
  const struct observation *o = first_of(&x.b.o, OBS_MATCH_NOTHING);
  assert_true(span_is(o->subject, "Net"));
  assert_true(span_is(o->detail, "the checkpoint's begin with q0, the model's with p.0"));
  assert_true(x.m.missing == 40 && x.m.unexpected == 40 && x.m.loads_loose);
  bench_close(&x);
}

static void ignored_keys_are_no_finding(void **state) {
  static const struct {
    const char *missing, *unexpected;
    uint32_t waived, told;
  } cases[] = {
      {"", "", 0, 2},          {"head.*", "", 2, 1},      {"", "extra*", 1, 1}, {"head.*", "extra", 3, 0},
      {"head.bias", "", 1, 2}, {"extra", "head.*", 0, 2}, {"*", "*", 3, 0},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
    struct match_bench x;
    struct span missing = span_str(cases[i].missing), unexpected = span_str(cases[i].unexpected);
    bench_open(&x, "{'arch': 1, 'modules': {'a': 'Linear(2, 2)', 'head': 'Linear(2, 2)'}}");
    root_dict(&x, "a.weight[2,2] a.bias[2] extra[7]", "");
    x.options.ignore_missing = (struct names){missing.n != 0, &missing};
    x.options.ignore_unexpected = (struct names){unexpected.n != 0, &unexpected};
    bench_run(&x);
    if (x.m.waived != cases[i].waived || x.b.o.n != cases[i].told + (cases[i].waived != 0))
      fail_msg("%s %s: %u", cases[i].missing, cases[i].unexpected, x.b.o.n);
    assert_true(!x.m.loads_strict && x.m.loads_loose && x.m.params_ignored == 7 && x.m.params_missing == 6);
    bench_close(&x);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_are_folded),
      cmocka_unit_test(another_model_is_one_line),
      cmocka_unit_test(ignored_keys_are_no_finding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
