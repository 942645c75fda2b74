/* What a file without weights is: optimizers by the state that torch.optim's classes keep (torch 1.13,
 * `state[p]` of each), schedulers, scalers, random number states; else what its values are. */
#include "model/purpose.h"

#include "tests/unit/plan_bench.h"

/* A plan in words, a line a value: depth by dots, "key kind", kind one of those below. "u8[5056]" is a
 * tensor. */
static void put_line(struct plan_bench *p, const char *line, size_t n) {
  static const struct {
    const char *word;
    enum plan_value_kind kind;
  } kinds[] = {{"dict", PLAN_VAL_DICT}, {"list", PLAN_VAL_LIST},    {"tuple", PLAN_VAL_TUPLE},
               {"set", PLAN_VAL_SET},   {"int", PLAN_VAL_INT},      {"text", PLAN_VAL_TEXT},
               {"none", PLAN_VAL_NONE}, {"class", PLAN_VAL_GLOBAL}, {"record", PLAN_VAL_RECORD}};
  char text[120], *kind, *size;
  uint32_t depth = 0;
  assert_true(n < sizeof text);
  memcpy(text, line, n);
  text[n] = 0;
  while (text[depth] == '.') depth++;
  kind = strchr(text, ' ');
  assert_non_null(kind);
  *kind++ = 0;
  if ((size = strchr(kind, '['))) {
    uint64_t sizes[2] = {strtoull(size + 1, &size, 10)};
    if (*size == ',') sizes[1] = strtoull(size + 1, &size, 10);
    struct plan_value *v = plan_value(p, depth, text + depth, PLAN_VAL_TENSOR);
    v->number = p->tensors.n;
    plan_bytes(p, kind[0] == 'u' ? DTYPE_U8 : DTYPE_F32, sizes[1] ? 2 : 1, sizes, NULL);
    return;
  }
  for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
    if (strcmp(kind, kinds[i].word) == 0) {
      struct plan_value *v = plan_value(p, depth, text + depth, kinds[i].kind);
      if (kinds[i].kind == PLAN_VAL_RECORD) v->cls = plan_words(p, "argparse.Namespace");
      return;
    }
  fail_msg("no kind '%s'", kind);
}

static void read_plan(struct plan_bench *p, const char *lines) {
  plan_bench_open(p);
  while (*lines) {
    size_t n = strcspn(lines, "\n");
    put_line(p, lines, n);
    lines += n + (lines[n] == '\n');
  }
}

#define GROUPS                                                                                            \
  "\n.param_groups list\n..0 dict\n...lr int\n...params list\n....0 int\n....1 int\n..1 dict\n...params " \
  "list\n....0 int"

static void files_without_weights_are_known_by_their_form(void **state) {
  static const struct {
    const char *plan, *words;
  } rows[] = {
      {" dict\n.state dict\n..0 dict\n...exp_avg_sq f[2]" GROUPS,
       "the state of an optimizer (Adam or AdamW) of 3 parameters"},
      {" dict\n.state dict\n..0 dict\n...momentum_buffer none" GROUPS,
       "the state of an optimizer (SGD with momentum) of 3 parameters"},
      {" dict\n.state dict\n..0 dict\n...ax f[2]" GROUPS, "the state of an optimizer (ASGD) of 3 parameters"},
      {" dict\n.state dict\n..0 dict\n...other f[2]" GROUPS, "the state of an optimizer of 3 parameters"},
      {" dict\n.state dict\n.param_groups list\n..0 dict\n...params list\n....0 int",
       "the state of an optimizer of 1 parameter"},
      {" dict\n.state dict\n.param_groups list\n..0 dict\n...lr int",
       "the state of an optimizer of 0 parameters"},
      {" dict\n.last_epoch int\n._step_count int", "the state of a learning rate scheduler"},
      {" dict\n.last_epoch int\n.base_lrs list", "the state of a learning rate scheduler"},
      {" dict\n.last_epoch int", "a dict without weights: last_epoch"},
      {" dict\n.growth_factor int\n.backoff_factor int", "the state of a gradient scaler"},
      {" u8[5056]", "the state of random number generators"},
      {" u8[16]", "the state of random number generators"},
      {" dict\n.python tuple\n.cpu u8[5056]\n.cuda u8[816]", "the state of random number generators"},
      {" dict\n.torch_rng_state u8[5056]", "the state of random number generators"},
      {" dict\n.python tuple\n.numpy tuple", "a dict without weights: python, numpy"}, /* no tensor */
      {" dict\n.python tuple\n.cpu u8[5056]\n.other int",
       "a dict without weights: python, cpu: the state of random number "
       "generators, other"},
      {" u8[5057]", "one tensor without a name, uint8 [5057]"},
      {" f[2,3]", "one tensor without a name, float32 [2, 3]"},
      {" dict", "an empty dict"},
      {" list\n.0 f[2]\n.1 int", "a list of 2 values, 1 of them tensors, without names"},
      {" tuple\n.0 f[2]", "a tuple of 1 value, 1 of them tensors, without names"},
      {" dict\n.a int\n.b int\n.c int\n.d int\n.e int\n.f int\n.g int\n.h int",
       "a dict without weights: a, b, c, d, e, f, g, h"},
      {" dict\n.a int\n.b int\n.c int\n.d int\n.e int\n.f int\n.g int\n.h int\n.i int",
       "a dict without weights: a, b, c, d, e, f, g, h, …"},
      {" dict\n.optimizer dict\n..state dict\n..param_groups list\n.epoch int",
       "a dict without weights: optimizer: the state of an optimizer of 0 parameters, epoch"},
      {" record", "an object of argparse.Namespace"},
      {" record\n.lr int", "an object of argparse.Namespace: lr"},
      {" set\n.0 int", "a set"},
      {" int", "an int"},
      {" class", "a class"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct plan_bench p;
    read_plan(&p, rows[i].plan);
    struct span words = purpose_words(plan_bench_done(&p), &p.arena);
    if (!span_is(words, rows[i].words))
      fail_msg("%s: %.*s", rows[i].words, (int)words.n, (const char *)words.p);
    plan_bench_close(&p);
  }
}

static void a_plan_without_values_is_said(void **state) {
  struct plan_bench p;
  (void)state;
  plan_bench_open(&p);
  assert_true(span_is(purpose_words(plan_bench_done(&p), &p.arena), "without values"));
  plan_bench_close(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_without_weights_are_known_by_their_form),
      cmocka_unit_test(a_plan_without_values_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
