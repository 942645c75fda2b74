/* Indices and scales as numbers: the invariants that torch documents for torch.sparse_coo_tensor,
 * torch.sparse_compressed_tensor (check_invariants) and its quantisers, each met, and each missed by one. */
#include <math.h>

#include "tensor/contents.h"

#include "tests/unit/check.h"

enum { MAX_NUMBERS = 8 };

struct bench {
  struct arena arena;
  struct observations obs;
};

static void bench_open(struct bench *b) {
  memset(b, 0, sizeof *b);
  arena_init(&b->arena, 1 << 20);
  observations_init(&b->obs, &b->arena, 10);
}

/* A view of int64, int32 or float32, row-major unless strides are given. */
static struct numbers numbers(enum dtype dtype, const void *bytes, size_t n, uint32_t ndim,
                              const uint64_t *size, const uint64_t *stride) {
  struct numbers x = {
      .view = {.dtype = dtype, .ndim = (uint8_t)ndim, .numel = 1}, .member = 7, .subject = "x"};
  uint64_t product = 1;
  for (uint32_t i = ndim; i > 0; i--) {
    x.view.size[i - 1] = size[i - 1];
    x.view.stride[i - 1] = stride ? stride[i - 1] : product;
    product *= size[i - 1];
  }
  x.view.numel = product;
  x.bytes = exact_copy(bytes, n);
  return x;
}

static void expect(struct bench *b, const char *name, enum obs_kind kind, uint64_t at, bool proved) {
  if (kind == OBS_NONE) {
    if (!proved || b->obs.n) fail_msg("%s: refused", name);
  } else {
    if (proved || seen(&b->obs, kind) != 1) fail_msg("%s: not refused as expected", name);
    if (first_of(&b->obs, kind)->at != at || first_of(&b->obs, kind)->member != 7)
      fail_msg("%s: at %llu, expected %llu", name, (unsigned long long)first_of(&b->obs, kind)->at,
               (unsigned long long)at);
  }
  arena_free(&b->arena);
}

/* Two sparse dimensions of sizes 3 and 4; index i of the list is at byte 8 i. */
static const struct {
  const char *name;
  uint64_t nnz;
  int64_t indices[MAX_NUMBERS];
  bool coalesced;
  enum obs_kind kind;
  uint64_t at;
} coo[] = {
    {"empty", 0, {0}, true, OBS_NONE, 0},
    {"ascending", 3, {0, 0, 2, 1, 3, 0}, true, OBS_NONE, 0},
    {"any order, not coalesced", 3, {2, 0, 2, 1, 3, 1}, false, OBS_NONE, 0},
    {"edge: the size itself, first row", 2, {0, 3, 0, 0}, false, OBS_SPARSE_INDEX, 8},
    {"edge: the size itself, second row", 2, {0, 1, 0, 4}, false, OBS_SPARSE_INDEX, 24},
    {"edge: -1", 2, {0, 1, -1, 0}, false, OBS_SPARSE_INDEX, 16},
    {"least", 1, {INT64_MIN, 0}, false, OBS_SPARSE_INDEX, 0},
    {"coalesced, the same twice", 2, {1, 1, 2, 2}, true, OBS_SPARSE_ORDER, 8},
    {"coalesced, falling in the last", 2, {1, 1, 2, 1}, true, OBS_SPARSE_ORDER, 8},
    {"coalesced, falling in the first", 2, {1, 0, 0, 3}, true, OBS_SPARSE_ORDER, 8},
};

static void coo_indices_lie_in_their_sizes(void **state) {
  static const uint64_t sizes[] = {3, 4};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(coo); i++) {
    struct bench b;
    const uint64_t shape[] = {2, coo[i].nnz};
    bench_open(&b);
    struct numbers x = numbers(DTYPE_I64, coo[i].indices, 16 * (size_t)coo[i].nnz, 2, shape, NULL);
    expect(&b, coo[i].name, coo[i].kind, coo[i].at, coo_prove(&x, sizes, coo[i].coalesced, &b.obs));
    exact_free(x.bytes);
  }
}

