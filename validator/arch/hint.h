/* Which config value makes the checkpoint fit? Each value that could be wrong is tried on the whole
 * architecture, and what resolves most problems is told. Values that never show in a key or a shape (heads,
 * eps, activations, strides) can't be found this way. */
#ifndef CKPTLINT_ARCH_HINT_H
#define CKPTLINT_ARCH_HINT_H

#include "arch/match.h"

/* What a model was built and matched from. */
struct hint_request {
  const struct arch *arch;
  const struct config_sources *sources;
  const struct model *model;
  struct span root;
  const struct match *match;
  const struct plan *plan;
  const struct limits *max;
  bool bare; /* the values alone, without the ones that they would replace */
};

/* Observes the changes that resolve at least half of the problems, if there are any. Bounded by
 * limits.hint_keys. False only when memory is spent. */
NODISCARD bool hint_run(const struct hint_request *r, struct arena *a, struct observations *o);

#endif
