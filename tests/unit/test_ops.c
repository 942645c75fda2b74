/* Operations against PyTorch: every call recorded in tests/oracle/ops/ gives the same shape, type
 * and numbers, and every call that PyTorch refuses is refused. */
#include "forward/op.h"

#include <math.h>

#include "tests/unit/check.h"

/* ---- the words of the recording ---- */

enum arg_kind {
  ARG_VALUE,
  ARG_LIST,
  ARG_F32,
  ARG_WIDE,
  ARG_POSITIVE,
  ARG_UNIT,
  ARG_ZERO,
  ARG_DEFINITE,
  ARG_I64,
  ARG_INDEX,
  ARG_BOOL
};
struct arg {
  enum arg_kind kind;
  uint32_t seed, ndim;
  uint64_t size[5];
  const struct arg *list; /* LIST: ndim tensors */
  struct op_value value;
  int64_t ints[8];
  double reals[4];
};
struct op_case {
  enum op_id op;
  uint32_t num_args;
  struct arg args[OP_PARAMS];
  bool refused;
  enum ftype type;
  uint32_t ndim;
  uint64_t size[FT_DIMS];
  const double *want;
};

/* clang-format off */
#define T(name, number, dims, ...) {.kind = ARG_##name, .seed = number, .ndim = dims, .size = {__VA_ARGS__}}
#define I(number) {.value = {.kind = OPV_INT, .i = (number)}}
#define B(truth) {.value = {.kind = OPV_BOOL, .i = (truth)}}
#define F(number) {.value = {.kind = OPV_FLOAT, .f = (number)}}
#define S(literal) {.value = {.kind = OPV_TEXT, .text = {(const uint8_t *)(literal), sizeof(literal) - 1}}}
#define NONE {.value = {.kind = OPV_NONE}}
#define P(count, ...) {.value = {.kind = OPV_INTS, .n = (count)}, .ints = {__VA_ARGS__}}
#define L(count, ...) {.kind = ARG_LIST, .ndim = (count), .list = (const struct arg[]){__VA_ARGS__}}
#define D(name) {.value = {.kind = OPV_DTYPE, .i = FT_##name}}
#define PF(count, ...) {.value = {.kind = OPV_FLOATS, .n = (count)}, .reals = {__VA_ARGS__}}
#define N INT64_MIN /* None in a tuple */
#define COUNT(...) (sizeof((struct arg[]){__VA_ARGS__}) / sizeof(struct arg))
#define ARGS(...) .args = {__VA_ARGS__}, .num_args = COUNT(__VA_ARGS__)
#define OUT(name, dims, ...) .type = FT_##name, .ndim = dims, .size = {__VA_ARGS__}
#define VALUES(...) .want = (const double[]){__VA_ARGS__}
#define CASE(id, ...) {.op = OP_##id, __VA_ARGS__},
#define REFUSED(id, ...) {.op = OP_##id, __VA_ARGS__, .refused = true},
/* clang-format on */

static const struct op_case cases[] = {
#include "tests/oracle/ops/act.inc"
#include "tests/oracle/ops/arith.inc"
#include "tests/oracle/ops/attention.inc"
#include "tests/oracle/ops/bilinear.inc"
#include "tests/oracle/ops/columns.inc"
#include "tests/oracle/ops/conv.inc"
#include "tests/oracle/ops/conv_transpose.inc"
#include "tests/oracle/ops/ctc.inc"
#include "tests/oracle/ops/distance.inc"
#include "tests/oracle/ops/einsum.inc"
#include "tests/oracle/ops/elementwise.inc"
#include "tests/oracle/ops/fractional.inc"
#include "tests/oracle/ops/index.inc"
#include "tests/oracle/ops/interpolate.inc"
#include "tests/oracle/ops/join.inc"
#include "tests/oracle/ops/linalg.inc"
#include "tests/oracle/ops/linear.inc"
#include "tests/oracle/ops/make.inc"
#include "tests/oracle/ops/norm.inc"
#include "tests/oracle/ops/order.inc"
#include "tests/oracle/ops/pad.inc"
#include "tests/oracle/ops/pool.inc"
#include "tests/oracle/ops/recurrent.inc"
#include "tests/oracle/ops/reduce.inc"
#include "tests/oracle/ops/reparam.inc"
#include "tests/oracle/ops/rotary.inc"
#include "tests/oracle/ops/scatter.inc"
#include "tests/oracle/ops/shape.inc"
#include "tests/oracle/ops/softmax.inc"
#include "tests/oracle/ops/special.inc"
};

