#include "forward/lower.h"

enum { SHOWN_NAME = 100 };

/* ---- functions that need no numbers ---- */

static bool property_shape(struct lowering *l, const struct ftensor *t, struct gval *out) {
  struct value *sizes = arena_array(l->r->arena, t->ndim, struct value);
  if (!sizes) return lower_memory(l);
  for (uint32_t i = 0; i < t->ndim; i++) sizes[i] = value_int((int64_t)t->size[i]);
  *out = gval_of(value_tuple(sizes, t->ndim));
  return true;
}

static bool property_size(struct lowering *l, struct frame *f, const struct ftensor *t,
                          const struct gval *axis, uint32_t at, struct gval *out) {
  int64_t i = gval_is(axis, VALUE_INT) ? axis->plain.number : INT64_MAX;
  if (i < -(int64_t)t->ndim || i >= (int64_t)t->ndim) {
    const char *shape = ft_shape_text(l->r->arena, t);
    return lower_refuse(l, f, at, OBS_FWD_SHAPE,
                        arena_printf(l->r->arena, "size: %s has no such dimension", shape));
  }
  *out = gval_of(value_int((int64_t)t->size[i < 0 ? i + t->ndim : i]));
  return true;
}

bool lower_property(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                    struct gval *out, bool *found) {
  const struct ftensor *t = &args->positional[0].tensor->t;
  *found = args->num_keywords == 0 && args->n <= 2;
  if (*found && args->n == 2 && span_is(name, "size"))
    return property_size(l, f, t, &args->positional[1], args->at, out);
  *found = *found && args->n == 1;
  if (!*found) return true;
  if (span_is(name, "shape") || span_is(name, "size")) return property_shape(l, t, out);
  const bool t_of_2d = span_is(name, "T") || (span_is(name, "H") && t->ndim == 2);
  if (t_of_2d || span_is(name, "mT") || span_is(name, "mH"))
    return lower_op(l, f, &op_table[t_of_2d ? OP_t : OP_adjoint], args, out);
  if (span_is(name, "data"))
    *out = args->positional[0];
  else if (span_is(name, "dtype"))
    *out = gval_of((struct value){.kind = VALUE_DTYPE, .dtype = ftype_dtype(t->type)});
  else if (span_is(name, "ndim") || span_is(name, "dim") || span_is(name, "ndimension"))
    *out = gval_of(value_int(t->ndim));
  else if (span_is(name, "numel") || span_is(name, "nelement"))
    *out = gval_of(value_int((int64_t)t->numel));
  else if (span_is(name, "len") && t->ndim)
    *out = gval_of(value_int((int64_t)t->size[0]));
  else
    *found = false;
  return true;
}

/* ---- modules ---- */

/* What a module gives an op's parameter: a tensor of that name, else the constructor's argument of that name.
 * Where the op takes a tensor only the former counts: a Linear's argument `bias` is a bool. */
static bool module_gives(struct lowering *l, struct frame *f, const struct module *m,
                         const struct op_param *param, uint32_t at, struct gval *out, bool *given) {
  *given = true;
  if (param->takes & TAKES_TENSOR) return lower_parameter(l, f, m, span_str(param->name), at, out, given);
  const struct value *arg = module_arg(m, param->name);
  *given = arg != NULL;
  if (arg) *out = gval_of(*arg);
  return true;
}

static bool call_typed_module(struct lowering *l, struct frame *f, const struct module *m,
                              const struct call_args *args, struct gval *out) {
  const struct op_module *row = op_module_by_type(m->type);
  bool found = false;
  if (!lower_composed_method(l, f, m, NULL, args, out, &found)) return false;
  if (found) return true;
  if (!lower_recurrent(l, f, m, args, out, &found)) return false;
  if (found) return true;
  if (!row) return lower_refuse(l, f, args->at, OBS_FWD_UNKNOWN_MODULE, module_class(m));
  const struct op *op = &op_table[row->op];
  struct call_args all = *args;
  struct local *keywords = arena_array(l->r->arena, args->num_keywords + OP_PARAMS, struct local);
  if (!keywords) return lower_memory(l);
  if (args->n > row->inputs)
    return lower_refuse(l, f, args->at, OBS_FWD_ARGUMENT,
                        arena_printf(l->r->arena, "%s takes %u input(s), %u were given",
                                     module_type_name(m->type), row->inputs, args->n));
  for (uint32_t i = 0; i < args->num_keywords; i++) keywords[i] = args->keywords[i];
  for (uint32_t i = row->inputs; i < op->num_params; i++) {
    struct local *k = &keywords[all.num_keywords];
    bool there;
    if (!module_gives(l, f, m, &op->params[i], args->at, &k->value, &there)) return false;
    if (!there || !lower_is_argument(l, &k->value)) continue;
    k->name = span_str(op->params[i].name);
    all.num_keywords++;
  }
  all.keywords = keywords;
  return lower_op(l, f, op, &all, out);
}

