/* Bytes that are spelled as text, a character of U+0000 to U+00FF for each, as pickles of protocols 0 to 2
 * have them (Python 3's save_bytes writes a call of _codecs.encode(text, 'latin1'), Python 2 a str), and the
 * escapes that Python reads in such text. */
#ifndef CKPTLINT_BASE_SPELLED_H
#define CKPTLINT_BASE_SPELLED_H

#include "base/span.h"

enum spelling {
  SPELLED_NOT,  /* the bytes as they are */
  SPELLED_UTF8, /* BINUNICODE */
  SPELLED_RAW,  /* UNICODE: Latin-1, where a backslash begins \u00XX (raw-unicode-escape as Python writes it)
                 */
  SPELLED_REPR, /* STRING: what stands between the quotes of a Python 2 repr */
  SPELLINGS
};

/* The bytes of a text: how many there are, at most `room`. SIZE_MAX: it spells something else, or more. */
size_t spelled_bytes(enum spelling how, struct span text, uint8_t *out, size_t room);

/* Bytes of a file, and where they stand in it. */
struct spelled {
  struct span bytes; /* the real ones */
  struct span text;  /* what spells them; unused where they are not spelled */
  enum spelling how;
  uint64_t at; /* in the file: of the first, or of its text */
};
/* How many bytes of the file they take. */
static inline uint64_t spelled_length(const struct spelled *s) {
  return s->how == SPELLED_NOT ? s->bytes.n : s->text.n;
}
/* Does the text spell just these bytes? True where they are not spelled. */
bool spelled_agrees(const struct spelled *s);
/* The first n bytes, which are taken from *s. False, and nothing moves: there are not so many. */
NODISCARD bool spelled_take(struct spelled *s, uint64_t n, struct spelled *out);

/* The code of n ≤ 8 hexadecimal digits at the start of *s, which are taken from it. */
NODISCARD bool escape_hex(struct span *s, size_t n, uint32_t *code);
/* One escape behind its backslash, taken from *s as _PyBytes_DecodeEscape reads it; answers the bytes
 * written: 1, 2 for one that is none (it stands for itself), 0 if it is bad. */
size_t escape_take(struct span *s, uint8_t out[2]);

#endif
