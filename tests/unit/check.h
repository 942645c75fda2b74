/* cmocka with its includes, and the few helpers that every unit table uses. */
#ifndef CKPTLINT_TESTS_UNIT_CHECK_H
#define CKPTLINT_TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/observe.h"

/* A heap copy of exactly n bytes, so that a sanitizer sees a read past the end. Free it. */
static inline struct span exact_copy(const void *p, size_t n) {
  uint8_t *copy = malloc(n ? n : 1);
  assert_non_null(copy);
  if (n) memcpy(copy, p, n);
  return span_of(copy, n);
}
static inline void exact_free(struct span s) {
  union {
    const uint8_t *in;
    void *out;
  } u = {.in = s.p};
  free(u.out);
}

/* How often a kind was observed. */
static inline uint32_t seen(const struct observations *o, enum obs_kind kind) { return o->seen[kind]; }
/* The first observation of a kind; fails the test if there is none. */
static inline const struct observation *first_of(const struct observations *o, enum obs_kind kind) {
  for (uint32_t i = 0; i < o->n; i++)
    if (o->list[i].kind == kind) return &o->list[i];
  assert_true(o->seen[kind] > 0);
  return NULL;
}

/* Runs `parse` on every prefix and on every single-bit flip of `good`: nothing may crash, and whatever is
 * observed must lie inside the bytes given. The parser asserts its own properties. */
static inline void check_mutations(const uint8_t *good, size_t n, void (*parse)(struct span bytes)) {
  for (size_t len = 0; len < n; len++) {
    struct span s = exact_copy(good, len);
    parse(s);
    exact_free(s);
  }
  for (size_t bit = 0; bit < n * 8; bit++) {
    struct span s = exact_copy(good, n);
    union {
      const uint8_t *in;
      uint8_t *out;
    } u = {.in = s.p};
    u.out[bit / 8] = (uint8_t)(u.out[bit / 8] ^ (1u << (bit % 8)));
    parse(s);
    exact_free(s);
  }
}

#endif
