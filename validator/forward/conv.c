/* Convolutions, by im2col and matrix products: for each output position the elements under the kernel become
 * a column, and the weights (out_c/groups rows of in_c/groups*kh*kw) multiply all columns at once. */
#include "forward/families.h"
#include "forward/window.h"

enum { INPUT, WEIGHT, BIAS, STRIDE, PADDING, DILATION, GROUPS, PADDING_MODE };
enum { Y, X, AXES };

enum padding_mode { PAD_ZEROS, PAD_REFLECT, PAD_REPLICATE, PAD_CIRCULAR, PAD_MODES };
static const char *const padding_modes[] = {[PAD_ZEROS] = "zeros",
                                            [PAD_REFLECT] = "reflect",
                                            [PAD_REPLICATE] = "replicate",
                                            [PAD_CIRCULAR] = "circular"};

/* A call's numbers, proved to fit each other. */
struct conv {
  uint64_t batch, in_c, out_c, groups;
  struct window axis[AXES];
  enum padding_mode mode;
};

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
  if (padding->kind == OPV_TEXT) {
    if (span_is(padding->text, "valid")) return true;
    if (!span_is(padding->text, "same"))
      return op_error(c, "padding is neither numbers nor 'same' nor 'valid'");
    return pad_same(c, &v->axis[Y]) && pad_same(c, &v->axis[X]);
  }
  uint64_t pad[AXES] = {0};
  if (!window_pair(c, "padding", padding, 0, pad)) return false;
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
  const struct ftensor *bias = op_tensor_or_null(c, BIAS);
  if (bias && (bias->ndim != 1 || bias->size[0] != v->out_c))
    return op_error(c, "bias %s, expected [%llu]", ft_shape_text(c->arena, bias),
                    (unsigned long long)v->out_c);
  return true;
}

static bool read_axes(struct op_call *c, struct conv *v, const uint64_t *in, const uint64_t *kernel) {
  uint64_t stride[AXES] = {0}, dilation[AXES] = {0};
  if (!window_pair(c, "stride", &c->arg[STRIDE], 1, stride) ||
      !window_pair(c, "dilation", &c->arg[DILATION], 1, dilation))
    return false;
  for (int i = 0; i < AXES; i++) {
    if (kernel[i] > INT32_MAX) return op_error(c, "a kernel of %llu", (unsigned long long)kernel[i]);
    v->axis[i] =
        (struct window){.in = in[i], .kernel = kernel[i], .stride = stride[i], .dilation = dilation[i]};
  }
  return read_padding(c, v) && check_padding_mode(c, v) && window_count(c, &v->axis[Y], false) &&
         window_count(c, &v->axis[X], false);
}

/* input (batch, in_c, h, w) or (in_c, h, w); weight (out_c, in_c/groups, kh, kw); bias (out_c) */
static bool conv2d_read(struct op_call *c, struct conv *v) {
  const struct ftensor *input = op_tensor(c, INPUT), *weight = op_tensor(c, WEIGHT),
                       *bias = op_tensor_or_null(c, BIAS);
  if (!op_wants_f32(c, "input", input) || !op_wants_f32(c, "weight", weight) ||
      (bias && !op_wants_f32(c, "bias", bias)))
    return false;
  if (input->ndim != 3 && input->ndim != 4)
    return op_error(c, "input %s, expected [batch, channels, height, width]", ft_shape_text(c->arena, input));
  if (weight->ndim != 4)
    return op_error(c, "weight %s, expected 4 dimensions", ft_shape_text(c->arena, weight));
  const uint64_t *chw = input->size + (input->ndim - 3);
  *v = (struct conv){.batch = input->ndim == 4 ? input->size[0] : 1, .in_c = chw[0]};
  return check_channels(c, v, weight) && read_axes(c, v, chw + 1, weight->size + 2);
}

bool conv2d_shape(struct op_call *c) {
  struct conv v = {.groups = 1};
  if (!conv2d_read(c, &v)) return false;
  uint32_t ndim = op_tensor(c, INPUT)->ndim;
  const uint64_t size[] = {v.batch, v.out_c, v.axis[Y].out, v.axis[X].out};
  return op_result(c, FT_F32, size + (4 - ndim), ndim);
}

