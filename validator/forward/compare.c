#include "forward/compare.h"

#include <math.h>

double ft_real(const struct ftensor *t, uint64_t i) {
  switch (t->type) {
  case FT_F32: return (double)ft_f32(t)[i];
  case FT_I64: return (double)ft_i64(t)[i];
  case FT_BOOL: return ft_bool(t)[i];
  }
  return 0;
}

/* How far apart: 0 for equal infinities and for two NaNs, infinity where only one is finite. */
static double distance(double y, double g) {
  if (isnan(y) || isnan(g)) return isnan(y) && isnan(g) ? 0 : HUGE_VAL;
  if (isinf(y) || isinf(g)) return y == g ? 0 : HUGE_VAL;
  return fabs(y - g);
}

static void compare_one(struct comparison *c, uint64_t i, double y, double g, double *worst_excess) {
  double d = distance(y, g), allowed = isfinite(g) ? c->atol + c->rtol * fabs(g) : 0;
  if (d > allowed) c->outside++;
  if (d > c->max_abs) c->max_abs = d;
  if (g != 0 && isfinite(g) && d / fabs(g) > c->max_rel) c->max_rel = d / fabs(g);
  double excess = d - allowed;
  if (i > 0 && !(excess > *worst_excess)) return;
  *worst_excess = excess;
  c->worst = i;
  c->worst_got = y;
  c->worst_want = g;
}

static uint64_t row_length(const struct ftensor *y) { return y->ndim ? y->size[y->ndim - 1] : 1; }

/* First of the largest elements; a NaN counts as the largest, as in PyTorch. */
static uint64_t argmax(const struct ftensor *y, uint64_t at, uint64_t n) {
  uint64_t best = 0;
  for (uint64_t i = 1; i < n; i++) {
    double v = ft_real(y, at + i), b = ft_real(y, at + best);
    if (v > b || (isnan(v) && !isnan(b))) best = i;
  }
  return best;
}

static uint64_t argmax_array(const struct farray *g, uint64_t at, uint64_t n) {
  uint64_t best = 0;
  for (uint64_t i = 1; i < n; i++) {
    double v = farray_real(g, at + i), b = farray_real(g, at + best);
    if (v > b || (isnan(v) && !isnan(b))) best = i;
  }
  return best;
}

void compare_values(struct comparison *out, const struct ftensor *y, const struct farray *golden, double rtol,
                    double atol) {
  *out = (struct comparison){.rtol = rtol, .atol = atol, .same_shape = ft_same_shape(y, &golden->shape)};
  if (!out->same_shape) return;
  double worst_excess = 0;
  out->count = y->numel;
  for (uint64_t i = 0; i < y->numel; i++)
    compare_one(out, i, ft_real(y, i), farray_real(golden, i), &worst_excess);
  const uint64_t n = row_length(y);
  for (uint64_t at = 0; at < y->numel; at += n, out->rows++)
    if (argmax(y, at, n) == argmax_array(golden, at, n)) out->rows_agree++;
}

void compare_argmax(struct comparison *out, const struct ftensor *y, const struct farray *classes) {
  const uint64_t n = row_length(y), rows = n ? y->numel / n : 0;
  *out = (struct comparison){.same_shape = classes->shape.numel == rows, .count = rows, .rows = rows};
  for (uint64_t r = 0; out->same_shape && r < rows; r++) {
    uint64_t got = argmax(y, r * n, n);
    double want = farray_real(classes, r);
    if (want >= 0 && (double)got == want) {
      out->rows_agree++;
      continue;
    }
    if (out->outside++ == 0) {
      out->worst = r;
      out->worst_got = (double)got;
      out->worst_want = want;
    }
  }
}
