/* The one pass over a tensor's numbers: counts, extremes, mean, digest. Over the elements that the view reaches, in
 * logical (row-major) order; never over unused bytes of the storage. */
#ifndef CKPTLINT_TENSOR_STATS_H
#define CKPTLINT_TENSOR_STATS_H

#include "tensor/view.h"

struct tensor_stats {
  bool done;             /* false: not computed (quick depth, opaque dtype, over the cap) */
  bool hashed;
  uint64_t count;        /* elements looked at */
  uint64_t nan_count, inf_count, zero_count;
  uint64_t finite;       /* elements that are neither NaN nor Inf */
  double min, max, mean, absmax; /* over finite elements; meaningless when finite is 0 */
  uint8_t sha256[32];    /* over contiguous little-endian bytes, when hashed */
};

/* storage: the real bytes, at least v->extent * item size of them. Expanded views are capped: more than `max_elements`
 * logical elements leave done false. `big_endian`: elements lie byte-swapped in the storage.
 * SHA-256 (want_hash) is OpenSSL's, loaded by sha256_load before the seal. */
void tensor_stats(struct tensor_stats *out, const struct view *v, struct span storage, bool big_endian, bool want_hash,
                  uint64_t max_elements);

/* Loads libcrypto's EVP; to be called before the sandbox closes. False when the library is missing. */
NODISCARD bool sha256_load(void);
/* One digest of a run of bytes (tests, whole files). False when sha256_load was not called or failed. */
NODISCARD bool sha256(struct span in, uint8_t out[32]);

#endif
