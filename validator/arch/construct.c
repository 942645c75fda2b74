/* Constructor calls: "Conv2d(3, 16, 3, padding=1)" to a module with its arguments, slots and parts. Nothing
 * of the tree is touched, so one result may stand in several places. */
#include <stdarg.h>

#include "arch/build.h"
#include "base/near.h"

static bool out_of_memory(struct eval *ev, uint32_t at) {
  ev->error = (struct expr_error){.at = at, .what = SPAN("the memory budget is spent"), .limit = true};
  return false;
}

static int shown(struct span s) { return (int)min_size(s.n, 60); }

/* ---- the rows of types.def ---- */

/* Only a row of ours can be wrong here, and a test parses every one: no place is kept. */
static bool parse_state_line(struct builder *b, struct span text, struct state_line *out) {
  struct expr_error err;
  const uint8_t *equals;
  struct span rest = text;
  while (rest.n && rest.p[0] == ' ') rest = span_from(rest, 1);
  if (span_is(rest, "end")) {
    out->kind = STATE_END;
    return true;
  }
  if (span_starts(rest, SPAN("each "))) {
    const struct expr *e = expr_parse(b->arena, b->max, span_from(rest, 5), &err);
    if (!e || e->kind != EXPR_BINARY || e->op != BIN_LT) return false;
    *out = (struct state_line){STATE_EACH, e->kids[0]->text, e->kids[1]};
    return true;
  }
  if (span_starts(rest, SPAN("let "))) {
    out->kind = STATE_LET;
    rest = span_from(rest, 4);
  }
  equals = memmem(rest.p, rest.n, " = ", 3);
  if (!equals) return false;
  out->name = span_first(rest, (size_t)(equals - rest.p));
  out->value = expr_parse(b->arena, b->max, span_from(rest, out->name.n + 3), &err);
  return out->value != NULL;
}

static bool parse_state(struct builder *b, struct span text, struct type_plan *out) {
  uint32_t n = 0;
  for (size_t i = 0; i < text.n; i++) n += text.p[i] == ';';
  if (text.n) n++;
  struct state_line *lines = arena_array(b->arena, n, struct state_line);
  if (!lines) return false;
  for (uint32_t i = 0; i < n; i++) {
    const uint8_t *end = memchr(text.p, ';', text.n);
    struct span line = end ? span_first(text, (size_t)(end - text.p)) : text;
    if (!parse_state_line(b, line, &lines[i])) return false;
    text = span_from(text, line.n + 1);
  }
  out->lines = lines;
  out->num_lines = n;
  return true;
}

const struct type_plan *construct_plan(struct builder *b, enum module_type t) {
  if (b->plans[t]) return b->plans[t];
  struct expr_error err;
  struct type_plan *plan = arena_new(b->arena, struct type_plan);
  if (!plan ||
      !signature_parse(&plan->signature, b->arena, b->max, span_str(module_type_constructor(t)), &err) ||
      !parse_state(b, span_str(module_type_state(t)), plan)) {
    (void)out_of_memory(b->eval, 0);
    return NULL;
  }
  return b->plans[t] = plan;
}

/* ---- arguments ---- */

struct binding {
  struct eval *ev;
  const struct expr *call;
  const struct scope *scope;    /* what the arguments mean */
  const struct scope *defaults; /* what the defaults mean */
  const struct signature *signature;
};

static bool find_param(const struct binding *b, const struct expr *arg, uint32_t *index) {
  struct nearest near = {.word = arg->text};
  struct span type = b->signature->name;
  for (*index = 0; *index < b->signature->num_params; ++*index) {
    if (span_eq(b->signature->params[*index].name, arg->text)) return true;
    nearest_try(&near, b->signature->params[*index].name);
  }
  const char *hint = near.best.n ? ", did you mean '" : "";
  return eval_error(b->ev, arg->at, "%.*s has no argument '%.*s'%s%.*s%s", shown(type), (const char *)type.p,
                    shown(arg->text), (const char *)arg->text.p, hint, (int)near.best.n,
                    (const char *)near.best.p, near.best.n ? "'?" : "");
}

static bool bind_given(const struct binding *b, struct value *args) {
  struct span type = b->signature->name;
  for (uint32_t i = 1; i < b->call->num_kids; i++) {
    const struct expr *arg = b->call->kids[i];
    bool keyword = arg->kind == EXPR_KEYWORD;
    uint32_t index = i - 1;
    if (keyword && !find_param(b, arg, &index)) return false;
    if (index >= b->signature->num_params)
      return eval_error(b->ev, arg->at, "%.*s takes at most %u arguments", shown(type), (const char *)type.p,
                        b->signature->num_params);
    if (args[index].kind != VALUE_PENDING)
      return eval_error(b->ev, arg->at, "argument '%.*s' is given twice", shown(arg->text),
                        (const char *)arg->text.p);
    if (!expr_eval(b->ev, keyword ? arg->kids[0] : arg, b->scope, &args[index])) return false;
  }
  return true;
}

