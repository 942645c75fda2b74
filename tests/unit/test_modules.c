/* Module types against torch's own, whole models against their published parameter totals, and the tree's
 * limits. */
#include "arch/build.h"
#include "tests/unit/arch_bench.h"

/* ---- the table ---- */

static const struct {
  enum module_type type;
  const char *params;
} signatures[] = {
#define SIGNATURE(type, params) {TYPE_##type, params},
#define STATE(call, keys)
#define MODEL(file, keys)
#include "tests/oracle/modules_recorded.inc"
#undef SIGNATURE
#undef STATE
#undef MODEL
};

static bool same_default(struct arch_bench *b, const struct expr *x, const struct expr *y) {
  uint64_t steps = 1000;
  struct eval ev = {.arena = &b->arena, .max = &b->max, .steps = &steps};
  struct value vx, vy;
  if (!x || !y) return !x && !y;
  return expr_eval(&ev, x, NULL, &vx) && expr_eval(&ev, y, NULL, &vy) && vx.kind == vy.kind &&
         value_equal(&vx, &vy);
}

/* One argument of ours stands behind torch 1.13's: bias (torch 2.1), Embedding's scale. */
static const enum module_type with_one_more[] = {TYPE_LayerNorm, TYPE_TransformerEncoderLayer,
                                                 TYPE_TransformerDecoderLayer, TYPE_Transformer,
                                                 TYPE_Embedding};

static void constructors_are_torchs(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
    struct arch_bench b;
    struct signature own, torch;
    struct expr_error err;
    arch_bench_open(&b);
    struct span text = arena_printf(&b.arena, "T(%s)", signatures[i].params);
    assert_true(signature_parse(&torch, &b.arena, &b.max, text, &err));
    assert_true(
        signature_parse(&own, &b.arena, &b.max, span_str(module_type_constructor(signatures[i].type)), &err));
    uint32_t more = 0;
    for (size_t k = 0; k < ARRAY_LEN(with_one_more); k++) more += signatures[i].type == with_one_more[k];
    const char *name = module_type_name(signatures[i].type);
    if (own.num_params != torch.num_params + more)
      fail_msg("%s has %u arguments, torch %u", name, own.num_params, torch.num_params);
    for (uint32_t k = 0; k < torch.num_params; k++)
      if (!span_eq(own.params[k].name, torch.params[k].name) ||
          !same_default(&b, own.params[k].fallback, torch.params[k].fallback))
        fail_msg("%s: argument %u is not torch's", name, k);
    arch_bench_close(&b);
  }
}

static const struct {
  const char *call, *keys;
} states[] = {
#define SIGNATURE(type, params)
#define STATE(call, keys) {call, keys},
#define MODEL(file, keys)
#include "tests/oracle/modules_recorded.inc"
#undef SIGNATURE
#undef STATE
#undef MODEL
};

static void state_dicts_are_torchs(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(states); i++) {
    struct arch_bench b;
    arch_bench_open(&b);
    struct span text = arena_printf(&b.arena, "{\"arch\": 1, \"modules\": {\"m\": \"%s\"}}", states[i].call);
    assert_true(arch_bench_parse(&b, text));
    if (!arch_bench_build(&b, "", 100))
      fail_msg("%s: %.*s", states[i].call, (int)b.o.list[0].detail.n, (const char *)b.o.list[0].detail.p);
    struct span keys = keys_text(&b.arena, &b.model, 2);
    if (!span_is(keys, states[i].keys))
      fail_msg("%s\n has %.*s\nnot %s", states[i].call, (int)keys.n, (const char *)keys.p, states[i].keys);
    arch_bench_close(&b);
  }
}

/* Rows are ours: each must parse, and fit the room that construct.c has for locals. */
static void every_row_is_sound(void **state) {
  struct arch_bench b;
  (void)state;
  arch_bench_open(&b);
  uint64_t steps = 1000;
  struct eval ev = {.arena = &b.arena, .max = &b.max, .steps = &steps};
  struct builder builder = {.arena = &b.arena, .max = &b.max, .eval = &ev};
  for (enum module_type t = TYPE_NONE + 1; t < TYPE_COUNT; t++) {
    const struct type_plan *plan = construct_plan(&builder, t);
    if (!plan) fail_msg("%s does not parse", module_type_name(t));
    uint32_t locals = plan->signature.num_params, open = 0;
    for (uint32_t i = 0; i < plan->num_lines; i++) {
      locals += plan->lines[i].kind == STATE_LET || plan->lines[i].kind == STATE_EACH;
      if (plan->lines[i].kind == STATE_EACH) assert_int_equal(open++, 0);
      if (plan->lines[i].kind == STATE_END) assert_int_equal(open--, 1);
    }
    assert_int_equal(open, 0);
    assert_true(locals <= 24);
    assert_int_equal(module_type_by_name(span_str(module_type_name(t))), t);
  }
  arch_bench_close(&b);
}

