/* Checkpoints of one training, side by side: what their names, their epochs and their weights say of one
 * another. */
#ifndef CKPTLINT_API_SERIES_H
#define CKPTLINT_API_SERIES_H

#include "api/job.h"
#include "base/hash.h"

/* Zeroed at the beginning of a run; its memory is the run's. */
struct series {
  VEC(struct epoch) rows;   /* inputs that have an epoch and weights, in their order */
  struct hash_index by_sum; /* of the weights' figures */
  bool lost;                /* the run's memory is spent */
};

/* Observes of a finished job (KEY509, notes): a name that contradicts the field `epoch`, and weights that an
 * earlier input has under another epoch. */
void series_take(struct series *s, struct arena *a, struct job *job);

#endif
