/* A run of bytes that somebody else owns: of the mapped file, of an arena, or a literal. Never
 * NUL-terminated. */
#ifndef CKPTLINT_BASE_SPAN_H
#define CKPTLINT_BASE_SPAN_H

#include <string.h>

#include "base/ints.h"

struct span {
  const uint8_t *p;
  size_t n;
};

/* The bytes of a string literal, without its NUL. */
#define SPAN(literal) ((struct span){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct span span_of(const void *p, size_t n) { return (struct span){p, n}; }
static inline struct span span_str(const char *s) {
  return (struct span){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; } /* ASCII */

static inline bool span_eq(struct span a, struct span b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool span_is(struct span a, const char *s) { return span_eq(a, span_str(s)); }
static inline bool span_starts(struct span a, struct span prefix) {
  return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}
static inline bool span_ends(struct span a, struct span suffix) {
  return a.n >= suffix.n && (suffix.n == 0 || memcmp(a.p + (a.n - suffix.n), suffix.p, suffix.n) == 0);
}
/* The bytes after the first n; empty when there are fewer. */
static inline struct span span_from(struct span a, size_t n) {
  return n >= a.n ? (struct span){a.p, 0} : (struct span){a.p + n, a.n - n};
}
static inline struct span span_first(struct span a, size_t n) { return (struct span){a.p, min_size(a.n, n)}; }
static inline bool span_is_zero(struct span a) {
  return a.n == 0 || (a.p[0] == 0 && memcmp(a.p, a.p + 1, a.n - 1) == 0);
}
/* Order of raw bytes, the shorter first when one is the other's prefix. */
static inline int span_cmp(struct span a, struct span b) {
  size_t n = min_size(a.n, b.n);
  int c = n ? memcmp(a.p, b.p, n) : 0;
  return c ? c : (a.n > b.n) - (a.n < b.n);
}

#endif
