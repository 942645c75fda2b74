/* The values of a distributed checkpoint's metadata, as the plan of its pickle has them. */
#include "model/dcp.h"

bool dcp_is_metadata(struct span name) { return span_is(name, ".metadata"); }
bool dcp_is_data(struct span name) { return span_ends(name, SPAN(".distcp")); }

uint32_t dcp_field(const struct plan *p, uint32_t row, const char *name) {
  if (row == UINT32_MAX) return UINT32_MAX;
  return plan_child(p, row, span_str(name));
}

bool dcp_is_record(const struct plan *p, uint32_t row) {
  return row != UINT32_MAX && p->values[row].kind == PLAN_VAL_RECORD;
}

bool dcp_class_is(const struct plan *p, uint32_t row, const char *name) {
  struct span cls = row == UINT32_MAX ? SPAN("") : plan_span(p, p->values[row].cls), want = span_str(name);
  return p->num_values && cls.n > want.n && span_ends(cls, want) && cls.p[cls.n - want.n - 1] == '.';
}

bool dcp_number(const struct plan *p, uint32_t row, uint64_t *out) {
  return row != UINT32_MAX && p->values[row].kind == PLAN_VAL_INT && try_cast(p->values[row].number, out);
}

bool dcp_text(const struct plan *p, uint32_t row, struct span *out) {
  if (row == UINT32_MAX || p->values[row].kind != PLAN_VAL_TEXT) return false;
  *out = plan_span(p, p->values[row].text);
  return (uint64_t)p->values[row].number == out->n; /* not cut */
}

bool dcp_sizes(const struct plan *p, uint32_t row, uint64_t out[MAX_DIMS], uint32_t *n) {
  *n = 0;
  row = plan_resolve(p, row);
  if (row == UINT32_MAX) return false;
  uint32_t kind = p->values[row].kind;
  if (kind != PLAN_VAL_SIZE && kind != PLAN_VAL_TUPLE && kind != PLAN_VAL_LIST) return false;
  for (uint32_t c = row + 1; c < p->values[row].end; c = p->values[c].end)
    if (*n == MAX_DIMS || !dcp_number(p, c, &out[(*n)++])) return false;
  return true;
}
