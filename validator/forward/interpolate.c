/* Resizing of the places behind batch and channels. Each axis has a table: for every result the elements it
 * is made of and their weights; a result of several axes is the product. Source positions are computed in
 * float32, as PyTorch does (aten/src/ATen/native/UpSample.h): for some factors the element depends on it. */
#include "forward/families.h"
#include "forward/window.h"

#include <math.h>

enum { INPUT, SIZE, SCALE_FACTOR, MODE, ALIGN_CORNERS, RECOMPUTE, ANTIALIAS };

enum method { NEAREST, NEAREST_EXACT, LINEAR, CUBIC, AREA };

static const struct mode {
  const char *name;
  enum method method;
  uint32_t dims; /* 0: any */
} modes[] = {{"nearest", NEAREST, 0},  {"nearest-exact", NEAREST_EXACT, 0},
             {"linear", LINEAR, 1},    {"bilinear", LINEAR, 2},
             {"trilinear", LINEAR, 3}, {"bicubic", CUBIC, 2},
             {"area", AREA, 0}};

struct resize {
  uint32_t dims;
  uint64_t planes; /* batch * channels */
  const struct mode *mode;
  bool align_corners, antialias;
  uint64_t in[AXES], out[AXES];
  double scale[AXES]; /* the factor that is given for positions too; 0: the sizes' ratio */
};

/* ---- arguments ---- */

static bool given_sizes(struct op_call *c, struct resize *r) {
  uint64_t size[AXES] = {0};
  if (c->arg[SCALE_FACTOR].kind != OPV_NONE) return op_error(c, "size and scale_factor are both given");
  if (!window_ints(c, "size", &c->arg[SIZE], r->dims, 1, size)) return false;
  memcpy(r->out + AXES - r->dims, size + AXES - r->dims, r->dims * sizeof *size);
  return true;
}

static double factor(const struct op_value *v, uint32_t i) {
  switch (v->kind) {
  case OPV_INTS: return (double)v->ints[i];
  case OPV_FLOATS: return v->reals[i];
  case OPV_FLOAT: return v->f;
  default: return (double)v->i;
  }
}

static bool scaled_sizes(struct op_call *c, struct resize *r) {
  const struct op_value *scale = &c->arg[SCALE_FACTOR];
  const bool many = scale->kind == OPV_INTS || scale->kind == OPV_FLOATS;
  if (scale->kind == OPV_NONE) return op_error(c, "neither size nor scale_factor is given");
  if (many && scale->n != r->dims)
    return op_error(c, "scale_factor has %u numbers, expected %u", scale->n, r->dims);
  for (uint32_t i = 0; i < r->dims; i++) {
    const uint32_t axis = AXES - r->dims + i;
    const double f = factor(scale, i), size = floor((double)r->in[axis] * f);
    if (!(size >= 1 && size <= INT32_MAX))
      return op_error(c, "scale_factor %g of %llu elements", f, (unsigned long long)r->in[axis]);
    r->out[axis] = (uint64_t)size;
    r->scale[axis] = c->arg[RECOMPUTE].kind == OPV_BOOL && c->arg[RECOMPUTE].i ? 0 : f;
  }
  return true;
}

static bool find_mode(struct op_call *c, struct resize *r) {
  for (size_t i = 0; i < ARRAY_LEN(modes) && !r->mode; i++)
    if (span_is(c->arg[MODE].text, modes[i].name)) r->mode = &modes[i];
  if (!r->mode) return op_error(c, "mode is none that PyTorch has");
  if (r->mode->dims && r->mode->dims != r->dims)
    return op_error(c, "mode '%s' is for %u dimensions behind the channels, input %s", r->mode->name,
                    r->mode->dims, ft_shape_text(c->arena, op_tensor(c, INPUT)));
  const struct op_value *align = &c->arg[ALIGN_CORNERS];
  const bool weighs = r->mode->method == LINEAR || r->mode->method == CUBIC;
  if (!weighs && align->kind != OPV_NONE)
    return op_error(c, "align_corners goes with the linear and cubic modes only");
  r->align_corners = align->kind == OPV_BOOL && align->i;
  r->antialias = c->arg[ANTIALIAS].i != 0;
  if (r->antialias && (!weighs || r->dims != 2))
    return op_error(c, "antialias goes with the modes bilinear and bicubic only");
  return true;
}

