#include "tensor/stats.h"

#include <math.h>

#include "tensor/reduce.h"

enum {
  CHUNK_BYTES = 65536,  /* digest and numbers take turns on this much: it stays in the cache */
  GATHER_BYTES = 4096,  /* a piece of a strided view in row-major order */
  HISTOGRAM_MIN = 1024, /* fewer bytes are looked at one by one */
};

/* ---- the numbers ---- */

/* Neumaier's sum: the part that each addition rounds away is kept aside. */
struct sum {
  double total, lost;
};

static void sum_add(struct sum *s, double x) {
  double t = s->total + x;
  s->lost += fabs(s->total) >= fabs(x) ? (s->total - t) + x : (x - t) + s->total;
  s->total = t;
}

static double sum_value(const struct sum *s) { return s->total + s->lost; }

struct tally {
  uint64_t count, nan, inf, zero, subnormal, finite;
  double min, max, absmax;
  double centre, spread; /* mean of the finite elements, and the sum of their squared distances from it */
  struct sum sum, huge;  /* huge: of elements from REDUCE_MAGNITUDE on, scaled by HUGE_SCALE */
};
#define HUGE_SCALE 0x1p-128

static void tally_range(struct tally *t, double min, double max) {
  if (min < t->min) t->min = min;
  if (max > t->max) t->max = max;
  if (fabs(min) > t->absmax) t->absmax = fabs(min);
  if (fabs(max) > t->absmax) t->absmax = fabs(max);
}

/* n more elements with a mean and spread of their own (Chan, Golub and LeVeque 1979). */
static void tally_spread(struct tally *t, double n, double mean, double spread) {
  double all = (double)t->finite + n, delta = mean - t->centre;
  t->spread += spread + delta * delta * ((double)t->finite * n / all);
  t->centre += delta * (n / all);
}

static bool is_subnormal(enum dtype d, double x) {
  double least = d == DTYPE_F64 ? 0x1p-1022 : d == DTYPE_F32 || d == DTYPE_BF16 ? 0x1p-126 : 0;
  return x != 0 && fabs(x) < least;
}

/* n equal elements. n * x is exact: n is 1, or x is one of 256 small values. */
static void tally_value(struct tally *t, double x, uint64_t n) {
  t->count += n;
  if (isnan(x)) {
    t->nan += n;
    return;
  }
  if (isinf(x)) {
    t->inf += n;
    return;
  }
  tally_range(t, x, x);
  tally_spread(t, (double)n, x, 0);
  t->finite += n;
  if (x == 0) t->zero += n;
  if (fabs(x) < REDUCE_MAGNITUDE)
    sum_add(&t->sum, x * (double)n);
  else
    sum_add(&t->huge, x * HUGE_SCALE * (double)n);
}

static void tally_reduction(struct tally *t, const struct reduction *r) {
  double n = (double)r->elements, mean = r->sum / n, off = mean - r->pivot;
  tally_range(t, r->min, r->max);
  tally_spread(t, n, mean, fmax(0, r->squares - n * off * off));
  t->subnormal += r->subnormals;
  t->count += r->elements;
  t->finite += r->elements;
  t->zero += r->zeros;
  sum_add(&t->sum, r->sum);
}

static double tally_mean(const struct tally *t) {
  double n = (double)t->finite;
  return sum_value(&t->sum) / n + sum_value(&t->huge) / n / HUGE_SCALE;
}

/* A few kilobytes: so many plain additions lose less than 1e-12 of the sum of magnitudes. */
static void tally_elements(struct tally *t, enum dtype d, struct span bytes) {
  struct reduction r = {.min = (double)INFINITY, .max = (double)-INFINITY};
  for (size_t at = 0; at < bytes.n; at += dtype_size(d)) {
    double x = dtype_load(d, bytes.p + at);
    if (!(fabs(x) < REDUCE_MAGNITUDE)) { /* NaN too */
      tally_value(t, x, 1);
      continue;
    }
    r.elements++;
    r.zeros += x == 0;
    r.subnormals += is_subnormal(d, x);
    r.sum += x;
    if (r.elements == 1) r.pivot = x;
    r.squares += (x - r.pivot) * (x - r.pivot);
    if (x < r.min) r.min = x;
    if (x > r.max) r.max = x;
  }
  if (r.elements > 0) tally_reduction(t, &r);
}

/* One byte, 256 values: counting them is faster than any arithmetic on them, and exact. Four tables, because
 * equal neighbours would wait for one another's counter. */
