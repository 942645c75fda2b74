/* Weights: tensors of the plan as values of the forward pass. float32 that lies row-major and aligned in the
 * mapping is used as it is; everything else is converted, one step's weights at a time. */
#ifndef CKPTLINT_FORWARD_WEIGHTS_H
#define CKPTLINT_FORWARD_WEIGHTS_H

#include "forward/graph.h"
#include "model/plan_bytes.h"

struct weights {
  struct plan_bytes bytes;
  struct fpool *pool;
};

/* Gives v (FROM_WEIGHT) its data. *owned: memory of the pool that the caller gives back, or NULL. False:
 * observed. */
NODISCARD bool weights_load(struct weights *w, struct fvalue *v, void **owned);

#endif
