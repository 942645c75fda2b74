/* What BUILD, and opcodes that add items, do to what was built: a state is attributes, or what a __setstate__
 * is given; both could put functions where methods are looked for. */
#include "model/call.h"

void refuse_build(struct checkpoint *cp, uint32_t at, const char *target, const char *why) {
  if (is_spent(cp)) return;
  observe(cp->obs, (struct observation){.kind = OBS_BUILD_REFUSED,
                                        .member = cp->member,
                                        .at = at,
                                        .subject = span_str(target),
                                        .detail = span_str(why)});
}

/* Names that a class has a meaning for itself. */
struct names {
  const char *const *p;
  size_t n;
};

/* Setting one of these gives a tensor other data, or functions to call. */
static const char *const tensor_names[] = {
    "data",          "grad",     "grad_fn",         "imag",  "names",    "real",
    "requires_grad", "volatile", "_backward_hooks", "_grad", "_grad_fn", "_post_accumulate_grad_hooks"};
static const struct names of_tensors = {tensor_names, ARRAY_LEN(tensor_names)};
/* An attribute of one of these names hides the method: `keys` would answer what the file says. */
static const char *const dict_names[] = {
    "clear",       "copy", "elements", "fromkeys",   "get",      "items", "keys",   "most_common",
    "move_to_end", "pop",  "popitem",  "setdefault", "subtract", "total", "update", "values"};
static const struct names of_dicts = {dict_names, ARRAY_LEN(dict_names)};

/* Methods of dicts, lists, texts and modules, which loading calls without knowing whose they are: a
 * __setstate__ of torch.optim calls setdefault of what stands among the param_groups. */
static const char *const method_names[] = {
    "append",  "clear",      "copy",       "count",       "decode",      "elements",   "encode",  "endswith",
    "extend",  "extra_repr", "format",     "fromkeys",    "get",         "index",      "insert",  "items",
    "join",    "keys",       "lower",      "most_common", "move_to_end", "pop",        "popitem", "remove",
    "replace", "reverse",    "setdefault", "sort",        "split",       "startswith", "strip",   "subtract",
    "tolist",  "total",      "update",     "upper",       "values"};
static const struct names of_methods = {method_names, ARRAY_LEN(method_names)};

static bool is_taken(const struct names *names, struct span name) {
  for (size_t i = 0; i < names->n; i++)
    if (span_is(name, names->p[i])) return true;
  return false;
}

/* Names that mean nothing to Python in an instance: yacs and its heirs keep their switches under them,
 * torch.jit what it found in a module that it compiled, PyTorch Geometric the parameters of a layer's
 * functions, GluonTS the arguments of a constructor, ptflops and DeepSpeed their counts,
 * functools.update_wrapper what an object stands for. */
static const char *const inert_names[] = {"__aggr_params__",  "__annotations__",
                                          "__args__",         "__batch_counter__",
                                          "__constants__",    "__deprecated_keys__",
                                          "__doc__",          "__duration__",
                                          "__edge_mask__",    "__edge_user_args__",
                                          "__explain__",      "__flops__",
                                          "__fuse__",         "__fused_user_args__",
                                          "__immutable__",    "__init_args__",
                                          "__loop_mask__",    "__macs__",
                                          "__mask__",         "__message_args__",
                                          "__module__",       "__msg_aggr_params__",
                                          "__msg_params__",   "__name__",
                                          "__new_allowed__",  "__overloads__",
                                          "__params__",       "__qualname__",
                                          "__record_dict__",  "__record_propagate__",
                                          "__records__",      "__renamed_keys__",
                                          "__special_args__", "__start_time__",
                                          "__update_args__",  "__update_params__",
                                          "__user_args__",    "__wrapped__"};
static const struct names inert = {inert_names, ARRAY_LEN(inert_names)};

bool is_method_name(struct span name) { return is_taken(&of_methods, name); }

bool is_special(struct span name) { return span_starts(name, SPAN("__")) && !is_taken(&inert, name); }

/* State as a dict of attributes: str keys, none of them a dunder (threats B12: `__class__`, `__setstate__`)
 * and none of `taken`, which may be NULL. */
