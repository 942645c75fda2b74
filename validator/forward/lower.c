#include "forward/lower.h"

/* ---- messages ---- */

enum { SHOWN_SOURCE = 120 };

struct span place_text(struct arena *a, const struct model *m, const struct fplace *p) {
  struct span name =
      p->module->prefix.n > 1 ? span_first(p->module->prefix, p->module->prefix.n - 1) : m->root_name;
  if (!p->function || p->statement >= p->function->num_statements) return name;
  char index[24];
  (void)snprintf(index, sizeof index, "%u", p->statement);
  const struct place statement = {p->function->place, index};
  struct span where = arch_where(a, m->arch, &statement, p->at);
  struct span source = p->function->statements[p->statement].source;
  return arena_printf(a, "%.*s: `%.*s%s` (%.*s)", (int)min_size(name.n, SHOWN_SOURCE), (const char *)name.p,
                      (int)min_size(source.n, SHOWN_SOURCE), (const char *)source.p,
                      source.n > SHOWN_SOURCE ? "..." : "", (int)min_size(where.n, SHOWN_SOURCE),
                      (const char *)where.p);
}

bool lower_refuse(struct lowering *l, struct frame *f, uint32_t at, enum obs_kind kind, struct span detail) {
  frame_at(f, at);
  return refuse(l->r->obs,
                (struct observation){.kind = kind,
                                     .subject = place_text(l->r->arena, l->r->model, &f->place),
                                     .detail = detail,
                                     .want = kind == OBS_FWD_STEPS ? l->r->max->forward_steps : 0});
}

bool lower_error(struct lowering *l, struct frame *f) {
  if (l->r->arena->exhausted) return lower_memory(l);
  return lower_refuse(l, f, l->ev.error.at, l->ev.error.limit ? OBS_FWD_STEPS : OBS_FWD_EXPRESSION,
                      l->ev.error.what);
}

bool lower_memory(struct lowering *l) {
  return refuse(l->r->obs, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = l->r->arena->used});
}

/* ---- names ---- */

/* Weights are found by module and slot; the expected keys of one module stand together, in the order of its
 * slots. */
struct slot_index {
  const struct module *module;
  uint32_t first;
};

static int by_module(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)((const struct slot_index *)a)->module,
            y = (uintptr_t)((const struct slot_index *)b)->module;
  return (x > y) - (x < y);
}

static bool index_slots(struct lowering *l) {
  const struct model *m = l->r->model;
  struct slot_index *index = arena_array(l->r->arena, m->num_expected, struct slot_index);
  if (!index) return lower_memory(l);
  uint32_t n = 0;
  for (uint32_t i = 0; i < m->num_expected; i++)
    if (i == 0 || m->expected[i].module != m->expected[i - 1].module)
      index[n++] = (struct slot_index){m->expected[i].module, i};
  if (n) qsort(index, n, sizeof *index, by_module);
  l->slots = index;
  l->num_slot_modules = n;
  return true;
}

/* The tensor of the plan behind a slot, or MATCH_NO_TENSOR. */
static uint32_t slot_tensor(const struct lowering *l, const struct module *m, const struct slot *slot) {
  const struct slot_index key = {.module = m};
  const struct slot_index *found =
      l->num_slot_modules ? bsearch(&key, l->slots, l->num_slot_modules, sizeof key, by_module) : NULL;
  const struct model *model = l->r->model;
  const uint64_t at = found ? found->first + (uint64_t)(slot - m->slots) : model->num_expected;
  if (at < model->num_expected && model->expected[at].slot == slot) return l->r->match->tensor[at];
  return MATCH_NO_TENSOR;
}

/* Why a tensor has no numbers to read, whatever its dtype; NULL: it has. */
static const char *unreadable(const struct plan_tensor *row) {
  if (row->flags & PLAN_UNPROVED) return "its place in the file is not proved";
  if (row->flags & PLAN_SPARSE) return "it is sparse";
  if (row->flags & PLAN_META || row->storage == PLAN_NO_STORAGE) return "it has no bytes in the file";
  return dtype_packing((enum dtype)row->dtype) > 1 ? "its elements are packed" : NULL;
}

