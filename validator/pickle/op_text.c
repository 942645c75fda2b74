/* The text opcodes of protocol 0, with the grammars of Modules/_pickle.c (CPython 3.11). Other unpicklers
 * read some of these texts differently, which has hidden programs from scanners: what no pickler writes is
 * observed. */
#include <math.h>

#include "base/spelled.h"
#include "base/utf8.h"
#include "pickle/number_text.h"
#include "pickle/op.h"

static struct observation seen_text(const struct machine *m, enum obs_kind kind, const struct arg *arg) {
  struct observation what = seen_at(m, kind, arg);
  what.detail = shown(arg->text);
  return what;
}

/* ---- INT and LONG ---- */

/* int() takes any number of digits that need no change of base; here one limit holds for all. */
static val_id refuse_digits(struct machine *m, const struct int_text *t, const struct arg *arg) {
  if (t->base != 10) {
    refuse_room(m, OBS_LIMIT_PICKLE_NUMBER, t->num_digits, MAX_DIGITS, arg->at);
    return 0;
  }
  struct observation what = seen_at(m, OBS_PKL_NUMBER_DIGITS, arg);
  what.got = t->num_digits;
  what.want = MAX_DIGITS;
  observe(m->obs, what);
  return 0;
}

static val_id python_int(struct machine *m, struct span text, const struct arg *arg) {
  struct int_text t;
  int64_t number;
  uint8_t bytes[MAX_NUMBER_BYTES];
  struct span copy;
  if (!int_text_parse(text, 0, &t)) {
    observe(m->obs, seen_text(m, OBS_PKL_NUMBER_TEXT, arg));
    return 0;
  }
  if (t.num_digits > MAX_DIGITS) return refuse_digits(m, &t, arg);
  if (int_text_small(&t, &number)) return new_int(m, number, arg->at);
  if (!arena_copy(m->arena, span_of(bytes, int_text_bytes(&t, bytes)), &copy)) {
    refuse_memory(m);
    return 0;
  }
  return new_long(m, copy, arg->at);
}

/* load_int: strtol with base 0, where two characters that make 0 or 1 are a bool; what strtol can't read
 * whole goes to int(text, 0). */
bool op_int_text(struct machine *m, const struct arg *arg) {
  struct span text = number_text(arg->text);
  int64_t number;
  bool is_bool_text = span_is(arg->text, "00") || span_is(arg->text, "01");
  if (arg->text.n == 0) return refuse(m->obs, seen_text(m, OBS_PKL_NUMBER_TEXT, arg));
  if (!is_bool_text && !int_text_is_plain(arg->text)) observe(m->obs, seen_text(m, OBS_PKL_ODD_NUMBER, arg));
  if (!strtol_whole(text, &number)) return push(m, python_int(m, text, arg));
  if (arg->text.n == 2 && (number == 0 || number == 1))
    return push(m, constant(m, number ? ID_TRUE : ID_FALSE, arg->at));
  return push(m, new_int(m, number, arg->at));
}

/* load_long: one L may end the line. */
bool op_long_text(struct machine *m, const struct arg *arg) {
  struct span line = arg->text;
  if (span_ends(line, SPAN("L"))) line = span_first(line, line.n - 1);
  if (!int_text_is_plain(line)) observe(m->obs, seen_text(m, OBS_PKL_ODD_NUMBER, arg));
  return push(m, python_int(m, number_text(line), arg));
}

/* ---- FLOAT ---- */

/* C's unpickler reads to a NUL, the Python one takes spaces and underscores: whoever goes on, goes on here.
 */
