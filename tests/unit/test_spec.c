/* The architecture file: what it may hold, where it is wrong, and how its config is resolved. */
#include "tests/unit/arch_bench.h"
#include "tests/unit/plan_bench.h"

/* ---- the file ---- */

static void reads_every_part(void **state) {
  struct arch_bench b;
  (void)state;
  arch_bench_open(&b);
  assert_true(arch_bench_parse(
      &b,
      as_json(&b.arena,
              "{'arch': 1, 'name': 'N', 'match': {'model_type': ['a', 'b']},"
              " 'config': {'d': null, 'e': '=2 * d', 'act': 'gelu', 'list': [1, 2], 'id2label': {}},"
              " 'let': {'f': 'e + 1'},"
              " 'blocks': {'B(x, y=1)': {'let': {'z': 'x'}, 'modules': {'p': 'Parameter(z)'}, 'forward(h)': "
              "['h = h + p', 'return h']}},"
              " 'modules': {'b': 'B(d)', 's': ['ReLU()'], 'l.{i < 2}.m': 'ReLU()'},"
              " 'forward(x, m=None)': ['q, k = f(x), m', 'b(x)'],"
              " 'roots': {'R': 'B(d)'}, 'base_prefix': 'n.',"
              " 'checkpoint': {'state_dict': 'sd', 'config': 'cfg', 'optimizer': 'o', 'fields': {'epoch': "
              "'int >= 0', 'loss': 'number?', 'x': 'tensor'}},"
              " 'rename': {'gamma': 'weight'}, 'ignore': ['*.inv'], 'tie': [['a', 'b'], ['c', 'd', 'd > 1']],"
              " 'checks': {'*': {'dtype': ['float32', 'half'], 'finite': true, 'min': -1, 'max': 2.5, "
              "'absmax': 3, 'nonzero': true}},"
              " 'inputs': {'ids': 'int64[B, T] < d', 'x': 'float32[B, 2 * T, d]', 'scale': 'float32'}, "
              "'outputs': {'y': 'float32[B]'},"
              " 'tests': [{'B': 2, 'T': 3, 'ids': 'randint(7)', 'x': {'file': 'x.npy'}, 'scale': 1.5, 'y': "
              "{'argmax': [1, 2]}},"
              "           {'ids': [[1, 2], [3, 4]], 'x': 'zeros', 'scale': 'ones', 'y': {'file': 'y.npy', "
              "'rtol': 0.1}},"
              "           {'ids': 'arange', 'x': 'rand(3)', 'scale': 2, 'y': [0.5, 1]}]}")));
  const struct arch *a = &b.arch;
  assert_int_equal(a->model_types.n, 2);
  assert_true(a->config[0].required && !a->config[1].required);
  assert_int_equal(a->config[1].value->kind, EXPR_BINARY);
  assert_int_equal(a->config[2].literal.kind, VALUE_TEXT);
  assert_int_equal(a->config[3].literal.n, 2);
  assert_int_equal(a->blocks[0].signature.num_params, 2);
  assert_int_equal(a->blocks[0].forward->num_statements, 2);
  assert_int_equal(a->top.num_modules, 3);
  assert_int_equal(a->top.modules[1].list->n, 1);
  assert_true(span_is(a->top.modules[2].before, "l.") && span_is(a->top.modules[2].after, ".m") &&
              span_is(a->top.modules[2].variable, "i"));
  assert_int_equal(a->top.forward->signature.num_params, 2);
  assert_int_equal(a->top.forward->statements[0].num_names, 2);
  assert_true(span_is(a->roots[0].name, "R") && span_is(a->base_prefix, "n."));
  assert_true(span_is(a->state_dict_path, "sd") && span_is(a->config_path, "cfg") &&
              span_is(a->optimizer_path, "o"));
  assert_true(a->fields[0].op == BIN_GE && !a->fields[0].optional && a->fields[1].optional &&
              a->fields[1].type == FIELD_NUMBER);
  assert_true(span_is(a->renames[0].to, "weight") && span_is(a->ignore.list[0], "*.inv"));
  assert_null(a->ties[0].condition);
  assert_int_equal(a->ties[1].condition->kind, EXPR_BINARY);
  assert_int_equal(a->checks[0].dtypes, UINT64_C(1) << DTYPE_F32 | UINT64_C(1) << DTYPE_F16);
  assert_true(a->checks[0].finite && a->checks[0].nonzero && a->checks[0].has_min && a->checks[0].max > 2.4);
  assert_int_equal(a->inputs.list[0].dtype, DTYPE_I64);
  assert_non_null(a->inputs.list[0].bound);
  assert_int_equal(a->inputs.list[1].ndim, 3);
  assert_int_equal(a->inputs.list[2].ndim, 0);
  assert_int_equal(a->symbols.n, 2);
  const struct arch_test *t = a->tests;
  assert_int_equal(a->num_tests, 3);
  assert_true(t[0].num_symbols == 2 && t[0].symbols[1].value == 3);
  assert_true(t[0].inputs[0].kind == GEN_RANDINT && t[0].inputs[0].seed == 7 &&
              span_is(t[0].inputs[1].file, "x.npy"));
  assert_true(t[0].expects[0].kind == EXPECT_ARGMAX && t[0].expects[0].numbers.numel == 2);
  assert_true(t[1].inputs[0].numbers.ndim == 2 && t[1].inputs[0].numbers.sizes[1] == 2 &&
              t[1].inputs[0].numbers.data[3] > 3.9);
  assert_true(t[1].expects[0].rtol > 0.09 && t[1].expects[0].atol < 0);
  assert_true(t[2].expects[0].kind == EXPECT_INLINE && t[2].inputs[2].numbers.ndim == 0 &&
              !t[2].expects[0].numbers.integers);
  arch_bench_close(&b);
}

