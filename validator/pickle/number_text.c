#include "pickle/number_text.h"

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static unsigned digit_value(uint8_t c) {
  if (is_digit(c)) return c - (unsigned)'0';
  c = (uint8_t)(c | 0x20);
  return c >= 'a' && c <= 'z' ? c - (unsigned)'a' + 10 : 99;
}

static struct span after_spaces(struct span s) {
  while (s.n && is_space(s.p[0])) s = span_from(s, 1);
  return s;
}

/* Takes a sign if there is one; true for '-'. */
static bool take_sign(struct span *s) {
  bool negative = s->n && s->p[0] == '-';
  if (negative || (s->n && s->p[0] == '+')) *s = span_from(*s, 1);
  return negative;
}

struct span number_text(struct span line) {
  const uint8_t *nul = line.n ? memchr(line.p, 0, line.n) : NULL;
  return nul ? span_of(line.p, (size_t)(nul - line.p)) : line;
}

/* Folds digits of a base, most significant first, away from zero, so that the lowest int64 fits. */
static bool fold(struct span digits, unsigned base, bool negative, int64_t *out) {
  int64_t x = 0;
  for (size_t i = 0; i < digits.n; i++) {
    if (digits.p[i] == '_') continue;
    int64_t d = (int64_t)digit_value(digits.p[i]);
    if (!try_mul(x, (int64_t)base, &x) || !try_add(x, negative ? -d : d, &x)) return false;
  }
  *out = x;
  return true;
}

bool strtol_whole(struct span text, int64_t *out) {
  struct span s = after_spaces(text);
  bool negative = take_sign(&s);
  bool hex = s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x';
  unsigned base = hex ? 16 : s.n && s.p[0] == '0' ? 8 : 10;
  if (hex) s = span_from(s, 2);
  for (size_t i = 0; i < s.n; i++)
    if (digit_value(s.p[i]) >= base) return false;
  *out = 0;
  return text.n == 0 || (s.n && fold(s, base, negative, out)); /* no text at all ends where it should: 0 */
}

static unsigned prefix_base(uint8_t letter) {
  switch (letter | 0x20) {
  case 'x': return 16;
  case 'o': return 8;
  case 'b': return 2;
  }
  return 0;
}

/* Digits with single underscores between them, at the start of *s, which then holds what follows. */
static bool take_digits(struct span *s, struct int_text *t) {
  size_t i = 0;
  for (; i < s->n && (digit_value(s->p[i]) < t->base || s->p[i] == '_'); i++) {
    if (s->p[i] != '_')
      t->num_digits++;
    else if (i == 0 || s->p[i - 1] == '_')
      return false;
  }
  t->digits = span_first(*s, i);
  *s = span_from(*s, i);
  return i > 0 && t->digits.p[i - 1] != '_';
}

static bool all_zero(struct span digits) {
  for (size_t i = 0; i < digits.n; i++)
    if (digits.p[i] != '0' && digits.p[i] != '_') return false;
  return true;
}

/* PyLong_FromString of CPython 3.11. */
bool int_text_parse(struct span text, unsigned base, struct int_text *out) {
  struct span s = after_spaces(text);
  *out = (struct int_text){.negative = take_sign(&s), .base = 10};
  unsigned prefix = base == 0 && s.n >= 2 && s.p[0] == '0' ? prefix_base(s.p[1]) : 0;
  if (prefix) {
    out->base = prefix;
    s = span_from(s, 2);
    if (s.n && s.p[0] == '_') s = span_from(s, 1);
  }
  bool leading_zero = s.n && s.p[0] == '0';
  if (!take_digits(&s, out) || after_spaces(s).n) return false;
  /* Python 2 read 010 as octal; since then only zero may start with a zero. */
  return base != 0 || prefix || !leading_zero || all_zero(out->digits);
}

bool int_text_small(const struct int_text *t, int64_t *out) {
  return fold(t->digits, t->base, t->negative, out);
}

