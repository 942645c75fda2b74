/* From observations to findings: every observation becomes the finding of its row; the broker then adjusts it
 * to what the user asked for. A worker never adjusts: what it sends may not be milder than its row
 * (sandbox/wire.h). */
#ifndef CKPTLINT_RULES_JUDGE_H
#define CKPTLINT_RULES_JUDGE_H

#include "rules/finding.h"

/* The finding of one observation. `name` is the member's, empty for the file. */
struct finding judge(const struct observation *o, struct span name);

struct adjusting {
  bool weights_profile; /* --profile weights: records fail too */
  bool strict_keys;     /* load_state_dict(strict=True): missing and unexpected keys are incompatible */
  bool forward_asked;   /* a forward that nobody asked for never worsens the verdict */
};
void adjust(struct finding *f, const struct adjusting *how);

#endif
