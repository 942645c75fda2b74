/* Objects that are equal to a plain value and have its hash: in a dict they are the same key, and the later
 * value is what a reader finds under it. */
#include "base/reader.h"
#include "base/utf8.h"
#include "model/call.h"

/* The characters of 4 bytes, without the zeros behind them. */
struct span np_utf8(const struct call *c, const struct np_dtype *dt, struct span s) {
  while (s.n >= 4 && memcmp(s.p + s.n - 4, "\0\0\0", 4) == 0) s.n -= 4;
  uint8_t *out = spend(c->cp, s.n, c->at) ? arena_alloc(c->cp->arena, s.n, 1, 1) : NULL;
  size_t n = 0;
  for (size_t i = 0; out && i + 4 <= s.n; i += 4) {
    uint32_t code = load_u32le(s.p + i);
    if (dt->big_endian) code = __builtin_bswap32(code);
    if (code > 0x10ffff) return SPAN(""); /* numpy makes no text of it */
    n += utf8_encode(out + n, code);
  }
  return span_of(out, n);
}

static val_id np_text(const struct checkpoint *cp, const struct machine *m, val_id scalar) {
  const struct np_dtype *dt = np_dtype_of(cp, m, value_item(m, value_object(m, scalar)->args, 0));
  return dt && dt->kind == 'U' ? built_of(cp, m, scalar)->index + 1 : 0;
}

/* An instance of a subclass of str or int, numpy's text, a UserString: the key that it is. */
val_id on_equal(void *ctx, const struct machine *m, val_id object) {
  struct checkpoint *cp = ctx;
  const struct built *b = built_of(cp, m, object);
  const struct object *o = value_object(m, object);
  val_id equal = 0;
  if (!b) return 0;
  if (b->kind == BUILT_NP_SCALAR) return np_text(cp, m, object);
  if (b->kind != BUILT_RECORD) return 0;
  if (is_reconstructed(cp, m, o))
    equal = value_item(m, o->args, 2);
  else if (value_count(m, o->args) == 1 &&
           (o->origin == BY_NEWOBJ || (b->row && strcmp(b->row->name, "UserString") == 0)))
    equal = value_item(m, o->args, 0);
  return kind_of(m, equal) == VAL_TEXT || kind_of(m, equal) == VAL_INT ? equal : 0;
}
