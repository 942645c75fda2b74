/* Matrix products. */
#include "forward/families.h"

enum { INPUT, WEIGHT, BIAS, OTHER = 1 };

/* ---- linear: input (…, in) · weightᵀ (out, in) + bias (out) ---- */

bool linear_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *w = op_tensor(c, WEIGHT), *b = op_tensor_or_null(c, BIAS);
  if (!op_wants_f32(c, "input", x) || !op_wants_f32(c, "weight", w) || (b && !op_wants_f32(c, "bias", b)))
    return false;
  if (w->ndim != 2) return op_error(c, "weight %s, expected 2 dimensions", ft_shape_text(c->arena, w));
  if (x->ndim == 0 || x->size[x->ndim - 1] != w->size[1])
    return op_error(c, "input %s does not end in %llu, as weight %s wants", ft_shape_text(c->arena, x),
                    (unsigned long long)w->size[1], ft_shape_text(c->arena, w));
  if (b && (b->ndim != 1 || b->size[0] != w->size[0]))
    return op_error(c, "bias %s, expected [%llu]", ft_shape_text(c->arena, b),
                    (unsigned long long)w->size[0]);
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, x->size, sizeof size);
  size[x->ndim - 1] = w->size[0];
  return op_result(c, FT_F32, size, x->ndim);
}

uint64_t linear_cost(const struct op_call *c) {
  return saturating_mul(saturating_mul(2, op_tensor(c, WEIGHT)->size[1]), c->out->numel);
}

static bool too_wide(struct op_call *c) {
  return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
}

bool linear_run(struct op_call *c) {
  const struct ftensor *w = op_tensor(c, WEIGHT), *bias = op_tensor_or_null(c, BIAS);
  const uint64_t out = w->size[0], in = w->size[1];
  if (c->out->numel == 0) return true;
  const uint64_t rows = c->out->numel / out;
  float *y = ft_f32_out(c->out);
  if (!gemm_multiply(c->gemm, rows, out, in, (struct gemm_operand){ft_f32(op_tensor(c, INPUT)), in, false},
                     (struct gemm_operand){ft_f32(w), in, true}, y, out))
    return too_wide(c);
  for (uint64_t r = 0; bias && r < rows; r++)
    for (uint64_t i = 0; i < out; i++) y[r * out + i] += ft_f32(bias)[i];
  return true;
}

/* ---- matmul: (…, m, k) · (…, k, n); batch dimensions broadcast ---- */

/* A vector is a row on the left and a column on the right. */

struct product {
  uint64_t m, n, k;
  uint32_t batch_dims;
  uint64_t batch[FT_DIMS];                   /* of the result */
  uint64_t step_a[FT_DIMS], step_b[FT_DIMS]; /* matrices to move on; 0 where the operand is broadcast */
};

/* The batch size of dimension i (from the left of the result) of an operand, and 1 where it has none. */
static uint64_t batch_size(const struct ftensor *t, uint32_t batch_dims, uint32_t i) {
  uint32_t own = t->ndim > 2 ? t->ndim - 2 : 0;
  return i < batch_dims - own ? 1 : t->size[i - (batch_dims - own)];
}

static void batch_steps(const struct ftensor *t, uint32_t batch_dims, uint64_t *step) {
  uint64_t matrices = 1;
  for (uint32_t i = batch_dims; i > 0; i--) {
    uint64_t n = batch_size(t, batch_dims, i - 1);
    step[i - 1] = n == 1 ? 0 : matrices;
    matrices *= n;
  }
}

static bool product_read(struct op_call *c, struct product *p) {
  const struct ftensor *a = op_tensor(c, INPUT), *b = op_tensor(c, OTHER);
  if (!op_wants_f32(c, "the left side", a) || !op_wants_f32(c, "the right side", b)) return false;
  if (a->ndim == 0 || b->ndim == 0) return op_error(c, "a product with a tensor of no dimensions");
  *p = (struct product){.m = a->ndim == 1 ? 1 : a->size[a->ndim - 2],
                        .n = b->ndim == 1 ? 1 : b->size[b->ndim - 1],
                        .k = a->size[a->ndim - 1]};
  uint32_t dims = a->ndim > b->ndim ? a->ndim : b->ndim;
  p->batch_dims = dims > 2 ? dims - 2 : 0;
  if (p->k != b->size[b->ndim == 1 ? 0 : b->ndim - 2])
    return op_error(c, "%s @ %s don't fit", ft_shape_text(c->arena, a), ft_shape_text(c->arena, b));
  for (uint32_t i = 0; i < p->batch_dims; i++) {
    uint64_t na = batch_size(a, p->batch_dims, i), nb = batch_size(b, p->batch_dims, i);
    if (na != nb && na != 1 && nb != 1)
      return op_error(c, "%s @ %s: their batch dimensions don't broadcast", ft_shape_text(c->arena, a),
                      ft_shape_text(c->arena, b));
    p->batch[i] = na == 1 ? nb : na;
  }
  batch_steps(a, p->batch_dims, p->step_a);
  batch_steps(b, p->batch_dims, p->step_b);
  return true;
}

bool matmul_shape(struct op_call *c) {
  struct product p = {.m = 0};
  if (!product_read(c, &p)) return false;
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, p.batch, sizeof size);
  uint32_t n = p.batch_dims;
  if (op_tensor(c, INPUT)->ndim > 1) size[n++] = p.m;
  if (op_tensor(c, OTHER)->ndim > 1) size[n++] = p.n;
  return op_result(c, FT_F32, size, n);
}

uint64_t matmul_cost(const struct op_call *c) {
  const struct ftensor *a = op_tensor(c, INPUT);
  return saturating_mul(saturating_mul(2, a->size[a->ndim - 1]), c->out->numel);
}

/* Counts `index` up in the batch (last dimension fastest); false after the last. */
static bool next_batch(const struct product *p, uint64_t *index) {
  for (uint32_t i = p->batch_dims; i > 0; i--) {
    if (++index[i - 1] < p->batch[i - 1]) return true;
    index[i - 1] = 0;
  }
  return false;
}

bool matmul_run(struct op_call *c) {
  struct product p = {.m = 0};
  if (!product_read(c, &p)) return false;
  if (c->out->numel == 0) return true;
  const float *a = ft_f32(op_tensor(c, INPUT)), *b = ft_f32(op_tensor(c, OTHER));
  float *out = ft_f32_out(c->out);
  uint64_t index[FT_DIMS] = {0};
  do {
    uint64_t at_a = 0, at_b = 0;
    for (uint32_t i = 0; i < p.batch_dims; i++) {
      at_a += index[i] * p.step_a[i];
      at_b += index[i] * p.step_b[i];
    }
    if (!gemm_multiply(c->gemm, p.m, p.n, p.k, (struct gemm_operand){a + at_a * p.m * p.k, p.k, false},
                       (struct gemm_operand){b + at_b * p.k * p.n, p.n, false}, out, p.n))
      return too_wide(c);
    out += p.m * p.n;
  } while (next_batch(&p, index));
  return true;
}
