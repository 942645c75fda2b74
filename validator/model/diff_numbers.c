/* Two tensors of one name: shape, dtype, then the numbers, element by element in logical order. */
#include <math.h>

#include "model/diff_parts.h"
#include "model/elements.h"

/* ---- bytes ---- */

static bool storage_of(struct differ *d, struct diff_names *s, uint32_t storage, struct span *out) {
  struct span *known = &s->storage[storage - 1];
  if (known->n == 0 && !plan_storage_bytes(s->plan, storage, s->file, d->arena, d->o, known)) return false;
  *out = *known;
  return true;
}

/* The bytes that a comparison walks over: once a storage would be too few, for views share storages. */
static bool spend(struct differ *d, const struct plan_tensor *t) {
  uint64_t bytes = dtype_bytes_for((enum dtype)t->dtype, t->numel);
  if (bytes > d->bytes_left) {
    observe(d->o, (struct observation){.kind = OBS_LIMIT_DIFF, .got = d->bytes_left});
    d->bytes_left = 0;
    return false;
  }
  d->bytes_left -= bytes;
  return true;
}

static bool open_side(struct differ *d, uint32_t side, const struct plan_tensor *t, struct elements *e) {
  struct diff_names *s = &d->side[side];
  struct span bytes = {0};
  if (!elements_readable(s->plan, t) || s->file.n == 0 || !spend(d, t)) return false;
  if (t->numel && !storage_of(d, s, t->storage, &bytes)) return false;
  elements_begin(e, s->plan, t, bytes);
  return true;
}

static bool in_one_run(const struct elements *x, const struct elements *y) {
  return x->t->flags & y->t->flags & PLAN_CONTIGUOUS && x->big_endian == y->big_endian;
}

static bool same_run(const struct elements *x, const struct elements *y) {
  size_t size = (size_t)dtype_size((enum dtype)x->t->dtype);
  return x->t->numel == 0 ||
         memcmp(x->bytes.p + x->t->offset * size, y->bytes.p + y->t->offset * size, x->t->numel * size) == 0;
}

/* ---- numbers ---- */

/* A complex number is two. */
enum { PARTS = 2 };
struct number {
  double part[PARTS];
};

static struct number number_at(const struct elements *e, const uint8_t *p) {
  enum dtype dtype = (enum dtype)e->t->dtype;
  size_t size = (size_t)dtype_size(dtype);
  uint8_t bytes[16], turned[16];
  if (dtype_table[dtype].cls != DT_COMPLEX) return (struct number){{elements_value(e, p), 0}};
  enum dtype half = dtype == DTYPE_C128 ? DTYPE_F64 : dtype == DTYPE_C64 ? DTYPE_F32 : DTYPE_F16;
  size /= PARTS;
  memcpy(bytes, p, PARTS * size);
  for (size_t i = 0; i < PARTS * size; i++) turned[i] = bytes[i / size * size + (size - 1 - i % size)];
  const uint8_t *q = e->big_endian ? turned : bytes;
  return (struct number){{dtype_load(half, q), dtype_load(half, q + size)}};
}

struct figures {
  double dot, aa, bb, max_abs, max_rel;
  uint64_t differing;
  bool bits;         /* equal means equal bytes */
  bool within, lost; /* lost: NaN or infinity on one side only */
};

static void compare_part(struct figures *f, const struct diff_request *r, double a, double b) {
  f->dot += a * b;
  f->aa += a * a;
  f->bb += b * b;
  if ((isnan(a) && isnan(b)) || (a >= b && a <= b)) return;
  double apart = fabs(b - a);
  if (!isfinite(apart)) {
    f->lost = true;
    f->within = false;
    return;
  }
  f->max_abs = fmax(f->max_abs, apart);
  if (fabs(a) > 0) f->max_rel = fmax(f->max_rel, apart / fabs(a));
  if (apart > r->atol + r->rtol * fabs(a)) f->within = false;
}

static bool same_number(const struct number *x, const struct number *y) {
  for (int i = 0; i < PARTS; i++) {
    double a = x->part[i], b = y->part[i];
    if (!(isnan(a) && isnan(b)) && !(a >= b && a <= b)) return false;
  }
  return true;
}

static void compare(struct figures *f, const struct diff_request *r, struct elements *x, struct elements *y) {
  size_t size = (size_t)dtype_size((enum dtype)x->t->dtype);
  for (const uint8_t *p, *q; (p = elements_next(x)) && (q = elements_next(y));) {
    struct number a = number_at(x, p), b = number_at(y, q);
    f->differing += f->bits ? memcmp(p, q, size) != 0 : !same_number(&a, &b);
    for (int i = 0; i < PARTS; i++) compare_part(f, r, a.part[i], b.part[i]);
  }
}