static bool lower_weight(struct lowering *l, struct frame *f, const struct module *m, const struct slot *slot,
                         uint32_t at, struct gval *out) {
  uint32_t tensor = slot_tensor(l, m, slot);
  struct span key = arena_printf(l->r->arena, "'%.*s%.*s'", (int)min_size(m->prefix.n, SHOWN_SOURCE),
                                 (const char *)m->prefix.p, (int)min_size(slot->name.n, SHOWN_SOURCE),
                                 (const char *)slot->name.p);
  if (tensor == MATCH_NO_TENSOR) return lower_refuse(l, f, at, OBS_FWD_WEIGHT_MISSING, key);
  const struct plan_tensor *row = &l->r->plan->tensors[tensor];
  struct fvalue *v = arena_new(l->r->arena, struct fvalue);
  if (!v) return lower_memory(l);
  enum ftype type = FT_F32; /* of a quantised one, which is read as what it means */
  const char *why = unreadable(row);
  if (why || (!(row->flags & PLAN_QUANTIZED) && !ftype_of((enum dtype)row->dtype, &type)))
    return lower_refuse(l, f, at, OBS_FWD_WEIGHT_UNREADABLE,
                        arena_printf(l->r->arena, "%.*s: %s", (int)key.n, (const char *)key.p,
                                     why ? why : dtype_name((enum dtype)row->dtype)));
  if (!ft_shape(&v->t, type, l->r->plan->dims + row->first_dim, row->ndim))
    return lower_refuse(l, f, at, OBS_FWD_UNSUPPORTED, SPAN("a weight with more than 16 dimensions"));
  v->from = FROM_WEIGHT;
  v->index = tensor;
  v->root = v;
  *out = gval_tensor(v);
  return true;
}

static const struct reparam *find_reparam(const struct module *m, struct span name) {
  const struct reparam *r = m->reparams;
  while (r && !span_eq(r->name, name)) r = r->next;
  return r;
}

bool lower_parameter(struct lowering *l, struct frame *f, const struct module *m, struct span name,
                     uint32_t at, struct gval *out, bool *found) {
  const struct slot *slot = module_slot(m, name);
  const struct reparam *r = slot ? NULL : find_reparam(m, name);
  *found = slot || r;
  if (slot) return lower_weight(l, f, m, slot, at, out);
  return !r || lower_reparam(l, f, m, r, at, out);
}

bool lower_member(struct lowering *l, struct frame *f, const struct module *m, struct span name, uint32_t at,
                  struct gval *out, bool *found) {
  const struct module *child = module_child(l->r->model, m, name);
  if (!child) return lower_parameter(l, f, m, name, at, out, found);
  *found = true;
  if (child->kind == MODULE_ABSENT)
    *out = gval_of((struct value){.kind = VALUE_NONE});
  else
    *out = gval_of((struct value){.kind = VALUE_MODULE, .module = child});
  return true;
}

static const struct gval *find_local(const struct frame *f, struct span name) {
  for (uint32_t i = 0; i < f->locals.n; i++)
    if (span_eq(f->locals.p[i].name, name)) return &f->locals.p[i].value;
  return NULL;
}

static bool name_error(struct lowering *l, struct frame *f, const struct expr *e, const char *what) {
  return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION,
                      arena_printf(l->r->arena, "'%.*s': %s", (int)min_size(e->text.n, SHOWN_SOURCE),
                                   (const char *)e->text.p, what));
}

static const struct value *named_argument(const struct module *m, struct span name) {
  for (uint32_t i = 0; i < m->num_args; i++)
    if (span_eq(m->signature->params[i].name, name)) return &m->args[i];
  return NULL;
}

/* arch-language 2.3 rule 2: local value, module or parameter of this block, block argument or let, config.
 * self is the module itself, whose children may have names that are none of the language: self[0],
 * self['in']. */
