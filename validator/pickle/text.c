#include "pickle/text.h"

/* Bytes of the sequence that starts at p (n are left), 0 if it is malformed: Unicode 15, table 3-7. */
static size_t sequence(const uint8_t *p, size_t n, enum surrogates surrogates) {
  uint8_t lead = p[0];
  size_t len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (len > n) return 0;
  if (len <= 1) return len;
  uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xf4 ? 0x8f : lead == 0xed && surrogates == SURROGATES_REFUSED ? 0x9f : 0xbf;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < len; i++)
    if (p[i] < 0x80 || p[i] > 0xbf) return 0;
  return len;
}

/* How many bytes from the start are ASCII, found eight at a time. */
static size_t ascii_run(struct span s) {
  size_t i = 0;
  uint64_t word;
  for (; s.n - i >= sizeof word; i += sizeof word) {
    memcpy(&word, s.p + i, sizeof word);
    if (word & UINT64_C(0x8080808080808080)) break;
  }
  while (i < s.n && s.p[i] < 0x80) i++;
  return i;
}

bool text_is_ascii(struct span text) { return ascii_run(text) == text.n; }

bool text_is_utf8(struct span text, enum surrogates surrogates) {
  while (text.n) {
    text = span_from(text, ascii_run(text));
    if (text.n == 0) return true;
    size_t len = sequence(text.p, text.n, surrogates);
    if (len == 0) return false;
    text = span_from(text, len);
  }
  return true;
}

bool text_has_surrogate(struct span utf8) {
  while (utf8.n > 1) {
    const uint8_t *lead = memchr(utf8.p, 0xed, utf8.n - 1);
    if (!lead) return false;
    if (lead[1] >= 0xa0) return true;
    utf8 = span_from(utf8, (size_t)(lead - utf8.p) + 1);
  }
  return false;
}

size_t text_put_utf8(uint8_t *out, uint32_t code) {
  static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
  if (code < 0x80) {
    out[0] = (uint8_t)code;
    return 1;
  }
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--, code >>= 6) out[i] = (uint8_t)(0x80 | (code & 0x3f));
  out[0] = (uint8_t)(lead[len] | code);
  return len;
}
