#include "tensor/contents.h"

#include <math.h>

#include "base/reader.h"

/* The number at an element of the storage, little-endian. */
static void load(const struct numbers *n, uint64_t element, uint8_t out[16]) {
  size_t size = dtype_size(n->view.dtype);
  const uint8_t *p = n->bytes.p + element * size;
  for (size_t i = 0; i < size; i++) out[i] = p[n->big_endian ? size - 1 - i : i];
}

/* Of int32 and int64. */
static int64_t integer_at(const struct numbers *n, uint64_t element) {
  uint8_t raw[16];
  load(n, element, raw);
  if (n->view.dtype == DTYPE_I32) {
    uint32_t bits = load_u32le(raw);
    int32_t out;
    memcpy(&out, &bits, sizeof out);
    return out;
  }
  uint64_t bits = load_u64le(raw);
  int64_t out;
  memcpy(&out, &bits, sizeof out);
  return out;
}

static double real_at(const struct numbers *n, uint64_t element) {
  uint8_t raw[16];
  load(n, element, raw);
  return dtype_load(n->view.dtype, raw);
}

/* The element of the i-th number in row-major order over the first `dims` dimensions. */
static uint64_t element_of(const struct view *v, uint32_t dims, uint64_t i) {
  uint64_t element = v->offset;
  for (uint32_t d = dims; d > 0; d--) {
    element += i % v->size[d - 1] * v->stride[d - 1];
    i /= v->size[d - 1];
  }
  return element;
}

static bool refuse_number(struct observations *o, enum obs_kind kind, const struct numbers *n,
                          uint64_t element, struct span detail) {
  observe(o, (struct observation){.kind = kind,
                                  .member = n->member,
                                  .at = n->at + element * dtype_size(n->view.dtype),
                                  .subject = span_str(n->subject),
                                  .detail = detail});
  return false;
}

/* "[1, 17] is 9, expected 0 … 4" */
static bool refuse_index(struct observations *o, const struct numbers *n, uint64_t element, uint64_t row,
                         uint64_t column, uint64_t size) {
  return refuse_number(o, OBS_SPARSE_INDEX, n, element,
                       arena_printf(o->arena, "[%llu, %llu] is %lld, expected at least 0 and below %llu",
                                    (unsigned long long)row, (unsigned long long)column,
                                    (long long)integer_at(n, element), (unsigned long long)size));
}

static bool is_below(int64_t index, uint64_t size) { return index >= 0 && (uint64_t)index < size; }

bool coo_prove(const struct numbers *indices, const uint64_t *sizes, bool is_coalesced,
               struct observations *o) {
  const struct view *v = &indices->view;
  for (uint64_t k = 0; k < v->size[1] && v->numel; k++) {
    int order = k == 0 ? 1 : 0; /* against the column before */
    for (uint64_t d = 0; d < v->size[0]; d++) {
      uint64_t element = v->offset + d * v->stride[0] + k * v->stride[1];
      int64_t index = integer_at(indices, element);
      if (!is_below(index, sizes[d])) return refuse_index(o, indices, element, d, k, sizes[d]);
      int64_t before = order || !is_coalesced ? index : integer_at(indices, element - v->stride[1]);
      if (order == 0) order = (index > before) - (index < before);
    }
    if (is_coalesced && order <= 0)
      return refuse_number(
          o, OBS_SPARSE_ORDER, indices, v->offset + k * v->stride[1],
          arena_printf(o->arena, "column %llu is not above the one before, in a tensor called coalesced",
                       (unsigned long long)k));
  }
  return true;
}

/* One batch of a compressed layout, its two runs. */
struct batch {
  const struct numbers *compressed, *plain;
  uint64_t compressed_at, plain_at; /* elements */
  uint64_t rows, nnz, plain_size;
  uint64_t number;
};

static uint64_t last_stride(const struct numbers *n) { return n->view.stride[n->view.ndim - 1]; }

static bool refuse_bound(const struct batch *b, uint64_t row, int64_t found, const char *expected,
                         uint64_t number, struct observations *o) {
  struct span detail =
      arena_printf(o->arena, "[%llu, %llu] is %lld, expected %s %llu", (unsigned long long)b->number,
                   (unsigned long long)row, (long long)found, expected, (unsigned long long)number);
  uint64_t element = b->compressed_at + row * last_stride(b->compressed);
  return refuse_number(o, OBS_SPARSE_BOUNDS, b->compressed, element, detail);
}