/* input (batch, channels, places) */
static bool resize_read(struct op_call *c, struct resize *r) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim < 3 || x->ndim > 2 + AXES)
    return op_error(c, "input %s, expected 3 to 5 dimensions", ft_shape_text(c->arena, x));
  r->dims = x->ndim - 2;
  r->planes = x->size[0] * x->size[1];
  for (uint32_t i = 0; i < r->dims; i++) {
    r->in[AXES - r->dims + i] = x->size[2 + i];
    if (x->size[1 + i] == 0 || x->size[2 + i] == 0)
      return op_error(c, "input %s has no elements to interpolate", ft_shape_text(c->arena, x));
  }
  return find_mode(c, r) && (c->arg[SIZE].kind != OPV_NONE ? given_sizes(c, r) : scaled_sizes(c, r));
}

#define RESIZE ((struct resize){.in = {1, 1, 1}, .out = {1, 1, 1}})

static bool resize_result(struct op_call *c, const struct resize *r) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint64_t size[2 + AXES] = {x->size[0], x->size[1]};
  for (uint32_t i = 0; i < r->dims; i++) size[2 + i] = r->out[AXES - r->dims + i];
  return op_result(c, FT_F32, size, x->ndim);
}

bool interpolate_shape(struct op_call *c) {
  struct resize r = RESIZE;
  return resize_read(c, &r) && resize_result(c, &r);
}

/* ---- tables ---- */

struct table {
  uint64_t taps;
  uint64_t *index;
  float *weight;
};

/* Elements of the input for one step of the output. */
static float step_of(const struct resize *r, int axis) {
  const uint64_t in = r->in[axis], out = r->out[axis];
  if (r->align_corners) return out > 1 ? (float)(in - 1) / (float)(out - 1) : 0;
  return r->scale[axis] > 0 ? (float)(1 / r->scale[axis]) : (float)in / (float)out;
}

/* With antialias a result spans so many elements to each side, more where the picture gets smaller. */
static float support_of(const struct resize *r, int axis) {
  const float step = step_of(r, axis), half = r->mode->method == CUBIC ? 2 : 1;
  return step >= 1 ? half * step : half;
}

static uint64_t taps_of(const struct resize *r, int axis) {
  if (axis < AXES - (int)r->dims) return 1;
  if (r->antialias) return (uint64_t)ceilf(support_of(r, axis)) * 2 + 1;
  return r->mode->method == CUBIC ? 4 : r->mode->method == LINEAR ? 2 : 1;
}

uint64_t interpolate_cost(const struct op_call *c) {
  struct resize r = RESIZE;
  struct op_call read = *c;
  if (!resize_read(&read, &r)) return 0; /* the shape rule has said so */
  uint64_t each = 1;
  for (int axis = 0; axis < AXES; axis++) each = saturating_mul(each, taps_of(&r, axis));
  return saturating_add(op_tensor(c, INPUT)->numel, saturating_mul(each, c->out->numel));
}

/* Of upsample_nearest and upsample_bilinear: at most four elements for each of the result. */
uint64_t upsample_cost(const struct op_call *c) {
  return saturating_add(op_tensor(c, INPUT)->numel, saturating_mul(4, c->out->numel));
}

static uint64_t clamp_index(double at, uint64_t n) {
  return at < 0 ? 0 : at >= (double)n ? n - 1 : (uint64_t)at;
}

static void nearest_tap(const struct resize *r, int axis, uint64_t o, uint64_t *index, float *weight) {
  const float step = step_of(r, axis);
  const float at = r->mode->method == NEAREST ? step * (float)o : step * ((float)o + 0.5f);
  *index = clamp_index((double)floorf(at), r->in[axis]);
  *weight = 1;
}

