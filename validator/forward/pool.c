/* Poolings with a kernel: the largest element, the mean or the p-norm of each window. */
#include "forward/families.h"
#include "forward/window.h"

#include <math.h>

enum { INPUT, KERNEL_SIZE, STRIDE, PADDING };
enum { MAX_DILATION = 4, MAX_CEIL_MODE, RETURN_INDICES };
enum { AVG_CEIL_MODE = 4, COUNT_INCLUDE_PAD, DIVISOR_OVERRIDE };
enum { NORM_TYPE = 1, LP_KERNEL_SIZE, LP_STRIDE, LP_CEIL_MODE };

struct pool {
  uint32_t dims;
  uint64_t planes; /* batch * channels */
  struct window axis[AXES];
};

/* The arguments by their meaning: the functions have them in different orders. */
struct pool_args {
  const struct op_value *kernel, *stride, *padding, *dilation;
  bool ceil_mode;
};

static const struct op_value zero = {.kind = OPV_INT, .i = 0}, one = {.kind = OPV_INT, .i = 1};

static struct pool_args max_args(const struct op_call *c) {
  return (struct pool_args){&c->arg[KERNEL_SIZE], &c->arg[STRIDE], &c->arg[PADDING], &c->arg[MAX_DILATION],
                            c->arg[MAX_CEIL_MODE].i != 0};
}
static struct pool_args avg_args(const struct op_call *c) {
  return (struct pool_args){&c->arg[KERNEL_SIZE], &c->arg[STRIDE], &c->arg[PADDING], &one,
                            c->arg[AVG_CEIL_MODE].i != 0};
}
static struct pool_args lp_args(const struct op_call *c) {
  return (struct pool_args){&c->arg[LP_KERNEL_SIZE], &c->arg[LP_STRIDE], &zero, &one,
                            c->arg[LP_CEIL_MODE].i != 0};
}

static bool read_axes(struct op_call *c, const struct pool_args *a, struct pool *p) {
  const struct ftensor *input = op_tensor(c, INPUT);
  uint64_t kernel[AXES] = {0}, stride[AXES] = {0}, padding[AXES] = {0}, dilation[AXES] = {0};
  const bool no_stride = a->stride->kind == OPV_NONE || (a->stride->kind == OPV_INTS && a->stride->n == 0);
  if (!window_ints(c, "kernel_size", a->kernel, p->dims, 1, kernel) ||
      !window_ints(c, "stride", no_stride ? a->kernel : a->stride, p->dims, 1, stride) ||
      !window_ints(c, "padding", a->padding, p->dims, 0, padding) ||
      !window_ints(c, "dilation", a->dilation, p->dims, 1, dilation))
    return false;
  p->axis[Z] = p->axis[Y] = p->axis[X] = WINDOW_OF_ONE;
  for (uint32_t i = AXES - p->dims; i < AXES; i++) {
    struct window *w = &p->axis[i];
    *w = (struct window){.in = input->size[input->ndim - (AXES - i)],
                         .kernel = kernel[i],
                         .stride = stride[i],
                         .dilation = dilation[i],
                         .before = padding[i],
                         .after = padding[i]};
    /* PyTorch's rule: no window may lie in the padding alone. */
    if (padding[i] > kernel[i] / 2)
      return op_error(c, "padding is %llu, more than half of kernel_size %llu",
                      (unsigned long long)padding[i], (unsigned long long)kernel[i]);
    if (!window_count(c, w, a->ceil_mode)) return false;
  }
  return true;
}