/* ---- files ---- */

static const struct {
  const char *file, *keys;
} models[] = {
#define SIGNATURE(type, params)
#define STATE(call, keys)
#define MODEL(file, keys) {file, keys},
#include "tests/oracle/modules_recorded.inc"
#undef SIGNATURE
#undef STATE
#undef MODEL
};

static void load_file(struct arch_bench *b, const char *folder, const char *name, const char *config,
                      const char *root) {
  char path[100];
  arch_bench_open(b);
  snprintf(path, sizeof path, "%s/%s.json", folder, name);
  struct span file = read_whole(path);
  bool parsed = arch_bench_parse(b, file);
  exact_free(file);
  b->sources.file = (struct text_file){SPAN("config.json"), as_json(&b->arena, config)};
  if (!parsed || !arch_bench_build(b, root, 1000))
    fail_msg("%s: %.*s", name, (int)b->o.list[0].detail.n, (const char *)b->o.list[0].detail.p);
}

static void tutorial_models_are_torchs(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(models); i++) {
    struct arch_bench b;
    bool complex = strcmp(models[i].file, "complex_model") == 0;
    load_file(&b, "rules/models", models[i].file,
              complex ? "{'input_dim': 12, 'hidden_dim': 20, 'output_dim': 3}" : "", "");
    struct span keys = keys_text(&b.arena, &b.model, 0);
    if (!span_is(keys, models[i].keys))
      fail_msg("%s has %.*s", models[i].file, (int)keys.n, (const char *)keys.p);
    arch_bench_close(&b);
  }
}

