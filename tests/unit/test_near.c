#include "base/near.h"
#include "tests/unit/check.h"

/* Distances by hand: the definition is small enough. */
static void distance_counts_edits_and_swaps(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    unsigned distance;
  } rows[] = {
      {"", "", 0},         {"", "abc", 3},           {"arch", "arch", 0},
      {"ARCH", "arch", 0}, {"formt", "format", 1},   {"fromat", "format", 1},
      {"sacn", "scan", 1}, {"kitten", "sitting", 3}, {"explian", "explain", 1},
      {"ab", "ba", 1},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct span a = exact_copy(rows[i].a, strlen(rows[i].a)), b = exact_copy(rows[i].b, strlen(rows[i].b));
    assert_int_equal(name_distance(a, b), rows[i].distance);
    assert_int_equal(name_distance(b, a), rows[i].distance);
    exact_free(a);
    exact_free(b);
  }
}

static void nearest_is_silent_about_far_names(void **state) {
  (void)state;
  static const char *const names[] = {"scan", "check", "forward", "inspect", "explain"};
  static const struct {
    const char *word, *best;
  } rows[] = {
      {"chekc", "check"}, {"forwrad", "forward"}, {"inpsect", "inspect"}, {"zebra", ""},
      {"s", ""},          {"scna", "scan"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct nearest n = {.word = span_str(rows[i].word)};
    for (size_t k = 0; k < ARRAY_LEN(names); k++) nearest_try(&n, span_str(names[k]));
    assert_true(span_is(n.best, rows[i].best));
  }
}

static void long_names_are_never_near(void **state) {
  (void)state;
  uint8_t bytes[NEAR_MAX + 1] = {0};
  struct span at = exact_copy(bytes, NEAR_MAX), over = exact_copy(bytes, NEAR_MAX + 1);
  assert_int_equal(name_distance(at, at), 0); /* edge: exactly NEAR_MAX bytes */
  assert_int_equal(name_distance(over, over), NEAR_MAX);
  exact_free(at);
  exact_free(over);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(distance_counts_edits_and_swaps),
      cmocka_unit_test(nearest_is_silent_about_far_names),
      cmocka_unit_test(long_names_are_never_near),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
