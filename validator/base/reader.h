/* A shrinking view of bytes that knows where it is. Copy it to look ahead.
 * Every call either succeeds and advances, or fails and moves nothing: r->at is then the offset of the field
 * that did not fit. reader_take is the one place where a length is compared; integers are assembled byte by
 * byte. */
#ifndef CKPTLINT_BASE_READER_H
#define CKPTLINT_BASE_READER_H

#include "base/span.h"

struct reader {
  struct span left;
  uint64_t at; /* absolute offset of left.p in the stream that the caller named */
};

static inline struct reader reader_of(struct span s, uint64_t at) { return (struct reader){s, at}; }
static inline bool reader_done(const struct reader *r) { return r->left.n == 0; }

/* Inline, as every opcode and every record is read by these. */
NODISCARD static inline bool reader_take(struct reader *r, uint64_t n, struct span *out) {
  if (n > r->left.n) return false;
  size_t len = (size_t)n; /* fits: it is at most left.n */
  *out = (struct span){r->left.p, len};
  r->left = (struct span){r->left.p + len, r->left.n - len};
  r->at += n;
  return true;
}

NODISCARD static inline bool reader_skip(struct reader *r, uint64_t n) {
  struct span ignored;
  return reader_take(r, n, &ignored);
}

/* Integers at a place that the caller has proved to be inside. */
static inline uint16_t load_u16le(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t load_u32le(const uint8_t *p) {
  return load_u16le(p) | (uint32_t)load_u16le(p + 2) << 16;
}
static inline uint64_t load_u64le(const uint8_t *p) {
  return load_u32le(p) | (uint64_t)load_u32le(p + 4) << 32;
}

NODISCARD static inline bool reader_u8(struct reader *r, uint8_t *out) {
  struct span s;
  if (!reader_take(r, 1, &s)) return false;
  *out = s.p[0];
  return true;
}

NODISCARD static inline bool reader_u16le(struct reader *r, uint16_t *out) {
  struct span s;
  if (!reader_take(r, 2, &s)) return false;
  *out = load_u16le(s.p);
  return true;
}

NODISCARD static inline bool reader_u32le(struct reader *r, uint32_t *out) {
  struct span s;
  if (!reader_take(r, 4, &s)) return false;
  *out = load_u32le(s.p);
  return true;
}

NODISCARD static inline bool reader_u64le(struct reader *r, uint64_t *out) {
  struct span s;
  if (!reader_take(r, 8, &s)) return false;
  *out = load_u64le(s.p);
  return true;
}

/* A child that cannot read past its parent's field, and keeps absolute offsets. */
NODISCARD bool reader_sub(struct reader *r, uint64_t n, struct reader *out);
/* IEEE-754 double, big-endian (BINFLOAT). */
NODISCARD bool reader_f64be(struct reader *r, double *out);
/* The bytes up to the next '\n', which is consumed and left out of *out. Fails without moving if there is
 * none. */
NODISCARD bool reader_line(struct reader *r, struct span *out);

#endif
