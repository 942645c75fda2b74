#include "tensor/view.h"

#include "tests/unit/check.h"

enum { MAX_ROW_DIMS = 4 };
#define BIG INT64_MAX

/* Threats H and format-spec D.4; what torch 1.13 does with each is recorded there. OBS_NONE: proved. */
static const struct {
  const char *name;
  enum dtype dtype;
  uint64_t bytes; /* of the storage */
  int64_t offset;
  uint32_t ndim;
  int64_t sizes[MAX_ROW_DIMS], strides[MAX_ROW_DIMS];
  enum obs_kind kind;
  uint64_t got, want; /* of the observation; proved: extent and 0 */
} rows[] = {
    {"exact fit", DTYPE_F32, 24, 0, 2, {2, 3}, {3, 1}, OBS_NONE, 6, 0},
    /* edge: H01, sizes one below, at and above the storage */
    {"H01 one below", DTYPE_F32, 24, 0, 1, {5}, {1}, OBS_NONE, 5, 0},
    {"H01 at the end", DTYPE_F32, 24, 0, 1, {6}, {1}, OBS_NONE, 6, 0},
    {"H01 one above", DTYPE_F32, 24, 0, 1, {7}, {1}, OBS_VIEW_BEYOND_STORAGE, 7, 6},
    {"H01 a byte is missing", DTYPE_F32, 23, 0, 1, {6}, {1}, OBS_VIEW_BEYOND_STORAGE, 6, 5},
    {"H01 a byte to spare", DTYPE_F32, 25, 0, 1, {6}, {1}, OBS_NONE, 6, 0},
    /* edge: H02, offset */
    {"H02 last place", DTYPE_F32, 24, 5, 1, {1}, {1}, OBS_NONE, 6, 0},
    {"H02 at the end", DTYPE_F32, 24, 6, 1, {1}, {1}, OBS_VIEW_OFFSET_BEYOND, 6, 6},
    {"H02 one above", DTYPE_F32, 24, 7, 1, {1}, {1}, OBS_VIEW_OFFSET_BEYOND, 7, 6},
    {"H02 pushes the end out", DTYPE_F32, 24, 1, 2, {2, 3}, {3, 1}, OBS_VIEW_BEYOND_STORAGE, 7, 6},
    {"H02 -1", DTYPE_F32, 24, -1, 1, {1}, {1}, OBS_VIEW_NEGATIVE_OFFSET, 0, 0},
    {"H02 least", DTYPE_F32, 24, INT64_MIN, 1, {1}, {1}, OBS_VIEW_NEGATIVE_OFFSET, 0, 0},
    {"H02 most", DTYPE_F32, 24, BIG, 1, {1}, {1}, OBS_VIEW_OFFSET_BEYOND, (uint64_t)BIG, 6},
    {"H02 scalar behind the end", DTYPE_F32, 24, 6, 0, {0}, {0}, OBS_VIEW_OFFSET_BEYOND, 6, 6},
    {"scalar", DTYPE_F32, 24, 5, 0, {0}, {0}, OBS_NONE, 6, 0},
    /* edge: H03, strides */
    {"H03 widest", DTYPE_F32, 24, 0, 2, {2, 2}, {4, 1}, OBS_NONE, 6, 0},
    {"H03 one above", DTYPE_F32, 24, 0, 2, {2, 2}, {5, 1}, OBS_VIEW_BEYOND_STORAGE, 7, 6},
    {"H03 transposed", DTYPE_F32, 24, 0, 2, {3, 2}, {1, 3}, OBS_NONE, 6, 0},
    {"H03 -1", DTYPE_F32, 24, 5, 1, {2}, {-1}, OBS_VIEW_NEGATIVE_STRIDE, 0, 0},
    {"H03 negative on size 1", DTYPE_F32, 24, 0, 2, {2, 1}, {1, -3}, OBS_VIEW_NEGATIVE_STRIDE, 1, 0},
    {"huge stride on size 1", DTYPE_F32, 24, 0, 2, {1, 6}, {BIG, 1}, OBS_NONE, 6, 0},
    {"stride 2^63 - 1", DTYPE_F32, 24, 0, 1, {2}, {BIG}, OBS_VIEW_BEYOND_STORAGE, (uint64_t)1 << 63, 6},
    {"H04 -1", DTYPE_F32, 24, 0, 2, {2, -1}, {1, 1}, OBS_VIEW_NEGATIVE_SIZE, 1, 0},
    {"H04 two negatives", DTYPE_F32, 24, 0, 2, {-2, -3}, {3, 1}, OBS_VIEW_NEGATIVE_SIZE, 0, 0},
    /* edge: H05, the product at 2^63 */
    {"H05 2^32 * 2^32", DTYPE_F32, 24, 0, 2, {1LL << 32, 1LL << 32}, {0, 0}, OBS_VIEW_NUMEL_OVERFLOW, 0, 0},
    {"H05 2^63", DTYPE_F32, 24, 0, 2, {1LL << 62, 2}, {0, 0}, OBS_VIEW_NUMEL_OVERFLOW, 0, 0},
    {"H05 2^63 - 1", DTYPE_U8, 24, 0, 1, {BIG}, {0}, OBS_VIEW_EXPANDED_HUGE, (uint64_t)BIG, 24},
    {"H05 hidden by a zero",
     DTYPE_F32,
     24,
     0,
     3,
     {1LL << 32, 0, 1LL << 32},
     {0, 0, 0},
     OBS_VIEW_NUMEL_OVERFLOW,
     0,
     0},
    {"H05 reach wraps to a small one", DTYPE_U8, 24, 0, 2, {3, 3}, {BIG, 1}, OBS_VIEW_EXTENT_OVERFLOW, 0, 0},
    {"H05 product of reach overflows", DTYPE_U8, 24, 0, 1, {5}, {BIG}, OBS_VIEW_EXTENT_OVERFLOW, 0, 0},
    {"H05 sum of reaches overflows", DTYPE_U8, 24, 2, 2, {2, 3}, {BIG, BIG}, OBS_VIEW_EXTENT_OVERFLOW, 0, 0},
    /* empty views touch nothing; edge: offset */
    {"empty", DTYPE_F32, 24, 0, 1, {0}, {1}, OBS_NONE, 0, 0},
    {"empty at the end", DTYPE_F32, 24, 6, 1, {0}, {1}, OBS_NONE, 0, 0},
    {"empty behind the end", DTYPE_F32, 24, 7, 1, {0}, {1}, OBS_VIEW_OFFSET_BEYOND, 7, 6},
    {"empty of an empty storage", DTYPE_F32, 0, 0, 2, {0, 5}, {5, 1}, OBS_NONE, 0, 0},
    {"empty with a wild stride", DTYPE_F32, 24, 0, 2, {0, 9}, {BIG, BIG}, OBS_NONE, 0, 0},
    {"element of an empty storage", DTYPE_F32, 0, 0, 1, {1}, {1}, OBS_VIEW_OFFSET_BEYOND, 0, 0},
    /* H14: stride 0 */
    {"expand to the storage's count", DTYPE_F32, 8, 0, 2, {2, 1}, {0, 1}, OBS_NONE, 1, 0},
    {"small expand", DTYPE_F32, 4, 0, 1, {3}, {0}, OBS_VIEW_EXPANDED, 3, 1},
    {"overlapping windows", DTYPE_F32, 24, 0, 2, {4, 3}, {1, 1}, OBS_VIEW_EXPANDED, 12, 6},
    {"H14 1 GiB from 4 bytes", DTYPE_F32, 4, 0, 1, {1 << 28}, {0}, OBS_VIEW_EXPANDED, 1 << 28, 1},
    {"H14 4 bytes more", DTYPE_F32, 4, 0, 1, {(1 << 28) + 1}, {0}, OBS_VIEW_EXPANDED_HUGE, (1 << 28) + 1, 1},
    {"H14 2^40 from 4 bytes", DTYPE_F32, 4, 0, 1, {1LL << 40}, {0}, OBS_VIEW_EXPANDED_HUGE, 1ULL << 40, 1},
    {"large, expanded 4 times",
     DTYPE_F32,
     1ULL << 32,
     0,
     2,
     {4, 1 << 30},
     {0, 1},
     OBS_VIEW_EXPANDED,
     1ULL << 32,
     1 << 30},
    /* H25, H32: element sizes; nibbles and bit pairs are packed flat (3x3 quint4x2 lies in 5 bytes) */
    {"quint4x2, 9 in 5 bytes", DTYPE_QU4X2, 5, 0, 2, {3, 3}, {3, 1}, OBS_NONE, 9, 0},
    {"quint4x2, 9 in 4 bytes", DTYPE_QU4X2, 4, 0, 2, {3, 3}, {3, 1}, OBS_VIEW_BEYOND_STORAGE, 9, 8},
    {"quint2x4, 9 in 3 bytes", DTYPE_QU2X4, 3, 0, 1, {9}, {1}, OBS_NONE, 9, 0},
    {"quint2x4, 9 in 2 bytes", DTYPE_QU2X4, 2, 0, 1, {9}, {1}, OBS_VIEW_BEYOND_STORAGE, 9, 8},
    {"complex128 in 31 bytes", DTYPE_C128, 31, 0, 1, {2}, {1}, OBS_VIEW_BEYOND_STORAGE, 2, 1},
    {"complex128 in 32 bytes", DTYPE_C128, 32, 0, 1, {2}, {1}, OBS_NONE, 2, 0},
    {"uint64 over raw bytes", DTYPE_U64, 24, 2, 1, {1}, {1}, OBS_NONE, 3, 0},
    {"no dtype", DTYPE_NONE, 24, 0, 1, {1}, {1}, OBS_VIEW_DTYPE_UNKNOWN, 0, 0},
};

