/* Scaled dot product attention: softmax(q · kᵀ · scale, softcapped, + bias, masked) · v. Queries and keys are
 * [batch…, heads, length, width]; where keys have fewer heads, each serves as many heads of queries that
 * stand together (PyTorch's enable_gqa: repeat_interleave, not tile). */
#include <math.h>

#include "forward/broadcast.h"
#include "forward/families.h"

enum { QUERY, KEY, VALUE };
enum { CAUSAL, MASK, SCALE, BIAS, SOFTCAP, WINDOW, FROM_START }; /* of options */

struct attention {
  const struct ftensor *q, *k, *v; /* v NULL: the weights are the result */
  const struct op_value *options;
  uint32_t outer;  /* dimensions in front of length and width */
  uint64_t groups; /* products of a query matrix with a key matrix: all of the queries' */
  uint64_t share;  /* heads of queries that one head of keys serves */
  uint64_t t, s, width, value_width;
  uint64_t score_size[FT_DIMS];
};

static const struct ftensor *option_tensor(const struct attention *a, uint32_t i) {
  return a->options[i].kind == OPV_TENSOR ? a->options[i].tensor : NULL;
}
static double option_number(const struct attention *a, uint32_t i, double otherwise) {
  const struct op_value *v = &a->options[i];
  return v->kind == OPV_NONE ? otherwise : v->kind == OPV_FLOAT ? v->f : (double)v->i;
}

static bool same_outer(struct op_call *c, struct attention *a, const struct ftensor *t) {
  bool fits = t->ndim == a->q->ndim;
  for (uint32_t i = 0; fits && i + 1 < a->outer; i++) fits = t->size[i] == a->q->size[i];
  if (fits && a->outer) {
    const uint64_t heads = a->q->size[a->outer - 1], own = t->size[a->outer - 1];
    fits = own == heads || (own && heads % own == 0);
    a->share = own ? heads / own : 1;
  }
  return fits || op_error(c, "queries %s and keys or values %s", ft_shape_text(c->arena, a->q),
                          ft_shape_text(c->arena, t));
}

/* The mask or bias must broadcast to the scores. */
static bool fits_scores(struct op_call *c, const struct attention *a, uint32_t option, enum ftype type,
                        const char *what) {
  const struct ftensor *t = option_tensor(a, option);
  if (!t) return true;
  struct broadcast shape = {.ndim = a->q->ndim};
  memcpy(shape.size, a->score_size, sizeof shape.size);
  if (t->type != type)
    return op_error(c, "the %s must be %s, it is %s", what, ft_name(type), ft_name(t->type));
  if (!broadcast_with(c, &shape, t)) return false;
  return (shape.ndim == a->q->ndim &&
          memcmp(shape.size, a->score_size, a->q->ndim * sizeof shape.size[0]) == 0) ||
         op_error(c, "the %s %s is larger than the scores", what, ft_shape_text(c->arena, t));
}

static bool attention_read(struct op_call *c, bool with_value, struct attention *a) {
  *a = (struct attention){.q = op_tensor(c, QUERY),
                          .k = op_tensor(c, KEY),
                          .v = with_value ? op_tensor(c, VALUE) : NULL,
                          .options = &c->arg[with_value ? VALUE + 1 : VALUE],
                          .groups = 1,
                          .share = 1};
  const struct ftensor *values = a->v ? a->v : a->k;
  if (!op_wants_f32(c, "query", a->q) || !op_wants_f32(c, "key", a->k) || !op_wants_f32(c, "value", values))
    return false;
  if (a->q->ndim < 2)
    return op_error(c, "queries %s, expected [heads, length, width]", ft_shape_text(c->arena, a->q));
  a->outer = a->q->ndim - 2;
  if (!same_outer(c, a, values) || !same_outer(c, a, a->k)) return false;
  a->t = a->q->size[a->outer];
  a->width = a->q->size[a->outer + 1];
  a->s = a->k->size[a->outer];
  a->value_width = values->size[a->outer + 1];
  if (a->k->size[a->outer + 1] != a->width || values->size[a->outer] != a->s ||
      (a->outer && values->size[a->outer - 1] != a->k->size[a->outer - 1]))
    return op_error(c, "queries %s, keys %s and values %s", ft_shape_text(c->arena, a->q),
                    ft_shape_text(c->arena, a->k), ft_shape_text(c->arena, values));
  for (uint32_t i = 0; i < a->outer; i++) a->groups *= a->q->size[i];
  memcpy(a->score_size, a->q->size, sizeof a->score_size);
  a->score_size[a->outer + 1] = a->s;
  return fits_scores(c, a, MASK, FT_BOOL, "mask") && fits_scores(c, a, BIAS, FT_F32, "bias");
}

bool sdpa_shape(struct op_call *c) {
  struct attention a;
  uint64_t size[FT_DIMS] = {0};
  if (!attention_read(c, true, &a)) return false;
  memcpy(size, a.q->size, sizeof size);
  size[a.outer + 1] = a.value_width;
  return op_result(c, FT_F32, size, a.q->ndim);
}
bool sdpa_weights_shape(struct op_call *c) {
  struct attention a;
  return attention_read(c, false, &a) && op_result(c, FT_F32, a.score_size, a.q->ndim);
}

