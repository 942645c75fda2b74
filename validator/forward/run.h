/* Carries out the steps of a graph: loads each step's weights, computes, and frees every value after its last
 * use. */
#ifndef CKPTLINT_FORWARD_RUN_H
#define CKPTLINT_FORWARD_RUN_H

#include "forward/weights.h"

/* Looks at a step whose result has just been computed; its arguments are still there. */
typedef void step_seen(void *ctx, const struct fstep *step);

struct run {
  const struct graph *graph;
  const struct model *model;
  const struct gemm *gemm;
  struct weights *weights;
  step_seen *seen; /* NULL: nobody */
  void *ctx;
};

/* The inputs have data; the results' data are the caller's to give back to the pool. False: observed. */
NODISCARD bool graph_run(struct run *r);

/* NaN and Inf among the values; 0 for other types than float32. */
uint64_t count_nonfinite(const struct ftensor *t);

#endif
