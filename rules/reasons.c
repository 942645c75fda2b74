/* The tables of rules and reasons, expanded from their rows. */
#include "rules/finding.h"

#define EFFECT_NOTE_ROW      EFFECT_NOTE
#define EFFECT_FINDING_ROW   EFFECT_FINDING
#define EFFECT_UNCHECKED_ROW EFFECT_UNCHECKED
#define EFFECT_INCOMPAT_ROW  EFFECT_INCOMPAT
#define EFFECT_UNSAFE_ROW    EFFECT_UNSAFE
/* A reason that leaves its effect to its rule. */
#define EFFECT_DEFAULT_ROW EFFECT_COUNT

const struct rule rule_table[RULE_COUNT] = {
#define RULE(id, name, severity, effect, title) \
  [RULE_##id] = {#id, name, title, SEV_##severity, EFFECT_##effect},
#include "rules/rules.def"
#undef RULE
};

const struct reason reason_table[OBS_COUNT] = {
#define OBS(id, rule, effect, slug, text) [OBS_##id] = {#id, slug, text, RULE_##rule, EFFECT_##effect##_ROW},
#include "base/observations.def"
#undef OBS
};

enum effect reason_effect(enum obs_kind kind) {
  const struct reason *r = &reason_table[kind];
  return r->effect == EFFECT_COUNT ? rule_table[r->rule].effect : r->effect;
}

const char *severity_name(enum severity s) {
  static const char *const names[] = {"info", "low", "medium", "high", "critical"};
  return s < SEV_COUNT ? names[s] : "none";
}

const char *effect_name(enum effect e) {
  static const char *const names[] = {"note", "finding", "not checked", "incompatible", "unsafe"};
  return e < EFFECT_COUNT ? names[e] : "?";
}

const char *verdict_name(enum verdict v) {
  static const char *const names[] = {"clean", "findings", "error", "not checked", "incompatible", "unsafe"};
  return v < VERDICT_COUNT ? names[v] : "?";
}

enum verdict effect_verdict(enum effect e) {
  switch (e) {
  case EFFECT_NOTE: return VERDICT_CLEAN;
  case EFFECT_FINDING: return VERDICT_FINDINGS;
  case EFFECT_UNCHECKED: return VERDICT_NOT_CHECKED;
  case EFFECT_INCOMPAT: return VERDICT_INCOMPATIBLE;
  case EFFECT_UNSAFE:
  case EFFECT_COUNT: break;
  }
  return VERDICT_UNSAFE;
}

enum rule_id rule_by_name(struct span id_or_name) {
  for (enum rule_id r = RULE_NONE + 1; r < RULE_COUNT; r++)
    if (span_is(id_or_name, rule_table[r].id) || span_is(id_or_name, rule_table[r].name)) return r;
  return RULE_NONE;
}
