/* Every family against a state dict of its own that was changed in one way: the right rule, in one line, and
 * the right hint. */
#include <dirent.h>

#include "arch/trial.h"
#include "tests/unit/match_bench.h"

enum { MAX_KEYS = 12288 };

struct key {
  char name[200];
  enum dtype dtype;
  uint32_t ndim;
  uint64_t sizes[8];
};

struct keys {
  uint32_t n;
  struct key list[MAX_KEYS];
};

struct subject {
  const char *name; /* of the family */
  char path[300];
  struct keys keys; /* its state dict, as a file has it: absent aliases left out */
};

/* A mixture of hundreds of experts as one of a few: they are all alike, and so many take time. */
static void take_few_experts(uint8_t *text, size_t n) {
  static const char *const names[] = {
      "\"num_experts\": ", "\"n_routed_experts\": ", "\"num_local_experts\": "};
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    uint8_t *at = memmem(text, n, names[i], strlen(names[i]));
    if (!at) continue;
    for (at += strlen(names[i]); at[1] >= '0' && at[1] <= '9'; at++) *at = ' ';
    *at = '6';
  }
}

static void load(struct arch_bench *b, const char *path) {
  arch_bench_open(b);
  struct span file = read_whole(path);
  uint8_t *text = arena_alloc(&b->arena, file.n, 1, 1);
  assert_non_null(text);
  memcpy(text, file.p, file.n);
  take_few_experts(text, file.n);
  if (!arch_bench_parse(b, span_of(text, file.n))) fail_msg("%s can't be read", path);
  exact_free(file);
}

/* A value or two of the config, as --set gives them. False: it can't be built so. */
static bool build(struct arch_bench *b, const char *path, const struct setting *set, size_t n) {
  load(b, path);
  b->sources.set = set;
  b->sources.num_set = n;
  return arch_bench_build(b, "", MAX_KEYS);
}

static bool is_alias(const struct model *m, uint32_t number) {
  for (uint32_t i = 0; i < m->num_ties; i++)
    if (m->ties[i].alias == number) return true;
  return false;
}

static void list_keys(struct keys *out, const struct model *m) {
  out->n = 0;
  for (uint32_t i = 0; i < m->num_expected; i++) {
    const struct expected *e = &m->expected[i];
    struct key *k = &out->list[out->n];
    if (e->slot->optional || is_alias(m, i + 1)) continue;
    assert_true(++out->n < MAX_KEYS && e->slot->ndim <= 8);
    snprintf(k->name, sizeof k->name, "%.*s", (int)e->key.n, (const char *)e->key.p);
    k->dtype = e->slot->rule == SLOT_EXACT ? e->slot->dtype : DTYPE_F32;
    k->ndim = e->slot->ndim;
    if (k->ndim) memcpy(k->sizes, e->slot->sizes, k->ndim * sizeof *k->sizes);
  }
}

/* The family with its defaults against these keys. */
static void judge(struct match_bench *x, const struct subject *s, const struct keys *keys,
                  const char *prefix) {
  char name[300];
  memset(x, 0, sizeof *x);
  load(&x->b, s->path);
  plan_bench_open(&x->p);
  plan_value(&x->p, 0, "", PLAN_VAL_DICT);
  plan_dict_here(&x->p, "");
  for (uint32_t i = 0; i < keys->n; i++) {
    const struct key *k = &keys->list[i];
    snprintf(name, sizeof name, "%s%s", prefix, k->name);
    plan_claim(&x->p, 1, name, k->dtype, k->ndim, k->sizes);
  }
  bench_run(x);
}

static double hint(struct match_bench *x) {
  double started = cpu_milliseconds();
  assert_true(bench_hint(x));
  return cpu_milliseconds() - started;
}

/* One observation beside notes: this kind, of this key, with these words. */
static void expect(struct match_bench *x, const struct subject *s, enum obs_kind kind, const char *key,
                   const char *words) {
  uint64_t problems = match_problems(&x->m);
  const struct observation *o = first_of(&x->b.o, kind);
  if (seen(&x->b.o, kind) != 1 || problems > 1 || !span_is(o->subject, key) || !says(o->detail, words))
    fail_msg("%s: %u times, %llu problems, %.*s: %.*s", s->name, seen(&x->b.o, kind),
             (unsigned long long)problems, (int)o->subject.n, (const char *)o->subject.p, (int)o->detail.n,
             (const char *)o->detail.p);
  bench_close(x);
}

/* ---- the keys ---- */

