/* The facts of a scan, and the checks that look at them. A check is a row of checks.def and a function in a
 * rules/check_….c: const facts in, observations out. */
#ifndef CKPTLINT_RULES_FACTS_H
#define CKPTLINT_RULES_FACTS_H

#include "model/checkpoint.h"

/* All that a scan learned. */
struct facts {
  const struct container *container;
  struct checkpoint *checkpoint; /* for its arena; checks change nothing else */
  const struct plan *plan;       /* NULL: none was written */
  enum dtype target;             /* that the weights will be cast to; DTYPE_NONE: none */
};

typedef void check_fn(const struct facts *f, struct observations *o);
#define CHECK(name, why) check_fn check_##name;
#include "rules/checks.def"
#undef CHECK
void run_checks(const struct facts *f, struct observations *o);

#endif