/* Where an output element lies in the input. */
static float position(const struct resize *r, int axis, uint64_t o) {
  if (r->mode->method == LINEAR && r->in[axis] == r->out[axis])
    return (float)o; /* whatever factor was given */
  const float step = step_of(r, axis);
  return r->align_corners ? step * (float)o : step * ((float)o + 0.5f) - 0.5f;
}

static void linear_taps(const struct resize *r, int axis, uint64_t o, uint64_t *index, float *weight) {
  const float at = fmaxf(position(r, axis, o), 0);
  index[0] = clamp_index((double)floorf(at), r->in[axis]);
  index[1] = min_u64(index[0] + 1, r->in[axis] - 1);
  weight[1] = fminf(at - (float)index[0], 1);
  weight[0] = 1 - weight[1];
}

/* Keys' cubic convolution with a = -0.75; x is the distance from the tap. */
static float cubic_near(float x) { return ((1.25f * x - 2.25f) * x) * x + 1; }
static float cubic_far(float x) { return ((-0.75f * x + 3.75f) * x - 6) * x + 3; }

static void cubic_taps(const struct resize *r, int axis, uint64_t o, uint64_t *index, float *weight) {
  const float at = position(r, axis, o), whole = floorf(at), t = at - whole;
  for (int i = 0; i < 4; i++) index[i] = clamp_index((double)whole + i - 1, r->in[axis]);
  weight[0] = cubic_far(t + 1);
  weight[1] = cubic_near(t);
  weight[2] = cubic_near(1 - t);
  weight[3] = cubic_far(2 - t);
}

static float triangle(float x) { return x < 1 ? 1 - x : 0; }
/* The same with a = -0.5, as antialiasing takes it. */
static float cubic(float x) {
  if (x < 1) return (1.5f * x - 2.5f) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5f : 0;
}

/* A filter around the place, as wide as the step: its weights come to 1. */
static void filter_taps(const struct resize *r, int axis, uint64_t o, uint64_t taps, uint64_t *index,
                        float *weight) {
  const float step = step_of(r, axis), support = support_of(r, axis), narrower = step >= 1 ? 1 / step : 1;
  const float center = step * ((float)o + 0.5f);
  const uint64_t first = clamp_index((double)(center - support + 0.5f), r->in[axis]);
  const uint64_t end = clamp_index((double)(center + support + 0.5f), r->in[axis] + 1);
  float sum = 0;
  for (uint64_t i = 0; i < taps; i++) {
    const float x = fabsf(((float)(first + i) - center + 0.5f) * narrower);
    index[i] = min_u64(first + i, r->in[axis] - 1);
    weight[i] = first + i >= end ? 0 : r->mode->method == CUBIC ? cubic(x) : triangle(x);
    sum += weight[i];
  }
  for (uint64_t i = 0; i < taps; i++) weight[i] /= sum;
}

static bool table_init(struct op_call *c, const struct resize *r, int axis, struct table *t) {
  const uint64_t n = r->out[axis];
  const enum method method = axis < AXES - (int)r->dims ? NEAREST : r->mode->method;
  t->taps = taps_of(r, axis);
  t->index = fpool_take(c->pool, saturating_mul(saturating_mul(n, t->taps), sizeof *t->index));
  t->weight = fpool_take(c->pool, saturating_mul(saturating_mul(n, t->taps), sizeof *t->weight));
  if (!t->index || !t->weight) return op_no_memory(c);
  for (uint64_t o = 0; o < n; o++) {
    uint64_t *index = t->index + o * t->taps;
    float *weight = t->weight + o * t->taps;
    if (r->antialias && method != NEAREST)
      filter_taps(r, axis, o, t->taps, index, weight);
    else if (method == CUBIC)
      cubic_taps(r, axis, o, index, weight);
    else if (method == LINEAR)
      linear_taps(r, axis, o, index, weight);
    else
      nearest_tap(r, axis, o, index, weight);
  }
  return true;
}

/* ---- kernel ---- */

static float weigh_row(const float *row, const struct table *t, uint64_t x) {
  float sum = 0;
  for (uint64_t i = x * t->taps; i < (x + 1) * t->taps; i++) sum += t->weight[i] * row[t->index[i]];
  return sum;
}