// NOLINTBEGIN(misc-no-recursion): modules in modules, at most 4 * limits.arch_depth deep; see lower.h

/* Children in order, the first argument handed on from one to the next, the others given to each. */
static bool call_container(struct lowering *l, struct frame *f, const struct module *m,
                           const struct call_args *args, struct gval *out) {
  if (args->n == 0)
    return lower_refuse(l, f, args->at, OBS_FWD_ARGUMENT, SPAN("the container needs an input"));
  struct gval *handed = arena_array(l->r->arena, args->n, struct gval);
  if (!handed) return lower_memory(l);
  for (uint32_t i = 0; i < args->n; i++) handed[i] = args->positional[i];
  struct call_args each = *args;
  each.positional = handed;
  for (const struct module *child = m->first; child; child = child->next) {
    if (child->kind == MODULE_ABSENT) continue;
    struct gval result;
    if (!lower_module_call(l, f, child, &each, &result)) return false;
    handed[0] = result;
  }
  *out = handed[0];
  return true;
}

/* Children 0, 1, …: what nn.Sequential calls them, and its subclasses. */
static bool is_numbered(const struct module *m) {
  for (const struct module *child = m->first; child; child = child->next)
    for (size_t i = 0; i < child->name.n; i++)
      if (child->name.p[i] < '0' || child->name.p[i] > '9') return false;
  return m->first != NULL;
}

static bool set_local(struct lowering *l, struct frame *f, struct span name, const struct gval *value,
                      uint32_t at) {
  if (gval_is(value, VALUE_MODULE))
    return lower_refuse(l, f, at, OBS_FWD_EXPRESSION, SPAN("a module can't be assigned to a name"));
  for (uint32_t i = 0; i < f->locals.n; i++) {
    if (!span_eq(f->locals.p[i].name, name)) continue;
    f->locals.p[i].value = *value;
    return true;
  }
  struct local *slot = vec_push(l->r->arena, &f->locals, UINT32_MAX);
  if (!slot) return lower_memory(l);
  *slot = (struct local){name, *value};
  return true;
}

static bool missing_argument(struct lowering *l, struct frame *caller, const struct frame *f,
                             const struct param *p, uint32_t at) {
  struct span class = module_class(f->place.module);
  return lower_refuse(
      l, caller, at, OBS_FWD_ARGUMENT,
      arena_printf(l->r->arena, "forward of %.*s needs argument '%.*s'", (int)min_size(class.n, SHOWN_NAME),
                   (const char *)class.p, (int)min_size(p->name.n, SHOWN_NAME), (const char *)p->name.p));
}

static const struct gval *keyword_value(const struct call_args *args, struct span name) {
  for (uint32_t k = 0; k < args->num_keywords; k++)
    if (span_eq(args->keywords[k].name, name)) return &args->keywords[k].value;
  return NULL;
}

/* Binds a block's arguments as Python does. Errors name the caller's place; defaults are evaluated in the
 * block. */
static bool bind_block(struct lowering *l, struct frame *caller, struct frame *f,
                       const struct call_args *args) {
  const struct signature *s = &f->body->signature;
  uint32_t used = args->n;
  if (args->n > s->num_params)
    return lower_refuse(l, caller, args->at, OBS_FWD_ARGUMENT, SPAN("too many arguments"));
  for (uint32_t i = 0; i < s->num_params; i++) {
    const struct param *p = &s->params[i];
    const struct gval *named = keyword_value(args, p->name);
    struct gval value;
    if (named && i < args->n)
      return lower_refuse(l, caller, args->at, OBS_FWD_ARGUMENT, SPAN("an argument is given twice"));
    used += named != NULL;
    if (i < args->n)
      value = args->positional[i];
    else if (named)
      value = *named;
    else if (!p->fallback)
      return missing_argument(l, caller, f, p, args->at);
    else if (!lower_expr(l, f, p->fallback, &value))
      return false;
    if (!set_local(l, f, p->name, &value, args->at)) return false;
  }
  return used == args->n + args->num_keywords ||
         lower_refuse(l, caller, args->at, OBS_FWD_ARGUMENT,
                      SPAN("forward has no argument of the name given"));
}

/* "y, h, c = lstm(x)", which answers (y, (h, c)) */
static bool unpack_states(struct lowering *l, struct frame *f, const struct statement *s,
                          const struct gval *value) {
  const struct gval *states = &value->items[1];
  return states->n == 2 && set_local(l, f, s->names[0], &value->items[0], 0) &&
         set_local(l, f, s->names[1], &states->items[0], 0) &&
         set_local(l, f, s->names[2], &states->items[1], 0);
}