uint64_t conv2d_cost(const struct op_call *c) {
  const struct ftensor *weight = op_tensor(c, WEIGHT);
  uint64_t under_kernel = weight->size[0] ? weight->numel / weight->size[0] : 0;
  return saturating_mul(saturating_mul(2, under_kernel), c->out->numel);
}

/* ---- kernel ---- */

/* Where along the padded axis: -1 for a zero, else the input's index. `at` counts from the first padded
 * element. */
static int64_t source_index(const struct window *w, enum padding_mode mode, uint64_t at) {
  const int64_t n = (int64_t)w->in, i = (int64_t)at - (int64_t)w->before;
  if (i >= 0 && i < n) return i;
  switch (mode) {
  case PAD_ZEROS: return -1;
  case PAD_REFLECT: return i < 0 ? -i : 2 * (n - 1) - i;
  case PAD_REPLICATE: return i < 0 ? 0 : n - 1;
  case PAD_CIRCULAR: return i < 0 ? i + n : i - n;
  case PAD_MODES: break;
  }
  return -1;
}

/* Where the kernel's elements come from along one axis: index[k * out + o] is the source of kernel element k
 * at output position o. Padding modes, stride and dilation all end here. */
struct sources {
  int64_t *index;
  struct run { /* positions of kernel element k whose sources are consecutive, if all others are zeros */
    uint64_t first, end; /* end 0: they are not */
  } * run;
};

/* Most rows of most convolutions are one run, which is copied at memory speed. */
static struct run find_run(const int64_t *index, uint64_t n) {
  struct run r = {0, n};
  while (r.first < n && index[r.first] < 0) r.first++;
  while (r.end > r.first && index[r.end - 1] < 0) r.end--;
  for (uint64_t o = r.first; o < r.end; o++)
    if (index[o] != index[r.first] + (int64_t)(o - r.first)) return (struct run){0, 0};
  return r;
}

static void sources_free(struct fpool *pool, struct sources *s) {
  fpool_give(pool, s->run);
  fpool_give(pool, s->index);
}

static bool sources_init(struct sources *s, struct fpool *pool, const struct window *w,
                         enum padding_mode mode) {
  s->index = fpool_take(pool, saturating_mul(saturating_mul(w->kernel, w->out), sizeof *s->index));
  s->run = fpool_take(pool, saturating_mul(w->kernel, sizeof *s->run));
  if (!s->index || !s->run) return false;
  for (uint64_t k = 0; k < w->kernel; k++) {
    for (uint64_t o = 0; o < w->out; o++)
      s->index[k * w->out + o] = source_index(w, mode, o * w->stride + k * w->dilation);
    s->run[k] = find_run(s->index + k * w->out, w->out);
  }
  return true;
}

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

struct im2col {
  const struct conv *v;
  struct sources source[AXES];
  float *columns; /* (in_c/groups * kh * kw, rows * out width) */
  uint64_t rows_at_once;
};

/* Fills the columns of output rows [first, first + rows) for one group; input (in_c/groups, h, w). */
static void fill_columns(const struct im2col *m, const float *input, uint64_t first, uint64_t rows) {
  const struct window *y = &m->v->axis[Y], *x = &m->v->axis[X];
  const uint64_t channels = m->v->in_c / m->v->groups;
  float *out = m->columns;
  for (uint64_t ch = 0; ch < channels; ch++, input += y->in * x->in)
    for (uint64_t ky = 0; ky < y->kernel; ky++)
      for (uint64_t kx = 0; kx < x->kernel; kx++)
        for (uint64_t r = first; r < first + rows; r++, out += x->out) {
          int64_t line = m->source[Y].index[ky * y->out + r];
          if (line < 0)
            memset(out, 0, x->out * sizeof *out);
          else
            gather_row(out, input + (uint64_t)line * x->in, &m->source[X], kx, x->out);
        }
}

static bool is_pointwise(const struct conv *v) {
  const struct window *y = &v->axis[Y], *x = &v->axis[X];
  return y->kernel == 1 && x->kernel == 1 && y->stride == 1 && x->stride == 1 && y->out == y->in &&
         x->out == x->in;
}

