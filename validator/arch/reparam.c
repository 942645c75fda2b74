/* Modules whose parameter is computed from others: torch.nn.utils.weight_norm, spectral_norm and prune, and
 * the newer torch.nn.utils.parametrizations.*. Such a call stands around a module: weight_norm(Conv1d(4, 6,
 * 3), dim=2). It answers a copy of the module in which the parameter is missing and what it is computed from
 * is registered instead, in PyTorch's order. */
#include "arch/build.h"

static const struct wrapper {
  enum reparam_kind kind;
  bool parametrized; /* parametrizations.NAME(…): what it registers stands in a child of the module */
  const char *signature;
} wrappers[] = {
    {REPARAM_WEIGHT_NORM, false, "weight_norm(module, name='weight', dim=0)"},
    {REPARAM_WEIGHT_NORM, true, "weight_norm(module, name='weight', dim=0)"}, /* torch 2.1 */
    {REPARAM_SPECTRAL_NORM, false,
     "spectral_norm(module, name='weight', n_power_iterations=1, eps=1e-12, dim=None)"},
    {REPARAM_SPECTRAL_NORM, true,
     "spectral_norm(module, name='weight', n_power_iterations=1, eps=1e-12, dim=None)"},
    {REPARAM_MASK, false, "prune(module, name='weight')"}, /* what the functions of utils.prune leave */
};

/* The arguments that all have, and where `dim` stands. */
enum { ARG_MODULE, ARG_NAME, WEIGHT_NORM_DIM, SPECTRAL_NORM_DIM = 4 };

static const struct wrapper *find_wrapper(const struct expr *callee) {
  const bool parametrized = callee->kind == EXPR_ATTR;
  for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
    const char *name = wrappers[i].signature, *end = strchr(name, '(');
    if (wrappers[i].parametrized == parametrized &&
        span_eq(callee->text, span_of(name, (size_t)(end - name))))
      return &wrappers[i];
  }
  return NULL;
}

bool reparam_is(const struct expr *callee) { return find_wrapper(callee) != NULL; }

/* A call being carried out. */
struct wrapping {
  struct builder *b;
  const struct wrapper *wrapper;
  uint32_t at;
  const struct slot *slot; /* the parameter that goes */
  int64_t dim;             /* -1: none, all elements together */
};

static bool no_memory(const struct wrapping *w) {
  w->b->eval->error =
      (struct expr_error){.at = w->at, .what = SPAN("the memory budget is spent"), .limit = true};
  return false;
}

/* The dimension whose elements keep a norm of their own. */
static bool read_dim(struct wrapping *w, const struct module *m, const struct value *args) {
  if (w->wrapper->kind == REPARAM_MASK) return true;
  const bool spectral = w->wrapper->kind == REPARAM_SPECTRAL_NORM;
  const struct value *dim = &args[spectral ? SPECTRAL_NORM_DIM : WEIGHT_NORM_DIM];
  const bool turned =
      m->type == TYPE_ConvTranspose1d || m->type == TYPE_ConvTranspose2d || m->type == TYPE_ConvTranspose3d;
  if (dim->kind == VALUE_NONE)
    w->dim = !spectral ? -1 : turned ? 1 : 0;
  else if (dim->kind == VALUE_INT)
    w->dim = dim->number;
  else
    return eval_error(w->b->eval, w->at, "dim is an integer or None");
  if (w->dim >= (spectral ? 0 : -1) && w->dim < (int64_t)w->slot->ndim) return true;
  return eval_error(w->b->eval, w->at, "dim %lld of a parameter that has %u dimensions", (long long)w->dim,
                    w->slot->ndim);
}