static bool lower_name(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  const struct gval *local = find_local(f, e->text);
  if (local) {
    *out = *local;
    return true;
  }
  bool found;
  if (f->self && !lower_member(l, f, f->self, e->text, e->at, out, &found)) return false;
  if (f->self && found) return true;
  if (f->self && !f->composed && span_is(e->text, "self")) {
    *out = gval_of((struct value){.kind = VALUE_MODULE, .module = f->self});
    return true;
  }
  const struct scope *scope = f->self && f->self->scope ? f->self->scope : l->r->model->config;
  const struct value *v = !f->composed ? scope_find(scope, e->text)
                          : f->self    ? named_argument(f->self, e->text)
                                       : NULL;
  if (v && v->kind != VALUE_MISSING && v->kind != VALUE_PENDING) {
    *out = gval_of(*v);
    return true;
  }
  struct value dtype;
  if (!v && value_dtype(e->text, &dtype)) {
    *out = gval_of(dtype);
    return true;
  }
  return name_error(l, f, e, v ? "a config value that is required and not given" : "unknown name");
}

/* ---- expressions ---- */

// NOLINTBEGIN(misc-no-recursion): over an expression, at most limits.expr_depth deep; see lower.h

static bool lower_tuple(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval *items = arena_array(l->r->arena, e->num_kids, struct gval);
  struct value *plain = arena_array(l->r->arena, e->num_kids, struct value);
  if (!items || !plain) return lower_memory(l);
  bool all_plain = true;
  for (uint32_t i = 0; i < e->num_kids; i++) {
    if (!lower_expr(l, f, e->kids[i], &items[i])) return false;
    all_plain = all_plain && items[i].kind == GVAL_PLAIN;
    if (all_plain) plain[i] = items[i].plain;
  }
  *out = all_plain ? gval_of(value_tuple(plain, e->num_kids))
                   : (struct gval){.kind = GVAL_TUPLE, .n = e->num_kids, .items = items};
  return true;
}

static bool lower_truth(struct lowering *l, struct frame *f, const struct gval *g, uint32_t at, bool *out) {
  switch (g->kind) {
  case GVAL_PLAIN: *out = g->plain.kind == VALUE_MODULE || value_truth(&g->plain); return true;
  case GVAL_TUPLE: *out = true; return true;
  case GVAL_TENSOR: break;
  }
  return lower_refuse(l, f, at, OBS_FWD_UNSUPPORTED, SPAN("a condition on the numbers of a tensor"));
}

static bool lower_choice(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval first = {.kind = GVAL_PLAIN};
  bool truth = false;
  if (!lower_expr(l, f, e->kids[0], &first) || !lower_truth(l, f, &first, e->kids[0]->at, &truth))
    return false;
  if (e->kind == EXPR_IF) return lower_expr(l, f, e->kids[truth ? 1 : 2], out);
  if (e->kind == EXPR_NOT)
    *out = gval_of(value_bool(!truth));
  else if (truth == (e->kind == EXPR_OR))
    *out = first;
  else
    return lower_expr(l, f, e->kids[1], out);
  return true;
}

/* The op of an operator between tensors; OP_COUNT: none. */
static enum op_id operator_op(enum expr_op op) {
  static const struct {
    enum expr_op op;
    enum op_id id;
  } table[] = {{BIN_ADD, OP_add},       {BIN_SUB, OP_sub},       {BIN_MUL, OP_mul},
               {BIN_DIV, OP_div},       {BIN_MATMUL, OP_matmul}, {BIN_FLOORDIV, OP_floor_divide},
               {BIN_MOD, OP_remainder}, {BIN_POW, OP_pow},       {BIN_EQ, OP_eq},
               {BIN_NE, OP_ne},         {BIN_LT, OP_lt},         {BIN_LE, OP_le},
               {BIN_GT, OP_gt},         {BIN_GE, OP_ge}};
  for (size_t i = 0; i < ARRAY_LEN(table); i++)
    if (table[i].op == op) return table[i].id;
  return OP_COUNT;
}

