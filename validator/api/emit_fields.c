/* The values that `inspect --fields` asks for. */
#include "api/emit.h"
#include "model/purpose.h"

enum { NAME_MAX_BYTES = 256, TEXT_CAP = 512 };

/* A tensor of one element is the number that it holds: `loss` is often saved so. */
static void add_scalar(cJSON *fields, const char *name, const struct plan *p, uint32_t tensor) {
  const struct plan_stats *s = p->num_stats ? &p->stats[tensor] : NULL;
  if (p->tensors[tensor].numel == 1 && s && s->done && s->finite)
    event_real(fields, name, s->min);
  else
    event_tensor(fields, name, p, tensor);
}

static void add_value(cJSON *fields, const char *name, const struct plan *p, uint32_t row) {
  const struct plan_value *v = &p->values[row];
  switch ((enum plan_value_kind)v->kind) {
  case PLAN_VAL_NONE: event_null(fields, name); return;
  case PLAN_VAL_BOOL: event_bool(fields, name, v->number != 0); return;
  case PLAN_VAL_INT: event_i64(fields, name, v->number); return;
  case PLAN_VAL_FLOAT: event_real(fields, name, v->real); return;
  case PLAN_VAL_TENSOR: add_scalar(fields, name, p, (uint32_t)v->number); return;
  case PLAN_VAL_TEXT:
  case PLAN_VAL_BIGINT:
  case PLAN_VAL_DTYPE:
  case PLAN_VAL_DEVICE: event_text(fields, name, plan_span(p, v->text), TEXT_CAP); return;
  case PLAN_VAL_ARRAY:
  case PLAN_VAL_BYTES:
  case PLAN_VAL_TUPLE:
  case PLAN_VAL_LIST:
  case PLAN_VAL_DICT:
  case PLAN_VAL_SET:
  case PLAN_VAL_RECORD:
  case PLAN_VAL_STORAGE:
  case PLAN_VAL_GLOBAL:
  case PLAN_VAL_SIZE:
  case PLAN_VAL_SHARED:
  case PLAN_VAL_CUT:
  case PLAN_VAL_KINDS: break;
  }
  event_text(fields, name, plan_kind_words((enum plan_value_kind)v->kind), TEXT_CAP);
}

static void add_field(const struct job *job, cJSON *fields, struct span name) {
  char text[NAME_MAX_BYTES];
  if (name.n == 0 || name.n >= sizeof text) return;
  memcpy(text, name.p, name.n);
  text[name.n] = 0;
  if (cJSON_GetObjectItemCaseSensitive(fields, text)) return; /* named twice */
  const struct plan *p = &job->plan;
  uint32_t row = UINT32_MAX;
  if (job->have_plan && p->num_values) row = plan_child(p, 0, name);
  if (job->have_plan && p->num_values && row == UINT32_MAX) row = plan_find(p, name);
  if (row == UINT32_MAX)
    event_null(fields, text);
  else
    add_value(fields, text, p, plan_resolve(p, row));
}

void add_fields(const struct job *job, cJSON *file) {
  struct span rest = job->run->options->fields;
  if (rest.n == 0) return;
  cJSON *fields = event_object(file, "fields");
  while (rest.n) {
    const uint8_t *comma = memchr(rest.p, ',', rest.n);
    struct span name = span_first(rest, comma ? (size_t)(comma - rest.p) : rest.n);
    add_field(job, fields, name);
    rest = span_from(rest, min_size(name.n + 1, rest.n));
  }
}
