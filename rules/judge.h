/* From observations to findings: every observation becomes the finding of its row. */
#ifndef CKPTLINT_RULES_JUDGE_H
#define CKPTLINT_RULES_JUDGE_H

#include "rules/finding.h"

struct judging {
  bool weights_profile; /* --profile weights: records fail too */
  bool strict_keys;     /* load_state_dict(strict=True): missing and unexpected keys are incompatible */
  bool offered;         /* a stage that nobody asked for: it never worsens the verdict */
};
/* The finding of one observation. `name` is the member's, empty for the file. */
struct finding judge(const struct observation *o, struct span name, const struct judging *how);

#endif
