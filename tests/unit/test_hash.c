#include "base/hash.h"

#include "tests/unit/check.h"

/* hash(bytes(range(n))) of CPython 3.11 under PYTHONHASHSEED=1, whose key is the first sixteen bytes of
 * lcg_urandom(1) (Python/bootstrap_hash.c, Python/pyhash.c). */
static const struct {
  size_t n;
  uint64_t want;
} vectors[] = {
    {1, UINT64_C(0xecd3e5afcecda4b9)},  {2, UINT64_C(0xbf360f1ea1745965)}, {3, UINT64_C(0x8d5b20ab227ba858)},
    {7, UINT64_C(0xfd15e78052a69ddf)},  {8, UINT64_C(0xc0b5739e7e28dd01)}, {15, UINT64_C(0xfa87985f39e97a53)},
    {63, UINT64_C(0x542052345bc68274)},
};
static const uint64_t seed[2] = {UINT64_C(0xaed66ce184be2329), UINT64_C(0xebe9bbf1f1499052)};

static void siphash_gives_what_cpython_gives(void **state) {
  (void)state;
  uint8_t message[64];
  for (uint8_t i = 0; i < sizeof message; i++) message[i] = i;
  for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
    assert_int_equal(siphash(seed, span_of(message, vectors[i].n)), vectors[i].want);
}

static void pieces_hash_as_the_whole(void **state) {
  (void)state;
  uint8_t message[40];
  for (uint8_t i = 0; i < sizeof message; i++) message[i] = i;
  for (size_t cut = 0; cut <= 32; cut++) {
    struct siphash h;
    siphash_init(&h, seed);
    siphash_bytes(&h, span_of(message, cut));
    uint64_t word;
    memcpy(&word, message + cut, sizeof word); /* little-endian, as the machine is */
    siphash_u64(&h, word);
    siphash_bytes(&h, span_of(message + cut + 8, 32 - cut));
    assert_int_equal(siphash_end(&h), siphash(seed, span_of(message, sizeof message)));
  }
}

static void index_finds_every_entry_of_a_hash(void **state) {
  (void)state;
  enum { NUM = 1000, SAME = 7 };
  struct arena a;
  struct hash_index x = {.slots.n = 0};
  arena_init(&a, 1 << 20);
  assert_int_equal(hash_find(&x, 5, 0), 0);
  for (uint32_t i = 0; i < NUM; i++) assert_true(hash_add(&a, &x, i % SAME, NUM));
  assert_false(hash_add(&a, &x, 1, NUM)); /* edge: max entries */
  for (uint32_t hash = 0; hash <= SAME; hash++) {
    uint32_t found = 0;
    for (uint32_t i = hash_find(&x, hash, 0); i; i = hash_find(&x, hash, i), found++)
      assert_int_equal((i - 1) % SAME, hash);
    assert_int_equal(found, hash == SAME ? 0 : NUM / SAME + (hash < NUM % SAME));
  }
  arena_free(&a);
}

/* Hashes that want the same slot, at any size of the table, push each other on and stay apart. */
static void index_tells_hashes_of_one_slot_apart(void **state) {
  (void)state;
  enum { NUM = 500, STEP = 1 << 20 };
  struct arena a;
  struct hash_index x = {.slots.n = 0};
  arena_init(&a, 1 << 20);
  for (uint32_t i = 0; i < NUM; i++) assert_true(hash_add(&a, &x, i * STEP + 63, NUM));
  for (uint32_t i = 0; i < NUM; i++) {
    uint32_t found = hash_find(&x, i * STEP + 63, 0);
    assert_int_equal(found, i + 1);
    assert_int_equal(hash_find(&x, i * STEP + 63, found), 0);
  }
  assert_int_equal(hash_find(&x, NUM * (uint32_t)STEP + 63, 0), 0);
  arena_free(&a);
}

static void reserved_room_is_not_made_again(void **state) {
  (void)state;
  enum { NUM = 1000 };
  struct arena a;
  struct hash_index x = {.slots.n = 0};
  arena_init(&a, 1 << 20);
  assert_true(hash_add(&a, &x, 7, NUM));
  assert_true(hash_reserve(&a, &x, NUM));
  uint32_t slots = x.slots.n;
  assert_int_equal(hash_find(&x, 7, 0), 1); /* moved along */
  for (uint32_t i = 1; i < NUM; i++) assert_true(hash_add(&a, &x, i * 977, NUM));
  assert_int_equal(x.slots.n, slots);
  assert_false(hash_reserve(&a, &x, UINT64_C(1) << 31));
  arena_free(&a);
}

/* Built at once or one by one, an index finds the same in the same order. */
static void built_at_once_is_the_same(void **state) {
  (void)state;
  enum { NUM = 1000 };
  struct arena a;
  struct hash_index x = {.slots.n = 0}, y = {.slots.n = 0}, none = {.slots.n = 0};
  arena_init(&a, 1 << 20);
  assert_true(hash_hang(&a, &none));
  assert_int_equal(hash_find(&none, 0, 0), 0);
  for (uint32_t i = 0; i < NUM; i++) {
    assert_true(hash_append(&a, &x, i * i % 997));
    assert_true(hash_add(&a, &y, i * i % 997, NUM));
  }
  assert_int_equal(hash_find(&x, 1, 0), 0); /* not yet */
  assert_true(hash_hang(&a, &x));
  for (uint32_t hash = 0; hash < 1000; hash++) {
    uint32_t i = hash_find(&x, hash, 0), k = hash_find(&y, hash, 0);
    for (; i && i == k; i = hash_find(&x, hash, i)) k = hash_find(&y, hash, k);
    assert_int_equal(i, k);
  }
  arena_free(&a);
}

static void index_fails_when_the_budget_is_spent(void **state) {
  (void)state;
  struct arena a;
  struct hash_index x = {.slots.n = 0};
  arena_init(&a, 64);
  assert_false(hash_add(&a, &x, 1, 10));
  assert_true(a.exhausted);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(siphash_gives_what_cpython_gives),
      cmocka_unit_test(pieces_hash_as_the_whole),
      cmocka_unit_test(index_finds_every_entry_of_a_hash),
      cmocka_unit_test(index_tells_hashes_of_one_slot_apart),
      cmocka_unit_test(reserved_room_is_not_made_again),
      cmocka_unit_test(built_at_once_is_the_same),
      cmocka_unit_test(index_fails_when_the_budget_is_spent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