static void proves_or_names_the_reason(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct arena arena;
    struct observations seen_here;
    arena_init(&arena, 1 << 20);
    observations_init(&seen_here, &arena, 10);
    struct view v;
    struct view_claim claim = {.dtype = rows[i].dtype,
                               .storage_bytes = rows[i].bytes,
                               .offset = rows[i].offset,
                               .num_sizes = rows[i].ndim,
                               .num_strides = rows[i].ndim,
                               .sizes = rows[i].sizes,
                               .strides = rows[i].strides,
                               .member = 3,
                               .at = 77,
                               .subject = SPAN("w")};
    bool proved = view_prove(&v, &claim, &seen_here);
    bool should = rows[i].kind == OBS_NONE || rows[i].kind == OBS_VIEW_EXPANDED;
    if (proved != should || seen_here.n != (rows[i].kind != OBS_NONE)) fail_msg("%s", rows[i].name);
    if (rows[i].kind == OBS_NONE && v.extent != rows[i].got) fail_msg("%s: extent", rows[i].name);
    if (rows[i].kind != OBS_NONE) {
      const struct observation *what = &seen_here.list[0];
      if (what->kind != rows[i].kind || what->got != rows[i].got || what->want != rows[i].want)
        fail_msg("%s: kind %d, got %llu, want %llu", rows[i].name, (int)what->kind,
                 (unsigned long long)what->got, (unsigned long long)what->want);
      assert_int_equal(what->member, 3);
      assert_int_equal(what->at, 77);
      assert_true(span_is(what->subject, "w"));
    }
    arena_free(&arena);
  }
}

