/* The functions that ops.def names, a family a file. */
#ifndef CKPTLINT_FORWARD_FAMILIES_H
#define CKPTLINT_FORWARD_FAMILIES_H

#include "forward/op.h"

/* linear.c */
op_shape_fn linear_shape, matmul_shape;
op_cost_fn linear_cost, matmul_cost;
op_kernel_fn linear_run, matmul_run;

/* conv.c */
op_shape_fn conv2d_shape;
op_cost_fn conv2d_cost;
op_kernel_fn conv2d_run;

/* pool.c */
op_shape_fn max_pool2d_shape;
op_cost_fn max_pool2d_cost;
op_kernel_fn max_pool2d_run;

/* act.c */
op_shape_fn relu_shape;
op_kernel_fn relu_run;

/* shape.c */
op_shape_fn view_shape, flatten_shape, dropout_shape;

/* arith.c */
op_shape_fn add_shape, sub_shape, mul_shape, div_shape, neg_shape;
op_kernel_fn add_run, sub_run, mul_run, div_run, neg_run;

#endif
