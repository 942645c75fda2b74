/* Fractional max pooling: where the windows lie is drawn at random, in evaluation too. It is computed where
 * the draws are given, as PyTorch's own tests give them: _random_samples [batch, channels, axes]. */
#include "forward/families.h"
#include "forward/window.h"

#include <math.h>

enum { INPUT, KERNEL_SIZE, OUTPUT_SIZE, OUTPUT_RATIO, RETURN_INDICES, SAMPLES };

struct fractional {
  uint64_t planes;
  uint64_t in[AXES], kernel[AXES], out[AXES];
};

/* output_size, or the input's times output_ratio. */
static bool output_sizes(struct op_call *c, uint32_t dims, struct fractional *p) {
  const struct op_value *size = &c->arg[OUTPUT_SIZE], *ratio = &c->arg[OUTPUT_RATIO];
  if ((size->kind == OPV_NONE) == (ratio->kind == OPV_NONE))
    return op_error(c, "it takes output_size or output_ratio");
  if (size->kind != OPV_NONE) return window_ints(c, "output_size", size, dims, 1, p->out);
  if (ratio->kind == OPV_INTS || (ratio->kind == OPV_FLOATS && ratio->n != dims))
    return op_error(c, "output_ratio is no tuple of %u numbers", dims);
  for (uint32_t i = 0; i < dims; i++) {
    const double r = ratio->kind == OPV_FLOATS ? ratio->reals[i] : op_number(c, OUTPUT_RATIO);
    if (!(r > 0 && r < 1)) return op_error(c, "output_ratio lies between 0 and 1");
    p->out[AXES - dims + i] = (uint64_t)((double)p->in[AXES - dims + i] * r);
  }
  return true;
}

static bool samples_fit(struct op_call *c, uint32_t dims) {
  const struct ftensor *x = op_tensor(c, INPUT), *samples = op_tensor_or_null(c, SAMPLES);
  if (!samples)
    return op_unsupported(c, "its windows are drawn at random, and _random_samples are not given");
  const uint64_t n = x->ndim == dims + 2 ? x->size[0] : 1, channels = x->size[x->ndim - dims - 1];
  if (!op_wants_f32(c, "_random_samples", samples)) return false;
  return (samples->ndim == 3 && samples->size[0] >= n && samples->size[1] == channels &&
          samples->size[2] == dims) ||
         op_error(c, "_random_samples %s, expected at least [%llu, %llu, %u]",
                  ft_shape_text(c->arena, samples), (unsigned long long)n, (unsigned long long)channels,
                  dims);
}

static bool fractional_read(struct op_call *c, uint32_t dims, struct fractional *p) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim != dims + 1 && x->ndim != dims + 2)
    return op_error(c, "input %s, expected a batch, channels and %u more", ft_shape_text(c->arena, x), dims);
  *p = (struct fractional){1, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}};
  for (uint32_t i = 0; i < x->ndim; i++) {
    if (x->size[i] == 0 && (i > 0 || x->ndim == dims + 1))
      return op_error(c, "a pooling of %s", ft_shape_text(c->arena, x));
    if (i + dims < x->ndim)
      p->planes *= x->size[i];
    else
      p->in[AXES + i - x->ndim] = x->size[i];
  }
  if (!window_ints(c, "kernel_size", &c->arg[KERNEL_SIZE], dims, 1, p->kernel) || !output_sizes(c, dims, p))
    return false;
  for (uint32_t i = 0; i < AXES; i++)
    if (p->out[i] == 0 || p->out[i] + p->kernel[i] - 1 > p->in[i])
      return op_error(c, "%llu windows of %llu over %llu elements", (unsigned long long)p->out[i],
                      (unsigned long long)p->kernel[i], (unsigned long long)p->in[i]);
  return samples_fit(c, dims);
}

static bool fractional_shape(struct op_call *c, uint32_t dims, enum ftype type) {
  const struct ftensor *x = op_tensor(c, INPUT);
  struct fractional p;
  if (!fractional_read(c, dims, &p)) return false;
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, x->size, sizeof size);
  for (uint32_t i = 1; i <= dims; i++) size[x->ndim - i] = p.out[AXES - i];
  return op_result(c, type, size, x->ndim);
}

