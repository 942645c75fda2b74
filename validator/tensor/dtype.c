#include "tensor/dtype.h"

#include <math.h>

#include "base/reader.h"

const struct dtype_row dtype_table[DTYPE_COUNT] = {
    [DTYPE_NONE] = {"none", 0, 0, DT_OPAQUE, NULL, NULL},
#define DTYPE(id, name, size, cls, storage, alias) [DTYPE_##id] = {name, size, 0, cls, storage, alias},
#include "tensor/dtype.def"
#undef DTYPE
#define BLOCK(id, name, elements, bytes) [DTYPE_##id] = {name, bytes, elements, DT_OPAQUE, NULL, NULL},
#include "tensor/blocks.def"
#undef BLOCK
};

enum dtype dtype_by_name(struct span name) {
  for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++)
    if (span_is(name, dtype_table[d].name) || (dtype_table[d].alias && span_is(name, dtype_table[d].alias)))
      return d;
  return DTYPE_NONE;
}

enum dtype dtype_by_storage(struct span name) {
  if (span_is(name, "UntypedStorage")) return DTYPE_U8;
  for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++)
    if (dtype_table[d].storage && span_is(name, dtype_table[d].storage)) return d;
  return DTYPE_NONE;
}

uint64_t dtype_packing(enum dtype d) {
  if (dtype_is_block(d)) return dtype_table[d].block;
  return d == DTYPE_QU4X2 ? 2 : d == DTYPE_QU2X4 ? 4 : 1;
}

uint64_t dtype_elements_in(enum dtype d, uint64_t bytes) {
  uint64_t n;
  return dtype_size(d) == 0 ? 0 : try_mul(bytes / dtype_size(d), dtype_packing(d), &n) ? n : UINT64_MAX;
}

uint64_t dtype_bytes_for(enum dtype d, uint64_t elements) {
  uint64_t packing = dtype_packing(d), bytes;
  uint64_t whole = elements / packing + (elements % packing != 0);
  return try_mul(whole, dtype_size(d), &bytes) ? bytes : UINT64_MAX;
}

/* The float formats of up to 16 bits: sign, exponent, mantissa, and which patterns are no numbers.
 * FN and FNUZ: Micikevicius et al. 2022 and Noune et al. 2022; FNUZ has neither infinity nor -0. */
enum specials { IEEE, FN, FNUZ };
struct small_float {
  unsigned exponent_bits, mantissa_bits, bias;
  enum specials specials;
  double unit; /* of subnormals: 2^(1 - bias - mantissa_bits) */
};
static const struct small_float half = {5, 10, 15, IEEE, 0x1p-24}, bfloat = {8, 7, 127, IEEE, 0x1p-133},
                                e4m3fn = {4, 3, 7, FN, 0x1p-9}, e5m2 = {5, 2, 15, IEEE, 0x1p-16},
                                e4m3fnuz = {4, 3, 8, FNUZ, 0x1p-10}, e5m2fnuz = {5, 2, 16, FNUZ, 0x1p-17};

static double f64_of(uint64_t bits) {
  double f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static double small_float(const struct small_float *f, unsigned bits) {
  unsigned exponent_max = (1u << f->exponent_bits) - 1, mantissa_max = (1u << f->mantissa_bits) - 1;
  unsigned mantissa = bits & mantissa_max, exponent = bits >> f->mantissa_bits & exponent_max;
  bool negative = bits >> (f->mantissa_bits + f->exponent_bits) & 1;
  if (f->specials == FNUZ && negative && exponent == 0 && mantissa == 0) return (double)NAN;
  if (f->specials == FN && exponent == exponent_max && mantissa == mantissa_max) return (double)NAN;
  if (f->specials == IEEE && exponent == exponent_max)
    return mantissa ? (double)NAN : negative ? (double)-INFINITY : (double)INFINITY;
  if (exponent == 0) return negative ? -(mantissa * f->unit) : mantissa * f->unit;
  uint64_t sign = negative ? UINT64_C(1) << 63 : 0, rebiased = (uint64_t)(exponent + 1023 - f->bias) << 52;
  return f64_of(sign | rebiased | (uint64_t)mantissa << (52 - f->mantissa_bits));
}

/* Two's complement without an implementation-defined cast. */
static double signed_of(uint64_t bits, unsigned width) {
  uint64_t top = UINT64_C(1) << (width - 1);
  return bits & top ? -(double)((bits ^ (top | (top - 1))) + 1) : (double)bits;
}

static double f32_of(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return (double)f;
}

double dtype_load(enum dtype d, const uint8_t *p) {
  switch (d) {
  case DTYPE_F64:
  case DTYPE_C128: return f64_of(load_u64le(p));
  case DTYPE_F32:
  case DTYPE_C64: return f32_of(load_u32le(p));
  case DTYPE_F16:
  case DTYPE_C32: return small_float(&half, load_u16le(p));
  case DTYPE_BF16: return small_float(&bfloat, load_u16le(p));
  case DTYPE_F8E4M3FN: return small_float(&e4m3fn, p[0]);
  case DTYPE_F8E5M2: return small_float(&e5m2, p[0]);
  case DTYPE_F8E4M3FNUZ: return small_float(&e4m3fnuz, p[0]);
  case DTYPE_F8E5M2FNUZ: return small_float(&e5m2fnuz, p[0]);
  case DTYPE_F8E8M0FNU: return p[0] == 0xff ? (double)NAN : ldexp(1.0, p[0] - 127);
  case DTYPE_I64: return signed_of(load_u64le(p), 64);
  case DTYPE_I32:
  case DTYPE_QI32: return signed_of(load_u32le(p), 32);
  case DTYPE_I16: return signed_of(load_u16le(p), 16);
  case DTYPE_I8:
  case DTYPE_QI8: return signed_of(p[0], 8);
  case DTYPE_U64: return (double)load_u64le(p);
  case DTYPE_U32: return load_u32le(p);
  case DTYPE_U16:
  case DTYPE_BITS16: return load_u16le(p);
  case DTYPE_U8:
  case DTYPE_BOOL:
  case DTYPE_QU8:
  case DTYPE_QU4X2:
  case DTYPE_QU2X4:
  case DTYPE_F4X2:
  case DTYPE_BITS8:
  case DTYPE_BITS1X8:
  case DTYPE_BITS2X4:
  case DTYPE_BITS4X2:
#define BLOCK(id, name, elements, bytes) case DTYPE_##id:
#include "tensor/blocks.def"
#undef BLOCK
    return p[0];
  case DTYPE_NONE:
  case DTYPE_COUNT: return 0;
  }
  return 0;
}
