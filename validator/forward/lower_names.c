/* What the names of a forward mean: values of the statements, children and tensors of modules, arguments,
 * config. */
#include "forward/lower.h"

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

bool lower_index_slots(struct lowering *l) {
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

static bool refuse_weight(struct lowering *l, struct frame *f, uint32_t at, enum obs_kind kind,
                          struct span key, const char *why) {
  return lower_refuse(
      l, f, at, kind,
      why ? arena_printf(l->r->arena, "%.*s: %s", (int)key.n, (const char *)key.p, why) : key);
}

static bool lower_tensor(struct lowering *l, struct frame *f, uint32_t tensor, struct span key, uint32_t at,
                         struct gval *out) {
  if (tensor == MATCH_NO_TENSOR) return refuse_weight(l, f, at, OBS_FWD_WEIGHT_MISSING, key, NULL);
  const struct plan_tensor *row = &l->r->plan->tensors[tensor];
  struct fvalue *v = arena_new(l->r->arena, struct fvalue);
  if (!v) return lower_memory(l);
  enum ftype type = FT_F32; /* of a quantised one, which is read as what it means */
  const char *why = unreadable(row);
  if (!why && !(row->flags & PLAN_QUANTIZED) && !ftype_of((enum dtype)row->dtype, &type))
    why = dtype_name((enum dtype)row->dtype);
  if (why) return refuse_weight(l, f, at, OBS_FWD_WEIGHT_UNREADABLE, key, why);
  if (!ft_shape(&v->t, type, l->r->plan->dims + row->first_dim, row->ndim))
    return lower_refuse(l, f, at, OBS_FWD_UNSUPPORTED, SPAN("a weight with more than 16 dimensions"));
  if (row->flags & PLAN_QUANTIZED) l->graph->quantized = true;
  v->from = FROM_WEIGHT;
  v->index = tensor;
  v->root = v;
  *out = gval_tensor(v);
  return true;
}

static struct span key_text(const struct lowering *l, const struct module *m, const struct slot *slot) {
  return arena_printf(l->r->arena, "'%.*s%.*s'", (int)min_size(m->prefix.n, SHOWN_SOURCE),
                      (const char *)m->prefix.p, (int)min_size(slot->name.n, SHOWN_SOURCE),
                      (const char *)slot->name.p);
}

/* What a quantised module packs into one entry, (weight, bias), are its tensors `weight` and `bias`. */
static bool lower_packed(struct lowering *l, struct frame *f, const struct module *m, struct span name,
                         uint32_t at, struct gval *out, bool *found) {
  const struct plan *p = l->r->plan;
  const struct slot *slot = m->slots, *end = m->num_slots ? slot + m->num_slots : slot;
  while (slot < end && slot->holds != HOLDS_PACKED) slot++;
  const bool weight = span_is(name, "weight");
  *found = slot < end && (weight || (span_is(name, "bias") && slot->packs_bias));
  if (!*found) return true;
  uint32_t tensor = slot_tensor(l, m, slot);
  if (tensor != MATCH_NO_TENSOR && !weight) {
    const uint32_t tuple = p->values[p->tensors[tensor].value].parent, row = plan_child(p, tuple, SPAN("1"));
    tensor = row != UINT32_MAX && p->values[row].kind == PLAN_VAL_TENSOR ? (uint32_t)p->values[row].number
                                                                         : MATCH_NO_TENSOR;
  }
  return lower_tensor(l, f, tensor, key_text(l, m, slot), at, out);
}

/* A plain value is None to a forward: it stands where a bias could. */
static bool lower_slot(struct lowering *l, struct frame *f, const struct module *m, const struct slot *slot,
                       uint32_t at, struct gval *out) {
  if (slot->holds != HOLDS_PLAIN)
    return lower_tensor(l, f, slot_tensor(l, m, slot), key_text(l, m, slot), at, out);
  *out = gval_of((struct value){.kind = VALUE_NONE});
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
  if (slot) return lower_slot(l, f, m, slot, at, out);
  return r ? lower_reparam(l, f, m, r, at, out) : lower_packed(l, f, m, name, at, out, found);
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

bool(lower_name_error)(struct lowering *l, struct frame *f, const struct expr *e, const char *what) {
  return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION,
                      arena_printf(l->r->arena, "'%.*s': %s", (int)min_size(e->text.n, SHOWN_SOURCE),
                                   (const char *)e->text.p, what));
}

static const struct value *named_argument(const struct module *m, struct span name) {
  for (uint32_t i = 0; i < m->num_args; i++)
    if (span_eq(m->signature->params[i].name, name)) return &m->args[i];
  return NULL;
}

/* In this order: local value, module or parameter of this block, block argument or let, config.
 * self is the module itself, whose children may have names that are none of the language: self[0],
 * self['in']. */
bool lower_name(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  const struct gval *local = find_local(f, e->text);
  if (local) {
    *out = *local;
    return true;
  }
  bool found;
  if (f->self && !lower_member(l, f, f->self, e->text, e->at, out, &found)) return false;
  if (f->self && found) return true;
  if (f->self && span_is(e->text, "self")) {
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
  return lower_name_error(l, f, e, v ? "a config value that is required and not given" : "unknown name");
}