/* ---- one call ---- */

static struct gemm gemm;
static unsigned wrong; /* cases: all are told before the test fails */

static float real_element(const struct arg *a, uint64_t i, int raw) {
  const uint64_t n = a->ndim ? a->size[a->ndim - 1] : 1;
  switch (a->kind) {
  case ARG_WIDE: return (float)raw;
  case ARG_POSITIVE: return (float)(raw + 16) / 8;
  case ARG_UNIT: return (float)(raw + 16) / 32;
  case ARG_ZERO: return 0;
  case ARG_DEFINITE: return (float)(raw + (i % (n * n) % (n + 1) == 0 ? 128 : 0)) / 32;
  default: return (float)raw / 8;
  }
}

static void make_tensor(struct ftensor *t, const struct arg *a) {
  const enum ftype type = a->kind == ARG_I64 || a->kind == ARG_INDEX ? FT_I64
                          : a->kind == ARG_BOOL                      ? FT_BOOL
                                                                     : FT_F32;
  assert_true(ft_shape(t, type, a->size, a->ndim));
  t->data.out = malloc(ft_bytes(t) ? ft_bytes(t) : 1); /* of exactly its bytes */
  assert_non_null(t->data.out);
  for (uint64_t i = 0; i < t->numel; i++) {
    int raw = (int)((i * 7 + a->seed * 13) % 31) - 15;
    if (t->type == FT_F32)
      ft_f32_out(t)[i] = real_element(a, i, raw);
    else if (t->type == FT_I64)
      ft_i64_out(t)[i] = a->kind == ARG_INDEX ? (raw + 15) % 4 : raw;
    else
      ft_bool_out(t)[i] = raw % 3 == 0;
  }
}

enum { MOST_LISTED = 8 };
struct made {
  struct ftensor one, listed[MOST_LISTED], *list[MOST_LISTED];
};

static struct op_value make_argument(struct made *m, const struct arg *a) {
  struct op_value v = a->value;
  v.ints = a->ints;
  v.reals = a->reals;
  if (a->kind == ARG_VALUE) return v;
  if (a->kind != ARG_LIST) {
    make_tensor(&m->one, a);
    return (struct op_value){.kind = OPV_TENSOR, .tensor = &m->one};
  }
  assert_true(a->ndim <= MOST_LISTED);
  for (uint32_t i = 0; i < a->ndim; i++) {
    make_tensor(&m->listed[i], &a->list[i]);
    m->list[i] = &m->listed[i];
  }
  return (struct op_value){.kind = OPV_TENSORS, .tensors = m->list, .n = a->ndim};
}

static void free_argument(struct made *m, const struct arg *a) {
  if (a->kind != ARG_VALUE && a->kind != ARG_LIST) free(m->one.data.out);
  for (uint32_t i = 0; a->kind == ARG_LIST && i < a->ndim; i++) free(m->listed[i].data.out);
}

static double number(const struct ftensor *t, uint64_t i) {
  return t->type == FT_F32   ? (double)ft_f32(t)[i]
         : t->type == FT_I64 ? (double)ft_i64(t)[i]
                             : (double)ft_bool(t)[i];
}