/* nonzero().t(): columns lie together. */
static void transposed_indices_are_read_by_their_strides(void **state) {
  static const int64_t pairs[] = {0, 3, 2, 0, 2, 4};
  static const uint64_t sizes[] = {3, 4}, shape[] = {2, 3}, strides[] = {1, 2};
  (void)state;
  struct bench b;
  bench_open(&b);
  struct numbers x = numbers(DTYPE_I64, pairs, sizeof pairs, 2, shape, strides);
  expect(&b, "transposed", OBS_SPARSE_INDEX, 40, coo_prove(&x, sizes, true, &b.obs));
  exact_free(x.bytes);
}

static void big_endian_indices_are_turned(void **state) {
  static const uint8_t two[] = {0, 0, 0, 0, 0, 0, 0, 2};
  static const uint64_t shape[] = {1, 1}, fits[] = {3}, short_by_one[] = {2};
  (void)state;
  struct numbers x = numbers(DTYPE_I64, two, sizeof two, 2, shape, NULL);
  x.big_endian = true;
  struct bench b;
  bench_open(&b);
  expect(&b, "fits", OBS_NONE, 0, coo_prove(&x, fits, true, &b.obs));
  bench_open(&b);
  expect(&b, "short", OBS_SPARSE_INDEX, 0, coo_prove(&x, short_by_one, true, &b.obs));
  exact_free(x.bytes);
}

/* Three rows, five columns: which of the two runs is wrong shows in the kind and the place. */
static const struct {
  const char *name;
  int32_t compressed[4], plain[4];
  uint64_t nnz;
  enum obs_kind kind;
  uint64_t at;
} rows[] = {
    {"one a row", {0, 1, 2, 3}, {4, 0, 2}, 3, OBS_NONE, 0},
    {"an empty row", {0, 2, 2, 3}, {0, 4, 0}, 3, OBS_NONE, 0},
    {"nothing", {0, 0, 0, 0}, {0}, 0, OBS_NONE, 0},
    {"5.1 first is not 0", {1, 1, 2, 3}, {0, 1, 2}, 3, OBS_SPARSE_BOUNDS, 0},
    {"5.2 last is below nnz", {0, 1, 2, 2}, {0, 1, 2}, 3, OBS_SPARSE_BOUNDS, 12},
    {"5.2 last is above nnz", {0, 1, 2, 4}, {0, 1, 2}, 3, OBS_SPARSE_BOUNDS, 12},
    {"5.3 falling", {0, 2, 1, 3}, {0, 1, 2}, 3, OBS_SPARSE_BOUNDS, 8},
    {"5.3 negative", {0, -1, 2, 3}, {0, 1, 2}, 3, OBS_SPARSE_BOUNDS, 4},
    {"5.3 above nnz, then back", {0, 9, 2, 3}, {0, 1, 2}, 3, OBS_SPARSE_BOUNDS, 4},
    {"5.4 edge: the size itself", {0, 1, 2, 3}, {0, 5, 2}, 3, OBS_SPARSE_INDEX, 4},
    {"5.4 edge: -1", {0, 1, 2, 3}, {0, 1, -1}, 3, OBS_SPARSE_INDEX, 8},
    {"5.5 not sorted", {0, 2, 2, 3}, {4, 0, 0}, 3, OBS_SPARSE_ORDER, 4},
    {"5.5 twice", {0, 2, 2, 3}, {4, 4, 0}, 3, OBS_SPARSE_ORDER, 4},
};

static void compressed_indices_hold_the_invariants(void **state) {
  static const uint64_t bounds[] = {4};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench b;
    bench_open(&b);
    struct numbers c = numbers(DTYPE_I32, rows[i].compressed, 16, 1, bounds, NULL);
    struct numbers p = numbers(DTYPE_I32, rows[i].plain, 4 * (size_t)rows[i].nnz, 1, &rows[i].nnz, NULL);
    expect(&b, rows[i].name, rows[i].kind, rows[i].at, compressed_prove(&c, &p, 5, &b.obs));
    exact_free(c.bytes);
    exact_free(p.bytes);
  }
}

static void each_batch_is_proved(void **state) {
  static const int64_t compressed[] = {0, 1, 0, 1}, plain[] = {2, 5};
  static const uint64_t c_shape[] = {2, 2}, p_shape[] = {2, 1};
  (void)state;
  struct bench b;
  struct numbers c = numbers(DTYPE_I64, compressed, sizeof compressed, 2, c_shape, NULL);
  struct numbers p = numbers(DTYPE_I64, plain, sizeof plain, 2, p_shape, NULL);
  bench_open(&b);
  expect(&b, "six columns", OBS_NONE, 0, compressed_prove(&c, &p, 6, &b.obs));
  bench_open(&b);
  expect(&b, "five columns", OBS_SPARSE_INDEX, 8, compressed_prove(&c, &p, 5, &b.obs));
  exact_free(c.bytes);
  exact_free(p.bytes);
}