static bool slot_of(const struct wrapping *w, const char *format, bool buffer, const uint64_t *sizes,
                    uint32_t ndim, struct slot *out) {
  *out = (struct slot){
      .buffer = buffer, .rule = w->slot->rule, .dtype = w->slot->dtype, .ndim = ndim, .sizes = sizes};
  out->name = arena_printf(w->b->arena, "%.*s%s", w->wrapper->parametrized ? 0 : (int)w->slot->name.n,
                           (const char *)w->slot->name.p, format);
  out->numel = 1;
  for (uint32_t i = 0; i < ndim; i++) out->numel *= sizes[i]; /* at most the parameter's own, which fits */
  return out->name.n != 0;
}

static uint64_t *ones(const struct wrapping *w, uint32_t n) {
  uint64_t *sizes = arena_array(w->b->arena, n, uint64_t);
  for (uint32_t i = 0; sizes && i < n; i++) sizes[i] = 1;
  return sizes;
}

/* What the parameter is computed from: parameters, then buffers. */
enum { MOST_SOURCES = 3 };
struct sources {
  uint32_t n;
  struct slot list[MOST_SOURCES];
};

/* g: the norms, with a dimension of one element for each that they are taken over; v: the directions. */
static bool weight_norm_sources(const struct wrapping *w, struct sources *s) {
  const struct slot *whole = w->slot;
  const bool child = w->wrapper->parametrized;
  uint64_t *sizes = ones(w, whole->ndim);
  if (!sizes) return false;
  if (w->dim >= 0) sizes[w->dim] = whole->sizes[w->dim];
  s->n = 2;
  return slot_of(w, child ? "original0" : "_g", false, sizes, w->dim >= 0 ? whole->ndim : 0, &s->list[0]) &&
         slot_of(w, child ? "original1" : "_v", false, whole->sizes, whole->ndim, &s->list[1]);
}

/* The parameter as a matrix of `dim` by all others has these singular vectors. */
static bool spectral_norm_sources(const struct wrapping *w, struct sources *s) {
  const struct slot *whole = w->slot;
  const bool child = w->wrapper->parametrized;
  uint64_t *rows = ones(w, 1), *columns = ones(w, 1);
  if (!rows || !columns) return false;
  *rows = whole->sizes[w->dim];
  for (uint32_t i = 0; i < whole->ndim; i++)
    if (i != w->dim) *columns *= whole->sizes[i];
  s->n = 3;
  return slot_of(w, child ? "original" : "_orig", false, whole->sizes, whole->ndim, &s->list[0]) &&
         slot_of(w, "_u", true, rows, 1, &s->list[1]) && slot_of(w, "_v", true, columns, 1, &s->list[2]);
}

static bool mask_sources(const struct wrapping *w, struct sources *s) {
  s->n = 2;
  return slot_of(w, "_orig", false, w->slot->sizes, w->slot->ndim, &s->list[0]) &&
         slot_of(w, "_mask", true, w->slot->sizes, w->slot->ndim, &s->list[1]);
}

static bool find_sources(const struct wrapping *w, struct sources *s) {
  switch (w->wrapper->kind) {
  case REPARAM_WEIGHT_NORM: return weight_norm_sources(w, s);
  case REPARAM_SPECTRAL_NORM: return spectral_norm_sources(w, s);
  case REPARAM_MASK: return mask_sources(w, s);
  }
  return false;
}

/* The module's slots without the parameter, with `more` behind those of their kind. */
static bool replace_slot(const struct wrapping *w, struct module *m, const struct slot *more, uint32_t n) {
  struct slot *slots = arena_array(w->b->arena, m->num_slots + n, struct slot);
  if (!slots) return false;
  uint32_t count = 0;
  for (uint32_t buffers = 0; buffers < 2; buffers++) {
    for (uint32_t i = 0; i < m->num_slots; i++)
      if (&m->slots[i] != w->slot && m->slots[i].buffer == (buffers != 0)) slots[count++] = m->slots[i];
    for (uint32_t i = 0; i < n; i++)
      if (more[i].buffer == (buffers != 0)) slots[count++] = more[i];
  }
  m->slots = slots;
  m->num_slots = count;
  return true;
}