/* The last key with two dimensions that differ, a parameter of its own. */
static uint32_t matrix_of(const struct keys *keys) {
  for (uint32_t i = keys->n; i > 0; i--) {
    const struct key *k = &keys->list[i - 1];
    if (k->ndim == 2 && k->sizes[0] != k->sizes[1] && k->sizes[0] != 1 && k->sizes[1] != 1) return i - 1;
  }
  return UINT32_MAX;
}

static void a_changed_key_is_told(const struct subject *s) {
  static struct keys keys;
  struct match_bench x;
  uint32_t at = matrix_of(&s->keys);
  if (at == UINT32_MAX) return;
  const char *name = s->keys.list[at].name;

  keys = s->keys;
  keys.list[at].sizes[1]++;
  judge(&x, s, &keys, "");
  expect(&x, s, OBS_MATCH_SHAPE, name, "the architecture expects");

  keys = s->keys;
  keys.list[at].sizes[0] = s->keys.list[at].sizes[1];
  keys.list[at].sizes[1] = s->keys.list[at].sizes[0];
  judge(&x, s, &keys, "");
  expect(&x, s, OBS_MATCH_SHAPE, name, "it is transposed");

  keys = s->keys;
  keys.list[at].dtype = DTYPE_I64;
  judge(&x, s, &keys, "");
  expect(&x, s, OBS_MATCH_DTYPE, name, "int64, the architecture expects a floating dtype");

  keys = s->keys;
  memmove(&keys.list[at], &keys.list[at + 1], (keys.n - at - 1) * sizeof *keys.list);
  keys.n--;
  judge(&x, s, &keys, "");
  expect(&x, s, OBS_MATCH_MISSING, name, "");

  keys = s->keys;
  keys.list[keys.n] = keys.list[at];
  snprintf(keys.list[keys.n++].name, sizeof keys.list->name, "an_extra_key");
  judge(&x, s, &keys, "");
  expect(&x, s, OBS_MATCH_UNEXPECTED, "an_extra_key", "");

  judge(&x, s, &s->keys, "module.");
  assert_int_equal(match_problems(&x.m), 0);
  assert_true(x.m.loads_after_fix || x.m.forgiven);
  expect(&x, s, OBS_MATCH_PREFIX_EXTRA, "module.", "removeprefix(\"module.\")");
}

/* ---- the config ---- */

static double slowest;
static uint32_t exact_hints, other_hints;

/* What another value of the config makes, held against the defaults: the hint names it, or another one that
 * resolves everything. */
static void expect_hint(const struct subject *s, struct span field, int64_t value, const struct keys *keys) {
  struct match_bench x;
  char words[100];
  judge(&x, s, keys, "");
  if (match_problems(&x.m) == 0 && x.b.arch.ignore.n) { /* the family passes over just these */
    bench_close(&x);
    return;
  }
  double took = hint(&x);
  if (took > slowest) slowest = took;
  const struct observation *o = seen(&x.b.o, OBS_HINT) ? first_of(&x.b.o, OBS_HINT) : NULL;
  snprintf(words, sizeof words, "%.*s=%lld", (int)field.n, (const char *)field.p, (long long)value);
  bool exact = o && says(o->subject, words);
  exact_hints += exact;
  other_hints += o && !exact;
  if (!o || (!exact && o->got != o->want))
    fail_msg("%s, %s: %s%.*s, %llu problems", s->name, words, o ? "the hint is " : "no hint",
             o ? (int)o->subject.n : 0, o ? (const char *)o->subject.p : "",
             (unsigned long long)match_problems(&x.m));
  bench_close(&x);
}

/* True: the value shows in a key or a shape. */
static bool keys_with(struct keys *out, const struct subject *s, struct span field, int64_t value) {
  struct arch_bench b;
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)value);
  const struct setting set = {field, span_str(text)};
  bool built = build(&b, s->path, &set, 1);
  if (built) list_keys(out, &b.model);
  arch_bench_close(&b);
  return built && (out->n != s->keys.n || memcmp(out->list, s->keys.list, out->n * sizeof *out->list) != 0);
}

