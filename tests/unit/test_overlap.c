#include "tensor/overlap.h"

#include "tests/unit/check.h"

enum { DIMS = 4, PLACES = 64, VIEWS = 3 };

struct claim {
  uint32_t unit;
  uint64_t first; /* in bytes */
  uint32_t ndim;
  uint64_t size[DIMS], stride[DIMS];
};

/* Byte by byte: what the definition says. */
static bool mark(const struct claim *c, uint8_t bytes[PLACES * 8]) {
  uint64_t numel = 1;
  bool twice = false;
  for (uint32_t d = 0; d < c->ndim; d++) numel *= c->size[d];
  memset(bytes, 0, PLACES * 8);
  for (uint64_t i = 0; i < numel; i++) {
    uint64_t rest = i, at = c->first;
    bool first_of_expanded = true;
    for (uint32_t d = c->ndim; d > 0; d--) {
      uint64_t index = rest % c->size[d - 1];
      rest /= c->size[d - 1];
      at += index * c->stride[d - 1] * c->unit;
      if (c->stride[d - 1] == 0 && index)
        first_of_expanded = false; /* expanded: reported by the proof of the view */
    }
    for (uint32_t k = 0; k < c->unit && first_of_expanded; k++) {
      twice = twice || bytes[at + k];
      bytes[at + k] = 1;
    }
  }
  return twice;
}

/* *alike: two views have the same bytes. */
static bool overlap_by_bytes(const struct claim *c, size_t n, bool *alike) {
  static uint8_t bytes[VIEWS][PLACES * 8];
  bool any = false;
  *alike = false;
  for (size_t i = 0; i < n; i++) any = mark(&c[i], bytes[i]) || any;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) {
      bool share = false;
      for (size_t k = 0; k < sizeof bytes[0]; k++) share = share || (bytes[i][k] && bytes[j][k]);
      bool same = memcmp(bytes[i], bytes[j], sizeof bytes[0]) == 0;
      *alike = *alike || same;
      any = any || (share && !same);
    }
  return any;
}

static void keep(void *ctx, const struct overlap *what) { *(struct overlap *)ctx = *what; }

static struct overlap find(const struct claim *c, size_t n) {
  struct arena arena;
  struct overlaps all;
  struct overlap what = {.answer = OVERLAP_NONE};
  arena_init(&arena, 1 << 20);
  overlaps_init(&all, &arena);
  for (uint32_t i = 0; i < n; i++)
    assert_true(overlaps_add(&all, &(struct overlap_view){.first = c[i].first,
                                                          .unit = c[i].unit,
                                                          .ndim = c[i].ndim,
                                                          .size = c[i].size,
                                                          .stride = c[i].stride,
                                                          .who = i}));
  overlaps_find(&all, keep, &what);
  arena_free(&arena);
  return what;
}

static const struct {
  const char *name;
  struct claim view[VIEWS];
  size_t n;
  enum overlap_answer answer;
} rows[] = {
    {"the same", {{4, 0, 2, {2, 3}, {3, 1}}, {4, 0, 2, {2, 3}, {3, 1}}}, 2, OVERLAP_NONE},
    {"in another shape", {{4, 0, 2, {2, 3}, {3, 1}}, {4, 0, 1, {6}, {1}}}, 2, OVERLAP_NONE},
    {"transposed", {{4, 0, 2, {2, 3}, {3, 1}}, {4, 0, 2, {3, 2}, {1, 3}}}, 2, OVERLAP_NONE},
    {"one dtype as another", {{4, 0, 1, {2}, {1}}, {2, 0, 1, {4}, {1}}}, 2, OVERLAP_NONE},
    {"beside each other", {{4, 0, 1, {2}, {1}}, {4, 8, 1, {2}, {1}}}, 2, OVERLAP_NONE},
    {"one over the other", {{4, 0, 1, {3}, {1}}, {4, 8, 1, {2}, {1}}}, 2, OVERLAP_OTHER},
    {"inside", {{4, 0, 1, {6}, {1}}, {4, 8, 1, {2}, {1}}}, 2, OVERLAP_OTHER},
    {"half an element", {{4, 0, 1, {2}, {1}}, {2, 6, 1, {3}, {1}}}, 2, OVERLAP_OTHER},
    {"columns", {{4, 0, 2, {2, 1}, {3, 1}}, {4, 4, 2, {2, 2}, {3, 1}}}, 2, OVERLAP_NONE},
    {"columns, one shared", {{4, 0, 2, {2, 2}, {3, 1}}, {4, 4, 2, {2, 2}, {3, 1}}}, 2, OVERLAP_OTHER},
    {"columns of a block", {{4, 0, 2, {2, 2}, {3, 1}}, {4, 0, 2, {2, 2}, {1, 3}}}, 2, OVERLAP_NONE},
    {"even and odd", {{4, 0, 1, {3}, {2}}, {4, 4, 1, {3}, {2}}}, 2, OVERLAP_NONE},
    {"windows", {{4, 0, 2, {2, 2}, {1, 1}}}, 1, OVERLAP_SELF},
    {"expanded", {{4, 0, 2, {2, 5}, {1, 0}}}, 1, OVERLAP_NONE},
    {"expanded, and a part of it", {{4, 0, 2, {2, 5}, {1, 0}}, {4, 4, 1, {1}, {1}}}, 2, OVERLAP_OTHER},
    {"interlocked without sharing", {{4, 0, 2, {2, 2}, {3, 2}}}, 1, OVERLAP_NONE}, /* 0 2 3 5 */
    {"a scalar inside", {{4, 0, 1, {3}, {1}}, {4, 4, 0, {0}, {0}}}, 2, OVERLAP_OTHER},
    {"the third",
     {{4, 0, 2, {2, 1}, {3, 1}}, {4, 4, 2, {2, 1}, {3, 1}}, {4, 20, 1, {1}, {1}}},
     3,
     OVERLAP_NONE},
    {"the third shares",
     {{4, 0, 2, {2, 1}, {3, 1}}, {4, 4, 2, {2, 1}, {3, 1}}, {4, 12, 1, {2}, {1}}},
     3,
     OVERLAP_OTHER},
};

