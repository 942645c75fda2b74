/* What norm.c and batch_norm.c share. */
#ifndef CKPTLINT_FORWARD_NORM_H
#define CKPTLINT_FORWARD_NORM_H

#include "forward/families.h"

struct moments {
  double mean, scale; /* scale: 1 / sqrt(variance + eps), the variance biased */
};
struct moments norm_moments(const float *in, uint64_t n, double eps);

/* A call of batch or instance norm that takes statistics recorded in training, and could take the input's own
 * … */
bool norm_is_recorded(const struct op *op, const struct op_call *c);
/* … as it then does with these arguments. */
void norm_use_batch(const struct op *op, struct op_value *arg);

/* Elements of one channel of one input. */
uint64_t norm_area(const struct ftensor *x);
/* A weight or bias of so many channels, or none: t may be NULL. */
NODISCARD bool norm_affine(struct op_call *c, const char *name, const struct ftensor *t, uint64_t channels);

/* Channels in groups, each group with statistics of its own; weight and bias may be NULL. The input's
 * elements are whole groups of channels. */
struct group_norm {
  uint64_t channels, groups, area;
  const struct ftensor *weight, *bias;
  double eps;
};
void norm_by_groups(struct op_call *c, const struct group_norm *g);

#endif