/* Parameter totals as the models' authors publish them, ties counted once. */
static void parameter_totals_are_the_published_ones(void **state) {
  static const struct {
    const char *file, *config, *root;
    uint64_t total;
  } rows[] = {
      {"gpt2", "{}", "GPT2LMHeadModel", 124439808},
      {"gpt2", "{'n_embd': 1600, 'n_layer': 48, 'n_head': 25}", "GPT2LMHeadModel", 1557611200},
      {"bert", "{}", "BertModel", 109482240},
      {"bert",
       "{'hidden_size': 1024, 'num_hidden_layers': 24, 'num_attention_heads': 16, 'intermediate_size': 4096}",
       "BertModel", 335141888},
      {"bert", "{}", "BertForMaskedLM", 109514298},
      {"roberta", "{'max_position_embeddings': 514, 'type_vocab_size': 1}", "RobertaModel", 124645632},
      {"distilbert", "{}", "DistilBertModel", 66362880},
      {"gpt_neox",
       "{'vocab_size': 50304, 'hidden_size': 512, 'num_hidden_layers': 6, 'num_attention_heads': 8, "
       "'intermediate_size': 2048}",
       "GPTNeoXForCausalLM", 70426624},
      {"gpt_neox", "{}", "GPTNeoXForCausalLM", 20554567680},
      {"llama", "{}", "LlamaForCausalLM", 6738415616},
      {"llama", "{'vocab_size': 128256, 'intermediate_size': 14336, 'num_key_value_heads': 8}",
       "LlamaForCausalLM", 8030261248},
      {"llama",
       "{'vocab_size': 128256, 'hidden_size': 2048, 'intermediate_size': 8192, 'num_hidden_layers': 16, "
       "'num_key_value_heads': 8,"
       " 'head_dim': 64, 'tie_word_embeddings': true}",
       "LlamaForCausalLM", 1235814400},
      {"mistral", "{'vocab_size': 32000}", "MistralForCausalLM", 7241732096},
      {"qwen2",
       "{'hidden_size': 896, 'intermediate_size': 4864, 'num_hidden_layers': 24, 'num_attention_heads': 14, "
       "'num_key_value_heads': 2,"
       " 'tie_word_embeddings': true}",
       "Qwen2ForCausalLM", 494032768},
      {"qwen2",
       "{'vocab_size': 152064, 'hidden_size': 3584, 'intermediate_size': 18944, 'num_hidden_layers': 28, "
       "'num_attention_heads': 28,"
       " 'num_key_value_heads': 4}",
       "Qwen2ForCausalLM", 7615616512},
      {"qwen3",
       "{'hidden_size': 1024, 'intermediate_size': 3072, 'num_hidden_layers': 28, 'num_attention_heads': 16, "
       "'num_key_value_heads': 8,"
       " 'tie_word_embeddings': true}",
       "Qwen3ForCausalLM", 596049920},
      {"qwen3",
       "{'hidden_size': 4096, 'intermediate_size': 12288, 'num_hidden_layers': 36, 'num_attention_heads': "
       "32, 'num_key_value_heads': 8}",
       "Qwen3ForCausalLM", 8190735360},
      {"gemma",
       "{'hidden_size': 2048, 'intermediate_size': 16384, 'num_hidden_layers': 18, 'num_attention_heads': 8, "
       "'num_key_value_heads': 1}",
       "GemmaForCausalLM", 2506172416},
      {"gemma", "{}", "GemmaForCausalLM", 8537680896},
      {"phi3", "{}", "Phi3ForCausalLM", 3821079552},
      {"t5", "{}", "T5ForConditionalGeneration", 60506624},
      {"t5",
       "{'d_ff': 1024, 'num_heads': 6, 'num_layers': 8, 'feed_forward_proj': 'gated-gelu', "
       "'tie_word_embeddings': false}",
       "T5ForConditionalGeneration", 76961152},
      {"vit", "{'num_labels': 1000}", "ViTForImageClassification", 86567656},
      {"clip", "{}", "CLIPModel", 151277313},
      {"whisper", "{}", "WhisperForConditionalGeneration", 37760640},
      {"whisper",
       "{'d_model': 512, 'encoder_layers': 6, 'decoder_layers': 6, 'encoder_attention_heads': 8, "
       "'decoder_attention_heads': 8,"
       " 'encoder_ffn_dim': 2048, 'decoder_ffn_dim': 2048}",
       "WhisperForConditionalGeneration", 72593920},
      {"resnet_hf", "{'num_labels': 1000}", "ResNetForImageClassification", 25557032},
      {"resnet_hf",
       "{'layer_type': 'basic', 'depths': [2, 2, 2, 2], 'hidden_sizes': [64, 128, 256, 512], 'num_labels': "
       "1000}",
       "ResNetForImageClassification", 11689512},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct arch_bench b;
    load_file(&b, "rules/models", rows[i].file, rows[i].config, rows[i].root);
    if (b.model.parameters != rows[i].total)
      fail_msg("%s: %llu", rows[i].file, (unsigned long long)b.model.parameters);
    arch_bench_close(&b);
  }
}

/* ---- the tree ---- */

static void expect_keys(const char *text, const char *keys) {
  struct arch_bench b;
  if (!arch_bench_load(&b, text))
    fail_msg("%s: %.*s", text, (int)b.o.list[0].detail.n, (const char *)b.o.list[0].detail.p);
  struct span got = keys_text(&b.arena, &b.model, 0);
  if (!span_is(got, keys)) fail_msg("%s\n has %.*s", text, (int)got.n, (const char *)got.p);
  arch_bench_close(&b);
}

#define A1 "{'arch': 1, 'modules': "