static bool lower_operator(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval kid[2] = {{.kind = GVAL_PLAIN}};
  const uint32_t n = e->kind == EXPR_NEG ? 1 : 2;
  for (uint32_t i = 0; i < n; i++)
    if (!lower_expr(l, f, e->kids[i], &kid[i])) return false;
  for (uint32_t i = 0; i < n; i++) kid[i] = gval_output(&kid[i]);
  if (!lower_range(l, f, e->at, &kid[0]) || (n == 2 && !lower_range(l, f, e->at, &kid[1]))) return false;
  if (kid[0].kind == GVAL_PLAIN && (n == 1 || kid[1].kind == GVAL_PLAIN)) {
    struct value v;
    if (n == 1 ? !value_negate(&l->ev, &kid[0].plain, e->at, &v)
               : !value_binary(&l->ev, e->op, &kid[0].plain, &kid[1].plain, e->at, &v))
      return lower_error(l, f);
    *out = gval_of(v);
    return true;
  }
  if ((e->op == BIN_EQ || e->op == BIN_NE) &&
      (gval_is(&kid[0], VALUE_NONE) || gval_is(&kid[1], VALUE_NONE))) {
    *out = gval_of(value_bool(e->op == BIN_NE)); /* mask == None, where mask is a tensor */
    return true;
  }
  enum op_id id = n == 1 ? OP_neg : operator_op(e->op);
  if (id == OP_COUNT) return lower_refuse(l, f, e->at, OBS_FWD_UNKNOWN_OP, span_str(expr_op_text(e->op)));
  return lower_op(l, f, &op_table[id], &(struct call_args){.positional = kid, .n = n}, e->at, out);
}

static bool lower_attr(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval object = {.kind = GVAL_PLAIN};
  bool found = false;
  if (!lower_expr(l, f, e->kids[0], &object)) return false;
  object = gval_output(&object);
  if (object.kind == GVAL_TENSOR) {
    const struct call_args self = {.positional = &object, .n = 1};
    if (!lower_property(l, f, e->text, &self, e->at, out, &found)) return false;
    return found || lower_refuse(l, f, e->at, OBS_FWD_UNKNOWN_OP, e->text);
  }
  if (gval_is(&object, VALUE_MODULE)) {
    if (!lower_member(l, f, object.plain.module, e->text, e->at, out, &found)) return false;
    return found || name_error(l, f, e, "the module has no child, parameter or buffer of this name");
  }
  struct value v;
  if (object.kind == GVAL_TUPLE && object.n == 2 &&
      (span_is(e->text, "values") || span_is(e->text, "indices"))) {
    *out = object.items[span_is(e->text, "indices")]; /* of max(x, dim) */
    return true;
  }
  if (object.kind == GVAL_TUPLE)
    return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION, SPAN("a tuple has no attributes"));
  if (!value_attr(&l->ev, &object.plain, e->text, e->at, &v)) return lower_error(l, f);
  *out = gval_of(v);
  return true;
}

bool lower_expr(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  if (!eval_charge(&l->ev, 1 + f->locals.n / 16, e->at)) return lower_error(l, f);
  switch (e->kind) {
  case EXPR_NONE: *out = gval_of((struct value){.kind = VALUE_NONE}); return true;
  case EXPR_TRUE:
  case EXPR_FALSE: *out = gval_of(value_bool(e->kind == EXPR_TRUE)); return true;
  case EXPR_INT: *out = gval_of(value_int(e->number)); return true;
  case EXPR_FLOAT: *out = gval_of(value_real(e->real)); return true;
  case EXPR_TEXT: *out = gval_of(value_text(e->text)); return true;
  case EXPR_NAME: return lower_name(l, f, e, out);
  case EXPR_TUPLE: return lower_tuple(l, f, e, out);
  case EXPR_IF:
  case EXPR_OR:
  case EXPR_AND:
  case EXPR_NOT: return lower_choice(l, f, e, out);
  case EXPR_NEG:
  case EXPR_BINARY: return lower_operator(l, f, e, out);
  case EXPR_ATTR: return lower_attr(l, f, e, out);
  case EXPR_CALL: return lower_call(l, f, e, out);
  case EXPR_INDEX: return lower_index(l, f, e, out);
  case EXPR_KEYWORD:
  case EXPR_SLICE:
  case EXPR_ELLIPSIS: break; /* the parser leaves these only inside a call or an index */
  }
  return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION, SPAN("this stands only inside a call or an index"));
}

// NOLINTEND(misc-no-recursion)

/* ---- the root's forward ---- */

