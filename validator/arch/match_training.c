/* What stands beside the state dict: the fields that the architecture file declares, and the optimizer's
 * state (arch-language 2.2, 2.6). */
#include <math.h>

#include "arch/config.h"
#include "arch/match_parts.h"
#include "model/purpose.h"

/* ---- fields ---- */

static const char *const type_names[FIELD_TYPES + 1] = {
    [FIELD_INT] = "an int",      [FIELD_NUMBER] = "a number", [FIELD_STR] = "a str",
    [FIELD_BOOL] = "a bool",     [FIELD_LIST] = "a list",     [FIELD_DICT] = "a dict",
    [FIELD_TENSOR] = "a tensor", [FIELD_TYPES] = "a value",
};

static enum plan_value_kind kind_of(const struct plan *p, uint32_t row) {
  return (enum plan_value_kind)p->values[row].kind;
}

/* A tensor of one element counts as a number: `loss` is often saved so. */
static bool scalar_tensor(struct matcher *m, uint32_t row, bool *integer, double *out) {
  struct elements e;
  uint32_t tensor = (uint32_t)m->plan->values[row].number;
  const struct plan_tensor *t = &m->plan->tensors[tensor];
  enum dtype_class cls = dtype_table[t->dtype].cls;
  if (t->numel != 1 || (cls != DT_FLOAT && cls != DT_INT && cls != DT_UINT)) return false;
  *integer = cls != DT_FLOAT;
  *out = 0;
  if (!elements_open(&e, m, tensor)) return true; /* a number, but not one that can be read */
  const uint8_t *p = elements_next(&e);
  if (p) *out = elements_value(&e, p);
  return true;
}

/* The number that a row holds, whatever its form. */
static bool number_of(struct matcher *m, uint32_t row, bool *integer, double *out) {
  const struct plan_value *v = &m->plan->values[row];
  enum plan_value_kind kind = kind_of(m->plan, row);
  *integer = kind == PLAN_VAL_INT || kind == PLAN_VAL_BIGINT;
  *out = kind == PLAN_VAL_INT ? (double)v->number : v->real;
  if (kind == PLAN_VAL_BIGINT) *out = plan_span(m->plan, v->text).p[0] == '-' ? -0x1p63 : 0x1p63;
  if (*integer || kind == PLAN_VAL_FLOAT) return true;
  return kind == PLAN_VAL_TENSOR && scalar_tensor(m, row, integer, out);
}

static bool type_fits(struct matcher *m, uint32_t row, enum field_type type, double *number) {
  enum plan_value_kind kind = kind_of(m->plan, row);
  bool integer = false, is_number = number_of(m, row, &integer, number);
  switch (type) {
  case FIELD_INT: return is_number && integer;
  case FIELD_NUMBER: return is_number;
  case FIELD_STR: return kind == PLAN_VAL_TEXT;
  case FIELD_BOOL: return kind == PLAN_VAL_BOOL;
  case FIELD_LIST: return kind == PLAN_VAL_LIST || kind == PLAN_VAL_TUPLE;
  case FIELD_DICT: return kind == PLAN_VAL_DICT;
  case FIELD_TENSOR: return kind == PLAN_VAL_TENSOR;
  case FIELD_TYPES: break;
  }
  return false;
}

static struct value field_value(struct matcher *m, uint32_t row, double number) {
  const struct plan_value *v = &m->plan->values[row];
  if (kind_of(m->plan, row) == PLAN_VAL_TEXT) return value_text(plan_span(m->plan, v->text));
  if (kind_of(m->plan, row) == PLAN_VAL_INT) return value_int(v->number);
  return kind_of(m->plan, row) == PLAN_VAL_BOOL ? value_bool(v->number != 0) : value_real(number);
}

/* False when the comparison itself can't be evaluated, which is the architecture file's fault: observed. */
static bool compare_field(struct matcher *m, const struct field_line *line, uint32_t row, double number) {
  struct eval *ev = m->model->eval;
  struct value limit, holds, v = field_value(m, row, number);
  if (!expr_eval(ev, line->limit, m->model->config, &limit) ||
      !value_binary(ev, line->op, &v, &limit, line->limit->at, &holds))
    return config_reject(m->o, m->model->arch, line->place, ev);
  if (holds.truth) return true;
  struct span found = value_show(m->arena, &v), want = value_show(m->arena, &limit);
  match_note(m, OBS_FIELD_RANGE, line->name, 0, "%.*s, the architecture file demands %s %.*s", (int)found.n,
             (const char *)found.p, expr_op_text(line->op), (int)want.n, (const char *)want.p);
  return true;
}