/* "ABC" in base64 is QUJD. */
static void arrays_may_stand_in_the_text(void **state) {
  struct arch_bench b;
  (void)state;
  arch_bench_open(&b);
  assert_true(arch_bench_parse(
      &b,
      as_json(&b.arena,
              "{'arch': 1, 'modules': {'b': 'ReLU()'}, 'inputs': {'x': 'float32[B]'},"
              " 'tests': [{'x': {'npy': 'QUI='}, 'output': {'npy': 'QUJD', 'atol': 1}, 'output1': 3}]}")));
  const struct arch_test *t = b.arch.tests;
  assert_true(t->inputs[0].kind == GEN_NPY && span_is(t->inputs[0].npy, "AB"));
  assert_true(t->num_expects == 2 && t->expects[0].kind == EXPECT_NPY && span_is(t->expects[0].npy, "ABC"));
  assert_true(span_is(t->expects[0].name, "output") && span_is(t->expects[1].name, "output1"));
  arch_bench_close(&b);
}

static void refuses_with_line_and_column(void **state) {
  static const struct {
    const char *text;
    enum obs_kind kind;
    uint64_t line, column;
    const char *what;
  } rows[] = {
      {"", OBS_ARCH_JSON, 1, 1, ""},
      {"{'arch': 1,}", OBS_ARCH_JSON, 1, 12, ""},
      {"{'arch': 1, 'arch': 1}", OBS_ARCH_JSON, 1, 13, ""},
      {"[]", OBS_ARCH_TYPE, 1, 1, "expected an object, found a list"},
      {"{}", OBS_ARCH_KEY, 1, 1, "the key 'arch' is missing"},
      {"{'arch': 2}", OBS_ARCH_VALUE, 1, 10, "version 2"},
      {"{'arch': '1'}", OBS_ARCH_TYPE, 1, 10, "version"},
      {"{'arch': 1,\n 'modulse': {}}", OBS_ARCH_KEY, 2, 13, "unknown key 'modulse', did you mean 'modules'?"},
      {"{'arch': 1,\n 'modules': {\n  'a': 'Linear(3, '}}", OBS_ARCH_EXPR, 3, 19,
       "expected a value, found the end"},
      {"{'arch': 1, 'modules': {'a': 3}}", OBS_ARCH_TYPE, 1, 30, "expected a text, found a number"},
      {"{'arch': 1, 'modules': {'a': ''}}", OBS_ARCH_VALUE, 1, 30, "not empty"},
      {"{'arch': 1, 'modules': {'a..b': 'ReLU()'}}", OBS_ARCH_VALUE, 1, 33, "empty part"},
      {"{'arch': 1, 'modules': {'.a': 'ReLU()'}}", OBS_ARCH_VALUE, 1, 31, "empty part"},
      {"{'arch': 1, 'modules': {'a{i < 2': 'ReLU()'}}", OBS_ARCH_VALUE, 1, 36, "closing brace"},
      {"{'arch': 1, 'modules': {'a{i}': 'ReLU()'}}", OBS_ARCH_VALUE, 1, 33, "{i < count}"},
      {"{'arch': 1, 'modules': {'a{i<2}{j<2}': 'ReLU()'}}", OBS_ARCH_VALUE, 1, 40, "more than one"},
      {"{'arch': 1, 'modules': {'a': {'forwrd(x)': ['x']}}}", OBS_ARCH_KEY, 1, 44, "unknown key"},
      {"{'arch': 1, 'forward(x)': []}", OBS_ARCH_VALUE, 1, 27, "at least one statement"},
      {"{'arch': 1, 'forward(x)': ['x'], 'forward(y)': ['y']}", OBS_ARCH_KEY, 1, 1, "stands twice"},
      {"{'arch': 1, 'forward(x x)': ['x']}", OBS_ARCH_EXPR, 1, 29, "in 'forward(x x)'"},
      {"{'arch': 1, 'blocks': {'Linear()': {}}}", OBS_ARCH_VALUE, 1, 36, "name of a module type"},
      {"{'arch': 1, 'blocks': {'max()': {}}}", OBS_ARCH_VALUE, 1, 33, "name of a function"},
      {"{'arch': 1, 'blocks': {'B()': {}, 'B(i)': {}}}", OBS_ARCH_KEY, 1, 43, "stands above"},
      {"{'arch': 1, 'config': {'a b': 1}}", OBS_ARCH_VALUE, 1, 31, "is no name"},
      {"{'arch': 1, 'config': {'len': 1}}", OBS_ARCH_VALUE, 1, 31, "name of a function"},
      {"{'arch': 1, 'config': {'a': '=1 +'}}", OBS_ARCH_EXPR, 1, 34, "expected a value"},
      {"{'arch': 1, 'config': {'width': 1}, 'presets': {'p': {'widht': 2}}}", OBS_ARCH_KEY, 1, 64,
       "no name 'widht', did you mean 'width'?"},
      {"{'arch': 1, 'config': {'a': 1}, 'presets': {'p': 1}}", OBS_ARCH_TYPE, 1, 50, "expected an object"},
      {"{'arch': 1, 'presets': {'p': {'architectures': 1}}}", OBS_ARCH_TYPE, 1, 48, "expected a text"},
      {"{'arch': 1, 'config': {'a': 1}, 'let': {'a': '2'}}", OBS_ARCH_KEY, 1, 46, "has this name already"},
      {"{'arch': 1, 'base_prefix': 'bert'}", OBS_ARCH_VALUE, 1, 28, "ends with '.'"},
      {"{'arch': 1, 'tie': [['a']]}", OBS_ARCH_VALUE, 1, 21, "[alias, target]"},
      {"{'arch': 1, 'tie': [['a', 'b', 'c +']]}", OBS_ARCH_EXPR, 1, 25, "expected a value"},
      {"{'arch': 1, 'checks': {'*': {'dtype': 'float33'}}}", OBS_ARCH_VALUE, 1, 39, "'float33' is no dtype"},
      {"{'arch': 1, 'checks': {'*': {'finite': 1}}}", OBS_ARCH_TYPE, 1, 40, "true or false"},
      {"{'arch': 1, 'checkpoint': {'fields': {'e': 'integer'}}}", OBS_ARCH_VALUE, 1, 45, "int, number"},
      {"{'arch': 1, 'checkpoint': {'fields': {'e': 'int + 1'}}}", OBS_ARCH_VALUE, 1, 45, "a comparison"},
      {"{'arch': 1, 'checkpoint': {'fields': {'e': 'int ? 1'}}}", OBS_ARCH_EXPR, 1, 47,
       "sign of the language"},
      {"{'arch': 1, 'inputs': {'x': 'float33[B]'}}", OBS_ARCH_VALUE, 1, 30, "expected a dtype"},
      {"{'arch': 1, 'inputs': {'x': 'float32[:]'}}", OBS_ARCH_VALUE, 1, 38, "a dimension"},
      {"{'arch': 1, 'inputs': {'x': 'float32[x]'}}", OBS_ARCH_VALUE, 1, 29, "already"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'outputs': {'x': 'float32[B]'}}", OBS_ARCH_VALUE, 1, 61,
       "already"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'z': 1, 'x': 'ones'}]}", OBS_ARCH_KEY, 1, 60,
       "no input"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'B': 1}]}", OBS_ARCH_KEY, 1, 54,
       "no value for input 'x'"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'B': 0, 'x': 'ones'}]}", OBS_ARCH_VALUE, 1, 60,
       "1 or more"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'x': 'randn(1)'}]}", OBS_ARCH_VALUE, 1, 61,
       "rand(seed)"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'x': 'rand(-1)'}]}", OBS_ARCH_VALUE, 1, 61,
       "rand(seed)"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'x': 'zeros(1)'}]}", OBS_ARCH_VALUE, 1, 61,
       "rand(seed)"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'x': [[1], [2, 3]]}]}", OBS_ARCH_VALUE, 1, 60,
       "equal length"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'x': [1, [2]]}]}", OBS_ARCH_VALUE, 1, 60,
       "equal length"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'x': [[1], 2]}]}", OBS_ARCH_VALUE, 1, 60,
       "equal length"},
      {"{'arch': 1, 'inputs': {'x': 'float32[B]'}, 'tests': [{'x': [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}]}",
       OBS_ARCH_VALUE, 1, 60, "nested at most"},
      {"{'arch': 1, 'outputs': {'y': 'float32[B]'}, 'tests': [{'y': {'rtol': 1}}]}", OBS_ARCH_VALUE, 1, 61,
       "\"file\", \"npy\" and \"argmax\""},
      {"{'arch': 1, 'outputs': {'y': 'float32[B]'}, 'tests': [{'y': {'file': 'f', 'atol': -1}}]}",
       OBS_ARCH_VALUE, 1, 83, "0 or more"},
      {"{'arch': 1, 'outputs': {'y': 'float32[B]'}, 'tests': [{'y': {'argmax': [0.5]}}]}", OBS_ARCH_VALUE, 1,
       72, "class number"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct arch_bench b;
    arch_bench_open(&b);
    if (arch_bench_parse(&b, as_json(&b.arena, rows[i].text))) fail_msg("%s is taken", rows[i].text);
    assert_int_equal(b.o.n, 1);
    const struct observation *o = &b.o.list[0];
    if (o->kind != rows[i].kind || o->got != rows[i].line || o->want != rows[i].column ||
        !says(o->detail, rows[i].what))
      fail_msg("%s: kind %d, line %llu, column %llu: %.*s", rows[i].text, o->kind, (unsigned long long)o->got,
               (unsigned long long)o->want, (int)o->detail.n, (const char *)o->detail.p);
    assert_true(span_is(o->subject, "m.json"));
    arch_bench_close(&b);
  }
}