static void lines_make_children(void **state) {
  (void)state;
  expect_keys(A1 "{'a.b.c': 'Linear(1, 2, False)', 'a.d': 'PReLU()', 'e': 'None'}}",
              "a.b.c.weight[2,1] a.d.weight[1]");
  expect_keys(A1 "{'l.{i < 3}': 'Linear(i + 1, 2, bias=i == 1)'}}",
              "l.0.weight[2,1] l.1.weight[2,2] l.1.bias[2] l.2.weight[2,3]");
  expect_keys(A1 "{'{i < 2}': 'PReLU()', 'x_{i < 1}.y': 'PReLU()', 'z.{i < 0}': 'PReLU()'}}",
              "0.weight[1] 1.weight[1] x_0.y.weight[1]");
  expect_keys(A1 "{'s': ['PReLU()', 'None', 'ReLU()', ['Linear(1, 1, False)']]}}",
              "s.0.weight[1] s.3.0.weight[1,1]");
  expect_keys(A1
              "{'b': {'let': {'n': '2'}, 'modules': {'p': 'Parameter((n, 3))', 'q': 'Buffer((), int64)'}}}}",
              "b.p[2,3] ~b.q[]");
  expect_keys(
      A1 "{'b': {'modules': {}}, 'c.{i < 2}': {'let': {'k': 'i + 5'}, 'modules': {'w': 'Parameter(k)'}}}}",
      "c.0.w[5] c.1.w[6]");
  /* own parameters, own buffers, then children: whatever the order of the lines */
  expect_keys(A1
              "{'c': 'PReLU()', 'b': 'Buffer(1)', 'p': 'Parameter(())', 'o': 'Parameter(2, optional=True)'}}",
              "p[] o[2] ~b[1] c.weight[1]");
  expect_keys(
      "{'arch': 1, 'config': {'n': 2}, 'blocks': {'B(k, j=n)': {'modules': {'w': 'Parameter((k, j, n))'}}},"
      " 'modules': {'x': 'B(3)', 'y': 'B(k=4, j=1)'}}",
      "x.w[3,2,2] y.w[4,1,2]");
  expect_keys(A1 "{'block1-0': 'PReLU()'}}",
              "block1-0.weight[1]"); /* torchvision's regnet has such a child */
}

/* What a graph runner finds in the tree. */
static void tree_can_be_walked(void **state) {
  struct arch_bench b;
  (void)state;
  assert_true(arch_bench_load(&b,
                              "{'arch': 1, 'blocks': {'B(n)': {'let': {'m': 'n + 1'}, 'modules': {'w': "
                              "'Parameter(m)', 'off': 'None'}, 'forward(x)': ['x']}},"
                              " 'modules': {'conv': 'Conv2d(3, 16, 3, padding=1)', 'layers.{i < 2}': 'B(i)', "
                              "'s': 'Sequential(ReLU())'}}"));
  const struct model *m = &b.model;
  const struct module *conv = module_child(m, m->root, SPAN("conv")),
                      *layers = module_child(m, m->root, SPAN("layers"));
  assert_int_equal(conv->kind, MODULE_TYPE);
  assert_int_equal(conv->type, TYPE_Conv2d);
  assert_true(span_is(conv->prefix, "conv."));
  assert_int_equal(module_arg(conv, "padding")->number, 1);
  assert_int_equal(module_arg(conv, "stride")->number, 1);
  assert_null(module_arg(conv, "nothing"));
  assert_int_equal(module_slot(conv, SPAN("weight"))->ndim, 4);
  assert_null(module_child(m, m->root, SPAN("absent")));
  assert_int_equal(layers->kind, MODULE_LIST);
  assert_int_equal(layers->num_children, 2);
  const struct module *second = module_child(m, layers, SPAN("1"));
  assert_int_equal(second->kind, MODULE_BLOCK);
  assert_int_equal(second->block->forward->num_statements, 1);
  assert_int_equal(scope_find(second->scope, SPAN("m"))->number, 2);
  assert_int_equal(module_child(m, second, SPAN("off"))->kind, MODULE_ABSENT);
  assert_int_equal(module_child(m, m->root, SPAN("s"))->kind, MODULE_SEQUENTIAL);
  assert_true(layers->first->next == second && second->parent == layers);
  arch_bench_close(&b);
}

/* One module may stand in several places: each is a copy of its own. */
static void a_module_may_stand_twice(void **state) {
  (void)state;
  expect_keys(
      "{'arch': 1, 'blocks': {'Two(m)': {'modules': {'a': 'm', 'b': 'm'}}}, 'modules': {'t': 'Two(Linear(1, "
      "2, False))'}}",
      "t.a.weight[2,1] t.b.weight[2,1]");
}

/* ---- refusals ---- */

