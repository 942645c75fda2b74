/* argsort(x, dim, descending): stable, by merging; a NaN is the greatest. */
#include <math.h>

#include "forward/families.h"

enum { INPUT, DIM, DESCENDING };

bool argsort_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t axis;
  return op_axis(c, c->arg[DIM].i, x->ndim, &axis) && op_result(c, FT_I64, x->size, x->ndim);
}

/* n log n; the logarithm is below 64. */
uint64_t argsort_cost(const struct op_call *c) { return saturating_mul(64, c->out->numel); }

struct line {
  const struct ftensor *t;
  uint64_t start, step;
  bool descending;
};

/* Element a stands in front of element b: may it stay there? */
static bool may_stay(const struct line *l, int64_t a, int64_t b) {
  const uint64_t i = l->start + (uint64_t)a * l->step, k = l->start + (uint64_t)b * l->step;
  if (l->t->type == FT_F32) {
    const float x = ft_f32(l->t)[i], y = ft_f32(l->t)[k];
    return l->descending ? isnan(x) || x >= y : isnan(y) || x <= y;
  }
  const bool is_bool = l->t->type == FT_BOOL;
  const int64_t x = is_bool ? ft_bool(l->t)[i] : ft_i64(l->t)[i],
                y = is_bool ? ft_bool(l->t)[k] : ft_i64(l->t)[k];
  return l->descending ? x >= y : x <= y;
}

/* Merges sorted runs of `width` elements from one array to the other. */
static void merge_runs(const struct line *l, const int64_t *from, int64_t *to, uint64_t n, uint64_t width) {
  for (uint64_t start = 0; start < n; start += 2 * width) {
    const uint64_t middle = min_u64(start + width, n), end = min_u64(start + 2 * width, n);
    uint64_t a = start, b = middle;
    for (uint64_t i = start; i < end; i++) {
      const bool first = a < middle && (b == end || may_stay(l, from[a], from[b]));
      to[i] = first ? from[a] : from[b];
      a += first;
      b += !first;
    }
  }
}

/* order and other have n elements each. */
static void sort_line(const struct line *l, int64_t *order, int64_t *other, uint64_t n, int64_t *out) {
  for (uint64_t i = 0; i < n; i++) order[i] = (int64_t)i;
  for (uint64_t width = 1; width < n; width *= 2) {
    merge_runs(l, order, other, n, width);
    int64_t *sorted = other;
    other = order;
    order = sorted;
  }
  for (uint64_t i = 0; i < n; i++) out[l->start + i * l->step] = order[i];
}

bool argsort_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint32_t axis;
  uint64_t inner = 1;
  if (!op_axis(c, c->arg[DIM].i, x->ndim, &axis)) return false;
  if (x->numel == 0) return true;
  const uint64_t n = x->ndim ? x->size[axis] : 1;
  for (uint32_t i = axis + 1; i < x->ndim; i++) inner *= x->size[i];
  int64_t *order = fpool_take(c->pool, 2 * n * sizeof *order);
  if (!order) return op_no_memory(c);
  for (uint64_t block = 0; block < x->numel; block += n * inner)
    for (uint64_t i = 0; i < inner; i++) {
      const struct line l = {x, block + i, inner, c->arg[DESCENDING].i != 0};
      sort_line(&l, order, order + n, n, ft_i64_out(c->out));
    }
  fpool_give(c->pool, order);
  return true;
}
