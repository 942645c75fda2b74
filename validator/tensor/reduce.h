/* The fast half of the pass over a tensor's numbers: some kilobytes of one dtype reduced with vector
 * instructions, so that the pass runs near the speed of memory. What it can't do, the element loop of stats.c
 * does. */
#ifndef CKPTLINT_TENSOR_REDUCE_H
#define CKPTLINT_TENSOR_REDUCE_H

#include "tensor/dtype.h"

enum { REDUCE_BYTES = 8192 };
#define REDUCE_MAGNITUDE 0x1p960 /* 2^63 numbers below this can be added without overflow */

struct reduction {
  uint32_t elements, zeros, subnormals; /* subnormals: of float64, float32 and bfloat16 */
  double min, max, sum;                 /* over all of them: all are finite */
  double pivot, squares;                /* one of them, and the sum of the squared distances from it */
};

/* Reduces leading elements of `bytes`, a multiple of 8 of them and at most REDUCE_BYTES. False: this dtype or
 * processor has no vector path, there are too few elements, one of them is NaN, infinite or as large as
 * REDUCE_MAGNITUDE. */
NODISCARD bool reduce_block(struct reduction *out, enum dtype d, struct span bytes);

#endif
