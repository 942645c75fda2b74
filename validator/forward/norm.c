/* Normalizations whose statistics come from the input: layer, group, instance (where it tracks nothing), RMS,
 * local response. Means and variances are summed in double. */
#include "forward/norm.h"

#include <float.h>
#include <math.h>

enum { INPUT };

/* ---- layer_norm, rms_norm: over the last dimensions ---- */

enum { NORMALIZED_SHAPE = 1, WEIGHT, BIAS, LAYER_EPS };
enum { RMS_EPS = 3, RMS_ADD_ONE };

/* Elements that are normalized together: the last dimensions of the input must be normalized_shape, and a
 * weight or bias has that shape too. 0: an error. */
static bool last_dims(struct op_call *c, const struct ftensor *affine[2], uint64_t *together) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const struct op_value *shape = &c->arg[NORMALIZED_SHAPE];
  const int64_t *want = shape->kind == OPV_INT ? &shape->i : shape->ints;
  const uint32_t n = shape->kind == OPV_INT ? 1 : shape->n;
  if (n == 0) return op_error(c, "normalized_shape is empty");
  *together = 1;
  for (uint32_t i = 0; i < n; i++) {
    const uint64_t size = n <= x->ndim ? x->size[x->ndim - n + i] : 0;
    if (n > x->ndim || want[i] < 0 || (uint64_t)want[i] != size)
      return op_error(c, "input %s does not end in normalized_shape", ft_shape_text(c->arena, x));
    *together *= size;
  }
  for (uint32_t k = 0; k < 2; k++) {
    bool same = !affine[k] || affine[k]->ndim == n;
    for (uint32_t i = 0; same && affine[k] && i < n; i++) same = affine[k]->size[i] == (uint64_t)want[i];
    if (!same)
      return op_error(c, "%s %s is not of normalized_shape", k ? "bias" : "weight",
                      ft_shape_text(c->arena, affine[k]));
    if (affine[k] && !op_wants_f32(c, k ? "bias" : "weight", affine[k])) return false;
  }
  return true;
}

bool layer_norm_shape(struct op_call *c) {
  const struct ftensor *affine[] = {op_tensor_or_null(c, WEIGHT), op_tensor_or_null(c, BIAS)};
  uint64_t together;
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && last_dims(c, affine, &together) &&
         shape_like_input(c);
}

bool rms_norm_shape(struct op_call *c) {
  const struct ftensor *affine[] = {op_tensor_or_null(c, WEIGHT), NULL};
  uint64_t together;
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && last_dims(c, affine, &together) &&
         shape_like_input(c);
}

uint64_t norm_cost(const struct op_call *c) { return saturating_mul(6, c->out->numel); }

struct moments norm_moments(const float *in, uint64_t n, double eps) {
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < n; i++) sum += (double)in[i];
  const double mean = sum / (double)n;
  for (uint64_t i = 0; i < n; i++) squares += ((double)in[i] - mean) * ((double)in[i] - mean);
  return (struct moments){mean, 1 / sqrt(squares / (double)n + eps)};
}

bool layer_norm_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *w = op_tensor_or_null(c, WEIGHT),
                       *b = op_tensor_or_null(c, BIAS);
  const struct ftensor *affine[] = {w, b};
  uint64_t n;
  if (!last_dims(c, affine, &n)) return false;
  const float *in = ft_f32(x);
  float *out = ft_f32_out(c->out);
  for (uint64_t at = 0; at < x->numel; at += n, in += n, out += n) {
    const struct moments m = norm_moments(in, n, op_number(c, LAYER_EPS));
    const float mean = (float)m.mean, scale = (float)m.scale;
    for (uint64_t i = 0; i < n; i++) out[i] = (in[i] - mean) * scale;
    for (uint64_t i = 0; w && i < n; i++) out[i] *= ft_f32(w)[i];
    for (uint64_t i = 0; b && i < n; i++) out[i] += ft_f32(b)[i];
  }
  return true;
}

/* torch 2.4: eps=None is the smallest step of float32. add_one: Gemma's weights are stored less one. */
bool rms_norm_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *w = op_tensor_or_null(c, WEIGHT);
  const struct ftensor *affine[] = {w, NULL};
  const double eps = c->arg[RMS_EPS].kind == OPV_NONE ? (double)FLT_EPSILON : op_number(c, RMS_EPS);
  const float one = c->arg[RMS_ADD_ONE].i ? 1 : 0;
  uint64_t n;
  if (!last_dims(c, affine, &n)) return false;
  const float *in = ft_f32(x);
  float *out = ft_f32_out(c->out);
  for (uint64_t at = 0; at < x->numel; at += n, in += n, out += n) {
    double squares = 0;
    for (uint64_t i = 0; i < n; i++) squares += (double)in[i] * (double)in[i];
    const float scale = (float)(1 / sqrt(squares / (double)n + eps));
    for (uint64_t i = 0; i < n; i++) out[i] = in[i] * scale;
    for (uint64_t i = 0; w && i < n; i++) out[i] *= ft_f32(w)[i] + one;
  }
  return true;
}

