/* Memory with a budget: pieces are zeroed, aligned and apart, tables keep what they hold when they move, and
 * nothing is had beyond the budget. */
#include "base/arena.h"

#include "tests/unit/check.h"

enum { MIB = 1 << 20 };

static bool is_zeroed(const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (p[i]) return false;
  return true;
}

/* Each piece is filled with its own number, and found so at the end. */
static void check_pieces(struct arena *a, const size_t *sizes, size_t n) {
  uint8_t *p[64];
  assert_true(n <= ARRAY_LEN(p));
  for (size_t i = 0; i < n; i++) {
    p[i] = arena_alloc(a, sizes[i], 1, 16);
    assert_non_null(p[i]);
    assert_int_equal((uintptr_t)p[i] % 16, 0);
    assert_true(is_zeroed(p[i], sizes[i]));
    memset(p[i], (int)i + 1, sizes[i]);
  }
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < sizes[i]; k++)
      if (p[i][k] != i + 1) fail_msg("byte %zu of piece %zu is another's", k, i);
}

static const size_t sizes[] = {1,       15,  16,          17,      4095, 4096,    5000, 1,
                               70000,   3,   300000,      2,       MIB,  MIB + 1, 8,    3 * MIB + 5,
                               2 * MIB, 100, 7 * MIB / 2, MIB - 1, 64,   200000,  9,    1};

static void pieces_are_zeroed_and_apart(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 64 * MIB);
  check_pieces(&a, sizes, ARRAY_LEN(sizes));
  arena_free(&a);
  assert_int_equal(a.used, 0);
}

/* Large pieces stand behind each other in one slice while it has room. */
static void large_pieces_share_a_slice(void **state) {
  (void)state;
  struct arena a;
  struct slices s;
  assert_true(slices_map(&s, 4, 8 * MIB));
  arena_init(&a, 64 * MIB);
  a.slices = &s;
  check_pieces(&a, sizes, ARRAY_LEN(sizes));
  assert_int_equal(s.used, 2); /* the last large one has no room in the first */
  uint8_t *p = arena_alloc(&a, MIB, 1, 1), *q = arena_alloc(&a, MIB, 1, 1);
  assert_true(p + MIB == q);
  assert_non_null(arena_alloc(&a, 9 * MIB, 1, 1)); /* larger than a slice: from elsewhere */
  arena_free(&a);
  slices_unmap(&s);
}

/* So do the chunks of small ones, once they are as large as chunks get: ten MiB take one slice and a part. */
static void chunks_of_a_large_arena_share_slices(void **state) {
  (void)state;
  enum { PIECES = 160000, PIECE = 64 };
  struct arena a;
  struct slices s;
  assert_true(slices_map(&s, 4, 8 * MIB));
  arena_init(&a, 64 * MIB);
  a.slices = &s;
  uint32_t inside = 0;
  for (uint32_t i = 0; i < PIECES; i++) {
    uint8_t *p = arena_alloc(&a, PIECE, 1, 1);
    assert_non_null(p);
    if (!is_zeroed(p, PIECE)) fail_msg("piece %u is another's", i);
    memset(p, 0xff, PIECE);
    inside += p >= s.base && p < s.base + s.n * s.size;
  }
  assert_true(inside > PIECES / 10 * 9);
  assert_int_equal(s.used, 2);
  arena_free(&a);
  assert_int_equal(a.used, 0);
  slices_unmap(&s);
}

static void the_budget_holds(void **state) {
  (void)state;
  for (int sliced = 0; sliced < 2; sliced++) {
    struct arena a;
    struct slices s = {.n = 0};
    if (sliced) assert_true(slices_map(&s, 4, 8 * MIB));
    arena_init(&a, 4 * MIB);
    a.slices = &s;
    assert_non_null(arena_alloc(&a, 3 * MIB, 1, 1));
    assert_null(arena_alloc(&a, MIB + 1, 1, 1));
    assert_true(a.exhausted && a.used <= a.budget);
    assert_null(arena_alloc(&a, SIZE_MAX / 2, 4, 1));
    assert_null(arena_alloc(&a, SIZE_MAX - 8, 1, 1));
    arena_free(&a);
    slices_unmap(&s);
  }
}

/* A small arena costs little: its chunks grow as it does. */
static void a_small_arena_is_small(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 64 * MIB);
  assert_non_null(arena_alloc(&a, 100, 1, 1));
  assert_true(a.used < 32 << 10);
  for (int i = 0; i < 100; i++) assert_non_null(arena_alloc(&a, 100, 1, 1));
  assert_true(a.used < 64 << 10);
  arena_free(&a);
}

static void tables_keep_what_they_hold(void **state) {
  (void)state;
  enum { MANY = 1 << 20 };
  for (int sliced = 0; sliced < 2; sliced++) {
    struct arena a;
    struct slices s = {.n = 0};
    if (sliced) assert_true(slices_map(&s, 1, 2 * MIB)); /* too small for the end of the table */
    arena_init(&a, 64 * MIB);
    a.slices = &s;
    VEC(uint64_t) v = {.n = 0};
    for (uint64_t i = 0; i < MANY; i++) {
      uint64_t *slot = vec_push(&a, &v, MANY);
      assert_non_null(slot);
      assert_int_equal(*slot, 0);
      *slot = i * i;
    }
    const uint64_t *beyond = vec_push(&a, &v, MANY);
    assert_null(beyond);
    assert_false(a.exhausted); /* its own limit, not the budget */
    for (uint64_t i = 0; i < MANY; i++)
      if (v.p[i] != i * i) fail_msg("row %llu", (unsigned long long)i);
    arena_free(&a);
    slices_unmap(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_are_zeroed_and_apart),
      cmocka_unit_test(large_pieces_share_a_slice),
      cmocka_unit_test(chunks_of_a_large_arena_share_slices),
      cmocka_unit_test(the_budget_holds),
      cmocka_unit_test(a_small_arena_is_small),
      cmocka_unit_test(tables_keep_what_they_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