/* One group of one image: input (in_c/groups, h, w), weight (out_c/groups, in_c/groups*kh*kw), out
 * (out_c/groups, oh, ow). False only when a size is beyond the library's. */
static bool convolve(struct op_call *c, const struct im2col *m, const float *input, const float *weight,
                     float *out) {
  const struct conv *v = m->v;
  const struct window *y = &v->axis[Y], *x = &v->axis[X];
  const uint64_t k = v->in_c / v->groups * y->kernel * x->kernel, area = y->out * x->out,
                 out_c = v->out_c / v->groups;
  const struct gemm_operand w = {weight, k, false};
  if (!m->columns)
    return gemm_multiply(c->gemm, out_c, area, k, w, (struct gemm_operand){input, area, false}, out, area);
  for (uint64_t row = 0; row < y->out; row += m->rows_at_once) {
    uint64_t rows = min_u64(m->rows_at_once, y->out - row);
    fill_columns(m, input, row, rows);
    if (!gemm_multiply(c->gemm, out_c, rows * x->out, k, w,
                       (struct gemm_operand){m->columns, rows * x->out, false}, out + row * x->out, area))
      return false;
  }
  return true;
}

static void add_channel_bias(float *out, const float *bias, const struct conv *v) {
  const uint64_t area = v->axis[Y].out * v->axis[X].out;
  for (uint64_t n = 0; n < v->batch; n++)
    for (uint64_t ch = 0; ch < v->out_c; ch++, out += area)
      for (uint64_t i = 0; i < area; i++) out[i] += bias[ch];
}

static bool convolve_all(struct op_call *c, const struct im2col *m) {
  const struct conv *v = m->v;
  const uint64_t in_group = v->in_c / v->groups * v->axis[Y].in * v->axis[X].in;
  const uint64_t out_group = v->out_c / v->groups * v->axis[Y].out * v->axis[X].out;
  const uint64_t weight_group = op_tensor(c, WEIGHT)->numel / v->groups;
  const float *input = ft_f32(op_tensor(c, INPUT));
  float *out = ft_f32_out(c->out);
  for (uint64_t n = 0; n < v->batch; n++)
    for (uint64_t g = 0; g < v->groups; g++, input += in_group, out += out_group)
      if (!convolve(c, m, input, ft_f32(op_tensor(c, WEIGHT)) + g * weight_group, out))
        return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
  const struct ftensor *bias = op_tensor_or_null(c, BIAS);
  if (bias) add_channel_bias(ft_f32_out(c->out), ft_f32(bias), v);
  return true;
}

/* Columns of so many output rows at once: a product wide enough to be fast, a buffer small enough for any
 * image. */
static uint64_t rows_at_once(const struct conv *v, uint64_t row_bytes) {
  enum { COLUMN_BYTES = 16 << 20 };
  return min_u64(v->axis[Y].out, max_u64(1, COLUMN_BYTES / max_u64(1, row_bytes)));
}

bool conv2d_run(struct op_call *c) {
  struct conv v = {.groups = 1};
  if (!conv2d_read(c, &v)) return false;
  if (c->out->numel == 0) return true;
  struct im2col m = {.v = &v};
  if (is_pointwise(&v)) return convolve_all(c, &m);
  const struct window *x = &v.axis[X];
  const uint64_t k = v.in_c / v.groups * v.axis[Y].kernel * x->kernel;
  const uint64_t row_bytes = saturating_mul(saturating_mul(k, x->out), sizeof(float));
  m.rows_at_once = rows_at_once(&v, row_bytes);
  bool ready = sources_init(&m.source[Y], c->pool, &v.axis[Y], v.mode) &&
               sources_init(&m.source[X], c->pool, x, v.mode);
  m.columns = ready ? fpool_take(c->pool, saturating_mul(row_bytes, m.rows_at_once)) : NULL;
  bool done = m.columns ? convolve_all(c, &m) : op_no_memory(c);
  fpool_give(c->pool, m.columns);
  sources_free(c->pool, &m.source[X]);
  sources_free(c->pool, &m.source[Y]);
  return done;
}
