/* Where the state dict is (format-spec F.3) and what a whole module holds (E.3, in the order of
 * Module.state_dict() as torch 1.13 gives it). */
#include "tests/unit/program_bench.h"

enum { ROOM = 1 << 20 };

static void plan_of(struct bench *b, const char *program) {
  bench_run(b, program);
  if (!bench_machine(b)->stopped) fail_msg("does not run: %s", program);
  if (!bench_plan(b, ROOM)) fail_msg("is no plan: %s", program);
}

/* "path:name,name;path:…" of all candidates, best first; a name in brackets is no tensor. */
static char *dicts_text(const struct plan *p) {
  char *text = NULL;
  size_t n;
  FILE *out = open_memstream(&text, &n);
  assert_non_null(out);
  for (uint32_t i = 0; i < p->num_dicts; i++) {
    const struct plan_dict *d = &p->dicts[i];
    struct span path = plan_span(p, d->path);
    fprintf(out, "%s%.*s:", i ? ";" : "", (int)path.n, (const char *)path.p);
    for (uint32_t k = 0; k < d->num_entries; k++) {
      const struct plan_entry *e = &p->entries[d->first_entry + k];
      struct span name = plan_span(p, e->name);
      fprintf(out, e->tensor == UINT32_MAX ? "%s[%.*s]" : "%s%.*s", k ? "," : "", (int)name.n,
              (const char *)name.p);
    }
  }
  assert_int_equal(fclose(out), 0);
  return text;
}

#define SMALL     UTILS("_rebuild_tensor_v2", FLOATS I("0") T(I("1")) T(I("1")) REST)
#define SD        DICT(S("w") TENSOR)
#define SMALL_SD  DICT(S("w") SMALL)
#define OPTIMIZER DICT(S("state") DICT(I("0") DICT(S("m") TENSOR)) S("param_groups") LIST(""))

static const struct finding_case {
  const char *name, *program, *want;
} cases[] = {
    {"the root", DICT(S("w") TENSOR S("b") SMALL), ":w,b"},
    {"half of the root", DICT(S("w") TENSOR S("n") I("1")), ":w,[n]"},
    {"less than half is none", DICT(S("w") TENSOR S("n") I("1") S("m") I("2")), ""},
    {"keys that are no names", DICT(I("0") TENSOR I("1") TENSOR), ""},
    {"a mark is enough", ODICT "(" S("a") I("1") "u" DICT(S("_metadata") ODICT) BUILD, ":[a]"},
    {"the likely key", DICT(S("extra") SD S("model") SMALL_SD), "model:w;extra:w"},
    {"by the list, not by size", DICT(S("ema") SD S("state_dict") SMALL_SD), "state_dict:w;ema:w"},
    {"None, then ema", DICT(S("model") NONE S("ema") SD), "ema:w"},
    {"a likely key of the root before one inside",
     DICT(S("other") DICT(S("state_dict") SD) S("ema") SMALL_SD), "ema:w;other/state_dict:w"},
    {"below a likely key", DICT(S("model") DICT(S("language_model") SD) S("x") SD),
     "model/language_model:w;x:w"},
    {"dicts in dicts, as Megatron writes them",
     DICT(S("iteration") I("3") S("model") DICT(S("encoder") DICT(S("layers") SMALL_SD) S("embedding") SD)),
     "model/embedding:w;model/encoder/layers:w;model:encoder.layers.w,embedding.w"},
    {"dicts in dicts that hold more", DICT(S("model") DICT(S("a") SD S("b") SMALL_SD S("n") I("1"))),
     "model/a:w;model/b:w"},
    {"the larger of two unlikely", DICT(S("a") SMALL_SD S("b") SD), "b:w;a:w"},
    {"a tuple of model and optimizer", T(DICT(S("model") SD) OPTIMIZER), "0/model:w"},
    {"a list of state dicts", LIST(SMALL_SD SD), "1:w;0:w"},
    {"the root is an optimizer", OPTIMIZER, ""},
    {"no optimizer, by its key", DICT(S("optimizer_state") SD S("sd") SD), "sd:w"},
    {"no optimizer, by its form", DICT(S("adam") OPTIMIZER S("net") SMALL_SD), "net:w"},
    {"no settings, no random state", DICT(S("config") SD S("rng_state") SD S("args") SD S("lr_x") SD), ""},
    {"names that only begin like settings", DICT(S("configured") SD S("optical") SD S("argus") SD),
     "configured:w;optical:w;argus:w"},
};