static void refused(const char *text, enum obs_kind kind, const char *part) {
  struct arch_bench b;
  double start = milliseconds();
  if (arch_bench_load(&b, text)) fail_msg("%s is taken", text);
  double took = milliseconds() - start;
  if (b.o.n == 0 || b.o.list[0].kind != kind || !says(b.o.list[0].detail, part))
    fail_msg("%s: kind %d, %.*s", text, b.o.n ? (int)b.o.list[0].kind : -1,
             b.o.n ? (int)b.o.list[0].detail.n : 0, b.o.n ? (const char *)b.o.list[0].detail.p : "");
  if (took > 1000)
    fail_msg("%s took %.0f ms", text, took); /* ample for sanitizers; the numbers are the benchmark's */
  arch_bench_close(&b);
}

static void refuses_wrong_constructors(void **state) {
  (void)state;
  refused(A1 "{'m': 'Linear(3)'}}", OBS_ARCH_EVAL, "Linear needs the argument 'out_features'");
  refused(A1 "{'m': 'Linear(3, 4, 5, 6)'}}", OBS_ARCH_EVAL, "at most 3 arguments");
  refused(A1 "{'m': 'Linear(3, 4, biass=False)'}}", OBS_ARCH_EVAL, "did you mean 'bias'?");
  refused(A1 "{'m': 'Linear(3, 4, in_features=3)'}}", OBS_ARCH_EVAL, "'in_features' is given twice");
  refused(A1 "{'m': 'Linaer(3, 4)'}}", OBS_ARCH_EVAL, "did you mean Linear?");
  refused(A1 "{'m': 'Linear(3, 4.0)'}}", OBS_ARCH_EVAL,
          "Linear, out_features: a size is an integer of 0 or more, found 4.0");
  refused(A1 "{'m': 'Linear(-1, 4)'}}", OBS_ARCH_EVAL, "found -1");
  refused(A1 "{'m': 'Linear(True, 4)'}}", OBS_ARCH_EVAL, "found True");
  refused(A1 "{'m': 'Linear(`a`, 4)'}}", OBS_ARCH_EVAL, "found 'a'");
  refused(A1 "{'m': 'Conv2d(3, 4, 3, groups=2)'}}", OBS_ARCH_EVAL, "3 can't be divided by 2");
  refused(A1 "{'m': 'Conv2d(4, 3, 3, groups=2)'}}", OBS_ARCH_EVAL, "3 can't be divided by 2");
  refused(A1 "{'m': 'Conv2d(4, 4, (3, 3, 3))'}}", OBS_ARCH_EVAL, "one number or 2");
  refused(A1 "{'m': 'Conv2d(4, 4, 3, groups=0)'}}", OBS_ARCH_EVAL, "a positive integer");
  refused(A1 "{'m': 'MultiheadAttention(7, 2)'}}", OBS_ARCH_EVAL, "7 can't be divided by 2");
  refused(A1 "{'m': 'Linear(4294967296, 4294967296)'}}", OBS_ARCH_EVAL, "64 bits");
  refused(A1 "{'m': 'Parameter((4294967296, 4294967296, 0))'}}", OBS_ARCH_EVAL, "64 bits");
  refused(A1 "{'m': '3 + 4'}}", OBS_ARCH_EVAL, "yields a module or None, found an integer");
  refused(A1 "{'m': 'Sequential(3)'}}", OBS_ARCH_EVAL, "no module");
  refused(A1 "{'m': 'Sequential(Parameter(3))'}}", OBS_ARCH_EVAL, "no module");
  refused(A1 "{'m': 'PReLU() + 1'}}", OBS_ARCH_EVAL, "no operand");
  refused(A1 "{'m': 'Buffer(3, 4)'}}", OBS_ARCH_EVAL, "a dtype");
  refused(A1 "{'m': 'Buffer(3, value=`x`)'}}", OBS_ARCH_EVAL, "a buffer's value is a number");
  refused(A1 "{'m': 'Parameter((1,) * 65)'}}", OBS_ARCH_EVAL, "a shape of 65 dimensions");
  refused(A1 "{'m': 'Sequential(a=PReLU())'}}", OBS_ARCH_EVAL, "no keyword arguments");
  refused(A1 "{'m': ['PReLU()', 'Parameter(3)']}}", OBS_ARCH_EVAL, "no module");
  refused(A1 "{'p.{i < 2000}': 'Parameter(1)'}}", OBS_ARCH_TOO_LARGE, "too many parameters");
  refused(A1 "{'m': 'Linear(x, 4)'}}", OBS_ARCH_EVAL, "unknown name 'x'");
  refused(A1 "{'m': 'weight_norm(Linear(3, 4), `wait`)'}}", OBS_ARCH_EVAL, "no parameter 'wait'");
  refused(A1 "{'m': 'weight_norm(BatchNorm1d(3), `running_var`)'}}", OBS_ARCH_EVAL,
          "no parameter 'running_var'");
  refused(A1 "{'m': 'weight_norm(Linear(3, 4), dim=2)'}}", OBS_ARCH_EVAL, "dim 2 of a parameter that has 2");
  refused(A1 "{'m': 'weight_norm(Linear(3, 4), dim=`x`)'}}", OBS_ARCH_EVAL, "dim is an integer or None");
  refused(A1 "{'m': 'weight_norm(Linear(3, 4), dim=-2)'}}", OBS_ARCH_EVAL, "dim -2");
  refused(A1 "{'m': 'spectral_norm(Linear(3, 4), dim=-1)'}}", OBS_ARCH_EVAL, "dim -1");
  refused(A1 "{'m': 'weight_norm(weight_norm(Linear(3, 4)))'}}", OBS_ARCH_EVAL, "no parameter 'weight'");
  refused(A1 "{'m': 'weight_norm(3)'}}", OBS_ARCH_EVAL, "a module of PyTorch");
  refused(A1 "{'m': 'weight_norm(Parameter(3), ``)'}}", OBS_ARCH_EVAL, "a module of PyTorch");
  refused(A1 "{'m': 'parametrizations.orthogonal(Linear(3, 4))'}}", OBS_ARCH_EVAL, "orthogonal");
}

