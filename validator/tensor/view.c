#include "tensor/view.h"

/* "sizes [2, 3], strides [3, 1], offset 0"; long claims are cut. */
enum { CLAIM_TEXT = 512, CLAIM_DIMS_SHOWN = 8 };

struct text {
  char p[CLAIM_TEXT];
  size_t n;
};

static void append(struct text *t, struct span piece) {
  size_t n = min_size(piece.n, sizeof t->p - t->n);
  memcpy(t->p + t->n, piece.p, n);
  t->n += n;
}

static void append_number(struct text *t, int64_t number) {
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%lld", (long long)number);
  append(t, span_of(digits, n > 0 ? (size_t)n : 0));
}

static void append_numbers(struct text *t, struct span label, const int64_t *numbers, uint32_t n) {
  append(t, label);
  for (uint32_t i = 0; i < n && i < CLAIM_DIMS_SHOWN; i++) {
    if (i > 0) append(t, SPAN(", "));
    append_number(t, numbers[i]);
  }
  append(t, n > CLAIM_DIMS_SHOWN ? SPAN(", …]") : SPAN("]"));
}

static struct span claim_text(struct arena *a, const struct view_claim *c) {
  struct text t = {.n = 0};
  struct span out = {0};
  append_numbers(&t, SPAN("sizes ["), c->sizes, c->num_sizes);
  append_numbers(&t, SPAN(", strides ["), c->strides, c->num_strides);
  append(&t, SPAN(", offset "));
  append_number(&t, c->offset);
  return arena_copy(a, span_of(t.p, t.n), &out) ? out : (struct span){0};
}

static void note(struct observations *o, const struct view_claim *c, enum obs_kind kind, uint64_t got,
                 uint64_t want) {
  struct span detail = will_list(o, kind) ? claim_text(o->arena, c) : (struct span){0};
  observe(o, (struct observation){.kind = kind,
                                  .member = c->member,
                                  .at = c->at,
                                  .got = got,
                                  .want = want,
                                  .subject = c->subject,
                                  .detail = detail});
}

NODISCARD static bool refuse_claim(struct observations *o, const struct view_claim *c, enum obs_kind kind,
                                   uint64_t got, uint64_t want) {
  note(o, c, kind, got, want);
  return false;
}

/* The claim's numbers as unsigned ones (format-spec D.4, 1 and 2). */
static bool read_numbers(struct view *v, const struct view_claim *c, struct observations *o) {
  if (c->num_sizes != c->num_strides)
    return refuse_claim(o, c, OBS_VIEW_RANKS_DIFFER, c->num_strides, c->num_sizes);
  if (c->num_sizes > MAX_DIMS) return refuse_claim(o, c, OBS_LIMIT_TENSOR_DIMS, c->num_sizes, MAX_DIMS);
  if (!try_cast(c->offset, &v->offset)) return refuse_claim(o, c, OBS_VIEW_NEGATIVE_OFFSET, 0, 0);
  v->ndim = (uint8_t)c->num_sizes; /* at most MAX_DIMS */
  for (uint32_t i = 0; i < c->num_sizes; i++) {
    if (!try_cast(c->sizes[i], &v->size[i])) return refuse_claim(o, c, OBS_VIEW_NEGATIVE_SIZE, i, 0);
    if (!try_cast(c->strides[i], &v->stride[i])) return refuse_claim(o, c, OBS_VIEW_NEGATIVE_STRIDE, i, 0);
  }
  return true;
}

/* D.4, 3: a zero dimension must not hide that the other sizes overflow; torch raises there too. */
static bool count_elements(struct view *v) {
  int64_t product = 1;
  bool empty = false;
  for (uint32_t i = 0; i < v->ndim; i++) {
    if (v->size[i] == 0)
      empty = true;
    else if (!try_mul(product, v->size[i], &product))
      return false;
  }
  v->numel = empty ? 0 : (uint64_t)product;
  return true;
}

/* D.4, 5: one past offset + Σ (size - 1) * stride. Only for views that have elements. */
static bool find_extent(struct view *v) {
  uint64_t end;
  if (!try_add(v->offset, UINT64_C(1), &end)) return false;
  for (uint32_t i = 0; i < v->ndim; i++) {
    uint64_t reach;
    if (!try_mul(v->size[i] - 1, v->stride[i], &reach) || !try_add(end, reach, &end)) return false;
  }
  v->extent = end;
  return true;
}

/* D.4, 9: dimensions of size 1 have no say. Empty views are contiguous, as torch has it. */
static bool is_contiguous(const struct view *v) {
  uint64_t expected = 1;
  if (v->numel == 0) return true;
  for (uint32_t i = v->ndim; i > 0; i--) {
    if (v->size[i - 1] == 1) continue;
    if (v->stride[i - 1] != expected) return false;
    expected *= v->size[i - 1]; /* at most numel */
  }
  return true;
}

/* Threats H14. */
static bool accept_expanded(const struct view *v, const struct view_claim *c, uint64_t elements,
                            struct observations *o) {
  bool large = dtype_bytes_for(v->dtype, v->numel) > EXPANDED_BYTES;
  if (large && v->numel / EXPANDED_TIMES > elements)
    return refuse_claim(o, c, OBS_VIEW_EXPANDED_HUGE, v->numel, elements);
  note(o, c, OBS_VIEW_EXPANDED, v->numel, elements);
  return true;
}

bool view_prove(struct view *v, const struct view_claim *claim, struct observations *o) {
  *v = (struct view){.dtype = claim->dtype};
  if (claim->dtype <= DTYPE_NONE || claim->dtype >= DTYPE_COUNT)
    return refuse_claim(o, claim, OBS_VIEW_DTYPE_UNKNOWN, 0, 0);
  if (!read_numbers(v, claim, o)) return false;
  if (!count_elements(v)) return refuse_claim(o, claim, OBS_VIEW_NUMEL_OVERFLOW, 0, 0);
  uint64_t elements = dtype_elements_in(v->dtype, claim->storage_bytes);
  if (v->offset > elements || (v->offset == elements && v->numel > 0))
    return refuse_claim(o, claim, OBS_VIEW_OFFSET_BEYOND, v->offset, elements);
  v->contiguous = is_contiguous(v);
  if (v->numel == 0) return true;
  if (!find_extent(v)) return refuse_claim(o, claim, OBS_VIEW_EXTENT_OVERFLOW, 0, 0);
  if (v->extent > elements) return refuse_claim(o, claim, OBS_VIEW_BEYOND_STORAGE, v->extent, elements);
  v->expanded = v->numel > elements;
  return !v->expanded || accept_expanded(v, claim, elements, o);
}
