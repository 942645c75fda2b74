#include "tensor/stats.h"

#include <math.h>

#include "tests/unit/check.h"

enum { MANY = 100003, MAX_ITEM = 16 };

/* What the recorded arrays hold, each made from one sequence of 31-bit numbers (an LCG), so that no data need
 * be kept: s_0 = 12345 * (1103515245 + 1), s_i+1 = s_i * 1103515245 + 12345, modulo 2^31. */
enum fill {
  FILL_NUMBERS,   /* ((s >> 8) - 2^22) / 4096: exact in float32 */
  FILL_SPECIALS,  /* those; every 1000th NaN, 7::5000 Inf, 8::5000 -Inf, 3::10 zero */
  FILL_BITS,      /* the 16 bits s >> 8 */
  FILL_FINITE,    /* those, with the float16 exponent cleared where it is full */
  FILL_SUBNORMAL, /* those & 0x83ff */
  FILL_INTEGERS,  /* s - 2^30, wrapped to the dtype */
  FILL_TRUTHS,    /* bit 9 of s */
};

static uint32_t next(uint32_t *s) {
  *s = (uint32_t)(((uint64_t)*s * 1103515245 + 12345) & 0x7fffffff);
  return *s;
}

static double number_at(enum fill fill, uint32_t s, size_t i) {
  if (fill == FILL_SPECIALS) {
    if (i % 1000 == 0) return (double)NAN;
    if (i % 5000 == 7) return (double)INFINITY;
    if (i % 5000 == 8) return (double)-INFINITY;
    if (i % 10 == 3) return 0;
  }
  return ((double)(s >> 8) - 4194304) / 4096;
}

static uint64_t bits_at(enum fill fill, uint32_t s) {
  uint64_t bits = s >> 8 & 0xffff;
  if (fill == FILL_INTEGERS) return s >= 1u << 30 ? s - (1u << 30) : ~(uint64_t)0 - ((1u << 30) - s - 1);
  if (fill == FILL_TRUTHS) return s >> 9 & 1;
  if (fill == FILL_SUBNORMAL || (fill == FILL_FINITE && (bits & 0x7c00) == 0x7c00)) return bits & 0x83ff;
  return bits;
}

/* numpy's NaN is 0x7fc00000 and 0x7ff8000000000000, which C's NAN is too on these machines. */
static void put_element(uint8_t *to, enum dtype d, enum fill fill, uint32_t s, size_t i) {
  uint64_t bits = bits_at(fill, s);
  if (fill <= FILL_SPECIALS && d == DTYPE_F64) {
    double x = number_at(fill, s, i);
    memcpy(&bits, &x, sizeof x);
  } else if (fill <= FILL_SPECIALS) {
    float x = (float)number_at(fill, s, i);
    bits = 0;
    memcpy(&bits, &x, sizeof x);
  }
  for (size_t k = 0; k < dtype_size(d); k++) to[k] = (uint8_t)(bits >> 8 * k & 0xff);
}

static struct span filled(enum dtype d, enum fill fill, size_t n) {
  uint8_t *p = malloc(n * dtype_size(d) + 1);
  assert_non_null(p);
  uint32_t s = 12345;
  for (size_t i = 0; i < n; i++) put_element(p + i * dtype_size(d), d, fill, next(&s), i);
  return span_of(p, n * dtype_size(d));
}

static void swap_elements(struct span s, size_t unit) {
  union {
    const uint8_t *in;
    uint8_t *out;
  } u = {.in = s.p};
  for (size_t at = 0; at < s.n; at += unit)
    for (size_t i = 0; i < unit / 2; i++) {
      uint8_t low = u.out[at + i];
      u.out[at + i] = u.out[at + unit - 1 - i];
      u.out[at + unit - 1 - i] = low;
    }
}

