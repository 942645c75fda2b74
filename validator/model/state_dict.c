/* Finds what looks like a state dict (format-spec F.3) and lists its entries; a whole-module pickle is
 * unfolded as Module.state_dict() would do it (E.3): own parameters, persistent buffers, then children. */
#include "model/checkpoint.h"

enum { SEARCH_DEPTH = 6 };

/* Where projects put the weights, the likeliest first; what stands under another key comes after these. */
static const char *const weight_keys[] = {
    "state_dict", "model_state_dict", "model_state",     "model",          "module",
    "net",        "network",          "network_weights", "params",         "weights",
    "weight",     "model_weights",    "generator",       "encoder",        "backbone",
    "params_ema", "state_dict_ema",   "model_ema",       "ema_state_dict", "ema",
    "ema_model",  "teacher",          "student",         "G_ema",          "G"};
/* Never weights: their tensors are optimizer moments, random states, settings. */
static const char *const other_keys[] = {"optim",  "scheduler", "lr_", "callbacks",
                                         "loops",  "args",      "opt", "hyper_parameters",
                                         "config", "scaler",    "rng", "_metadata"};

struct search {
  struct checkpoint *cp;
  struct plan_writer *w;
  struct plan p;
  VEC(struct candidate) found;
};

struct candidate {
  uint32_t value, rank;
  bool module;
  uint64_t bytes;
};

static bool is_kind(const struct plan *p, uint32_t i, enum plan_value_kind kind) {
  return i != UINT32_MAX && p->values[plan_resolve(p, i)].kind == (uint32_t)kind;
}

static bool module_like(const struct plan *p, uint32_t i) {
  return p->values[i].kind == PLAN_VAL_RECORD && plan_child(p, i, SPAN("_parameters")) != UINT32_MAX &&
         plan_child(p, i, SPAN("_buffers")) != UINT32_MAX && plan_child(p, i, SPAN("_modules")) != UINT32_MAX;
}

/* A mapping at least half of whose entries are tensors. */
static bool dict_like(const struct plan *p, uint32_t i) {
  uint32_t n = 0, tensors = 0;
  if (p->values[i].kind != PLAN_VAL_DICT) return false;
  for (uint32_t c = i + 1; c < p->values[i].end; c = p->values[c].end, n++)
    tensors += p->values[c].kind == PLAN_VAL_TENSOR;
  return tensors > 0 && tensors * 2 >= n;
}

static bool skipped(struct span key) {
  for (size_t i = 0; i < ARRAY_LEN(other_keys); i++) {
    size_t n = strlen(other_keys[i]);
    for (size_t at = 0; key.n >= n && at <= key.n - n; at++)
      if (memcmp(key.p + at, other_keys[i], n) == 0 && (at == 0 || i < 2)) return true;
  }
  return false;
}

static uint32_t rank_of(const struct plan *p, uint32_t i) {
  if (i == 0) return 0;
  for (uint32_t k = 0; k < ARRAY_LEN(weight_keys); k++)
    if (span_is(plan_span(p, p->values[i].key), weight_keys[k])) return k + 1;
  return (uint32_t)ARRAY_LEN(weight_keys) + p->values[i].depth;
}

static uint64_t tensor_bytes(const struct plan *p, uint32_t i) {
  uint64_t sum = 0;
  for (uint32_t c = i; c < p->values[i].end; c++) {
    if (p->values[c].kind != PLAN_VAL_TENSOR) continue;
    const struct plan_tensor *t = &p->tensors[p->values[c].number];
    uint64_t bytes;
    if (!try_mul(t->numel, dtype_size((enum dtype)t->dtype), &bytes) || !try_add(sum, bytes, &sum))
      return UINT64_MAX;
  }
  return sum;
}

static void search_values(struct search *s) {
  const struct plan *p = &s->p;
  for (uint32_t i = 0; i < p->num_values;) {
    const struct plan_value *v = &p->values[i];
    bool module = module_like(p, i);
    if (i > 0 && (v->depth > SEARCH_DEPTH || skipped(plan_span(p, v->key)))) {
      i = v->end;
      continue;
    }
    if (!module && !dict_like(p, i)) {
      i++;
      continue;
    }
    struct candidate *c = vec_push(s->cp->arena, &s->found, UINT32_MAX);
    if (!c) return;
    *c = (struct candidate){.value = i, .rank = rank_of(p, i), .module = module, .bytes = tensor_bytes(p, i)};
    i = v->end;
  }
}

/* Best first: by rank, then by bytes, then by place. Few candidates: insertion is enough, and capped. */
static void sort_candidates(struct search *s) {
  enum { KEEP = 256 };
  if (s->found.n > KEEP) s->found.n = KEEP;
  for (uint32_t i = 1; i < s->found.n; i++)
    for (uint32_t k = i; k > 0; k--) {
      struct candidate *a = &s->found.p[k - 1], *b = &s->found.p[k];
      if (a->rank < b->rank || (a->rank == b->rank && a->bytes >= b->bytes)) break;
      struct candidate t = *a;
      *a = *b;
      *b = t;
    }
}

/* ---- entries ---- */

static struct span join(struct search *s, struct span prefix, struct span name) {
  if (prefix.n == 0) return name;
  uint8_t *p = arena_alloc(s->cp->arena, prefix.n + 1 + name.n, 1, 1);
  if (!p) return name;
  memcpy(p, prefix.p, prefix.n);
  p[prefix.n] = '.';
  if (name.n) memcpy(p + prefix.n + 1, name.p, name.n);
  return span_of(p, prefix.n + 1 + name.n);
}

