/* What lies in a value, in the order of the program, and under which keys. */
#include "model/emit_values.h"

static void add_segment(const struct machine *m, struct frame *f, enum segment_kind kind, val_id v) {
  uint32_t n = value_count(m, v);
  if (kind == SEGMENT_PAIRS) n /= 2;
  if (v && n && f->num_segments < SEGMENTS_MAX) f->segments[f->num_segments++] = (struct segment){kind, v, n};
}

static bool is_items(enum value_kind k) {
  return k == VAL_DICT || k == VAL_LIST || k == VAL_TUPLE || k == VAL_SET || k == VAL_FROZENSET;
}

/* A list, tuple or dict as whatever it is. */
static void add_container(const struct machine *m, struct frame *f, val_id v) {
  enum value_kind k = kind_of(m, v);
  if (is_items(k)) add_segment(m, f, k == VAL_DICT ? SEGMENT_PAIRS : SEGMENT_ITEMS, v);
}

/* The attributes of a part of a state: a dict, also one made by a call. */
static val_id fields_of(const struct checkpoint *cp, const struct machine *m, val_id part) {
  const struct built *b = built_of(cp, m, part);
  return b && b->kind == BUILT_DICT ? value_object(m, part)->items : part;
}

/* A state: attributes, or (attributes, slots), or whatever __setstate__ of the class would take. */
static void add_state(const struct checkpoint *cp, const struct machine *m, struct frame *f, val_id state) {
  bool slots = kind_of(m, state) == VAL_TUPLE && value_count(m, state) == 2 &&
               kind_of(m, fields_of(cp, m, value_item(m, state, 1))) == VAL_DICT;
  for (uint32_t i = 0; i < (slots ? 2 : 1); i++) {
    val_id part = fields_of(cp, m, slots ? value_item(m, state, i) : state);
    bool whole = value_count(m, part) == 0 && kind_of(m, part) != VAL_NONE && !is_items(kind_of(m, part));
    if (part && whole && f->num_segments < SEGMENTS_MAX)
      f->segments[f->num_segments++] = (struct segment){SEGMENT_STATE, part, 1};
    add_container(m, f, part);
  }
}

/* Of more states than picklers write (observed) the first few. */
static void add_record(const struct checkpoint *cp, const struct machine *m, struct frame *f,
                       const struct object *o, bool with_args) {
  enum { STATES = 2 };
  if (with_args) add_segment(m, f, SEGMENT_ARGS, o->args);
  for (uint32_t i = 0; i < value_count(m, o->states) && i < STATES; i++)
    add_state(cp, m, f, value_item(m, o->states, i));
  add_segment(m, f, SEGMENT_PAIRS, o->items);
  add_segment(m, f, SEGMENT_ITEMS, o->appended);
}

/* Of a tensor class that holds its data in attributes: what rebuilds it, where that is a dict, and the
 * attributes. */
static void add_typed(const struct checkpoint *cp, const struct machine *m, struct frame *f,
                      const struct object *o) {
  val_id args = value_item(m, o->args, 2);
  if (value_count(m, args) == 1) add_container(m, f, value_item(m, args, 0));
  add_state(cp, m, f, value_item(m, o->args, 3));
}

/* Objects, or bytes. */
static void add_array(const struct checkpoint *cp, const struct machine *m, struct frame *f, val_id v) {
  const struct np_array *array = array_of(cp, m, v);
  if (!array)
    add_record(cp, m, f, value_object(m, v), false);
  else if (kind_of(m, array->data) == VAL_LIST)
    add_segment(m, f, SEGMENT_ITEMS, array->data);
  else
    f->segments[f->num_segments++] = (struct segment){SEGMENT_DATA, array->data, 1};
}

