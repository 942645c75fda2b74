/* grid_sample: an element for each place of a grid, between the input's elements or beside them. Along each
 * axis a place has up to four taps; what lies outside is nothing (padding_mode 'zeros'), the border, or the
 * mirrored input (aten/src/ATen/native/GridSampler.h). Places are computed in float32, as PyTorch does. */
#include <math.h>

#include "forward/families.h"
#include "forward/window.h"

enum { INPUT, GRID, MODE, PADDING_MODE, ALIGN_CORNERS };
enum between { BILINEAR, NEAREST, BICUBIC };
enum outside { ZEROS, BORDER, REFLECTION };
enum { TAPS = 4 };

struct sampling {
  enum between between;
  enum outside outside;
  bool align_corners;
  uint32_t dims;
  uint64_t in[AXES]; /* sizes of the last `dims` axes */
};

/* Of one place along one axis. An index of -1: nothing is there. */
struct taps {
  uint32_t n;
  int64_t index[TAPS];
  float weight[TAPS];
};

/* ---- arguments ---- */

static bool find_name(struct op_call *c, uint32_t arg, const char *const *names, uint32_t n, uint32_t *out) {
  for (*out = 0; *out < n; ++*out)
    if (span_is(c->arg[arg].text, names[*out])) return true;
  return op_error(c, "%s is none that PyTorch has", arg == MODE ? "mode" : "padding_mode");
}

static bool sampling_read(struct op_call *c, struct sampling *s) {
  static const char *const between[] = {"bilinear", "nearest", "bicubic"};
  static const char *const outside[] = {"zeros", "border", "reflection"};
  const struct ftensor *x = op_tensor(c, INPUT), *grid = op_tensor(c, GRID);
  uint32_t b, o;
  if (!op_wants_f32(c, "input", x) || !op_wants_f32(c, "grid", grid)) return false;
  if (!find_name(c, MODE, between, ARRAY_LEN(between), &b) ||
      !find_name(c, PADDING_MODE, outside, ARRAY_LEN(outside), &o))
    return false;
  *s = (struct sampling){.between = (enum between)b,
                         .outside = (enum outside)o,
                         .align_corners = c->arg[ALIGN_CORNERS].kind == OPV_BOOL && c->arg[ALIGN_CORNERS].i};
  const bool fits = (x->ndim == 4 || x->ndim == 5) && grid->ndim == x->ndim && grid->size[0] == x->size[0] &&
                    grid->size[grid->ndim - 1] == x->ndim - 2;
  if (!fits)
    return op_error(c, "input %s and grid %s", ft_shape_text(c->arena, x), ft_shape_text(c->arena, grid));
  s->dims = x->ndim - 2;
  if (s->between == BICUBIC && x->ndim == 5) return op_error(c, "mode 'bicubic' is for 4 dimensions");
  for (uint32_t i = 0; i < s->dims; i++) {
    s->in[i] = x->size[2 + i];
    if (s->in[i] == 0 || s->in[i] > INT32_MAX)
      return op_error(c, "input %s has nothing to sample", ft_shape_text(c->arena, x));
  }
  return true;
}

bool grid_sample_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *grid = op_tensor(c, GRID);
  struct sampling s;
  if (!sampling_read(c, &s)) return false;
  uint64_t size[2 + AXES] = {x->size[0], x->size[1]};
  for (uint32_t i = 0; i < s.dims; i++) size[2 + i] = grid->size[1 + i];
  return op_result(c, FT_F32, size, x->ndim);
}

uint64_t grid_sample_cost(const struct op_call *c) { return saturating_mul(64, c->out->numel); }

/* ---- places ---- */

static float reflected(const struct sampling *s, float at, float size) {
  const float low = s->align_corners ? 0 : -0.5f, span = s->align_corners ? size - 1 : size;
  if (span <= 0) return 0;
  const float from = fabsf(at - low), extra = fmodf(from, span);
  return fmodf(floorf(from / span), 2) >= 1 ? span - extra + low : extra + low;
}

/* Where a place lies once what is outside was brought in. */
static float brought_in(const struct sampling *s, float at, uint64_t size) {
  const float last = (float)(size - 1);
  if (s->outside == ZEROS) return at;
  if (s->outside == REFLECTION) at = reflected(s, at, (float)size);
  return fminf(fmaxf(at, 0), last);
}

static int64_t inside(float at, uint64_t size) {
  return at >= 0 && at < (float)size ? (int64_t)at : -1; /* a NaN is nowhere */
}

/* Keys' cubic convolution with a = -0.75; x is the distance from the tap. */
static float cubic(float x) {
  if (x <= 1) return ((1.25f * x - 2.25f) * x) * x + 1;
  return ((-0.75f * x + 3.75f) * x - 6) * x + 3;
}

static void find_taps(const struct sampling *s, uint32_t axis, float coordinate, struct taps *t) {
  const uint64_t size = s->in[axis];
  const float n = (float)size;
  float at = s->align_corners ? (coordinate + 1) / 2 * (n - 1) : ((coordinate + 1) * n - 1) / 2;
  if (s->between != BICUBIC) at = brought_in(s, at, size);
  const float nearest = s->dims == 2 ? nearbyintf(at) : roundf(at); /* halves: so PyTorch has it */
  const float whole = s->between == NEAREST ? nearest : floorf(at), part = at - whole;
  t->n = s->between == NEAREST ? 1 : s->between == BILINEAR ? 2 : 4;
  for (uint32_t i = 0; i < t->n; i++) {
    const float place = s->between == BICUBIC ? brought_in(s, whole + (float)i - 1, size) : whole + (float)i;
    t->index[i] = inside(place, size);
    t->weight[i] = s->between == NEAREST    ? 1
                   : s->between == BILINEAR ? (i ? part : 1 - part)
                                            : cubic(fabsf(part - ((float)i - 1)));
  }
}

/* ---- kernel ---- */

/* The element of one channel, from the taps of all axes; axes that are not there have one of weight 1. */
static float sample(const float *plane, const struct sampling *s, const struct taps t[AXES]) {
  float sum = 0;
  for (uint32_t z = 0; z < t[0].n; z++)
    for (uint32_t y = 0; y < t[1].n; y++)
      for (uint32_t x = 0; x < t[2].n; x++) {
        const int64_t iz = t[0].index[z], iy = t[1].index[y], ix = t[2].index[x];
        if (iz < 0 || iy < 0 || ix < 0) continue;
        const uint64_t row = (uint64_t)iz * s->in[s->dims - 2] + (uint64_t)iy;
        sum += plane[row * s->in[s->dims - 1] + (uint64_t)ix] *
               (t[0].weight[z] * t[1].weight[y] * t[2].weight[x]);
      }
  return sum;
}

bool grid_sample_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *grid = op_tensor(c, GRID);
  struct sampling s;
  if (!sampling_read(c, &s)) return false;
  const uint64_t channels = x->size[1], plane = x->numel / (x->size[0] * channels);
  const uint64_t points = c->out->numel / (x->size[0] * channels);
  for (uint64_t b = 0; b < x->size[0]; b++)
    for (uint64_t p = 0; p < points; p++) {
      struct taps t[AXES] = {{.n = 1, .weight = {1}}};
      const float *place = ft_f32(grid) + (b * points + p) * s.dims;
      for (uint32_t i = 0; i < s.dims; i++) find_taps(&s, i, place[s.dims - 1 - i], &t[AXES - s.dims + i]);
      for (uint64_t k = 0; k < channels; k++)
        ft_f32_out(c->out)[(b * channels + k) * points + p] =
            sample(ft_f32(x) + (b * channels + k) * plane, &s, t);
    }
  return true;
}
