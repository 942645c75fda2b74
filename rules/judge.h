/* From facts to findings. Checks look at what a stage learned (const) and add observations; judging turns every
 * observation into a finding by its row. A check is a row of checks.def and a function in a rules/check_*.c. */
#ifndef CKPTLINT_RULES_JUDGE_H
#define CKPTLINT_RULES_JUDGE_H

#include "model/checkpoint.h"
#include "rules/finding.h"

/* All that a scan learned. */
struct facts {
  const struct container *container;
  const struct checkpoint *checkpoint;
  const struct plan *plan; /* NULL: none was written */
};

typedef void check_fn(const struct facts *f, struct observations *o);
#define CHECK(name, why) check_fn check_##name;
#include "rules/checks.def"
#undef CHECK
void run_checks(const struct facts *f, struct observations *o);

struct judging {
  bool weights_profile; /* --profile weights: records fail too */
};
/* The finding of one observation. `name` is the member's, empty for the file. */
struct finding judge(const struct observation *o, struct span name, const struct judging *how);

#endif
