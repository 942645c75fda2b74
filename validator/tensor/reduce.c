#include "tensor/reduce.h"

#include <math.h>

#if defined(__x86_64__)

#include <immintrin.h>

/* Vectors of the compiler (gcc and clang spell them alike): eight elements at a time. They are passed by
 * pointer, so that no calling convention depends on the target. */
enum { LANES = 8 };
typedef float f32x4 __attribute__((vector_size(16)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef double f64x4 __attribute__((vector_size(32)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef int64_t i64x4 __attribute__((vector_size(32)));

#define AVX2   __attribute__((target("avx2"))) /* chosen at run time: the build is for any x86-64 */
#define INLINE AVX2 static inline __attribute__((always_inline))

/* Of every lane. The language has them for vectors too, but gcc's analyser counts their bits wrong. */
#define SHIFT_LEFT(v, n)  ((i32x8)_mm256_slli_epi32((__m256i)(v), (n)))
#define SHIFT_RIGHT(v, n) ((i32x8)_mm256_srai_epi32((__m256i)(v), (n)))

INLINE void load_words(i32x8 *out, const uint8_t *p) {
  __m128i bits;
  memcpy(&bits, p, sizeof bits);
  *out = (i32x8)_mm256_cvtepu16_epi32(bits);
}

/* 1-5-10 bits: rebias the exponent; infinity and NaN keep theirs full; subnormals count units of 2^-24. */
INLINE void widen_f16(f32x8 *out, const uint8_t *p) {
  i32x8 half, magnitude;
  load_words(&half, p);
  magnitude = half & 0x7fff;
  i32x8 full = magnitude >= 0x7c00, tiny = magnitude < 0x400;
  i32x8 normal = SHIFT_LEFT(magnitude, 13) + (112 << 23) + (full & (112 << 23));
  f32x8 subnormal = __builtin_convertvector(magnitude, f32x8) * 0x1p-24f;
  i32x8 sign = SHIFT_LEFT(half, 16) & INT32_MIN;
  *out = (f32x8)((normal & ~tiny) | ((i32x8)subnormal & tiny) | sign);
}

INLINE void widen_bf16(f32x8 *out, const uint8_t *p) {
  i32x8 words;
  load_words(&words, p);
  *out = (f32x8)SHIFT_LEFT(words, 16);
}

INLINE void widen_i16(f32x8 *out, const uint8_t *p) {
  i32x8 words;
  load_words(&words, p);
  *out = __builtin_convertvector(SHIFT_RIGHT(SHIFT_LEFT(words, 16), 16), f32x8);
}

/* `d` is a constant of the caller, so one branch is left of these. */
INLINE void load_narrow(f32x8 *out, const uint8_t *p, enum dtype d) {
  if (d == DTYPE_F16)
    widen_f16(out, p);
  else if (d == DTYPE_BF16)
    widen_bf16(out, p);
  else if (d == DTYPE_I16)
    widen_i16(out, p);
  else
    memcpy(out, p, sizeof *out);
}

INLINE void load_wide(f64x4 *out, const uint8_t *p, enum dtype d) {
  i32x4 words;
  i64x4 longs;
  if (d == DTYPE_I32) {
    memcpy(&words, p, sizeof words);
    *out = __builtin_convertvector(words, f64x4);
  } else if (d == DTYPE_I64) {
    memcpy(&longs, p, sizeof longs);
    *out = __builtin_convertvector(longs, f64x4);
  } else {
    memcpy(out, p, sizeof *out);
  }
}

/* Dtypes that a float holds exactly; sums are double from the first addition on. A NaN or infinity makes its
 * way into the sum, where the caller sees it, so the loop need not look. */
INLINE void reduce_narrow(struct reduction *out, const uint8_t *p, enum dtype d) {
  f32x8 x, low, high;
  f64x4 sum = {0}, sum2 = {0}, squares = {0}, squares2 = {0};
  i32x8 zeros = {0}, tiny = {0}, take;
  load_narrow(&x, p, d);
  low = high = x;
  out->pivot = (double)x[0];
  const f64x4 pivot = {out->pivot, out->pivot, out->pivot, out->pivot};
  for (uint32_t i = 0; i < out->elements; i += LANES, p += LANES * dtype_size(d)) {
    load_narrow(&x, p, d);
    take = x < low;
    low = (f32x8)(((i32x8)x & take) | ((i32x8)low & ~take));
    take = x > high;
    high = (f32x8)(((i32x8)x & take) | ((i32x8)high & ~take));
    zeros -= x == 0; /* true is -1 */
    if (d == DTYPE_F32 || d == DTYPE_BF16) tiny -= ((i32x8)x & 0x7fffffff) < 0x800000;
    f64x4 left = __builtin_convertvector(__builtin_shufflevector(x, x, 0, 1, 2, 3), f64x4);
    f64x4 right = __builtin_convertvector(__builtin_shufflevector(x, x, 4, 5, 6, 7), f64x4);
    sum += left;
    sum2 += right;
    left -= pivot;
    right -= pivot;
    squares += left * left;
    squares2 += right * right;
  }
  sum += sum2;
  squares += squares2;
  out->squares = squares[0] + squares[1] + (squares[2] + squares[3]);
  out->sum = sum[0] + sum[1] + (sum[2] + sum[3]);
  out->min = (double)low[0];
  out->max = (double)high[0];
  for (int k = 0; k < LANES; k++) {
    if ((double)low[k] < out->min) out->min = (double)low[k];
    if ((double)high[k] > out->max) out->max = (double)high[k];
    out->zeros += (uint32_t)zeros[k];
    out->subnormals += (uint32_t)tiny[k]; /* zeros among them */
  }
  if (d == DTYPE_F32 || d == DTYPE_BF16) out->subnormals -= out->zeros;
}

INLINE void reduce_wide(struct reduction *out, const uint8_t *p, enum dtype d) {
  f64x4 x, low, high, sum = {0}, squares = {0};
  i64x4 zeros = {0}, tiny = {0}, take;
  load_wide(&x, p, d);
  low = high = x;
  out->pivot = x[0];
  const f64x4 pivot = {out->pivot, out->pivot, out->pivot, out->pivot};
  for (uint32_t i = 0; i < out->elements; i += LANES / 2, p += LANES / 2 * dtype_size(d)) {
    load_wide(&x, p, d);
    take = x < low;
    low = (f64x4)(((i64x4)x & take) | ((i64x4)low & ~take));
    take = x > high;
    high = (f64x4)(((i64x4)x & take) | ((i64x4)high & ~take));
    zeros -= x == 0;
    if (d == DTYPE_F64) tiny -= ((i64x4)x & INT64_MAX) < INT64_C(1) << 52;
    sum += x;
    x -= pivot;
    squares += x * x;
  }
  out->squares = squares[0] + squares[1] + (squares[2] + squares[3]);
  out->sum = sum[0] + sum[1] + (sum[2] + sum[3]);
  out->min = low[0];
  out->max = high[0];
  for (int k = 0; k < LANES / 2; k++) {
    if (low[k] < out->min) out->min = low[k];
    if (high[k] > out->max) out->max = high[k];
    out->zeros += (uint32_t)zeros[k];
    out->subnormals += (uint32_t)tiny[k]; /* zeros among them */
  }
  if (d == DTYPE_F64) out->subnormals -= out->zeros;
}

AVX2 static bool reduce(struct reduction *out, enum dtype d, const uint8_t *p) {
  if (d == DTYPE_F32)
    reduce_narrow(out, p, DTYPE_F32);
  else if (d == DTYPE_F16)
    reduce_narrow(out, p, DTYPE_F16);
  else if (d == DTYPE_BF16)
    reduce_narrow(out, p, DTYPE_BF16);
  else if (d == DTYPE_I16)
    reduce_narrow(out, p, DTYPE_I16);
  else if (d == DTYPE_F64)
    reduce_wide(out, p, DTYPE_F64);
  else if (d == DTYPE_I32 || d == DTYPE_QI32)
    reduce_wide(out, p, DTYPE_I32);
  else if (d == DTYPE_I64)
    reduce_wide(out, p, DTYPE_I64);
  else
    return false;
  return true;
}

static bool has_vectors(void) { return __builtin_cpu_supports("avx2"); }

#else

enum { LANES = 8 };
static bool reduce(struct reduction *out, enum dtype d, const uint8_t *p) {
  (void)out, (void)d, (void)p;
  return false;
}
static bool has_vectors(void) { return false; }

#endif

bool reduce_block(struct reduction *out, enum dtype d, struct span bytes) {
  size_t elements = min_size(bytes.n, REDUCE_BYTES) / dtype_size(d) / LANES * LANES;
  *out = (struct reduction){.elements = (uint32_t)elements};
  if (elements == 0 || !has_vectors() || !reduce(out, d, bytes.p)) return false;
  return isfinite(out->sum) && fabs(out->min) < REDUCE_MAGNITUDE && fabs(out->max) < REDUCE_MAGNITUDE;
}