static void check_values(const struct op_case *k, size_t row, const struct ftensor *got) {
  const struct op *op = &op_table[k->op];
  for (uint64_t i = 0; i < got->numel; i++) {
    double y = number(got, i), g = k->type == FT_F32 ? (double)(float)k->want[i] : k->want[i];
    bool same = isnan(g) ? isnan(y) : isinf(g) ? y == g : fabs(y - g) <= op->atol + op->rtol * fabs(g);
    if (same) continue;
    print_message("case %zu (%s): element %llu is %.9g, PyTorch has %.9g\n", row, op->name,
                  (unsigned long long)i, y, g);
    wrong++;
    return;
  }
}

static bool check_shape(const struct op_case *k, size_t row, const struct ftensor *got) {
  bool same = got->type == k->type && got->ndim == k->ndim &&
              memcmp(got->size, k->size, k->ndim * sizeof k->size[0]) == 0;
  if (!same) print_message("case %zu (%s): another shape or type\n", row, op_table[k->op].name);
  wrong += !same;
  return same;
}

static void run_case(const struct op_case *k, size_t row) {
  const struct op *op = &op_table[k->op];
  struct arena arena;
  struct fpool pool;
  struct ftensor out = {.ndim = 0};
  struct op_value given[OP_PARAMS], bound[OP_PARAMS];
  arena_init(&arena, 1 << 20);
  fpool_init(&pool, 64 << 20);
  struct made *in = arena_array(&arena, OP_PARAMS, struct made);
  assert_non_null(in);
  for (uint32_t i = 0; i < k->num_args; i++) given[i] = make_argument(&in[i], &k->args[i]);
  struct op_call c = {.arena = &arena, .pool = &pool, .gemm = &gemm, .arg = bound, .out = &out};
  bool done =
      op_bind(&c, op, &(struct op_arguments){.positional = given, .n = k->num_args}, bound) && op->shape(&c);
  if (done && !op->kernel) out.data = in[0].one.data;
  if (done && op->kernel) {
    void *memory = out.data.out = malloc(ft_bytes(&out) ? ft_bytes(&out) : 1);
    assert_non_null(memory);
    done = op_run(op, &c);
    if (!done) free(memory);
  }
  wrong += done == k->refused;
  if (done == k->refused)
    print_message("case %zu (%s): %s\n", row, op->name,
                  done ? "taken, PyTorch refuses it" : (const char *)c.why.p);
  if (done) {
    if (!k->refused && check_shape(k, row, &out)) check_values(k, row, &out);
    if (op->kernel) free(out.data.out);
    (void)op->cost(&c);
  } else {
    assert_true(c.error == OBS_FWD_SHAPE || c.error == OBS_FWD_ARGUMENT);
    assert_true(c.why.n > 0);
  }
  assert_int_equal(pool.used, 0); /* scratch was given back */
  for (uint32_t i = 0; i < k->num_args; i++) free_argument(&in[i], &k->args[i]);
  fpool_free(&pool);
  arena_free(&arena);
}

static void ops_compute_what_pytorch_recorded(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) run_case(&cases[i], i);
  assert_int_equal(wrong, 0);
}

static void every_op_that_computes_was_recorded(void **state) {
  (void)state;
  for (uint32_t op = 0; op < OP_COUNT; op++) {
    bool seen_one = op_table[op].kernel == NULL;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) seen_one = seen_one || (uint32_t)cases[i].op == op;
    if (!seen_one) print_message("%s has no recorded case\n", op_table[op].name);
    assert_true(seen_one);
  }
}

/* ---- what the recording does not hold ---- */

static bool call(struct op_call *c, enum op_id id, const struct op_arguments *given, struct op_value *bound) {
  c->arg = bound;
  return op_bind(c, &op_table[id], given, bound) && op_table[id].shape(c);
}