static bool check_field(struct matcher *m, const struct field_line *line) {
  double number = 0;
  uint32_t row = plan_child(m->plan, 0, line->name);
  if (row == UINT32_MAX) row = plan_find(m->plan, line->name);
  bool absent = row == UINT32_MAX || line->name.n == 0;
  if (!absent) row = plan_resolve(m->plan, row);
  if (absent || kind_of(m->plan, row) == PLAN_VAL_NONE) {
    if (line->optional) return true;
    if (absent)
      match_note(m, OBS_FIELD_ABSENT, line->name, 0, "%s", type_names[line->type]);
    else
      match_note(m, OBS_FIELD_TYPE_DIFFERS, line->name, 0, "None, the architecture file demands %s",
                 type_names[line->type]);
    return true;
  }
  if (kind_of(m->plan, row) == PLAN_VAL_CUT) return true; /* LIM808 has said that the plan ended before it */
  if (!type_fits(m, row, line->type, &number)) {
    struct span found = plan_kind_words(kind_of(m->plan, row));
    match_note(m, OBS_FIELD_TYPE_DIFFERS, line->name, 0, "%.*s, the architecture file demands %s",
               (int)found.n, (const char *)found.p, type_names[line->type]);
    return true;
  }
  if ((line->type == FIELD_NUMBER || line->type == FIELD_INT) && !isfinite(number)) {
    match_note(m, OBS_FIELD_NONFINITE, line->name, 0, "%s",
               isnan(number) ? "NaN"
               : number < 0  ? "-inf"
                             : "inf");
    return true;
  }
  return line->op == BIN_NONE || compare_field(m, line, row, number);
}

bool match_fields(struct matcher *m) {
  for (uint32_t i = 0; i < m->model->arch->num_fields && m->plan->num_values; i++)
    if (!check_field(m, &m->model->arch->fields[i])) return !m->arena->exhausted;
  return true;
}

/* ---- optimizer ---- */

struct optimizer {
  struct matcher *m;
  struct span path;
  uint32_t n;         /* parameters of the model that an optimizer would hold … */
  uint32_t *expected; /* … in order: their indices among the expected keys */
  uint8_t *listed;    /* by a param group */
  bool cut;           /* the plan's budget ended inside: absence means nothing (LIM808 has said so) */
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

static bool list_parameters(struct optimizer *x) {
  uint32_t n = x->m->model->num_expected;
  x->expected = arena_array(x->m->arena, n, uint32_t);
  x->listed = arena_array(x->m->arena, n, uint8_t);
  if (!x->expected || !x->listed) return false;
  for (uint32_t i = 0; i < n; i++)
    if (is_optimized(x->m, i)) x->expected[x->n++] = i;
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
  for (uint32_t g = groups + 1; g < p->values[groups].end; g = p->values[g].end) {
    uint32_t params = plan_child(p, g, SPAN("params"));
    x->cut |= p->values[g].kind == PLAN_VAL_CUT;
    if (params == UINT32_MAX && x->cut) continue;
    if (params == UINT32_MAX) {
      bad_form(x, "a group has no params");
      continue;
    }
    params = plan_resolve(p, params);
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

/* A moment has its parameter's shape; counters are scalars. */
static void check_moment(struct optimizer *x, uint32_t row, uint32_t index) {
  const struct plan *p = x->m->plan;
  const struct plan_value *v = &p->values[row];
  const struct plan_value *real = &p->values[plan_resolve(p, row)];
  if (real->kind != PLAN_VAL_TENSOR) return;
  const struct plan_tensor *t = &p->tensors[real->number];
  const struct expected *e = &x->m->model->expected[x->expected[index]];
  const uint64_t *sizes = p->dims + t->first_dim;
  if (t->ndim == 0 ||
      (t->ndim == e->slot->ndim && memcmp(sizes, e->slot->sizes, t->ndim * sizeof *sizes) == 0))
    return;
  struct span name = plan_span(p, v->key), found = sizes_text(x->m->arena, sizes, t->ndim),
              want = sizes_text(x->m->arena, e->slot->sizes, e->slot->ndim);
  struct span subject =
      arena_printf(x->m->arena, "%u/%.*s", index, (int)min_size(name.n, 100), (const char *)name.p);
  match_note(x->m, OBS_OPTIMIZER_SHAPE, subject, 0, "%.*s, its parameter %.*s is %.*s", (int)found.n,
             (const char *)found.p, (int)min_size(e->key.n, 200), (const char *)e->key.p, (int)want.n,
             (const char *)want.p);
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
