/* The tokens of a JSON text (RFC 8259), as the validator, the tree and the search for places read them. For
 * the files of base/json*.c alone. */
#ifndef CKPTLINT_BASE_JSON_TOKEN_H
#define CKPTLINT_BASE_JSON_TOKEN_H

#include "base/span.h"

enum { JSON_DEPTH_ROOM = 256 }; /* of our tables; cJSON itself stops at 1000 */

static inline bool is_space(uint8_t b) { return b == ' ' || b == '\t' || b == '\n' || b == '\r'; }

size_t json_skip_space(struct span text, size_t at);
/* From the opening quote at `at` to behind the closing one, or the end of the text. */
size_t json_skip_string(struct span text, size_t at);
/* The first character between two quotes: how many bytes it takes; 0, with *what, when it is not JSON. */
size_t json_string_char(struct span s, uint32_t *code, const char **what);
/* Is what stands between two quotes, escapes and all, the same text as another, which is spelled so too or
 * plain? */
bool json_same_text(struct span raw, struct span other, bool other_escaped);
/* The members of the object that a text is, key and value, one after the other; *at is 0 for the first. False
 * behind the last. Of a text that is known to be JSON. */
bool json_next_member(struct span text, size_t *at, struct span *member);
/* Does a double hold the integer exactly (at most 2^53)? Of a token of '-' and digits. */
bool json_exact(struct span token);

#endif