static struct module *holder(const struct wrapping *w, enum module_type type, const struct slot *slots,
                             uint32_t n) {
  struct module *m = arena_new(w->b->arena, struct module);
  struct slot *own = arena_array(w->b->arena, n, struct slot);
  if (!m || !own) return NULL;
  for (uint32_t i = 0; i < n; i++) own[i] = slots[i];
  *m = (struct module){.kind = MODULE_TYPE, .type = type, .place = w->b->place, .slots = own, .num_slots = n};
  return m;
}

static bool add_part(const struct wrapping *w, struct module *m, struct span name,
                     const struct module *child) {
  struct module_part *parts = arena_array(w->b->arena, m->num_parts + 1, struct module_part);
  if (!parts || !child || !name.n) return false;
  for (uint32_t i = 0; i < m->num_parts; i++) parts[i] = m->parts[i];
  parts[m->num_parts++] = (struct module_part){.name = name, .module = child};
  m->parts = parts;
  return true;
}

/* parametrizations.weight holds the parameters, parametrizations.weight.0 the buffers of the first (only)
 * parametrization. */
static bool parametrize(const struct wrapping *w, struct module *m, const struct sources *s) {
  uint32_t params = 0;
  while (params < s->n && !s->list[params].buffer) params++;
  struct module *list = holder(w, TYPE_ParametrizationList, s->list, params);
  if (!list) return false;
  if (params < s->n &&
      !add_part(w, list, SPAN("0"), holder(w, TYPE_Parametrization, s->list + params, s->n - params)))
    return false;
  struct span name =
      arena_printf(w->b->arena, "parametrizations.%.*s", (int)w->slot->name.n, (const char *)w->slot->name.p);
  return replace_slot(w, m, NULL, 0) && add_part(w, m, name, list);
}

static bool remember(const struct wrapping *w, struct module *m) {
  struct reparam *r = arena_new(w->b->arena, struct reparam);
  if (!r) return false;
  *r = (struct reparam){.next = m->reparams,
                        .kind = w->wrapper->kind,
                        .parametrized = w->wrapper->parametrized,
                        .name = w->slot->name,
                        .dim = w->dim};
  m->reparams = r;
  return true;
}

static bool wrap(struct wrapping *w, const struct module *what, struct value *out) {
  struct sources s = {.n = 0};
  struct module *m = arena_new(w->b->arena, struct module);
  if (!m || !find_sources(w, &s)) return no_memory(w);
  *m = *what;
  if (!remember(w, m) ||
      !(w->wrapper->parametrized ? parametrize(w, m, &s) : replace_slot(w, m, s.list, s.n)))
    return no_memory(w);
  *out = (struct value){.kind = VALUE_MODULE, .module = m};
  return true;
}

bool reparam_call(struct builder *b, const struct expr *call, const struct scope *scope, struct value *out) {
  struct wrapping w = {.b = b, .wrapper = find_wrapper(call->kids[0]), .at = call->at};
  struct signature signature;
  struct expr_error err;
  if (!w.wrapper) return eval_error(b->eval, call->at, "this wraps no parameter");
  if (!signature_parse(&signature, b->arena, b->max, span_str(w.wrapper->signature), &err))
    return no_memory(&w);
  const struct value *args = construct_bind(b, call, scope, &signature);
  if (!args) return false;
  const struct value *module = &args[ARG_MODULE], *name = &args[ARG_NAME];
  if (module->kind != VALUE_MODULE || module->module->kind != MODULE_TYPE || name->kind != VALUE_TEXT ||
      module_is_slot(module->module))
    return eval_error(b->eval, call->at, "a module of PyTorch and the name of its parameter are expected");
  w.slot = module_slot(module->module, name->text);
  if (!w.slot || w.slot->buffer)
    return eval_error(b->eval, call->at, "the module has no parameter '%.*s'",
                      (int)min_size(name->text.n, 60), (const char *)name->text.p);
  return read_dim(&w, module->module, args) && wrap(&w, module->module, out);
}