static bool add_result(struct lowering *l, const struct fplace *place, const struct gval *g) {
  if (g->kind != GVAL_TENSOR) {
    struct frame f = {.place = *place};
    return lower_refuse(l, &f, 0, OBS_FWD_EXPRESSION,
                        SPAN("the result is neither a tensor nor a tuple of tensors"));
  }
  struct fvalue *value = lower_current(g->tensor);
  if (!value) {
    struct frame f = {.place = *place};
    return lower_refuse(l, &f, 0, OBS_FWD_UNSUPPORTED, SPAN("a view of a tensor that was changed in place"));
  }
  // NOLINTNEXTLINE(bugprone-sizeof-expression): a table of pointers
  struct fvalue **slot = vec_push(l->r->arena, &l->graph->results, UINT32_MAX);
  if (!slot) return lower_memory(l);
  *slot = value;
  value->root->last_use = GRAPH_KEEP;
  return true;
}

/* The tensors of the result in order; what a module answers beside its output, one tuple deeper, too. */
static bool add_results(struct lowering *l, const struct fplace *place, const struct gval *g) {
  if (g->kind != GVAL_TUPLE) return add_result(l, place, g);
  for (uint32_t i = 0; i < g->n; i++) {
    const struct gval *item = &g->items[i];
    if (item->kind != GVAL_TUPLE && !(g->beside && gval_is(item, VALUE_NONE)) && !add_result(l, place, item))
      return false;
    for (uint32_t k = 0; item->kind == GVAL_TUPLE && k < item->n; k++)
      if (!add_result(l, place, &item->items[k])) return false;
  }
  return true;
}

/* The inputs that there are, as keyword arguments of the root: names and defaults are then its signature's
 * affair. */
static bool input_keywords(struct lowering *l, struct call_args *args) {
  const struct ports *ports = &l->r->model->arch->inputs;
  struct local *keywords = arena_array(l->r->arena, ports->n, struct local);
  if (!keywords) return lower_memory(l);
  uint32_t n = 0;
  for (uint32_t i = 0; i < ports->n; i++)
    if (l->graph->inputs.p[i])
      keywords[n++] = (struct local){ports->list[i].name, gval_tensor(l->graph->inputs.p[i])};
  *args = (struct call_args){.keywords = keywords, .num_keywords = n};
  return true;
}

bool graph_build(struct graph *g, const struct lower_request *r) {
  const struct module *root = r->model->root;
  struct lowering l = {.graph = g, .r = r, .steps_left = r->max->forward_evals};
  l.ev = (struct eval){.arena = r->arena, .max = r->max, .steps = &l.steps_left};
  struct frame f = {.place = {.module = root}, .self = root};
  struct call_args args;
  struct gval result;
  if (root->kind != MODULE_BLOCK || !root->block->forward)
    return refuse(r->obs, (struct observation){.kind = OBS_FWD_NO_FORWARD, .subject = r->model->root_name});
  if (!index_slots(&l) || !input_keywords(&l, &args) || !lower_module_call(&l, &f, root, &args, 0, &result))
    return false;
  const struct function *forward = root->block->forward;
  const struct fplace end = {root, forward, forward->num_statements ? forward->num_statements - 1 : 0, 0};
  if (!add_results(&l, &end, &result)) return false;
  graph_prune(g);
  return true;
}

/* ---- memory ---- */

uint64_t graph_peak(const struct graph *g, const struct plan *plan) {
  uint64_t now = 0;
  for (uint32_t i = 0; i < g->inputs.n; i++)
    if (g->inputs.p[i]) now = saturating_add(now, ft_bytes(&g->inputs.p[i]->t));
  uint64_t peak = now;
  for (uint32_t s = 0; s < g->steps.n; s++) {
    const struct fstep *step = &g->steps.p[s];
    uint64_t weights = 0, freed = 0;
    for (uint32_t i = 0; i < step->op->num_params; i++) {
      for (uint32_t k = 0; k < op_value_tensors(&step->arg[i]); k++) {
        const struct fvalue *root = graph_value(&step->arg[i], k)->root;
        if (root->from == FROM_WEIGHT)
          weights = saturating_add(weights, weight_bytes(plan, root));
        else if (root->last_use == s)
          freed = saturating_add(freed, ft_bytes(&root->t));
      }
    }
    now = saturating_add(now, ft_bytes(&step->out->t));
    peak = max_u64(peak, saturating_add(now, weights));
    now -= min_u64(now, freed);
  }
  return peak;
}
