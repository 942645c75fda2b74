/* Transposed convolutions of one to three dimensions: each input element adds its multiple of the kernel to
 * the output. They are convolutions read backwards, so an axis is described as that of the convolution from
 * output to input: its `in` is our output, its `out` our input. */
#include "forward/conv.h"
#include "forward/families.h"

enum { INPUT, WEIGHT, BIAS, STRIDE, PADDING, OUTPUT_PADDING, GROUPS, DILATION };

static bool check_channels(struct op_call *c, struct conv *v, const struct ftensor *weight) {
  const int64_t groups = c->arg[GROUPS].i;
  if (groups < 1 || (uint64_t)groups > max_u64(v->in_c, 1) || v->in_c % (uint64_t)groups)
    return op_error(c, "groups is %lld for %llu channels", (long long)groups, (unsigned long long)v->in_c);
  v->groups = (uint64_t)groups;
  if (v->in_c != weight->size[0])
    return op_error(c, "weight %s expects %llu input channels, got %llu", ft_shape_text(c->arena, weight),
                    (unsigned long long)weight->size[0], (unsigned long long)v->in_c);
  if (!try_mul(weight->size[1], v->groups, &v->out_c)) return op_error(c, "too many output channels");
  return conv_bias(c, v);
}

/* (in - 1) * stride - 2 * padding + reach + output_padding. output_padding only says how far the output goes
 * on behind, so it is less than a step. */
static bool read_axis(struct op_call *c, struct window *w, uint64_t output_padding) {
  uint64_t spread, full, padding = w->before + w->after;
  if (w->kernel == 0 || w->kernel > INT32_MAX || w->out == 0)
    return op_error(c, "a kernel of %llu on an input of %llu", (unsigned long long)w->kernel,
                    (unsigned long long)w->out);
  if (output_padding >= w->stride && output_padding >= w->dilation)
    return op_error(c, "output_padding is %llu, expected less than stride %llu or dilation %llu",
                    (unsigned long long)output_padding, (unsigned long long)w->stride,
                    (unsigned long long)w->dilation);
  if (!try_mul(w->out - 1, w->stride, &spread) || !try_add(spread, window_reach(w) + output_padding, &full))
    return op_error(c, "the result has too many elements");
  if (full <= padding)
    return op_error(c, "padding %llu leaves nothing of %llu elements", (unsigned long long)w->before,
                    (unsigned long long)full);
  w->in = full - padding;
  return true;
}

static bool read_axes(struct op_call *c, struct conv *v, const uint64_t *in, const uint64_t *kernel) {
  uint64_t stride[AXES] = {0}, padding[AXES] = {0}, extra[AXES] = {0}, dilation[AXES] = {0};
  if (!window_ints(c, "stride", &c->arg[STRIDE], v->dims, 1, stride) ||
      !window_ints(c, "padding", &c->arg[PADDING], v->dims, 0, padding) ||
      !window_ints(c, "output_padding", &c->arg[OUTPUT_PADDING], v->dims, 0, extra) ||
      !window_ints(c, "dilation", &c->arg[DILATION], v->dims, 1, dilation))
    return false;
  v->axis[Z] = v->axis[Y] = v->axis[X] = WINDOW_OF_ONE;
  for (uint32_t i = 0, a = AXES - v->dims; i < v->dims; i++, a++) {
    v->axis[a] = (struct window){.out = in[i],
                                 .kernel = kernel[i],
                                 .stride = stride[a],
                                 .dilation = dilation[a],
                                 .before = padding[a],
                                 .after = padding[a]};
    if (!read_axis(c, &v->axis[a], extra[a])) return false;
  }
  return true;
}

/* weight (in_c, out_c/groups, kernel) */
static bool deconv_read(struct op_call *c, uint32_t dims, struct conv *v) {
  const struct ftensor *weight = op_tensor(c, WEIGHT);
  return conv_operands(c, dims, v) && check_channels(c, v, weight) &&
         read_axes(c, v, v->places, weight->size + 2);
}

static bool deconv_shape(struct op_call *c, uint32_t dims) {
  struct conv v = {.groups = 1};
  return deconv_read(c, dims, &v) &&
         conv_result(c, &v, (const uint64_t[AXES]){v.axis[Z].in, v.axis[Y].in, v.axis[X].in});
}

bool conv_transpose1d_shape(struct op_call *c) { return deconv_shape(c, 1); }
bool conv_transpose2d_shape(struct op_call *c) { return deconv_shape(c, 2); }
bool conv_transpose3d_shape(struct op_call *c) { return deconv_shape(c, 3); }

uint64_t conv_transpose_cost(const struct op_call *c) {
  const struct ftensor *weight = op_tensor(c, WEIGHT);
  const uint64_t for_each = weight->size[0] ? weight->numel / weight->size[0] : 0;
  return saturating_mul(saturating_mul(2, for_each), op_tensor(c, INPUT)->numel);
}

