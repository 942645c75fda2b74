/* Adaptive poolings: the number of windows is given, and they share the input as evenly as they can: window i
 * of n over size elements is [floor(i * size / n), ceil((i + 1) * size / n)). */
#include "forward/families.h"
#include "forward/window.h"

#include <math.h>

enum { INPUT, OUTPUT_SIZE };

struct adaptive {
  uint64_t planes; /* batch * channels */
  uint64_t in[AXES], out[AXES];
};

/* One size for all axes, or one for each; None keeps the axis. */
static bool output_size(struct op_call *c, uint32_t dims, struct adaptive *p) {
  const struct op_value *size = &c->arg[OUTPUT_SIZE];
  const uint32_t n = size->kind == OPV_INTS ? size->n : 1;
  if (n != 1 && n != dims) return op_error(c, "output_size has %u numbers, expected 1 or %u", n, dims);
  for (uint32_t i = 0, axis = AXES - dims; i < dims; i++, axis++) {
    const int64_t want = size->kind == OPV_INT ? size->i : size->ints[n == 1 ? 0 : i];
    if (want == OP_NONE_IN_INTS)
      p->out[axis] = p->in[axis];
    else if (want < 0 || want > INT32_MAX)
      return op_error(c, "output_size is %lld", (long long)want);
    else
      p->out[axis] = (uint64_t)want;
  }
  return true;
}

/* input (batch, channels, places) or (channels, places) */
static bool adaptive_read(struct op_call *c, uint32_t dims, struct adaptive *p) {
  const struct ftensor *input = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", input)) return false;
  if (input->ndim != dims + 1 && input->ndim != dims + 2)
    return op_error(c, "input %s, expected a batch, channels and %u more", ft_shape_text(c->arena, input),
                    dims);
  *p = (struct adaptive){.planes = 1, .in = {1, 1, 1}, .out = {1, 1, 1}};
  for (uint32_t i = 0; i < input->ndim; i++) {
    if (input->size[i] == 0 && (i > 0 || input->ndim == dims + 1))
      return op_error(c, "a pooling of %s", ft_shape_text(c->arena, input));
    if (i + dims < input->ndim) p->planes *= input->size[i];
  }
  for (uint32_t i = 1; i <= dims; i++) p->in[AXES - i] = input->size[input->ndim - i];
  return output_size(c, dims, p);
}

static bool adaptive_shape(struct op_call *c, uint32_t dims, enum ftype type) {
  const struct ftensor *input = op_tensor(c, INPUT);
  struct adaptive p = {.planes = 0};
  if (!adaptive_read(c, dims, &p)) return false;
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, input->size, sizeof size);
  for (uint32_t i = 1; i <= dims; i++) size[input->ndim - i] = p.out[AXES - i];
  return op_result(c, type, size, input->ndim);
}

/* Windows overlap by one element at most. */
uint64_t adaptive_cost(const struct op_call *c) {
  return saturating_add(op_tensor(c, INPUT)->numel, saturating_mul(8, c->out->numel));
}

struct span_of_axis {
  uint64_t first, end;
};
static struct span_of_axis window_of(const struct adaptive *p, int axis, uint64_t i) {
  const uint64_t in = p->in[axis], out = p->out[axis];
  /* i * in / out without a product that overflows */
  const uint64_t whole = in / out, rest = in % out;
  return (struct span_of_axis){i * whole + i * rest / out,
                               (i + 1) * whole + ((i + 1) * rest + out - 1) / out};
}

/* One window of a plane. `at`: where the result goes on. */
typedef void window_fn(const float *plane, const struct adaptive *p, const struct span_of_axis w[AXES],
                       struct ftensor *out, uint64_t at);

static void window_mean(const float *plane, const struct adaptive *p, const struct span_of_axis w[AXES],
                        struct ftensor *out, uint64_t at) {
  double sum = 0, count = 0;
  for (uint64_t z = w[Z].first; z < w[Z].end; z++)
    for (uint64_t y = w[Y].first; y < w[Y].end; y++)
      for (uint64_t x = w[X].first; x < w[X].end; x++) {
        sum += (double)plane[(z * p->in[Y] + y) * p->in[X] + x];
        count++;
      }
  ft_f32_out(out)[at] = (float)(sum / count);
}

/* The largest element, or where it is: the first of equal ones, the last NaN. */
static void window_max(const float *plane, const struct adaptive *p, const struct span_of_axis w[AXES],
                       struct ftensor *out, uint64_t at) {
  uint64_t best = (w[Z].first * p->in[Y] + w[Y].first) * p->in[X] + w[X].first;
  for (uint64_t z = w[Z].first; z < w[Z].end; z++)
    for (uint64_t y = w[Y].first; y < w[Y].end; y++)
      for (uint64_t x = w[X].first; x < w[X].end; x++) {
        const uint64_t i = (z * p->in[Y] + y) * p->in[X] + x;
        if (plane[i] > plane[best] || isnan(plane[i])) best = i;
      }
  if (out->type == FT_I64)
    ft_i64_out(out)[at] = (int64_t)best;
  else
    ft_f32_out(out)[at] = plane[best];
}

static bool each_window(struct op_call *c, uint32_t dims, window_fn *f) {
  struct adaptive p = {.planes = 0};
  if (!adaptive_read(c, dims, &p)) return false;
  const float *plane = ft_f32(op_tensor(c, INPUT));
  uint64_t at = 0;
  for (uint64_t i = 0; i < p.planes; i++, plane += p.in[Z] * p.in[Y] * p.in[X])
    for (uint64_t z = 0; z < p.out[Z]; z++)
      for (uint64_t y = 0; y < p.out[Y]; y++)
        for (uint64_t x = 0; x < p.out[X]; x++) {
          const struct span_of_axis w[AXES] = {window_of(&p, Z, z), window_of(&p, Y, y), window_of(&p, X, x)};
          f(plane, &p, w, c->out, at++);
        }
  return true;
}

/* clang-format off */
#define ADAPTIVE(dims)                                                                                              \
  bool adaptive_pool##dims##d_shape(struct op_call *c) { return adaptive_shape(c, dims, FT_F32); }                  \
  bool adaptive_avg_pool##dims##d_run(struct op_call *c) { return each_window(c, dims, window_mean); }              \
  bool adaptive_max_pool##dims##d_run(struct op_call *c) { return each_window(c, dims, window_max); }               \
  bool adaptive_max_pool##dims##d_indices_shape(struct op_call *c) { return adaptive_shape(c, dims, FT_I64); }
ADAPTIVE(1)
ADAPTIVE(2)
ADAPTIVE(3)
/* clang-format on */
