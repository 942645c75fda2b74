/* The functions that ops.def names, a family a file. */
#ifndef CKPTLINT_FORWARD_FAMILIES_H
#define CKPTLINT_FORWARD_FAMILIES_H

#include "forward/op.h"

/* linear.c */
op_shape_fn linear_shape, matmul_shape;
op_cost_fn linear_cost, matmul_cost;
op_kernel_fn linear_run, matmul_run;

/* conv.c */
op_shape_fn conv1d_shape, conv2d_shape, conv3d_shape;
op_cost_fn conv_cost;
op_kernel_fn conv_run;

/* conv_transpose.c */
op_shape_fn conv_transpose1d_shape, conv_transpose2d_shape, conv_transpose3d_shape;
op_cost_fn conv_transpose_cost;
op_kernel_fn conv_transpose_run;

/* pool.c */
op_shape_fn max_pool1d_shape, max_pool2d_shape, max_pool3d_shape, max_pool1d_indices_shape,
    max_pool2d_indices_shape, max_pool3d_indices_shape, avg_pool1d_shape, avg_pool2d_shape, avg_pool3d_shape,
    lp_pool1d_shape, lp_pool2d_shape, lp_pool3d_shape;
op_cost_fn max_pool1d_cost, max_pool2d_cost, max_pool3d_cost, avg_pool1d_cost, avg_pool2d_cost,
    avg_pool3d_cost, lp_pool1d_cost, lp_pool2d_cost, lp_pool3d_cost;
op_kernel_fn max_pool1d_run, max_pool2d_run, max_pool3d_run, max_pool1d_indices_run, max_pool2d_indices_run,
    max_pool3d_indices_run, avg_pool1d_run, avg_pool2d_run, avg_pool3d_run, lp_pool1d_run, lp_pool2d_run,
    lp_pool3d_run;

/* adaptive_pool.c */
op_shape_fn adaptive_pool1d_shape, adaptive_pool2d_shape, adaptive_pool3d_shape,
    adaptive_max_pool1d_indices_shape, adaptive_max_pool2d_indices_shape, adaptive_max_pool3d_indices_shape;
op_cost_fn adaptive_cost;
op_kernel_fn adaptive_avg_pool1d_run, adaptive_avg_pool2d_run, adaptive_avg_pool3d_run,
    adaptive_max_pool1d_run, adaptive_max_pool2d_run, adaptive_max_pool3d_run;

/* unpool.c */
op_shape_fn max_unpool1d_shape, max_unpool2d_shape, max_unpool3d_shape;
op_kernel_fn max_unpool1d_run, max_unpool2d_run, max_unpool3d_run;

/* fractional_pool.c */
op_shape_fn fractional_max_pool2d_shape, fractional_max_pool3d_shape, fractional_max_pool2d_indices_shape,
    fractional_max_pool3d_indices_shape;
op_cost_fn fractional_max_pool2d_cost, fractional_max_pool3d_cost;
op_kernel_fn fractional_max_pool2d_run, fractional_max_pool3d_run;

/* pad.c */
op_shape_fn pad_shape, constant_pad1d_shape, constant_pad2d_shape, constant_pad3d_shape,
    reflection_pad1d_shape, reflection_pad2d_shape, reflection_pad3d_shape, replication_pad1d_shape,
    replication_pad2d_shape, replication_pad3d_shape, circular_pad1d_shape, circular_pad2d_shape,
    circular_pad3d_shape;
op_kernel_fn pad_run, constant_pad1d_run, constant_pad2d_run, constant_pad3d_run, reflection_pad1d_run,
    reflection_pad2d_run, reflection_pad3d_run, replication_pad1d_run, replication_pad2d_run,
    replication_pad3d_run, circular_pad1d_run, circular_pad2d_run, circular_pad3d_run;

/* shuffle.c */
op_shape_fn pixel_shuffle_shape, pixel_unshuffle_shape, channel_shuffle_shape;
op_kernel_fn pixel_shuffle_run, pixel_unshuffle_run, channel_shuffle_run;

/* interpolate.c */
op_shape_fn interpolate_shape, upsample_nearest_shape, upsample_bilinear_shape;
op_cost_fn interpolate_cost, upsample_cost;
op_kernel_fn interpolate_run, upsample_nearest_run, upsample_bilinear_run;

/* act.c */
op_shape_fn act_shape, relu_shape, rrelu_shape, prelu_shape, celu_shape, gelu_shape, softshrink_shape,
    glu_shape, named_shape;
