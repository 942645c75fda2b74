#include "base/base64.h"

uint32_t base64_digit(uint8_t c) {
  if (c >= 'A' && c <= 'Z') return (uint32_t)c - 'A';
  if (c >= 'a' && c <= 'z') return (uint32_t)c - 'a' + 26;
  if (c >= '0' && c <= '9') return (uint32_t)c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : BASE64_DIGITS;
}

/* "AA==" stands for one byte, "AAA=" for two; bits that no byte takes must be zero, so that equal bytes have
 * one text.
 */
static bool read_four(const uint8_t *four, bool last, uint8_t out[3], size_t *n, size_t *bad) {
  uint32_t bits = 0;
  size_t digits = 4;
  if (last && four[3] == '=') digits = four[2] == '=' ? 2 : 3;
  for (size_t i = 0; i < digits; i++) {
    uint32_t digit = base64_digit(four[i]);
    *bad = i;
    if (digit == BASE64_DIGITS) return false;
    bits |= digit << (18 - 6 * i);
  }
  *n = digits - 1;
  for (size_t i = 0; i < 3; i++) {
    uint8_t byte = (uint8_t)(bits >> (16 - 8 * i));
    if (i < *n)
      out[i] = byte;
    else if (byte != 0)
      return false;
  }
  return true;
}

enum base64_result base64_read(struct arena *a, struct span text, struct span *out, size_t *at) {
  *at = text.n;
  if (text.n % 4) return BASE64_MALFORMED;
  uint8_t *bytes = arena_array(a, text.n / 4 * 3, uint8_t);
  if (!bytes) return BASE64_NO_MEMORY;
  size_t n = 0;
  for (size_t i = 0; i < text.n; i += 4) {
    uint8_t three[3];
    size_t read, bad;
    if (!read_four(text.p + i, i + 4 == text.n, three, &read, &bad)) {
      *at = i + bad;
      return BASE64_MALFORMED;
    }
    memcpy(bytes + n, three, read);
    n += read;
  }
  *out = span_of(bytes, n);
  return BASE64_READ;
}
