/* Values of JSON and of a checkpoint as values of the language. */
#include "arch/config.h"
#include "base/json.h"
#include "model/purpose.h"

enum {
  MAX_PARTS = 1 << 17, /* values in one config value: id2label of ImageNet-21k has 21,843 */
  MAX_LEVELS = 64,     /* nesting; of JSON it is json_depth, of a checkpoint's config ours */
};

/* ---- JSON ---- */

struct maker {
  struct arena *arena;
  const struct plan *plan;
  uint32_t parts; /* left */
};

/* NOLINTBEGIN(misc-no-recursion): JSON is at most limits.json_depth deep, which json_parse has seen to */
static bool from_json(struct maker *m, struct value *out, const cJSON *item);

static bool container_from_json(struct maker *m, struct value *out, const cJSON *item) {
  bool dict = cJSON_IsObject(item);
  uint32_t n = 0, i = 0;
  const cJSON *child;
  cJSON_ArrayForEach(child, item) n++;
  if (n > m->parts) return false;
  m->parts -= n;
  struct value_pair *pairs = dict ? arena_array(m->arena, n, struct value_pair) : NULL;
  struct value *items = dict ? NULL : arena_array(m->arena, n, struct value);
  if (!pairs && !items) return false;
  cJSON_ArrayForEach(child, item) {
    if (dict) pairs[i].key = span_str(child->string);
    if (!from_json(m, dict ? &pairs[i].value : &items[i], child)) return false;
    i++;
  }
  *out = dict ? (struct value){.kind = VALUE_DICT, .n = n, .pairs = pairs} : value_tuple(items, n);
  return true;
}

static bool from_json(struct maker *m, struct value *out, const cJSON *item) {
  int64_t exact;
  *out = (struct value){.kind = VALUE_NONE};
  if (cJSON_IsBool(item))
    *out = value_bool(cJSON_IsTrue(item));
  else if (json_int(item, &exact))
    *out = value_int(exact);
  else if (cJSON_IsNumber(item))
    *out = value_real(item->valuedouble);
  else if (cJSON_IsString(item))
    *out = value_text(span_str(item->valuestring));
  else if (!cJSON_IsNull(item))
    return container_from_json(m, out, item);
  return true;
}

/* NOLINTEND(misc-no-recursion) */

bool value_from_json(struct value *out, struct arena *a, const cJSON *item) {
  struct maker m = {.arena = a, .parts = MAX_PARTS};
  return from_json(&m, out, item);
}

/* ---- the checkpoint's own values ---- */

/* NOLINTBEGIN(misc-no-recursion): at most MAX_LEVELS deep */
static bool from_plan(struct maker *m, struct value *out, uint32_t row, uint32_t levels);

static bool container_from_plan(struct maker *m, struct value *out, uint32_t row, uint32_t levels,
                                bool dict) {
  const struct plan_value *v = m->plan->values;
  uint32_t n = 0, i = 0, end = v[row].end;
  for (uint32_t child = row + 1; child < end; child = v[child].end) n++;
  if (n > m->parts || levels == 0) return false;
  m->parts -= n;
  struct value_pair *pairs = dict ? arena_array(m->arena, n, struct value_pair) : NULL;
  struct value *items = dict ? NULL : arena_array(m->arena, n, struct value);
  if (!pairs && !items) return false;
  for (uint32_t child = row + 1; child < end; child = v[child].end, i++) {
    if (dict) pairs[i].key = plan_span(m->plan, v[child].key);
    if (!from_plan(m, dict ? &pairs[i].value : &items[i], child, levels - 1)) return false;
  }
  *out = dict ? (struct value){.kind = VALUE_DICT, .n = n, .pairs = pairs} : value_tuple(items, n);
  return true;
}

static struct value dtype_or_text(struct span name) {
  struct span bare = span_starts(name, SPAN("torch.")) ? span_from(name, 6) : name;
  enum dtype d = dtype_by_name(bare);
  return d == DTYPE_NONE ? value_text(name) : (struct value){.kind = VALUE_DTYPE, .dtype = d};
}

/* What is no config value (a tensor, a class) becomes a text that says so: an error only where it is used. */
static bool from_plan(struct maker *m, struct value *out, uint32_t row, uint32_t levels) {
  row = plan_resolve(m->plan, row);
  const struct plan_value *v = &m->plan->values[row];
  *out = value_text(plan_kind_words((enum plan_value_kind)v->kind));
  switch ((enum plan_value_kind)v->kind) {
  case PLAN_VAL_NONE: *out = (struct value){.kind = VALUE_NONE}; break;
  case PLAN_VAL_BOOL: *out = value_bool(v->number != 0); break;
  case PLAN_VAL_INT: *out = value_int(v->number); break;
  case PLAN_VAL_FLOAT: *out = value_real(v->real); break;
  case PLAN_VAL_TEXT:
  case PLAN_VAL_BYTES:
  case PLAN_VAL_BIGINT:
  case PLAN_VAL_DEVICE: *out = value_text(plan_span(m->plan, v->text)); break;
  case PLAN_VAL_DTYPE: *out = dtype_or_text(plan_span(m->plan, v->text)); break;
  case PLAN_VAL_TUPLE:
  case PLAN_VAL_LIST:
  case PLAN_VAL_SET:
  case PLAN_VAL_SIZE: return container_from_plan(m, out, row, levels, false);
  case PLAN_VAL_DICT:
  case PLAN_VAL_RECORD: return container_from_plan(m, out, row, levels, true);
  case PLAN_VAL_GLOBAL: *out = value_text(plan_span(m->plan, v->cls)); break;
  case PLAN_VAL_ARRAY:
  case PLAN_VAL_TENSOR:
  case PLAN_VAL_STORAGE:
  case PLAN_VAL_SHARED:
  case PLAN_VAL_CUT:
  case PLAN_VAL_KINDS: break;
  }
  return true;
}

/* NOLINTEND(misc-no-recursion) */

bool value_from_plan(struct value *out, struct arena *a, const struct plan *plan, uint32_t row) {
  struct maker m = {.arena = a, .plan = plan, .parts = MAX_PARTS};
  return from_plan(&m, out, row, MAX_LEVELS);
}