op_kernel_fn relu_run, relu6_run, leaky_relu_run, rrelu_run, prelu_run, elu_run, celu_run, selu_run, gelu_run,
    silu_run, mish_run, sigmoid_run, logsigmoid_run, tanh_run, tanhshrink_run, softplus_run, softsign_run,
    softshrink_run, hardshrink_run, hardsigmoid_run, hardswish_run, hardtanh_run, threshold_run, glu_run,
    named_run;

/* softmax.c */
op_shape_fn softmax_shape, softmax2d_shape;
op_cost_fn softmax_cost;
op_kernel_fn softmax_run, softmin_run, log_softmax_run, softmax2d_run;

/* batch_norm.c */
op_shape_fn batch_norm_shape, batch_norm1d_shape, batch_norm2d_shape, batch_norm3d_shape, instance_norm_shape,
    instance_norm1d_shape, instance_norm2d_shape, instance_norm3d_shape;
op_kernel_fn batch_norm_run, instance_norm_run, instance_norm1d_run, instance_norm2d_run, instance_norm3d_run;

/* norm.c */
op_shape_fn layer_norm_shape, rms_norm_shape, group_norm_shape, local_response_norm_shape;
op_cost_fn norm_cost, local_response_norm_cost;
op_kernel_fn layer_norm_run, rms_norm_run, group_norm_run, local_response_norm_run;

/* grid_sample.c */
op_shape_fn grid_sample_shape;
op_cost_fn grid_sample_cost;
op_kernel_fn grid_sample_run;

/* bilinear.c */
op_shape_fn bilinear_shape, transformers_conv1d_shape;
op_cost_fn bilinear_cost, transformers_conv1d_cost;
op_kernel_fn bilinear_run, transformers_conv1d_run;

/* columns.c */
op_shape_fn im2col_shape, fold_shape;
op_cost_fn fold_cost;
op_kernel_fn im2col_run, fold_run;

/* distance.c */
op_shape_fn cosine_similarity_shape, pairwise_distance_shape;
op_cost_fn distance_cost;
op_kernel_fn cosine_similarity_run, pairwise_distance_run;

/* ctc.c */
op_shape_fn ctc_shape;
op_cost_fn ctc_cost;
op_kernel_fn ctc_run;

/* reparam.c */
op_shape_fn _weight_norm_shape, _spectral_norm_shape;
op_cost_fn reparam_cost;
op_kernel_fn _weight_norm_run, _spectral_norm_run;

/* shape.c */
op_shape_fn view_shape, flatten_shape, unflatten_shape, dropout_shape, squeeze_shape, unsqueeze_shape,
    view_as_shape;

/* arith.c */
op_shape_fn add_shape, sub_shape, mul_shape, div_shape, neg_shape;
op_kernel_fn add_run, sub_run, mul_run, div_run, neg_run;

/* order.c */
op_shape_fn transpose_shape, t_shape, adjoint_shape, permute_shape, movedim_shape, select_shape, narrow_shape;
op_shape_fn slice_shape, diagonal_shape, unfold_shape, expand_shape, expand_as_shape, repeat_shape,
    tile_shape;
op_shape_fn repeat_interleave_shape, flip_shape;
op_kernel_fn transpose_run, t_run, adjoint_run, permute_run, movedim_run, select_run, narrow_run;
op_kernel_fn slice_run, diagonal_run, unfold_run, expand_run, expand_as_run, repeat_run, tile_run;
op_kernel_fn repeat_interleave_run, flip_run;

/* join.c */
op_shape_fn cat_shape, stack_shape, roll_shape;
op_kernel_fn cat_run, stack_run, roll_run;

/* index.c */
op_shape_fn index_shape, index_select_shape;
op_kernel_fn index_run, index_select_run;

/* make.c */
op_shape_fn zeros_shape, full_shape, zeros_like_shape, full_like_shape, tensor_shape, arange_shape, eye_shape;
op_shape_fn triangle_shape, tril_indices_shape, triu_indices_shape;
op_kernel_fn tril_indices_run, triu_indices_run;
op_kernel_fn zeros_run, ones_run, full_run, tensor_run, arange_run, eye_run, tril_run, triu_run;

/* divide.c. divisor_fits: refuses an integer division by zero */
op_shape_fn floor_divide_shape;
op_kernel_fn floor_divide_run, remainder_run, fmod_run;
NODISCARD bool divisor_fits(struct op_call *c);