static bool plain_fields(struct checkpoint *cp, const struct machine *m, val_id dict,
                         const struct names *taken, uint32_t at) {
  uint32_t n = value_count(m, dict);
  if (!spend(cp, n * (1 + (taken ? taken->n : 0)), at)) return false;
  for (uint32_t i = 0; i < n; i += 2) {
    val_id key = value_item(m, dict, i);
    if (!value_is_string(m, key) || is_special(value_bytes(m, key))) return false;
    if (taken && is_taken(taken, value_bytes(m, key))) return false;
  }
  return true;
}

/* A dtype, a memory format, a type such as int or numpy's float32: calling it makes a number or a text, if it
 * can be called. A configuration may well have one as its `format`. */
static bool is_constant(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct global_row *row = row_of(cp, m, v);
  return row && (row->builder == BUILD_DTYPE || row->builder == BUILD_QSCHEME ||
                 (row->builder == BUILD_NONE && row->cls == GLOBAL_MODELLED));
}

/* Is a function, or a class, put in the place of a method that others call? */
bool hides_method(struct checkpoint *cp, const struct machine *m, val_id dict, uint32_t at) {
  uint32_t n = kind_of(m, dict) == VAL_DICT ? value_count(m, dict) : 0;
  if (!spend(cp, n, at)) return false;
  for (uint32_t i = 0; i < n; i += 2) {
    val_id value = value_item(m, dict, i + 1);
    bool named = kind_of(m, value) == VAL_GLOBAL;
    if (!named && (cp->kept.n == 0 || kind_of(m, value) != VAL_OBJECT)) continue;
    if (is_method_name(value_bytes(m, value_item(m, dict, i))) &&
        (named ? !is_constant(cp, m, value) : keeps_function(cp, m, value, at)))
      return true;
  }
  return false;
}

val_id module_part(const struct machine *m, val_id fields, uint32_t i) {
  static const char *const parts[MODULE_PARTS] = {"_buffers", "_modules", "_parameters"};
  val_id part = dict_get(m, fields, parts[i]);
  const struct object *o = value_object(m, part);
  return o ? o->items : part;
}

/* Attributes, and those that torch.nn.Module looks for in the dicts of its parts. */
static bool hides_methods(struct checkpoint *cp, const struct machine *m, val_id dict, uint32_t at) {
  if (hides_method(cp, m, dict, at)) return true;
  for (uint32_t i = 0; cp->kept.n && i < MODULE_PARTS; i++)
    if (hides_method(cp, m, module_part(m, dict, i), at)) return true;
  return false;
}

/* Does the attribute of a tensor hide a method that loading calls? Parameter() of a tensor subclass calls its
 * `detach`, which is looked for in the instance first. */
static bool hides_tensor_method(const struct call *c, val_id name, val_id value) {
  static const char *const calls[] = {
      "_indices",      "_values", "as_subclass",    "clone", "contiguous", "cpu", "detach", "diff", "dim",
      "is_contiguous", "numel",   "requires_grad_", "size",  "stride",     "to",  "values", "view"};
  static const struct names called = {calls, ARRAY_LEN(calls)};
  const struct built *b = built_of(c->cp, c->m, value);
  bool callable =
      named_class(c->cp, c->m, value) ? !is_constant(c->cp, c->m, value) : b && b->kind == BUILT_RECORD;
  return callable && is_taken(&called, value_bytes(c->m, name));
}

static bool plain_part(const struct call *c, val_id part) {
  if (kind_of(c->m, part) == VAL_NONE) return true;
  if (kind_of(c->m, part) != VAL_DICT || !plain_fields(c->cp, c->m, part, &of_tensors, c->at)) return false;
  machine_give(c->m, part);
  for (uint32_t i = 0; i < value_count(c->m, part); i += 2)
    if (hides_tensor_method(c, value_item(c->m, part, i), value_item(c->m, part, i + 1))) return false;
  return true;
}

bool plain_attributes(const struct call *c, uint32_t i) {
  val_id state = call_arg(c, i);
  if (kind_of(c->m, state) != VAL_TUPLE || value_count(c->m, state) != 2) return plain_part(c, state);
  return plain_part(c, value_item(c->m, state, 0)) && plain_part(c, value_item(c->m, state, 1));
}

