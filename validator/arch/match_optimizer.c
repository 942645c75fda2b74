/* The optimizer's state against the model's parameters (format-spec F.1). */
#include "arch/match_parts.h"

struct optimizer {
  struct matcher *m;
  struct span path;
  uint32_t n;              /* parameters of the model that an optimizer would hold … */
  uint32_t *expected;      /* … in order: their indices among the expected keys */
  uint8_t *listed;         /* by a param group */
  uint32_t num_groups;     /* of several, the n-th entry is of some parameter, and nobody says of which */
  struct key_table shapes; /* of the parameters: their sizes as bytes, by number of dimensions */
  bool cut;                /* the plan's budget ended inside: absence means nothing (LIM808 has said so) */
};

static void bad_form(struct optimizer *x, const char *what) {
  match_note(x->m, OBS_OPTIMIZER_FORM, x->path, 0, "%s", what);
}

/* Buffers are not optimized, tied tensors once, and an optional parameter only where it is. */
static bool is_optimized(const struct matcher *m, uint32_t i) {
  const struct slot *slot = m->model->expected[i].slot;
  if (slot->buffer || (slot->optional && m->out->tensor[i] == MATCH_NO_TENSOR)) return false;
  for (uint32_t t = 0; t < m->model->num_ties; t++)
    if (m->model->ties[t].alias == i + 1) return false;
  return true;
}

static struct span as_bytes(const uint64_t *sizes, uint32_t ndim) {
  union {
    const uint64_t *in;
    const uint8_t *out;
  } u = {.in = sizes};
  return span_of(u.out, ndim * sizeof *sizes);
}

static uint32_t shape_number(const struct optimizer *x, const uint64_t *sizes, uint32_t ndim) {
  return keys_find(&x->shapes, ndim, as_bytes(sizes, ndim));
}

static bool list_parameters(struct optimizer *x) {
  uint32_t n = x->m->model->num_expected;
  x->expected = arena_array(x->m->arena, n, uint32_t);
  x->listed = arena_array(x->m->arena, n, uint8_t);
  if (!x->expected || !x->listed) return false;
  keys_init(&x->shapes, x->m->arena);
  for (uint32_t i = 0; i < n; i++) {
    const struct slot *slot = x->m->model->expected[i].slot;
    if (!is_optimized(x->m, i)) continue;
    x->expected[x->n++] = i;
    uint32_t known;
    if (!keys_add_new(&x->shapes, slot->ndim, as_bytes(slot->sizes, slot->ndim), &known)) return false;
  }
  return true;
}

static void check_index(struct optimizer *x, uint32_t row, uint64_t *count) {
  const struct plan_value *v = &x->m->plan->values[plan_resolve(x->m->plan, row)];
  if (v->kind == PLAN_VAL_CUT) {
    x->cut = true;
    return;
  }
  if (v->kind != PLAN_VAL_INT) {
    bad_form(x, "a parameter index is no integer");
    return;
  }
  ++*count;
  bool inside = v->number >= 0 && v->number < x->n;
  uint64_t shown = v->number < 0 ? 0 : (uint64_t)v->number;
  if (!inside)
    match_note(x->m, OBS_OPTIMIZER_INDEX, x->path, shown, "%s",
               v->number < 0 ? "is negative" : "is beyond the model's parameters");
  else if (x->listed[v->number]++)
    match_note(x->m, OBS_OPTIMIZER_INDEX, x->path, shown, "is listed twice");
  if (inside) x->listed[v->number] = 1;
}

static void check_groups(struct optimizer *x, uint32_t root) {
  const struct plan *p = x->m->plan;
  uint32_t groups = plan_child(p, root, SPAN("param_groups"));
  uint64_t count = 0;
  if (groups == UINT32_MAX) {
    bad_form(x, "param_groups is missing");
    return;
  }
  groups = plan_resolve(p, groups);
  for (uint32_t g = groups + 1; g < p->values[groups].end; g = p->values[g].end) x->num_groups++;
  for (uint32_t g = groups + 1; g < p->values[groups].end; g = p->values[g].end) {
    uint32_t params = plan_child(p, g, SPAN("params"));
    x->cut |= p->values[g].kind == PLAN_VAL_CUT;
    if (params == UINT32_MAX && x->cut) continue;
    if (params == UINT32_MAX) {
      bad_form(x, "a group has no params");
      continue;
    }
    for (uint32_t i = params + 1; i < p->values[params].end; i = p->values[i].end) check_index(x, i, &count);
  }
  if (count != x->n && !x->cut)
    observe(x->m->o, (struct observation){
                         .kind = OBS_OPTIMIZER_COUNT, .subject = x->path, .got = count, .want = x->n});
}