static bool run_prove(const struct batch *b, uint64_t first, uint64_t end, struct observations *o) {
  int64_t before = -1;
  for (uint64_t k = first; k < end; k++) {
    uint64_t element = b->plain_at + k * last_stride(b->plain);
    int64_t index = integer_at(b->plain, element);
    if (!is_below(index, b->plain_size))
      return refuse_index(o, b->plain, element, b->number, k, b->plain_size);
    if (index <= before)
      return refuse_number(
          o, OBS_SPARSE_ORDER, b->plain, element,
          arena_printf(o->arena, "[%llu, %llu] is %lld, expected above %lld", (unsigned long long)b->number,
                       (unsigned long long)k, (long long)index, (long long)before));
    before = index;
  }
  return true;
}

static bool batch_prove(const struct batch *b, struct observations *o) {
  uint64_t before = 0;
  for (uint64_t row = 0; row <= b->rows; row++) {
    int64_t found = integer_at(b->compressed, b->compressed_at + row * last_stride(b->compressed));
    if (row == 0 && found != 0) return refuse_bound(b, row, found, "exactly", 0, o);
    if (found < 0 || (uint64_t)found < before) return refuse_bound(b, row, found, "at least", before, o);
    if ((uint64_t)found > b->nnz) return refuse_bound(b, row, found, "at most", b->nnz, o);
    if (!run_prove(b, before, (uint64_t)found, o)) return false;
    before = (uint64_t)found;
  }
  if (before != b->nnz) return refuse_bound(b, b->rows, (int64_t)before, "exactly", b->nnz, o);
  return true;
}

bool compressed_prove(const struct numbers *compressed, const struct numbers *plain, uint64_t plain_size,
                      struct observations *o) {
  const struct view *c = &compressed->view, *p = &plain->view;
  uint32_t dims = c->ndim - 1u;
  struct batch b = {.compressed = compressed,
                    .plain = plain,
                    .rows = c->size[dims] - 1,
                    .nnz = p->size[dims],
                    .plain_size = plain_size};
  for (uint64_t batches = c->numel / c->size[dims]; b.number < batches; b.number++) {
    b.compressed_at = element_of(c, dims, b.number);
    b.plain_at = element_of(p, dims, b.number);
    if (!batch_prove(&b, o)) return false;
  }
  return true;
}

bool nested_prove(const struct nested_claim *c, struct observations *o) {
  const struct view *s = &c->sizes.view, *t = &c->strides.view, *f = &c->offsets.view;
  int64_t sizes[MAX_DIMS], strides[MAX_DIMS];
  uint32_t dims = (uint32_t)s->size[1]; /* at most MAX_DIMS */
  for (uint64_t row = 0; row < s->size[0]; row++) {
    for (uint32_t d = 0; d < dims; d++) {
      sizes[d] = integer_at(&c->sizes, s->offset + row * s->stride[0] + d * s->stride[1]);
      strides[d] = integer_at(&c->strides, t->offset + row * t->stride[0] + d * t->stride[1]);
    }
    struct view v;
    struct view_claim claim = {.dtype = c->dtype,
                               .storage_bytes = c->elements * dtype_size(c->dtype),
                               .offset = integer_at(&c->offsets, f->offset + row * f->stride[0]),
                               .num_sizes = dims,
                               .num_strides = dims,
                               .sizes = sizes,
                               .strides = strides,
                               .member = c->member,
                               .at = c->at,
                               .subject = SPAN("a component of a nested tensor")};
    if (!view_prove(&v, &claim, o)) return false;
  }
  return true;
}

bool scales_prove(const struct numbers *scales, struct observations *o) {
  for (uint64_t i = 0; i < scales->view.numel; i++) {
    uint64_t element = element_of(&scales->view, scales->view.ndim, i);
    double x = real_at(scales, element);
    if (!(x > 0 && isfinite(x)))
      return refuse_number(o, OBS_QUANTISER_SCALE, scales, element,
                           arena_printf(o->arena, "[%llu] is %.9g, expected a finite number above 0",
                                        (unsigned long long)i, x));
  }
  return true;
}

bool zero_points_prove(const struct numbers *points, int64_t low, int64_t high, struct observations *o) {
  bool is_float = dtype_table[points->view.dtype].cls == DT_FLOAT;
  for (uint64_t i = 0; i < points->view.numel; i++) {
    uint64_t element = element_of(&points->view, points->view.ndim, i);
    double x = real_at(points, element);
    if (is_float ? isfinite(x) : x >= (double)low && x <= (double)high) continue;
    return refuse_number(o, OBS_QUANTISER_ZERO, points, element,
                         arena_printf(o->arena, "[%llu] is %.9g, expected %lld to %lld",
                                      (unsigned long long)i, x, (long long)low, (long long)high));
  }
  return true;
}