static enum diff_answer take_figures(struct diff_row *row, const struct figures *f, bool retyped,
                                     bool tolerant) {
  double lengths = sqrt(f->aa) * sqrt(f->bb);
  row->figures = 1;
  row->differing = f->differing;
  row->max_abs = f->lost ? (double)NAN : f->max_abs;
  row->max_rel = f->lost ? (double)NAN : f->max_rel;
  row->cosine = lengths > 0 && isfinite(lengths) ? fmax(-1, fmin(1, f->dot / lengths)) : (double)NAN;
  row->within = tolerant && f->within;
  if (f->differing == 0 && !retyped) return DIFF_EQUAL;
  return row->within ? DIFF_WITHIN : DIFF_OTHER;
}

/* ---- strided tensors ---- */

static bool same_shape(const struct differ *d, const struct plan_tensor *x, const struct plan_tensor *y) {
  const uint64_t *a = d->side[0].plan->dims + x->first_dim, *b = d->side[1].plan->dims + y->first_dim;
  return x->ndim == y->ndim && x->layout == y->layout &&
         (x->ndim == 0 || memcmp(a, b, x->ndim * sizeof *a) == 0);
}

static enum diff_answer strided_tensors(struct differ *d, const struct plan_tensor *x,
                                        const struct plan_tensor *y, struct diff_row *row) {
  const struct diff_request *r = d->request;
  bool retyped = x->dtype != y->dtype;
  struct elements ex, ey;
  if (!open_side(d, 0, x, &ex) || !open_side(d, 1, y, &ey)) return DIFF_UNKNOWN;
  if (!retyped && in_one_run(&ex, &ey) && same_run(&ex, &ey)) return DIFF_EQUAL;
  struct figures f = {.bits = !retyped && ex.big_endian == ey.big_endian, .within = true};
  compare(&f, r, &ex, &ey);
  return take_figures(row, &f, retyped, r->rtol > 0 || r->atol > 0);
}

/* ---- quantised and sparse tensors ---- */

/* The plan keeps no scales: equal bytes are not yet equal numbers. */
static enum diff_answer quantized_tensors(struct differ *d, const struct plan_tensor *x,
                                          const struct plan_tensor *y) {
  struct span a, b;
  enum dtype dtype = (enum dtype)x->dtype;
  bool in_order = x->flags & y->flags & PLAN_CONTIGUOUS && x->offset == 0 && y->offset == 0;
  if (!in_order || !x->storage || !y->storage || !spend(d, x)) return DIFF_UNKNOWN;
  if (!storage_of(d, &d->side[0], x->storage, &a) || !storage_of(d, &d->side[1], y->storage, &b))
    return DIFF_UNKNOWN;
  return memcmp(a.p, b.p, (size_t)dtype_bytes_for(dtype, x->numel)) != 0 ? DIFF_OTHER : DIFF_UNKNOWN;
}

static const struct plan_tensor *next_part(const struct plan *p, const struct plan_tensor *t, uint32_t *at) {
  uint32_t end = p->values[t->value].end;
  while (*at < end) {
    const struct plan_value *v = &p->values[*at];
    *at = v->end;
    if (v->kind == PLAN_VAL_TENSOR) return &p->tensors[v->number];
  }
  return NULL;
}

/* Its parts (indices, values) one by one. */
static enum diff_answer sparse_tensors(struct differ *d, const struct plan_tensor *x,
                                       const struct plan_tensor *y) {
  uint32_t at_x = x->value + 1, at_y = y->value + 1;
  enum diff_answer worst = DIFF_EQUAL;
  for (;;) {
    const struct plan_tensor *p = next_part(d->side[0].plan, x, &at_x);
    const struct plan_tensor *q = next_part(d->side[1].plan, y, &at_y);
    if (!p && !q) return worst;
    if (!p || !q || !same_shape(d, p, q) || p->dtype != q->dtype) return DIFF_OTHER;
    struct diff_row unused = {0};
    enum diff_answer answer = strided_tensors(d, p, q, &unused);
    worst = answer > worst ? answer : worst;
  }
}

/* ---- two tensors ---- */

enum diff_answer diff_tensors(struct differ *d, uint32_t a, uint32_t b, struct diff_row *row) {
  const struct plan_tensor *x = &d->side[0].plan->tensors[a], *y = &d->side[1].plan->tensors[b];
  bool apart = (x->flags | y->flags) & (PLAN_SPARSE | PLAN_QUANTIZED);
  row->kind = DIFF_RESHAPED;
  if (!same_shape(d, x, y)) return DIFF_OTHER;
  row->kind = x->dtype != y->dtype ? DIFF_RETYPED : DIFF_CHANGED;
  if (!apart) return strided_tensors(d, x, y, row);
  if (x->dtype != y->dtype) return DIFF_OTHER;
  return x->flags & PLAN_SPARSE ? sparse_tensors(d, x, y) : quantized_tensors(d, x, y);
}
