#include "rules/judge.h"

struct finding judge(const struct observation *o, struct span name) {
  return (struct finding){.reason = o->kind,
                          .severity = rule_table[reason_table[o->kind].rule].severity,
                          .effect = reason_effect(o->kind),
                          .member = name,
                          .at = o->at,
                          .len = o->len,
                          .got = o->got,
                          .want = o->want,
                          .subject = o->subject,
                          .detail = o->detail};
}

static bool of_forward(enum rule_id id) { return id >= RULE_FWD701 && id <= RULE_FWD707; }

void adjust(struct finding *f, const struct adjusting *how) {
  enum rule_id id = reason_table[f->reason].rule;
  /* A weights file has no business with classes: what is a finding elsewhere is a refusal there. */
  if (how->weights_profile && (id == RULE_GLB302 || id == RULE_GLB303 || id == RULE_GLB308)) {
    f->effect = EFFECT_UNSAFE;
    f->severity = SEV_HIGH;
  }
  if (!how->strict_keys && (id == RULE_KEY501 || id == RULE_KEY502) && f->effect == EFFECT_INCOMPAT) {
    f->effect = EFFECT_FINDING;
    if (f->reason == OBS_MATCH_MISSING) f->severity = SEV_MEDIUM; /* strict=False passes over it */
  }
  if (!how->forward_asked && (of_forward(id) || f->reason == OBS_SIDE_FILE)) f->effect = EFFECT_NOTE;
  if (f->effect == EFFECT_NOTE && f->severity > SEV_LOW) f->severity = SEV_LOW; /* a note never shouts */
}