static void views_share_elements(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct overlap what = find(rows[i].view, rows[i].n);
    if (what.answer != rows[i].answer)
      fail_msg("%s: %d, expected %d", rows[i].name, what.answer, rows[i].answer);
    bool alike;
    assert_int_equal(what.answer != OVERLAP_NONE, overlap_by_bytes(rows[i].view, rows[i].n, &alike));
  }
}

/* Park and Miller's generator: it stays below 2^31, so that nothing wraps. */
static uint64_t below(uint64_t *seed, uint64_t n) {
  *seed = *seed * 48271 % 2147483647;
  return *seed % n;
}

/* Two views may have the same bytes and no footprint in common: those are told, too. */
static void random_views_are_as_byte_by_byte(void **state) {
  (void)state;
  uint64_t seed = 1;
  size_t shared = 0, apart = 0;
  for (int round = 0; round < 20000; round++) {
    struct claim c[VIEWS];
    bool alike;
    size_t n = 1 + below(&seed, VIEWS);
    for (size_t i = 0; i < n; i++) {
      c[i] = (struct claim){.unit = below(&seed, 4) ? 4 : 2, .ndim = (uint32_t)below(&seed, 4)};
      c[i].first = c[i].unit * below(&seed, 12);
      for (uint32_t d = 0; d < c[i].ndim; d++) {
        c[i].size[d] = 1 + below(&seed, 4);
        c[i].stride[d] = below(&seed, 8);
      }
    }
    struct overlap what = find(c, n);
    bool by_bytes = overlap_by_bytes(c, n, &alike);
    shared += by_bytes;
    apart += !by_bytes && !alike;
    if (by_bytes && what.answer == OVERLAP_NONE) fail_msg("round %d: not found", round);
    if (!by_bytes && !alike && what.answer != OVERLAP_NONE) fail_msg("round %d: %d", round, what.answer);
  }
  assert_true(shared > 1000 && apart > 1000);
}

/* The rows of a matrix whose columns are two views: more steps than are allowed are no answer. */
static void too_many_elements_are_not_compared(void **state) {
  (void)state;
  struct arena arena;
  struct overlaps all;
  struct overlap what = {.answer = OVERLAP_NONE};
  const uint64_t size[] = {1000}, stride[] = {2};
  arena_init(&arena, 1 << 20);
  overlaps_init(&all, &arena);
  all.steps = 1500;
  for (uint32_t i = 0; i < 2; i++)
    assert_true(overlaps_add(
        &all, &(struct overlap_view){
                  .first = 4 * i, .unit = 4, .ndim = 1, .size = size, .stride = stride, .who = i}));
  overlaps_find(&all, keep, &what);
  assert_int_equal(what.answer, OVERLAP_UNKNOWN);
  assert_int_equal(what.views, 2);
  arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(views_share_elements),
                                     cmocka_unit_test(random_views_are_as_byte_by_byte),
                                     cmocka_unit_test(too_many_elements_are_not_compared)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