/* ---- config ---- */

#define FILE_OF(config, dim)                                                                               \
  "{'arch': 1, 'config': " config ", 'checkpoint': {'config': 'config'}, 'modules': {'p': 'Parameter(" dim \
  ")'}}"

/* 65,536 by 65,536, as far as the first row tells: counted before anything is made of it. */
static void numbers_are_counted_first(void **state) {
  enum { SIDE = 65536 };
  char *text = NULL;
  size_t n;
  struct arch_bench b;
  (void)state;
  FILE *out = open_memstream(&text, &n);
  assert_non_null(out);
  fputs("{\"arch\": 1, \"inputs\": {\"x\": \"float32[B, C]\"}, \"tests\": [{\"x\": [[0", out);
  for (int i = 1; i < SIDE; i++) fputs(",0", out);
  fputs("]", out);
  for (int i = 1; i < SIDE; i++) fputs(",0", out);
  fputs("]}]}", out);
  assert_int_equal(fclose(out), 0);
  arch_bench_open(&b);
  assert_false(arch_bench_parse(&b, span_of(text, n)));
  assert_true(says(first_of(&b.o, OBS_ARCH_VALUE)->detail, "too many numbers"));
  arch_bench_close(&b);
  free(text);
}

/* A symbol more than a file may have. */
static void symbolic_dimensions_are_counted(void **state) {
  (void)state;
  for (int n = 64; n < 66; n++) {
    struct arch_bench b;
    char text[2000];
    size_t used = (size_t)snprintf(text, sizeof text, "{'arch': 1, 'inputs': {'x': 'float32[s0");
    for (int i = 1; i < 16; i++) used += (size_t)snprintf(text + used, sizeof text - used, ", s%d", i);
    for (int i = 16; i < n; i += 16) {
      used += (size_t)snprintf(text + used, sizeof text - used, "]', 'x%d': 'float32[s%d", i, i);
      for (int k = i + 1; k < i + 16 && k < n; k++)
        used += (size_t)snprintf(text + used, sizeof text - used, ", s%d", k);
    }
    snprintf(text + used, sizeof text - used, "]'}}");
    arch_bench_open(&b);
    assert_int_equal(arch_bench_parse(&b, as_json(&b.arena, text)), n == 64);
    assert_int_equal(seen(&b.o, OBS_LIMIT_ARCH), n > 64);
    arch_bench_close(&b);
  }
}

