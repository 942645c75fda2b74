#include "base/utf8.h"

/* One row a length: the lead byte's fixed bits, and the least code point that needs so many bytes (a longer
 * spelling of a smaller one is how "/" or NUL slip past a filter). */
static const struct {
  uint8_t mask, lead;
  uint32_t least;
} forms[UTF8_MAX] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

static size_t length_by_lead(uint8_t lead) {
  for (size_t n = 1; n <= UTF8_MAX; n++)
    if ((lead & forms[n - 1].mask) == forms[n - 1].lead) return n;
  return 0;
}

size_t utf8_decode(struct span s, enum utf8_mode mode, uint32_t *code) {
  if (s.n == 0) return 0;
  size_t n = length_by_lead(s.p[0]);
  if (n == 0 || n > s.n) return 0;
  uint32_t c = s.p[0] ^ forms[n - 1].lead;
  for (size_t i = 1; i < n; i++) {
    if ((s.p[i] & 0xc0) != 0x80) return 0;
    c = c << 6 | (s.p[i] & 0x3fu);
  }
  if (c < forms[n - 1].least || c > 0x10ffff) return 0;
  if (c >= 0xd800 && c <= 0xdfff && mode == UTF8_STRICT) return 0;
  *code = c;
  return n;
}

size_t utf8_encode(uint8_t out[UTF8_MAX], uint32_t code) {
  size_t n = UTF8_MAX;
  while (n > 1 && code < forms[n - 1].least) n--;
  for (size_t i = n; i > 1; i--) {
    out[i - 1] = (uint8_t)(0x80 | (code & 0x3f));
    code >>= 6;
  }
  out[0] = (uint8_t)(forms[n - 1].lead | code);
  return n;
}

/* Nearly every text is ASCII: eight bytes a step until one is not. */
static size_t ascii_run(struct span s) {
  size_t i = 0;
  for (uint64_t word; s.n - i >= sizeof word; i += sizeof word) {
    memcpy(&word, s.p + i, sizeof word);
    if (word & UINT64_C(0x8080808080808080)) break;
  }
  while (i < s.n && s.p[i] < 0x80) i++;
  return i;
}

size_t utf8_valid_prefix(struct span s, enum utf8_mode mode) {
  size_t at = 0;
  while (at < s.n) {
    at += ascii_run(span_from(s, at));
    uint32_t code;
    size_t n = utf8_decode(span_from(s, at), mode, &code);
    if (n == 0) break;
    at += n;
  }
  return at;
}
