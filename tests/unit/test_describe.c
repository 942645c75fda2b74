/* What a checkpoint tells of its modules. The constructors are torch's: such a module has these names, shapes
 * and attributes (repr and state_dict of torch 1.13; tests/oracle/describe.py asks torch about whole models).
 */
#include "arch/describe.h"

#include "tests/unit/match_bench.h"

static const char nothing[] = "{'arch': 1, 'modules': {}}";

static void check_row(const struct description *d, uint32_t i, const char *line, const char *open) {
  const struct described *row = &d->rows.p[i];
  if (!span_is(row->line, line) || !span_is(row->open, open))
    fail_msg("%s, not %.*s [%.*s]", line, (int)row->line.n, (const char *)row->line.p, (int)row->open.n,
             (const char *)row->open.p);
}

/* ---- names and shapes ---- */

/* What a state dict of these keys tells; bench_close ends it. */
static struct description described(struct match_bench *x, const char *keys) {
  struct description d = {0};
  bench_open(x, nothing);
  root_dict(x, keys, "");
  const struct plan *p = plan_bench_done(&x->p);
  assert_true(describe_names(&d, p, p->dicts, &x->b.arena, &x->b.max));
  return d;
}

#define BN   "m.running_mean[4] m.running_var[4]"
#define CONV "stride, padding, dilation, groups"
#define RNN  "batch_first, dropout"

static void names_and_shapes_tell_a_type(void **state) {
  static const struct {
    const char *keys, *line, *open; /* of the second row; open "": a type, or a tensor that is none's */
    uint64_t params;
  } rows[] = {
      {"m.weight[4,3] m.bias[4]", "Linear(3, 4)", "", 16},
      {"m.weight[4,3]", "Linear(3, 4, bias=False)", "Linear or Embedding", 12},
      {"m.weight[3,4] m.bias[4]", "Conv1D(4, 3)", "", 16}, /* transformers': nf, nx */
      {"m.weight[4,4] m.bias[4]", "Linear(4, 4)", "", 20},
      {"embed.weight[9,4]", "Embedding(9, 4)", "Embedding or Linear", 36},
      {"m.weight[4] m.bias[4]", "LayerNorm(4)", "LayerNorm or GroupNorm; eps", 8},
      {"m.weight[4]", "RMSNorm(4)", "RMSNorm or PReLU; eps", 4},
      {"m.weight[8,3,5]", "Conv1d(3, 8, 5, bias=False)", CONV, 120},
      {"m.weight[8,3,5,5] m.bias[8]", "Conv2d(3, 8, 5)", CONV, 608},
      {"m.weight[8,1,3,5] m.bias[8]", "Conv2d(8, 8, (3, 5), groups=8)", CONV, 128},
      {"m.weight[2,3,1,2,1]", "Conv3d(3, 2, (1, 2, 1), bias=False)", CONV, 12},
      {"m.weight[4] m.bias[4] " BN " ~m.num_batches_tracked[]", "BatchNorm2d(4)", "1d, 2d or 3d; eps", 17},
      {"m.weight[4] m.bias[4] " BN, "BatchNorm2d(4)", "1d, 2d or 3d; eps", 16}, /* torch before 0.4.1 */
      {BN, "BatchNorm2d(4, affine=False)", "1d, 2d or 3d; eps", 8},
      {"m.weight_ih_l0[16,3] m.weight_hh_l0[16,4] m.bias_ih_l0[16] m.bias_hh_l0[16]", "LSTM(3, 4)", RNN, 144},
      {"m.weight_ih_l0[12,3] m.weight_hh_l0[12,4]", "GRU(3, 4, bias=False)", RNN, 84},
      {"m.weight_ih_l0[4,3] m.weight_hh_l0[4,4] m.weight_ih_l1[4,4] m.weight_hh_l1[4,4]",
       "RNN(3, 4, num_layers=2, bias=False)", RNN, 60},
      {"m.weight_ih_l0[4,3] m.weight_hh_l0[4,4] m.weight_ih_l0_reverse[4,3] m.weight_hh_l0_reverse[4,4]",
       "RNN(3, 4, bias=False, bidirectional=True)", RNN, 56},
      {"m.in_proj_weight[12,4] m.in_proj_bias[12] m.out_proj.weight[4,4] m.out_proj.bias[4]",
       "MultiheadAttention(4, 1)", "num_heads, batch_first", 80},
      {"m.in_proj_weight[12,4] m.out_proj.weight[4,4]", "MultiheadAttention(4, 1, bias=False)",
       "num_heads, batch_first", 64},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    struct description d = described(&x, rows[i].keys);
    assert_int_equal(d.rows.n, 2);
    check_row(&d, 1, rows[i].line, rows[i].open);
    assert_true(d.rows.p[1].leaf && d.rows.p[1].depth == 1 && d.rows.p[1].params == rows[i].params);
    bench_close(&x);
  }
}

