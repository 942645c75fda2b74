/* Values of the plan in words. */
#include "api/emit.h"
#include "base/real.h"

enum { TEXT_CAP = 512, KEY_CAP = 4096 };

void event_tensor(cJSON *e, const char *field, const struct plan *p, uint32_t i) {
  const struct plan_tensor *t = &p->tensors[i];
  char text[TEXT_CAP];
  int n = snprintf(text, sizeof text, "%s [", dtype_name((enum dtype)t->dtype));
  for (uint32_t d = 0; n > 0 && (size_t)n < sizeof text - 32 && d < t->ndim; d++)
    n += snprintf(text + n, sizeof text - (size_t)n, "%s%llu", d ? ", " : "",
                  (unsigned long long)p->dims[t->first_dim + d]);
  if (n > 0) n += snprintf(text + n, sizeof text - (size_t)n, "]");
  event_text(e, field, span_of(text, n > 0 ? (size_t)n : 0), TEXT_CAP);
}

void event_value(cJSON *e, const char *field, const struct plan *p, const struct plan_value *v) {
  char text[40];
  int n = 0;
  switch ((enum plan_value_kind)v->kind) {
  case PLAN_VAL_TENSOR: event_tensor(e, field, p, (uint32_t)v->number); return;
  case PLAN_VAL_BOOL: event_str(e, field, v->number ? "True" : "False"); return;
  case PLAN_VAL_INT: n = snprintf(text, sizeof text, "%lld", (long long)v->number); break;
  case PLAN_VAL_FLOAT: n = (int)real_shortest(text, v->real); break;
  case PLAN_VAL_SHARED: event_text(e, field, plan_span(p, p->values[v->number].key), TEXT_CAP); return;
  case PLAN_VAL_STORAGE: event_text(e, field, plan_span(p, p->storages[v->number - 1].key), TEXT_CAP); return;
  case PLAN_VAL_TEXT:
  case PLAN_VAL_BYTES:
  case PLAN_VAL_BIGINT:
  case PLAN_VAL_ARRAY:
  case PLAN_VAL_DTYPE:
  case PLAN_VAL_DEVICE: event_text(e, field, plan_span(p, v->text), TEXT_CAP); return;
  case PLAN_VAL_NONE:
  case PLAN_VAL_TUPLE:
  case PLAN_VAL_LIST:
  case PLAN_VAL_DICT:
  case PLAN_VAL_SET:
  case PLAN_VAL_RECORD:
  case PLAN_VAL_GLOBAL:
  case PLAN_VAL_SIZE:
  case PLAN_VAL_CUT:
  case PLAN_VAL_KINDS: return;
  }
  event_text(e, field, span_of(text, n > 0 ? (size_t)n : 0), sizeof text);
}

static const char *value_kind_word(uint32_t kind) {
  static const char *const words[PLAN_VAL_KINDS] = {
      "none",   "bool",  "int",    "int",     "float",  "text",  "bytes",  "tuple", "list",   "dict", "set",
      "record", "array", "tensor", "storage", "global", "dtype", "device", "size",  "shared", "cut"};
  return words[kind];
}

void emit_value(const struct plan *p, uint32_t i, struct report *report) {
  const struct plan_value *v = &p->values[i];
  cJSON *e = event_new("value");
  event_u64(e, "depth", v->depth);
  event_bool(e, "last", i == 0 || v->end == p->values[v->parent].end);
  event_bytes(e, "key", plan_span(p, v->key), KEY_CAP);
  event_str(e, "kind", value_kind_word(v->kind));
  uint64_t items = 0;
  for (uint32_t c = i + 1; c < v->end && v->kind != PLAN_VAL_ARRAY; c = p->values[c].end) items++;
  bool bytes = v->kind == PLAN_VAL_TEXT || v->kind == PLAN_VAL_BYTES;
  if (items || bytes) event_u64(e, "items", bytes ? (uint64_t)v->number : items);
  event_value(e, "text", p, v);
  if (v->cls.n) event_text(e, "class", plan_span(p, v->cls), TEXT_CAP);
  report_event(report, e);
}
