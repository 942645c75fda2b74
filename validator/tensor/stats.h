/* The one pass over a tensor's numbers: counts, extremes, mean, digest. Over the elements that the view
 * reaches, in logical (row-major) order; never over unused bytes of the storage. */
#ifndef CKPTLINT_TENSOR_STATS_H
#define CKPTLINT_TENSOR_STATS_H

#include "tensor/sha256.h"
#include "tensor/view.h"

struct tensor_stats {
  bool done; /* false: not computed (quick depth, opaque dtype, over the cap) */
  bool hashed;
  uint64_t count; /* elements looked at */
  uint64_t nan_count, inf_count, zero_count;
  uint64_t finite;               /* elements that are neither NaN nor Inf */
  double min, max, mean, absmax; /* over finite elements; 0 when finite is 0 */
  uint8_t sha256[32];            /* over contiguous little-endian bytes, when hashed */
};

/* storage: the real bytes, at least view_storage_bytes(v) of them. Expanded views are capped: more than
 * `max_elements` logical elements leave done and hashed false. `big_endian`: elements lie byte-swapped in the
 * storage. A complex element is NaN or infinite if either half is, zero if both are; min, max and mean are of
 * the real halves, absmax is over both. Quantized elements count as their integers. Packed ones (quint4x2,
 * quint2x4) are hashed as they lie, and only where the view is contiguous and begins at a byte. SHA-256
 * (want_hash) is OpenSSL's, loaded by sha256_load before the seal; hashed stays false when that failed. */
void tensor_stats(struct tensor_stats *out, const struct view *v, struct span storage, bool big_endian,
                  bool want_hash, uint64_t max_elements);

#endif