/* The key of a state entry: a parameter's index, in decimal. */
static bool parse_index(struct span s, uint32_t *out) {
  uint32_t n = 0;
  if (s.n == 0) return false;
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] < '0' || s.p[i] > '9' || !try_mul(n, 10u, &n) || !try_add(n, (uint32_t)(s.p[i] - '0'), &n))
      return false;
  *out = n;
  return true;
}

static void note_shape(struct optimizer *x, uint32_t row, uint32_t index, const struct plan_tensor *t) {
  const struct plan *p = x->m->plan;
  const struct expected *e = &x->m->model->expected[x->expected[index]];
  struct arena *a = x->m->arena;
  struct span name = plan_span(p, p->values[row].key), found = sizes_text(a, p->dims + t->first_dim, t->ndim),
              want = sizes_text(a, e->slot->sizes, e->slot->ndim);
  struct span subject = arena_printf(a, "%u/%.*s", index, (int)min_size(name.n, 100), (const char *)name.p);
  if (x->num_groups > 1)
    match_note(x->m, OBS_OPTIMIZER_SHAPE, subject, 0, "%.*s, which no parameter of the model is",
               (int)found.n, (const char *)found.p);
  else
    match_note(x->m, OBS_OPTIMIZER_SHAPE, subject, 0, "%.*s, its parameter %.*s is %.*s", (int)found.n,
               (const char *)found.p, (int)min_size(e->key.n, 200), (const char *)e->key.p, (int)want.n,
               (const char *)want.p);
}

/* A moment has its parameter's shape; counters are scalars. */
static void check_moment(struct optimizer *x, uint32_t row, uint32_t index) {
  const struct plan *p = x->m->plan;
  const struct plan_value *real = &p->values[plan_resolve(p, row)];
  if (real->kind != PLAN_VAL_TENSOR) return;
  const struct plan_tensor *t = &p->tensors[real->number];
  const struct slot *slot = x->m->model->expected[x->expected[index]].slot;
  const uint64_t *sizes = p->dims + t->first_dim;
  bool own = t->ndim == slot->ndim && memcmp(sizes, slot->sizes, t->ndim * sizeof *sizes) == 0;
  if (t->ndim && !own && !(x->num_groups > 1 && shape_number(x, sizes, t->ndim)))
    note_shape(x, row, index, t);
}

static void check_state(struct optimizer *x, uint32_t root) {
  const struct plan *p = x->m->plan;
  uint32_t state = plan_child(p, root, SPAN("state"));
  if (state == UINT32_MAX) {
    bad_form(x, "state is missing");
    return;
  }
  state = plan_resolve(p, state);
  for (uint32_t i = state + 1; i < p->values[state].end; i = p->values[i].end) {
    uint32_t index, entry = plan_resolve(p, i);
    if (p->values[i].kind == PLAN_VAL_CUT) return;
    if (!parse_index(plan_span(p, p->values[i].key), &index)) {
      bad_form(x, "a key of state is no parameter index");
      continue;
    }
    if (index >= x->n) {
      match_note(x->m, OBS_OPTIMIZER_INDEX, x->path, index, "of state is beyond the model's parameters");
      continue;
    }
    /* LBFGS keeps flat vectors over all parameters at index 0. */
    if (plan_child(p, entry, SPAN("func_evals")) != UINT32_MAX) continue;
    for (uint32_t k = entry + 1; k < p->values[entry].end; k = p->values[k].end) check_moment(x, k, index);
  }
}

bool match_optimizer(struct matcher *m) {
  struct optimizer x = {.m = m, .path = m->model->arch->optimizer_path};
  if (x.path.n == 0) return true;
  uint32_t root = plan_find(m->plan, x.path);
  if (root == UINT32_MAX) {
    observe(m->o, (struct observation){.kind = OBS_OPTIMIZER_ABSENT, .subject = x.path});
    return true;
  }
  if (!list_parameters(&x)) return false;
  check_groups(&x, root);
  check_state(&x, root);
  return true;
}