/* The attributes in a part of a state: a dict, or a dict made by a call. 0: other values, for __setstate__
 * alone. */
val_id state_fields(const struct machine *m, val_id part) {
  const struct object *o = value_object(m, part); /* of a subclass of dict, too */
  if (o) return o->items;
  return kind_of(m, part) == VAL_DICT ? part : 0;
}

/* What is no dict by its looks may be one by its class: C takes the items of any subclass, the Python
 * unpickler (joblib's, dill's) calls its `items`. NULL, or what is wrong with it as a part of a state. */
static const char *part_wrong(struct checkpoint *cp, const struct machine *m, val_id part, uint32_t at) {
  const struct object *o = value_object(m, part);
  const struct built *b = built_of(cp, m, part);
  if (o && b && b->kind == BUILT_DICT && keeps_function(cp, m, o->args, at))
    return "a state whose missing keys call a function";
  if (!o || !b || b->kind != BUILT_RECORD) return NULL;
  for (uint32_t i = 0; i < value_count(m, o->args); i++) {
    val_id arg = value_item(m, o->args, i);
    const struct built *of = built_of(cp, m, arg);
    if (kind_of(m, arg) == VAL_DICT || kind_of(m, arg) == VAL_LIST || (of && of->kind == BUILT_DICT))
      return "a state that a call made of items";
  }
  if (keeps_endless(cp, m, part, at)) return "a state that has no end";
  return calls_when_asked(cp, m, part, at) ? "a state that keeps a function, which its items() might call"
                                           : NULL;
}

/* (attributes, slots), each a dict or None. Other tuples are for the __setstate__ of their class. */
static bool is_slot_state(const struct machine *m, val_id state) {
  return kind_of(m, state) == VAL_TUPLE && value_count(m, state) == 2 &&
         state_fields(m, value_item(m, state, 1));
}

/* Classes whose __setstate__ goes through what it is given, and in whose states no function belongs. */
static bool computes_state(const struct global_row *row) {
  static const char *const at_work[] = {"einops.layers.", "gym.spaces.", "gymnasium.spaces.",
                                        "omegaconf.",     "pandas.",     "sklearn.isotonic",
                                        "torch.optim."};
  static const char *const at_rest[] = {"torch.optim.lr_scheduler", "torch.optim.swa_utils"};
  struct span module = span_str(row ? row->module : "");
  bool works = false;
  for (size_t i = 0; i < ARRAY_LEN(at_work); i++) works = works || span_starts(module, span_str(at_work[i]));
  for (size_t i = 0; i < ARRAY_LEN(at_rest); i++) works = works && !span_is(module, at_rest[i]);
  return works;
}

/* Dicts that give their items as attributes, too (yacs' CfgNode, Munch, EasyDict, OmegaConf's): a function in
 * the item `__setstate__` is what BUILD finds and calls with the state. numpy's texts and other objects may
 * be equal to that key. */
static bool items_hide_state(struct checkpoint *cp, const struct machine *m, val_id target, uint32_t at) {
  val_id items = value_object(m, target)->items;
  uint32_t n = kind_of(m, items) == VAL_DICT ? value_count(m, items) : 0;
  if (!spend(cp, n, at)) return false;
  for (uint32_t i = 0; i < n; i += 2) {
    val_id key = value_item(m, items, i), value = value_item(m, items, i + 1);
    if (value_is_string(m, key) && is_special(value_bytes(m, key))) return true;
    if (kind_of(m, key) == VAL_OBJECT &&
        (kind_of(m, value) == VAL_GLOBAL || keeps_function(cp, m, value, at)))
      return true;
  }
  return false;
}

