#include "base/json_token.h"

#include "base/utf8.h"

#define EXACT_INTEGER (UINT64_C(1) << 53)

size_t json_skip_space(struct span text, size_t at) {
  while (at < text.n && is_space(text.p[at])) at++;
  return at;
}

size_t json_skip_string(struct span text, size_t at) {
  while (++at < text.n && text.p[at] != '"')
    if (text.p[at] == '\\') at++;
  return min_size(at + 1, text.n);
}

/* RFC 8259 section 7, behind "\u". */
static bool hex4(struct span s, uint32_t *code) {
  if (s.n < 4) return false;
  *code = 0;
  for (size_t i = 0; i < 4; i++) {
    uint8_t b = s.p[i], low = b | 0x20;
    if (!is_digit(b) && (low < 'a' || low > 'f')) return false;
    *code = *code << 4 | (uint32_t)(is_digit(b) ? b - '0' : low - 'a' + 10);
  }
  return true;
}

static size_t unicode_escape(struct span s, uint32_t *code, const char **what) {
  uint32_t low;
  *what = "four hexadecimal digits behind \\u";
  if (!hex4(span_from(s, 2), code)) return 0;
  *what = "text without \\u0000, which ends a C string early";
  if (*code == 0) return 0;
  if (*code < 0xd800 || *code > 0xdfff) return 6;
  *what = "both halves of a surrogate pair";
  if (*code > 0xdbff || !span_starts(span_from(s, 6), SPAN("\\u")) || !hex4(span_from(s, 8), &low)) return 0;
  if (low < 0xdc00 || low > 0xdfff) return 0;
  *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
  return 12;
}

/* The first character between the quotes: how many bytes it takes; 0, with *what, when it is not JSON. */
size_t json_string_char(struct span s, uint32_t *code, const char **what) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (s.p[0] != '\\') {
    *what = s.p[0] < 0x20 ? "control characters in a string to be escaped" : "valid UTF-8";
    return s.p[0] < 0x20 ? 0 : utf8_decode(s, UTF8_STRICT, code);
  }
  if (s.n > 1 && s.p[1] == 'u') return unicode_escape(s, code, what);
  const char *letter = s.n > 1 && s.p[1] ? strchr(letters, s.p[1]) : NULL;
  *what = "one of \" \\ / b f n r t u behind a backslash";
  if (!letter) return 0;
  *code = (uint8_t)meant[letter - letters];
  return 2;
}

static size_t text_char(struct span s, bool escaped, uint32_t *code) {
  const char *ignored;
  return escaped ? json_string_char(s, code, &ignored) : utf8_decode(s, UTF8_STRICT, code);
}

/* Is what stands between two quotes, escapes and all, the same text as another, which is spelled so too or
 * plain? */
bool json_same_text(struct span raw, struct span other, bool other_escaped) {
  while (raw.n && other.n) {
    uint32_t x, y;
    size_t n = text_char(raw, true, &x), m = text_char(other, other_escaped, &y);
    if (n == 0 || m == 0 || x != y) return false;
    raw = span_from(raw, n);
    other = span_from(other, m);
  }
  return raw.n == other.n;
}

bool json_exact(struct span token) {
  uint64_t n = 0;
  for (size_t i = token.p[0] == '-'; i < token.n; i++) {
    n = n * 10 + (token.p[i] - (uint64_t)'0'); /* at most 10 * 2^53 + 9 */
    if (n > EXACT_INTEGER) return false;
  }
  return true;
}
