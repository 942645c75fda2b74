/* Functions that a program keeps as values: methods and functions taken by getattr, functools.partial.
 * Loading calls none of them by itself; but a class may ask an object for its text, its hash, its items or
 * its keys, and what it asks looks for attributes (torch.nn.Module's repr calls extra_repr). So an object
 * that keeps a function is given to nothing that might ask (threats A09). */
#include "model/call.h"

bool is_shared(const struct global_row *row) { return row && row->builder == BUILD_SHARED; }

/* getattr(Enumeration, 'MEMBER') is none: it is what a call of the enumeration would be. */
static bool is_kept(struct checkpoint *cp, const struct machine *m, val_id v, const struct built *b,
                    uint32_t at) {
  (void)at;
  if (!b || !is_attribute(b)) return b && is_partial(b);
  val_id args = value_object(m, v)->args;
  const struct global_row *owner = value_count(m, args) ? row_of(cp, m, value_item(m, args, 0)) : NULL;
  return !is_shared(owner) && !(owner && owner->builder == BUILD_PLAIN);
}

uint32_t call_kept(const struct call *c) {
  c->cp->kept.n++;
  return call_built(c, BUILT_RECORD, 0);
}

/* Marks it as visited. False: it was before, or memory is spent, which ends the scan as a limit. */
static bool visit(struct checkpoint *cp, const struct machine *m, val_id v) {
  if (v == 0) return false;
  while (cp->kept.rounds.n <= v)
    if (!vec_push(cp->arena, &cp->kept.rounds, m->values.n)) return false;
  if (cp->kept.rounds.p[v] == cp->kept.round) return false;
  val_id *place = vec_push(cp->arena, &cp->kept.todo, m->values.n);
  if (!place) return false;
  cp->kept.rounds.p[v] = cp->kept.round;
  *place = v;
  return true;
}

static void visit_items(struct checkpoint *cp, const struct machine *m, val_id v) {
  for (uint32_t i = 0; i < value_count(m, v); i++) (void)visit(cp, m, value_item(m, v, i));
}

/* The fields of an object whose class compares them and calls none: a partial among them is asked for its
 * parts alone. */
static void visit_compared(struct checkpoint *cp, const struct machine *m, val_id dict) {
  for (uint32_t i = 1; i < value_count(m, dict); i += 2) {
    val_id field = value_item(m, dict, i);
    const struct built *b = built_of(cp, m, field);
    if (b && is_partial(b))
      visit_items(cp, m, value_object(m, field)->states);
    else
      (void)visit(cp, m, field);
  }
}

static void visit_states(struct checkpoint *cp, const struct machine *m, const struct built *b, val_id states,
                         uint32_t at) {
  bool compared = b->row && b->row->builder == BUILD_COMPARED;
  for (uint32_t i = 0; i < value_count(m, states); i++) {
    val_id state = value_item(m, states, i);
    if (!compared || kind_of(m, state) != VAL_DICT)
      (void)visit(cp, m, state);
    else if (spend(cp, value_count(m, state), at))
      visit_compared(cp, m, state);
  }
}

static void visit_object(struct checkpoint *cp, const struct machine *m, const struct built *b,
                         const struct object *o, uint32_t at) {
  const val_id parts[] = {o->args, o->items, o->appended};
  for (size_t i = 0; i < ARRAY_LEN(parts); i++) (void)visit(cp, m, parts[i]);
  visit_states(cp, m, b, o->states, at);
}

/* Tensors and arrays are hashed and compared as what they are. */
static bool has_attributes(const struct built *b) {
  return b->kind == BUILT_RECORD || b->kind == BUILT_DICT || b->kind == BUILT_LIST || b->kind == BUILT_SET;
}

typedef bool is_fn(struct checkpoint *cp, const struct machine *m, val_id v, const struct built *b,
                   uint32_t at);

/* Is there such a value in v, however deep? */
static bool holds(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at, is_fn *is) {
  cp->kept.round++;
  cp->kept.todo.n = 0;
  (void)visit(cp, m, v);
  while (cp->kept.todo.n) {
    val_id next = cp->kept.todo.p[--cp->kept.todo.n];
    const struct object *o = value_object(m, next);
    const struct built *b = built_of(cp, m, next);
    if (is(cp, m, next, b, at)) return true;
    if (!spend(cp, 1 + (uint64_t)value_count(m, next), at)) return false;
    visit_items(cp, m, next);
    if (o && b && has_attributes(b)) visit_object(cp, m, b, o, at);
  }
  return false;
}

/* What ends late or never: whoever goes through it has no memory left. */
static bool is_endless(struct checkpoint *cp, const struct machine *m, val_id v, const struct built *b,
                       uint32_t at) {
  (void)cp, (void)m, (void)v, (void)at;
  return b && b->kind == BUILT_RECORD && b->row && b->row->builder == BUILD_COUNTED && b->index == ENDLESS;
}

bool keeps_endless(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at) {
  return cp->kept.n && holds(cp, m, v, at, is_endless);
}

bool keeps_function(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at) {
  return cp->kept.n && holds(cp, m, v, at, is_kept);
}

/* ---- objects that answer for themselves ---- */

/* What may be called: a function or class, or an object, whose class may have a __call__: torch.nn's modules
 * call their parts. */
static bool is_callable(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  return named_class(cp, m, v) || (b && b->kind == BUILT_RECORD);
}

