/* What the one pass over the numbers found in the weights of a state dict. */
#include "rules/facts.h"

static void one_tensor(const struct plan *p, const struct plan_entry *e, struct observations *o) {
  const struct plan_stats *s = &p->stats[e->tensor];
  struct span name = plan_span(p, e->name);
  if (!s->done) return;
  struct observation seen = {.subject = name, .want = s->count};
  if (s->nan_count) {
    seen.kind = OBS_WEIGHTS_NAN;
    seen.got = s->nan_count;
    observe(o, seen);
  }
  if (s->inf_count) {
    seen.kind = OBS_WEIGHTS_INF;
    seen.got = s->inf_count;
    observe(o, seen);
  }
  /* A bias, or a buffer of the norm family, starts at zero and may stay there. */
  if (s->count >= 16 && s->zero_count == s->count && span_ends(name, SPAN("weight"))) {
    seen.kind = OBS_WEIGHTS_ZERO;
    observe(o, seen);
  }
  if (s->finite && s->min < 0 && span_ends(name, SPAN("running_var"))) {
    seen.kind = OBS_WEIGHTS_NEGATIVE_VAR;
    observe(o, seen);
  }
}

void check_numbers(const struct facts *f, struct observations *o) {
  const struct plan *p = f->plan;
  if (!p || p->num_stats == 0 || p->num_dicts == 0) return;
  const struct plan_dict *d = &p->dicts[0];
  for (uint32_t i = 0; i < d->num_entries; i++)
    if (p->entries[d->first_entry + i].tensor != UINT32_MAX)
      one_tensor(p, &p->entries[d->first_entry + i], o);
}
