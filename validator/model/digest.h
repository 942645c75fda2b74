/* The digest of each tensor, by a worker of its own that parses nothing: it reads a plan that the broker has
 * opened, and the bytes that the plan proves. What a parser says of a digest is never trusted. */
#ifndef CKPTLINT_MODEL_DIGEST_H
#define CKPTLINT_MODEL_DIGEST_H

#include "model/plan.h"

struct digest {
  uint8_t sha256[32]; /* of the elements in logical order, little-endian, without gaps; of a quantised one
                         with what they mean (doc/lock.md) */
  uint32_t known; /* 0: it has no bytes of its own in the file (meta, sparse), or they could not be read */
};
struct digests {
  uint8_t magic[8];
  uint32_t complete; /* written last */
  uint32_t n;
  struct digest tensor[]; /* by the plan's index */
};

/* False: the region is too small, or memory is spent. Under the seal: sha256_load must have been called. */
NODISCARD bool digest_run(const struct plan *p, struct span file, const struct limits *max, void *region,
                          size_t size, struct arena *a, struct observations *o);
/* NULL unless it is whole and about this plan. */
const struct digests *digest_open(const void *region, size_t size, const struct plan *p);

#endif
