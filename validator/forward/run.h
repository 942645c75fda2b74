/* Carries out the steps of a graph: loads each step's weights, computes, and frees every value after its last
 * use. */
#ifndef CKPTLINT_FORWARD_RUN_H
#define CKPTLINT_FORWARD_RUN_H

#include "forward/weights.h"

struct run {
  const struct graph *graph;
  const struct model *model;
  const struct gemm *gemm;
  struct weights *weights;
  bool look_for_nonfinite;       /* look at every result: done only to explain one that is not finite */
  const struct fstep *nonfinite; /* the first step whose result held NaN or Inf */
};

/* The inputs have data; the results' data are the caller's to give back to the pool. False: observed. */
NODISCARD bool graph_run(struct run *r);

/* NaN and Inf among the values; 0 for other types than float32. */
uint64_t count_nonfinite(const struct ftensor *t);

#endif
