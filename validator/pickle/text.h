/* UTF-8 as Python reads and writes it. */
#ifndef CKPTLINT_PICKLE_TEXT_H
#define CKPTLINT_PICKLE_TEXT_H

#include "base/span.h"

/* Well-formed UTF-8 (no overlong forms, nothing above U+10FFFF)? Lone surrogates pass where Python's
 * "surrogatepass" is in force (BINUNICODE), and are errors in names and Python 2 strings. */
enum surrogates { SURROGATES_REFUSED, SURROGATES_PASS };
bool text_is_utf8(struct span text, enum surrogates surrogates);
bool text_is_ascii(struct span text);
bool text_has_surrogate(struct span utf8);
/* Writes a code point ≤ 0x10FFFF, surrogates too, at out (room for 4); answers the bytes written. */
size_t text_put_utf8(uint8_t *out, uint32_t code);

#endif