static bool names_method(struct checkpoint *cp, const struct machine *m, val_id part, bool special,
                         uint32_t at) {
  const struct object *o = value_object(m, part);
  val_id dict = o ? o->items : part;
  uint32_t n = kind_of(m, dict) == VAL_DICT ? value_count(m, dict) : 0;
  if (!spend(cp, n, at)) return false;
  for (uint32_t i = 0; i < n; i += 2) {
    struct span name = value_bytes(m, value_item(m, dict, i));
    if ((is_method_name(name) || (special && is_special(name))) &&
        is_callable(cp, m, value_item(m, dict, i + 1)))
      return true;
  }
  return false;
}

/* The attributes of an object, and of a torch.nn.Module the parts that are attributes, too. */
static bool names_attribute(struct checkpoint *cp, const struct machine *m, val_id fields, uint32_t at) {
  bool found = names_method(cp, m, fields, false, at);
  for (uint32_t i = 0; !found && i < MODULE_PARTS; i++)
    found = names_method(cp, m, module_part(m, fields, i), true, at);
  return found;
}

/* Has the object something of its own, that can be called, where a caller looks for a method of its class? As
 * an attribute, or as an item of a dict that gives its items as attributes. */
static bool answers_itself(struct checkpoint *cp, const struct machine *m, val_id v, const struct built *b,
                           uint32_t at) {
  const struct object *o = value_object(m, v);
  if (!o || !b || b->kind != BUILT_RECORD) return false;
  bool found = names_method(cp, m, o->items, true, at);
  for (uint32_t i = 0; !found && i < value_count(m, o->args); i++)
    found = spend(cp, 1, at) && names_method(cp, m, value_item(m, o->args, i), true, at);
  for (uint32_t i = 0; !found && i < value_count(m, o->states); i++) {
    val_id state = value_item(m, o->states, i);
    found = names_attribute(cp, m, state, at);
    for (uint32_t k = 0; !found && kind_of(m, state) == VAL_TUPLE && k < value_count(m, state); k++)
      found = spend(cp, 1, at) && names_attribute(cp, m, value_item(m, state, k), at);
  }
  return found;
}

bool calls_when_asked(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at) {
  return keeps_function(cp, m, v, at) || holds(cp, m, v, at, answers_itself);
}

/* pandas gives what follows this to dateutil, which opens the file of that name. */
static bool is_zone_file(struct checkpoint *cp, const struct machine *m, val_id v, const struct built *b,
                         uint32_t at) {
  static const char mark[] = "dateutil/";
  enum { N = sizeof mark - 1 };
  struct span text = value_is_string(m, v) ? value_bytes(m, v) : SPAN("");
  (void)cp, (void)b, (void)at;
  for (; text.n > N; text.p++, text.n--) {
    struct span name = span_of(text.p + N, text.n - N);
    if (memcmp(text.p, mark, N) != 0) continue;
    if (name.p[name.n - 1] == ']') name.n--; /* "datetime64[ns, dateutil/Europe/Berlin]" */
    if (!is_zone_name(name)) return true;
  }
  return false;
}

bool names_zone_file(const struct call *c) {
  bool pandas = span_starts(span_str(c->row->module), SPAN("pandas."));
  return pandas && holds(c->cp, c->m, c->args, c->at, is_zone_file);
}

/* Attributes by which numpy and torch ask any object for an array: the address of its memory, or a function
 * that makes it. Classes that give their items as attributes, and modules their buffers, would answer. */
static bool is_protocol(struct checkpoint *cp, const struct machine *m, val_id v, const struct built *b,
                        uint32_t at) {
  static const char *const names[] = {"__array__",        "__array_interface__",
                                      "__array_struct__", "__cuda_array_interface__",
                                      "__dlpack__",       "__torch_function__"};
  char text[32];
  size_t n = 0;
  struct span s = value_is_string(m, v) || kind_of(m, v) == VAL_BYTES ? value_bytes(m, v) : SPAN("");
  (void)cp, (void)b, (void)at;
  for (size_t i = 0; i < s.n && n < sizeof text; i++) /* numpy's texts have four bytes a character */
    if (s.p[i]) text[n++] = (char)s.p[i];
  for (size_t i = 0; i < ARRAY_LEN(names); i++)
    if (span_is(span_of((const uint8_t *)text, n), names[i])) return true;
  return false;
}

/* A module is hashed by its identity, but one of torchmetrics by its values (torchmetrics/metric.py). */
void on_key(void *ctx, const struct machine *m, val_id key, uint32_t at) {
  struct checkpoint *cp = ctx;
  const struct built *b = built_of(cp, m, key);
  bool module = b && b->row && b->row->cls == GLOBAL_MODULE;
  if (module && !span_starts(span_str(b->row->module), SPAN("torchmetrics."))) return;
  if (holds(cp, m, key, at, is_protocol))
    refuse_build(cp, at, "a dict", "an item by whose name numpy and torch ask for the memory of an array");
  if (value_is_string(m, key)) return;
  if (calls_when_asked(cp, m, key, at))
    refuse_build(cp, at, "a dict or a set", "a key that keeps a function, which its hash might call");
}

/* What every program of the process has one of, such as a logger or a member of an enumeration. */
uint32_t build_SHARED(const struct call *c) { return build_PLAIN(c); }

uint32_t build_LITERAL(const struct call *c) {
  return literal_arguments(c) ? call_built(c, BUILT_RECORD, 0) : refuse_arguments(c, "not a literal");
}

uint32_t build_COMPARED(const struct call *c) { return build_NAMESPACE(c); }
