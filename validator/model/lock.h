/* A lock file (doc/lock.md): keys, shapes, dtypes and digests of a checkpoint that was good, compared with
 * one that is to be. Its JSON is parsed here, in a sealed worker; the digests come from another one. */
#ifndef CKPTLINT_MODEL_LOCK_H
#define CKPTLINT_MODEL_LOCK_H

#include "model/digest.h"

struct lock_request {
  struct span name, text; /* the lock file */
  const struct plan *plan;
  const struct digests *digests; /* of the plan's tensors */
  struct span key;               /* --key: the state dict; empty: the lock file's, or the best */
  const struct limits *max;
  uint64_t hash_seed[2];
};
/* Every difference is observed. False: memory is spent. */
NODISCARD bool lock_compare(const struct lock_request *request, struct arena *a, struct observations *o);

#endif
