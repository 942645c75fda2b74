/* The generators of inputs, bit by bit against what tests/oracle/record_rand.py recorded of PyTorch. */
#include "forward/rand.h"

#include "tests/unit/check.h"

struct rand_row {
  uint64_t seed;
  uint32_t at, bits;
};
static const struct rand_row rand_rows[] = {
#define RAND(seed, at, bits) {seed, at, bits},
#define RANDINT(...)
#include "tests/oracle/rand_recorded.inc"
#undef RAND
#undef RANDINT
};

struct randint_row {
  uint64_t seed, bound;
  uint32_t at;
  int64_t value;
};
static const struct randint_row randint_rows[] = {
#define RAND(...)
#define RANDINT(seed, bound, at, value) {seed, bound, at, value},
#include "tests/oracle/rand_recorded.inc"
#undef RAND
#undef RANDINT
};

static void rand_is_torch_rand_bit_by_bit(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rand_rows); i++) {
    struct rng r;
    float x = 0;
    uint32_t bits;
    rng_seed(&r, rand_rows[i].seed);
    for (uint32_t k = 0; k <= rand_rows[i].at; k++) x = rng_rand(&r);
    memcpy(&bits, &x, sizeof bits);
    if (bits != rand_rows[i].bits)
      print_message("seed %llu, element %u\n", (unsigned long long)rand_rows[i].seed, rand_rows[i].at);
    assert_int_equal(bits, rand_rows[i].bits);
  }
}

static void randint_is_torch_randint(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(randint_rows); i++) {
    const struct randint_row *row = &randint_rows[i];
    struct rng r;
    int64_t x = 0;
    rng_seed(&r, row->seed);
    for (uint32_t k = 0; k <= row->at; k++) x = rng_randint(&r, row->bound);
    if (x != row->value)
      print_message("seed %llu, bound %llu, element %u\n", (unsigned long long)row->seed,
                    (unsigned long long)row->bound, row->at);
    assert_true(x == row->value);
  }
}

/* Matsumoto and Nishimura's own first outputs for init_genrand(5489), the reference implementation's default
 * seed. */
static void words_are_mt19937(void **state) {
  (void)state;
  struct rng r;
  rng_seed(&r, 5489);
  assert_int_equal(rng_u32(&r), 3499211612U);
  assert_int_equal(rng_u32(&r), 581869302U);
  uint32_t x = 0;
  for (int i = 2; i < 10000; i++) x = rng_u32(&r);
  assert_int_equal(x, 4123659995U); /* what C++11 requires of the 10000th word of std::mt19937 */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_mt19937),
      cmocka_unit_test(rand_is_torch_rand_bit_by_bit),
      cmocka_unit_test(randint_is_torch_randint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
