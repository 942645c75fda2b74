#include "container/serialized.h"

#include "base/base64.h"
#include "container/detect.h"

bool base64_decode(struct span text, uint8_t *out, size_t *n) {
  uint32_t bits = 0;
  unsigned place = 0, pads = 0;
  *n = 0;
  for (size_t i = 0; i < text.n; i++) {
    uint32_t digit = base64_digit(text.p[i]);
    if (text.p[i] == '=' && place >= 2 && place + ++pads >= 4) return true;
    if (digit == BASE64_DIGITS) continue;
    pads = 0;
    bits = (bits & 0xFFF) << 6 | digit; /* what was written goes */
    place = (place + 1) % 4;
    if (place != 1) out[(*n)++] = (uint8_t)(bits >> (place == 2 ? 4 : place == 3 ? 2 : 0));
  }
  return place == 0;
}

bool serialized_next(struct span text, size_t *at, uint8_t *out, size_t room, size_t *n) {
  enum { LEAST = 8 }; /* digits of a program that calls */
  while (*at < text.n) {
    struct span string = span_from(text, *at);
    const uint8_t *quote = memchr(string.p, '"', string.n);
    if (quote) string = span_first(string, (size_t)(quote - string.p));
    *at += string.n + 1;
    if (string.n < LEAST || base64_room(string.n) > room) continue;
    (void)!base64_decode(string, out, n); /* a cut one calls what stands before the cut */
    struct probe p = {.head = span_of(out, min_size(*n, PROBE_BYTES)), .file = span_of(out, *n)};
    if (reaches_call(&p)) return true;
  }
  return false;
}