static void prove(struct view *v, enum dtype d, size_t bytes, int64_t offset, uint32_t ndim,
                  const int64_t *sizes, const int64_t *strides) {
  struct arena arena;
  struct observations o;
  arena_init(&arena, 1 << 20);
  observations_init(&o, &arena, 10);
  assert_true(view_prove(v,
                         &(struct view_claim){.dtype = d,
                                              .storage_bytes = bytes,
                                              .offset = offset,
                                              .num_sizes = ndim,
                                              .num_strides = ndim,
                                              .sizes = sizes,
                                              .strides = strides},
                         &o));
  arena_free(&arena);
}

static void check_digest(const struct tensor_stats *t, const char *hex, const char *name) {
  static const char digits[] = "0123456789abcdef";
  char text[65] = {0};
  for (size_t i = 0; i < 32; i++) {
    text[2 * i] = digits[t->sha256[i] >> 4];
    text[2 * i + 1] = digits[t->sha256[i] & 15];
  }
  if (!t->hashed || strcmp(text, hex) != 0) fail_msg("%s: sha256 %s", name, text);
}

static void check_close(double got, double want, const char *name) {
  if (!(fabs(got - want) <= 1e-9 * fabs(want))) fail_msg("%s: %.17g, expected %.17g", name, got, want);
}

/* Recorded from NumPy 1.24.2 (bfloat16 widened by torch 1.13.1): counts over all, float64 min, max and mean
 * over the finite elements, hashlib's digest of the bytes. */
