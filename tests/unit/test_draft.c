/* A family from one model: sizes in the words of the config, layers that are alike as one. What a line must
 * say is arithmetic over the config beside it. */
#include "arch/draft.h"

#include "tests/unit/arch_bench.h"

struct bench {
  struct arch_bench b;
  struct description d;
  struct draft draft;
};

static void row(struct bench *x, uint32_t depth, const char *name, const char *line, uint64_t params) {
  struct described *r = vec_push(&x->b.arena, &x->d.rows, 100);
  assert_non_null(r);
  *r = (struct described){
      .depth = depth, .leaf = params > 0, .name = span_str(name), .line = span_str(line), .params = params};
}

static bool run(struct bench *x, const char *config) {
  const struct text_file file = {SPAN("config.json"), as_json(&x->b.arena, config)};
  return draft_family(&x->draft, &x->d, file, &x->b.arena, &x->b.max, &x->b.o);
}

static void open(struct bench *x) {
  memset(x, 0, sizeof *x);
  arch_bench_open(&x->b);
}

static void sizes_are_said_in_words(void **state) {
  static const struct {
    const char *config, *line, *want;
  } rows[] = {
      {"{'hidden_size': 64}", "Linear(64, 192, bias=False)",
       "Linear(hidden_size, 3 * hidden_size, bias=False)"},
      {"{'width': 64, 'hidden_size': 64}", "LayerNorm(64)", "LayerNorm(hidden_size)"}, /* the better known */
      {"{'width': 64, 'height': 64}", "LayerNorm(64)", "LayerNorm(width)"},            /* the first */
      {"{'hidden_size': 64}", "Linear(320, 63)", "Linear(320, 63)"}, /* five times is no usual factor */
      {"{'hidden_size': 64, 'num_attention_heads': 4}", "Linear(64, 16)",
       "Linear(hidden_size, hidden_size // num_attention_heads)"},
      {"{'num_key_value_heads': 5, 'head_dim': 10}", "Linear(50, 10)",
       "Linear(num_key_value_heads * head_dim, head_dim)"},
      {"{'hidden_size': 96, 'num_attention_heads': 8, 'num_key_value_heads': 2}", "Linear(96, 24)",
       "Linear(hidden_size, num_key_value_heads * (hidden_size // num_attention_heads))"},
      {"{'num_hidden_layers': 12, 'n': 2}", "Linear(12, 24)", "Linear(12, 24)"}, /* layers are no width */
      {"{'a': 3, 'b': 4}", "Conv2d(3, 4, 12)", "Conv2d(3, 4, 12)"}, /* so small may be anything */
      {"{'pad_token_id': 64, 'seed': 64}", "LayerNorm(64)", "LayerNorm(64)"},
      {"{'1st': 64, 'a-b': 64, '': 64, 'x': '64', 'y': 64.5}", "LayerNorm(64)", "LayerNorm(64)"},
      {"{'x1': 64}", "LayerNorm(64, eps=64e-5, w64=x64)", "LayerNorm(x1, eps=64e-5, w64=x64)"},
      {"{'x': 64}", "A(64000000000000000000, 0, 64)", "A(64000000000000000000, 0, x)"},
      {"{'x': 9007199254740991}", "A(99999999999999999, 64)", "A(99999999999999999, 64)"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench x;
    open(&x);
    row(&x, 1, "x", rows[i].line, 1);
    if (!run(&x, rows[i].config)) fail_msg("%s is refused", rows[i].config);
    struct span line = x.d.rows.p[0].line;
    if (!span_is(line, rows[i].want)) fail_msg("%s: %.*s", rows[i].line, (int)line.n, (const char *)line.p);
    arch_bench_close(&x.b);
  }
}

static void fields_that_are_used_are_listed(void **state) {
  struct bench x;
  (void)state;
  open(&x);
  row(&x, 1, "x", "Linear(64, 1000)", 64000);
  assert_true(run(&x,
                  "{'model_type': 'm', 'architectures': ['A', 'B'], 'other': 7, 'hidden_size': 64, "
                  "'vocab_size': 1000}"));
  assert_true(span_is(x.draft.model_type, "m") && span_is(x.draft.architecture, "A"));
  assert_int_equal(x.draft.fields.n, 2);
  assert_true(span_is(x.draft.fields.p[0], "vocab_size") && span_is(x.draft.fields.p[1], "hidden_size"));
  arch_bench_close(&x.b);
}

/* What stands under layers, and what becomes of its first row. */
static void layers_that_are_alike_are_one(void **state) {
  static const struct {
    const char *second, *line; /* of the second layer and of the linear in it */
    const char *config, *name;
    uint32_t rows;
    uint64_t params;
  } rows[] = {
      {"1", "Linear(8, 8)", "{'num_layers': 2}", "{k < num_layers}", 4, 144},
      {"1", "Linear(8, 8)", "{'num_layers': 3}", "{k < 2}", 4, 144},
      {"1", "Linear(8, 9)", "{'num_layers': 2}", "0", 6, 72},
      {"2", "Linear(8, 8)", "{'num_layers': 2}", "0", 6, 72},
      {"x", "Linear(8, 8)", "{'num_layers': 2}", "0", 6, 72},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench x;
    open(&x);
    row(&x, 0, "", "", 0);
    row(&x, 1, "layers", "", 0);
    row(&x, 2, "0", "", 0);
    row(&x, 3, "fc", "Linear(8, 8)", 72);
    row(&x, 2, rows[i].second, "", 0);
    row(&x, 3, "fc", rows[i].line, 72);
    assert_true(run(&x, rows[i].config));
    const struct described *first = &x.d.rows.p[2];
    if (!span_is(first->name, rows[i].name) || x.d.rows.n != rows[i].rows ||
        first[1].params != rows[i].params)
      fail_msg("row %zu: %.*s, %u rows", i, (int)first->name.n, (const char *)first->name.p, x.d.rows.n);
    assert_int_equal(first->repeated, rows[i].rows == 4);
    arch_bench_close(&x.b);
  }
}

static void a_config_that_is_none_is_refused(void **state) {
  static const struct {
    const char *config;
    enum obs_kind seen;
  } rows[] = {{"[64]", OBS_ARCH_CONFIG_FILE}, {"{", OBS_ARCH_CONFIG_FILE}};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench x;
    open(&x);
    row(&x, 1, "x", "LayerNorm(64)", 64);
    assert_false(run(&x, rows[i].config));
    assert_int_equal(seen(&x.b.o, rows[i].seen), 1);
    assert_true(span_is(x.d.rows.p[0].line, "LayerNorm(64)"));
    arch_bench_close(&x.b);
  }
}