/* ---- kernel ---- */

struct scatter {
  const struct conv *v;
  struct sources source[AXES]; /* where the output elements lie */
  float *columns;              /* (out_c/groups * kernel, rows * input width) */
  uint64_t rows_at_once;
};

/* Adds the columns of input rows [first, first + rows) to out (out_c/groups, places). */
static void add_columns(const struct scatter *m, float *out, uint64_t first, uint64_t rows) {
  const struct window *axis = m->v->axis;
  const uint64_t channels = m->v->out_c / m->v->groups, width = axis[X].out;
  const float *column = m->columns;
  for (uint64_t ch = 0; ch < channels; ch++, out += window_in(axis))
    for (uint64_t kz = 0; kz < axis[Z].kernel; kz++)
      for (uint64_t ky = 0; ky < axis[Y].kernel; ky++)
        for (uint64_t kx = 0; kx < axis[X].kernel; kx++)
          for (uint64_t r = first; r < first + rows; r++, column += width) {
            const int64_t z = m->source[Z].index[kz * axis[Z].out + r / axis[Y].out];
            const int64_t y = m->source[Y].index[ky * axis[Y].out + r % axis[Y].out];
            const int64_t *index = m->source[X].index + kx * width;
            if (z < 0 || y < 0) continue;
            float *row = out + ((uint64_t)z * axis[Y].in + (uint64_t)y) * axis[X].in;
            for (uint64_t i = 0; i < width; i++)
              if (index[i] >= 0) row[index[i]] += column[i];
          }
}

/* One group of one image: input (in_c/groups, places), weight (in_c/groups, out_c/groups * kernel). */
static bool deconvolve(struct op_call *c, const struct scatter *m, const float *input, const float *weight,
                       float *out) {
  const struct conv *v = m->v;
  const uint64_t width = v->axis[X].out, all_rows = v->axis[Z].out * v->axis[Y].out;
  const uint64_t k = v->out_c / v->groups * window_kernel(v->axis), in_c = v->in_c / v->groups;
  for (uint64_t row = 0; row < all_rows; row += m->rows_at_once) {
    const uint64_t rows = min_u64(m->rows_at_once, all_rows - row);
    if (!gemm_multiply(c->gemm, k, rows * width, in_c, (struct gemm_operand){weight, k, true},
                       (struct gemm_operand){input + row * width, all_rows * width, false}, m->columns,
                       rows * width))
      return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
    add_columns(m, out, row, rows);
  }
  return true;
}

/* What the sums begin with: the bias of each channel, or 0. */
static void start_output(const struct op_call *c, const struct conv *v) {
  const struct ftensor *bias = op_tensor_or_null(c, BIAS);
  float *out = ft_f32_out(c->out);
  for (uint64_t n = 0; n < v->batch; n++)
    for (uint64_t ch = 0; ch < v->out_c; ch++)
      for (uint64_t i = 0; i < window_in(v->axis); i++) *out++ = bias ? ft_f32(bias)[ch] : 0;
}

static bool deconvolve_all(struct op_call *c, const struct scatter *m) {
  const struct conv *v = m->v;
  const uint64_t in_group = v->in_c / v->groups * window_out(v->axis);
  const uint64_t out_group = v->out_c / v->groups * window_in(v->axis);
  const uint64_t weight_group = op_tensor(c, WEIGHT)->numel / v->groups;
  const float *input = ft_f32(op_tensor(c, INPUT));
  float *out = ft_f32_out(c->out);
  start_output(c, v);
  for (uint64_t n = 0; n < v->batch; n++)
    for (uint64_t g = 0; g < v->groups; g++, input += in_group, out += out_group)
      if (!deconvolve(c, m, input, ft_f32(op_tensor(c, WEIGHT)) + g * weight_group, out)) return false;
  return true;
}

bool conv_transpose_run(struct op_call *c) {
  struct conv v = {.groups = 1};
  struct scatter m = {.v = &v};
  if (!deconv_read(c, op_tensor(c, WEIGHT)->ndim - 2, &v)) return false;
  if (c->out->numel == 0) return true;
  const uint64_t k = v.out_c / v.groups * window_kernel(v.axis);
  const uint64_t row_bytes = saturating_mul(saturating_mul(k, v.axis[X].out), sizeof(float));
  m.rows_at_once = min_u64(v.axis[Z].out * v.axis[Y].out, max_u64(1, COLUMN_BYTES / row_bytes));
  bool ready = sources_init(m.source, c->pool, v.axis, PAD_ZEROS);
  m.columns = ready ? fpool_take(c->pool, saturating_mul(row_bytes, m.rows_at_once)) : NULL;
  bool done = m.columns ? deconvolve_all(c, &m) : op_no_memory(c);
  fpool_give(c->pool, m.columns);
  sources_free(c->pool, m.source);
  return done;
}
