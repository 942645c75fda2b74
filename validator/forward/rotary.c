/* Positions: rotary embeddings, T5's relative buckets, ALiBi. */
#include <math.h>

#include "forward/families.h"

/* ---- rotary(x, inverse, interleaved, start, scale): x is [..., length, width] ----
 *
 * The first 2 * n of width are n pairs, each turned by position * inverse[pair]; pairs are (i, i + n), or
 * (2 i, 2 i + 1) where they are interleaved. scale multiplies sine and cosine. */

enum { INPUT, INVERSE, INTERLEAVED, START, SCALE };

bool rotary_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim < 2) return op_error(c, "input %s, expected [..., length, width]", ft_shape_text(c->arena, x));
  if (c->arg[INVERSE].n == 0 || c->arg[INVERSE].n > x->size[x->ndim - 1] / 2)
    return op_error(c, "%u pairs in a width of %llu", c->arg[INVERSE].n,
                    (unsigned long long)x->size[x->ndim - 1]);
  return shape_like_input(c);
}

uint64_t rotary_cost(const struct op_call *c) { return saturating_mul(6, c->out->numel); }

/* Angles are float32, as everywhere else. */
static void turn_row(float *row, const struct op_call *c, float position) {
  const uint64_t n = c->arg[INVERSE].n, step = c->arg[INTERLEAVED].i ? 2 : 1,
                 apart = c->arg[INTERLEAVED].i ? 1 : n;
  const float scale = (float)op_number(c, SCALE);
  for (uint64_t i = 0; i < n; i++) {
    const float angle = position * (float)c->arg[INVERSE].reals[i], cosine = cosf(angle) * scale,
                sine = sinf(angle) * scale;
    float *a = row + i * step, *b = a + apart;
    const float x = *a, y = *b;
    *a = x * cosine - y * sine;
    *b = y * cosine + x * sine;
  }
}

bool rotary_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const uint64_t length = x->size[x->ndim - 2], width = x->size[x->ndim - 1];
  float *out = ft_f32_out(c->out);
  if (x->numel == 0) return true;
  memcpy(out, ft_f32(x), ft_bytes(x));
  for (uint64_t row = 0; row < x->numel / width; row++)
    turn_row(out + row * width, c, (float)c->arg[START].i + (float)(row % length));
  return true;
}

/* ---- t5_bucket(queries, keys, bidirectional, buckets, far): [queries, keys] ----
 *
 * Half of the buckets are for keys behind the query if it is bidirectional; of the others, half stand for one
 * distance each, and the rest for distances up to `far` on a logarithmic scale. */

enum { QUERIES, KEYS, BIDIRECTIONAL, BUCKETS, FAR };

bool t5_bucket_shape(struct op_call *c) {
  const int64_t buckets = c->arg[BUCKETS].i / (c->arg[BIDIRECTIONAL].i ? 2 : 1);
  if (c->arg[QUERIES].i < 0 || c->arg[KEYS].i < 0 || buckets < 2 || c->arg[FAR].i <= buckets / 2)
    return op_error(c, "%lld buckets for distances up to %lld", (long long)c->arg[BUCKETS].i,
                    (long long)c->arg[FAR].i);
  const uint64_t size[] = {(uint64_t)c->arg[QUERIES].i, (uint64_t)c->arg[KEYS].i};
  return op_result(c, FT_I64, size, 2);
}

static int64_t bucket_of(int64_t distance, int64_t buckets, int64_t far) {
  const int64_t exact = buckets / 2;
  if (distance < exact) return distance;
  /* float32 all the way: a bucket's edge is where PyTorch's float32 says */
  const float part = logf((float)distance / (float)exact) / (float)log((double)far / (double)exact) *
                     (float)(buckets - exact);
  const int64_t bucket = exact + (int64_t)part;
  return bucket < buckets - 1 ? bucket : buckets - 1;
}

bool t5_bucket_run(struct op_call *c) {
  const bool both = c->arg[BIDIRECTIONAL].i != 0;
  const int64_t buckets = c->arg[BUCKETS].i / (both ? 2 : 1), keys = c->arg[KEYS].i;
  for (int64_t i = 0; i < (int64_t)c->out->numel; i++) {
    const int64_t ahead = i % keys - i / keys,
                  distance = both ? (ahead < 0 ? -ahead : ahead) : (ahead < 0 ? -ahead : 0);
    ft_i64_out(c->out)[i] = bucket_of(distance, buckets, c->arg[FAR].i) + (both && ahead > 0 ? buckets : 0);
  }
  return true;
}

/* ---- alibi(heads, length): [heads, 1, length], slope of the head times position ----
 *
 * Softmax does not see what is the same for a whole row, so this is -slope * distance too. Slopes as in the
 * paper: powers of 2^(-8 / n) for n heads, n a power of two; other numbers of heads take every other one of
 * the next power's. */

bool alibi_shape(struct op_call *c) {
  enum { HEADS, LENGTH };
  if (c->arg[HEADS].i <= 0 || c->arg[LENGTH].i < 0)
    return op_error(c, "%lld heads of length %lld", (long long)c->arg[HEADS].i, (long long)c->arg[LENGTH].i);
  const uint64_t size[] = {(uint64_t)c->arg[HEADS].i, 1, (uint64_t)c->arg[LENGTH].i};
  return op_result(c, FT_F32, size, 3);
}

static double slope_of(uint64_t head, uint64_t heads) {
  uint64_t power = 1;
  while (power <= heads / 2) power *= 2;
  return head < power ? pow(2, -8.0 * (double)(head + 1) / (double)power)
                      : pow(2, -4.0 * (double)(2 * (head - power) + 1) / (double)power);
}

bool alibi_run(struct op_call *c) {
  if (c->out->numel == 0) return true;
  const uint64_t heads = c->out->size[0], length = c->out->size[2];
  for (uint64_t h = 0; h < heads; h++)
    for (uint64_t i = 0; i < length; i++)
      ft_f32_out(c->out)[h * length + i] = (float)slope_of(h, heads) * (float)i;
  return true;
}
