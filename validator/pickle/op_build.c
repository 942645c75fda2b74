/* Tuples, lists, dicts and sets. The items of a container are a run in m->links. Before a run that can grow
 * stands its room; when it is full it moves to the end, with twice the room, or grows where it is when it
 * ends there already. */
#include "pickle/op.h"

/* Said once: what is too deep is so from the inside to the outside. */
void note_depth(struct machine *m, uint32_t depth, uint64_t limit, uint32_t at) {
  m->too_deep = true;
  observe(m->obs,
          (struct observation){
              .kind = OBS_LIMIT_VALUE_DEPTH, .member = m->member, .at = at, .got = depth, .want = limit});
}

HOT bool reserve_links(struct machine *m, uint32_t n, uint32_t at) {
  if (vec_reserve(m->arena, &m->links, n, m->max->pickle_links)) return true;
  return refuse_room(m, OBS_LIMIT_PICKLE_LINKS, (uint64_t)m->links.n + n, m->max->pickle_links, at);
}

/* A run that can grow has a link before it, so that none begins at 0. */
static inline uint32_t room_of(const struct machine *m, const struct value *c) {
  return c->seq.first ? m->links.p[c->seq.first - 1] : 0;
}

/* Makes room for `extra` more items in a LIST, DICT or SET. */
static bool grow_run(struct machine *m, val_id container, uint32_t extra, uint32_t at) {
  struct value *c = &m->values.p[container];
  uint32_t had = room_of(m, c);
  if (had - c->seq.n >= extra) return true;
  uint32_t room; /* the sums are below 2^32: links and the stack are limited far below it */
  if (!try_add(c->seq.n, extra, &room)) return refuse_memory(m);
  if (room < had * UINT64_C(2)) room = had * 2;
  bool at_end = had && c->seq.first + had == m->links.n;
  uint32_t more = at_end ? room - had : room + 1;
  if (!reserve_links(m, more, at)) return false;
  if (!at_end) {
    uint32_t first = m->links.n + 1;
    if (c->seq.n) memcpy(m->links.p + first, m->links.p + c->seq.first, c->seq.n * sizeof *m->links.p);
    c->seq.first = first;
  }
  m->links.n += more;
  m->links.p[c->seq.first - 1] = room;
  return true;
}

HOT void append(struct machine *m, val_id container, val_id item, uint32_t at) {
  struct value *c = &m->values.p[container];
  m->links.p[c->seq.first + c->seq.n++] = item;
  deepen(m, container, item, at);
}

/* ---- tuples ---- */

val_id new_tuple(struct machine *m, const val_id *items, uint32_t n, uint32_t at) {
  if (n == 0) return constant(m, ID_EMPTY_TUPLE, at);
  val_id v = new_value(m, VAL_TUPLE, at);
  if (v == 0 || !reserve_links(m, n, at)) return 0;
  m->values.p[v].seq.first = m->links.n;
  m->links.n += n;
  for (uint32_t i = 0; i < n; i++) append(m, v, items[i], at);
  return v;
}

val_id tuple_of(struct machine *m, val_id container, uint32_t at) {
  uint32_t n = value_count(m, container), step = kind_of(m, container) == VAL_DICT ? 2 : 1;
  if (n == 0) return constant(m, ID_EMPTY_TUPLE, at);
  val_id v = new_value(m, VAL_TUPLE, at);
  if (v == 0 || !reserve_links(m, n / step, at)) return 0;
  m->values.p[v].seq.first = m->links.n;
  m->links.n += n / step;
  for (uint32_t i = 0; i < n; i += step) append(m, v, value_item(m, container, i), at);
  return v;
}

bool op_tuple(struct machine *m, const struct arg *arg) {
  return push(m, new_tuple(m, arg->items, arg->n, arg->at));
}

/* ---- lists ---- */

bool list_extend(struct machine *m, val_id list, const val_id *items, uint32_t n, const struct arg *arg) {
  if (!grow_run(m, list, n, arg->at)) return false;
  for (uint32_t i = 0; i < n; i++) append(m, list, items[i], arg->at);
  return true;
}

