/* What a loader would import and call: recorded, shown to the hooks, never done. */
#include "base/utf8.h"
#include "pickle/op.h"

/* ---- imports ---- */

bool op_global(struct machine *m, const struct arg *arg) {
  bool readable = arg->text.n && arg->text2.n && utf8_valid(arg->text, UTF8_STRICT) &&
                  utf8_valid(arg->text2, UTF8_STRICT);
  if (!readable) return refuse_op(m, OBS_PKL_NAME_TEXT, arg);
  return push(m, new_global(m, arg->text, arg->text2, false, arg));
}

/* A literal is a str that stands in the program, however it came to the stack. What a call returns is not:
 * the name is then computed, which hides it. C wants exact str objects. */
bool op_stack_global(struct machine *m, const struct arg *arg) {
  bool computed = false;
  for (uint32_t i = 0; i < 2; i++) {
    enum value_kind kind = kind_of(m, arg->items[i]);
    bool symbolic = is_symbolic(m, arg->items[i]);
    if (!symbolic && kind != VAL_TEXT && kind != VAL_PYSTRING) return refuse_op(m, OBS_PKL_NAME_TYPE, arg);
    computed = computed || symbolic || value_of(m, arg->items[i])->computed;
  }
  if (computed) observe(m->obs, seen_at(m, OBS_PKL_NAME_COMPUTED, arg));
  struct span module = value_bytes(m, arg->items[0]), name = value_bytes(m, arg->items[1]);
  return push(m, new_global(m, module, name, computed, arg));
}

bool op_extension(struct machine *m, const struct arg *arg) {
  if (arg->number <= 0) return refuse_op(m, OBS_PKL_EXTENSION_CODE, arg);
  struct observation what = seen_at(m, OBS_PKL_EXTENSION, arg);
  what.got = (uint64_t)arg->number;
  observe(m->obs, what);
  val_id v = new_value(m, VAL_EXTENSION, arg->at);
  if (v) m->values.p[v].number = arg->number;
  return push(m, v);
}

/* ---- calls ---- */

/* The record first: a run that ends for want of memory leaves no value without one. */
static val_id add_object(struct machine *m, struct object o) {
  struct object *place = vec_push(m->arena, &m->objects, UINT32_MAX);
  if (!place) {
    refuse_memory(m);
    return 0;
  }
  *place = o;
  val_id v = new_value(m, VAL_OBJECT, o.at);
  if (v == 0) {
    m->objects.n--;
    return 0;
  }
  m->values.p[v].ref = m->objects.n - 1;
  deepen(m, v, o.callee, o.at);
  deepen(m, v, o.args, o.at);
  if (o.kwargs) deepen(m, v, o.kwargs, o.at);
  return v;
}

static val_id new_object(struct machine *m, struct object o) {
  val_id v = add_object(m, o);
  if (v && m->hooks.call) {
    uint32_t tag = m->hooks.call(m->hooks.ctx, m, v);
    m->objects.p[value_of(m, v)->ref].tag = tag;
  }
  return v;
}

val_id machine_new_object(struct machine *m, val_id like, uint32_t tag, uint32_t at) {
  struct object o = *value_object(m, like);
  return add_object(
      m,
      (struct object){
          .origin = o.origin, .tag = tag, .at = at, .callee = o.callee, .args = o.args, .kwargs = o.kwargs});
}

/* What stands where a tuple of arguments should: the Python unpickler unpacks whatever can be, C's raises. 0:
 * neither goes on, or the budget is spent (observed). */
static val_id unpacked(struct machine *m, const struct arg *arg) {
  enum value_kind kind = kind_of(m, arg->items[1]);
  observe(m->obs, seen_at(m, OBS_PKL_ARGS_NOT_TUPLE, arg));
  if (kind == VAL_BIGINT || !(kind_has_bytes(kind) || kind_has_items(kind))) return 0;
  return tuple_of(m, arg->items[1], arg->at);
}

/* Arguments of REDUCE and its kin; what an import or a call gives may be a tuple. 0: the program ends. */
static val_id arguments(struct machine *m, const struct arg *arg) {
  if (!is_symbolic(m, arg->items[0])) return refuse_op(m, OBS_PKL_NOT_CALLABLE, arg);
  if (kind_of(m, arg->items[1]) == VAL_TUPLE) return arg->items[1];
  if (!is_symbolic(m, arg->items[1])) return unpacked(m, arg);
  observe(m->obs, seen_at(m, OBS_PKL_ARGS_COMPUTED, arg));
  return arg->items[1];
}

static bool call(struct machine *m, const struct arg *arg, enum object_origin origin, val_id kwargs) {
  val_id callee = arg->items[0], args = arguments(m, arg);
  return args && push(m, new_object(m, (struct object){.origin = (uint8_t)origin,
                                                       .at = arg->at,
                                                       .callee = callee,
                                                       .args = args,
                                                       .kwargs = kwargs}));
}

bool op_reduce(struct machine *m, const struct arg *arg) { return call(m, arg, BY_REDUCE, 0); }
bool op_newobj(struct machine *m, const struct arg *arg) { return call(m, arg, BY_NEWOBJ, 0); }

bool op_newobj_ex(struct machine *m, const struct arg *arg) {
  val_id kwargs = arg->items[2];
  if (kind_of(m, kwargs) == VAL_DICT) return call(m, arg, BY_NEWOBJ_EX, kwargs);
  if (!is_symbolic(m, kwargs)) return refuse_op(m, OBS_PKL_KWARGS_NOT_DICT, arg);
  observe(m->obs, seen_at(m, OBS_PKL_ARGS_COMPUTED, arg));
  return call(m, arg, BY_NEWOBJ_EX, kwargs);
}