/* TorchScript's objects are no Python objects: no name of an attribute is special. */
static void build_record(struct checkpoint *cp, struct machine *m, const struct global_row *row, val_id state,
                         uint32_t at) {
  if (runs_script(cp)) return;
  if (computes_state(row) && calls_when_asked(cp, m, state, at))
    refuse_build(cp, at, "a record", "a state that keeps a function, where its class looks for values");
  if (computes_state(row) && keeps_endless(cp, m, state, at))
    refuse_build(cp, at, "a record", "a state that keeps what has no end, which its class goes through");
  if (!names_layers(m, state_fields(m, state)))
    refuse_build(cp, at, "a record", "more layers than a recurrent network has, or no number of them");
  const char *wrong = class_wrong(cp, m, row, state, at);
  if (wrong) refuse_build(cp, at, "a record", wrong);
  bool pair = kind_of(m, state) == VAL_TUPLE && value_count(m, state) == 2;
  for (uint32_t i = 0; i < (pair ? 2 : 1); i++) {
    val_id part = pair ? value_item(m, state, i) : state;
    const char *what = part_wrong(cp, m, part, at);
    if (what) refuse_build(cp, at, "a record", what);
    if (hides_methods(cp, m, state_fields(m, part), at))
      refuse_build(cp, at, "a record", "a function or class in place of a method that loading may call");
  }
  if (!plain_fields(cp, m, state_fields(m, state), NULL, at))
    refuse_build(cp, at, "a record", "a state that sets special attributes");
  for (uint32_t i = 0; i < 2 && is_slot_state(m, state); i++)
    if (!plain_fields(cp, m, state_fields(m, value_item(m, state, i)), NULL, at))
      refuse_build(cp, at, "a record", "slots that set special attributes");
}

static bool is_tensor(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  if (kind_of(m, v) == VAL_PERSID) return persid_is_tensor(&m->persids.p[value_of(m, v)->ref]);
  return b && b->kind == BUILT_TENSOR;
}

/* Parameter.__new__(Parameter), then (data, grad, hooks, requires_grad, volatile), as before torch 0.4. Of
 * four parts it would be Tensor.set_ with numbers of its own. */
static void build_parameter_state(struct checkpoint *cp, struct machine *m, val_id state, uint32_t at) {
  bool shaped = kind_of(m, state) == VAL_TUPLE && value_count(m, state) == 5;
  bool bare = shaped && kind_of(m, value_item(m, state, 2)) == VAL_NONE; /* no hooks */
  if (!shaped || !is_tensor(cp, m, value_item(m, state, 0)) ||
      (!bare && !is_empty_dict(cp, m, value_item(m, state, 2))))
    refuse_build(cp, at, "a parameter", "other things than its tensor and no hooks");
}

static bool is_made_by(const struct built *b, enum builder builder) {
  return b->kind == BUILT_RECORD && b->row && b->row->builder == builder;
}

static void build_partial_state(struct checkpoint *cp, const struct machine *m, val_id target, val_id state,
                                uint32_t at) {
  if (!is_partial_state(cp, m, target, state) ||
      !plain_fields(cp, m, state_fields(m, value_item(m, state, 3)), NULL, at))
    refuse_build(cp, at, "functools.partial", "other things than its function, arguments and attributes");
}

static void build_object(struct checkpoint *cp, struct machine *m, val_id target, val_id state, uint32_t at) {
  const struct built *b = built_of(cp, m, target);
  if (cp->raw_arrays && is_made_by(b, BUILD_JOBLIB_FILE)) note_joblib_file(cp, m, state, at);
  if (is_attribute(b))
    refuse_build(cp, at, "an attribute", "a state, which changes what was imported");
  else if (is_shared(b->row))
    refuse_build(cp, at, "what the process has one of", "a state, which changes it for the whole process");
  else if (is_partial(b))
    build_partial_state(cp, m, target, state, at);
  else if (is_made_by(b, BUILD_PARAMETER_CLASS))
    build_parameter_state(cp, m, state, at);
  else if (items_hide_state(cp, m, target, at))
    refuse_build(cp, at, "a record", "a state behind an item of a special name, which may be called with it");
  else
    build_record(cp, m, b->row, state, at);
}

