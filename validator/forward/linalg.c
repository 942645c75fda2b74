/* Square matrices, one behind the other in the last two dimensions: determinants, inverses, systems of
 * equations, Cholesky factors. By elimination with row exchanges, in double. */
#include <math.h>

#include "forward/families.h"

enum { A, B };

/* A copy of one matrix in double, and the sign of its row exchanges. */
struct square {
  double *m;
  uint64_t n;
  double sign;
};

static bool wants_square(struct op_call *c, const struct ftensor *t) {
  if (!op_wants_f32(c, "the matrix", t)) return false;
  return (t->ndim >= 2 && t->size[t->ndim - 1] == t->size[t->ndim - 2]) ||
         op_error(c, "%s is no square matrix", ft_shape_text(c->arena, t));
}
static uint64_t matrices(const struct ftensor *t) {
  uint64_t n = 1;
  for (uint32_t i = 0; i + 2 < t->ndim; i++) n *= t->size[i];
  return n;
}

uint64_t linalg_cost(const struct op_call *c) {
  const struct ftensor *a = op_tensor(c, A);
  const uint64_t n = a->size[a->ndim - 1], wide = c->out->ndim ? c->out->size[c->out->ndim - 1] : 1;
  return saturating_mul(saturating_mul(saturating_mul(n, n), saturating_add(n, wide)), matrices(a));
}

static void load(struct square *s, const struct ftensor *t, uint64_t i) {
  const float *from = ft_f32(t) + i * s->n * s->n;
  for (uint64_t k = 0; k < s->n * s->n; k++) s->m[k] = (double)from[k];
  s->sign = 1;
}

static void swap_rows(double *m, uint64_t width, uint64_t a, uint64_t b) {
  for (uint64_t k = 0; k < width; k++) {
    const double held = m[a * width + k];
    m[a * width + k] = m[b * width + k];
    m[b * width + k] = held;
  }
}

/* Leaves U above and on the diagonal; does to the `width` columns of `beside` what it does to the rows.
 * False: singular. */
static bool eliminate(struct square *s, double *beside, uint64_t width) {
  const uint64_t n = s->n;
  for (uint64_t k = 0; k < n; k++) {
    uint64_t pivot = k;
    for (uint64_t i = k + 1; i < n; i++)
      if (fabs(s->m[i * n + k]) > fabs(s->m[pivot * n + k])) pivot = i;
    if (fabs(s->m[pivot * n + k]) <= 0) return false;
    if (pivot != k) {
      swap_rows(s->m, n, pivot, k);
      swap_rows(beside, width, pivot, k);
      s->sign = -s->sign;
    }
    for (uint64_t i = k + 1; i < n; i++) {
      const double factor = s->m[i * n + k] / s->m[k * n + k];
      for (uint64_t j = k; j < n; j++) s->m[i * n + j] -= factor * s->m[k * n + j];
      for (uint64_t j = 0; j < width; j++) beside[i * width + j] -= factor * beside[k * width + j];
    }
  }
  return true;
}

/* ---- determinants ---- */

static bool matrix_wise_shape(struct op_call *c) {
  const struct ftensor *a = op_tensor(c, A);
  return wants_square(c, a) && op_result(c, FT_F32, a->size, a->ndim - 2);
}
bool det_shape(struct op_call *c) { return matrix_wise_shape(c); }

typedef float determinant_fn(const struct square *s, bool singular);

static bool determinants(struct op_call *c, determinant_fn *f) {
  const struct ftensor *a = op_tensor(c, A);
  struct square s = {.n = a->size[a->ndim - 1]};
  s.m = fpool_take(c->pool, (s.n * s.n + 1) * sizeof *s.m);
  if (!s.m) return op_no_memory(c);
  for (uint64_t i = 0; i < c->out->numel; i++) {
    load(&s, a, i);
    const bool singular = !eliminate(&s, NULL, 0);
    ft_f32_out(c->out)[i] = f(&s, singular);
  }
  fpool_give(c->pool, s.m);
  return true;
}

static float determinant(const struct square *s, bool singular) {
  double d = s->sign;
  for (uint64_t k = 0; k < s->n; k++) d *= s->m[k * s->n + k];
  return singular ? 0 : (float)d;
}
static float determinant_sign(const struct square *s, bool singular) {
  double d = s->sign;
  for (uint64_t k = 0; k < s->n; k++) d *= s->m[k * s->n + k] < 0 ? -1 : 1;
  return singular ? 0 : (float)d;
}
static float determinant_log(const struct square *s, bool singular) {
  double d = 0;
  for (uint64_t k = 0; k < s->n; k++) d += log(fabs(s->m[k * s->n + k]));
  return singular ? (float)-HUGE_VAL : (float)d;
}
bool det_run(struct op_call *c) { return determinants(c, determinant); }
bool det_sign_run(struct op_call *c) { return determinants(c, determinant_sign); }
bool det_log_run(struct op_call *c) { return determinants(c, determinant_log); }

