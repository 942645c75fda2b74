/* What the broker believes of a diff worker's region: only rows that number things of the two plans. */
#include "model/diff.h"

#include "tests/unit/check.h"

enum { ROWS = 2, SIZE = sizeof(struct diff_report) + ROWS * sizeof(struct diff_row) };

static const struct plan first = {.num_tensors = 3, .num_globals = 2, .num_values = 9, .num_dicts = 1};
static const struct plan second = {.num_tensors = 2, .num_globals = 1, .num_values = 4, .num_dicts = 2};

static struct diff_report *good(void) {
  static alignas(16) uint8_t region[SIZE];
  struct diff_report *r = (struct diff_report *)(void *)region;
  memset(region, 0, sizeof region);
  memcpy(r->magic, "CKLDIF\0\1", sizeof r->magic);
  r->complete = 1;
  r->dict_a = 1;
  r->dict_b = 2;
  r->num_rows = ROWS;
  r->rows[0] = (struct diff_row){.kind = DIFF_CHANGED, .a = 3, .b = 2, .figures = 1};
  r->rows[1] = (struct diff_row){.kind = DIFF_UNTIED, .a = 1, .b = 1, .partner = 3};
  return r;
}

static bool opens(const struct diff_report *r, size_t size) {
  const char *why = "";
  bool fine = diff_open(r, size, &first, &second, &why) != NULL;
  assert_true(fine == (why == NULL));
  return fine;
}

static void what_is_sound_opens(void **state) {
  (void)state;
  assert_true(opens(good(), SIZE));
}

#define SPOILED(change)             \
  do {                              \
    struct diff_report *r = good(); \
    change;                         \
    assert_false(opens(r, SIZE));   \
  } while (0)

static void what_is_not_is_refused(void **state) {
  (void)state;
  assert_false(opens(good(), sizeof(struct diff_report) - 1));
  assert_false(opens(good(), SIZE - 1));
  SPOILED(r->magic[0] = 0);
  SPOILED(r->complete = 0);
  SPOILED(r->complete = 2);
  SPOILED(r->dict_a = 2);
  SPOILED(r->dict_b = 3);
  SPOILED(r->prefix_of_b = 2);
  SPOILED(r->prefix_n = DIFF_PREFIX + 1);
  SPOILED(r->num_rows = ROWS + 1);
  SPOILED(r->num_rows = UINT32_MAX);
  SPOILED(r->rows[0].kind = DIFF_KINDS);
  SPOILED(r->rows[0].a = 4);
  SPOILED(r->rows[0].b = 3);
  SPOILED(r->rows[0].a = r->rows[0].b = 0);
  SPOILED(r->rows[0].partner = 1); /* only ties have one */
  SPOILED(r->rows[0].within = 2);
  SPOILED(r->rows[0].figures = 2);
  SPOILED(r->rows[1].partner = 0);
  SPOILED(r->rows[1].partner = 4);
  SPOILED((r->rows[1].kind = DIFF_TIED, r->rows[1].partner = 3)); /* in the second there are two */
  SPOILED((r->rows[1] = (struct diff_row){.kind = DIFF_GLOBAL_ADDED, .b = 2}));
  SPOILED((r->rows[1] = (struct diff_row){.kind = DIFF_VALUE_CHANGED, .a = 9, .b = 5}));
}

static void rows_within_the_tolerances_do_not_differ(void **state) {
  (void)state;
  struct diff_report *r = good();
  r->count[DIFF_CHANGED] = 2;
  r->count[DIFF_RETYPED] = 1;
  r->count[DIFF_VALUE_CHANGED] = r->count[DIFF_UNTIED] = 5;
  r->within = 3;
  assert_false(diff_differs(r));
  r->count[DIFF_ADDED] = 1;
  assert_true(diff_differs(r));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_sound_opens),
      cmocka_unit_test(what_is_not_is_refused),
      cmocka_unit_test(rows_within_the_tolerances_do_not_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