static bool bind_defaults(const struct binding *b, struct value *args) {
  for (uint32_t i = 0; i < b->signature->num_params; i++) {
    const struct param *p = &b->signature->params[i];
    struct span type = b->signature->name;
    if (args[i].kind != VALUE_PENDING) continue;
    if (!p->fallback)
      return eval_error(b->ev, b->call->at, "%.*s needs the argument '%.*s'", shown(type),
                        (const char *)type.p, shown(p->name), (const char *)p->name.p);
    if (!expr_eval(b->ev, p->fallback, b->defaults, &args[i])) return false;
  }
  return true;
}

/* The arguments in the order of the signature, NULL with ev->error set. */
static struct value *bind(const struct binding *b) {
  struct value *args = arena_array(b->ev->arena, b->signature->num_params, struct value);
  if (!args) {
    (void)out_of_memory(b->ev, b->call->at);
    return NULL;
  }
  for (uint32_t i = 0; i < b->signature->num_params; i++) args[i].kind = VALUE_PENDING;
  return bind_given(b, args) && bind_defaults(b, args) ? args : NULL;
}

struct value *construct_bind(struct builder *b, const struct expr *call, const struct scope *scope,
                             const struct signature *signature) {
  return bind(&(struct binding){b->eval, call, scope, NULL, signature});
}

static struct module *new_module(struct builder *b, enum module_kind kind) {
  struct module *m = arena_new(b->arena, struct module);
  if (!m) {
    (void)out_of_memory(b->eval, 0);
    return NULL;
  }
  m->kind = kind;
  m->place = b->place;
  return m;
}

static bool answer(struct value *out, const struct module *m) {
  *out = (struct value){.kind = VALUE_MODULE, .module = m};
  return true;
}

/* ---- Parameter and Buffer ---- */

static bool bad_size(struct eval *ev, uint32_t at, const struct value *v) {
  struct span s = value_show(ev->arena, v);
  ev->culprit = *v;
  return eval_error(ev, at, "a size is an integer of 0 or more, found %.*s", (int)s.n, (const char *)s.p);
}

static bool slot_sizes(struct builder *b, uint32_t at, const struct value *shape, struct slot *slot) {
  const struct value *dims = shape->kind == VALUE_TUPLE ? shape->items : shape;
  slot->ndim = shape->kind == VALUE_TUPLE ? shape->n : 1;
  if (slot->ndim > b->max->tensor_dims)
    return eval_error(b->eval, at, "a shape of %u dimensions", slot->ndim);
  uint64_t *sizes = arena_array(b->arena, slot->ndim, uint64_t);
  if (!sizes) return out_of_memory(b->eval, at);
  uint64_t numel = 1, nonzero = 1;
  for (uint32_t i = 0; i < slot->ndim; i++) {
    if (dims[i].kind != VALUE_INT || dims[i].number < 0) return bad_size(b->eval, at, &dims[i]);
    sizes[i] = (uint64_t)dims[i].number;
    numel = sizes[i] && numel ? numel : 0;
    /* The product without the zeros must fit too, as torch demands of strides. */
    if (sizes[i] && (!try_mul(nonzero, sizes[i], &nonzero) || nonzero > INT64_MAX))
      return eval_error(b->eval, at, "the number of elements does not fit 64 bits");
  }
  slot->sizes = sizes;
  slot->numel = numel ? nonzero : 0;
  return true;
}

static bool slot_dtype(struct builder *b, uint32_t at, const struct value *v, struct slot *slot) {
  if (v->kind == VALUE_NONE) {
    slot->rule = SLOT_ANY;
    return true;
  }
  if (v->kind != VALUE_DTYPE)
    return eval_error(b->eval, at, "expected a dtype, found %s", value_kind_name(v->kind));
  slot->rule = v->dtype == DTYPE_NONE ? SLOT_FLOAT : SLOT_EXACT;
  slot->dtype = v->dtype;
  return true;
}