static void tally_bytes(struct tally *t, enum dtype d, struct span bytes) {
  uint16_t seen[4][256] = {0}; /* CHUNK_BYTES / 4 fits */
  if (bytes.n < HISTOGRAM_MIN) {
    tally_elements(t, d, bytes);
    return;
  }
  for (size_t i = 0; i < bytes.n; i++) seen[i % 4][bytes.p[i]]++;
  for (unsigned v = 0; v < 256; v++) {
    uint64_t n = (uint64_t)seen[0][v] + seen[1][v] + seen[2][v] + seen[3][v];
    uint8_t byte = (uint8_t)v;
    if (n > 0) tally_value(t, dtype_load(d, &byte), n);
  }
}

static void tally_numbers(struct tally *t, enum dtype d, struct span bytes) {
  while (bytes.n > 0) {
    struct reduction b;
    struct span piece = span_first(bytes, REDUCE_BYTES);
    if (reduce_block(&b, d, piece)) {
      tally_reduction(t, &b);
      piece.n = b.elements * dtype_size(d);
    } else {
      tally_elements(t, d, piece);
    }
    bytes = span_from(bytes, piece.n);
  }
}

static void tally_complex(struct tally *t, enum dtype d, struct span bytes) {
  size_t half = dtype_size(d) / 2;
  for (size_t at = 0; at < bytes.n; at += 2 * half) {
    double re = dtype_load(d, bytes.p + at), im = dtype_load(d, bytes.p + at + half); /* loads one half */
    if (isnan(im) || (isinf(im) && !isnan(re))) re = im;
    tally_value(t, re, 1);
    if (!isfinite(re)) continue;
    if (re == 0 && im != 0) t->zero--;
    if (fabs(im) > t->absmax) t->absmax = fabs(im);
  }
}

static void tally_run(struct tally *t, enum dtype d, struct span bytes) {
  switch (dtype_table[d].cls) {
  case DT_COMPLEX: tally_complex(t, d, bytes); return;
  case DT_OPAQUE: return;
  case DT_FLOAT:
  case DT_INT:
  case DT_UINT:
  case DT_BOOL:
  case DT_QUANT: break;
  }
  if (dtype_size(d) == 1)
    tally_bytes(t, d, bytes);
  else
    tally_numbers(t, d, bytes);
}

static void report_tally(struct tensor_stats *out, const struct tally *t) {
  out->count = t->count;
  out->nan_count = t->nan;
  out->inf_count = t->inf;
  out->zero_count = t->zero;
  out->subnormal_count = t->subnormal;
  out->finite = t->finite;
  if (t->finite == 0) return;
  out->min = t->min;
  out->max = t->max;
  out->absmax = t->absmax;
  out->mean = tally_mean(t);
  out->std = isfinite(t->spread) ? sqrt(t->spread / (double)t->finite) : (double)NAN;
}

/* ---- the way through the elements ---- */

struct pass {
  const struct view *view;
  struct span storage;
  bool swap, hash;
  struct histogram *histogram; /* NULL: none is wanted */
  struct tally tally;
  struct sha256_run sha;
};

/* A run of whole elements, little-endian, in logical order. */
static void take_run(struct pass *p, struct span bytes) {
  if (p->hash) sha256_add(&p->sha, bytes);
  tally_run(&p->tally, p->view->dtype, bytes);
  if (p->histogram) histogram_run(p->histogram, p->view->dtype, bytes);
}

static void pass_straight(struct pass *p) {
  uint64_t size = dtype_size(p->view->dtype);
  struct span left =
      span_from(p->storage, (size_t)(p->view->offset * size)); /* proved: no overflow, inside */
  left = span_first(left, (size_t)(p->view->numel * size));
  while (left.n > 0) {
    struct span chunk = span_first(left, CHUNK_BYTES);
    take_run(p, chunk);
    left = span_from(left, chunk.n);
  }
}

/* The halves of a complex number are swapped one by one. */
static void swap_bytes(uint8_t *p, size_t size, size_t unit) {
  for (size_t at = 0; at < size; at += unit)
    for (size_t i = 0; i < unit / 2; i++) {
      uint8_t low = p[at + i];
      p[at + i] = p[at + unit - 1 - i];
      p[at + unit - 1 - i] = low;
    }
}

static size_t swap_unit(enum dtype d) {
  return dtype_table[d].cls == DT_COMPLEX ? dtype_size(d) / 2 : dtype_size(d);
}

/* quint4x2 and quint2x4: the lowest bits of a byte are the first element. */
static uint8_t unpack(const uint8_t *storage, uint64_t at, uint64_t packing) {
  uint64_t width = 8 / packing;
  return (uint8_t)(storage[at / packing] >> (at % packing * width) & 0xff >> (8 - width));
}