/* Two components of a buffer of ten: 2 x 3 at 0 and `size` x 2 at 6. */
static void nested_components_lie_in_the_buffer(void **state) {
  static const struct {
    const char *name;
    int64_t size, offset;
    bool proved;
  } cases[] = {{"at the end", 2, 6, true},      {"one beyond", 2, 7, false},
               {"a row too many", 3, 6, false}, {"a negative size", -1, 6, false},
               {"before it", 1, -1, false},     {"empty", 0, 10, true}};
  static const uint64_t shape[] = {2, 2}, row[] = {2};
  static const int64_t strides[] = {3, 1, 2, 1};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
    const int64_t sizes[] = {2, 3, cases[i].size, 2}, offsets[] = {0, cases[i].offset};
    struct nested_claim c = {.sizes = numbers(DTYPE_I64, sizes, sizeof sizes, 2, shape, NULL),
                             .strides = numbers(DTYPE_I64, strides, sizeof strides, 2, shape, NULL),
                             .offsets = numbers(DTYPE_I64, offsets, sizeof offsets, 1, row, NULL),
                             .dtype = DTYPE_F32,
                             .elements = 10};
    struct bench b;
    bench_open(&b);
    if (nested_prove(&c, &b.obs) != cases[i].proved || (b.obs.n == 0) != cases[i].proved)
      fail_msg("%s", cases[i].name);
    arena_free(&b.arena);
    exact_free(c.sizes.bytes);
    exact_free(c.strides.bytes);
    exact_free(c.offsets.bytes);
  }
}

static void scales_are_finite_and_positive(void **state) {
  static const struct {
    const char *name;
    float scale;
    enum obs_kind kind;
  } cases[] = {{"small", 1e-30F, OBS_NONE},
               {"zero", 0, OBS_QUANTISER_SCALE},
               {"negative", -0.5F, OBS_QUANTISER_SCALE},
               {"NaN", NAN, OBS_QUANTISER_SCALE},
               {"infinite", INFINITY, OBS_QUANTISER_SCALE}};
  static const uint64_t two[] = {2};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
    const float scales[] = {1, cases[i].scale};
    struct bench b;
    bench_open(&b);
    struct numbers x = numbers(DTYPE_F32, scales, sizeof scales, 1, two, NULL);
    expect(&b, cases[i].name, cases[i].kind, 4, scales_prove(&x, &b.obs));
    exact_free(x.bytes);
  }
}

static void zero_points_are_values_of_the_dtype(void **state) {
  static const struct {
    int64_t point;
    enum obs_kind kind;
  } cases[] = {{-128, OBS_NONE}, {127, OBS_NONE}, {-129, OBS_QUANTISER_ZERO}, {128, OBS_QUANTISER_ZERO}};
  static const uint64_t one[] = {1};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
    struct bench b;
    bench_open(&b);
    struct numbers x = numbers(DTYPE_I64, &cases[i].point, 8, 1, one, NULL);
    expect(&b, "zero point", cases[i].kind, 0, zero_points_prove(&x, -128, 127, &b.obs));
    exact_free(x.bytes);
  }
  const float odd[] = {-1000.5F, NAN};
  for (size_t i = 0; i < 2; i++) { /* float qparams: any finite number */
    struct bench b;
    bench_open(&b);
    struct numbers x = numbers(DTYPE_F32, &odd[i], 4, 1, one, NULL);
    expect(&b, "float", i ? OBS_QUANTISER_ZERO : OBS_NONE, 0, zero_points_prove(&x, 0, 15, &b.obs));
    exact_free(x.bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(coo_indices_lie_in_their_sizes),
      cmocka_unit_test(transposed_indices_are_read_by_their_strides),
      cmocka_unit_test(big_endian_indices_are_turned),
      cmocka_unit_test(compressed_indices_hold_the_invariants),
      cmocka_unit_test(each_batch_is_proved),
      cmocka_unit_test(nested_components_lie_in_the_buffer),
      cmocka_unit_test(scales_are_finite_and_positive),
      cmocka_unit_test(zero_points_are_values_of_the_dtype),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
