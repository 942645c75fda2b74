/* Constants, and numbers and strings in binary form. */
#include "base/utf8.h"
#include "pickle/op.h"

bool op_none(struct machine *m, const struct arg *arg) { return push(m, constant(m, ID_NONE, arg->at)); }
bool op_true(struct machine *m, const struct arg *arg) { return push(m, constant(m, ID_TRUE, arg->at)); }
bool op_false(struct machine *m, const struct arg *arg) { return push(m, constant(m, ID_FALSE, arg->at)); }
bool op_int(struct machine *m, const struct arg *arg) { return push(m, new_int(m, arg->number, arg->at)); }

bool op_float(struct machine *m, const struct arg *arg) {
  val_id v = new_value(m, VAL_FLOAT, arg->at);
  if (v) m->values.p[v].real = arg->real;
  return push(m, v);
}

/* ---- LONG1, LONG4: little-endian two's complement; longer than need be is allowed ---- */

static bool is_negative(struct span n) { return n.n && n.p[n.n - 1] & 0x80; }

/* Without the bytes that only repeat the sign. */
static struct span minimal(struct span n) {
  uint8_t fill = is_negative(n) ? 0xff : 0;
  while (n.n > 1 && n.p[n.n - 1] == fill && ((n.p[n.n - 2] ^ fill) & 0x80) == 0) n.n--;
  return n;
}

static int64_t small(struct span n) {
  uint64_t bits = is_negative(n) ? UINT64_MAX : 0;
  for (size_t i = n.n; i > 0; i--) bits = (bits & UINT64_MAX >> 8) << 8 | n.p[i - 1];
  int64_t number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

val_id new_long(struct machine *m, struct span bytes, uint32_t at) {
  struct span n = minimal(bytes);
  return n.n <= 8 ? new_int(m, small(n), at) : new_bytes(m, VAL_BIGINT, n, at);
}

bool op_long(struct machine *m, const struct arg *arg) {
  if (arg->text.n > m->max->pickle_int_bytes)
    return refuse_room(m, OBS_LIMIT_PICKLE_NUMBER, arg->text.n, m->max->pickle_int_bytes, arg->at);
  return push(m, new_long(m, arg->text, arg->at));
}

/* ---- strings and bytes: spans of the program ---- */

bool op_bytes(struct machine *m, const struct arg *arg) {
  return push(m, new_bytes(m, VAL_BYTES, arg->text, arg->at));
}

bool op_bytearray(struct machine *m, const struct arg *arg) {
  return push(m, new_bytes(m, VAL_BYTEARRAY, arg->text, arg->at));
}

bool op_unicode(struct machine *m, const struct arg *arg) {
  if (!utf8_valid(arg->text, UTF8_SURROGATEPASS)) return refuse_op(m, OBS_PKL_UTF8, arg);
  return push(m, new_bytes(m, VAL_TEXT, arg->text, arg->at));
}

/* A Python 2 str. torch.load decodes it as UTF-8 unless told otherwise; what is not UTF-8 needs
 * encoding='latin1'. */
val_id new_python2_string(struct machine *m, struct span bytes, const struct arg *arg) {
  if (utf8_valid(bytes, UTF8_STRICT)) return new_bytes(m, VAL_TEXT, bytes, arg->at);
  observe(m->obs, seen_at(m, OBS_PKL_PY2_BYTES, arg));
  return new_bytes(m, VAL_PYSTRING, bytes, arg->at);
}

bool op_string(struct machine *m, const struct arg *arg) {
  return push(m, new_python2_string(m, arg->text, arg));
}

/* ---- PEP 574 ---- */

bool op_next_buffer(struct machine *m, const struct arg *arg) {
  return refuse_op(m, OBS_PKL_OUT_OF_BAND, arg);
}

/* A read-only view of a bytearray holds what bytes hold. Whether what was called or imported has a buffer is
 * not in the program: no pickler writes this opcode behind it (those in C and in Python write the bytes
 * themselves), and a loader raises over most of what there is. */
bool op_readonly_buffer(struct machine *m, const struct arg *arg) {
  val_id v = arg->items[0];
  if (kind_of(m, v) == VAL_BYTEARRAY) return push(m, new_bytes(m, VAL_BYTES, value_bytes(m, v), arg->at));
  if (kind_of(m, v) == VAL_BYTES) return push(m, v);
  observe(m->obs, seen_at(m, OBS_PKL_NOT_BUFFER, arg));
  return is_symbolic(m, v) && push(m, v);
}