/* ---- solve(A, B): A X = B ---- */

/* Batches don't broadcast here; B is a matrix, or, as torch has it, one vector for each matrix. */
static bool is_vectors(const struct ftensor *a, const struct ftensor *b) {
  if (b->ndim == 1) return true;
  bool same = b->ndim + 1 == a->ndim;
  for (uint32_t i = 0; same && i < b->ndim; i++) same = a->size[i] == b->size[i];
  return same;
}
bool solve_shape(struct op_call *c) {
  const struct ftensor *a = op_tensor(c, A), *b = op_tensor(c, B);
  if (!wants_square(c, a) || !op_wants_f32(c, "the right side", b)) return false;
  bool same = is_vectors(a, b) ? b->ndim + 1 == a->ndim : b->ndim == a->ndim;
  if (b->ndim == 0 || b->size[is_vectors(a, b) ? b->ndim - 1 : b->ndim - 2] != a->size[a->ndim - 1])
    return op_error(c, "%s beside %s", ft_shape_text(c->arena, a), ft_shape_text(c->arena, b));
  for (uint32_t i = 0; same && i + 2 < a->ndim; i++) same = a->size[i] == b->size[i];
  if (!same)
    return op_unsupported(c, "batches that broadcast: %s beside %s", ft_shape_text(c->arena, a),
                          ft_shape_text(c->arena, b));
  return op_result(c, FT_F32, b->size, b->ndim);
}

static void substitute(const struct square *s, double *x, uint64_t width) {
  for (uint64_t left = s->n; left > 0; left--) {
    uint64_t k = left - 1;
    for (uint64_t j = 0; j < width; j++) {
      double v = x[k * width + j];
      for (uint64_t i = left; i < s->n; i++) v -= s->m[k * s->n + i] * x[i * width + j];
      x[k * width + j] = v / s->m[k * s->n + k];
    }
  }
}

/* The right side is b's, or with NULL the identity. */
static bool solved(struct op_call *c, const struct ftensor *b) {
  const struct ftensor *a = op_tensor(c, A);
  struct square s = {.n = a->size[a->ndim - 1]};
  const uint64_t width = c->out->numel / (matrices(a) * s.n), size = s.n * width;
  s.m = fpool_take(c->pool, (s.n * s.n + size) * sizeof *s.m);
  if (!s.m) return op_no_memory(c);
  double *x = s.m + s.n * s.n;
  bool done = true;
  for (uint64_t i = 0; done && i < matrices(a); i++) {
    load(&s, a, i);
    for (uint64_t k = 0; k < size; k++) x[k] = b ? (double)ft_f32(b)[i * size + k] : k / width == k % width;
    done = eliminate(&s, x, width);
    if (done) substitute(&s, x, width);
    for (uint64_t k = 0; done && k < size; k++) ft_f32_out(c->out)[i * size + k] = (float)x[k];
  }
  fpool_give(c->pool, s.m);
  return done || op_error(c, "a matrix is singular");
}
bool solve_run(struct op_call *c) { return solved(c, op_tensor(c, B)); }

bool inverse_shape(struct op_call *c) { return wants_square(c, op_tensor(c, A)) && shape_like_input(c); }
bool inverse_run(struct op_call *c) { return solved(c, NULL); }

/* ---- cholesky(A, upper): L with A = L Lᵀ, from the lower triangle, or Lᵀ from the upper one ---- */

static bool cholesky_factor(struct square *s, bool upper) {
  const uint64_t n = s->n;
  for (uint64_t i = 0; i < n; i++)
    for (uint64_t j = 0; j <= i; j++) {
      double v = upper ? s->m[j * n + i] : s->m[i * n + j]; /* the other triangle becomes L */
      for (uint64_t k = 0; k < j; k++) v -= s->m[i * n + k] * s->m[j * n + k];
      if (i == j && !(v > 0)) return false;
      s->m[i * n + j] = i == j ? sqrt(v) : v / s->m[j * n + j];
    }
  return true;
}
bool cholesky_run(struct op_call *c) {
  enum { UPPER = 1 };
  const struct ftensor *a = op_tensor(c, A);
  struct square s = {.n = a->size[a->ndim - 1]};
  const bool upper = c->arg[UPPER].i != 0;
  s.m = fpool_take(c->pool, s.n * s.n * sizeof *s.m);
  if (!s.m) return op_no_memory(c);
  bool done = true;
  for (uint64_t i = 0; done && i < matrices(a); i++) {
    load(&s, a, i);
    done = cholesky_factor(&s, upper);
    float *out = ft_f32_out(c->out) + i * s.n * s.n;
    for (uint64_t y = 0; done && y < s.n; y++)
      for (uint64_t x = 0; x < s.n; x++)
        out[upper ? x * s.n + y : y * s.n + x] = x <= y ? (float)s.m[y * s.n + x] : 0;
  }
  fpool_give(c->pool, s.m);
  return done || op_error(c, "a matrix is not positive definite");
}