/* ---- group_norm: over the channels of a group and all places ---- */

enum { NUM_GROUPS = 1, GROUP_EPS = 4 };

bool norm_affine(struct op_call *c, const char *name, const struct ftensor *t, uint64_t channels) {
  if (!t) return true;
  if (!op_wants_f32(c, name, t)) return false;
  return (t->ndim == 1 && t->size[0] == channels) ||
         op_error(c, "%s %s, expected [%llu]", name, ft_shape_text(c->arena, t),
                  (unsigned long long)channels);
}

bool group_norm_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const int64_t groups = c->arg[NUM_GROUPS].i;
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim < 2)
    return op_error(c, "input %s, expected [batch, channels, ...]", ft_shape_text(c->arena, x));
  if (groups < 1 || x->size[1] % (uint64_t)groups)
    return op_error(c, "%llu channels can't be split into %lld groups", (unsigned long long)x->size[1],
                    (long long)groups);
  if (x->numel / (uint64_t)groups == 1) return op_error(c, "statistics of a group with one value");
  return norm_affine(c, "weight", op_tensor_or_null(c, WEIGHT), x->size[1]) &&
         norm_affine(c, "bias", op_tensor_or_null(c, BIAS), x->size[1]) && shape_like_input(c);
}

uint64_t norm_area(const struct ftensor *x) {
  uint64_t area = 1;
  for (uint32_t i = 2; i < x->ndim; i++) area *= x->size[i];
  return area;
}

void norm_by_groups(struct op_call *c, const struct group_norm *g) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (x->numel == 0) return;
  const uint64_t n = g->channels / g->groups * g->area;
  const float *in = ft_f32(x);
  float *out = ft_f32_out(c->out);
  for (uint64_t first = 0, at = 0; at < x->numel; at += n) {
    const struct moments m = norm_moments(in, n, g->eps);
    for (uint64_t k = 0; k < n; k += g->area, first = first + 1 == g->channels ? 0 : first + 1) {
      const float mean = (float)m.mean, bias = g->bias ? ft_f32(g->bias)[first] : 0;
      const float scale = (float)m.scale * (g->weight ? ft_f32(g->weight)[first] : 1);
      for (uint64_t i = 0; i < g->area; i++) *out++ = (*in++ - mean) * scale + bias;
    }
  }
}

bool group_norm_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  norm_by_groups(c, &(struct group_norm){.channels = x->size[1],
                                         .groups = (uint64_t)c->arg[NUM_GROUPS].i,
                                         .area = norm_area(x),
                                         .weight = op_tensor_or_null(c, WEIGHT),
                                         .bias = op_tensor_or_null(c, BIAS),
                                         .eps = op_number(c, GROUP_EPS)});
  return true;
}

/* ---- local_response_norm: over the channels next to each ---- */

enum { LRN_SIZE = 1, LRN_ALPHA, LRN_BETA, LRN_K };

bool local_response_norm_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim < 3) return op_error(c, "input %s, expected at least 3 dimensions", ft_shape_text(c->arena, x));
  if (c->arg[LRN_SIZE].i < 1 || c->arg[LRN_SIZE].i > INT32_MAX)
    return op_error(c, "size is %lld, expected at least 1", (long long)c->arg[LRN_SIZE].i);
  return shape_like_input(c);
}

uint64_t local_response_norm_cost(const struct op_call *c) {
  return saturating_mul((uint64_t)c->arg[LRN_SIZE].i, c->out->numel);
}

/* A window of `size` channels, size/2 of them in front; its sum is divided by `size` at the edges too. */
bool local_response_norm_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const uint64_t channels = x->size[1], area = norm_area(x), size = (uint64_t)c->arg[LRN_SIZE].i;
  const double alpha = op_number(c, LRN_ALPHA) / (double)size, beta = op_number(c, LRN_BETA);
  if (x->numel == 0) return true;
  for (uint64_t at = 0; at < x->numel; at += area) {
    const uint64_t ch = at / area % channels;
    const uint64_t first = ch - min_u64(ch, size / 2), end = min_u64(channels, ch + (size - 1) / 2 + 1);
    for (uint64_t i = 0; i < area; i++) {
      double sum = 0;
      const float *in = ft_f32(x) + at + i;
      for (const float *p = in - (ch - first) * area; p < in + (end - ch) * area; p += area)
        sum += (double)*p * (double)*p;
      ft_f32_out(c->out)[at + i] = (float)((double)*in / pow(op_number(c, LRN_K) + alpha * sum, beta));
    }
  }
  return true;
}
