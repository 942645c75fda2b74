#include "rules/judge.h"

struct finding judge(const struct observation *o, struct span name, const struct judging *how) {
  const struct rule *rule = &rule_table[reason_table[o->kind].rule];
  struct finding f = {.reason = o->kind, .severity = rule->severity, .effect = reason_effect(o->kind), .member = name,
                      .at = o->at, .len = o->len, .got = o->got, .want = o->want, .subject = o->subject, .detail = o->detail};
  /* A weights file has no business with classes: what is a finding elsewhere is a refusal there. */
  bool record = reason_table[o->kind].rule == RULE_GLB303 || reason_table[o->kind].rule == RULE_GLB308;
  if (how->weights_profile && record) {
    f.effect = EFFECT_UNSAFE;
    f.severity = SEV_HIGH;
  }
  enum rule_id id = reason_table[o->kind].rule;
  if (!how->strict_keys && (id == RULE_KEY501 || id == RULE_KEY502) && f.effect == EFFECT_INCOMPAT) f.effect = EFFECT_FINDING;
  if (how->offered) f.effect = EFFECT_NOTE;
  if (f.effect == EFFECT_NOTE && f.severity > SEV_LOW) f.severity = SEV_LOW; /* a note never shouts */
  return f;
}
