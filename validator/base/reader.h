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

NODISCARD bool reader_take(struct reader *r, uint64_t n, struct span *out);
NODISCARD bool reader_skip(struct reader *r, uint64_t n);
/* A child that cannot read past its parent's field, and keeps absolute offsets. */
NODISCARD bool reader_sub(struct reader *r, uint64_t n, struct reader *out);
NODISCARD bool reader_u8(struct reader *r, uint8_t *out);
NODISCARD bool reader_u16le(struct reader *r, uint16_t *out);
NODISCARD bool reader_u32le(struct reader *r, uint32_t *out);
NODISCARD bool reader_u64le(struct reader *r, uint64_t *out);
/* IEEE-754 double, big-endian (BINFLOAT). */
NODISCARD bool reader_f64be(struct reader *r, double *out);
/* The bytes up to the next '\n', which is consumed and left out of *out. Fails without moving if there is
 * none. */
NODISCARD bool reader_line(struct reader *r, struct span *out);

/* The same integers at a place that the caller has proved to be inside. */
uint16_t load_u16le(const uint8_t *p);
uint32_t load_u32le(const uint8_t *p);
uint64_t load_u64le(const uint8_t *p);

#endif
