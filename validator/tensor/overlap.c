#include "tensor/overlap.h"

#include <stdlib.h>

#include "tensor/view.h"

void overlaps_init(struct overlaps *o, struct arena *a) {
  *o = (struct overlaps){.arena = a, .steps = OVERLAP_STEPS};
}

static uint64_t *sizes_of(const struct overlaps *o, const struct footprint *f) {
  return o->dims.p + f->first_dim;
}

/* ---- footprints ---- */

struct dim {
  uint64_t size, stride;
};

/* By falling stride; what has one place, or the same place for all, leads nowhere. */
static uint32_t sort_dims(const struct overlap_view *v, struct dim out[MAX_DIMS]) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < v->ndim; i++) {
    if (v->size[i] == 1 || v->stride[i] == 0) continue;
    uint32_t at = n++;
    for (; at && out[at - 1].stride < v->stride[i]; at--) out[at] = out[at - 1];
    out[at] = (struct dim){v->size[i], v->stride[i]};
  }
  return n;
}

/* [2, 3] with strides 3, 1 is [6] with stride 1. From the inside out; the dimensions then stand the other way
 * round. */
static uint32_t join_dims(struct dim *dims, uint32_t n, struct dim out[MAX_DIMS]) {
  uint32_t kept = 0;
  for (uint32_t i = n; i > 0; i--) {
    struct dim *inner = kept ? &out[kept - 1] : NULL;
    if (inner &&
        dims[i - 1].stride == inner->size * inner->stride) /* inside a proved extent, which fits int64 */
      inner->size *= dims[i - 1].size;
    else
      out[kept++] = dims[i - 1];
  }
  return kept;
}

bool overlaps_add(struct overlaps *o, const struct overlap_view *v) {
  struct dim sorted[MAX_DIMS], dims[MAX_DIMS];
  uint32_t n = join_dims(sorted, sort_dims(v, sorted), dims);
  struct footprint *f = vec_push(o->arena, &o->list, UINT32_MAX);
  if (!f || !vec_reserve(o->arena, &o->dims, 2 * n + 1, UINT32_MAX)) return false;
  uint64_t reach = 1; /* elements from the first to behind the last of what is inside */
  *f = (struct footprint){.group = v->group, .first = v->first, .unit = v->unit, .who = v->who};
  f->first_dim = o->dims.n;
  f->ndim = n;
  f->nested = true;
  for (uint32_t i = 0; i < n; i++) {
    f->nested = f->nested && dims[i].stride >= reach;
    reach += (dims[i].size - 1) * dims[i].stride;
    o->dims.p[o->dims.n++] = dims[i].size;
    o->dims.p[o->dims.n++] = dims[i].stride;
  }
  f->end = f->first + reach * v->unit;
  return true;
}

static bool is_dense(const struct overlaps *o, const struct footprint *f) {
  return f->ndim == 0 || (f->ndim == 1 && sizes_of(o, f)[1] == 1);
}

static bool same_bytes(const struct overlaps *o, const struct footprint *a, const struct footprint *b) {
  if (a->first != b->first || a->end != b->end) return false;
  if (is_dense(o, a) && is_dense(o, b)) return true;
  return a->unit == b->unit && a->ndim == b->ndim &&
         memcmp(sizes_of(o, a), sizes_of(o, b), 2 * sizeof(uint64_t) * a->ndim) == 0;
}

/* ---- order ---- */