enum { PIECE = 16 };
static void spend(struct arena *a) {
  if (!arena_alloc(a, PIECE, 1, 1)) assert_true(a->exhausted);
}

/* With less and less memory: false, or the whole. */
static void memory_that_is_spent_is_said(void **state) {
  enum { BUDGET = 70000 };
  uint32_t refused = 0, told = 0;
  (void)state;
  for (size_t spent = 0; spent < BUDGET; spent += 4 * PIECE) {
    struct bench x;
    open(&x);
    row(&x, 1, "0", "Linear(64, 192)", 64);
    row(&x, 1, "1", "Linear(64, 192)", 64);
    struct arena little;
    arena_init(&little, BUDGET);
    for (size_t i = 0; i < spent; i += PIECE) spend(&little);
    const struct text_file file = {SPAN("c"), as_json(&x.b.arena, "{'model_type': 'm', 'hidden_size': 64}")};
    if (!draft_family(&x.draft, &x.d, file, &little, &x.b.max, &x.b.o)) {
      refused++;
    } else {
      assert_true(x.d.rows.n == 1 && span_is(x.d.rows.p[0].line, "Linear(hidden_size, 3 * hidden_size)"));
      told++;
    }
    arena_free(&little);
    arch_bench_close(&x.b);
  }
  assert_true(refused > 0 && told > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_are_said_in_words),       cmocka_unit_test(fields_that_are_used_are_listed),
      cmocka_unit_test(layers_that_are_alike_are_one), cmocka_unit_test(a_config_that_is_none_is_refused),
      cmocka_unit_test(memory_that_is_spent_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