static void nan_wins_in_relu_and_max_pool(void **state) {
  (void)state;
  struct arena arena;
  struct fpool pool;
  arena_init(&arena, 1 << 20);
  fpool_init(&pool, 1 << 20);
  float numbers[] = {-1, NAN, 3, -INFINITY}, results[4];
  struct ftensor x = {.type = FT_F32, .ndim = 3, .numel = 4, .size = {1, 2, 2}, .data.in = numbers}, y;
  struct op_value given[] = {{.kind = OPV_TENSOR, .tensor = &x}, {.kind = OPV_INT, .i = 2}}, bound[OP_PARAMS];
  struct op_call c = {.arena = &arena, .pool = &pool, .gemm = &gemm, .out = &y};
  assert_true(call(&c, OP_max_pool2d, &(struct op_arguments){given, 2, NULL, 0}, bound));
  y.data.out = results;
  assert_true(op_table[OP_max_pool2d].kernel(&c));
  assert_true(isnan(results[0]));
  assert_true(call(&c, OP_relu, &(struct op_arguments){given, 1, NULL, 0}, bound));
  y.data.out = results;
  assert_true(op_table[OP_relu].kernel(&c));
  assert_true(results[0] == 0 && isnan(results[1]) && results[2] == 3 && results[3] == 0);
  fpool_free(&pool);
  arena_free(&arena);
}

static void keywords_bind_by_name(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 1 << 20);
  struct ftensor x = {.type = FT_F32, .ndim = 4, .numel = 0, .size = {0, 1, 8, 8}}, y;
  struct op_value given[] = {{.kind = OPV_TENSOR, .tensor = &x}, {.kind = OPV_INT, .i = 2}}, bound[OP_PARAMS];
  struct op_keyword stride = {SPAN("stride"), {.kind = OPV_INT, .i = 3}}, twice[2] = {stride, stride};
  struct op_keyword unknown = {SPAN("strides"), {.kind = OPV_INT, .i = 3}};
  struct op_call c = {.arena = &arena, .out = &y};
  assert_true(call(&c, OP_max_pool2d, &(struct op_arguments){given, 2, &stride, 1}, bound));
  assert_int_equal(y.size[2], 3);
  assert_false(call(&c, OP_max_pool2d, &(struct op_arguments){given, 2, twice, 2}, bound));
  assert_int_equal(c.error, OBS_FWD_ARGUMENT);
  assert_false(call(&c, OP_max_pool2d, &(struct op_arguments){given, 2, &unknown, 1}, bound));
  assert_int_equal(c.error, OBS_FWD_ARGUMENT);
  assert_false(
      call(&c, OP_max_pool2d, &(struct op_arguments){given, 1, NULL, 0}, bound)); /* no kernel_size */
  assert_int_equal(c.error, OBS_FWD_ARGUMENT);
  arena_free(&arena);
}

/* ---- hostile arguments: every op with numbers and shapes that no honest file holds ---- */

static const int64_t hostile_ints[] = {
    0, 1, -1, 2, 7, INT32_MAX, (int64_t)INT32_MAX + 1, INT64_C(1) << 40, INT64_MAX, INT64_MIN, INT64_MIN + 1};
static const double hostile_reals[] = {0, -1, 1e-300, 1e300, HUGE_VAL, (double)NAN};

#define HUGE_SIZE (UINT64_C(1) << 40)
static const struct shape {
  uint32_t ndim;
  uint64_t size[5];
} hostile_shapes[] = {{0, {0}},
                      {1, {0}},
                      {1, {4}},
                      {1, {1}},
                      {2, {0, 3}},
                      {2, {4, 4}},
                      {3, {2, 4, 4}},
                      {3, {4, 4, 1}},
                      {4, {1, 4, 5, 6}},
                      {4, {4, 4, 1, 1}},
                      {4, {0, 1, HUGE_SIZE, 8}},
                      {4, {HUGE_SIZE, 0, 1 << 18, 1}},
                      {3, {0, HUGE_SIZE, 1 << 18}},
                      {5, {1, 2, 3, 4, 5}},
                      {5, {0, 1, 1, HUGE_SIZE, 1 << 18}}};