static void dicts_are_found_in_order(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
    struct bench b;
    plan_of(&b, cases[i].program);
    char *text = dicts_text(&b.plan);
    if (strcmp(text, cases[i].want) != 0) fail_msg("%s: %s, expected %s", cases[i].name, text, cases[i].want);
    free(text);
    bench_close(&b);
  }
}

/* ---- whole modules ---- */

#define NAMES_SET(names) CALL("__builtin__", "set", LIST(names))
#define MODULE_OF(class, parameters, buffers, transient, modules)                                         \
  class ")" NEWOBJ DICT(S("training") TRUE_ S("_parameters") ODICT "(" parameters "u" S("_buffers") ODICT \
                        "(" buffers "u" S("_non_persistent_buffers_set") transient S("_modules") ODICT    \
                        "(" modules "u" S("in_features") I("3")) BUILD
#define LINEAR_CLASS G("torch.nn.modules.linear", "Linear")
#define MODULE(parameters, buffers, transient, modules) \
  MODULE_OF(LINEAR_CLASS, parameters, buffers, transient, modules)
#define LEAF(name) MODULE(S(name) TENSOR, "", NAMES_SET(""), "")

static const struct finding_case modules[] = {
    {"own parameters, persistent buffers, then children",
     MODULE(S("weight") TENSOR S("bias") NONE, S("mean") TENSOR S("mask") TENSOR, NAMES_SET(S("mask")),
            S("0") LEAF("w") S("1") NONE S("2") LEAF("v")),
     ":weight,mean,0.w,2.v"},
    {"a parameter is in the state dict, whatever the set of buffers says",
     MODULE(S("mask") TENSOR, S("b") TENSOR, NAMES_SET(S("mask")), ""), ":mask,b"},
    {"children of children",
     MODULE("", "", NAMES_SET(""), S("a") MODULE("", "", NAMES_SET(""), S("b") LEAF("w"))), ":a.b.w"},
    {"one module at two paths", MODULE("", "", NAMES_SET(""), S("a") LEAF("w") PUT(5) S("b") GET(5)),
     ":a.w,b.w"},
    {"a module under a key", DICT(S("epoch") I("1") S("model") LEAF("w")), "model:w"},
    {"a parameter that is not read here",
     MODULE(S("w") TENSOR S("p")
                UTILS("_rebuild_parameter",
                      UTILS("_rebuild_nested_tensor", TENSOR TENSOR TENSOR LIST(I("0"))) TRUE_ ODICT),
            "", NAMES_SET(""), ""),
     ":w,[p]"},
    {"without a set of names, as before 1.6",
     LINEAR_CLASS ")" NEWOBJ DICT(S("_parameters") DICT("") S("_buffers") DICT(S("b") TENSOR) S("_modules")
                                      DICT("")) BUILD,
     ":b"},
    {"a record without modules is none",
     LINEAR_CLASS ")" NEWOBJ DICT(S("_parameters") DICT(S("w") TENSOR)) BUILD, "_parameters:w"},
};

static void modules_unfold_as_torch_does(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
    struct bench b;
    plan_of(&b, modules[i].program);
    char *text = dicts_text(&b.plan);
    if (strcmp(text, modules[i].want) != 0)
      fail_msg("%s: %s, expected %s", modules[i].name, text, modules[i].want);
    assert_int_equal(b.plan.dicts[0].module, modules[i].want[0] == '_' ? 0 : 1);
    free(text);
    bench_close(&b);
  }
}

/* _modules that is its own children's _modules, twice at each level: 2^depth paths. */
static void a_module_inside_itself_ends(void **state) {
  (void)state;
  struct bench b;
#define LOOP                                                                                             \
  LINEAR_CLASS ")" NEWOBJ DICT(S("_parameters") DICT(S("w") TENSOR) S("_buffers") DICT("") S("_modules") \
                                   GET(9)) BUILD
  plan_of(&b, LINEAR_CLASS ")" NEWOBJ "(" S("_parameters") DICT("") S("_buffers") DICT("") S("_modules")
                  ODICT PUT(9) "(" S("a") LOOP S("b") LOOP
          "u"
          "d" BUILD);
  char *text = dicts_text(&b.plan);
  assert_string_equal(text, ":a.w,b.w");
  free(text);
  bench_close(&b);
}