static void copy_element(const struct pass *p, uint8_t *to, uint64_t at) {
  enum dtype d = p->view->dtype;
  const uint8_t *from = p->storage.p;
  if (dtype_packing(d) > 1) {
    *to = unpack(from, at, dtype_packing(d));
    return;
  }
  switch (dtype_size(d)) { /* constant lengths become single moves */
  case 1: memcpy(to, from + at, 1); break;
  case 2: memcpy(to, from + at * 2, 2); break;
  case 4: memcpy(to, from + at * 4, 4); break;
  case 8: memcpy(to, from + at * 8, 8); break;
  default: memcpy(to, from + at * 16, 16); break;
  }
  if (p->swap) swap_bytes(to, dtype_size(d), swap_unit(d));
}

/* The place of the next element in row-major order; behind the last one, of the first. */
static uint64_t next_element(const struct view *v, uint64_t index[MAX_DIMS], uint64_t at) {
  for (uint32_t i = v->ndim; i > 0; i--) {
    if (++index[i - 1] < v->size[i - 1]) return at + v->stride[i - 1];
    at -= (v->size[i - 1] - 1) * v->stride[i - 1];
    index[i - 1] = 0;
  }
  return at;
}

static void pass_strided(struct pass *p) {
  uint8_t buffer[GATHER_BYTES] = {0};
  uint64_t index[MAX_DIMS] = {0}, at = p->view->offset;
  size_t size = dtype_size(p->view->dtype), fill = 0;
  for (uint64_t left = p->view->numel; left > 0; left--) {
    copy_element(p, buffer + fill, at);
    fill += size;
    if (fill == sizeof buffer || left == 1) {
      take_run(p, span_of(buffer, fill));
      fill = 0;
    }
    at = next_element(p->view, index, at);
  }
}

/* Packed elements reach the numbers one by one, so their bytes are hashed apart. */
static bool hash_packed(const struct view *v, struct span storage, uint8_t out[32]) {
  uint64_t packing = dtype_packing(v->dtype);
  if (!v->contiguous || v->offset % packing != 0) return false;
  struct span from_first = span_from(storage, (size_t)dtype_bytes_for(v->dtype, v->offset));
  return sha256(span_first(from_first, (size_t)dtype_bytes_for(v->dtype, v->numel)), out);
}

/* Only where so many zeros are that there can be such a row. */
static uint64_t zero_rows(const struct view *v, struct span storage, uint64_t zeros) {
  uint64_t rows = v->ndim >= 2 ? v->size[0] : 0, size = dtype_size(v->dtype), found = 0;
  if (!v->contiguous || v->numel == 0 || rows < 2 || zeros < v->numel / rows) return 0;
  const size_t bytes = (size_t)(v->numel / rows * size);
  const uint8_t *row = storage.p + v->offset * size;
  for (uint64_t i = 0; i < rows; i++, row += bytes)
    found += row[0] == 0 && memcmp(row, row + 1, bytes - 1) == 0;
  return found;
}

static bool has_histogram(enum dtype d) {
  enum dtype_class cls = dtype_table[d].cls;
  return cls != DT_COMPLEX && cls != DT_OPAQUE;
}

void tensor_stats(struct tensor_stats *out, const struct view *v, struct span storage, bool big_endian,
                  unsigned wanted, uint64_t max_elements) {
  bool packed = dtype_packing(v->dtype) > 1, want_hash = (wanted & STATS_HASH) != 0;
  struct histogram histogram;
  *out = (struct tensor_stats){0};
  if ((v->expanded && v->numel > max_elements) || storage.n < view_storage_bytes(v)) return;
  if (dtype_is_block(v->dtype)) { /* no numbers without a decoder */
    out->hashed = want_hash && hash_packed(v, storage, out->sha256);
    return;
  }
  struct pass p = {.view = v,
                   .storage = storage,
                   .swap = big_endian && swap_unit(v->dtype) > 1,
                   .tally = {.min = (double)INFINITY, .max = (double)-INFINITY}};
  if (wanted & STATS_HISTOGRAM && has_histogram(v->dtype))
    p.histogram = memset(&histogram, 0, sizeof histogram);
  p.hash = want_hash && !packed && sha256_begin(&p.sha);
  if (v->contiguous && !p.swap && !packed)
    pass_straight(&p);
  else
    pass_strided(&p);
  out->hashed =
      packed ? want_hash && hash_packed(v, storage, out->sha256) : p.hash && sha256_end(&p.sha, out->sha256);
  out->done = dtype_table[v->dtype].cls != DT_OPAQUE;
  report_tally(out, &p.tally);
  if (!packed) out->zero_rows = zero_rows(v, storage, out->zero_count);
  if (p.histogram && out->finite) histogram_bars(p.histogram, out->min, out->max, out->bars);
}
