/* One plan over several files. */
#ifndef CKPTLINT_MODEL_PLAN_MERGE_H
#define CKPTLINT_MODEL_PLAN_MERGE_H

#include "model/plan.h"

/* A tensor of which only the form is known: its bytes are in several pieces. */
struct merge_form {
  enum dtype dtype;
  uint32_t ndim;
  const uint64_t *sizes;
  uint64_t numel; /* their product */
};

struct merge_part {
  struct span name;        /* its key in the tree */
  struct span file;        /* its members are called FILE!MEMBER; empty: as they are */
  const struct plan *plan; /* opened; its first state dict is a part of the whole one. NULL: `form` */
  uint64_t base;           /* where its file begins in the mapping that the new plan is about */
  /* Of a part that is one entry: its whole tree is the value of `entry` in the state dict at `group`. Then
   * all parts are, and those of one group stand together. */
  bool whole;
  struct span group, entry;
  uint32_t order; /* the caller's */
  struct merge_form form;
};
/* Of one part with state dicts its tree and all its state dicts; of more a tree of their trees and one state
 * dict with the entries of the first of each. Members, storages, dims, values, tensors, stats (where all
 * parts have them). False: the region is full, or the arena spent. */
NODISCARD bool plan_merge(struct plan_writer *w, struct arena *a, const struct merge_part *parts, uint32_t n);

#endif