/* No type has these: the module's name, then each tensor. */
static void what_no_type_makes_is_listed(void **state) {
  static const struct {
    const char *keys, *first; /* the first tensor's line */
    uint32_t rows;
  } rows[] = {
      {"m.weight[4,3] m.bias[5]", "Parameter((4, 3))", 4},
      {"m.weight[4] m.bias[5]", "Parameter((4,))", 4},
      {"m.weight[]", "Parameter(())", 3},
      {"m.weight[8,3,5] m.bias[7]", "Parameter((8, 3, 5))", 4},
      {"m.weight[1,1,1,1,1,1]", "Parameter((1, 1, 1, 1, 1, 1))", 3},
      {"m.weight[4] " BN, "Parameter((4,))", 5}, /* a weight without a bias */
      {BN " ~m.other[2]", "Parameter((4,))", 5},
      {"m.running_mean[2,2] m.running_var[4]", "Parameter((2, 2))", 4},
      {"m.weight_ih_l0[8,3] m.weight_hh_l0[8,4]", "Parameter((8, 3))", 4}, /* two gates: none has that */
      {"m.weight_ih_l0[8,3]", "Parameter((8, 3))", 3},
      {"m.weight_ih_l0[12,3] m.weight_hh_l0[8,4]", "Parameter((12, 3))", 4},
      {"m.in_proj_weight[11,4] m.out_proj.weight[4,4]", "Parameter((11, 4))", 4},
      {"m.in_proj_weight[12,4] m.in_proj_bias[12] m.out_proj.weight[4,4]", "Parameter((12, 4))", 5},
      {"m.a[2] !m.b[] ~m.c[2]", "Parameter((2,))", 4},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    struct description d = described(&x, rows[i].keys);
    if (d.rows.n != rows[i].rows) fail_msg("%s: %u rows", rows[i].keys, d.rows.n);
    assert_true(!d.rows.p[1].leaf && span_is(d.rows.p[1].name, "m"));
    check_row(&d, 2, rows[i].first, "");
    assert_int_equal(d.rows.p[2].depth, 2);
    bench_close(&x);
  }
}

static void containers_stand_above_their_modules(void **state) {
  static const struct {
    uint32_t depth;
    const char *name;
  } rows[] = {{0, ""},  {1, "net"}, {2, "0"},    {3, "fc"}, {3, "fc2"},
              {2, "1"}, {3, "fc"},  {1, "net2"}, {1, "top"}};
  struct match_bench x;
  struct description d =
      described(&x, "net.0.fc.weight[1,1] net.0.fc2.weight[1,1] net.1.fc.weight[1,1] net2.weight[1] top[1]");
  (void)state;
  assert_int_equal(d.rows.n, ARRAY_LEN(rows));
  for (uint32_t i = 0; i < d.rows.n; i++)
    if (d.rows.p[i].depth != rows[i].depth || !span_is(d.rows.p[i].name, rows[i].name))
      fail_msg("row %u: %u %.*s", i, d.rows.p[i].depth, (int)d.rows.p[i].name.n,
               (const char *)d.rows.p[i].name.p);
  bench_close(&x);
}

/* ---- a whole module's record ---- */