static void put_entry(struct search *s, struct plan_dict *d, struct span name, uint32_t value) {
  const struct plan_value *v = &s->p.values[value];
  struct plan_entry *row = plan_row(s->w, PLAN_entries, sizeof *row);
  if (!row) return;
  struct plan_text own = v->key; /* the key itself where nothing was joined: it stands in the pool already */
  bool joined = !span_eq(plan_span(&s->p, own), name);
  *row = (struct plan_entry){
      .name = joined ? plan_put(s->w, name, 4096) : own, .tensor = UINT32_MAX, .value = value};
  d->num_entries++;
  if (v->kind != PLAN_VAL_TENSOR) return;
  row->tensor = (uint32_t)v->number;
  struct plan_tensor *t = plan_row_at(s->w, PLAN_tensors, sizeof *t, row->tensor);
  if (t->state_key.n == 0) t->state_key = row->name;
  uint64_t numel;
  if (try_add(d->numel, t->numel, &numel)) d->numel = numel;
}

static void dict_entries(struct search *s, struct plan_dict *d) {
  for (uint32_t c = d->value + 1; c < s->p.values[d->value].end; c = s->p.values[c].end)
    put_entry(s, d, plan_span(&s->p, s->p.values[c].key), c);
}

static bool in_set(const struct plan *p, uint32_t set, struct span name) {
  if (set == UINT32_MAX) return false;
  set = plan_resolve(p, set);
  for (uint32_t c = set + 1; c < p->values[set].end; c = p->values[c].end)
    if (span_eq(plan_span(p, p->values[c].text), name)) return true;
  return false;
}

/* The tensors of one of a module's three mappings. */
static void module_tensors(struct search *s, struct plan_dict *d, uint32_t module, const char *field,
                           struct span prefix) {
  const struct plan *p = &s->p;
  uint32_t map = plan_child(p, module, span_str(field));
  uint32_t transient = plan_child(p, module, SPAN("_non_persistent_buffers_set"));
  if (map == UINT32_MAX) return;
  map = plan_resolve(p, map);
  for (uint32_t c = map + 1; c < p->values[map].end; c = p->values[c].end) {
    struct span name = plan_span(p, p->values[c].key);
    if (!is_kind(p, c, PLAN_VAL_TENSOR) || in_set(p, transient, name)) continue;
    put_entry(s, d, join(s, prefix, name), c);
  }
}

struct module_frame {
  uint32_t next, end; /* rows of the _modules mapping that are still to be visited */
  struct span prefix;
};

static void enter_module(struct search *s, struct plan_dict *d, uint32_t module, struct span prefix,
                         struct module_frame *f) {
  module_tensors(s, d, module, "_parameters", prefix);
  module_tensors(s, d, module, "_buffers", prefix);
  uint32_t map = plan_child(&s->p, module, SPAN("_modules"));
  map = map == UINT32_MAX ? 0 : plan_resolve(&s->p, map);
  *f = (struct module_frame){
      .next = map ? map + 1 : 0, .end = map ? s->p.values[map].end : 0, .prefix = prefix};
}

static void module_entries(struct search *s, struct plan_dict *d) {
  struct module_frame stack[64]; /* modules nested deeper than this are not unfolded */
  uint32_t depth = 1;
  enter_module(s, d, d->value, SPAN(""), &stack[0]);
  while (depth) {
    struct module_frame *f = &stack[depth - 1];
    if (f->next >= f->end) {
      depth--;
      continue;
    }
    uint32_t child = f->next;
    f->next = s->p.values[child].end;
    if (!module_like(&s->p, child) || depth == ARRAY_LEN(stack)) continue;
    enter_module(s, d, child, join(s, f->prefix, plan_span(&s->p, s->p.values[child].key)), &stack[depth]);
    depth++;
  }
}

/* ---- the tables ---- */

/* Path of a row: keys from the root, joined with '/'. */
static struct span path_of(struct search *s, uint32_t value) {
  const struct plan *p = &s->p;
  uint32_t chain[SEARCH_DEPTH + 1], n = 0;
  for (uint32_t i = value; i && n < ARRAY_LEN(chain); i = p->values[i].parent) chain[n++] = i;
  struct span out = SPAN("");
  for (; n > 0; n--) {
    struct span key = plan_span(p, p->values[chain[n - 1]].key);
    out = out.n ? arena_printf(s->cp->arena, "%.*s/%.*s", (int)out.n, (const char *)out.p,
                               (int)min_size(key.n, 4096), (const char *)key.p)
                : key;
  }
  return out;
}

void plan_emit_dicts(struct checkpoint *cp, struct plan_writer *w) {
  struct search s = {.cp = cp, .w = w};
  plan_peek(&s.p, w);
  search_values(&s);
  sort_candidates(&s);
  struct plan_dict *dicts = arena_array(cp->arena, s.found.n, struct plan_dict);
  if (!dicts) return;
  for (uint32_t i = 0; i < s.found.n; i++) {
    struct plan_dict *row = plan_row(w, PLAN_dicts, sizeof *row);
    if (!row) return;
    const struct candidate *c = &s.found.p[i];
    *row = (struct plan_dict){.path = plan_put(w, path_of(&s, c->value), 4096),
                              .value = c->value,
                              .module = c->module,
                              .metadata = s.p.values[c->value].number != 0,
                              .bytes = c->bytes};
  }
  for (uint32_t i = 0; i < s.found.n; i++) {
    struct plan_dict *row = plan_row_at(w, PLAN_dicts, sizeof *row, i);
    row->first_entry = plan_rows(w, PLAN_entries);
    if (row->module)
      module_entries(&s, row);
    else
      dict_entries(&s, row);
  }
}