/* (shape, dtype, optional, value), of a Buffer alone. */
static bool construct_tensor(struct builder *b, uint32_t at, const struct module *m, struct slot *slot) {
  slot->optional = value_truth(&m->args[2]);
  if (slot->buffer) slot->constant = m->args[3];
  if (slot->constant.kind != VALUE_NONE && slot->constant.kind != VALUE_RANGE &&
      slot->constant.kind != VALUE_PATTERN && !value_is_number(&slot->constant))
    return eval_error(b->eval, at,
                      "a buffer's value is a number, arange(…), causal_mask(n) or "
                      "relative_position_index(n), found %s",
                      value_kind_name(slot->constant.kind));
  return slot_sizes(b, at, &m->args[0], slot) && slot_dtype(b, at, &m->args[1], slot);
}

static bool construct_slot(struct builder *b, uint32_t at, struct module *m) {
  struct slot *slot = arena_new(b->arena, struct slot);
  if (!slot) return out_of_memory(b->eval, at);
  slot->buffer = m->type != TYPE_Parameter;
  slot->holds = m->type == TYPE_Packed ? HOLDS_PACKED : m->type == TYPE_Plain ? HOLDS_PLAIN : HOLDS_TENSOR;
  m->slots = slot;
  m->num_slots = 1;
  if (slot->holds == HOLDS_TENSOR) return construct_tensor(b, at, m, slot);
  slot->packs_bias = slot->holds == HOLDS_PACKED && value_truth(&m->args[1]);
  return slot->holds == HOLDS_PLAIN || slot_sizes(b, at, &m->args[0], slot);
}

bool module_is_slot(const struct module *m) {
  return m->kind == MODULE_TYPE && (m->type == TYPE_Parameter || m->type == TYPE_Buffer ||
                                    m->type == TYPE_Packed || m->type == TYPE_Plain);
}

/* ---- carrying out the state of a type ---- */

enum { MAX_LOCALS = 16 + 64 }; /* arguments and lets of a row */

struct running {
  struct builder *b;
  const struct type_plan *plan;
  uint32_t at; /* of the call, for errors */
  struct scope scope;
  struct span names[MAX_LOCALS];
  struct value values[MAX_LOCALS];
  uint32_t params, buffers, parts; /* heights of the builder's stacks before this type */
  bool repeated;
};

static void set_local(struct running *r, struct span name, struct value v) {
  uint32_t i = r->scope.n;
  while (i > 0 && !span_eq(r->names[i - 1], name)) i--;
  i = i ? i - 1 : r->scope.n++; /* a test proves that every row fits */
  r->names[i] = name;
  r->values[i] = v;
}

/* "weight_ih_l{k // dirs}": the text with its expressions evaluated. */
static bool expand_name(struct running *r, struct span name, struct span *out) {
  struct eval *ev = r->b->eval;
  *out = name;
  const uint8_t *open;
  while ((open = memchr(out->p, '{', out->n)) != NULL) {
    size_t before = (size_t)(open - out->p), inside = 0;
    while (open[1 + inside] != '}') inside++;
    struct expr_error err;
    struct value v;
    const struct expr *e = expr_parse(ev->arena, ev->max, span_of(open + 1, inside), &err);
    if (!e || !expr_eval(ev, e, &r->scope, &v)) return false;
    struct span tail = span_from(*out, before + inside + 2);
    struct span text = v.kind == VALUE_TEXT ? v.text : value_show(ev->arena, &v);
    *out = arena_printf(ev->arena, "%.*s%.*s%.*s", (int)before, (const char *)out->p, (int)text.n,
                        (const char *)text.p, (int)tail.n, (const char *)tail.p);
    if (out->n == 0) return out_of_memory(ev, r->at);
  }
  return true;
}

static bool add_slot(struct running *r, struct span name, const struct slot *slot) {
  struct builder *b = r->b;
  struct slot *into =
      slot->buffer ? vec_push(b->arena, &b->buffers, UINT32_MAX) : vec_push(b->arena, &b->params, UINT32_MAX);
  if (!into) return out_of_memory(b->eval, r->at);
  *into = *slot;
  into->name = name;
  return true;
}

static bool add_part(struct running *r, struct span name, const struct module *m) {
  struct module_part *part = vec_push(r->b->arena, &r->b->parts, UINT32_MAX);
  if (!part) return out_of_memory(r->b->eval, r->at);
  *part = (struct module_part){name, m, r->repeated};
  return true;
}

