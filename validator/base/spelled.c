#include "base/spelled.h"

#include "base/utf8.h"

static unsigned hex_value(uint8_t c) {
  unsigned letter = (unsigned)c | 0x20;
  if (c >= '0' && c <= '9') return c - (unsigned)'0';
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

bool escape_hex(struct span *s, size_t n, uint32_t *code) {
  if (s->n < n) return false;
  *code = 0;
  for (size_t i = 0; i < n; i++) {
    unsigned digit = hex_value(s->p[i]);
    if (digit > 15) return false;
    *code = *code << 4 | digit;
  }
  *s = span_from(*s, n);
  return true;
}

static uint8_t take_octal(struct span *s) {
  unsigned code = 0;
  for (int i = 0; i < 3 && s->n && (s->p[0] & 0xf8) == '0'; i++, *s = span_from(*s, 1))
    code = code << 3 | (s->p[0] & 7u);
  return (uint8_t)(code & 0xff);
}

size_t escape_take(struct span *s, uint8_t out[2]) {
  static const char names[] = "\\'\"abfnrtv", codes[] = "\\'\"\a\b\f\n\r\t\v";
  uint32_t code;
  if (s->n == 0) return 0;
  uint8_t c = s->p[0];
  if (c >= '0' && c <= '7') {
    out[0] = take_octal(s);
    return 1;
  }
  const char *name = c ? strchr(names, c) : NULL;
  *s = span_from(*s, 1);
  if (c == 'x') {
    if (!escape_hex(s, 2, &code)) return 0;
    out[0] = (uint8_t)code;
    return 1;
  }
  out[0] = name ? (uint8_t)codes[name - names] : '\\';
  if (!name) out[1] = c;
  return name ? 1 : 2;
}

/* ---- a byte of a text ---- */

static bool take_utf8(struct span *text, uint8_t *out) {
  uint32_t code;
  size_t n = utf8_decode(*text, UTF8_SURROGATEPASS, &code);
  if (n == 0 || code > 0xff) return false;
  *out = (uint8_t)code;
  *text = span_from(*text, n);
  return true;
}

static bool take_unicode_escape(struct span *text, uint8_t *out) {
  struct span s = span_from(*text, 1);
  uint32_t code;
  if (s.n == 0 || s.p[0] != 'u') return false;
  s = span_from(s, 1);
  if (!escape_hex(&s, 4, &code) || code > 0xff) return false;
  *out = (uint8_t)code;
  *text = s;
  return true;
}

static bool take_repr_escape(struct span *text, uint8_t *out) {
  struct span s = span_from(*text, 1);
  uint8_t byte[2];
  if (escape_take(&s, byte) != 1) return false;
  *out = byte[0];
  *text = s;
  return true;
}

/* `text` is not empty. */
static bool take_byte(enum spelling how, struct span *text, uint8_t *out) {
  bool escaped = text->p[0] == '\\';
  if (how == SPELLED_UTF8) return take_utf8(text, out);
  if (how == SPELLED_RAW && escaped) return take_unicode_escape(text, out);
  if (how == SPELLED_REPR && escaped) return take_repr_escape(text, out);
  *out = text->p[0];
  *text = span_from(*text, 1);
  return true;
}

size_t spelled_bytes(enum spelling how, struct span text, uint8_t *out, size_t room) {
  size_t n = 0;
  for (; text.n; n++)
    if (n == room || !take_byte(how, &text, &out[n])) return SIZE_MAX;
  return n;
}

bool spelled_agrees(const struct spelled *s) {
  struct span rest = s->text;
  uint8_t byte;
  if (s->how == SPELLED_NOT) return true;
  for (size_t i = 0; i < s->bytes.n; i++)
    if (rest.n == 0 || !take_byte(s->how, &rest, &byte) || byte != s->bytes.p[i]) return false;
  return rest.n == 0;
}

bool spelled_take(struct spelled *s, uint64_t n, struct spelled *out) {
  struct span rest = s->text;
  uint8_t ignored;
  if (n > s->bytes.n) return false;
  for (uint64_t i = 0; s->how != SPELLED_NOT && i < n; i++)
    if (rest.n == 0 || !take_byte(s->how, &rest, &ignored)) return false;
  *out = *s;
  out->bytes = span_first(s->bytes, (size_t)n); /* at most s->bytes.n */
  out->text = span_first(s->text, s->text.n - rest.n);
  s->bytes = span_from(s->bytes, (size_t)n);
  s->text = rest;
  s->at += spelled_length(out);
  return true;
}