static void give_state(struct checkpoint *cp, struct machine *m, val_id target, val_id state, uint32_t at) {
  uint32_t tag = value_object(m, target)->tag;
  struct built *b = tag < cp->built.n ? &cp->built.p[tag] : NULL;
  switch (b ? (enum built_kind)b->kind : BUILT_NOTHING) {
  case BUILT_NOTHING:
  case BUILT_REFUSED: return; /* said already */
  case BUILT_RECORD: build_object(cp, m, target, state, at); return;
  case BUILT_DICT:
    if (b->row && b->row->builder == BUILD_DEFAULTDICT) {
      refuse_build(cp, at, "a defaultdict", "attributes, which it has no room for");
      return;
    }
    if (kind_of(m, state) != VAL_DICT || !plain_fields(cp, m, state, &of_dicts, at))
      refuse_build(cp, at, "a dict", "attributes that are not a dict of plain names");
    b->metadata = dict_get(m, state, "_metadata") != 0;
    return;
  case BUILT_NP_DTYPE: build_np_dtype_state(cp, m, target, state, at); return;
  case BUILT_NP_ARRAY: build_np_array_state(cp, m, target, state, at); return;
  case BUILT_UNREAD:
  case BUILT_TENSOR:
    refuse_build(cp, at, "a tensor", "Tensor.set_ with numbers of its own; torch.save writes none");
    return;
  case BUILT_LIST:
  case BUILT_SET:
  case BUILT_BYTES:
  case BUILT_COMPLEX:
  case BUILT_SIZE:
  case BUILT_DEVICE:
  case BUILT_LAYOUT:
  case BUILT_STORAGE:
  case BUILT_PROGRAM:
  case BUILT_NP_SCALAR: refuse_build(cp, at, "a plain value", "a state"); return;
  }
}

val_id on_build(void *ctx, struct machine *m, val_id target, val_id state, uint32_t at) {
  struct checkpoint *cp = ctx;
  const struct built *b = built_of(cp, m, target);
  bool second = value_object(m, target)->states != 0;
  bool raw = cp->raw_arrays && b && is_made_by(b, BUILD_JOBLIB_ARRAY);
  if (second) /* picklers write one; of two a loader has the last, or both */
    refuse_build(cp, at, "an object", "a second state");
  else if (raw)
    return build_joblib_array(cp, m, target, state, at);
  else
    give_state(cp, m, target, state, at);
  return second && raw ? 0 : target; /* joblib would read one more array */
}

/* Which opcodes add items to what was built: none to a tensor, where it was heap corruption (CVE-2026-24747).
 */
static bool takes_items(enum built_kind kind, enum value_kind how) {
  switch (kind) {
  case BUILT_NOTHING:
  case BUILT_REFUSED:
  case BUILT_RECORD: return true;
  case BUILT_DICT: return how == VAL_DICT;
  case BUILT_LIST: return how == VAL_LIST;
  case BUILT_SET: /* filled by its call: ADDITEMS fills what EMPTY_SET makes */
  case BUILT_BYTES:
  case BUILT_COMPLEX:
  case BUILT_SIZE:
  case BUILT_DEVICE:
  case BUILT_LAYOUT:
  case BUILT_UNREAD:
  case BUILT_TENSOR:
  case BUILT_NP_DTYPE:
  case BUILT_NP_ARRAY:
  case BUILT_STORAGE:
  case BUILT_PROGRAM:
  case BUILT_NP_SCALAR: return false;
  }
  return false;
}

/* Items on an object call its __setitem__, append, extend or add: whatever goes by that name. Picklers write
 * items before the state, for a state could make an attribute `append` of any function. */
void on_extend(void *ctx, struct machine *m, val_id target, enum value_kind how, uint32_t at) {
  struct checkpoint *cp = ctx;
  const struct built *b = built_of(cp, m, target);
  const struct object *o = value_object(m, target);
  bool methods = b && b->kind == BUILT_RECORD && how != VAL_DICT && o->items && value_count(m, o->items);
  if (o->states || methods)
    refuse_build(cp, at, "an object",
                 o->states ? "items behind its state, which may have put functions in place of its methods"
                           : "items of a list behind those of a dict, which may stand for its methods");
  else if (b && (is_attribute(b) || is_partial(b) || is_shared(b->row)))
    refuse_build(cp, at, "an attribute", "items, which changes what was imported");
  else if (!takes_items(b ? (enum built_kind)b->kind : BUILT_NOTHING, how) ||
           (b && b->row && b->row->builder == BUILD_TUPLE))
    refuse_build(cp, at, "a value",
                 "items that it does not take (torch 2.9 and older corrupt memory in a tensor)");
}
