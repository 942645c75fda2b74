/* Weights: tensors of the plan as values of the forward pass. float32 that lies row-major and aligned in the
 * mapping is used as it is; everything else is converted, one step's weights at a time. */
#ifndef CKPTLINT_FORWARD_WEIGHTS_H
#define CKPTLINT_FORWARD_WEIGHTS_H

#include "forward/graph.h"

struct weights {
  const struct plan *plan;
  struct span file;
  struct arena *arena;
  struct observations *obs;
  struct fpool *pool;
  struct span *storage; /* by storage - 1: found or inflated once; n 0: not yet */
};
NODISCARD bool weights_init(
    struct weights *w); /* the other fields are filled in; false: out of memory, observed */

/* Gives v (FROM_WEIGHT) its data. *owned: memory of the pool that the caller gives back, or NULL. False:
 * observed. */
NODISCARD bool weights_load(struct weights *w, struct fvalue *v, void **owned);

#endif