static bool register_line(struct running *r, const struct state_line *line) {
  struct value v;
  struct span name;
  if (!expr_eval(r->b->eval, line->value, &r->scope, &v)) return false;
  if (v.kind == VALUE_NONE) return true;
  if (v.kind != VALUE_MODULE)
    return eval_error(r->b->eval, r->at, "expected a module, found %s", value_kind_name(v.kind));
  if (!expand_name(r, line->name, &name)) return false;
  return module_is_slot(v.module) ? add_slot(r, name, v.module->slots) : add_part(r, name, v.module);
}

static bool loop_count(struct running *r, const struct state_line *line, int64_t *out) {
  struct value v;
  if (!expr_eval(r->b->eval, line->value, &r->scope, &v)) return false;
  if (v.kind != VALUE_INT || v.number < 0) return bad_size(r->b->eval, r->at, &v);
  if ((uint64_t)v.number > r->b->max_modules)
    return eval_error(r->b->eval, r->at, "%lld repetitions, more than the checkpoint could fill",
                      (long long)v.number);
  *out = v.number;
  return true;
}

/* Rows have at most one loop open at a time. */
static bool run_state(struct running *r) {
  uint32_t body = 0;
  int64_t k = 0, count = 0;
  for (uint32_t i = 0; i < r->plan->num_lines; i++) {
    const struct state_line *line = &r->plan->lines[i];
    struct value v;
    switch (line->kind) {
    case STATE_LET:
      if (!expr_eval(r->b->eval, line->value, &r->scope, &v)) return false;
      set_local(r, line->name, v);
      break;
    case STATE_REGISTER:
      if (!register_line(r, line)) return false;
      break;
    case STATE_EACH:
      if (!loop_count(r, line, &count)) return false;
      body = i;
      k = 0;
      r->repeated = true;
      while (count == 0 && r->plan->lines[i + 1].kind != STATE_END) i++;
      set_local(r, line->name, value_int(k));
      break;
    case STATE_END:
      if (++k < count) i = body;
      r->repeated = k < count;
      set_local(r, r->plan->lines[body].name, value_int(k));
      break;
    }
  }
  return true;
}

/* Moves what this type registered from the builder's stacks to the module. */
static bool collect(struct running *r, struct module *m) {
  struct builder *b = r->b;
  uint32_t params = b->params.n - r->params, buffers = b->buffers.n - r->buffers,
           parts = b->parts.n - r->parts;
  struct slot *slots = arena_array(b->arena, params + buffers, struct slot);
  struct module_part *own = arena_array(b->arena, parts, struct module_part);
  if (!slots || !own) return out_of_memory(b->eval, r->at);
  if (params) memcpy(slots, b->params.p + r->params, params * sizeof *slots);
  if (buffers) memcpy(slots + params, b->buffers.p + r->buffers, buffers * sizeof *slots);
  if (parts) memcpy(own, b->parts.p + r->parts, parts * sizeof *own);
  b->params.n = r->params;
  b->buffers.n = r->buffers;
  b->parts.n = r->parts;
  m->slots = slots;
  m->num_slots = params + buffers;
  m->parts = own;
  m->num_parts = parts;
  return true;
}

/* Prefixes a failure inside a row by the type, and by the argument that holds the wrong value. */
static bool explain(struct running *r) {
  struct eval *ev = r->b->eval;
  struct expr_error e = ev->error;
  struct span type = r->plan->signature.name;
  if (e.limit) return false;
  for (uint32_t i = 0; i < r->plan->signature.num_params; i++) {
    struct span name = r->plan->signature.params[i].name;
    if (ev->culprit.kind == VALUE_PENDING || r->values[i].kind != ev->culprit.kind ||
        !value_equal(&r->values[i], &ev->culprit))
      continue;
    return eval_error(ev, r->at, "%.*s, %.*s: %.*s", shown(type), (const char *)type.p, shown(name),
                      (const char *)name.p, (int)e.what.n, (const char *)e.what.p);
  }
  return eval_error(ev, r->at, "%.*s: %.*s", shown(type), (const char *)type.p, (int)e.what.n,
                    (const char *)e.what.p);
}

static bool construct_state(struct builder *b, const struct type_plan *plan, uint32_t at, struct module *m) {
  struct running r;
  if (plan->num_lines == 0) return true;
  r.b = b;
  r.plan = plan;
  r.at = at;
  r.params = b->params.n;
  r.buffers = b->buffers.n;
  r.parts = b->parts.n;
  r.repeated = false;
  r.scope = (struct scope){.n = m->num_args, .names = r.names, .values = r.values};
  for (uint32_t i = 0; i < m->num_args; i++) {
    r.names[i] = plan->signature.params[i].name;
    r.values[i] = m->args[i];
  }
  b->eval->culprit.kind = VALUE_PENDING;
  return (run_state(&r) && collect(&r, m)) || explain(&r);
}