/* input (batch, channels, places) or (channels, places) */
static bool pool_read(struct op_call *c, uint32_t dims, const struct pool_args *a, struct pool *p) {
  const struct ftensor *input = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", input)) return false;
  if (input->ndim != dims + 1 && input->ndim != dims + 2)
    return op_error(c, "input %s, expected a batch, channels and %u more", ft_shape_text(c->arena, input),
                    dims);
  for (uint32_t i = input->ndim - dims - 1; i < input->ndim; i++)
    if (input->size[i] == 0) return op_error(c, "a pooling of %s", ft_shape_text(c->arena, input));
  p->dims = dims;
  p->planes = 1;
  for (uint32_t i = 0; i + dims < input->ndim; i++) p->planes *= input->size[i];
  return read_axes(c, a, p);
}

static bool pool_result(struct op_call *c, const struct pool *p, enum ftype type) {
  const struct ftensor *input = op_tensor(c, INPUT);
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, input->size, sizeof size);
  for (uint32_t i = 1; i <= p->dims; i++) size[input->ndim - i] = p->axis[AXES - i].out;
  return op_result(c, type, size, input->ndim);
}

static bool pool_shape(struct op_call *c, uint32_t dims, struct pool_args a, enum ftype type) {
  struct pool p = {.dims = dims};
  return pool_read(c, dims, &a, &p) && pool_result(c, &p, type);
}

/* Kernel elements times results. */
static uint64_t pool_cost(const struct op_call *c, uint32_t dims, const struct op_value *kernel) {
  uint64_t n[AXES] = {1, 1, 1}, cost = c->out->numel;
  struct op_call copy = *c; /* the shape rule has taken the numbers: no error comes back */
  if (!window_ints(&copy, "kernel_size", kernel, dims, 1, n)) return 0;
  for (uint32_t i = 0; i < AXES; i++) cost = saturating_mul(cost, n[i]);
  return cost;
}

/* ---- by rows: kernel elements one after the other, each with a whole row of positions ---- */

/* Takes n elements, `step` apart, into n results. */
typedef void fold_fn(float *restrict out, const float *restrict in, uint64_t n, uint64_t step, double p);

static void fold_max(float *restrict out, const float *restrict in, uint64_t n, uint64_t step, double p) {
  (void)p;
  for (uint64_t i = 0; i < n; i++) { /* a NaN wins, as in PyTorch */
    const float x = in[i * step], best = out[i];
    out[i] = x > best || x != x ? x : best;
  }
}
static void fold_sum(float *restrict out, const float *restrict in, uint64_t n, uint64_t step, double p) {
  (void)p;
  for (uint64_t i = 0; i < n; i++) out[i] += in[i * step];
}
static void fold_powers(float *restrict out, const float *restrict in, uint64_t n, uint64_t step, double p) {
  for (uint64_t i = 0; i < n; i++) out[i] += powf(in[i * step], (float)p);
}

/* Positions [*first, *end) at which kernel element k lies in the input. */
static void inside(const struct window *w, uint64_t k, uint64_t *first, uint64_t *end) {
  const uint64_t at = k * w->dilation;
  *first = at >= w->before ? 0 : (w->before - at + w->stride - 1) / w->stride;
  *end = at >= w->in + w->before ? 0 : min_u64(w->out, (w->in + w->before - at + w->stride - 1) / w->stride);
}

/* The input's index under kernel element k at position o, UINT64_MAX in the padding. */
static uint64_t source(const struct window *w, uint64_t o, uint64_t k) {
  const uint64_t at = o * w->stride + k * w->dilation;
  return at < w->before || at - w->before >= w->in ? UINT64_MAX : at - w->before;
}

struct folding {
  fold_fn *fold;
  float start; /* what a result is before the first element */
  double p;
};

static void fold_row(float *out, const float *plane, const struct pool *pool, uint64_t row,
                     const struct folding *f) {
  const struct window *z = &pool->axis[Z], *y = &pool->axis[Y], *x = &pool->axis[X];
  for (uint64_t i = 0; i < x->out; i++) out[i] = f->start;
  for (uint64_t kz = 0; kz < z->kernel; kz++) {
    const uint64_t iz = source(z, row / y->out, kz);
    for (uint64_t ky = 0; iz != UINT64_MAX && ky < y->kernel; ky++) {
      const uint64_t iy = source(y, row % y->out, ky);
      if (iy == UINT64_MAX) continue;
      const float *in = plane + (iz * y->in + iy) * x->in;
      for (uint64_t kx = 0; kx < x->kernel; kx++) {
        uint64_t first, end;
        inside(x, kx, &first, &end);
        if (first < end)
          f->fold(out + first, in + (first * x->stride + kx * x->dilation - x->before), end - first,
                  x->stride, f->p);
      }
    }
  }
}