/* The first value that shows in the keys (layers, stages), and the first that shows in the shapes only. */
static void a_changed_config_is_found(const struct subject *s) {
  static struct keys keys;
  struct arch_bench b;
  bool done[2] = {false, false};
  assert_true(build(&b, s->path, NULL, 0));
  for (uint32_t i = 0; i < b.arch.num_config && !(done[0] && done[1]); i++) {
    const struct value *v = &b.model.config->values[i];
    struct span field = b.arch.config[i].name;
    if (v->kind != VALUE_INT || v->number < 2) continue;
    memset(&keys, 0, sizeof keys);
    if (!keys_with(&keys, s, field, 2 * v->number)) continue;
    bool *which = &done[keys.n != s->keys.n];
    if (*which) continue;
    *which = true;
    expect_hint(s, field, 2 * v->number, &keys);
    for (int step = -1; step <= 1; step += 2) {
      memset(&keys, 0, sizeof keys);
      if (keys_with(&keys, s, field, v->number + step)) expect_hint(s, field, v->number + step, &keys);
    }
  }
  arch_bench_close(&b);
}

/* Rows for the tensor cores: 50257 become 50304. 0: there is no vocabulary, or it is round. */
static int64_t padded_rows(const struct subject *s) {
  struct arch_bench b;
  assert_true(build(&b, s->path, NULL, 0));
  const struct value *v = scope_find(b.model.config, SPAN("vocab_size"));
  bool odd = v && v->kind == VALUE_INT && v->number % 128 && v->number > 1000; /* not the 33 amino acids */
  int64_t rows = odd ? (v->number / 128 + 1) * 128 : 0;
  arch_bench_close(&b);
  return rows;
}

static void a_padded_vocabulary_is_named(const struct subject *s) {
  static struct keys keys;
  struct match_bench x;
  int64_t rows = padded_rows(s);
  memset(&keys, 0, sizeof keys);
  if (!rows || !keys_with(&keys, s, SPAN("vocab_size"), rows)) return;
  judge(&x, s, &keys, "");
  struct span told = first_of(&x.b.o, OBS_MATCH_SHAPE)->detail;
  if (!says(told, "padded to a round number"))
    fail_msg("%s: %.*s", s->name, (int)told.n, (const char *)told.p);
  bench_close(&x);
  expect_hint(s, SPAN("vocab_size"), rows, &keys);
}

/* ---- values ---- */

struct small {
  const char *family, *config, *tie, *buffer; /* NULL: it has none */
};

/* torch.tril(torch.ones(n, n)) of float32. */
static void write_mask(uint8_t *bytes, uint64_t n) {
  for (uint64_t row = 0; row < n; row++)
    for (uint64_t column = 0; column <= row; column++)
      memcpy(bytes + 4 * (row * n + column), (const uint8_t[]){0, 0, 0x80, 0x3f}, 4);
}

/* A small model whole, with its bytes: zeros, and what its buffers must hold. */
static void small_model(struct match_bench *x, const struct small *s, bool untied, bool tampered) {
  char path[300], name[300];
  snprintf(path, sizeof path, "rules/models/%s.json", s->family);
  memset(x, 0, sizeof *x);
  load(&x->b, path);
  x->b.sources.file = (struct text_file){SPAN("config.json"), as_json(&x->b.arena, s->config)};
  assert_true(arch_bench_build(&x->b, "", MAX_KEYS));
  plan_bench_open(&x->p);
  plan_value(&x->p, 0, "", PLAN_VAL_DICT);
  plan_dict_here(&x->p, "");
  for (uint32_t i = 0; i < x->b.model.num_expected; i++) {
    const struct expected *e = &x->b.model.expected[i];
    const struct slot *slot = e->slot;
    snprintf(name, sizeof name, "%.*s", (int)e->key.n, (const char *)e->key.p);
    bool range = slot->constant.kind == VALUE_RANGE;
    plan_entry(&x->p, 1, name, range ? DTYPE_I64 : DTYPE_F32, (int)slot->ndim, slot->sizes, NULL);
    uint8_t *bytes = x->p.file.p + x->p.storages.p[x->p.storages.n - 1].at;
    for (uint64_t k = 0; range && k < slot->numel; k++) bytes[8 * k] = (uint8_t)k;
    if (slot->constant.kind == VALUE_PATTERN) write_mask(bytes, slot->sizes[3]);
    if (untied && strcmp(name, s->tie) == 0) bytes[3] = 0x40;
    if (tampered && strcmp(name, s->buffer) == 0) bytes[8] = 5;
  }
  model_close(&x->b.model);
  bench_run(x);
}

#define SMALL_LLAMA(class)                                                                          \
  "{'hidden_size': 8, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'num_key_value_heads': 1, " \
  "'head_dim': 4, "                                                                                 \
  "'intermediate_size': 8, 'vocab_size': 11, 'tie_word_embeddings': true, 'architectures': ['" class "']}"
#define SMALL_BERT(class)                                                                         \
  "{'hidden_size': 8, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'intermediate_size': 8, " \
  "'vocab_size': "                                                                                \
  "11, 'max_position_embeddings': 6, 'architectures': ['" class "']}"

