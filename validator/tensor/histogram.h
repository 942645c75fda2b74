/* A histogram of numbers whose range nobody knows before they have come: bins of equal width; when a number
 * falls outside, neighbours are joined and the range is twice as wide. */
#ifndef CKPTLINT_TENSOR_HISTOGRAM_H
#define CKPTLINT_TENSOR_HISTOGRAM_H

#include "tensor/dtype.h"

enum { HISTOGRAM_BARS = 16, HISTOGRAM_BINS = 256 };

struct histogram {
  bool begun, lost;  /* lost: no double holds the range */
  double low, width; /* of the first bin */
  uint64_t bin[HISTOGRAM_BINS];
};

/* A run of little-endian elements of a dtype that is not complex; NaN and infinities are passed over. `h`
 * begins zeroed. */
void histogram_run(struct histogram *h, enum dtype d, struct span bytes);
/* Bars of equal width from min to max, the tallest as 255 and none but empty ones as 0. A bin that lies in
 * two bars is shared out as if its numbers were spread evenly. */
void histogram_bars(const struct histogram *h, double min, double max, uint8_t bars[HISTOGRAM_BARS]);

#endif