/* A hundred modules in a row, one in another; the names grow with the depth. */
static void deep_modules_unfold(void **state) {
  (void)state;
  enum { DEEP = 100 };
  struct bench b;
  const char *open = LINEAR_CLASS ")" NEWOBJ "(" S("_parameters") DICT("") S("_buffers") DICT("") S("_modules") "(" "Vm\n";
  char *head = repeated("", open, DEEP, LEAF("w")), *program = repeated(head, "dd" BUILD, DEEP, "");
  plan_of(&b, program);
  assert_int_equal(b.plan.num_dicts, 1);
  assert_int_equal(b.plan.dicts[0].num_entries, 1);
  assert_int_equal(b.plan.entries[0].name.n, 2 * DEEP + 1);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 0);
  free(head);
  free(program);
  bench_close(&b);
}

/* Names that do not fit are no names: the plan says that it is cut. */
static void names_too_long_are_said(void **state) {
  (void)state;
  enum { LONG = 2000 };
  struct bench b;
  char *name = repeated("", "n", LONG, ""), *program = NULL;
  size_t n;
  FILE *out = open_memstream(&program, &n);
  assert_non_null(out);
  fprintf(out, "%s(V_parameters\n(dV_buffers\n(dV_modules\n(", LINEAR_CLASS ")" NEWOBJ);
  fprintf(out,
          "V%s\n%s(V_parameters\n(dV_buffers\n(dV_modules\n(V%s\n%s(V_parameters\n(V%s\n%sdV_buffers\n(dV_"
          "modules\n(ddbddbddb",
          name, LINEAR_CLASS ")" NEWOBJ, name, LINEAR_CLASS ")" NEWOBJ, name, TENSOR);
  assert_int_equal(fclose(out), 0);
  plan_of(&b, program);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 1);
  assert_false(b.plan.header->complete && seen(&b.obs, OBS_LIMIT_PLAN) == 0);
  free(name);
  free(program);
  bench_close(&b);
}

/* 5,000 modules share a set of 5,000 names, and each has a buffer: 25 million comparisons, in a budget. */
static void shared_sets_of_names_have_a_budget(void **state) {
  (void)state;
  enum { MANY = 5000 };
  struct bench b;
  char *names = repeated("", S("n#"), MANY, "");
  char *before = NULL;
  size_t n;
  FILE *out = open_memstream(&before, &n);
  assert_non_null(out);
  fprintf(out,
          "%s(V_parameters\n(dV_buffers\n(dV_non_persistent_buffers_set\nc__builtin__\nset\n((%sltRp5\nV_"
          "modules\n(",
          LINEAR_CLASS ")" NEWOBJ, names);
  assert_int_equal(fclose(out), 0);
  char *program = repeated(before,
                           "V#\n" LINEAR_CLASS ")" NEWOBJ "(V_parameters\n(dV_buffers\n(Vb\n" SMALL
                           "dV_modules\n(dV_non_persistent_buffers_set\ng5\ndb",
                           MANY, "ddb");
  bench_run(&b, program);
  b.max.call_steps = 100000;
  assert_true(bench_plan(&b, (size_t)1 << 26));
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 1);
  free(names);
  free(before);
  free(program);
  bench_close(&b);
}

/* The best are kept, however many there are and wherever they stand. */
static void the_best_of_many_is_kept(void **state) {
  (void)state;
  struct bench b;
  char *program = repeated("(", "Vx#\n" SMALL_SD, 400, S("model") SMALL_SD "d");
  plan_of(&b, program);
  assert_int_equal(b.plan.num_dicts, 256);
  assert_true(span_is(plan_span(&b.plan, b.plan.dicts[0].path), "model"));
  free(program);
  bench_close(&b);
}

static void tensors_know_their_names(void **state) {
  (void)state;
  struct bench b;
  plan_of(&b, DICT(S("model") LEAF("w") S("ema") DICT(S("w") SMALL)));
  const struct plan *p = &b.plan;
  assert_int_equal(p->num_tensors, 2);
  assert_true(span_is(plan_span(p, p->tensors[0].key), "model/_parameters/w"));
  assert_true(span_is(plan_span(p, p->tensors[0].state_key), "w"));
  assert_int_equal(p->dicts[0].numel, 6);
  assert_int_equal(p->dicts[0].bytes, 24);
  assert_int_equal(p->dicts[0].num_entries, 1);
  assert_true(span_is(plan_span(p, p->entries[p->dicts[0].first_entry].name), "w"));
  bench_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dicts_are_found_in_order),    cmocka_unit_test(modules_unfold_as_torch_does),
      cmocka_unit_test(a_module_inside_itself_ends), cmocka_unit_test(deep_modules_unfold),
      cmocka_unit_test(names_too_long_are_said),     cmocka_unit_test(shared_sets_of_names_have_a_budget),
      cmocka_unit_test(the_best_of_many_is_kept),    cmocka_unit_test(tensors_know_their_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