bool op_list(struct machine *m, const struct arg *arg) {
  val_id v = new_value(m, VAL_LIST, arg->at);
  return v && list_extend(m, v, arg->items, arg->n, arg) && push(m, v);
}

/* ---- dicts ---- */

static bool set_pair(struct machine *m, val_id dict, val_id key, val_id item, const struct arg *arg) {
  uint32_t end = value_count(m, dict), place;
  if (!key_place(m, dict, key, end, &place, arg)) return false;
  if (place == end) {
    append(m, dict, key, arg->at);
    append(m, dict, item, arg->at);
    return true;
  }
  struct observation what = seen_at(m, OBS_PKL_DUPLICATE_KEY, arg);
  struct span text = value_bytes(m, key); /* none of an object, which is equal to the first key */
  what.detail = shown(text.n ? text : value_bytes(m, value_item(m, dict, place)));
  observe(m->obs, what);
  m->links.p[value_of(m, dict)->seq.first + place + 1] = item; /* the first key stays, as in Python */
  deepen(m, dict, item, arg->at);
  return true;
}

/* Sets n / 2 pairs of a DICT in order; a key that is there takes the new value (observed). */
static bool dict_update(struct machine *m, val_id dict, const val_id *pairs, uint32_t n,
                        const struct arg *arg) {
  enum { AHEAD = 8 * 2 }; /* links */
  if (!grow_run(m, dict, n, arg->at)) return false;
  for (uint32_t i = 0; i < n; i += 2) {
    if (n - i > AHEAD) key_expect(m, dict, pairs[i + AHEAD]);
    if (!set_pair(m, dict, pairs[i], pairs[i + 1], arg)) return false;
  }
  return true;
}

static bool refuse_odd(struct machine *m, const struct arg *arg) {
  struct observation what = seen_at(m, OBS_PKL_ODD_ITEMS, arg);
  what.got = arg->n;
  return refuse(m->obs, what);
}

bool op_dict(struct machine *m, const struct arg *arg) {
  if (arg->n % 2) return refuse_odd(m, arg);
  val_id v = new_value(m, VAL_DICT, arg->at);
  return v && dict_update(m, v, arg->items, arg->n, arg) && push(m, v);
}

/* ---- sets ---- */

static bool set_add(struct machine *m, val_id set, val_id item, const struct arg *arg) {
  uint32_t end = value_count(m, set), place;
  if (!key_place(m, set, item, end, &place, arg)) return false;
  if (place == end) {
    append(m, set, item, arg->at);
    return true;
  }
  struct observation what = seen_at(m, OBS_PKL_DUPLICATE_ITEM, arg);
  what.detail = shown(value_bytes(m, item));
  observe(m->obs, what);
  return true;
}

static bool set_update(struct machine *m, val_id set, const struct arg *arg) {
  if (!grow_run(m, set, arg->n, arg->at)) return false;
  for (uint32_t i = 0; i < arg->n; i++)
    if (!set_add(m, set, arg->items[i], arg)) return false;
  return true;
}

val_id machine_new_set(struct machine *m, val_id from, uint32_t at) {
  const struct arg arg = {.op = &opcode_table['R'], .at = at};
  val_id v = new_value(m, VAL_SET, at);
  if (!v || !grow_run(m, v, value_count(m, from), at)) return 0;
  for (uint32_t i = 0; i < value_count(m, from); i++)
    if (!set_add(m, v, value_item(m, from, i), &arg)) return 0;
  return v;
}

val_id machine_new_dict(struct machine *m, val_id from, uint32_t at) {
  const struct arg arg = {.op = &opcode_table['R'], .at = at};
  bool pairs = kind_of(m, from) == VAL_DICT;
  uint32_t n = value_count(m, from), step = pairs ? 2 : 1;
  val_id v = new_value(m, VAL_DICT, at);
  for (uint32_t i = 0; v && i < n; i += step) {
    val_id pair = value_item(m, from, i);
    val_id both[] = {pairs ? pair : value_item(m, pair, 0),
                     value_item(m, pairs ? from : pair, pairs ? i + 1 : 1)};
    if (!dict_update(m, v, both, 2, &arg)) return 0;
  }
  return v;
}