/* INST and OBJ: the instances of protocols 0 and 1. */
static bool old_call(struct machine *m, const struct arg *arg, enum object_origin origin, val_id callee,
                     val_id args) {
  if (callee == 0 || args == 0) return false;
  observe(m->obs, seen_at(m, OBS_PKL_OLD_CALL, arg));
  return push(
      m, new_object(
             m, (struct object){.origin = (uint8_t)origin, .at = arg->at, .callee = callee, .args = args}));
}

bool op_obj(struct machine *m, const struct arg *arg) {
  struct observation what = seen_at(m, OBS_PKL_UNDERFLOW, arg);
  what.want = 1;
  if (arg->n == 0) return refuse(m->obs, what);
  val_id callee = arg->items[0];
  if (!is_symbolic(m, callee)) return refuse_op(m, OBS_PKL_NOT_CALLABLE, arg);
  return old_call(m, arg, BY_OBJ, callee, new_tuple(m, arg->items + 1, arg->n - 1, arg->at));
}

bool op_inst(struct machine *m, const struct arg *arg) {
  bool readable = arg->text.n && arg->text2.n && is_ascii(arg->text) && is_ascii(arg->text2);
  if (!readable) return refuse_op(m, OBS_PKL_NAME_TEXT, arg);
  val_id callee = new_global(m, arg->text, arg->text2, false, arg);
  return old_call(m, arg, BY_INST, callee, callee ? new_tuple(m, arg->items, arg->n, arg->at) : 0);
}

/* ---- BUILD ---- */

static bool add_state(struct machine *m, val_id target, val_id state, const struct arg *arg) {
  struct object *o = &m->objects.p[value_of(m, target)->ref];
  if (o->states == 0) o->states = new_value(m, VAL_LIST, arg->at);
  val_id states = o->states;
  if (states == 0 || !list_extend(m, states, &state, 1, arg)) return false;
  deepen(m, target, states, arg->at);
  return true;
}

static void give_part(struct machine *m, val_id part) {
  if (kind_of(m, part) == VAL_DICT || kind_of(m, part) == VAL_OBJECT) machine_give(m, part);
}

/* Attributes are copied out of their dict (or an instance of a subclass), or out of both of (attributes,
 * slots): what those get later, the instance does not. */
static void give_state(struct machine *m, val_id state) {
  bool slots = kind_of(m, state) == VAL_TUPLE && value_count(m, state) == 2;
  give_part(m, state);
  for (uint32_t i = 0; slots && i < 2; i++) give_part(m, value_item(m, state, i));
}

bool machine_take_raw(struct machine *m, uint64_t n, uint32_t at, struct span *out) {
  struct observation what = {.member = m->member, .at = at, .got = m->in.left.n, .want = n};
  what.kind = m->in.at < m->frame_end ? OBS_PKL_RAW_FRAMED : OBS_PKL_RAW_SHORT;
  uint32_t from = (uint32_t)m->in.at;
  if (m->in.at < m->frame_end || !reader_take(&m->in, n, out)) return refuse(m->obs, what);
  m->frame_end = 0;
  struct raw_run *last = m->raw.n ? &m->raw.p[m->raw.n - 1] : NULL;
  if (last && last->at + last->n == from) {
    last->n += n;
    return true;
  }
  struct raw_run *run = n ? vec_push(m->arena, &m->raw, UINT32_MAX) : NULL;
  if (run) *run = (struct raw_run){from, n};
  return run || n == 0 || refuse_memory(m);
}

/* On an instance: its __setstate__, or its attributes. On an import it would change a class, a function or a
 * module; on a plain value the loader raises unless the state is None. */
bool op_build(struct machine *m, const struct arg *arg) {
  val_id target = top(m), state = arg->items[0];
  if (kind_of(m, target) == VAL_OBJECT) {
    val_id stays = m->hooks.build ? m->hooks.build(m->hooks.ctx, m, target, state, arg->at) : target;
    give_state(m, state);
    if (stays == 0 || !add_state(m, target, state, arg)) return false;
    m->stack.p[m->stack.n - 1] = stays;
    return true;
  }
  observe(m->obs, seen_at(m, is_symbolic(m, target) ? OBS_PKL_BUILD_IMPORT : OBS_PKL_BUILD_TARGET, arg));
  return true;
}

/* ---- persistent ids ---- */

static bool push_persid(struct machine *m, val_id id, const struct arg *arg) {
  val_id v = id ? new_value(m, VAL_PERSID, arg->at) : 0;
  if (v == 0) return false;
  struct persid *p = vec_push(m->arena, &m->persids, UINT32_MAX);
  if (!p) return refuse_memory(m);
  *p = (struct persid){.id = id, .at = arg->at};
  uint32_t index = m->persids.n - 1;
  m->values.p[v].ref = index;
  deepen(m, v, id, arg->at);
  if (m->hooks.persid) {
    uint32_t tag = m->hooks.persid(m->hooks.ctx, m, index);
    m->persids.p[index].tag = tag;
  }
  return push(m, v);
}

bool op_persid(struct machine *m, const struct arg *arg) { return push_persid(m, arg->items[0], arg); }

bool op_persid_text(struct machine *m, const struct arg *arg) {
  if (!is_ascii(arg->text)) return refuse_op(m, OBS_PKL_PERSID_ASCII, arg);
  observe(m->obs, seen_at(m, OBS_PKL_PERSID_TEXT, arg));
  return push_persid(m, new_bytes(m, VAL_TEXT, arg->text, arg->at), arg);
}