struct config_case {
  const char *arch, *config, *set,
      *checkpoint; /* set: "name=value"; checkpoint: the value of 'd' there, an int, or NULL */
  int64_t dim;
  enum obs_kind seen; /* or OBS_NONE */
};

static struct span part(const char *text, bool before) {
  const char *eq = strchr(text, '=');
  return before ? span_of(text, (size_t)(eq - text)) : span_str(eq + 1);
}

static void resolve_case(const struct config_case *c) {
  struct arch_bench b;
  struct plan_bench p;
  arch_bench_open(&b);
  plan_bench_open(&p);
  plan_value(&p, 0, "", PLAN_VAL_DICT);
  if (c->checkpoint) {
    plan_value(&p, 1, "config", PLAN_VAL_DICT);
    plan_value(&p, 2, "d", c->checkpoint[0] ? PLAN_VAL_INT : PLAN_VAL_NONE)->number =
        strtoll(c->checkpoint, NULL, 10);
    plan_value(&p, 2, "unknown", PLAN_VAL_INT);
  }
  const struct plan *plan = plan_bench_done(&p);
  struct setting setting;
  if (c->set) {
    setting = (struct setting){part(c->set, true), part(c->set, false)};
    b.sources.set = &setting;
    b.sources.num_set = 1;
  }
  if (c->config) b.sources.file = (struct text_file){SPAN("config.json"), as_json(&b.arena, c->config)};
  if (c->checkpoint) b.sources.plan = plan;
  assert_true(arch_bench_parse(&b, as_json(&b.arena, c->arch)));
  bool ok = arch_bench_build(&b, "", 100);
  if (ok != (c->dim >= 0))
    fail_msg("%s / %s: %.*s", c->arch, c->config ? c->config : "", b.o.n ? (int)b.o.list[0].detail.n : 0,
             b.o.n ? (const char *)b.o.list[0].detail.p : "");
  if (ok && b.model.expected[0].slot->sizes[0] != (uint64_t)c->dim)
    fail_msg("%s / %s: %llu", c->arch, c->config ? c->config : "",
             (unsigned long long)b.model.expected[0].slot->sizes[0]);
  assert_int_equal(seen(&b.o, OBS_ARCH_CONFIG_UNDECLARED), c->checkpoint != NULL);
  if (c->seen != OBS_NONE)
    assert_int_equal(seen(&b.o, c->seen), 1);
  else
    assert_int_equal(b.o.n, c->checkpoint != NULL);
  plan_bench_close(&p);
  arch_bench_close(&b);
}