/* ---- beyond 64 bits: base 2^32, nine decimal digits (or fewer of 16) at a time ---- */

struct big {
  uint32_t limb[MAX_LIMBS]; /* a digit has at most four bits */
  size_t n;
};

static void multiply_add(struct big *b, uint32_t factor, uint32_t addend) {
  uint64_t carry = addend;
  for (size_t i = 0; i < b->n; i++) {
    carry += (uint64_t)b->limb[i] * factor;
    b->limb[i] = (uint32_t)(carry & UINT32_MAX);
    carry >>= 32;
  }
  if (carry) b->limb[b->n++] = (uint32_t)carry;
}

static void negate(uint8_t *bytes, size_t n) {
  unsigned carry = 1;
  for (size_t i = 0; i < n; i++) {
    carry += (uint8_t)~bytes[i];
    bytes[i] = (uint8_t)(carry & 0xff);
    carry >>= 8;
  }
}

size_t int_text_bytes(const struct int_text *t, uint8_t *out) {
  struct big b = {.n = 0};
  uint32_t factor = 1, addend = 0;
  for (size_t i = 0; i < t->digits.n; i++) {
    if (t->digits.p[i] == '_') continue;
    factor *= t->base;
    addend = addend * t->base + digit_value(t->digits.p[i]);
    if (factor < UINT32_MAX / 16) continue;
    multiply_add(&b, factor, addend);
    factor = 1;
    addend = 0;
  }
  multiply_add(&b, factor, addend);
  for (size_t i = 0; i < b.n; i++)
    for (size_t j = 0; j < 4; j++) out[4 * i + j] = (uint8_t)(b.limb[i] >> (8 * j) & 0xff);
  out[4 * b.n] = 0;
  if (t->negative) negate(out, 4 * b.n + 1);
  return 4 * b.n + 1;
}

bool int_text_is_plain(struct span text) {
  struct span s = text;
  if (s.n && s.p[0] == '-') s = span_from(s, 1);
  if (s.n == 0 || (s.p[0] == '0' && text.n > 1)) return false;
  for (size_t i = 0; i < s.n; i++)
    if (!is_digit(s.p[i])) return false;
  return true;
}

/* ---- floats ---- */

static size_t take_decimals(struct span *s) {
  size_t n = 0;
  while (n < s->n && is_digit(s->p[n])) n++;
  *s = span_from(*s, n);
  return n;
}

static bool is_word(struct span s, const char *word) {
  size_t n = strlen(word);
  for (size_t i = 0; i < n; i++)
    if (i >= s.n || (s.p[i] | 0x20) != (uint8_t)word[i]) return false;
  return s.n == n;
}

/* Python's float() takes spaces around the number and underscores between digits, which the C unpickler does
 * not. */
size_t float_text_plain(struct span text, char *out) {
  size_t n = 0;
  text = after_spaces(text);
  while (text.n && is_space(text.p[text.n - 1])) text.n--;
  for (size_t i = 0; i < text.n; i++) {
    bool between = i && i + 1 < text.n && is_digit(text.p[i - 1]) && is_digit(text.p[i + 1]);
    if (text.p[i] != '_' || !between) out[n++] = (char)text.p[i];
  }
  return n;
}

bool float_text_is_valid(struct span text) {
  (void)take_sign(&text);
  if (is_word(text, "inf") || is_word(text, "infinity") || is_word(text, "nan")) return true;
  size_t digits = take_decimals(&text);
  if (text.n && text.p[0] == '.') {
    text = span_from(text, 1);
    digits += take_decimals(&text);
  }
  if (digits == 0) return false;
  if (text.n == 0) return true;
  if ((text.p[0] | 0x20) != 'e') return false;
  text = span_from(text, 1);
  (void)take_sign(&text);
  return take_decimals(&text) > 0 && text.n == 0;
}
