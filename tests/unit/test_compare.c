/* Comparison of outputs with goldens. Expected figures: numpy.isclose(y, g, rtol, atol) and its definition by
 * hand. */
#include "forward/compare.h"

#include <math.h>

#include "tests/unit/check.h"

struct case_row {
  const char *name;
  uint32_t n;
  float y[4];
  double g[4];
  double rtol, atol;
  uint64_t outside, worst;
  double max_abs, max_rel;
};

#define INF          HUGE_VAL
#define NOT_A_NUMBER ((double)NAN)

static const struct case_row rows[] = {
    {"equal", 3, {1, -2, 0}, {1, -2, 0}, 0, 0, 0, 0, 0, 0},
    /* edge: |y - g| = atol + rtol |g| agrees, the next float up does not */
    {"at the border", 1, {1.5F}, {1}, 0.25, 0.25, 0, 0, 0.5, 0.5},
    {"over the border", 1, {1.50000012F}, {1}, 0.25, 0.25, 1, 0, 0.50000011920928955, 0.50000011920928955},
    {"relative to the golden, not to the output", 1, {3}, {2}, 0.4, 0, 1, 0, 1, 0.5},
    {"a golden of zero has no relative error", 2, {0.5F, 2}, {0, 2}, 1, 0, 1, 0, 0.5, 0},
    {"worst is furthest outside, not largest", 3, {100.5F, 0.5F, 1}, {100, 0, 1}, 0.01, 0, 1, 1, 0.5, 0.005},
    {"equal infinities", 2, {INFINITY, -INFINITY}, {INF, -INF}, 0, 0, 0, 0, 0, 0},
    {"opposite infinities", 1, {INFINITY}, {-INF}, 1, 1, 1, 0, INF, 0},
    {"infinity for a number", 2, {1, INFINITY}, {1, 5}, 1e30, 1e30, 1, 1, INF, INF},
    {"a number for infinity", 1, {5}, {INF}, 1, 1, 1, 0, INF, 0},
    {"NaN for NaN", 1, {NAN}, {NOT_A_NUMBER}, 0, 0, 0, 0, 0, 0},
    {"NaN for a number", 1, {NAN}, {1}, 1e30, 1e30, 1, 0, INF, INF},
    {"a number for NaN", 1, {1}, {NOT_A_NUMBER}, 1e30, 1e30, 1, 0, INF, 0},
};

static struct ftensor tensor_of(const float *data, const uint64_t *size, uint32_t ndim) {
  struct ftensor t;
  assert_true(ft_shape(&t, FT_F32, size, ndim));
  t.data.in = data;
  return t;
}

static struct farray array_of(const double *data, const uint64_t *size, uint32_t ndim) {
  struct farray a = {.dtype = DTYPE_F64, .numbers = data};
  assert_true(ft_shape(&a.shape, FT_F32, size, ndim));
  return a;
}

static void values_agree_as_in_numpy(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    const struct case_row *r = &rows[i];
    const uint64_t size[] = {r->n};
    struct ftensor y = tensor_of(r->y, size, 1);
    struct farray g = array_of(r->g, size, 1);
    struct comparison c;
    compare_values(&c, &y, &g, r->rtol, r->atol);
    bool same = c.same_shape && c.outside == r->outside && c.worst == r->worst && c.max_abs == r->max_abs &&
                c.max_rel == r->max_rel;
    if (!same)
      print_message("%s: outside %llu worst %llu abs %g rel %g\n", r->name, (unsigned long long)c.outside,
                    (unsigned long long)c.worst, c.max_abs, c.max_rel);
    assert_true(same);
  }
}

static void shapes_never_broadcast(void **state) {
  (void)state;
  static const float y[4] = {1, 1, 1, 1};
  static const double g[4] = {1, 1, 1, 1};
  static const uint64_t shapes[][2] = {{1, 4}, {4, 1}, {2, 2}};
  for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
    for (size_t k = 0; k < ARRAY_LEN(shapes); k++) {
      struct ftensor a = tensor_of(y, shapes[i], 2);
      struct farray b = array_of(g, shapes[k], 2);
      struct comparison c;
      compare_values(&c, &a, &b, 1, 1);
      assert_int_equal(c.same_shape, i == k);
    }
  struct ftensor a = tensor_of(y, (const uint64_t[]){1, 4}, 2);
  struct farray flat = array_of(g, (const uint64_t[]){4}, 1), one = array_of(g, NULL, 0);
  struct comparison c;
  compare_values(&c, &a, &flat, 1, 1);
  assert_false(c.same_shape);
  compare_values(&c, &a, &one, 1, 1);
  assert_false(c.same_shape);
}

static void argmax_is_counted_by_rows(void **state) {
  (void)state;
  static const float y[6] = {1, 3, 2, 5, 4, 4.5F};
  static const double g[6] = {1, 2, 3, 9, 1, 1}, classes[2] = {1, 2}, wrong[3] = {1, 0, 0}, odd[2] = {1, -1};
  struct ftensor t = tensor_of(y, (const uint64_t[]){2, 3}, 2);
  struct farray golden = array_of(g, (const uint64_t[]){2, 3}, 2),
                want = array_of(classes, (const uint64_t[]){2}, 1);
  struct farray three = array_of(wrong, (const uint64_t[]){3}, 1),
                negative = array_of(odd, (const uint64_t[]){2}, 1);
  struct comparison c;
  compare_values(&c, &t, &golden, 1, 10);
  assert_int_equal(c.rows, 2);
  assert_int_equal(c.rows_agree, 1);
  compare_argmax(&c, &t, &want);
  assert_true(c.same_shape && c.rows_agree == 1 && c.outside == 1 && c.worst == 1 && c.worst_got == 0 &&
              c.worst_want == 2);
  compare_argmax(&c, &t, &three);
  assert_false(c.same_shape);
  compare_argmax(&c, &t, &negative);
  assert_true(c.outside == 1 && c.rows_agree == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_agree_as_in_numpy),
      cmocka_unit_test(shapes_never_broadcast),
      cmocka_unit_test(argmax_is_counted_by_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