static void fold_all(struct op_call *c, const struct pool *p, const struct folding *f) {
  const float *plane = ft_f32(op_tensor(c, INPUT));
  float *out = ft_f32_out(c->out);
  for (uint64_t i = 0; i < p->planes; i++, plane += window_in(p->axis))
    for (uint64_t row = 0; row < p->axis[Z].out * p->axis[Y].out; row++, out += p->axis[X].out)
      fold_row(out, plane, p, row, f);
}

/* ---- max ---- */

static bool max_shape(struct op_call *c, uint32_t dims) { return pool_shape(c, dims, max_args(c), FT_F32); }
static bool max_indices_shape(struct op_call *c, uint32_t dims) {
  return pool_shape(c, dims, max_args(c), FT_I64);
}

static bool max_run(struct op_call *c, uint32_t dims) {
  const struct pool_args a = max_args(c);
  struct pool p = {.dims = dims};
  if (!pool_read(c, dims, &a, &p)) return false;
  fold_all(c, &p, &(struct folding){fold_max, -INFINITY, 0});
  return true;
}

/* Where in its plane the largest element of a window is: the first of equal ones, the last NaN. */
static int64_t largest_at(const float *plane, const struct pool *p, const uint64_t o[AXES]) {
  const struct window *z = &p->axis[Z], *y = &p->axis[Y], *x = &p->axis[X];
  float best = -INFINITY;
  int64_t at = -1;
  for (uint64_t k = 0; k < window_kernel(p->axis); k++) {
    const uint64_t iz = source(z, o[Z], k / (y->kernel * x->kernel)),
                   iy = source(y, o[Y], k / x->kernel % y->kernel);
    const uint64_t ix = source(x, o[X], k % x->kernel);
    if (iz == UINT64_MAX || iy == UINT64_MAX || ix == UINT64_MAX) continue;
    const uint64_t i = (iz * y->in + iy) * x->in + ix;
    if (at >= 0 && !(plane[i] > best) && !isnan(plane[i])) continue;
    best = plane[i];
    at = (int64_t)i;
  }
  return at;
}

static bool max_indices_run(struct op_call *c, uint32_t dims) {
  const struct pool_args a = max_args(c);
  struct pool p = {.dims = dims};
  if (!pool_read(c, dims, &a, &p)) return false;
  const float *plane = ft_f32(op_tensor(c, INPUT));
  int64_t *out = ft_i64_out(c->out);
  for (uint64_t i = 0; i < p.planes; i++, plane += window_in(p.axis))
    for (uint64_t z = 0; z < p.axis[Z].out; z++)
      for (uint64_t y = 0; y < p.axis[Y].out; y++)
        for (uint64_t x = 0; x < p.axis[X].out; x++)
          *out++ = largest_at(plane, &p, (const uint64_t[AXES]){z, y, x});
  return true;
}

/* ---- avg ---- */

static bool avg_shape(struct op_call *c, uint32_t dims) {
  if (dims > 1 && c->arg[DIVISOR_OVERRIDE].kind == OPV_INT && c->arg[DIVISOR_OVERRIDE].i == 0)
    return op_error(c, "divisor_override is 0");
  return pool_shape(c, dims, avg_args(c), FT_F32);
}

/* What one axis gives to the divisor of a window: its elements, those of the padding counted or not. A last
 * window of ceil_mode is cut at the padding's end. */