static const struct {
  const char *name;
  enum dtype dtype;
  enum fill fill;
  int64_t n;
  uint64_t nan, inf, zero;
  double min, max, mean;
  const char *sha256;
} rows[] = {
    {"<f8", DTYPE_F64, FILL_NUMBERS, 100003, 0, 0, 0, -0x1.fffc2p+9, 0x1.fffddp+9, 0x1.1ff81657cf7cp-4,
     "d9f2860fa1f8374fdee89237bd9548b9626c5b23013c3f790a62bff69c32fd59"},
    {"<f8 with specials", DTYPE_F64, FILL_SPECIALS, 100003, 101, 40, 10000, -0x1.fffc2p+9, 0x1.fffddp+9,
     0x1.70c58e74ae965p-2, "ed34fe3a235e6085a295b09986e74d805aeaf85cf974110761ab788ef11b98df"},
    {"<f4", DTYPE_F32, FILL_NUMBERS, 100003, 0, 0, 0, -0x1.fffc2p+9, 0x1.fffddp+9, 0x1.1ff81657cf7cp-4,
     "ea4edd777abb8bd0c5e518cae85ad8310bda18d24c4338f6f346bc16b6bef570"},
    {"<f4 with specials", DTYPE_F32, FILL_SPECIALS, 100003, 101, 40, 10000, -0x1.fffc2p+9, 0x1.fffddp+9,
     0x1.70c58e74ae965p-2, "e48a2d95a9487e64bb60239631ad246a8a66b8d455efa823021af19a2b046128"},
    {"float16 bits", DTYPE_F16, FILL_BITS, 100003, 3097, 6, 1, -0x1.ffcp+15, 0x1.ffcp+15,
     0x1.1ff988e0d2acfp+4, "3e31d7a38ccecc0ee3fb3c78938491d5cc45e486f7c2b719ccfa4c9a6ca5a852"},
    {"float16 finite", DTYPE_F16, FILL_FINITE, 100003, 0, 0, 7, -0x1.ffcp+15, 0x1.ffcp+15,
     0x1.170a062cc2ca3p+4, "f7b8a4020ef0bc9a35b4565dd340adbaf1a5581b5e52ba035797acac06996de0"},
    {"float16 subnormal", DTYPE_F16, FILL_SUBNORMAL, 100003, 0, 0, 106, -0x1.ff8p-15, 0x1.ff8p-15,
     0x1.964ef6a0cc8c5p-24, "8bc52cebc01bb8ee0aedfde806b0401566d6135246f99fe8ec42085211588f07"},
    {"bfloat16 bits", DTYPE_BF16, FILL_BITS, 100003, 389, 2, 1, -0x1.fep+127, 0x1.fep+127,
     0x1.0dc6cb1cf50c1p+116, "3e31d7a38ccecc0ee3fb3c78938491d5cc45e486f7c2b719ccfa4c9a6ca5a852"},
    {"bfloat16 subnormal", DTYPE_BF16, FILL_SUBNORMAL, 100003, 0, 0, 106, -0x1.fep-120, 0x1.fep-120,
     0x1.06bf5ab0be02p-129, "8bc52cebc01bb8ee0aedfde806b0401566d6135246f99fe8ec42085211588f07"},
    {"<i8", DTYPE_I64, FILL_INTEGERS, 100003, 0, 0, 0, -0x1.fffc199p+29, 0x1.fffdd368p+29,
     0x1.2077984105a5p+16, "d713e370a02106b9749f4c48a39d99cc91a887893da1963b1553c1d7040fc814"},
    {"<i4", DTYPE_I32, FILL_INTEGERS, 100003, 0, 0, 0, -0x1.fffc199p+29, 0x1.fffdd368p+29,
     0x1.2077984105a5p+16, "d79ff1d23c1e156c4631e8097c00add7f0cc985c5b6db4214fe890c2206f9e05"},
    {"<i2", DTYPE_I16, FILL_INTEGERS, 100003, 0, 0, 1, -0x1p+15, 0x1.fffcp+14, 0x1.2a2411bed1b97p+5,
     "8693e1abdc9be768c2afd22acdb56dc2c74130b164c54cc268456fcc2a607177"},
    {"i1", DTYPE_I8, FILL_INTEGERS, 100003, 0, 0, 390, -0x1p+7, 0x1.fcp+6, -0x1.00c3f25ef7d0ep-1,
     "c0ba12f5847451a8259ada028d968fd635197af28ac1e0a0ba7073532d3be50f"},
    {"u1", DTYPE_U8, FILL_INTEGERS, 100003, 0, 0, 390, 0x0p+0, 0x1.fep+7, 0x1.fe07a4d8a4247p+6,
     "c0ba12f5847451a8259ada028d968fd635197af28ac1e0a0ba7073532d3be50f"},
    {"<u2", DTYPE_U16, FILL_INTEGERS, 100003, 0, 0, 1, 0x0p+0, 0x1.fffep+15, 0x1.ff85c271afaa2p+14,
     "8693e1abdc9be768c2afd22acdb56dc2c74130b164c54cc268456fcc2a607177"},
    {"<u4", DTYPE_U32, FILL_INTEGERS, 100003, 0, 0, 0, 0x1.9f98p+13, 0x1.ffff7da6p+31, 0x1.003b44aca447dp+31,
     "d79ff1d23c1e156c4631e8097c00add7f0cc985c5b6db4214fe890c2206f9e05"},
    {"<u8", DTYPE_U64, FILL_INTEGERS, 100003, 0, 0, 0, 0x1.9f98p+13, 0x1.ffffffffffff8p+63,
     0x1.003903bd73c8p+63, "d713e370a02106b9749f4c48a39d99cc91a887893da1963b1553c1d7040fc814"},
    {"<i4", DTYPE_QI32, FILL_INTEGERS, 100003, 0, 0, 0, -0x1.fffc199p+29, 0x1.fffdd368p+29,
     0x1.2077984105a5p+16, "d79ff1d23c1e156c4631e8097c00add7f0cc985c5b6db4214fe890c2206f9e05"},
    {"i1", DTYPE_QI8, FILL_INTEGERS, 100003, 0, 0, 390, -0x1p+7, 0x1.fcp+6, -0x1.00c3f25ef7d0ep-1,
     "c0ba12f5847451a8259ada028d968fd635197af28ac1e0a0ba7073532d3be50f"},
    {"bool", DTYPE_BOOL, FILL_TRUTHS, 100003, 0, 0, 50007, 0x0p+0, 0x1p+0, 0x1.fff1951f8a72cp-2,
     "6460ac97981e0c4c449ce828840c91a863f2939b70ce1f9698229cbfe086e255"},
    {"five", DTYPE_F32, FILL_NUMBERS, 5, 0, 0, 0, -0x1.92ab5p+9, 0x1.6651cp+8, -0x1.8c0c4p+6,
     "10a7a653f6098b88526ec48b6c7530d1614c3bfb9d213b9281e3625ae3498878"},
};

