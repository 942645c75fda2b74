/* How far two tensors are apart along one dimension: cosine_similarity, pairwise_distance. */
#include "forward/broadcast.h"
#include "forward/families.h"

#include <math.h>

enum { X1, X2 };
enum { COS_DIM = 2, COS_EPS };
enum { PAIR_P = 2, PAIR_EPS, PAIR_KEEPDIM };

static bool both(struct op_call *c, struct broadcast *b) {
  const struct ftensor *x = op_tensor(c, X1), *y = op_tensor(c, X2);
  return op_wants_f32(c, "the first input", x) && op_wants_f32(c, "the second input", y) &&
         broadcast_with(c, b, x) && broadcast_with(c, b, y);
}

/* The shape without dimension `dim`, or with one element there. */
static bool reduced(struct op_call *c, struct broadcast *b, uint32_t dim, bool keep) {
  uint32_t n = b->ndim;
  if (keep && n)
    b->size[dim] = 1;
  else if (n) {
    for (uint32_t i = dim; i + 1 < n; i++) b->size[i] = b->size[i + 1];
    n--;
  }
  return op_result(c, FT_F32, b->size, n);
}

bool cosine_similarity_shape(struct op_call *c) {
  struct broadcast b = {0};
  uint32_t dim;
  return both(c, &b) && op_axis(c, c->arg[COS_DIM].i, b.ndim, &dim) && reduced(c, &b, dim, false);
}

bool pairwise_distance_shape(struct op_call *c) {
  struct broadcast b = {0};
  if (!both(c, &b)) return false;
  if (b.ndim == 0) return op_error(c, "two tensors of no dimensions");
  return reduced(c, &b, b.ndim - 1, c->arg[PAIR_KEEPDIM].i != 0);
}

uint64_t distance_cost(const struct op_call *c) {
  return saturating_mul(
      4, saturating_add(saturating_add(op_tensor(c, X1)->numel, op_tensor(c, X2)->numel), c->out->numel));
}

/* Two lines of n elements, `step` apart. */
typedef float line_fn(const struct op_call *c, const float *a, const float *b, uint64_t n, uint64_t step);

static float cosine(const struct op_call *c, const float *a, const float *b, uint64_t n, uint64_t step) {
  double dot = 0, aa = 0, bb = 0;
  const double eps = op_number(c, COS_EPS);
  for (uint64_t i = 0; i < n * step; i += step) {
    dot += (double)a[i] * (double)b[i];
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
  }
  return (float)(dot / (fmax(sqrt(aa), eps) * fmax(sqrt(bb), eps)));
}

/* The p-norm of a - b + eps. */
static float distance(const struct op_call *c, const float *a, const float *b, uint64_t n, uint64_t step) {
  const double p = op_number(c, PAIR_P), eps = op_number(c, PAIR_EPS);
  double sum = 0, most = 0, least = HUGE_VAL;
  for (uint64_t i = 0; i < n * step; i += step) {
    const double d = fabs((double)(a[i] - b[i]) + eps);
    sum += p == 0 ? d != 0 : p == 1 ? d : p == 2 ? d * d : isinf(p) ? 0 : pow(d, p);
    most = d > most || isnan(d) ? d : most;
    least = d < least || isnan(d) ? d : least;
  }
  if (isinf(p)) return (float)(p > 0 ? most : least);
  return (float)(p == 0 || p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / p));
}

/* Both inputs in the broadcast shape, one behind the other. NULL: no memory. */
static float *spread(struct op_call *c, const struct broadcast *b, uint64_t count) {
  float *copies = fpool_take(c->pool, saturating_mul(count, 2 * sizeof *copies));
  for (uint32_t i = 0; copies && count && i < 2; i++) {
    struct strided v;
    broadcast_view(&v, op_tensor(c, i), b->ndim, b->size);
    strided_copy(copies + i * count, op_tensor(c, i), &v);
  }
  return copies;
}

static bool each_line(struct op_call *c, const struct broadcast *b, uint32_t dim, line_fn *line) {
  uint64_t inner = 1, count = 1;
  for (uint32_t i = 0; i < b->ndim; i++) {
    if (b->size[i] == 0) count = 0;
    if (count) count *= b->size[i];
    if (i > dim && count) inner *= b->size[i];
  }
  if (c->out->numel == 0) return true;
  const uint64_t n = b->ndim ? b->size[dim] : 1;
  float *a = spread(c, b, count);
  if (!a) return op_no_memory(c);
  for (uint64_t i = 0; i < c->out->numel; i++) {
    const uint64_t at = i / inner * n * inner + i % inner;
    ft_f32_out(c->out)[i] = line(c, a + at, a + count + at, n, inner);
  }
  fpool_give(c->pool, a);
  return true;
}

bool cosine_similarity_run(struct op_call *c) {
  struct broadcast b = {0};
  uint32_t dim;
  return both(c, &b) && op_axis(c, c->arg[COS_DIM].i, b.ndim, &dim) && each_line(c, &b, dim, cosine);
}

bool pairwise_distance_run(struct op_call *c) {
  struct broadcast b = {0};
  return both(c, &b) && each_line(c, &b, b.ndim - 1, distance);
}
