#include "base/observe.h"

void observations_init(struct observations *o, struct arena *a, uint32_t per_kind_max) {
  *o = (struct observations){.arena = a, .per_kind_max = per_kind_max};
}

void observe(struct observations *o, struct observation what) {
  if (o->seen[what.kind]++ >= o->per_kind_max) return;
  struct observation *slot = vec_push(o->arena, &o->table, UINT32_MAX);
  if (!slot) {
    o->lost = true;
    return;
  }
  *slot = what;
  slot->subject = span_first(what.subject, OBS_TEXT_MAX);
  slot->detail = span_first(what.detail, OBS_TEXT_MAX);
  o->list = o->table.p;
  o->n = o->table.n;
}

void observations_withdraw(struct observations *o, enum obs_kind kind, uint32_t member) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < o->n; i++) {
    bool goes = o->list[i].kind == kind && o->list[i].member == member;
    if (goes)
      o->seen[kind]--;
    else
      o->list[kept++] = o->list[i];
  }
  o->n = o->table.n = kept;
}
