/* A finding: an observation judged. What crosses the process border, and what every report prints. */
#ifndef CKPTLINT_RULES_FINDING_H
#define CKPTLINT_RULES_FINDING_H

#include "base/observe.h"

enum severity { SEV_INFO, SEV_LOW, SEV_MEDIUM, SEV_HIGH, SEV_CRITICAL, SEV_COUNT };

/* What a finding does to the verdict of its input. Severity never changes it. */
enum effect { EFFECT_NOTE, EFFECT_FINDING, EFFECT_UNCHECKED, EFFECT_INCOMPAT, EFFECT_UNSAFE, EFFECT_COUNT };

/* Worst last; an input's verdict is the worst of its findings' effects and of the kernel's facts. */
enum verdict {
  VERDICT_CLEAN,
  VERDICT_FINDINGS,
  VERDICT_ERROR,
  VERDICT_NOT_CHECKED,
  VERDICT_INCOMPATIBLE,
  VERDICT_UNSAFE,
  VERDICT_COUNT
};

enum rule_id {
  RULE_NONE,
#define RULE(id, name, severity, effect, title) RULE_##id,
#include "rules/rules.def"
#undef RULE
  RULE_COUNT
};

struct rule {
  const char *id, *name, *title;
  enum severity severity;
  enum effect effect; /* the default of its reasons */
};
extern const struct rule rule_table[RULE_COUNT];

/* One reason a rule can fire for: the row of the observation, judged. */
struct reason {
  const char *id;   /* "ZIP_LOCAL_NAME" */
  const char *slug; /* "local-name": with the rule, the stable name of a reason: FMT102/local-name */
  const char *text; /* sentence with {placeholders} */
  enum rule_id rule;
  enum effect effect; /* EFFECT_COUNT: its rule's own; ask reason_effect */
};
extern const struct reason reason_table[OBS_COUNT];
enum effect reason_effect(enum obs_kind kind);

struct finding {
  enum obs_kind reason;
  enum severity severity;
  enum effect effect;
  struct span member; /* name of the container member, empty for the file */
  uint64_t at, len, got, want;
  struct span subject, detail;
  uint32_t more; /* further findings of the same reason that were only counted */
};

static inline const struct rule *finding_rule(const struct finding *f) {
  return &rule_table[reason_table[f->reason].rule];
}

const char *severity_name(enum severity s);
const char *effect_name(enum effect e);
const char *verdict_name(enum verdict v);
/* The verdict that one effect leads to. */
enum verdict effect_verdict(enum effect e);
enum rule_id rule_by_name(struct span id_or_name); /* RULE_NONE if there is none */

#endif