static int compare_u64(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

/* By group and first byte; of those, equal footprints beside each other. */
static int compare(const void *left, const void *right, void *ctx) {
  const struct overlaps *o = ctx;
  const struct footprint *a = left, *b = right;
  int c = compare_u64(a->group, b->group);
  if (!c) c = compare_u64(a->first, b->first);
  if (!c) c = compare_u64(a->end, b->end);
  if (!c) c = is_dense(o, b) - is_dense(o, a);
  if (!c) c = compare_u64(a->unit, b->unit);
  if (!c) c = compare_u64(a->ndim, b->ndim);
  for (uint32_t i = 0; !c && i < 2 * a->ndim; i++) c = compare_u64(sizes_of(o, a)[i], sizes_of(o, b)[i]);
  return c ? c : compare_u64(a->who, b->who);
}

/* ---- elements, one bit each ---- */

struct map {
  struct overlaps *o;
  uint64_t first; /* byte of bit 0 */
  uint32_t unit;
  uint64_t hit; /* the bit that was set already */
};

/* Sets bits [from, from + n) of one word. */
static bool set_word(struct map *m, uint64_t from, uint64_t n) {
  uint64_t *word = &m->o->bits.p[from / 64], mask = (n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX)
                                                    << from % 64;
  if (m->o->steps == 0) return false;
  m->o->steps--;
  m->hit = from / 64 * 64 + (*word & mask ? (uint64_t)__builtin_ctzll(*word & mask) : 0);
  bool free = (*word & mask) == 0;
  *word |= mask;
  return free;
}

static bool set_run(struct map *m, uint64_t from, uint64_t n) {
  while (n) {
    uint64_t now = min_u64(n, 64 - from % 64);
    if (!set_word(m, from, now)) return false;
    from += now;
    n -= now;
  }
  return true;
}

/* The innermost dimension: its elements lie beside each other, or each has its own step. */
static bool set_row(struct map *m, uint64_t from, uint64_t n, uint64_t stride, uint64_t width) {
  if (stride == width) return set_run(m, from, n * width);
  for (uint64_t i = 0; i < n; i++)
    if (!set_run(m, from + i * stride, width)) return false;
  return true;
}

/* Sets the bits of a view. False: one was set, or the steps are spent. */
static bool set_view(struct map *m, const struct footprint *f) {
  const uint64_t *dims = sizes_of(m->o, f);
  uint64_t index[MAX_DIMS] = {0}, width = f->unit / m->unit, at = (f->first - m->first) / m->unit;
  uint64_t n = f->ndim ? dims[0] : 1, stride = f->ndim ? dims[1] * width : width;
  for (;;) {
    if (!set_row(m, at, n, stride, width)) return false;
    size_t d = 1;
    for (; d < f->ndim; d++) {
      at += dims[2 * d + 1] * width;
      if (++index[d] < dims[2 * d]) break;
      at -= dims[2 * d] * dims[2 * d + 1] * width;
      index[d] = 0;
    }
    if (d >= f->ndim) return true;
  }
}

/* Has a view this byte? Of views that are not nested it is only known that they lie around it. */
static bool has_byte(const struct overlaps *o, const struct footprint *f, uint64_t byte) {
  if (byte < f->first || byte >= f->end) return false;
  uint64_t rest = (byte - f->first) / f->unit;
  for (size_t d = f->ndim; f->nested && d > 0; d--) {
    const uint64_t *dim = sizes_of(o, f) + 2 * (d - 1);
    uint64_t index = min_u64(rest / dim[1], dim[0] - 1);
    rest -= index * dim[1];
  }
  return !f->nested || rest == 0;
}

/* ---- views that lie over each other, or between each other ---- */

/* Two that lie without gaps, and not in the same place, share what is between. Those that begin first come
 * first. */
static bool dense_overlap(const struct overlaps *o, uint32_t from, uint32_t to, struct overlap *what) {
  const struct footprint *last = NULL;
  for (uint32_t i = from; i < to; i++) {
    const struct footprint *f = &o->list.p[i];
    if (!is_dense(o, f)) continue;
    if (last && f->first < last->end && !same_bytes(o, last, f)) {
      *what = (struct overlap){.answer = OVERLAP_OTHER, .who = last->who, .other = f->who};
      return true;
    }
    if (!last || f->end > last->end) last = f;
  }
  return false;
}

static bool clear_bits(struct overlaps *o, uint64_t n) {
  uint64_t words = n / 64 + 1;
  o->bits.n = 0;
  if (words > UINT32_MAX || !vec_reserve(o->arena, &o->bits, (uint32_t)words, UINT32_MAX)) return false;
  memset(o->bits.p, 0, words * sizeof *o->bits.p);
  return true;
}

/* Who has the element that was set already: one that came before, or the view itself. */
static struct overlap blame(const struct map *m, uint32_t from, uint32_t at) {
  const struct footprint *list = m->o->list.p;
  uint64_t byte = m->first + m->hit * m->unit;
  for (uint32_t i = from; i < at; i++)
    if (has_byte(m->o, &list[i], byte))
      return (struct overlap){.answer = OVERLAP_OTHER, .who = list[i].who, .other = list[at].who};
  return (struct overlap){.answer = OVERLAP_SELF, .who = list[at].who};
}

static struct overlap map_overlap(struct overlaps *o, uint32_t from, uint32_t to, uint64_t end) {
  const struct footprint *list = o->list.p;
  struct map m = {.o = o, .first = list[from].first, .unit = list[from].unit};
  struct overlap unknown = {.answer = OVERLAP_UNKNOWN, .who = list[from].who};
  for (uint32_t i = from; i < to; i++) m.unit = list[i].unit < m.unit ? list[i].unit : m.unit;
  if (!clear_bits(o, (end - m.first) / m.unit)) return unknown;
  for (uint32_t i = from; i < to; i++) {
    if (i > from && same_bytes(o, &list[i - 1], &list[i])) continue;
    if (set_view(&m, &list[i])) continue;
    return o->steps ? blame(&m, from, i) : unknown;
  }
  return (struct overlap){.answer = OVERLAP_NONE};
}

static struct overlap look(struct overlaps *o, uint32_t from, uint32_t to, uint64_t end) {
  struct overlap what = {.answer = OVERLAP_NONE};
  bool gaps = false, alike = o->list.p[from].nested;
  for (uint32_t i = from; i < to; i++) {
    gaps = gaps || !is_dense(o, &o->list.p[i]);
    alike = alike && same_bytes(o, &o->list.p[from], &o->list.p[i]);
  }
  if (alike || dense_overlap(o, from, to, &what) || !gaps) return what;
  return map_overlap(o, from, to, end);
}

void overlaps_find(struct overlaps *o, void (*found)(void *ctx, const struct overlap *what), void *ctx) {
  if (o->list.n) qsort_r(o->list.p, o->list.n, sizeof *o->list.p, compare, o);
  for (uint32_t from = 0, to; from < o->list.n; from = to) {
    const struct footprint *first = &o->list.p[from];
    uint64_t end = first->end;
    for (to = from + 1; to < o->list.n && o->list.p[to].group == first->group && o->list.p[to].first < end;
         to++)
      end = max_u64(end, o->list.p[to].end);
    struct overlap what = look(o, from, to, end);
    what.views = to - from;
    if (what.answer != OVERLAP_NONE) found(ctx, &what);
  }
}
