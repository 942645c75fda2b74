/* Activations: elementwise functions of one tensor. */
#include "forward/families.h"

#include <math.h>

bool relu_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, 0);
  if (x->type == FT_BOOL) return op_error(c, "relu of a bool tensor");
  return shape_like_input(c);
}

bool relu_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, 0);
  if (x->type == FT_I64) {
    for (uint64_t i = 0; i < x->numel; i++) ft_i64_out(c->out)[i] = ft_i64(x)[i] > 0 ? ft_i64(x)[i] : 0;
    return true;
  }
  const float *in = ft_f32(x);
  float *out = ft_f32_out(c->out);
  for (uint64_t i = 0; i < x->numel; i++) out[i] = in[i] > 0 || isnan(in[i]) ? in[i] : 0; /* NaN stays NaN */
  return true;
}
