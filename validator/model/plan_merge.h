/* One plan over several files. */
#ifndef CKPTLINT_MODEL_PLAN_MERGE_H
#define CKPTLINT_MODEL_PLAN_MERGE_H

#include "model/plan.h"

struct merge_part {
  struct span name;        /* its key in the tree, and what its members are called: NAME!MEMBER */
  const struct plan *plan; /* opened; its first state dict is a part of the whole one */
  uint64_t base;           /* where its file begins in the mapping that the new plan is about */
};
/* Of one part its tree and all its state dicts; of more a tree of their trees and one state dict with the
 * entries of the first of each. Members, storages, dims, values, tensors, stats (where all parts have them).
 * False: the region is full, or the arena spent. */
NODISCARD bool plan_merge(struct plan_writer *w, struct arena *a, const struct merge_part *parts, uint32_t n);

#endif