static bool prove(struct view *v, enum dtype dtype, uint64_t bytes, uint32_t ndim, const int64_t *sizes,
                  const int64_t *strides, uint32_t num_strides, struct observations *o) {
  return view_prove(v,
                    &(struct view_claim){.dtype = dtype,
                                         .storage_bytes = bytes,
                                         .num_sizes = ndim,
                                         .num_strides = num_strides,
                                         .sizes = sizes,
                                         .strides = strides},
                    o);
}

static void counts_dimensions(void **state) {
  (void)state;
  struct arena arena;
  struct observations o;
  struct view v;
  int64_t ones[MAX_DIMS + 1];
  for (size_t i = 0; i < ARRAY_LEN(ones); i++) ones[i] = 1;
  arena_init(&arena, 1 << 20);
  observations_init(&o, &arena, 10);
  assert_true(prove(&v, DTYPE_U8, 1, MAX_DIMS, ones, ones, MAX_DIMS, &o)); /* edge: ndim = MAX_DIMS */
  assert_int_equal(v.ndim, MAX_DIMS);
  assert_false(prove(&v, DTYPE_U8, 1, MAX_DIMS + 1, ones, ones, MAX_DIMS + 1, &o));
  assert_int_equal(seen(&o, OBS_LIMIT_TENSOR_DIMS), 1);
  assert_false(prove(&v, DTYPE_U8, 1, 2, ones, ones, 1, &o));
  assert_false(prove(&v, DTYPE_U8, 1, 2, ones, ones, 3, &o));
  assert_int_equal(seen(&o, OBS_VIEW_RANKS_DIFFER), 2);
  assert_true(span_is(first_of(&o, OBS_VIEW_RANKS_DIFFER)->detail, "sizes [1, 1], strides [1], offset 0"));
  arena_free(&arena);
}