bool op_set(struct machine *m, const struct arg *arg) { return push(m, new_value(m, VAL_SET, arg->at)); }

bool op_frozenset(struct machine *m, const struct arg *arg) {
  val_id v = new_value(m, VAL_FROZENSET, arg->at);
  return v && set_update(m, v, arg) && push(m, v);
}

/* ---- adding to what lies below: literal containers, and instances, which keep what they got ---- */

/* Where the items of an OBJECT are kept; made when the first come. */
static val_id own_container(struct machine *m, val_id object, enum value_kind kind, uint32_t at) {
  struct object *o = &m->objects.p[value_of(m, object)->ref];
  val_id *place = kind == VAL_DICT ? &o->items : &o->appended;
  if (*place == 0) *place = new_value(m, kind, at);
  return *place;
}

/* The container that takes the items, or 0 with *ok telling whether the program goes on without them. A call
 * of `extend` or `__setitem__` on an import (os.environ, sys.path) is an attack, which the loader survives;
 * on a plain value of the wrong type the loader raises. */
static val_id items_target(struct machine *m, enum value_kind kind, const struct arg *arg, bool *ok) {
  enum value_kind own = kind == VAL_DICT ? VAL_DICT : VAL_LIST;
  val_id target = top(m);
  *ok = true;
  if (value_of(m, target)->given) observe(m->obs, seen_at(m, OBS_PKL_ITEMS_GIVEN, arg));
  if (kind_of(m, target) == kind) return target;
  if (kind_of(m, target) == VAL_OBJECT) {
    if (m->hooks.extend) m->hooks.extend(m->hooks.ctx, m, target, kind, arg->at);
    val_id v = own_container(m, target, own, arg->at);
    *ok = v != 0;
    return v;
  }
  *ok = is_symbolic(m, target);
  observe(m->obs, seen_at(m, *ok ? OBS_PKL_ITEMS_IMPORT : OBS_PKL_ITEMS_TARGET, arg));
  return 0;
}

/* C looks at the target only when there is something to add; the Python unpickler wants its method first. */
static bool nothing_to_add(struct machine *m, enum value_kind kind, const struct arg *arg) {
  if (arg->n) return false;
  if (kind_of(m, top(m)) != kind && kind_of(m, top(m)) != VAL_OBJECT)
    observe(m->obs, seen_at(m, OBS_PKL_EMPTY_ITEMS, arg));
  return true;
}

/* An instance is as deep as what was added to it. */
static void deepen_target(struct machine *m, val_id container, const struct arg *arg) {
  if (container != top(m)) deepen(m, top(m), container, arg->at);
}

bool op_append(struct machine *m, const struct arg *arg) {
  bool ok;
  if (nothing_to_add(m, VAL_LIST, arg)) return true;
  val_id list = items_target(m, VAL_LIST, arg, &ok);
  if (list == 0) return ok;
  if (!list_extend(m, list, arg->items, arg->n, arg)) return false;
  deepen_target(m, list, arg);
  return true;
}

bool op_setitem(struct machine *m, const struct arg *arg) {
  bool ok;
  if (nothing_to_add(m, VAL_DICT, arg)) return true;
  if (arg->n % 2) return refuse_odd(m, arg);
  val_id dict = items_target(m, VAL_DICT, arg, &ok);
  if (dict == 0) return ok;
  if (!dict_update(m, dict, arg->items, arg->n, arg)) return false;
  deepen_target(m, dict, arg);
  return true;
}

/* An instance keeps what was added beside what was appended: `add` of a set's subclass takes any number of
 * items. */
bool op_additems(struct machine *m, const struct arg *arg) {
  bool ok;
  if (nothing_to_add(m, VAL_SET, arg)) return true;
  val_id set = items_target(m, VAL_SET, arg, &ok);
  if (set == 0) return ok;
  if (kind_of(m, set) == VAL_SET) return set_update(m, set, arg);
  if (!list_extend(m, set, arg->items, arg->n, arg)) return false;
  deepen_target(m, set, arg);
  return true;
}