/* The config value behind a wrong argument is named. */
static void names_the_config_value(void **state) {
  (void)state;
#define WITH(value) \
  "{'arch': 1, 'config': {'hidden_dim': " value "}, 'modules': {'m': 'Linear(3, hidden_dim)'}}"
  refused(WITH("'big'"), OBS_ARCH_EVAL, "(hidden_dim is 'big')");
  refused(WITH("20.5"), OBS_ARCH_EVAL, "(hidden_dim is 20.5)");
  refused(WITH("-20"), OBS_ARCH_EVAL, "(hidden_dim is -20)");
  refused(WITH("true"), OBS_ARCH_EVAL, "(hidden_dim is True)");
  refused(WITH("null"), OBS_ARCH_CONFIG_REQUIRED, "config value 'hidden_dim' is required and not given");
  refused("{'arch': 1, 'config': {'a': 'x'}, 'modules': {'m': 'Linear(3, 4 * a)'}}", OBS_ARCH_EVAL,
          "(a is 'x')");
}

static void refuses_bad_trees(void **state) {
  (void)state;
  refused(A1 "{'a': 'PReLU()', 'a.b': 'PReLU()'}}", OBS_ARCH_EVAL, "'a' is a module of its own");
  refused(A1 "{'a.b': 'PReLU()', 'a': 'PReLU()'}}", OBS_ARCH_EVAL, "'a' is registered twice");
  refused(A1 "{'l.0': 'PReLU()', 'l.{i < 2}': 'PReLU()'}}", OBS_ARCH_EVAL, "'0' is registered twice");
  refused(A1 "{'p': 'Parameter(1)', 'p.q': 'Parameter(1)'}}", OBS_ARCH_EVAL, "'p'");
  refused(A1 "{'l.{i < n}': 'PReLU()'}}", OBS_ARCH_EVAL, "unknown name 'n'");
  refused(A1 "{'l.{i < -1}': 'PReLU()'}}", OBS_ARCH_EVAL, "number of repetitions");
  refused(A1 "{'l.{i < 2.0}': 'PReLU()'}}", OBS_ARCH_EVAL, "number of repetitions");
}