static void agrees_with_numpy(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct span whole = filled(rows[i].dtype, rows[i].fill, (size_t)rows[i].n);
    struct span s = exact_copy(whole.p, whole.n);
    for (int big_endian = 0; big_endian < 2; big_endian++) {
      struct view v;
      struct tensor_stats t;
      prove(&v, rows[i].dtype, s.n, 0, 1, &rows[i].n, &(int64_t){1});
      tensor_stats(&t, &v, s, big_endian, true, MANY);
      if (!t.done || t.count != (uint64_t)rows[i].n || t.nan_count != rows[i].nan ||
          t.inf_count != rows[i].inf || t.zero_count != rows[i].zero ||
          t.finite != t.count - t.nan_count - t.inf_count)
        fail_msg("%s: counts", rows[i].name);
      if (t.min < rows[i].min || t.min > rows[i].min || t.max < rows[i].max || t.max > rows[i].max)
        fail_msg("%s: %a to %a", rows[i].name, t.min, t.max);
      check_close(t.absmax, fmax(fabs(t.min), fabs(t.max)), rows[i].name);
      check_close(t.mean, rows[i].mean, rows[i].name);
      check_digest(&t, rows[i].sha256, rows[i].name);
      swap_elements(s, dtype_size(rows[i].dtype));
    }
    exact_free(s);
    exact_free(whole);
  }
}

/* The same, over numpy's as_strided. */
static const struct {
  enum dtype dtype;
  enum fill fill;
  int64_t offset, sizes[3], strides[3];
  uint32_t ndim;
  double min, max, mean;
  const char *sha256;
} views[] = {
    {DTYPE_F32,
     FILL_NUMBERS,
     11,
     {7, 50, 30},
     {1, 600, 17},
     3,
     -0x1.fff09p+9,
     0x1.ffe41p+9,
     -0x1.9971f4e1dd7ap-5,
     "2fded4c8b8402deb7e31ccd9756b3f7ba2d1c4b434bea308443aa35866a87b04"},
    {DTYPE_I16,
     FILL_INTEGERS,
     0,
     {300, 1, 200},
     {1, 5, 300},
     3,
     -0x1p+15,
     0x1.fffcp+14,
     -0x1.7982a9930be0ep+4,
     "1cfff21bee49bd2b05bbc822d7174533a7a62203e0135882a4148c15769bbe41"},
    {DTYPE_I64,
     FILL_INTEGERS,
     5,
     {3, 1000},
     {0, 2},
     2,
     -0x1.ffd68788p+29,
     0x1.ff60fdf8p+29,
     0x1.6124cd6041893p+24,
     "375826686845f4c62266ea94ee45304ec796d6fc51c04672f9c2d6edbcfc8e74"},
    {DTYPE_I8,
     FILL_INTEGERS,
     0,
     {333, 3},
     {3, 1},
     2,
     -0x1p+7,
     0x1.fcp+6,
     0x1.53488540d5349p-2,
     "575d55c6057f3bb0fb4cc5c9f16f38f580c0f8a47659c72320663586bb824a52"},
};

/* hashlib's digest of numpy's bytes of a transposed complex128. */
static void elements_of_sixteen_bytes_are_digested(void **state) {
  static const double numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};
  static const int64_t sizes[] = {2, 2}, strides[] = {1, 2};
  struct view v;
  struct tensor_stats t;
  (void)state;
  struct span s = exact_copy(numbers, sizeof numbers);
  prove(&v, DTYPE_C128, s.n, 0, 2, sizes, strides);
  tensor_stats(&t, &v, s, false, true, 4);
  check_digest(&t, "90c2c2b1ae3b2d51365f0d9e569bd19997f95f9d884020b9a3d4f765f3248c75", "complex128");
  exact_free(s);
}

