/* UTF-8 (RFC 3629): shortest forms only, nothing above U+10FFFF. Surrogates are an error unless they are
 * asked for: Python's surrogatepass, which pickles use, writes each half of a broken pair as three bytes of
 * its own. */
#ifndef CKPTLINT_BASE_UTF8_H
#define CKPTLINT_BASE_UTF8_H

#include "base/span.h"

enum utf8_mode { UTF8_STRICT, UTF8_SURROGATEPASS };
enum { UTF8_MAX = 4 }; /* bytes of the longest character */

/* The first character: how many bytes it takes, 1 to 4, and its code point. 0 when the bytes are none (or s
 * is empty): the caller then shows or skips one byte and goes on behind it. */
size_t utf8_decode(struct span s, enum utf8_mode mode, uint32_t *code);
/* Bytes written to out, 1 to 4. `code` must be at most U+10FFFF. */
size_t utf8_encode(uint8_t out[UTF8_MAX], uint32_t code);
/* Offset of the first byte that belongs to no character; s.n when all is well. */
size_t utf8_valid_prefix(struct span s, enum utf8_mode mode);
static inline bool utf8_valid(struct span s, enum utf8_mode mode) {
  return utf8_valid_prefix(s, mode) == s.n;
}

#endif
