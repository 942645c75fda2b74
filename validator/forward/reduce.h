/* Reductions: some dimensions of a tensor become one number each. */
#ifndef CKPTLINT_FORWARD_REDUCE_H
#define CKPTLINT_FORWARD_REDUCE_H

#include "forward/binary.h"

struct reduction {
  struct strided order; /* the input with the reduced dimensions last */
  uint64_t rows, n;     /* results, and elements that make one */
  uint32_t ndim;        /* of the result */
  uint64_t size[FT_DIMS];
};

/* dims: an int, a tuple, or None or () for all. False: the error is set. */
NODISCARD bool reduction_read(struct op_call *c, const struct op_value *dims, bool keepdim,
                              struct reduction *r);

/* The input as rows of n elements of `type`, one behind the other. Given back with rows_give. */
struct reduced_rows {
  const void *p;
  struct operand converted;
  void *scratch;
};
NODISCARD bool rows_take(struct op_call *c, const struct reduction *r, enum ftype type,
                         struct reduced_rows *out);
void rows_give(struct op_call *c, struct reduced_rows *rows);

#endif
