/* Integers of the file as numbers and as text. */
#include "model/checkpoint.h"

enum { WORD = 8, DECIMAL_BYTES = 16, LIMBS = DECIMAL_BYTES / 4, HEX_DIGITS = 64 };

static bool is_negative(struct span s, bool is_signed) { return is_signed && s.n && s.p[s.n - 1] & 0x80; }

/* Without the bytes that only repeat the sign, but for the one that shows it. */
static struct span significant(struct span s, bool is_signed) {
  uint8_t fill = is_negative(s, is_signed) ? 0xff : 0;
  while (s.n > 1 && s.p[s.n - 1] == fill && (!is_signed || ((s.p[s.n - 2] ^ fill) & 0x80) == 0)) s.n--;
  return s;
}

bool integer_of(struct span bytes, bool is_signed, int64_t *out) {
  struct span s = significant(bytes, is_signed);
  uint64_t bits = is_negative(s, is_signed) ? UINT64_MAX : 0;
  *out = 0;
  if (s.n > WORD || (!is_signed && s.n == WORD && s.p[WORD - 1] & 0x80)) return false;
  for (size_t i = s.n; i > 0; i--) bits = (bits & UINT64_MAX >> 8) << 8 | s.p[i - 1];
  memcpy(out, &bits, sizeof *out);
  return true;
}

/* Byte i of the magnitude, when asked for in order: *carry is 1 before the first byte of a negative number.
 */
static uint8_t magnitude_byte(uint8_t byte, bool negative, unsigned *carry) {
  unsigned flipped = negative ? (byte ^ 0xffu) + *carry : byte;
  *carry = negative && flipped > 0xff;
  return (uint8_t)(flipped & 0xff);
}

static struct span decimal_text(struct span s, bool negative, char out[INTEGER_TEXT]) {
  uint32_t limb[LIMBS] = {0};
  unsigned carry = 1;
  size_t at = INTEGER_TEXT;
  for (size_t i = 0; i < s.n; i++)
    limb[i / 4] |= (uint32_t)magnitude_byte(s.p[i], negative, &carry) << 8 * (i % 4);
  for (uint32_t left = 1; left;) {
    uint64_t rest = 0;
    left = 0;
    for (size_t i = LIMBS; i > 0; i--) {
      rest = rest << 32 | limb[i - 1];
      limb[i - 1] = (uint32_t)(rest / 10);
      left |= limb[i - 1];
      rest %= 10;
    }
    out[--at] = (char)('0' + rest);
  }
  if (negative) out[--at] = '-';
  return span_of(out + at, INTEGER_TEXT - at);
}

/* "-0x1234…": the highest digits first. Of a negative number that is cut they are those of its complement:
 * looking for a carry from a million bytes below would take longer than reading them. */
static struct span hex_text(struct span s, bool negative, char out[INTEGER_TEXT]) {
  static const char digits[] = "0123456789abcdef";
  size_t shown = min_size(s.n, HEX_DIGITS / 2), n = 0;
  uint8_t top[HEX_DIGITS / 2] = {0};
  unsigned carry = shown == s.n;
  for (size_t i = s.n - shown; i < s.n; i++) top[s.n - 1 - i] = magnitude_byte(s.p[i], negative, &carry);
  if (negative) out[n++] = '-';
  out[n++] = '0';
  out[n++] = 'x';
  for (size_t i = 0; i < shown; i++) {
    out[n++] = digits[top[i] >> 4];
    out[n++] = digits[top[i] & 15];
  }
  if (shown == s.n) return span_of(out, n);
  memcpy(out + n, "…", sizeof "…" - 1);
  return span_of(out, n + sizeof "…" - 1);
}

struct span integer_text(struct span bytes, bool is_signed, char out[INTEGER_TEXT]) {
  struct span s = significant(bytes, is_signed);
  bool negative = is_negative(s, is_signed);
  return s.n <= DECIMAL_BYTES ? decimal_text(s, negative, out) : hex_text(s, negative, out);
}