static void strided_views_agree_with_numpy(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(views); i++) {
    struct span whole = filled(views[i].dtype, views[i].fill, MANY);
    for (int big_endian = 0; big_endian < 2; big_endian++) {
      struct view v;
      struct tensor_stats t;
      prove(&v, views[i].dtype, whole.n, views[i].offset, views[i].ndim, views[i].sizes, views[i].strides);
      struct span s =
          exact_copy(whole.p, (size_t)view_storage_bytes(&v)); /* nothing behind the extent is touched */
      tensor_stats(&t, &v, s, big_endian, true, MANY);
      assert_true(t.done && t.count == v.numel);
      if (t.min < views[i].min || t.min > views[i].min || t.max < views[i].max || t.max > views[i].max)
        fail_msg("view %zu: %a to %a", i, t.min, t.max);
      check_close(t.mean, views[i].mean, "view");
      check_digest(&t, views[i].sha256, "view");
      exact_free(s);
      swap_elements(whole, dtype_size(views[i].dtype));
    }
    exact_free(whole);
  }
}

/* numpy: the first 20,000 numbers as 10,000 complex64. */
static void complex_halves(void **state) {
  (void)state;
  struct span s = filled(DTYPE_F32, FILL_NUMBERS, 20000);
  for (int big_endian = 0; big_endian < 2; big_endian++) {
    struct view v;
    struct tensor_stats t;
    prove(&v, DTYPE_C64, s.n, 0, 1, &(int64_t){10000}, &(int64_t){1});
    tensor_stats(&t, &v, s, big_endian, true, MANY);
    assert_true(t.done && t.count == 10000 && t.finite == 10000 && t.zero_count == 0);
    check_close(t.min, -0x1.fffc2p+9, "min");
    check_close(t.max, 0x1.fff9e8p+9, "max");
    check_close(t.mean, 0x1.6cb9809d49518p+1, "mean");
    check_close(t.absmax, 0x1.fffddp+9, "absmax");
    check_digest(&t, "fdf0182bdc90803e2dc408ad8197b612233ce374887d1f23c36597a800ccf04d", "complex64");
    swap_elements(s, 4);
  }
  exact_free(s);
  /* numpy.isnan and isinf of complex numbers: either half; nan + inf j counts as NaN here, once */
  const double halves[] = {(double)NAN,
                           1,
                           2,
                           (double)NAN,
                           (double)INFINITY,
                           0,
                           0,
                           (double)-INFINITY,
                           (double)INFINITY,
                           (double)NAN,
                           0,
                           0,
                           0,
                           -5,
                           3,
                           0};
  struct view v;
  struct tensor_stats t;
  prove(&v, DTYPE_C128, sizeof halves, 0, 1, &(int64_t){8}, &(int64_t){1});
  tensor_stats(&t, &v, span_of(halves, sizeof halves), false, false, MANY);
  assert_true(t.nan_count == 3 && t.inf_count == 2 && t.finite == 3 && t.zero_count == 1 && !t.hashed);
  check_close(t.mean, 1, "mean");
  check_close(t.absmax, 5, "absmax");
}

static void sums_survive_large_numbers(void **state) {
  (void)state;
  enum { N = 4096 };
  static double x[N];
  struct view v;
  struct tensor_stats t;
  prove(&v, DTYPE_F64, sizeof x, 0, 1, &(int64_t){N}, &(int64_t){1});
  for (size_t i = 0; i < N; i++) x[i] = 0x1p1023; /* numpy's own mean is inf */
  tensor_stats(&t, &v, span_of(x, sizeof x), false, false, N);
  check_close(t.mean, 0x1p1023, "mean of huge numbers");
  for (size_t i = 0; i < N; i++) x[i] = i % 2 ? -0x1p1023 : 0x1p1023;
  x[7] = 0;
  x[8] = 4;
  tensor_stats(&t, &v, span_of(x, sizeof x), false, false, N);
  check_close(t.mean, 4.0 / N, "what is left when huge numbers cancel");
}

