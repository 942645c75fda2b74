/* What stands beside the state dict: the fields that the architecture file declares. */
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
static bool scalar_tensor(struct matcher *m, uint32_t row, struct number *out) {
  struct elements e;
  uint32_t tensor = (uint32_t)m->plan->values[row].number;
  const struct plan_tensor *t = &m->plan->tensors[tensor];
  enum dtype_class cls = dtype_table[t->dtype].cls;
  if (t->numel != 1 || (cls != DT_FLOAT && cls != DT_INT && cls != DT_UINT)) return false;
  *out = (struct number){.integer = cls != DT_FLOAT};
  m->unread.numbers += m->options->metadata_only;
  if (m->options->metadata_only || !match_elements(&e, m, tensor)) return true;
  const uint8_t *p = elements_next(&e);
  if (p) *out = (struct number){out->integer, true, elements_value(&e, p)};
  return true;
}

bool match_number(struct matcher *m, uint32_t row, struct number *out) {
  const struct plan_value *v = &m->plan->values[row];
  enum plan_value_kind kind = kind_of(m->plan, row);
  *out = (struct number){kind != PLAN_VAL_FLOAT, true, v->real};
  if (kind == PLAN_VAL_INT) out->value = (double)v->number;
  if (kind == PLAN_VAL_BIGINT) out->value = plan_span(m->plan, v->text).p[0] == '-' ? -0x1p63 : 0x1p63;
  if (kind == PLAN_VAL_INT || kind == PLAN_VAL_BIGINT || kind == PLAN_VAL_FLOAT) return true;
  return kind == PLAN_VAL_TENSOR && scalar_tensor(m, row, out);
}

static bool type_fits(struct matcher *m, uint32_t row, enum field_type type, struct number *number) {
  enum plan_value_kind kind = kind_of(m->plan, row);
  bool is_number = match_number(m, row, number);
  switch (type) {
  case FIELD_INT: return is_number && number->integer;
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
  struct number number = {.known = true};
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
  if (!number.known) return true;
  if ((line->type == FIELD_NUMBER || line->type == FIELD_INT) && !isfinite(number.value)) {
    match_note(m, OBS_FIELD_NONFINITE, line->name, 0, "%s",
               isnan(number.value) ? "NaN"
               : number.value < 0  ? "-inf"
                                   : "inf");
    return true;
  }
  return line->op == BIN_NONE || compare_field(m, line, row, number.value);
}

bool match_fields(struct matcher *m) {
  for (uint32_t i = 0; i < m->model->arch->num_fields && m->plan->num_values; i++)
    if (!check_field(m, &m->model->arch->fields[i])) return !m->arena->exhausted;
  return true;
}