static void add_object(const struct checkpoint *cp, const struct machine *m, struct frame *f, val_id v) {
  const struct object *o = value_object(m, v);
  const struct built *b = built_of(cp, m, v);
  switch (b ? (enum built_kind)b->kind : BUILT_NOTHING) {
  case BUILT_DICT: add_segment(m, f, SEGMENT_PAIRS, o->items); return;
  case BUILT_LIST:
  case BUILT_SET:
  case BUILT_SIZE:
    if (value_count(m, o->args)) add_container(m, f, value_item(m, o->args, 0));
    add_segment(m, f, SEGMENT_ITEMS, o->appended);
    return;
  case BUILT_NOTHING:
  case BUILT_UNREAD:
  case BUILT_REFUSED: add_record(cp, m, f, o, true); return;
  case BUILT_RECORD:
    if (is_typed(cp, m, o)) {
      add_typed(cp, m, f, o);
      return;
    }
    if (is_reconstructed(cp, m, o) && kind_of(m, value_item(m, o->args, 2)) != VAL_DICT)
      add_container(m, f, value_item(m, o->args, 2));
    add_record(cp, m, f, o, !is_reconstructed(cp, m, o));
    return;
  case BUILT_NP_ARRAY: add_array(cp, m, f, v); return;
  case BUILT_COMPLEX: add_segment(m, f, SEGMENT_ARGS, o->args); return;
  case BUILT_TENSOR:
    f->segments[f->num_segments++] =
        (struct segment){SEGMENT_PARTS, v, tensor_num_parts(cp, m, fact_of(cp, m, v))};
    return;
  case BUILT_BYTES:
  case BUILT_DEVICE:
  case BUILT_LAYOUT:
  case BUILT_NP_DTYPE:
  case BUILT_STORAGE:
  case BUILT_PROGRAM:
  case BUILT_NP_SCALAR: return;
  }
}

void open_frame(const struct walk *k, struct frame *f, val_id v) {
  f->num_segments = 0;
  if (kind_of(k->m, v) == VAL_OBJECT)
    add_object(k->cp, k->m, f, v);
  else
    add_container(k->m, f, v);
}

static struct span decimal(char out[SCRATCH], const char *prefix, int64_t n) {
  int len = snprintf(out, SCRATCH, "%s%lld", prefix, (long long)n);
  return span_of(out, len > 0 ? (size_t)len : 0);
}

/* A dict key as text. */
static struct span key_text(const struct walk *k, val_id key, char scratch[SCRATCH]) {
  const struct value *x = value_of(k->m, key);
  if (value_is_string(k->m, key)) return value_bytes(k->m, key);
  if (x->kind == VAL_INT) return decimal(scratch, "", x->number);
  if (x->kind == VAL_BOOL) return x->truth ? SPAN("True") : SPAN("False");
  return describe_value(k->m, key, scratch); /* Python's notation of anything else */
}

val_id child_at(const struct walk *k, const struct frame *f, char scratch[SCRATCH], struct span *key) {
  const struct segment *s = &f->segments[f->segment];
  struct plan_value *row = row_at(k, f->row);
  switch (s->kind) {
  case SEGMENT_ITEMS: *key = decimal(scratch, "", f->next); return value_item(k->m, s->v, f->next);
  case SEGMENT_ARGS: *key = decimal(scratch, "__arg", f->next); return value_item(k->m, s->v, f->next);
  case SEGMENT_PAIRS:
    if (row->kind == PLAN_VAL_DICT && !value_is_string(k->m, value_item(k->m, s->v, 2 * f->next)))
      row->number |= PLAN_DICT_OTHER_KEYS;
    *key = key_text(k, value_item(k->m, s->v, 2 * f->next), scratch);
    return value_item(k->m, s->v, 2 * f->next + 1);
  case SEGMENT_STATE: *key = SPAN("__state"); return s->v;
  case SEGMENT_KEY: *key = SPAN("__key"); return s->v;
  case SEGMENT_DATA: *key = SPAN("data"); return s->v;
  case SEGMENT_PARTS: return tensor_part(k->cp, k->m, fact_of(k->cp, k->m, s->v), f->next, key);
  }
  *key = SPAN("?");
  return 0;
}
