/* An output against what was recorded for it. */
#ifndef CKPTLINT_FORWARD_COMPARE_H
#define CKPTLINT_FORWARD_COMPARE_H

#include "forward/array.h"

/* Two correct float32 implementations differ by about 2e-6 on outputs of size 6. */
#define DEFAULT_RTOL 1e-4
#define DEFAULT_ATOL 1e-5
/* With quantised weights: engines round activations too, each in its own way. Between this pass and
 * torch 1.13's two, 0.011 was the most. */
#define QUANTIZED_RTOL 2e-2
#define QUANTIZED_ATOL 2e-2

struct comparison {
  bool same_shape;         /* if not, nothing below is set: shapes never broadcast */
  uint64_t count, outside; /* elements; those with |y - g| > atol + rtol * |g| */
  double rtol, atol;
  double max_abs; /* of |y - g|; infinity where one is finite and the other is not */
  double max_rel; /* of |y - g| / |g|, where g is not 0 */
  uint64_t worst; /* flat index of the element furthest outside */
  double worst_got, worst_want;
  uint64_t rows, rows_agree; /* argmax over the last dimension */
};

/* As numpy.allclose, but on purpose about what is not finite: equal infinities agree, and a NaN agrees with a
 * recorded NaN and with nothing else. */
void compare_values(struct comparison *out, const struct ftensor *y, const struct farray *golden, double rtol,
                    double atol);
/* Recorded classes, one for each row (last dimension) of y. same_shape: their number is the number of rows.
 */
void compare_argmax(struct comparison *out, const struct ftensor *y, const struct farray *classes);

double ft_real(const struct ftensor *t, uint64_t i);

#endif
