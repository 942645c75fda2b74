#include "api/send.h"

bool send_findings(const struct judged *j, struct wire_out *out) {
  const struct observations *obs = j->obs;
  uint32_t unlisted[OBS_COUNT];
  memcpy(unlisted, obs->seen, sizeof unlisted);
  for (uint32_t i = 0; i < obs->n; i++) unlisted[obs->list[i].kind]--;
  for (uint32_t i = 0; i < obs->n; i++) {
    const struct observation *o = &obs->list[i];
    struct finding f = judge(o, j->member_name(j->ctx, o->member));
    f.more = unlisted[o->kind]; /* said once, with the first */
    unlisted[o->kind] = 0;
    wire_finding(out, &f);
  }
  if (obs->lost) {
    const struct observation lost = {.kind = OBS_LIMIT_MEMORY, .got = obs->arena->used, .want = obs->arena->budget};
    struct finding f = judge(&lost, SPAN(""));
    wire_finding(out, &f);
  }
  return !out->broken;
}