/* One output row: the rows of the input that it is made of, each weighed along x. */
static void resize_row(float *out, const float *plane, const struct resize *r, const struct table t[AXES],
                       uint64_t z, uint64_t y) {
  memset(out, 0, r->out[X] * sizeof *out);
  for (uint64_t iz = z * t[Z].taps; iz < (z + 1) * t[Z].taps; iz++)
    for (uint64_t iy = y * t[Y].taps; iy < (y + 1) * t[Y].taps; iy++) {
      const float weight = t[Z].weight[iz] * t[Y].weight[iy];
      const float *row = plane + (t[Z].index[iz] * r->in[Y] + t[Y].index[iy]) * r->in[X];
      for (uint64_t x = 0; x < r->out[X]; x++) out[x] += weight * weigh_row(row, &t[X], x);
    }
}

static void resize_all(struct op_call *c, const struct resize *r, const struct table t[AXES]) {
  const float *plane = ft_f32(op_tensor(c, INPUT));
  float *out = ft_f32_out(c->out);
  for (uint64_t i = 0; i < r->planes; i++, plane += r->in[Z] * r->in[Y] * r->in[X])
    for (uint64_t z = 0; z < r->out[Z]; z++)
      for (uint64_t y = 0; y < r->out[Y]; y++, out += r->out[X]) resize_row(out, plane, r, t, z, y);
}

/* mode='area' is an adaptive mean. */
static bool area_run(struct op_call *c, const struct resize *r) {
  static op_kernel_fn *const run[] = {adaptive_avg_pool1d_run, adaptive_avg_pool2d_run,
                                      adaptive_avg_pool3d_run};
  int64_t size[AXES];
  for (uint32_t i = 0; i < r->dims; i++) size[i] = (int64_t)r->out[AXES - r->dims + i];
  const struct op_value args[] = {c->arg[INPUT], {.kind = OPV_INTS, .n = r->dims, .ints = size}};
  struct op_call pool = *c;
  pool.arg = args;
  return run[r->dims - 1](&pool);
}

static bool resize_run(struct op_call *c, const struct resize *r) {
  struct table t[AXES] = {{0}};
  if (c->out->numel == 0) return true;
  if (r->mode->method == AREA) return area_run(c, r);
  bool done = table_init(c, r, Z, &t[Z]) && table_init(c, r, Y, &t[Y]) && table_init(c, r, X, &t[X]);
  if (done) resize_all(c, r, t);
  for (int i = AXES - 1; i >= 0; i--) {
    fpool_give(c->pool, t[i].weight);
    fpool_give(c->pool, t[i].index);
  }
  return done;
}

bool interpolate_run(struct op_call *c) {
  struct resize r = RESIZE;
  return resize_read(c, &r) && resize_run(c, &r);
}

/* torch.nn.functional.upsample_nearest and upsample_bilinear, which are the modules UpsamplingNearest2d and
 * UpsamplingBilinear2d: interpolate with these arguments. */
static bool as_interpolate(struct op_call *c, bool bilinear, op_kernel_fn *f) {
  static const struct op_value none = {.kind = OPV_NONE}, off = {.kind = OPV_BOOL},
                               on = {.kind = OPV_BOOL, .i = 1};
  const struct op_value mode = {.kind = OPV_TEXT, .text = bilinear ? SPAN("bilinear") : SPAN("nearest")};
  const struct op_value args[] = {
      c->arg[INPUT], c->arg[SIZE], c->arg[SCALE_FACTOR], mode, bilinear ? on : none, none, off};
  struct op_call as = *c;
  as.arg = args;
  const bool done = f(&as);
  c->error = as.error;
  c->why = as.why;
  return done;
}
bool upsample_nearest_shape(struct op_call *c) { return as_interpolate(c, false, interpolate_shape); }
bool upsample_bilinear_shape(struct op_call *c) { return as_interpolate(c, true, interpolate_shape); }
bool upsample_nearest_run(struct op_call *c) { return as_interpolate(c, false, interpolate_run); }
bool upsample_bilinear_run(struct op_call *c) { return as_interpolate(c, true, interpolate_run); }
