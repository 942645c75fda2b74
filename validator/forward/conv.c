/* Convolutions of one to three dimensions: their arguments, shapes and costs, and the kernels for each group.
 * Most are im2col and matrix products: for each output position the elements under the kernel become a
 * column, and the weights (out_c/groups rows of in_c/groups * kernel) multiply all columns at once. */
#include "forward/conv.h"

#include "forward/families.h"

enum { INPUT, WEIGHT, BIAS, STRIDE, PADDING, DILATION, GROUPS, PADDING_MODE };

static const char *const padding_modes[] = {[PAD_ZEROS] = "zeros",
                                            [PAD_REFLECT] = "reflect",
                                            [PAD_REPLICATE] = "replicate",
                                            [PAD_CIRCULAR] = "circular"};

/* padding='same': what makes out = in at stride 1; an odd element goes behind, as in PyTorch. */
static bool pad_same(struct op_call *c, struct window *w) {
  if (w->stride != 1)
    return op_error(c, "padding='same' goes with stride 1 only, it is %llu", (unsigned long long)w->stride);
  uint64_t total = w->kernel ? window_reach(w) - 1 : 0;
  w->before = total / 2;
  w->after = total - w->before;
  return true;
}

static bool read_padding(struct op_call *c, struct conv *v) {
  const struct op_value *padding = &c->arg[PADDING];
  uint64_t pad[AXES] = {0};
  if (padding->kind == OPV_TEXT) {
    if (span_is(padding->text, "valid")) return true;
    if (!span_is(padding->text, "same"))
      return op_error(c, "padding is neither numbers nor 'same' nor 'valid'");
    return pad_same(c, &v->axis[Z]) && pad_same(c, &v->axis[Y]) && pad_same(c, &v->axis[X]);
  }
  if (!window_ints(c, "padding", padding, v->dims, 0, pad)) return false;
  for (int i = 0; i < AXES; i++) v->axis[i].before = v->axis[i].after = pad[i];
  return true;
}

/* Reflection mirrors without repeating the edge and can't reach further than the input; wrapping once around
 * is all. */
static bool check_padding_mode(struct op_call *c, struct conv *v) {
  uint32_t mode = 0;
  while (mode < PAD_MODES && !span_is(c->arg[PADDING_MODE].text, padding_modes[mode])) mode++;
  if (mode == PAD_MODES) return op_error(c, "padding_mode is none of zeros, reflect, replicate, circular");
  v->mode = (enum padding_mode)mode;
  for (int i = 0; i < AXES; i++) {
    uint64_t pad = max_u64(v->axis[i].before, v->axis[i].after), in = v->axis[i].in;
    if ((v->mode == PAD_REFLECT && pad >= in) || (v->mode == PAD_CIRCULAR && pad > in) ||
        (v->mode == PAD_REPLICATE && in == 0))
      return op_error(c, "padding_mode='%s' with padding %llu on an input of %llu", padding_modes[mode],
                      (unsigned long long)pad, (unsigned long long)in);
  }
  return true;
}

static bool check_channels(struct op_call *c, struct conv *v, const struct ftensor *weight) {
  int64_t groups = c->arg[GROUPS].i;
  if (groups < 1 || (uint64_t)groups > max_u64(v->in_c, 1))
    return op_error(c, "groups is %lld for %llu channels", (long long)groups, (unsigned long long)v->in_c);
  v->groups = (uint64_t)groups;
  v->out_c = weight->size[0];
  if (v->in_c % v->groups || v->in_c / v->groups != weight->size[1])
    return op_error(c, "weight %s with groups %lld expects %llu input channels, got %llu",
                    ft_shape_text(c->arena, weight), (long long)groups,
                    (unsigned long long)saturating_mul(weight->size[1], v->groups),
                    (unsigned long long)v->in_c);
  if (v->out_c % v->groups)
    return op_error(c, "%llu output channels can't be split into %lld groups", (unsigned long long)v->out_c,
                    (long long)groups);
  return conv_bias(c, v);
}

