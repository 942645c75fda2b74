/* Parameters computed from others: weight_norm and spectral_norm in evaluation. */
#include "forward/families.h"

#include <math.h>

/* A tensor as (before, n, after) around one dimension; all of it as n when dim is -1. */
struct around {
  uint64_t before, n, after;
};

static struct around split(const struct ftensor *t, int64_t dim) {
  struct around a = {1, 1, 1};
  for (uint32_t i = 0; i < t->ndim; i++) {
    if (dim >= 0 && i < dim)
      a.before *= t->size[i];
    else if (i == dim)
      a.n = t->size[i];
    else
      a.after *= t->size[i];
  }
  return a;
}

/* ---- _weight_norm(v, g, dim): g * v / |v|, the norm over all dimensions but `dim` (-1: over all) ---- */

enum { WN_V, WN_G, WN_DIM };

bool _weight_norm_shape(struct op_call *c) {
  const struct ftensor *v = op_tensor(c, WN_V), *g = op_tensor(c, WN_G);
  const int64_t dim = c->arg[WN_DIM].i;
  if (!op_wants_f32(c, "v", v) || !op_wants_f32(c, "g", g)) return false;
  if (dim < -1 || dim >= (int64_t)v->ndim)
    return op_error(c, "dim %lld of %s", (long long)dim, ft_shape_text(c->arena, v));
  if (g->numel != (dim < 0 ? 1 : v->size[dim]))
    return op_error(c, "g %s for v %s and dim %lld", ft_shape_text(c->arena, g), ft_shape_text(c->arena, v),
                    (long long)dim);
  return shape_like_input(c);
}

uint64_t reparam_cost(const struct op_call *c) { return saturating_mul(4, c->out->numel); }

bool _weight_norm_run(struct op_call *c) {
  const struct around a = split(op_tensor(c, WN_V), c->arg[WN_DIM].i);
  const float *v = ft_f32(op_tensor(c, WN_V));
  float *out = ft_f32_out(c->out);
  for (uint64_t k = 0; k < a.n; k++) {
    double squares = 0;
    for (uint64_t at = k * a.after; at < c->out->numel; at += a.n * a.after)
      for (uint64_t i = 0; i < a.after; i++) squares += (double)v[at + i] * (double)v[at + i];
    const float scale = (float)((double)ft_f32(op_tensor(c, WN_G))[k] / sqrt(squares));
    for (uint64_t at = k * a.after; at < c->out->numel; at += a.n * a.after)
      for (uint64_t i = 0; i < a.after; i++) out[at + i] = v[at + i] * scale;
  }
  return true;
}

/* ---- _spectral_norm(weight, u, v, dim): weight / (u · W v), W the weight as a matrix of `dim` by all
 * others; evaluation takes the vectors as they were saved ---- */

enum { SN_WEIGHT, SN_U, SN_V, SN_DIM };

bool _spectral_norm_shape(struct op_call *c) {
  const struct ftensor *w = op_tensor(c, SN_WEIGHT), *u = op_tensor(c, SN_U), *v = op_tensor(c, SN_V);
  const int64_t dim = c->arg[SN_DIM].i;
  if (!op_wants_f32(c, "weight", w) || !op_wants_f32(c, "u", u) || !op_wants_f32(c, "v", v)) return false;
  if (dim < 0 || dim >= (int64_t)w->ndim)
    return op_error(c, "dim %lld of %s", (long long)dim, ft_shape_text(c->arena, w));
  const struct around a = split(w, dim);
  if (u->numel != a.n || v->numel != a.before * a.after)
    return op_error(c, "u %s and v %s for %s and dim %lld", ft_shape_text(c->arena, u),
                    ft_shape_text(c->arena, v), ft_shape_text(c->arena, w), (long long)dim);
  return shape_like_input(c);
}

bool _spectral_norm_run(struct op_call *c) {
  const struct around a = split(op_tensor(c, SN_WEIGHT), c->arg[SN_DIM].i);
  const float *w = ft_f32(op_tensor(c, SN_WEIGHT)), *u = ft_f32(op_tensor(c, SN_U)),
              *v = ft_f32(op_tensor(c, SN_V));
  double sigma = 0;
  for (uint64_t b = 0, at = 0; b < a.before; b++)
    for (uint64_t k = 0; k < a.n; k++)
      for (uint64_t i = 0; i < a.after; i++, at++)
        sigma += (double)u[k] * (double)w[at] * (double)v[b * a.after + i];
  for (uint64_t i = 0; i < c->out->numel; i++) ft_f32_out(c->out)[i] = w[i] / (float)sigma;
  return true;
}