static void odd_ends(void **state) {
  (void)state;
  struct view v;
  struct tensor_stats t;
  const uint8_t nothing = 0;
  prove(&v, DTYPE_F32, 0, 0, 2, (int64_t[]){0, 5}, (int64_t[]){5, 1});
  tensor_stats(&t, &v, span_of(&nothing, 0), false, true, MANY);
  assert_true(t.done && t.count == 0 && t.finite == 0);
  check_digest(&t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
               "no bytes"); /* FIPS 180-4 */
  const uint8_t bits[4] = {0xff, 0xff, 0xff, 0x7f};
  prove(&v, DTYPE_BITS8, sizeof bits, 0, 1, &(int64_t){4}, &(int64_t){1});
  tensor_stats(&t, &v, span_of(bits, sizeof bits), false, true, MANY);
  assert_true(!t.done && t.hashed && t.count == 0);
  prove(&v, DTYPE_F32, sizeof bits, 0, 1, &(int64_t){1}, &(int64_t){1}); /* one NaN, nothing finite */
  tensor_stats(&t, &v, span_of(bits, sizeof bits), false, false, MANY);
  assert_true(t.done && t.nan_count == 1 && t.finite == 0);
  check_close(t.mean + t.min + t.max + t.absmax, 0, "nothing finite");
  /* edge: max_elements, for a view that shares elements */
  prove(&v, DTYPE_U8, sizeof bits, 0, 2, (int64_t[]){3, 4}, (int64_t[]){0, 1});
  tensor_stats(&t, &v, span_of(bits, sizeof bits), false, true, 12);
  assert_true(t.done && t.hashed && t.count == 12);
  tensor_stats(&t, &v, span_of(bits, sizeof bits), false, true, 11);
  assert_true(!t.done && !t.hashed);
  /* fewer bytes than the proof was told: nothing is read */
  tensor_stats(&t, &v, span_of(bits, 3), false, true, 12);
  assert_true(!t.done && !t.hashed);
}

/* format-spec D.2: low nibble first, low bits first, packed flat. */
static void packed_elements(void **state) {
  (void)state;
  const uint8_t bytes[3] = {0x21, 0x43, 0xf5};
  struct view v;
  struct tensor_stats t;
  prove(&v, DTYPE_QU4X2, sizeof bytes, 0, 1, &(int64_t){5}, &(int64_t){1}); /* 1 2 3 4 5 */
  tensor_stats(&t, &v, span_of(bytes, sizeof bytes), false, true, MANY);
  assert_true(t.done && t.hashed && t.count == 5);
  check_close(t.max, 5, "max");
  check_close(t.mean, 3, "mean");
  prove(&v, DTYPE_QU4X2, sizeof bytes, 1, 1, &(int64_t){2}, &(int64_t){2}); /* 2 4 */
  tensor_stats(&t, &v, span_of(bytes, sizeof bytes), false, true, MANY);
  assert_true(t.done && !t.hashed);
  check_close(t.mean, 3, "mean");
  prove(&v, DTYPE_QU2X4, 1, 0, 1, &(int64_t){4}, &(int64_t){1}); /* 0x21: 1 0 2 0 */
  tensor_stats(&t, &v, span_of(bytes, 1), false, false, MANY);
  assert_true(t.zero_count == 2);
  check_close(t.mean, 0.75, "mean");
}

/* Digest of the 65,536 doubles that NumPy and torch widen the 16-bit floats to, NaN written as 0. */
static void every_half_is_exact(void **state) {
  (void)state;
  static const struct {
    enum dtype dtype;
    size_t nan;
    const char *sha256;
  } halves[] = {
      {DTYPE_F16, 2046, "62dd074b90fef6531d8f6d66a4bb7b109b3e67f4c35521b7d520918eddd6cd97"},
      {DTYPE_BF16, 254, "cdd6cd28c2627258961a5a1133ec750921bec23e583457712d58d9ecdd1a778b"},
  };
  static double wide[65536];
  for (size_t h = 0; h < ARRAY_LEN(halves); h++) {
    size_t nan = 0;
    for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
      const uint8_t bytes[2] = {(uint8_t)(i & 0xff), (uint8_t)(i >> 8)};
      wide[i] = dtype_load(halves[h].dtype, bytes);
      if (isnan(wide[i])) {
        nan++;
        wide[i] = 0;
      }
    }
    assert_int_equal(nan, halves[h].nan);
    struct tensor_stats t = {.hashed = true};
    assert_true(sha256(span_of(wide, sizeof wide), t.sha256));
    check_digest(&t, halves[h].sha256, dtype_name(halves[h].dtype));
  }
}

