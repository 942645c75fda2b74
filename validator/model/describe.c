/* Calls and names in Python's notation, for messages. The text holds bytes of the file: only a writer shows
 * it. */
#include "model/call.h"

enum { STRING_MAX = 100, NEST_MAX = 3 };

struct text {
  char bytes[DESCRIBE_MAX];
  size_t n;
};

static void put(struct text *t, struct span s) {
  size_t room = DESCRIBE_MAX - t->n;
  size_t n = min_size(room, s.n);
  if (n) memcpy(t->bytes + t->n, s.p, n);
  t->n += n;
}

static void put_string(struct text *t, const char *prefix, struct span s) {
  put(t, span_str(prefix));
  put(t, SPAN("'"));
  put(t, span_first(s, STRING_MAX));
  put(t, s.n > STRING_MAX ? SPAN("…'") : SPAN("'"));
}

static void put_number(struct text *t, const struct value *v) {
  char digits[40];
  int n = v->kind == VAL_FLOAT ? snprintf(digits, sizeof digits, "%g", v->real)
                               : snprintf(digits, sizeof digits, "%lld", (long long)v->number);
  put(t, span_of(digits, n > 0 ? (size_t)n : 0));
}

static void put_global(struct text *t, const struct global *g) {
  if (!span_is(g->mapped_module, "builtins")) {
    put(t, g->mapped_module);
    put(t, SPAN("."));
  }
  put(t, g->mapped_name);
}

/* One argument; containers and inner calls only by their outside, so that no walk follows the input. */
static void put_value(struct text *t, const struct machine *m, val_id v) {
  const struct value *x = value_of(m, v);
  switch ((enum value_kind)x->kind) {
  case VAL_ABSENT: put(t, SPAN("?")); return;
  case VAL_NONE: put(t, SPAN("None")); return;
  case VAL_BOOL: put(t, x->truth ? SPAN("True") : SPAN("False")); return;
  case VAL_INT:
  case VAL_FLOAT: put_number(t, x); return;
  case VAL_BIGINT: put(t, SPAN("<big int>")); return;
  case VAL_TEXT: put_string(t, "", value_bytes(m, v)); return;
  case VAL_BYTES:
  case VAL_PYSTRING:
  case VAL_BYTEARRAY: put_string(t, "b", value_bytes(m, v)); return;
  case VAL_TUPLE: put(t, value_count(m, v) ? SPAN("(…)") : SPAN("()")); return;
  case VAL_LIST: put(t, value_count(m, v) ? SPAN("[…]") : SPAN("[]")); return;
  case VAL_SET:
  case VAL_FROZENSET: put(t, SPAN("{…}")); return;
  case VAL_DICT: put(t, value_count(m, v) ? SPAN("{…: …}") : SPAN("{}")); return;
  case VAL_GLOBAL: put_global(t, value_global(m, v)); return;
  case VAL_PERSID: put(t, SPAN("<storage>")); return;
  case VAL_EXTENSION: put(t, SPAN("<extension>")); return;
  case VAL_OBJECT: break;
  }
  const struct object *o = value_object(m, v);
  if (kind_of(m, o->callee) == VAL_GLOBAL) put_global(t, value_global(m, o->callee));
  put(t, SPAN("(…)"));
}

static void put_args(struct text *t, const struct machine *m, val_id args) {
  put(t, SPAN("("));
  for (uint32_t i = 0; i < value_count(m, args) && t->n < DESCRIBE_MAX; i++) {
    if (i) put(t, SPAN(", "));
    put_value(t, m, value_item(m, args, i));
  }
  put(t, SPAN(")"));
}

/* The callee: a name, or what made it, at most NEST_MAX calls deep. */
static void put_callee(struct text *t, const struct machine *m, val_id callee) {
  val_id chain[NEST_MAX];
  uint32_t n = 0;
  while (n < NEST_MAX && kind_of(m, callee) == VAL_OBJECT) {
    chain[n++] = callee;
    callee = value_object(m, callee)->callee;
  }
  put_value(t, m, callee);
  for (; n > 0; n--) put_args(t, m, value_object(m, chain[n - 1])->args);
}

struct span describe_call(const struct call *c, enum obs_kind kind) {
  struct text t = {.n = 0};
  struct span out = SPAN("");
  if (!will_list(c->cp->obs, kind)) return out;
  put_callee(&t, c->m, value_object(c->m, c->object)->callee);
  put_args(&t, c->m, c->args);
  (void)!arena_copy(c->cp->arena, span_of(t.bytes, t.n), &out);
  return out;
}

struct span describe_value(const struct machine *m, val_id v, char out[DESCRIBE_MAX]) {
  struct text t = {.n = 0};
  put_value(&t, m, v);
  memcpy(out, t.bytes, t.n);
  return span_of(out, t.n);
}
