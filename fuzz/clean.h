/* Text that may be shown: UTF-8, in which nothing is hidden (report/hidden.def). */
#ifndef CKPTLINT_FUZZ_CLEAN_H
#define CKPTLINT_FUZZ_CLEAN_H

#include "base/utf8.h"

/* `but`: ASCII control characters that are allowed all the same. */
static inline bool is_clean(struct span text, const char *but) {
  static const struct {
    uint32_t first, last;
  } hidden[] = {
#define HIDDEN(first, last) {first, last},
#include "report/hidden.def"
#undef HIDDEN
  };
  while (text.n) {
    uint32_t code;
    size_t n = utf8_decode(text, UTF8_STRICT, &code);
    if (n == 0) return false;
    text = span_from(text, n);
    if (code && code < 0x80 && strchr(but, (int)code)) continue;
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
      if (code >= hidden[i].first && code <= hidden[i].last) return false;
  }
  return true;
}

#endif