/* Strongest first: --set, config file, the checkpoint's own, default. */
static void stronger_sources_win(void **state) {
  static const struct config_case rows[] = {
      {FILE_OF("{'d': 4}", "d"), NULL, NULL, NULL, 4, OBS_NONE},
      {FILE_OF("{'d': 4}", "d"), NULL, NULL, "5", 5, OBS_NONE},
      {FILE_OF("{'d': 4}", "d"), "{'d': 6}", NULL, NULL, 6, OBS_NONE},
      {FILE_OF("{'d': 4}", "d"), "{'d': 6}", NULL, "6", 6, OBS_NONE},
      {FILE_OF("{'d': 4}", "d"), "{'d': 6}", NULL, "5", 6, OBS_ARCH_CONFIG_CONFLICT},
      {FILE_OF("{'d': 4}", "d"), "{'d': 6}", "d=7", NULL, 7, OBS_ARCH_CONFIG_OVERRIDDEN},
      {FILE_OF("{'d': 4}", "d"), "{'d': 6.0}", NULL, "6", -1,
       OBS_ARCH_EVAL}, /* a float is no size, though equal */
      {FILE_OF("{'d': 4}", "d"), NULL, "d=2 * 3", NULL, 6, OBS_NONE},
      {FILE_OF("{'d': [4]}", "d[0]"), NULL, "d=[8, 9]", NULL, 8, OBS_NONE},
      {FILE_OF("{'d': 'gelu'}", "3 if d == `gelu_new` else 4"), NULL, "d=gelu_new", NULL, 3, OBS_NONE},
      {FILE_OF("{'d': true}", "3 if d else 4"), NULL, "d=false", NULL, 4, OBS_NONE},
      {FILE_OF("{'d': 4}", "d"), NULL, "dd=7", NULL, -1, OBS_ARCH_SET_UNKNOWN},
      {FILE_OF("{'d': 4}", "d"), "{'d': 6", NULL, NULL, -1, OBS_ARCH_CONFIG_FILE},
      {FILE_OF("{'d': 4}", "d"), "[]", NULL, NULL, -1, OBS_ARCH_CONFIG_FILE},
      {FILE_OF("{'d': null}", "d"), NULL, NULL, NULL, -1, OBS_ARCH_CONFIG_REQUIRED},
      {FILE_OF("{'d': null}", "4"), NULL, NULL, NULL, 4, OBS_NONE}, /* required, but nothing uses it */
      {FILE_OF("{'d': '=e + 1', 'e': 4}", "d"), NULL, NULL, NULL, 5,
       OBS_NONE}, /* a later line that is not computed */
      {FILE_OF("{'d': '=e + 1', 'e': '=4'}", "d"), NULL, NULL, NULL, -1, OBS_ARCH_EVAL},
      {FILE_OF("{'d': '=1 // 0'}", "4"), NULL, NULL, NULL, -1, OBS_ARCH_EVAL},
      {FILE_OF("{'d': '=1 // 0'}", "d"), "{'d': 3}", NULL, NULL, 3,
       OBS_NONE}, /* a default that is not used */
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) resolve_case(&rows[i]);
}