static uint64_t counted(const struct window *w, uint64_t o, bool include_pad) {
  uint64_t start = o * w->stride, end = min_u64(start + w->kernel, w->in + w->before + w->after);
  if (!include_pad) {
    start = max_u64(start, w->before);
    end = min_u64(end, w->in + w->before);
  }
  return end - start;
}

static void divide_all(struct op_call *c, const struct pool *p, bool include_pad, double override) {
  float *out = ft_f32_out(c->out);
  for (uint64_t i = 0; i < p->planes; i++)
    for (uint64_t z = 0; z < p->axis[Z].out; z++)
      for (uint64_t y = 0; y < p->axis[Y].out; y++) {
        const uint64_t rows = counted(&p->axis[Z], z, include_pad) * counted(&p->axis[Y], y, include_pad);
        for (uint64_t x = 0; x < p->axis[X].out; x++)
          *out++ /= override != 0 ? (float) override : (float)(rows * counted(&p->axis[X], x, include_pad));
      }
}

static bool avg_run(struct op_call *c, uint32_t dims) {
  const struct pool_args a = avg_args(c);
  struct pool p = {.dims = dims};
  if (!pool_read(c, dims, &a, &p)) return false;
  const struct op_value *override = dims > 1 ? &c->arg[DIVISOR_OVERRIDE] : NULL;
  fold_all(c, &p, &(struct folding){fold_sum, 0, 0});
  divide_all(c, &p, c->arg[COUNT_INCLUDE_PAD].i != 0,
             override && override->kind == OPV_INT ? (double) override->i : 0);
  return true;
}

/* ---- lp: PyTorch takes the mean of the powers, no absolute value before, times the kernel's elements ----
 */

static bool lp_shape(struct op_call *c, uint32_t dims) {
  if (op_number(c, NORM_TYPE) == 0) return op_error(c, "norm_type is 0");
  return pool_shape(c, dims, lp_args(c), FT_F32);
}

static bool lp_run(struct op_call *c, uint32_t dims) {
  const struct pool_args a = lp_args(c);
  struct pool p = {.dims = dims};
  if (!pool_read(c, dims, &a, &p)) return false;
  const double power = op_number(c, NORM_TYPE);
  const float elements = (float)window_kernel(p.axis), root = (float)(1 / power);
  float *out = ft_f32_out(c->out);
  fold_all(c, &p, &(struct folding){fold_powers, 0, power});
  divide_all(c, &p, true, 0);
  for (uint64_t i = 0; i < c->out->numel; i++) out[i] = powf(out[i] * elements, root);
  return true;
}

/* ---- the functions of ops.def ---- */

/* clang-format off */
#define POOL(name, dims, kernel)                                                                                \
  bool name##_pool##dims##d_shape(struct op_call *c) { return name##_shape(c, dims); }                          \
  bool name##_pool##dims##d_run(struct op_call *c) { return name##_run(c, dims); }                              \
  uint64_t name##_pool##dims##d_cost(const struct op_call *c) { return pool_cost(c, dims, &c->arg[kernel]); }
#define INDICES(dims)                                                                                           \
  bool max_pool##dims##d_indices_shape(struct op_call *c) { return max_indices_shape(c, dims); }                \
  bool max_pool##dims##d_indices_run(struct op_call *c) { return max_indices_run(c, dims); }
POOL(max, 1, KERNEL_SIZE)
POOL(max, 2, KERNEL_SIZE)
POOL(max, 3, KERNEL_SIZE)
INDICES(1)
INDICES(2)
INDICES(3)
POOL(avg, 1, KERNEL_SIZE)
POOL(avg, 2, KERNEL_SIZE)
POOL(avg, 3, KERNEL_SIZE)
POOL(lp, 1, LP_KERNEL_SIZE)
POOL(lp, 2, LP_KERNEL_SIZE)
POOL(lp, 3, LP_KERNEL_SIZE)
/* clang-format on */
