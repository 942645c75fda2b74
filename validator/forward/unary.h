/* Elementwise functions of one tensor, float32 whatever its type. */
#ifndef CKPTLINT_FORWARD_UNARY_H
#define CKPTLINT_FORWARD_UNARY_H

#include "forward/op.h"

typedef float real_fn(float x);
NODISCARD bool real_run(struct op_call *c, real_fn *f);

#endif