/* "q, k, v = …" */
static bool unpack(struct lowering *l, struct frame *f, const struct statement *s, const struct gval *value) {
  const bool plain = gval_is(value, VALUE_TUPLE);
  const uint32_t n = plain ? value->plain.n : value->kind == GVAL_TUPLE ? value->n : 0;
  if (n == 2 && value->kind == GVAL_TUPLE && value->beside && s->num_names == 3 &&
      value->items[1].kind == GVAL_TUPLE)
    return unpack_states(l, f, s, value);
  if (n != s->num_names)
    return lower_refuse(l, f, 0, OBS_FWD_EXPRESSION,
                        arena_printf(l->r->arena, "%u names for %u values", s->num_names, n));
  for (uint32_t i = 0; i < n; i++) {
    struct gval item = plain ? gval_of(value->plain.items[i]) : value->items[i];
    if (!set_local(l, f, s->names[i], &item, 0)) return false;
  }
  return true;
}

bool lower_body(struct lowering *l, struct frame *caller, struct frame *f, const struct call_args *args,
                struct gval *out) {
  if (!bind_block(l, caller, f, args)) return false;
  *out = gval_of((struct value){.kind = VALUE_NONE});
  for (uint32_t i = 0; i < f->body->num_statements; i++) {
    const struct statement *s = &f->body->statements[i];
    if (!f->composed) f->place.statement = i;
    if (!lower_expr(l, f, s->value, out)) return false;
    if (s->num_names == 1 && !set_local(l, f, s->names[0], out, 0)) return false;
    if (s->num_names > 1 && !unpack(l, f, s, out)) return false;
  }
  return true;
}

static bool call_block(struct lowering *l, struct frame *caller, const struct module *m,
                       const struct call_args *args, struct gval *out) {
  const struct function *forward = m->block->forward;
  if (!forward && is_numbered(m)) return call_container(l, caller, m, args, out);
  if (!forward) return lower_refuse(l, caller, args->at, OBS_FWD_NO_FORWARD, SPAN(""));
  struct frame f = {.place = {.module = m, .function = forward}, .self = m, .body = forward};
  return lower_body(l, caller, &f, args, out);
}

static bool call_kind(struct lowering *l, struct frame *f, const struct module *m,
                      const struct call_args *args, struct gval *out) {
  switch (m->kind) {
  case MODULE_TYPE: return call_typed_module(l, f, m, args, out);
  case MODULE_BLOCK: return call_block(l, f, m, args, out);
  case MODULE_SEQUENTIAL:
  case MODULE_LIST: return call_container(l, f, m, args, out);
  case MODULE_GROUP:
    if (is_numbered(m)) return call_container(l, f, m, args, out);
    return lower_refuse(l, f, args->at, OBS_FWD_EXPRESSION, SPAN("a group of modules can't be called"));
  case MODULE_ABSENT:
    return lower_refuse(l, f, args->at, OBS_FWD_EXPRESSION, SPAN("this module is None here"));
  }
  return false;
}

bool lower_module_call(struct lowering *l, struct frame *f, const struct module *m,
                       const struct call_args *args, struct gval *out) {
  if (!eval_charge(&l->ev, 1, args->at)) return lower_error(l, f);
  if (l->depth >= 4 * l->r->max->arch_depth)
    return lower_refuse(l, f, args->at, OBS_FWD_STEPS, SPAN("modules inside modules, too deep"));
  l->depth++;
  bool done = call_kind(l, f, m, args, out);
  l->depth--;
  return done;
}

/* ---- calls by name ---- */

static bool call_builtin(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                         struct gval *out) {
  struct value *plain = arena_array(l->r->arena, args->n, struct value), result;
  if (!plain) return lower_memory(l);
  for (uint32_t i = 0; i < args->n; i++) plain[i] = args->positional[i].plain;
  if (args->num_keywords)
    return lower_refuse(l, f, args->at, OBS_FWD_ARGUMENT, SPAN("this function takes no keywords"));
  if (!builtin_call(&l->ev, name, plain, args->n, args->at, &result)) return lower_error(l, f);
  *out = gval_of(result);
  return true;
}

static bool any_tensor(const struct call_args *args) {
  for (uint32_t i = 0; i < args->n; i++)
    if (args->positional[i].kind != GVAL_PLAIN) return true;
  for (uint32_t i = 0; i < args->num_keywords; i++)
    if (args->keywords[i].value.kind != GVAL_PLAIN) return true;
  return false;
}