static bool read_axes(struct op_call *c, struct conv *v, const uint64_t *in, const uint64_t *kernel) {
  uint64_t stride[AXES] = {0}, dilation[AXES] = {0};
  if (!window_ints(c, "stride", &c->arg[STRIDE], v->dims, 1, stride) ||
      !window_ints(c, "dilation", &c->arg[DILATION], v->dims, 1, dilation))
    return false;
  v->axis[Z] = v->axis[Y] = v->axis[X] = WINDOW_OF_ONE;
  for (uint32_t i = 0, a = AXES - v->dims; i < v->dims; i++, a++) {
    if (in[i] == 0) return op_error(c, "an input of no places");
    if (kernel[i] > INT32_MAX) return op_error(c, "a kernel of %llu", (unsigned long long)kernel[i]);
    v->axis[a] =
        (struct window){.in = in[i], .kernel = kernel[i], .stride = stride[a], .dilation = dilation[a]};
  }
  return read_padding(c, v) && check_padding_mode(c, v) && window_count(c, &v->axis[Z], false) &&
         window_count(c, &v->axis[Y], false) && window_count(c, &v->axis[X], false);
}

bool conv_operands(struct op_call *c, uint32_t dims, struct conv *v) {
  const struct ftensor *input = op_tensor(c, INPUT), *weight = op_tensor(c, WEIGHT),
                       *bias = op_tensor_or_null(c, BIAS);
  if (!op_wants_f32(c, "input", input) || !op_wants_f32(c, "weight", weight) ||
      (bias && !op_wants_f32(c, "bias", bias)))
    return false;
  if (input->ndim != dims + 1 && input->ndim != dims + 2)
    return op_error(c, "input %s, expected a batch, channels and %u more", ft_shape_text(c->arena, input),
                    dims);
  if (weight->ndim != dims + 2)
    return op_error(c, "weight %s, expected %u dimensions", ft_shape_text(c->arena, weight), dims + 2);
  const uint64_t *channels = input->size + (input->ndim - dims - 1);
  *v = (struct conv){.dims = dims,
                     .batch = input->ndim == dims + 2 ? input->size[0] : 1,
                     .in_c = channels[0],
                     .places = channels + 1};
  return true;
}

bool conv_bias(struct op_call *c, const struct conv *v) {
  const struct ftensor *bias = op_tensor_or_null(c, BIAS);
  return !bias || (bias->ndim == 1 && bias->size[0] == v->out_c) ||
         op_error(c, "bias %s, expected [%llu]", ft_shape_text(c->arena, bias), (unsigned long long)v->out_c);
}

bool conv_result(struct op_call *c, const struct conv *v, const uint64_t places[AXES]) {
  const bool batched = op_tensor(c, INPUT)->ndim == v->dims + 2;
  uint64_t size[2 + AXES] = {v->batch, v->out_c};
  for (uint32_t i = 0; i < v->dims; i++) size[2 + i] = places[AXES - v->dims + i];
  return op_result(c, FT_F32, size + (batched ? 0 : 1), v->dims + (batched ? 2 : 1));
}

/* weight (out_c, in_c/groups, kernel) */
static bool conv_read(struct op_call *c, uint32_t dims, struct conv *v) {
  const struct ftensor *weight = op_tensor(c, WEIGHT);
  return conv_operands(c, dims, v) && check_channels(c, v, weight) &&
         read_axes(c, v, v->places, weight->size + 2);
}

static bool conv_shape(struct op_call *c, uint32_t dims) {
  struct conv v = {.groups = 1};
  return conv_read(c, dims, &v) &&
         conv_result(c, &v, (const uint64_t[AXES]){v.axis[Z].out, v.axis[Y].out, v.axis[X].out});
}

bool conv1d_shape(struct op_call *c) { return conv_shape(c, 1); }
bool conv2d_shape(struct op_call *c) { return conv_shape(c, 2); }
bool conv3d_shape(struct op_call *c) { return conv_shape(c, 3); }

uint64_t conv_cost(const struct op_call *c) {
  const struct ftensor *weight = op_tensor(c, WEIGHT);
  uint64_t under_kernel = weight->size[0] ? weight->numel / weight->size[0] : 0;
  return saturating_mul(saturating_mul(2, under_kernel), c->out->numel);
}