/* A number of a cheap generator; the same in every run. */
static uint32_t draw(uint32_t *state, size_t below) {
  *state = (uint32_t)((uint64_t)*state * 48271 % 2147483647);
  return *state % (uint32_t)below;
}

struct hostile {
  struct ftensor tensor[OP_PARAMS];
  struct ftensor *list[OP_PARAMS][2];
  int64_t ints[OP_PARAMS][6];
  double reals[OP_PARAMS][3];
};

static void draw_tensor(struct ftensor *t, uint32_t *state) {
  static const enum ftype types[] = {FT_F32, FT_F32, FT_F32, FT_I64, FT_BOOL};
  const struct shape *shape = &hostile_shapes[draw(state, ARRAY_LEN(hostile_shapes))];
  assert_true(ft_shape(t, types[draw(state, ARRAY_LEN(types))], shape->size, shape->ndim));
  t->data.out = calloc(1, ft_bytes(t) ? ft_bytes(t) : 1);
  assert_non_null(t->data.out);
}

static struct op_value draw_value(struct hostile *h, uint32_t i, unsigned takes, uint32_t *state) {
  static const char *const texts[] = {"", "zeros", "same", "reflect", "circular", "bicubic", "mean", "tanh"};
  struct op_value v = {.kind = OPV_NONE};
  const bool other = draw(state, 4) == 0; /* than the first kind that fits */
  if (takes & TAKES_TENSOR && !(takes & TAKES_NONE && other)) {
    draw_tensor(&h->tensor[i], state);
    v = (struct op_value){.kind = OPV_TENSOR, .tensor = &h->tensor[i]};
  } else if (takes & TAKES_TENSORS) {
    draw_tensor(&h->tensor[i], state);
    h->list[i][0] = h->list[i][1] = &h->tensor[i];
    v = (struct op_value){.kind = OPV_TENSORS, .tensors = h->list[i], .n = draw(state, 3)};
  } else if (takes & TAKES_INTS && !other) {
    for (uint32_t k = 0; k < 6; k++)
      h->ints[i][k] = hostile_ints[draw(state, draw(state, 2) ? 5 : ARRAY_LEN(hostile_ints))];
    v = (struct op_value){.kind = OPV_INTS, .ints = h->ints[i], .n = draw(state, 7)};
  } else if (takes & TAKES_FLOATS && other) {
    for (uint32_t k = 0; k < 3; k++) h->reals[i][k] = hostile_reals[draw(state, ARRAY_LEN(hostile_reals))];
    v = (struct op_value){.kind = OPV_FLOATS, .reals = h->reals[i], .n = draw(state, 4)};
  } else if (takes & TAKES_TEXT && !(takes & TAKES_INT && other)) {
    v = (struct op_value){.kind = OPV_TEXT, .text = span_str(texts[draw(state, ARRAY_LEN(texts))])};
  } else if (takes & TAKES_FLOAT && other) {
    v = (struct op_value){.kind = OPV_FLOAT, .f = hostile_reals[draw(state, ARRAY_LEN(hostile_reals))]};
  } else if (takes & (TAKES_INT | TAKES_INTS)) {
    v = (struct op_value){.kind = OPV_INT, .i = hostile_ints[draw(state, ARRAY_LEN(hostile_ints))]};
  } else if (takes & TAKES_BOOL) {
    v = (struct op_value){.kind = OPV_BOOL, .i = draw(state, 2)};
  } else if (takes & TAKES_DTYPE) {
    v = (struct op_value){.kind = OPV_DTYPE, .i = draw(state, 3)};
  }
  return v;
}