static bool call_function(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                          struct gval *out) {
  const struct op *op = op_by_name(name);
  bool found = false;
  if (args->n && args->positional[0].kind == GVAL_TENSOR && !lower_property(l, f, name, args, out, &found))
    return false;
  if (found) return true;
  if (any_tensor(args) && !lower_several(l, f, name, args, out, &found)) return false;
  if (found) return true;
  if (!lower_rope(l, f, name, args, out, &found)) return false;
  if (found) return true;
  if (!any_tensor(args) && builtin_is(name) && op != &op_table[OP_arange])
    return call_builtin(l, f, name, args, out);
  if (op) return lower_op(l, f, op, args, out);
  if (!lower_composed_function(l, f, name, args, out, &found)) return false;
  if (found) return true;
  const bool in_place = name.n > 1 && name.p[name.n - 1] == '_';
  const struct span plain = span_first(name, name.n - in_place);
  op = in_place ? op_by_name(plain) : NULL;
  if (op && !lower_op(l, f, op, args, out)) return false;
  if (in_place && !op && !lower_composed_function(l, f, plain, args, out, &found)) return false;
  return op || found ? lower_in_place(l, f, plain, args, out)
                     : lower_refuse(l, f, args->at, OBS_FWD_UNKNOWN_OP, name);
}

/* Arguments of a call; room for one in front of them, for x.f(a). */
static bool lower_args(struct lowering *l, struct frame *f, const struct expr *e, struct gval **positional,
                       struct call_args *out) {
  struct local *keywords = arena_array(l->r->arena, e->num_kids, struct local);
  *positional = arena_array(l->r->arena, e->num_kids + 1, struct gval);
  if (!keywords || !*positional) return lower_memory(l);
  *out = (struct call_args){.at = e->at, .positional = *positional + 1, .keywords = keywords};
  for (uint32_t i = 1; i < e->num_kids; i++) {
    const struct expr *kid = e->kids[i];
    const bool named = kid->kind == EXPR_KEYWORD;
    struct gval *slot = named ? &keywords[out->num_keywords].value : &(*positional)[1 + out->n];
    if (!lower_expr(l, f, named ? kid->kids[0] : kid, slot)) return false;
    if (named)
      keywords[out->num_keywords++].name = kid->text;
    else
      out->n++;
  }
  return true;
}

static bool call_value(struct lowering *l, struct frame *f, const struct gval *callee,
                       const struct call_args *args, struct gval *out) {
  if (gval_is(callee, VALUE_MODULE)) return lower_module_call(l, f, callee->plain.module, args, out);
  return lower_refuse(l, f, args->at, OBS_FWD_EXPRESSION,
                      gval_is(callee, VALUE_NONE) ? SPAN("this module is None here, it can't be called")
                                                  : SPAN("only modules and functions can be called"));
}

/* torch.nn.functional.unfold; x.unfold(…) is another function. torch.special.erf calls itself special_erf. */
static struct span function_name(struct span name) {
  const struct span special = SPAN("special_");
  if (name.n > special.n && span_eq(span_first(name, special.n), special)) return span_from(name, special.n);
  return span_is(name, "unfold") ? SPAN("im2col") : name;
}

/* As in Python, a module hides a function of its name; x.f(a) is f(x, a) when x is a value. */
bool lower_call(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  const struct expr *callee = e->kids[0];
  struct gval target = {.kind = GVAL_PLAIN}, *positional = NULL;
  struct call_args args = {.n = 0};
  bool found = false;
  if (callee->kind == EXPR_NAME) {
    if (f->self && !lower_member(l, f, f->self, callee->text, callee->at, &target, &found)) return false;
    if (!lower_args(l, f, e, &positional, &args)) return false;
    return found ? call_value(l, f, &target, &args, out)
                 : call_function(l, f, function_name(callee->text), &args, out);
  }
  if (callee->kind != EXPR_ATTR)
    return lower_expr(l, f, callee, &target) && lower_args(l, f, e, &positional, &args) &&
           call_value(l, f, &target, &args, out);
  struct gval object = {.kind = GVAL_PLAIN};
  if (!lower_expr(l, f, callee->kids[0], &object)) return false;
  object = gval_output(&object);
  if (!lower_args(l, f, e, &positional, &args)) return false;
  if (!gval_is(&object, VALUE_MODULE)) {
    positional[0] = object;
    args.positional = positional;
    args.n++;
    return call_function(l, f, callee->text, &args, out);
  }
  const struct module *m = object.plain.module;
  if (!lower_member(l, f, m, callee->text, callee->at, &target, &found)) return false;
  if (found) return call_value(l, f, &target, &args, out);
  if (!lower_composed_method(l, f, m, &callee->text, &args, out, &found)) return false;
  return found || lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION, SPAN("the module has no child of this name"));
}

// NOLINTEND(misc-no-recursion)