/* Two products, and about ten operations a score. */
static uint64_t attention_cost(const struct op_call *c, bool with_value) {
  struct op_call copy = *c;
  struct attention a;
  if (!attention_read(&copy, with_value, &a)) return 0;
  const uint64_t scores = saturating_mul(a.groups, saturating_mul(a.t, a.s));
  return saturating_mul(scores,
                        saturating_add(10, saturating_mul(2, a.width + (with_value ? a.value_width : 0))));
}
uint64_t sdpa_cost(const struct op_call *c) { return attention_cost(c, true); }
uint64_t sdpa_weights_cost(const struct op_call *c) { return attention_cost(c, false); }

/* ---- one matrix of scores ---- */

/* Where a mask or bias has the score (row, column) of a group. */
struct placed {
  const struct ftensor *t; /* NULL: there is none */
  struct strided v;
  int64_t at; /* of the group */
};

static void place(struct placed *p, const struct attention *a, uint32_t option) {
  p->t = option_tensor(a, option);
  if (p->t) broadcast_view(&p->v, p->t, a->q->ndim, a->score_size);
}
static void place_group(struct placed *p, const struct attention *a, uint64_t group) {
  p->at = 0;
  for (uint32_t i = a->outer; p->t && i > 0; i--) {
    p->at += (int64_t)(group % a->q->size[i - 1]) * p->v.stride[i - 1];
    group /= a->q->size[i - 1];
  }
}
static int64_t placed_at(const struct placed *p, const struct attention *a, uint64_t row, uint64_t column) {
  return p->at + (int64_t)row * p->v.stride[a->outer] + (int64_t)column * p->v.stride[a->outer + 1];
}

/* May query `row` see key `column`? Without from_start the last query stands at the last key. */
static bool sees(const struct attention *a, uint64_t row, uint64_t column) {
  const int64_t ahead = a->options[FROM_START].i ? 0 : (int64_t)a->s - (int64_t)a->t;
  const int64_t back = (int64_t)row + ahead - (int64_t)column;
  if (a->options[CAUSAL].i && back < 0) return false;
  return a->options[WINDOW].kind == OPV_NONE || back < a->options[WINDOW].i;
}

/* Softmax as PyTorch's: of a row in which nothing is seen it is NaN. */
static void softmax_row(float *x, uint64_t n) {
  float most = -INFINITY;
  double sum = 0;
  for (uint64_t i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
  for (uint64_t i = 0; i < n; i++) {
    x[i] = expf(x[i] - most);
    sum += (double)x[i];
  }
  const float scale = (float)(1 / sum);
  for (uint64_t i = 0; i < n; i++) x[i] *= scale;
}

static void finish_scores(const struct attention *a, float *score, const struct placed *mask,
                          const struct placed *bias) {
  const float scale = (float)option_number(a, SCALE, 1 / sqrt((double)a->width)),
              cap = (float)option_number(a, SOFTCAP, 0);
  const bool hides = a->options[CAUSAL].i || a->options[WINDOW].kind != OPV_NONE;
  for (uint64_t r = 0; r < a->t; r++, score += a->s) {
    for (uint64_t k = 0; k < a->s; k++) {
      float v = score[k] * scale;
      if (cap > 0) v = tanhf(v / cap) * cap;
      if (bias->t) v += ft_f32(bias->t)[placed_at(bias, a, r, k)];
      if ((hides && !sees(a, r, k)) || (mask->t && !ft_bool(mask->t)[placed_at(mask, a, r, k)]))
        v = -INFINITY;
      score[k] = v;
    }
    softmax_row(score, a->s);
  }
}

static bool attend(struct op_call *c, const struct attention *a, float *scratch) {
  const uint64_t q_size = a->t * a->width, k_size = a->s * a->width, v_size = a->s * a->value_width;
  struct placed mask, bias;
  place(&mask, a, MASK);
  place(&bias, a, BIAS);
  float *out = ft_f32_out(c->out);
  for (uint64_t g = 0; g < a->groups; g++) {
    float *score = a->v ? scratch : out + g * a->t * a->s;
    const float *q = ft_f32(a->q) + g * q_size, *k = ft_f32(a->k) + g / a->share * k_size;
    if (!gemm_multiply(c->gemm, a->t, a->s, a->width, (struct gemm_operand){q, a->width, false},
                       (struct gemm_operand){k, a->width, true}, score, a->s))
      return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
    place_group(&mask, a, g);
    place_group(&bias, a, g);
    finish_scores(a, score, &mask, &bias);
    if (a->v &&
        !gemm_multiply(c->gemm, a->t, a->value_width, a->s, (struct gemm_operand){score, a->s, false},
                       (struct gemm_operand){ft_f32(a->v) + g / a->share * v_size, a->value_width, false},
                       out + g * a->t * a->value_width, a->value_width))
      return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
  }
  return true;
}

bool sdpa_run(struct op_call *c) {
  struct attention a;
  uint64_t bytes;
  if (!attention_read(c, true, &a)) return false;
  if (c->out->numel == 0) return true;
  if (!try_mul(a.t, a.s, &bytes) || !try_mul(bytes, sizeof(float), &bytes)) return op_no_memory(c);
  float *scratch = fpool_take(c->pool, bytes);
  if (!scratch) return op_no_memory(c);
  bool done = attend(c, &a, scratch);
  fpool_give(c->pool, scratch);
  return done;
}

bool sdpa_weights_run(struct op_call *c) {
  struct attention a;
  return attention_read(c, false, &a) && (c->out->numel == 0 || attend(c, &a, NULL));
}
