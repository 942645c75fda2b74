/* The one pass over a tensor's numbers: counts, extremes, mean, digest. Over the elements that the view
 * reaches, in logical (row-major) order; never over unused bytes of the storage. */
#ifndef CKPTLINT_TENSOR_STATS_H
#define CKPTLINT_TENSOR_STATS_H

#include "tensor/histogram.h"
#include "tensor/sha256.h"
#include "tensor/view.h"

struct tensor_stats {
  bool done; /* false: not computed (quick depth, opaque dtype, over the cap) */
  bool hashed;
  uint64_t count; /* elements looked at */
  uint64_t nan_count, inf_count, zero_count;
  uint64_t subnormal_count; /* of float64, float32 and bfloat16, where they make arithmetic slow */
  uint64_t zero_rows; /* slices of the first dimension that are all zeros; 0 of fewer than two dimensions, and
                         of views that are not contiguous */
  uint64_t finite;    /* elements that are neither NaN nor Inf */
  double min, max, mean, absmax; /* over finite elements; 0 when finite is 0 */
  double std;                    /* likewise, of the whole population; NaN when the squares overflow */
  uint8_t bars[HISTOGRAM_BARS];  /* with STATS_HISTOGRAM, of numbers that are not complex: finite elements in
                                    bars of equal width from min to max, the tallest as 255 and none but empty
                                    ones as 0 */
  uint8_t sha256[32];            /* over contiguous little-endian bytes, when hashed */
};

/* storage: the real bytes, at least view_storage_bytes(v) of them. Expanded views are capped: more than
 * `max_elements` logical elements leave done and hashed false. `big_endian`: elements lie byte-swapped in the
 * storage. A complex element is NaN or infinite if either half is, zero if both are; min, max and mean are of
 * the real halves, absmax is over both. Quantized elements count as their integers. Packed ones (quint4x2,
 * quint2x4) are hashed as they lie, and only where the view is contiguous and begins at a byte. SHA-256
 * (STATS_HASH) is OpenSSL's, loaded by sha256_load before the seal; hashed stays false when that failed. */
enum stats_wanted { STATS_HASH = 1, STATS_HISTOGRAM = 2 }; /* a set */
void tensor_stats(struct tensor_stats *out, const struct view *v, struct span storage, bool big_endian,
                  unsigned wanted, uint64_t max_elements);

#endif