static struct plan_value *attribute(struct plan_bench *p, const char *name, enum plan_value_kind kind) {
  return plan_value(p, 1, name, kind);
}
static void number(struct plan_bench *p, const char *name, int64_t n) {
  attribute(p, name, PLAN_VAL_INT)->number = n;
}
static void truth(struct plan_bench *p, const char *name, bool b) {
  attribute(p, name, PLAN_VAL_BOOL)->number = b;
}
static void real(struct plan_bench *p, const char *name, double d) {
  attribute(p, name, PLAN_VAL_FLOAT)->real = d;
}
static void text(struct plan_bench *p, const char *name, const char *s) {
  attribute(p, name, PLAN_VAL_TEXT)->text = plan_words(p, s);
}
static void pair(struct plan_bench *p, const char *name, int64_t a, int64_t b) {
  attribute(p, name, PLAN_VAL_TUPLE);
  plan_value(p, 2, "0", PLAN_VAL_INT)->number = a;
  plan_value(p, 2, "1", PLAN_VAL_INT)->number = b;
}
static void parameters(struct plan_bench *p, bool bias) {
  const uint64_t two_by_two[] = {2, 2};
  attribute(p, "_parameters", PLAN_VAL_DICT);
  plan_value(p, 2, "weight", PLAN_VAL_TENSOR)->number = p->tensors.n;
  plan_bytes(p, DTYPE_F32, 2, two_by_two, NULL);
  if (!bias) plan_value(p, 2, "bias", PLAN_VAL_NONE);
  if (!bias) return;
  plan_value(p, 2, "bias", PLAN_VAL_TENSOR)->number = p->tensors.n;
  plan_bytes(p, DTYPE_F32, 1, two_by_two, NULL);
}

static void conv(struct plan_bench *p) {
  truth(p, "training", false);
  parameters(p, true);
  number(p, "in_channels", 3);
  number(p, "out_channels", 8);
  pair(p, "kernel_size", 3, 5);
  pair(p, "stride", 1, 1);
  pair(p, "padding", 1, 2);
  pair(p, "dilation", 2, 2);
  number(p, "groups", 1);
  text(p, "padding_mode", "reflect");
}
static void linear(struct plan_bench *p) {
  truth(p, "training", true);
  parameters(p, false);
  number(p, "in_features", 2);
  number(p, "out_features", 2);
}
static void norm(struct plan_bench *p) {
  parameters(p, true);
  number(p, "num_features", 4);
  real(p, "eps", 1e-5);
  real(p, "momentum", 0.01);
  truth(p, "affine", true);
  truth(p, "track_running_stats", false);
}
static void norm_without_momentum(struct plan_bench *p) {
  number(p, "num_features", 4);
  attribute(p, "momentum", PLAN_VAL_NONE);
}
static void linear_without_size(struct plan_bench *p) { number(p, "in_features", 2); }
static void odd_padding(struct plan_bench *p) {
  number(p, "in_channels", 3);
  number(p, "out_channels", 8);
  number(p, "kernel_size", 1);
  attribute(p, "stride", PLAN_VAL_DICT);
  text(p, "padding_mode", "zeros', groups='");
}
static void layer_norm(struct plan_bench *p) {
  attribute(p, "normalized_shape", PLAN_VAL_TUPLE);
  plan_value(p, 2, "0", PLAN_VAL_INT)->number = 16;
  real(p, "eps", 1e-6);
  truth(p, "elementwise_affine", true);
}
static void two_sizes(struct plan_bench *p) { pair(p, "normalized_shape", 4, 16); }
static void pool(struct plan_bench *p) {
  attribute(p, "output_size", PLAN_VAL_TUPLE);
  plan_value(p, 2, "0", PLAN_VAL_INT)->number = 7;
  plan_value(p, 2, "1", PLAN_VAL_NONE);
}

