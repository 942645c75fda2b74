/* Integers as text, read as the two readers read them that C's unpickler uses: strtol and Python's int(). */
#ifndef CKPTLINT_PICKLE_NUMBER_TEXT_H
#define CKPTLINT_PICKLE_NUMBER_TEXT_H

#include "base/span.h"

/* sys.int_info.default_max_str_digits: int() refuses more (CVE-2020-10735), and what would be quadratic stays
 * small. */
enum { MAX_DIGITS = 4300, MAX_LIMBS = MAX_DIGITS / 8 + 1, MAX_NUMBER_BYTES = MAX_LIMBS * 4 + 1 };

/* The text up to a NUL byte, where C's string ends. */
struct span number_text(struct span line);
/* strtol(text, &end, 0) reads the whole text, and it fits. */
bool strtol_whole(struct span text, int64_t *out);

/* What int(text, base) accepts, taken apart: base 0 (prefixes) or 10. */
struct int_text {
  bool negative;
  unsigned base;      /* 2, 8, 10 or 16 */
  struct span digits; /* single underscores between them */
  size_t num_digits;
};
bool int_text_parse(struct span text, unsigned base, struct int_text *out);
/* The value, if it fits. */
bool int_text_small(const struct int_text *t, int64_t *out);
/* The value as two's complement, lowest byte first, in a buffer of MAX_NUMBER_BYTES; at most MAX_DIGITS
 * digits. Answers the bytes used. */
size_t int_text_bytes(const struct int_text *t, uint8_t *out);
/* -?(0|[1-9][0-9]*), but for "-0": the spelling of picklers, which every reader reads alike. */
bool int_text_is_plain(struct span text);
/* Writes what float() looks at: without spaces around it and underscores between digits. Answers its length,
 * at most the text's. */
size_t float_text_plain(struct span text, char *out);
/* [+-]?(digits with an optional point and exponent | inf | infinity | nan), as PyOS_string_to_double wants
 * it. */
bool float_text_is_valid(struct span text);

#endif