/* As many as the windows have elements. */
static uint64_t fractional_cost(const struct op_call *c, uint32_t dims) {
  const struct op_value *kernel = &c->arg[KERNEL_SIZE]; /* one number, or `dims` */
  uint64_t n = c->out->numel;
  for (uint32_t i = 0; i < dims; i++)
    n = saturating_mul(n, (uint64_t)(kernel->kind == OPV_INTS ? kernel->ints[i % kernel->n] : kernel->i));
  return n;
}

/* Where window i of an axis begins: generate_intervals of torch's FractionalMaxPool2d.cpp, in float32 as
 * there. */
static uint64_t window_start(const struct fractional *p, uint32_t axis, float sample, uint64_t i) {
  const uint64_t span = p->in[axis] - p->kernel[axis];
  if (i + 1 == p->out[axis]) return span;
  const float alpha = (float)span / (float)(p->out[axis] - 1);
  const int64_t start = (int64_t)(((float)i + sample) * alpha) - (int64_t)(sample * alpha);
  return start < 0 ? 0 : min_u64((uint64_t)start, span);
}

/* The largest element of a window: the first of equal ones, the last NaN. */
static uint64_t best_of(const float *plane, const struct fractional *p, const uint64_t first[AXES]) {
  uint64_t best = (first[Z] * p->in[Y] + first[Y]) * p->in[X] + first[X];
  for (uint64_t z = first[Z]; z < first[Z] + p->kernel[Z]; z++)
    for (uint64_t y = first[Y]; y < first[Y] + p->kernel[Y]; y++)
      for (uint64_t x = first[X]; x < first[X] + p->kernel[X]; x++) {
        const uint64_t i = (z * p->in[Y] + y) * p->in[X] + x;
        if (plane[i] > plane[best] || isnan(plane[i])) best = i;
      }
  return best;
}

/* The samples of a plane stand in this order: in two dimensions x before y, in three z, y, x. */
static float sample_of(const float *samples, uint32_t dims, uint32_t axis) {
  return dims == 2 ? samples[axis == X ? 0 : 1] : samples[axis];
}

/* Then a window's start is a number of an axis. */
static bool samples_are_drawn(struct op_call *c) {
  const struct ftensor *samples = op_tensor(c, SAMPLES);
  for (uint64_t i = 0; i < samples->numel; i++)
    if (!(ft_f32(samples)[i] >= 0 && ft_f32(samples)[i] <= 1))
      return op_error(c, "_random_samples lie between 0 and 1");
  return true;
}

static bool fractional_run(struct op_call *c, uint32_t dims) {
  struct fractional p;
  uint64_t at = 0;
  if (!fractional_read(c, dims, &p) || !samples_are_drawn(c)) return false;
  for (uint64_t i = 0; i < p.planes; i++) {
    const float *plane = ft_f32(op_tensor(c, INPUT)) + i * p.in[Z] * p.in[Y] * p.in[X];
    const float *samples = ft_f32(op_tensor(c, SAMPLES)) + i * dims;
    for (uint64_t z = 0; z < p.out[Z]; z++)
      for (uint64_t y = 0; y < p.out[Y]; y++)
        for (uint64_t x = 0; x < p.out[X]; x++, at++) {
          const uint64_t first[AXES] = {dims == 2 ? 0 : window_start(&p, Z, sample_of(samples, dims, Z), z),
                                        window_start(&p, Y, sample_of(samples, dims, Y), y),
                                        window_start(&p, X, sample_of(samples, dims, X), x)};
          const uint64_t best = best_of(plane, &p, first);
          if (c->out->type == FT_I64)
            ft_i64_out(c->out)[at] = (int64_t)best;
          else
            ft_f32_out(c->out)[at] = plane[best];
        }
  }
  return true;
}

#define FRACTIONAL(dims)                                                                                   \
  bool fractional_max_pool##dims##d_shape(struct op_call *c) { return fractional_shape(c, dims, FT_F32); } \
  bool fractional_max_pool##dims##d_indices_shape(struct op_call *c) {                                     \
    return fractional_shape(c, dims, FT_I64);                                                              \
  }                                                                                                        \
  uint64_t fractional_max_pool##dims##d_cost(const struct op_call *c) { return fractional_cost(c, dims); } \
  bool fractional_max_pool##dims##d_run(struct op_call *c) { return fractional_run(c, dims); }
FRACTIONAL(2)
FRACTIONAL(3)
