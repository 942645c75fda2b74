/* RFC 4648 base64, read strictly: the alphabet of section 4 and its padding, nothing else. report/escape.h
 * writes it. */
#ifndef CKPTLINT_BASE_BASE64_H
#define CKPTLINT_BASE_BASE64_H

#include "base/arena.h"

enum { BASE64_DIGITS = 64 };
/* Value of a digit; BASE64_DIGITS: none. */
uint32_t base64_digit(uint8_t c);

enum base64_result { BASE64_READ, BASE64_MALFORMED, BASE64_NO_MEMORY };

/* The bytes, in the arena. MALFORMED: *at is the offset of the first character that does not fit. */
NODISCARD enum base64_result base64_read(struct arena *a, struct span text, struct span *out, size_t *at);

#endif