static void records_show_their_constructor(void **state) {
  static const struct {
    const char *cls;
    void (*fill)(struct plan_bench *p);
    const char *line, *open;
    enum described_mode mode;
    uint64_t params;
    bool leaf;
  } rows[] = {
      {"torch.nn.modules.conv.Conv2d", conv,
       "Conv2d(3, 8, (3, 5), padding=(1, 2), dilation=2, padding_mode='reflect')", "", MODE_EVAL, 6, true},
      {"torch.nn.modules.linear.Linear", linear, "Linear(2, 2, False)", "", MODE_TRAINING, 4, true},
      {"torch.nn.modules.batchnorm.BatchNorm2d", norm,
       "BatchNorm2d(4, momentum=0.01, track_running_stats=False)", "", MODE_UNKNOWN, 6, true},
      {"torch.nn.modules.batchnorm.BatchNorm2d", norm_without_momentum, "BatchNorm2d(4, momentum=None)", "",
       MODE_UNKNOWN, 0, true},
      {"torch.nn.modules.normalization.LayerNorm", layer_norm, "LayerNorm(16, 1e-06)", "", MODE_UNKNOWN, 0,
       true},
      {"torch.nn.modules.normalization.LayerNorm", two_sizes, "LayerNorm((4, 16))", "", MODE_UNKNOWN, 0,
       true},
      {"torch.nn.modules.conv.Conv2d", odd_padding, "Conv2d(3, 8, 1)", "stride, padding_mode", MODE_UNKNOWN,
       0, true},
      {"torch.nn.modules.linear.Linear", linear_without_size, "torch.nn.modules.linear.Linear", "",
       MODE_UNKNOWN, 0, false},
      {"my.Linear", linear, "my.Linear", "", MODE_TRAINING, 4, false},
      {"torch.nn.modules.pooling.AdaptiveAvgPool2d", pool, "torch.nn.modules.pooling.AdaptiveAvgPool2d", "",
       MODE_UNKNOWN, 0, false},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    struct description d = {0};
    bench_open(&x, nothing);
    plan_value(&x.p, 0, "", PLAN_VAL_RECORD)->cls = plan_words(&x.p, rows[i].cls);
    plan_dict_here(&x.p, "");
    rows[i].fill(&x.p);
    const struct plan *p = plan_bench_done(&x.p);
    assert_true(describe_record(&d, p, p->dicts, &x.b.arena, &x.b.max));
    check_row(&d, 0, rows[i].line, rows[i].open);
    if (d.rows.p[0].mode != rows[i].mode || d.rows.p[0].params != rows[i].params ||
        d.rows.p[0].leaf != rows[i].leaf)
      fail_msg("%s: mode %d, %llu elements", rows[i].line, (int)d.rows.p[0].mode,
               (unsigned long long)d.rows.p[0].params);
    bench_close(&x);
  }
}

/* A class of one's own: its modules, and before them the tensors that are its own. */
static void records_show_what_is_in_them(void **state) {
  struct match_bench x;
  struct description d = {0};
  (void)state;
  bench_open(&x, nothing);
  struct plan_bench *b = &x.p;
  plan_value(b, 0, "", PLAN_VAL_RECORD)->cls = plan_words(b, "my.Net");
  plan_dict_here(b, "");
  parameters(b, false);
  attribute(b, "_buffers", PLAN_VAL_DICT);
  plan_value(b, 2, "ids", PLAN_VAL_TENSOR)->number = b->tensors.n;
  plan_bytes(b, DTYPE_I64, 1, SIZES(3), NULL);
  attribute(b, "_modules", PLAN_VAL_DICT);
  plan_value(b, 2, "none", PLAN_VAL_NONE);
  plan_value(b, 2, "act", PLAN_VAL_RECORD)->cls = plan_words(b, "torch.nn.modules.activation.Tanh");
  const struct plan *p = plan_bench_done(b);
  assert_true(describe_record(&d, p, p->dicts, &x.b.arena, &x.b.max));
  assert_int_equal(d.rows.n, 4);
  check_row(&d, 0, "my.Net", "");
  check_row(&d, 1, "Parameter((2, 2))", "");
  check_row(&d, 2, "Buffer((3,), int64)", "");
  check_row(&d, 3, "Tanh()", "");
  assert_true(d.rows.p[0].params == 7 && d.rows.p[3].depth == 1 && span_is(d.rows.p[3].name, "act"));
  bench_close(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_and_shapes_tell_a_type),
      cmocka_unit_test(what_no_type_makes_is_listed),
      cmocka_unit_test(containers_stand_above_their_modules),
      cmocka_unit_test(records_show_their_constructor),
      cmocka_unit_test(records_show_what_is_in_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