/* logic.c */
op_shape_fn compare_shape, bitwise_shape, bitwise_not_shape;
op_kernel_fn eq_run, ne_run, lt_run, le_run, gt_run, ge_run, logical_and_run, logical_or_run, logical_xor_run,
    bitwise_and_run, bitwise_or_run, bitwise_xor_run, bitwise_not_run;

/* choose.c */
op_shape_fn maximum_shape, clamp_shape, where_shape, masked_fill_shape;
op_kernel_fn maximum_run, minimum_run, clamp_run, where_run, masked_fill_run;

/* unary.c */
op_shape_fn real_shape, number_shape, frac_shape, round_shape, is_shape, float_shape, long_shape, to_shape,
    pow_shape;
op_shape_fn atan2_shape;
op_kernel_fn exp_run, exp2_run, expm1_run, log_run, log2_run, log10_run, log1p_run, sqrt_run, rsqrt_run;
op_kernel_fn reciprocal_run, sin_run, cos_run, tan_run, asin_run, acos_run, atan_run, sinh_run, cosh_run;
op_kernel_fn asinh_run, acosh_run, atanh_run, erf_run, erfc_run, abs_run, sign_run, square_run, floor_run;
op_kernel_fn ceil_run, round_run, trunc_run, frac_run, isnan_run, isinf_run, isfinite_run, logical_not_run;
op_kernel_fn cast_run, pow_run, atan2_run;

/* reduce.c */
op_shape_fn sum_shape, mean_shape, var_shape, norm_shape, normalize_shape, logsumexp_shape;
op_cost_fn reduction_cost;
op_kernel_fn sum_run, mean_run, prod_run, var_run, std_run, norm_run, normalize_run, logsumexp_run;

/* extreme.c */
op_shape_fn amax_shape, argmax_shape, any_shape, cumsum_shape;
op_kernel_fn amax_run, amin_run, argmax_run, argmin_run, any_run, all_run, cumsum_run, cumprod_run;

/* embed.c */
op_shape_fn embedding_shape, bags_shape;
op_kernel_fn embedding_run, bags_run;

/* attention.c */
op_shape_fn sdpa_shape, sdpa_weights_shape;
op_cost_fn sdpa_cost, sdpa_weights_cost;
op_kernel_fn sdpa_run, sdpa_weights_run;

/* recurrent.c */
op_shape_fn recurrent_shape;
op_cost_fn recurrent_cost;
op_kernel_fn recurrent_run;

/* einsum.c */
op_shape_fn einsum_shape;
op_cost_fn einsum_cost;
op_kernel_fn einsum_run;

/* rotary.c */
op_shape_fn rotary_shape, t5_bucket_shape, alibi_shape;
op_cost_fn rotary_cost;
op_kernel_fn rotary_run, t5_bucket_run, alibi_run;

/* scatter.c */
op_shape_fn gather_shape, scatter_shape, scatter_add_shape, scatter_reduce_shape;
op_kernel_fn scatter_reduce_run;
op_kernel_fn gather_run, scatter_run, scatter_add_run;

/* sort.c */
op_shape_fn argsort_shape;
op_cost_fn argsort_cost;
op_kernel_fn argsort_run;

/* special.c */
op_shape_fn copysign_shape, nextafter_shape, integers_shape;
op_kernel_fn digamma_run, lgamma_run, erfinv_run, ndtr_run, ndtri_run, log_ndtr_run, erfcx_run, i0_run,
    i0e_run, i1_run, i1e_run;
op_kernel_fn copysign_run, nextafter_run, signbit_run, gcd_run, lcm_run, bitwise_left_shift_run,
    bitwise_right_shift_run;

/* cumulate.c */
op_shape_fn logcumsumexp_shape, cummax_shape, cummax_indices_shape;
op_kernel_fn logcumsumexp_run, cummax_run, cummin_run, cummax_indices_run, cummin_indices_run;

/* search.c */
op_shape_fn searchsorted_shape;
op_cost_fn searchsorted_cost;
op_kernel_fn searchsorted_run;

/* linalg.c */
op_shape_fn det_shape, inverse_shape, solve_shape;
op_cost_fn linalg_cost;
op_kernel_fn det_run, det_sign_run, det_log_run, inverse_run, solve_run, cholesky_run;

#endif
