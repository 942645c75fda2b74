/* Two tensors of one name: shape, dtype, then the numbers, element by element in logical order. */
#include <math.h>

#include "model/diff_parts.h"
#include "model/elements.h"
#include "model/quantizer.h"

/* ---- bytes ---- */

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

/* One side's numbers. */
struct operand {
  struct elements e;
  struct quantizer q; /* of a quantised tensor */
  bool quantized;
};

static bool open_side(struct differ *d, uint32_t side, const struct plan_tensor *t, struct operand *out) {
  struct diff_names *s = &d->side[side];
  struct span bytes = {0};
  out->quantized = elements_quantized(s->plan, t);
  if (!(out->quantized || elements_readable(s->plan, t)) || s->bytes.file.n == 0 || !spend(d, t))
    return false;
  if (t->numel && !plan_bytes_read(&s->bytes, t->storage, &bytes)) return false;
  elements_begin(&out->e, s->plan, t, bytes);
  return !out->quantized || quantizer_read(&out->q, &s->bytes, t);
}

/* Do equal bytes mean equal numbers? */
static bool same_meaning(const struct operand *x, const struct operand *y) {
  if (x->e.t->dtype != y->e.t->dtype || x->e.big_endian != y->e.big_endian) return false;
  if (!x->quantized) return true;
  const size_t bytes = x->q.channels * sizeof *x->q.scale;
  return x->q.channels == y->q.channels && x->q.run == y->q.run &&
         memcmp(x->q.scale, y->q.scale, bytes) == 0 && memcmp(x->q.zero_point, y->q.zero_point, bytes) == 0;
}

/* Both lie in one run of bytes, and these are equal. */
static bool same_run(const struct elements *x, const struct elements *y) {
  size_t size = (size_t)dtype_size((enum dtype)x->t->dtype);
  if (!(x->t->flags & y->t->flags & PLAN_CONTIGUOUS)) return false;
  return x->t->numel == 0 ||
         memcmp(x->bytes.p + x->t->offset * size, y->bytes.p + y->t->offset * size, x->t->numel * size) == 0;
}

/* ---- numbers ---- */

/* A complex number is two. */
enum { PARTS = 2 };
struct number {
  double part[PARTS];
};

/* The number that the walk came to last. */
static struct number number_at(const struct operand *x, const uint8_t *p) {
  const struct elements *e = &x->e;
  enum dtype dtype = (enum dtype)e->t->dtype;
  size_t size = (size_t)dtype_size(dtype);
  uint8_t bytes[16], turned[16];
  if (x->quantized) {
    const uint64_t channel = quantizer_channel(&x->q, e->t->numel - e->left - 1);
    return (struct number){{(double)quantizer_real(&x->q, channel, elements_value(e, p)), 0}};
  }
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

static void compare(struct figures *f, const struct diff_request *r, struct operand *x, struct operand *y) {
  size_t size = (size_t)dtype_size((enum dtype)x->e.t->dtype);
  for (const uint8_t *p, *q; (p = elements_next(&x->e)) && (q = elements_next(&y->e));) {
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

/* ---- strided and quantised tensors ---- */

static bool same_shape(const struct differ *d, const struct plan_tensor *x, const struct plan_tensor *y) {
  const uint64_t *a = d->side[0].plan->dims + x->first_dim, *b = d->side[1].plan->dims + y->first_dim;
  return x->ndim == y->ndim && x->layout == y->layout &&
         (x->ndim == 0 || memcmp(a, b, x->ndim * sizeof *a) == 0);
}

static enum diff_answer strided_tensors(struct differ *d, const struct plan_tensor *x,
                                        const struct plan_tensor *y, struct diff_row *row) {
  const struct diff_request *r = d->request;
  struct operand a, b;
  if (!open_side(d, 0, x, &a) || !open_side(d, 1, y, &b)) return DIFF_UNKNOWN;
  struct figures f = {.bits = same_meaning(&a, &b), .within = true};
  if (f.bits && same_run(&a.e, &b.e)) return DIFF_EQUAL;
  compare(&f, r, &a, &b);
  return take_figures(row, &f, x->dtype != y->dtype, r->rtol > 0 || r->atol > 0);
}

/* ---- sparse tensors ---- */

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
  row->kind = DIFF_RESHAPED;
  if (!same_shape(d, x, y)) return DIFF_OTHER;
  row->kind = x->dtype != y->dtype ? DIFF_RETYPED : DIFF_CHANGED;
  if (!(x->flags & PLAN_SPARSE)) return strided_tensors(d, x, y, row);
  return x->dtype != y->dtype ? DIFF_OTHER : sparse_tensors(d, x, y);
}
