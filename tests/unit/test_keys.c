/* Pairs of an owner and a name: each is found under the number it was given, whichever way it came in. */
#include "arch/keys.h"

#include <stdio.h>

#include "tests/unit/check.h"

enum { MANY = 5000, OWNERS = 3 };

struct texts {
  char text[MANY][16];
};

static struct span name_of(struct texts *t, uint32_t i) {
  int n = snprintf(t->text[i], sizeof t->text[i], "layer.%u", i / OWNERS);
  return span_of(t->text[i], (size_t)n);
}

static void expect_all(const struct key_table *t, struct texts *texts) {
  for (uint32_t i = 0; i < MANY; i++) assert_int_equal(keys_find(t, i % OWNERS, name_of(texts, i)), i + 1);
  assert_int_equal(keys_find(t, OWNERS, name_of(texts, 0)), 0);
  assert_int_equal(keys_find(t, 0, SPAN("layer.")), 0);
}

static void pairs_are_found_under_their_number(void **state) {
  (void)state;
  static struct texts texts;
  for (int indexed_last = 0; indexed_last < 2; indexed_last++) {
    struct arena a;
    struct key_table t;
    arena_init(&a, 8 << 20);
    keys_init(&t, &a);
    assert_int_equal(keys_find(&t, 0, SPAN("layer.0")), 0);
    for (uint32_t i = 0; i < MANY; i++) {
      struct span name = name_of(&texts, i);
      assert_true(indexed_last ? keys_append(&t, i % OWNERS, name) : keys_add(&t, i % OWNERS, name));
    }
    if (indexed_last) assert_true(keys_index(&t));
    expect_all(&t, &texts);
    arena_free(&a);
  }
}

static void a_known_pair_is_not_added_again(void **state) {
  (void)state;
  static struct texts texts;
  struct arena a;
  struct key_table t;
  uint32_t known;
  arena_init(&a, 8 << 20);
  keys_init(&t, &a);
  for (uint32_t round = 0; round < 2; round++)
    for (uint32_t i = 0; i < MANY; i++) {
      assert_true(keys_add_new(&t, i % OWNERS, name_of(&texts, i), &known));
      assert_int_equal(known, round ? i + 1 : 0);
    }
  assert_int_equal(t.names.n, MANY);
  expect_all(&t, &texts);
  arena_free(&a);
}

static void memory_that_is_spent_is_said(void **state) {
  (void)state;
  static struct texts texts;
  struct arena a;
  struct key_table t;
  uint32_t known, i = 0;
  arena_init(&a, 64 << 10);
  keys_init(&t, &a);
  while (i < MANY && keys_add_new(&t, 0, name_of(&texts, i), &known)) i += OWNERS;
  assert_true(i > OWNERS && i < MANY);
  assert_true(a.exhausted);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pairs_are_found_under_their_number),
      cmocka_unit_test(a_known_pair_is_not_added_again),
      cmocka_unit_test(memory_that_is_spent_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