static void values_that_changed_are_told(void **state) {
  static const struct small rows[] = {
      {"gpt2",
       "{'n_embd': 8, 'n_layer': 1, 'n_head': 2, 'vocab_size': 11, 'n_positions': 4, 'architectures': "
       "['GPT2LMHeadModel']}",
       "lm_head.weight", "transformer.h.0.attn.bias"},
      {"bert", SMALL_BERT("BertForMaskedLM"), "cls.predictions.decoder.weight",
       "bert.embeddings.position_ids"},
      {"bert", SMALL_BERT("BertForPreTraining"), "cls.predictions.decoder.bias", NULL},
      {"roberta", SMALL_BERT("RobertaForMaskedLM"), "lm_head.decoder.weight",
       "roberta.embeddings.position_ids"},
      {"distilbert",
       "{'dim': 8, 'n_layers': 1, 'n_heads': 2, 'hidden_dim': 8, 'vocab_size': 11, "
       "'max_position_embeddings': 6, "
       "'architectures': ['DistilBertForMaskedLM']}",
       "vocab_projector.weight", NULL},
      {"llama", SMALL_LLAMA("LlamaForCausalLM"), "lm_head.weight", NULL},
      {"qwen2", SMALL_LLAMA("Qwen2ForCausalLM"), "lm_head.weight", NULL},
      {"qwen3", SMALL_LLAMA("Qwen3ForCausalLM"), "lm_head.weight", NULL},
      {"gemma", SMALL_LLAMA("GemmaForCausalLM"), "lm_head.weight", NULL},
      {"mistral", SMALL_LLAMA("MistralForCausalLM"), "lm_head.weight", NULL},
      {"phi3", SMALL_LLAMA("Phi3ForCausalLM"), "lm_head.weight", NULL},
      {"gpt_neox", SMALL_LLAMA("GPTNeoXForCausalLM"), "embed_out.weight", NULL},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++)
    for (int k = 0; k < 3; k++) {
      struct match_bench x;
      if (k == 2 && !rows[i].buffer) continue;
      small_model(&x, &rows[i], k == 1, k == 2);
      uint32_t ties = seen(&x.b.o, OBS_TIE_DIFFERS), buffers = seen(&x.b.o, OBS_CONSTANT_DIFFERS);
      if (match_problems(&x.m) || ties != (k == 1) || buffers != (k == 2))
        fail_msg("%s, %d: %llu problems, %u ties, %u buffers", rows[i].family, k,
                 (unsigned long long)match_problems(&x.m), ties, buffers);
      if (k == 1) assert_true(span_is(first_of(&x.b.o, OBS_TIE_DIFFERS)->subject, rows[i].tie));
      if (k == 2) assert_true(span_is(first_of(&x.b.o, OBS_CONSTANT_DIFFERS)->subject, rows[i].buffer));
      bench_close(&x);
    }
}

/* ---- all of them ---- */

static void every_family(void (*test)(const struct subject *s)) {
  static struct subject s;
  DIR *folder = opendir("rules/models");
  const struct dirent *entry;
  uint32_t families = 0;
  assert_non_null(folder);
  while ((entry = readdir(folder)) != NULL) {
    size_t n = strlen(entry->d_name);
    struct arch_bench b;
    if (n < 6 || strcmp(entry->d_name + n - 5, ".json") != 0) continue;
    memset(&s, 0, sizeof s);
    s.name = entry->d_name;
    snprintf(s.path, sizeof s.path, "rules/models/%.200s", entry->d_name);
    bool built = build(&b, s.path, NULL, 0); /* one has no defaults */
    if (built) list_keys(&s.keys, &b.model);
    arch_bench_close(&b);
    if (built) test(&s);
    families += built;
  }
  closedir(folder);
  assert_true(families >= 5);
}

static void keys_that_changed_are_told(void **state) {
  (void)state;
  every_family(a_changed_key_is_told);
}

static void config_values_that_changed_are_found(void **state) {
  (void)state;
  every_family(a_changed_config_is_found);
  every_family(a_padded_vocabulary_is_named);
  print_message("%u hints name the value, %u another that resolves everything; the slowest took %.0f ms\n",
                exact_hints, other_hints, slowest);
  assert_true(exact_hints > 10 * other_hints);
  assert_true(slowest < 1000 * SLOWER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_that_changed_are_told),
      cmocka_unit_test(values_that_changed_are_told),
      cmocka_unit_test(config_values_that_changed_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