/* ---- kernels ---- */

struct convolver {
  const struct conv *v;
  struct sources source[AXES];
  float *columns; /* (in_c/groups * kernel, rows * out width); NULL: none are needed */
  uint64_t rows_at_once;
};

/* One row of columns: the elements of an input row that kernel element k meets at each of n output positions.
 */
static void gather_row(float *out, const float *row, const struct sources *s, uint64_t k, uint64_t n) {
  const int64_t *index = s->index + k * n;
  const struct run run = s->run[k];
  if (run.end == 0) {
    for (uint64_t o = 0; o < n; o++) out[o] = index[o] < 0 ? 0 : row[index[o]];
    return;
  }
  memset(out, 0, run.first * sizeof *out);
  if (run.first < run.end)
    memcpy(out + run.first, row + index[run.first], (run.end - run.first) * sizeof *out);
  memset(out + run.end, 0, (n - run.end) * sizeof *out);
}

/* The input row under kernel row (kz, ky) at output row r (counted through all planes); NULL: it is padding.
 */
static const float *source_row(const struct convolver *m, const float *channel, uint64_t kz, uint64_t ky,
                               uint64_t r) {
  const struct window *axis = m->v->axis;
  const int64_t z = m->source[Z].index[kz * axis[Z].out + r / axis[Y].out];
  const int64_t y = m->source[Y].index[ky * axis[Y].out + r % axis[Y].out];
  return z < 0 || y < 0 ? NULL : channel + ((uint64_t)z * axis[Y].in + (uint64_t)y) * axis[X].in;
}

/* Fills the columns of output rows [first, first + rows) for one group; input (in_c/groups, places). */
static void fill_columns(const struct convolver *m, const float *input, uint64_t first, uint64_t rows) {
  const struct window *axis = m->v->axis;
  const uint64_t channels = m->v->in_c / m->v->groups, width = axis[X].out;
  float *out = m->columns;
  for (uint64_t ch = 0; ch < channels; ch++, input += window_in(axis))
    for (uint64_t kz = 0; kz < axis[Z].kernel; kz++)
      for (uint64_t ky = 0; ky < axis[Y].kernel; ky++)
        for (uint64_t kx = 0; kx < axis[X].kernel; kx++)
          for (uint64_t r = first; r < first + rows; r++, out += width) {
            const float *row = source_row(m, input, kz, ky, r);
            if (row)
              gather_row(out, row, &m->source[X], kx, width);
            else
              memset(out, 0, width * sizeof *out);
          }
}

static bool is_pointwise(const struct conv *v) {
  for (int i = 0; i < AXES; i++)
    if (v->axis[i].kernel != 1 || v->axis[i].stride != 1 || v->axis[i].out != v->axis[i].in) return false;
  return true;
}

/* One group of one image: input (in_c/groups, places), weight (out_c/groups, in_c/groups * kernel), out
 * (out_c/groups, places). False only when a size is beyond the library's. */
static bool multiply_columns(struct op_call *c, const struct convolver *m, const float *input,
                             const float *weight, float *out) {
  const struct conv *v = m->v;
  const uint64_t width = v->axis[X].out, all_rows = v->axis[Z].out * v->axis[Y].out, area = all_rows * width;
  const uint64_t k = v->in_c / v->groups * window_kernel(v->axis), out_c = v->out_c / v->groups;
  const struct gemm_operand w = {weight, k, false};
  if (!m->columns)
    return gemm_multiply(c->gemm, out_c, area, k, w, (struct gemm_operand){input, area, false}, out, area);
  for (uint64_t row = 0; row < all_rows; row += m->rows_at_once) {
    uint64_t rows = min_u64(m->rows_at_once, all_rows - row);
    fill_columns(m, input, row, rows);
    if (!gemm_multiply(c->gemm, out_c, rows * width, k, w,
                       (struct gemm_operand){m->columns, rows * width, false}, out + row * width, area))
      return false;
  }
  return true;
}