/* What a config has in vain: told, and offered for the name that is missing. */
static void undeclared_names_are_told(void **state) {
  static const char arch[] =
      "{'arch': 1, 'config': {'hidden_dim': null}, 'checkpoint': {'config': 'config'}, 'modules': {'p': "
      "'Parameter(hidden_dim)'}}";
  static const struct {
    const char *config, *own; /* own: a text in the checkpoint */
    enum obs_kind seen;
    const char *words, *missing; /* missing: "" it is there */
  } rows[] = {
      {"{'hiden_dim': 3}", NULL, OBS_ARCH_CONFIG_UNDECLARED, "hiden_dim",
       "is the config's 'hiden_dim' meant?"},
      {"{'x': 3}", NULL, OBS_ARCH_CONFIG_UNDECLARED, "x", "required and not given"},
      {"{'hidden_dim': 3, 'a': 1, 'b': 2}", NULL, OBS_ARCH_CONFIG_UNDECLARED, "a, b", ""},
      {"{'hidden_dim': 3, 'a1': 1, 'a2': 1, 'a3': 1, 'a4': 1, 'a5': 1, 'a6': 1, 'a7': 1, 'a8': 1, 'a9': 1}",
       NULL, OBS_ARCH_CONFIG_UNDECLARED, "a7, a8, …", ""},
      {"{'hidden_dim': 3, 'architectures': ['A']}", NULL, OBS_NONE, "", ""},
      {"{'model_type': 'x', 'hidden_dim': 3, 'a': 1}", NULL, OBS_NONE, "", ""}, /* of transformers */
      {NULL, "{\"hidden_dim\": 3}", OBS_ARCH_CONFIG_TEXT, "", ""},
      {NULL, "hidden_dim=3", OBS_ARCH_CONFIG_FORM, "a str", "required and not given"},
      {NULL, "[3]", OBS_ARCH_CONFIG_FORM, "a str", "required and not given"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct arch_bench b;
    struct plan_bench p;
    arch_bench_open(&b);
    plan_bench_open(&p);
    plan_value(&p, 0, "", PLAN_VAL_DICT);
    if (rows[i].own) {
      plan_value(&p, 1, "config", PLAN_VAL_TEXT)->text = plan_words(&p, rows[i].own);
      b.sources.plan = plan_bench_done(&p);
    }
    if (rows[i].config)
      b.sources.file = (struct text_file){SPAN("config.json"), as_json(&b.arena, rows[i].config)};
    assert_true(arch_bench_parse(&b, as_json(&b.arena, arch)));
    bool fits = arch_bench_build(&b, "", 10);
    if (fits != !rows[i].missing[0]) fail_msg("row %zu is %s", i, fits ? "taken" : "refused");
    if (!fits) assert_true(says(first_of(&b.o, OBS_ARCH_CONFIG_REQUIRED)->detail, rows[i].missing));
    if (rows[i].seen != OBS_NONE) assert_true(says(first_of(&b.o, rows[i].seen)->detail, rows[i].words));
    assert_int_equal(b.o.n, !fits + (rows[i].seen != OBS_NONE));
    plan_bench_close(&p);
    arch_bench_close(&b);
  }
}

/* A preset is what the user named: weaker than --set alone, and a file that differs from it is told. */
static void presets_give_published_values(void **state) {
  static const char arch[] =
      "{'arch': 1, 'config': {'d': 4, 'e': '=d + 1', 'f': null}, 'presets': {'large': {'d': 8, 'f': 2},"
      " 'odd': {'e': 3, 'architectures': ['B']}, 'none': {'e': null}},"
      " 'blocks': {'M(n)': {'modules': {'p': 'Parameter((n, d, e))'}}}, 'roots': {'A': 'M(1)', 'B': 'M(2)'}}";
  static const struct {
    const char *preset, *config, *set;
    uint64_t sizes[3];
    enum obs_kind seen;
  } rows[] = {
      {"large", "{'architectures': ['A']}", NULL, {1, 8, 9}, OBS_NONE},
      {"large", "{'architectures': ['B'], 'd': 8}", NULL, {2, 8, 9}, OBS_NONE},
      {"large", "{'architectures': ['A'], 'd': 7}", NULL, {1, 8, 9}, OBS_ARCH_CONFIG_CONFLICT},
      {"large", "{'architectures': ['A']}", "d=5", {1, 5, 6}, OBS_ARCH_CONFIG_OVERRIDDEN},
      {"odd", NULL, NULL, {2, 4, 3}, OBS_NONE},
      {"odd", "{'architectures': ['A']}", NULL, {1, 4, 3}, OBS_NONE},
      {"none", "{'architectures': ['A']}", NULL, {1, 4, 5}, OBS_NONE},
      {"lage", "{'architectures': ['A']}", NULL, {0}, OBS_ARCH_PRESET_UNKNOWN},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct arch_bench b;
    struct setting setting = {SPAN("d"), SPAN("5")};
    arch_bench_open(&b);
    assert_true(arch_bench_parse(&b, as_json(&b.arena, arch)));
    b.sources.preset = span_str(rows[i].preset);
    if (rows[i].config)
      b.sources.file = (struct text_file){SPAN("config.json"), as_json(&b.arena, rows[i].config)};
    if (rows[i].set) {
      b.sources.set = &setting;
      b.sources.num_set = 1;
    }
    bool built = arch_bench_build(&b, "", 10);
    assert_int_equal(built, rows[i].sizes[0] != 0);
    if (built) assert_memory_equal(b.model.expected[0].slot->sizes, rows[i].sizes, sizeof rows[i].sizes);
    if (rows[i].seen != OBS_NONE)
      assert_int_equal(seen(&b.o, rows[i].seen), 1);
    else
      assert_int_equal(b.o.n, 0);
    arch_bench_close(&b);
  }
}

/* null falls back where the default is null or computed; else it is the value None. */
static void null_follows_the_rule(void **state) {
  static const struct config_case rows[] = {
      {FILE_OF("{'d': '=4'}", "d"), "{'d': null}", NULL, NULL, 4, OBS_NONE}, /* Llama's num_key_value_heads */
      {FILE_OF("{'d': 4096}", "1 if d == None else 2"), "{'d': null}", NULL, NULL, 1,
       OBS_NONE}, /* Mistral's sliding_window */
      {FILE_OF("{'d': 4096}", "1 if d == None else 2"), "{}", NULL, NULL, 2, OBS_NONE},
      {FILE_OF("{'d': '=None'}", "1 if d == None else 2"), "{'d': null}", NULL, NULL, 1, OBS_NONE},
      {FILE_OF("{'d': null}", "d"), "{'d': null}", NULL, NULL, -1, OBS_ARCH_CONFIG_REQUIRED},
      {FILE_OF("{'d': null}", "d"), "{'d': null}", NULL, "5", 5, OBS_NONE}, /* and the next source is asked */
      {FILE_OF("{'d': '=4'}", "d"), NULL, "d=null", NULL, 4, OBS_NONE},
      {FILE_OF("{'d': 4}", "1 if d == None else 2"), NULL, NULL, "", 1, OBS_NONE},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) resolve_case(&rows[i]);
}

static void conflicts_are_told_in_words(void **state) {
  struct arch_bench b;
  struct plan_bench p;
  (void)state;
  arch_bench_open(&b);
  plan_bench_open(&p);
  plan_value(&p, 0, "", PLAN_VAL_DICT);
  plan_value(&p, 1, "config", PLAN_VAL_DICT);
  plan_value(&p, 2, "hidden_dim", PLAN_VAL_INT)->number = 16;
  b.sources.plan = plan_bench_done(&p);
  b.sources.file = (struct text_file){SPAN("config.json"), SPAN("{\"hidden_dim\": 20}")};
  assert_true(arch_bench_parse(
      &b,
      as_json(&b.arena, "{'arch': 1, 'config': {'hidden_dim': null}, 'checkpoint': {'config': 'config'}}")));
  assert_true(arch_bench_build(&b, "", 1));
  const struct observation *o = first_of(&b.o, OBS_ARCH_CONFIG_CONFLICT);
  assert_true(span_is(o->subject, "hidden_dim"));
  assert_true(span_is(o->detail, "config.json says 20, the checkpoint's own config says 16"));
  plan_bench_close(&p);
  arch_bench_close(&b);
}

static void roots_follow_the_config(void **state) {
  static const struct {
    const char *config, *root, *first;
    enum obs_kind seen;
    bool chosen;
  } rows[] = {
      {"", "", "a", OBS_NONE, true},
      {"", "B", "b", OBS_NONE, false},
      {"{'architectures': ['B']}", "", "b", OBS_NONE, false},
      {"{'architectures': ['X', 'B']}", "", "b", OBS_NONE, false},
      {"{'architectures': ['B']}", "A", "a", OBS_NONE, false},
      {"{'architectures': ['X']}", "", "a", OBS_NONE, true},
      {"", "X", NULL, OBS_ARCH_ROOT_UNKNOWN, false},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct arch_bench b;
    arch_bench_open(&b);
    assert_true(arch_bench_parse(&b, as_json(&b.arena,
                                             "{'arch': 1, 'blocks': {'Ba()': {'modules': {'a': "
                                             "'Parameter(1)'}}, 'Bb()': {'modules': {'b': 'Parameter(1)'}}},"
                                             " 'roots': {'A': 'Ba()', 'B': 'Bb()'}}")));
    b.sources.file = (struct text_file){SPAN("config.json"), as_json(&b.arena, rows[i].config)};
    assert_int_equal(arch_bench_build(&b, rows[i].root, 10), rows[i].first != NULL);
    if (rows[i].first) assert_true(span_is(b.model.expected[0].key, rows[i].first));
    assert_int_equal(b.model.root_chosen, rows[i].chosen);
    if (rows[i].seen != OBS_NONE)
      assert_int_equal(seen(&b.o, rows[i].seen), 1);
    else
      assert_int_equal(b.o.n, 0);
    arch_bench_close(&b);
  }
}

/* ---- hostile files ---- */

static void load_any(struct span bytes) {
  struct arch_bench b;
  arch_bench_open(&b);
  b.max.json_bytes = 1 << 16;
  if (!arch_bench_parse(&b, bytes) || !arch_bench_build(&b, "", 4)) assert_true(b.o.n > 0);
  arch_bench_close(&b);
}

static void survives_mutations(void **state) {
  struct arch_bench b;
  (void)state;
  arch_bench_open(&b);
  struct span text = as_json(&b.arena,
                             "{'arch':1,'config':{'n':2,'m':'=n+1'},'blocks':{'B(i)':{'let':{'k':'i'},'"
                             "modules':{'w':'Parameter((k,m))'},'forward(x)':['x=x@w','x']}},"
                             "'modules':{'l.{i<n}':'B(i)','c':'Conv2d(3,n,3)'},'inputs':{'x':'int64[B,n]<m'},"
                             "'tests':[{'B':2,'x':[[1,0]]}]}");
  check_mutations(text.p, text.n, load_any);
  arch_bench_close(&b);
}

/* Ten thousand lines, each with a name of its own to look up: the work stays linear. */
static void wide_files_are_read_in_time(void **state) {
  struct arch_bench b;
  (void)state;
  arch_bench_open(&b);
  size_t cap = 2000000, n = 0;
  char *text = malloc(cap);
  n += (size_t)snprintf(text + n, cap - n, "{\"arch\": 1, \"modules\": {");
  for (int i = 0; i < 10000; i++)
    n += (size_t)snprintf(text + n, cap - n, "%s\"a%d.b\": \"Linear(%d, 3)\"", i ? ", " : "", i, i);
  n += (size_t)snprintf(text + n, cap - n, "}}");
  double start = milliseconds();
  assert_true(arch_bench_parse(&b, span_of(text, n)));
  assert_true(arch_bench_build(&b, "", 20000));
  assert_int_equal(b.model.num_expected, 20000);
  assert_true(milliseconds() - start < 3000);
  free(text);
  arch_bench_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_every_part),
      cmocka_unit_test(numbers_are_counted_first),
      cmocka_unit_test(symbolic_dimensions_are_counted),
      cmocka_unit_test(refuses_with_line_and_column),
      cmocka_unit_test(arrays_may_stand_in_the_text),
      cmocka_unit_test(stronger_sources_win),
      cmocka_unit_test(undeclared_names_are_told),
      cmocka_unit_test(presets_give_published_values),
      cmocka_unit_test(null_follows_the_rule),
      cmocka_unit_test(conflicts_are_told_in_words),
      cmocka_unit_test(roots_follow_the_config),
      cmocka_unit_test(survives_mutations),
      cmocka_unit_test(wide_files_are_read_in_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