/* A million refusals are counted and cost no memory. */
static void refusals_do_not_eat_the_arena(void **state) {
  (void)state;
  struct arena arena;
  struct observations o;
  struct view v;
  int64_t size = -1, stride = 1;
  arena_init(&arena, 1 << 19);
  observations_init(&o, &arena, 2);
  for (int i = 0; i < 10000; i++) assert_false(prove(&v, DTYPE_U8, 1, 1, &size, &stride, 1, &o));
  assert_int_equal(o.n, 2);
  assert_int_equal(seen(&o, OBS_VIEW_NEGATIVE_SIZE), 10000);
  assert_false(o.lost);
  arena_free(&arena);
}

/* torch 1.13, Tensor.is_contiguous() on as_strided views. */
static void knows_contiguous(void **state) {
  (void)state;
  static const struct {
    uint32_t ndim;
    int64_t sizes[4], strides[4];
    bool contiguous;
  } views[] = {
      {0, {0}, {0}, true},
      {2, {2, 3}, {3, 1}, true},
      {2, {3, 2}, {1, 3}, false},
      {3, {2, 1, 3}, {3, 99, 1}, true},
      {1, {4}, {2}, false},
      {1, {4}, {0}, false},
      {1, {1}, {0}, true},
      {2, {0, 3}, {99, 77}, true},
      {4, {1, 2, 3, 4}, {24, 12, 4, 1}, true},
      {4, {2, 3, 4, 5}, {60, 1, 15, 3}, false}, /* channels_last */
  };
  for (size_t i = 0; i < ARRAY_LEN(views); i++) {
    struct arena arena;
    struct observations o;
    struct view v;
    arena_init(&arena, 1 << 20);
    observations_init(&o, &arena, 10);
    assert_true(
        prove(&v, DTYPE_U8, 1000, views[i].ndim, views[i].sizes, views[i].strides, views[i].ndim, &o));
    if (v.contiguous != views[i].contiguous) fail_msg("view %zu", i);
    arena_free(&arena);
  }
}

static void dtypes_are_found_by_their_names(void **state) {
  (void)state;
  assert_int_equal(dtype_by_name(SPAN("float32")), DTYPE_F32);
  assert_int_equal(dtype_by_name(SPAN("half")), DTYPE_F16);
  assert_int_equal(dtype_by_name(SPAN("int7")), DTYPE_NONE);
  assert_int_equal(dtype_by_name(SPAN("none")), DTYPE_NONE);
  assert_int_equal(dtype_by_name(SPAN("")), DTYPE_NONE);
  assert_int_equal(dtype_by_storage(SPAN("BFloat16Storage")), DTYPE_BF16);
  assert_int_equal(dtype_by_storage(SPAN("UntypedStorage")), DTYPE_U8);
  assert_int_equal(dtype_by_storage(SPAN("FloatTensor")), DTYPE_NONE);
  for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
    assert_int_equal(dtype_by_name(span_str(dtype_name(d))), d);
    assert_true(dtype_size(d) > 0);
  }
  assert_int_equal(dtype_bytes_for(DTYPE_C128, UINT64_MAX), UINT64_MAX);
  assert_int_equal(dtype_bytes_for(DTYPE_QU4X2, UINT64_MAX), UINT64_C(1) << 63);
  assert_int_equal(dtype_elements_in(DTYPE_QU2X4, UINT64_MAX), UINT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(proves_or_names_the_reason),      cmocka_unit_test(counts_dimensions),
      cmocka_unit_test(refusals_do_not_eat_the_arena),   cmocka_unit_test(knows_contiguous),
      cmocka_unit_test(dtypes_are_found_by_their_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
