/* The bytes of a plan's storages, each found or inflated once, however many tensors are views of it. */
#ifndef CKPTLINT_MODEL_PLAN_BYTES_H
#define CKPTLINT_MODEL_PLAN_BYTES_H

#include "model/plan.h"

struct plan_bytes {
  const struct plan *plan;
  struct span file; /* the mapping that the plan is about */
  struct arena *arena;
  struct observations *obs;
  struct span *known; /* by storage - 1; n 0: not yet read */
};
/* False: the budget is spent. */
NODISCARD bool plan_bytes_open(struct plan_bytes *b, const struct plan *p, struct span file, struct arena *a,
                               struct observations *o);
/* The real bytes of a storage (1-based): where they lie in the mapping, or inflated into the arena. False
 * (observed): there are none, or they do not inflate. */
NODISCARD bool plan_bytes_read(struct plan_bytes *b, uint32_t storage, struct span *out);

#endif