/* ---- calls ---- */

static bool construct_type(struct builder *b, enum module_type t, const struct expr *call,
                           const struct scope *scope, struct value *out) {
  const struct type_plan *plan = construct_plan(b, t);
  struct module *m = plan ? new_module(b, MODULE_TYPE) : NULL;
  if (!m) return false;
  m->type = t;
  m->signature = &plan->signature;
  m->num_args = plan->signature.num_params;
  m->args = construct_bind(b, call, scope, &plan->signature);
  if (!m->args) return false;
  bool ok = module_is_slot(m) ? construct_slot(b, call->at, m) : construct_state(b, plan, call->at, m);
  return ok && answer(out, m);
}

static bool construct_block(struct builder *b, const struct module_block *block, const struct expr *call,
                            const struct scope *scope, struct value *out) {
  struct module *m = new_module(b, MODULE_BLOCK);
  if (!m) return false;
  struct binding binding = {b->eval, call, scope, b->config, &block->signature};
  m->block = block;
  m->signature = &block->signature;
  m->num_args = block->signature.num_params;
  m->scope = b->config; /* around its own, which build.c makes */
  m->args = bind(&binding);
  return m->args && answer(out, m);
}

bool construct_in_place(struct builder *b, const struct module_block *block, const struct scope *scope,
                        struct value *out) {
  struct module *m = new_module(b, MODULE_BLOCK);
  if (!m) return false;
  m->block = block;
  m->signature = &block->signature;
  m->scope = scope;
  return answer(out, m);
}

bool construct_sequential(struct builder *b, const struct value *items, uint32_t n, uint32_t at,
                          struct value *out) {
  struct module *m = new_module(b, MODULE_SEQUENTIAL);
  struct module_part *parts = m ? arena_array(b->arena, n, struct module_part) : NULL;
  if (!parts) return out_of_memory(b->eval, at);
  for (uint32_t i = 0; i < n; i++) {
    if (items[i].kind == VALUE_NONE) continue; /* its number stays free, as in PyTorch */
    if (items[i].kind != VALUE_MODULE || module_is_slot(items[i].module))
      return eval_error(b->eval, at, "item %u of a Sequential is no module", i);
    struct module_part *part = &parts[m->num_parts++];
    *part = (struct module_part){.name = arena_printf(b->arena, "%u", i), .module = items[i].module};
    if (part->name.n == 0) return out_of_memory(b->eval, at);
  }
  m->parts = parts;
  return answer(out, m);
}

static bool call_sequential(struct builder *b, const struct expr *call, const struct scope *scope,
                            struct value *out) {
  uint32_t n = call->num_kids - 1;
  struct value *items = arena_array(b->arena, n, struct value);
  if (!items) return out_of_memory(b->eval, call->at);
  for (uint32_t i = 0; i < n; i++) {
    const struct expr *arg = call->kids[i + 1];
    if (arg->kind == EXPR_KEYWORD)
      return eval_error(b->eval, arg->at, "Sequential takes no keyword arguments");
    if (!expr_eval(b->eval, arg, scope, &items[i])) return false;
  }
  return construct_sequential(b, items, n, call->at, out);
}

static bool unknown_type(struct builder *b, const struct expr *call) {
  struct span name = call->kids[0]->text;
  struct nearest near = {.word = name};
  for (enum module_type t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
    nearest_try(&near, span_str(module_type_name(t)));
  for (uint32_t i = 0; i < b->arch->num_blocks; i++) nearest_try(&near, b->arch->blocks[i].signature.name);
  const char *hint = near.best.n ? ", did you mean " : "";
  return eval_error(b->eval, call->at, "no module type, block or function is named %.*s%s%.*s%s", shown(name),
                    (const char *)name.p, hint, (int)near.best.n, (const char *)near.best.p,
                    near.best.n ? "?" : "");
}

bool construct_call(struct eval *ev, const struct expr *call, const struct scope *scope, struct value *out) {
  struct builder *b = ev->context;
  struct span name = call->kids[0]->text;
  if (reparam_is(call->kids[0])) return reparam_call(b, call, scope, out);
  enum module_type t = module_type_by_name(name);
  if (t == TYPE_Sequential) return call_sequential(b, call, scope, out);
  if (t != TYPE_NONE) return construct_type(b, t, call, scope, out);
  uint32_t block = keys_find(&b->blocks, 0, name);
  return block ? construct_block(b, &b->arch->blocks[block - 1], call, scope, out) : unknown_type(b, call);
}