bool op_float_text(struct machine *m, const struct arg *arg) {
  struct span line = number_text(arg->text);
  char copy[MAX_DIGITS + 1];
  if (line.n > MAX_DIGITS) return refuse_room(m, OBS_LIMIT_PICKLE_NUMBER, line.n, MAX_DIGITS, arg->at);
  struct span text = span_of(copy, float_text_plain(line, copy));
  if (!float_text_is_valid(text)) return refuse(m->obs, seen_text(m, OBS_PKL_NUMBER_TEXT, arg));
  if (text.n < arg->text.n) observe(m->obs, seen_text(m, OBS_PKL_ODD_NUMBER, arg));
  copy[text.n] = '\0';
  struct arg read = *arg;
  read.real = strtod(copy, NULL); /* the grammar is checked, and the locale is "C" */
  bool written_infinite = memchr(copy, 'n', text.n) || memchr(copy, 'N', text.n);
  if (isinf(read.real) && !written_infinite) return refuse(m->obs, seen_text(m, OBS_PKL_FLOAT_RANGE, arg));
  return op_float(m, &read);
}

/* ---- STRING: a Python 2 repr ---- */

static bool decode_escapes(struct span s, uint8_t *out, size_t *n) {
  *n = 0;
  while (s.n) {
    size_t wrote = 1;
    uint8_t c = s.p[0];
    s = span_from(s, 1);
    if (c == '\\')
      wrote = escape_take(&s, out + *n);
    else
      out[*n] = c;
    if (wrote == 0) return false;
    *n += wrote;
  }
  return true;
}

bool op_string_text(struct machine *m, const struct arg *arg) {
  struct span s = arg->text;
  bool quoted = s.n >= 2 && s.p[0] == s.p[s.n - 1] && (s.p[0] == '\'' || s.p[0] == '"');
  if (!quoted) return refuse_op(m, OBS_PKL_STRING_QUOTES, arg);
  s = span_first(span_from(s, 1), s.n - 2);
  if (s.n == 0 || !memchr(s.p, '\\', s.n)) return push(m, new_python2_string(m, s, arg));
  uint8_t *out = arena_array(m->arena, s.n, uint8_t);
  if (!out) return refuse_memory(m);
  size_t n;
  if (!decode_escapes(s, out, &n)) return refuse_op(m, OBS_PKL_STRING_ESCAPE, arg);
  return push(m, new_python2_string(m, span_of(out, n), arg));
}

/* ---- UNICODE: raw-unicode-escape, that is Latin-1 with \uXXXX and \UXXXXXXXX ---- */

static bool decode_raw_unicode(struct span s, uint8_t *out, size_t *n) {
  *n = 0;
  while (s.n) {
    uint32_t code = s.p[0];
    uint8_t next = s.n > 1 ? s.p[1] : 0;
    s = span_from(s, 1);
    if (code == '\\' && (next == 'u' || next == 'U')) {
      s = span_from(s, 1);
      if (!escape_hex(&s, next == 'u' ? 4 : 8, &code) || code > 0x10ffff) return false;
    } else if (code == '\\' && s.n) { /* "\\" keeps the second backslash from starting an escape */
      out[(*n)++] = '\\';
      code = next;
      s = span_from(s, 1);
    }
    *n += utf8_encode(out + *n, code);
  }
  return true;
}

bool is_ascii(struct span text) {
  for (size_t i = 0; i < text.n; i++)
    if (text.p[i] > 0x7f) return false;
  return true;
}

bool op_unicode_text(struct machine *m, const struct arg *arg) {
  struct span s = arg->text;
  size_t n;
  if (s.n == 0 || (is_ascii(s) && !memchr(s.p, '\\', s.n)))
    return push(m, new_bytes(m, VAL_TEXT, s, arg->at));
  uint8_t *out = arena_alloc(m->arena, s.n, 2, 1); /* a Latin-1 byte becomes two, nothing grows more */
  if (!out) return refuse_memory(m);
  if (!decode_raw_unicode(s, out, &n)) return refuse_op(m, OBS_PKL_STRING_ESCAPE, arg);
  return push(m, new_bytes(m, VAL_TEXT, span_of(out, n), arg->at));
}