/* out[o] += w * (what kernel element k meets at o) */
static void add_row(float *out, const float *row, const struct sources *s, uint64_t k, uint64_t n, float w) {
  const int64_t *index = s->index + k * n;
  const struct run run = s->run[k];
  if (run.end == 0) {
    for (uint64_t o = 0; o < n; o++) out[o] += index[o] < 0 ? 0 : w * row[index[o]];
    return;
  }
  if (run.first >= run.end) return;
  const float *from = row + index[run.first];
  for (uint64_t o = 0; o < run.end - run.first; o++) out[run.first + o] += w * from[o];
}

/* Depthwise: one input channel, one output channel. A product with one row has nothing to gain from columns.
 */
static void sum_rows(const struct convolver *m, const float *input, const float *weight, float *out) {
  const struct window *axis = m->v->axis;
  const uint64_t width = axis[X].out;
  memset(out, 0, window_out(axis) * sizeof *out);
  for (uint64_t r = 0; r < axis[Z].out * axis[Y].out; r++, out += width) {
    const float *w = weight;
    for (uint64_t kz = 0; kz < axis[Z].kernel; kz++)
      for (uint64_t ky = 0; ky < axis[Y].kernel; ky++, w += axis[X].kernel) {
        const float *row = source_row(m, input, kz, ky, r);
        for (uint64_t kx = 0; row && kx < axis[X].kernel; kx++)
          add_row(out, row, &m->source[X], kx, width, w[kx]);
      }
  }
}

static bool is_depthwise(const struct conv *v) { return v->groups == v->in_c && v->out_c == v->in_c; }

static void add_channel_bias(float *out, const float *bias, const struct conv *v) {
  const uint64_t area = window_out(v->axis);
  for (uint64_t n = 0; n < v->batch; n++)
    for (uint64_t ch = 0; ch < v->out_c; ch++, out += area)
      for (uint64_t i = 0; i < area; i++) out[i] += bias[ch];
}

static bool convolve(struct op_call *c, const struct convolver *m) {
  const struct conv *v = m->v;
  const uint64_t in_group = v->in_c / v->groups * window_in(v->axis);
  const uint64_t out_group = v->out_c / v->groups * window_out(v->axis);
  const uint64_t weight_group = op_tensor(c, WEIGHT)->numel / v->groups;
  const float *input = ft_f32(op_tensor(c, INPUT));
  float *out = ft_f32_out(c->out);
  for (uint64_t n = 0; n < v->batch; n++)
    for (uint64_t g = 0; g < v->groups; g++, input += in_group, out += out_group) {
      const float *weight = ft_f32(op_tensor(c, WEIGHT)) + g * weight_group;
      if (is_depthwise(v))
        sum_rows(m, input, weight, out);
      else if (!multiply_columns(c, m, input, weight, out))
        return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
    }
  const struct ftensor *bias = op_tensor_or_null(c, BIAS);
  if (bias) add_channel_bias(ft_f32_out(c->out), ft_f32(bias), v);
  return true;
}

/* Columns of so many output rows at once. */
static float *take_columns(struct op_call *c, struct convolver *m) {
  const struct conv *v = m->v;
  const uint64_t k = v->in_c / v->groups * window_kernel(v->axis);
  const uint64_t row_bytes = saturating_mul(saturating_mul(k, v->axis[X].out), sizeof(float));
  m->rows_at_once =
      min_u64(v->axis[Z].out * v->axis[Y].out, max_u64(1, COLUMN_BYTES / max_u64(1, row_bytes)));
  return fpool_take(c->pool, saturating_mul(row_bytes, m->rows_at_once));
}

bool conv_run(struct op_call *c) {
  struct conv v = {.groups = 1};
  struct convolver m = {.v = &v};
  if (!conv_read(c, op_tensor(c, WEIGHT)->ndim - 2, &v)) return false;
  if (c->out->numel == 0) return true;
  if (is_pointwise(&v) && !is_depthwise(&v)) return convolve(c, &m);
  bool ready = sources_init(m.source, c->pool, v.axis, v.mode);
  if (ready && !is_depthwise(&v)) ready = (m.columns = take_columns(c, &m)) != NULL;
  bool done = ready ? convolve(c, &m) : op_no_memory(c);
  fpool_give(c->pool, m.columns);
  sources_free(c->pool, m.source);
  return done;
}