/* OCP 8-bit float specification 1.0; the fnuz forms: Noune et al., "8-bit numerical formats". */
static void eight_bit_floats(void **state) {
  (void)state;
  static const struct {
    enum dtype dtype;
    uint8_t byte;
    double value; /* NAN: not a number */
  } floats[] = {
      {DTYPE_F8E4M3FN, 0x00, 0},
      {DTYPE_F8E4M3FN, 0x01, 0x1p-9},
      {DTYPE_F8E4M3FN, 0x07, 0x1.cp-7},
      {DTYPE_F8E4M3FN, 0x08, 0x1p-6},
      {DTYPE_F8E4M3FN, 0x38, 1},
      {DTYPE_F8E4M3FN, 0x7e, 448},
      {DTYPE_F8E4M3FN, 0xfe, -448},
      {DTYPE_F8E4M3FN, 0x7f, (double)NAN},
      {DTYPE_F8E4M3FN, 0xff, (double)NAN},
      {DTYPE_F8E5M2, 0x01, 0x1p-16},
      {DTYPE_F8E5M2, 0x04, 0x1p-14},
      {DTYPE_F8E5M2, 0x3c, 1},
      {DTYPE_F8E5M2, 0x7b, 57344},
      {DTYPE_F8E5M2, 0x7c, (double)INFINITY},
      {DTYPE_F8E5M2, 0xfc, (double)-INFINITY},
      {DTYPE_F8E5M2, 0x7d, (double)NAN},
      {DTYPE_F8E5M2, 0xff, (double)NAN},
      {DTYPE_F8E4M3FNUZ, 0x01, 0x1p-10},
      {DTYPE_F8E4M3FNUZ, 0x40, 1},
      {DTYPE_F8E4M3FNUZ, 0x7f, 240},
      {DTYPE_F8E4M3FNUZ, 0xff, -240},
      {DTYPE_F8E4M3FNUZ, 0x80, (double)NAN},
      {DTYPE_F8E5M2FNUZ, 0x01, 0x1p-17},
      {DTYPE_F8E5M2FNUZ, 0x40, 1},
      {DTYPE_F8E5M2FNUZ, 0x7f, 57344},
      {DTYPE_F8E5M2FNUZ, 0x80, (double)NAN},
      {DTYPE_F8E8M0FNU, 0x00, 0x1p-127},
      {DTYPE_F8E8M0FNU, 0x7f, 1},
      {DTYPE_F8E8M0FNU, 0xfe, 0x1p127},
      {DTYPE_F8E8M0FNU, 0xff, (double)NAN},
  };
  for (size_t i = 0; i < ARRAY_LEN(floats); i++) {
    double got = dtype_load(floats[i].dtype, &floats[i].byte), want = floats[i].value;
    bool same = isnan(want) ? isnan(got) : got >= want && got <= want;
    if (!same) fail_msg("%s 0x%02x: %g", dtype_name(floats[i].dtype), floats[i].byte, got);
  }
}

int main(void) {
  if (!sha256_load()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_numpy),
      cmocka_unit_test(elements_of_sixteen_bytes_are_digested),
      cmocka_unit_test(strided_views_agree_with_numpy),
      cmocka_unit_test(complex_halves),
      cmocka_unit_test(sums_survive_large_numbers),
      cmocka_unit_test(odd_ends),
      cmocka_unit_test(packed_elements),
      cmocka_unit_test(every_half_is_exact),
      cmocka_unit_test(eight_bit_floats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