/* What a hostile file asks for is answered without doing it. */
static void refuses_bombs(void **state) {
  (void)state;
  refused(A1 "{'l.{i < 1000000000}': 'Linear(1, 1)'}}", OBS_ARCH_TOO_LARGE,
          "m.json, line 1, column 47: l.{i < 1000000000}");
  refused(A1 "{'l.{i < 9223372036854775807}': 'ReLU()'}}", OBS_ARCH_TOO_LARGE, "9223372036854775807");
  refused(A1 "{'l.{i < 2000}': {'modules': {'m.{j < 2000}': 'ReLU()'}}}}", OBS_ARCH_TOO_LARGE, "");
  refused(A1 "{'l.{i < 1425}': 'Linear(1, 1)'}}", OBS_ARCH_TOO_LARGE,
          ""); /* 2,850 keys for a checkpoint of 100: 1,424 is the most */
  refused(A1 "{'m': 'LSTM(1, 1, 1000000000)'}}", OBS_ARCH_EVAL, "repetitions");
  refused(A1 "{'m': 'TransformerEncoder(TransformerEncoderLayer(8, 2), 1000000000)'}}", OBS_ARCH_EVAL,
          "repetitions");
  refused("{'arch': 1, 'blocks': {'B()': {'modules': {'b': 'B()'}}}, 'modules': {'m': 'B()'}}", OBS_ARCH_EVAL,
          "does it hold itself?");
  refused(
      "{'arch': 1, 'blocks': {'B()': {'modules': {'b': 'B()', 'c': 'B()', 'd': 'B()'}}}, 'modules': {'m': "
      "'B()'}}",
      OBS_ARCH_EVAL, "hold itself");
  refused(
      "{'arch': 1, 'blocks': {'B()': {'modules': {'b': 'C()'}}, 'C()': {'modules': {'l.{i < 3}': 'B()'}}}, "
      "'modules': {'m': 'B()'}}",
      OBS_ARCH_EVAL, "hold itself");
  refused("{'arch': 1, 'blocks': {'B(x)': {'modules': {}}}, 'modules': {'m': 'B(2**999999)'}}", OBS_ARCH_EVAL,
          "64 bits");
}

static void exactly_as_many_as_the_checkpoint_could_fill(void **state) {
  struct arch_bench b;
  (void)state;
  assert_true(arch_bench_load(&b, A1 "{'l.{i < 712}': 'Linear(1, 1)'}}")); /* edge: 1,424 = 4 * 100 + 1,024 */
  assert_int_equal(b.model.num_expected, 1424);
  arch_bench_close(&b);
  refused(A1 "{'l.{i < 713}': 'Linear(1, 1)'}}", OBS_ARCH_TOO_LARGE, "");
}

/* What is told is the checkpoint's number of tensors, also where a limit is lower. */
static void a_limit_on_tensors_comes_first(void **state) {
  struct arch_bench b;
  (void)state;
  arch_bench_open(&b);
  b.max.tensors = 8;
  assert_true(arch_bench_parse(&b, as_json(&b.arena, A1 "{'l.{i < 5}': 'Linear(1, 1)'}}")));
  assert_false(arch_bench_build(&b, "", 100));
  assert_int_equal(b.o.list[0].kind, OBS_ARCH_TOO_LARGE);
  assert_int_equal(b.o.list[0].got, 100);
  assert_int_equal(b.o.list[0].want, 8);
  arch_bench_close(&b);
}

/* edge: 32 blocks inside each other */
static void blocks_nest_32_deep(void **state) {
  (void)state;
#define CHAIN(n)                                                                                            \
  "{'arch': 1, 'blocks': {'B(k)': {'modules': {'b': 'B(k - 1) if k > 1 else PReLU()'}}}, 'modules': {'m': " \
  "'B(" n ")'}}"
  struct arch_bench b;
  assert_true(arch_bench_load(&b, CHAIN("32")));
  arch_bench_close(&b);
  refused(CHAIN("33"), OBS_ARCH_EVAL, "hold itself");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(constructors_are_torchs),
      cmocka_unit_test(state_dicts_are_torchs),
      cmocka_unit_test(every_row_is_sound),
      cmocka_unit_test(tutorial_models_are_torchs),
      cmocka_unit_test(parameter_totals_are_the_published_ones),
      cmocka_unit_test(lines_make_children),
      cmocka_unit_test(tree_can_be_walked),
      cmocka_unit_test(a_module_may_stand_twice),
      cmocka_unit_test(refuses_wrong_constructors),
      cmocka_unit_test(names_the_config_value),
      cmocka_unit_test(refuses_bad_trees),
      cmocka_unit_test(refuses_bombs),
      cmocka_unit_test(exactly_as_many_as_the_checkpoint_could_fill),
      cmocka_unit_test(a_limit_on_tensors_comes_first),
      cmocka_unit_test(blocks_nest_32_deep),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
