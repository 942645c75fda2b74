/* What convolutions and transposed convolutions have in common: their first three arguments, and the shape of
 * the result. */
#ifndef CKPTLINT_FORWARD_CONV_H
#define CKPTLINT_FORWARD_CONV_H

#include "forward/window.h"

/* A call's numbers, proved to fit each other. */
struct conv {
  uint32_t dims;
  uint64_t batch, in_c, out_c, groups;
  const uint64_t *places; /* the input's sizes behind its channels: dims of them */
  struct window axis[AXES];
  enum padding_mode mode;
};

/* Arguments 0 to 2: input (batch, in_c, places) or (in_c, places), a weight of dims + 2 dimensions, a bias or
 * None. Sets what the input tells; out_c and groups are the caller's. */
NODISCARD bool conv_operands(struct op_call *c, uint32_t dims, struct conv *v);
/* A bias has out_c elements. */
NODISCARD bool conv_bias(struct op_call *c, const struct conv *v);
/* The result: batched as the input is; `places` has its last dims. */
NODISCARD bool conv_result(struct op_call *c, const struct conv *v, const uint64_t places[AXES]);

#endif
