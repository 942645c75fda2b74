#include "pickle/python_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/real.h"
#include "base/utf8.h"

void py_put(struct py_text *t, struct span s) {
  size_t n = min_size(sizeof t->bytes - t->n, s.n);
  // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a span with bytes has a place
  if (n) memcpy(t->bytes + t->n, s.p, n);
  t->n += n;
}

void py_str(struct py_text *t, const char *s) { py_put(t, span_str(s)); }

void py_format(struct py_text *t, const char *format, ...) {
  char room[128];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(room, sizeof room, format, args);
  va_end(args);
  if (n > 0) py_put(t, span_of(room, min_size((size_t)n, sizeof room - 1)));
}

/* 1234567 as 1,234,567. */
static void py_count(struct py_text *t, uint64_t n) {
  char digits[24];
  int len = snprintf(digits, sizeof digits, "%ju", (uintmax_t)n);
  for (int i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0) py_str(t, ",");
    py_put(t, span_of(&digits[i], 1));
  }
}

/* ---- strings ---- */

/* How much of a string is shown: little once the line is long. */
static size_t string_room(const struct py_text *t) { return t->n > PY_LINE ? 16 : PY_STRING; }

static void put_escape(struct py_text *t, uint32_t code) {
  switch (code) {
  case '\'': py_str(t, "\\'"); return;
  case '\\': py_str(t, "\\\\"); return;
  case '\n': py_str(t, "\\n"); return;
  case '\r': py_str(t, "\\r"); return;
  case '\t': py_str(t, "\\t"); return;
  }
  py_format(t, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
}

static bool stands_as_it_is(uint32_t code, bool is_text) {
  if (code == '\'' || code == '\\' || code < 0x20 || code == 0x7f) return false;
  return code < 0x7f || (is_text && code >= 0xa0 && (code < 0xd800 || code > 0xdfff));
}

void py_string(struct py_text *t, const char *prefix, struct span s) {
  size_t room = string_room(t), total = s.n;
  bool is_text = prefix[0] == 0;
  py_str(t, prefix);
  py_str(t, "'");
  while (s.n && total - s.n < room) {
    uint32_t code = s.p[0];
    size_t takes = is_text ? utf8_decode(s, UTF8_SURROGATEPASS, &code) : 1;
    if (takes == 0) takes = 1; /* texts of the machine are UTF-8; names need not be */
    if (stands_as_it_is(code, is_text))
      py_put(t, span_first(s, takes));
    else
      put_escape(t, code);
    s = span_from(s, takes);
  }
  if (s.n) {
    py_str(t, "…(+");
    py_count(t, s.n);
    py_str(t, " bytes)");
  }
  py_str(t, "'");
}

/* ---- numbers ---- */

/* The shortest of these that is the same number again, as repr() has it. */
static void put_real(struct py_text *t, double x) {
  char digits[REAL_ROOM];
  if (isnan(x) || isinf(x)) {
    py_str(t, isnan(x) ? "float('nan')" : x > 0 ? "float('inf')" : "float('-inf')");
    return;
  }
  real_shortest(digits, x);
  py_str(t, digits);
  if (!strpbrk(digits, ".e")) py_str(t, ".0");
}

/* Two's complement, lowest byte first, as hexadecimal digits: decimal ones are quadratic work. */
static void put_big(struct py_text *t, struct span n) {
  bool negative = n.n && n.p[n.n - 1] & 0x80, leading = true;
  size_t room = string_room(t);
  size_t zeros = 0; /* the negative of a number flips all bytes above its lowest that is not zero */
  while (negative && zeros < n.n && n.p[zeros] == 0) zeros++;
  py_str(t, negative ? "-0x" : "0x");
  for (size_t i = n.n; i > 0; i--) {
    if (n.n - i == room) {
      py_str(t, "…(+");
      py_count(t, i);
      py_str(t, " bytes)");
      return;
    }
    uint8_t byte = n.p[i - 1];
    if (negative && i - 1 >= zeros) byte = (uint8_t)(i - 1 == zeros ? 0x100 - byte : 0xff - byte);
    if (leading && byte == 0 && i > 1) continue;
    py_format(t, leading ? "%x" : "%02x", byte);
    leading = false;
  }
}

/* ---- values ---- */

static void put_global(struct py_text *t, const struct global *g) {
  py_put(t, span_first(g->mapped_module, PY_STRING));
  py_str(t, ".");
  py_put(t, span_first(g->mapped_name, PY_STRING));
}

static bool put_scalar(struct py_text *t, val_id v) {
  const struct value *x = value_of(t->machine, v);
  switch ((enum value_kind)x->kind) {
  case VAL_NONE: py_str(t, "None"); return true;
  case VAL_BOOL: py_str(t, x->truth ? "True" : "False"); return true;
  case VAL_INT: py_format(t, "%jd", (intmax_t)x->number); return true;
  case VAL_FLOAT: put_real(t, x->real); return true;
  case VAL_BIGINT: put_big(t, value_bytes(t->machine, v)); return true;
  case VAL_TEXT: py_string(t, "", value_bytes(t->machine, v)); return true;
  case VAL_BYTES:
  case VAL_PYSTRING: py_string(t, "b", value_bytes(t->machine, v)); return true;
  case VAL_BYTEARRAY:
    py_str(t, "bytearray(");
    py_string(t, "b", value_bytes(t->machine, v));
    py_str(t, ")");
    return true;
  case VAL_GLOBAL: put_global(t, value_global(t->machine, v)); return true;
  case VAL_TUPLE:
  case VAL_LIST:
  case VAL_SET:
  case VAL_FROZENSET:
  case VAL_DICT: return false;
  case VAL_ABSENT:
  case VAL_OBJECT: /* these always have variables */
  case VAL_PERSID:
  case VAL_EXTENSION: break;
  }
  py_str(t, "...");
  return true;
}

struct brackets {
  const char *open, *close, *empty;
};
static const struct brackets brackets_of[] = {
    [VAL_TUPLE] = {"(", ")", "()"},  [VAL_LIST] = {"[", "]", "[]"},
    [VAL_SET] = {"{", "}", "set()"}, [VAL_FROZENSET] = {"frozenset({", "})", "frozenset()"},
    [VAL_DICT] = {"{", "}", "{}"},
};

/* A container that is being written: a walk without recursion, as deep as PY_DEPTH. */
struct open_container {
  const val_id *items;
  uint32_t n, i;
  bool pairs, comma; /* comma: behind the single item of a tuple */
  const char *close;
};
struct walk {
  struct open_container open[PY_DEPTH];
  uint32_t depth;
};

static void put_rest(struct py_text *t, const struct open_container *c) {
  py_str(t, c->i ? ", … " : "… ");
  py_count(t, (c->n - c->i) / (c->pairs ? 2 : 1));
  py_str(t, c->i ? " more" : " items");
}

static void open_items(struct py_text *t, struct walk *w, const char *open, struct open_container c) {
  py_str(t, open);
  if (w->depth < PY_DEPTH && (t->n <= PY_LINE || c.n == 0)) {
    w->open[w->depth++] = c;
    return;
  }
  put_rest(t, &c);
  py_str(t, c.close);
}

static void open_value(struct py_text *t, struct walk *w, val_id v) {
  uint32_t n = value_count(t->machine, v);
  const struct brackets *b = &brackets_of[kind_of(t->machine, v)];
  if (n == 0) {
    py_str(t, b->empty);
    return;
  }
  open_items(t, w, b->open,
             (struct open_container){.items = t->machine->links.p + value_of(t->machine, v)->seq.first,
                                     .n = n,
                                     .pairs = kind_of(t->machine, v) == VAL_DICT,
                                     .comma = kind_of(t->machine, v) == VAL_TUPLE && n == 1,
                                     .close = b->close});
}

static void put_item(struct py_text *t, struct walk *w, val_id v) {
  uint32_t variable = py_variable(t, v);
  if (variable)
    py_format(t, "_var%u", variable - 1);
  else if (!put_scalar(t, v))
    open_value(t, w, v);
}

static void walk_on(struct py_text *t, struct walk *w) {
  while (w->depth) {
    struct open_container *c = &w->open[w->depth - 1];
    bool at_key = !c->pairs || c->i % 2 == 0;
    bool cut = at_key && c->i < c->n && (c->i >= PY_ITEMS * (c->pairs ? 2u : 1u) || t->n > PY_LINE);
    if (c->i < c->n && !cut) {
      py_str(t, c->i == 0 ? "" : at_key ? ", " : ": ");
      put_item(t, w, c->items[c->i++]);
      continue;
    }
    if (cut) put_rest(t, c);
    if (c->comma) py_str(t, ",");
    py_str(t, c->close);
    w->depth--;
  }
}

void py_items(struct py_text *t, const char *open, const val_id *items, uint32_t n, bool pairs,
              const char *close) {
  struct walk w = {.depth = 0};
  open_items(t, &w, open, (struct open_container){.items = items, .n = n, .pairs = pairs, .close = close});
  walk_on(t, &w);
}

void py_literal(struct py_text *t, val_id v) {
  struct walk w = {.depth = 0};
  if (!put_scalar(t, v)) open_value(t, &w, v);
  walk_on(t, &w);
}

void py_value(struct py_text *t, val_id v) {
  struct walk w = {.depth = 0};
  put_item(t, &w, v);
  walk_on(t, &w);
}