/* Shape rules answer everything with a shape or a reason; where the sizes are small, kernels too. */
static void hostile_call(const struct op *op, uint32_t *state) {
  enum { SMALL = 1 << 14 };
  struct arena arena;
  struct fpool pool;
  struct hostile h = {.tensor = {{.ndim = 0}}};
  struct op_value given[OP_PARAMS], bound[OP_PARAMS];
  struct ftensor out = {.ndim = 0};
  arena_init(&arena, 1 << 20);
  fpool_init(&pool, 1 << 20);
  for (uint32_t i = 0; i < op->num_params; i++)
    given[i] = !op->params[i].required && draw(state, 2) ? op->params[i].fallback
                                                         : draw_value(&h, i, op->params[i].takes, state);
  struct op_call c = {.arena = &arena, .pool = &pool, .gemm = &gemm, .arg = bound, .out = &out};
  bool done = op_bind(&c, op, &(struct op_arguments){.positional = given, .n = op->num_params}, bound) &&
              op->shape(&c);
  if (done && op->cost(&c) <= SMALL && out.numel <= SMALL && op->kernel) {
    out.data.out = calloc(1, ft_bytes(&out) ? ft_bytes(&out) : 1);
    assert_non_null(out.data.out);
    void *memory = out.data.out;
    done = op_run(op, &c);
    free(memory);
  }
  if (!done && !c.why.n && c.error != OBS_FWD_MEMORY) fail_msg("%s refuses without a word", op->name);
  assert_int_equal(pool.used, 0);
  for (uint32_t i = 0; i < OP_PARAMS; i++) free(h.tensor[i].data.out);
  fpool_free(&pool);
  arena_free(&arena);
}

static void hostile_arguments_are_answered(void **state) {
  (void)state;
  uint32_t seed = 1;
  for (size_t op = 0; op < OP_COUNT; op++)
    for (uint32_t i = 0; i < 2000; i++) hostile_call(&op_table[op], &seed);
}

/* The library's blocked kernels against a plain sum, at sizes over their block edges. */
static void products_agree_with_a_plain_sum(void **state) {
  (void)state;
  static const uint64_t sizes[][3] = {{1, 70, 65},  {70, 1, 65},  {65, 67, 129},
                                      {3, 130, 64}, {64, 64, 64}, {2, 2, 0}};
  for (size_t s = 0; s < ARRAY_LEN(sizes); s++)
    for (unsigned transposed = 0; transposed < 2; transposed++) {
      const uint64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
      float *a = malloc((m * k + 1) * sizeof *a), *b = malloc((k * n + 1) * sizeof *b),
            *c = malloc(m * n * sizeof *c);
      assert_true(a && b && c);
      for (uint64_t i = 0; i < m * k; i++) a[i] = (float)((int)(i * 7 % 31) - 15) / 8;
      for (uint64_t i = 0; i < k * n; i++) b[i] = (float)((int)(i * 11 % 29) - 14) / 8;
      assert_true(gemm_multiply(&gemm, m, n, k, (struct gemm_operand){a, k, false},
                                (struct gemm_operand){b, transposed ? k : n, transposed != 0}, c, n));
      for (uint64_t i = 0; i < m * n; i++) {
        double sum = 0;
        for (uint64_t j = 0; j < k; j++)
          sum += (double)a[i / n * k + j] * (double)(transposed ? b[i % n * k + j] : b[j * n + i % n]);
        assert_true(fabs((double)c[i] - sum) <= 1e-4);
      }
      free(c);
      free(b);
      free(a);
    }
}

static int load_library(void **state) {
  (void)state;
  if (gemm_load(&gemm)) return 0;
  print_message("%s\n", gemm.error);
  return -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ops_compute_what_pytorch_recorded),
      cmocka_unit_test(every_op_that_computes_was_recorded),
      cmocka_unit_test(nan_wins_in_relu_and_max_pool),
      cmocka_unit_test(keywords_bind_by_name),
      cmocka_unit_test(hostile_arguments_are_answered),
      cmocka_unit_test(products_agree_with_a_plain_sum),
  };
  return cmocka_run_group_tests(tests, load_library, NULL);
}
