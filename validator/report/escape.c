#include "report/escape.h"

#include <stdio.h>

#include "base/utf8.h"

struct range {
  uint32_t first, last;
};

static const struct range hidden[] = {
#define HIDDEN(first, last) {first, last},
#include "report/hidden.def"
#undef HIDDEN
};
/* What terminals draw two columns wide: the blocks of UAX #11 that matter, not its every exception. */
static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};
static const struct range combining[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},
                                         {0x064b, 0x065f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                                         {0x20d0, 0x20ff}, {0xfe20, 0xfe2f}};

static bool listed(const struct range *list, size_t n, uint32_t code) {
  for (size_t i = 0; i < n && list[i].first <= code; i++)
    if (code <= list[i].last) return true;
  return false;
}

/* One unit of visible text: a character as it stands, or an escape. */
struct unit {
  size_t takes; /* bytes of the input */
  size_t n;     /* bytes shown */
  bool exact;
  char text[12];
};

static struct unit escaped(const char *letter, int digits, uint32_t code, size_t takes) {
  struct unit u = {.takes = takes};
  u.n = (size_t)snprintf(u.text, sizeof u.text, "\\%s%0*x", letter, digits, code);
  return u;
}

/* The first unit of a text that is not empty. */
static struct unit next_unit(struct span in) {
  uint32_t code;
  size_t n = utf8_decode(in, UTF8_STRICT, &code);
  if (n == 0) return escaped("x", 2, in.p[0], 1);
  if (listed(hidden, ARRAY_LEN(hidden), code))
    return code < 0x80      ? escaped("x", 2, code, n)
           : code < 0x10000 ? escaped("u", 4, code, n)
                            : escaped("U", 8, code, n);
  struct unit u = {.takes = n, .n = n, .exact = true};
  memcpy(u.text, in.p, n);
  return u;
}

static size_t plain_run(struct span in) {
  size_t n = 0;
  while (n < in.n && in.p[n] >= 0x20 && in.p[n] < 0x7f) n++;
  return n;
}

void escape_visible(struct out *o, struct span in, size_t max) {
  for (size_t used = 0; in.n > 0;) {
    size_t run = plain_run(span_first(in, max - used));
    out_span(o, span_first(in, run));
    used += run;
    in = span_from(in, run);
    if (in.n == 0) return;
    struct unit u = next_unit(in);
    if (u.n > max - used) {
      out_format(o, "…(+%zu bytes)", in.n);
      return;
    }
    out_span(o, span_of(u.text, u.n));
    used += u.n;
    in = span_from(in, u.takes);
  }
}

bool escape_is_exact(struct span in, size_t max) {
  if (in.n > max) return false;
  while (in.n > 0) {
    struct unit u = next_unit(in);
    if (!u.exact) return false;
    in = span_from(in, u.takes);
  }
  return true;
}

/* RFC 8259 section 7: quote, backslash and C0 must be escaped. DEL, and the two separators that older
 * JavaScript takes for line ends, are escaped as well. NULL: the character may stand as it is. */
static const char *json_escape(uint32_t code, char room[8]) {
  switch (code) {
  case '"': return "\\\"";
  case '\\': return "\\\\";
  case '\n': return "\\n";
  case '\r': return "\\r";
  case '\t': return "\\t";
  }
  if (code >= 0x20 && code != 0x7f && code != 0x2028 && code != 0x2029) return NULL;
  (void)snprintf(room, 8, "\\u%04x", code & 0xffffu);
  return room;
}

void escape_json(struct out *o, struct span in) {
  out_str(o, "\"");
  while (in.n > 0) {
    uint32_t code = 0;
    char room[8];
    size_t n = utf8_decode(in, UTF8_STRICT, &code);
    const char *escape = n == 0 ? "\\ufffd" : json_escape(code, room);
    if (escape)
      out_str(o, escape);
    else
      out_span(o, span_first(in, n));
    in = span_from(in, n ? n : 1);
  }
  out_str(o, "\"");
}

void escape_ascii(struct out *o, struct span visible) {
  while (visible.n > 0) {
    uint32_t code = 0;
    size_t n = utf8_decode(visible, UTF8_STRICT, &code);
    if (n == 1)
      out_span(o, span_first(visible, 1));
    else
      out_format(o, code < 0x10000 ? "\\u%04x" : "\\U%08x", n ? code : 0xfffdu);
    visible = span_from(visible, n ? n : 1);
  }
}

void escape_base64(struct out *o, struct span in) {
  enum { PAD = 64 };
  static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  for (; in.n > 0; in = span_from(in, 3)) {
    uint32_t bits = (uint32_t)in.p[0] << 16;
    if (in.n > 1) bits |= (uint32_t)in.p[1] << 8;
    if (in.n > 2) bits |= in.p[2];
    const char four[4] = {digit[bits >> 18], digit[bits >> 12 & 63], digit[in.n > 1 ? bits >> 6 & 63 : PAD],
                          digit[in.n > 2 ? bits & 63 : PAD]};
    out_span(o, span_of(four, sizeof four));
  }
}

size_t visible_width(struct span visible) {
  size_t columns = 0;
  while (visible.n > 0) {
    uint32_t code = 0;
    size_t n = utf8_decode(visible, UTF8_STRICT, &code);
    if (listed(wide, ARRAY_LEN(wide), code))
      columns += 2;
    else if (!listed(combining, ARRAY_LEN(combining), code))
      columns += 1;
    visible = span_from(visible, n ? n : 1);
  }
  return columns;
}
