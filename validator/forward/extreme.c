/* Reductions that pick an element or tell where it is: amax, argmax, any. */
#include <math.h>

#include "forward/families.h"
#include "forward/reduce.h"

enum { INPUT, DIM, KEEPDIM };

/* ---- amax, amin; a NaN wins ---- */

static bool not_empty(struct op_call *c, const struct reduction *r) {
  return r->n > 0 || op_error(c, "of no elements there is no greatest or least");
}

bool amax_shape(struct op_call *c) {
  struct reduction r;
  return reduction_read(c, &c->arg[DIM], c->arg[KEEPDIM].i != 0, &r) && not_empty(c, &r) &&
         op_result(c, op_tensor(c, INPUT)->type, r.size, r.ndim);
}

/* Position of the greatest (or least) of n elements: the first of equals, or the first NaN. */
static uint64_t best_f32(const float *x, uint64_t n, bool least) {
  uint64_t best = 0;
  for (uint64_t i = 0; i < n; i++) {
    if (isnan(x[i])) return i;
    if (least ? x[i] < x[best] : x[i] > x[best]) best = i;
  }
  return best;
}
static uint64_t best_i64(const int64_t *x, uint64_t n, bool least) {
  uint64_t best = 0;
  for (uint64_t i = 0; i < n; i++)
    if (least ? x[i] < x[best] : x[i] > x[best]) best = i;
  return best;
}
static uint64_t best_bool(const uint8_t *x, uint64_t n, bool least) {
  uint64_t best = 0;
  for (uint64_t i = 0; i < n; i++)
    if (least ? x[i] < x[best] : x[i] > x[best]) best = i;
  return best;
}
static uint64_t best_of(enum ftype type, const void *rows, uint64_t at, uint64_t n, bool least) {
  switch (type) {
  case FT_F32: return best_f32((const float *)rows + at, n, least);
  case FT_I64: return best_i64((const int64_t *)rows + at, n, least);
  case FT_BOOL: return best_bool((const uint8_t *)rows + at, n, least);
  }
  return 0;
}

static bool extremes(struct op_call *c, bool least, bool position) {
  const enum ftype type = op_tensor(c, INPUT)->type;
  const uint64_t item = ft_itemsize(type);
  struct reduction r;
  struct reduced_rows rows;
  if (!reduction_read(c, &c->arg[DIM], false, &r) || !rows_take(c, &r, type, &rows)) return false;
  for (uint64_t i = 0; i < r.rows; i++) {
    const uint64_t best = best_of(type, rows.p, i * r.n, r.n, least);
    if (position)
      ft_i64_out(c->out)[i] = (int64_t)best;
    else
      memcpy((uint8_t *)c->out->data.out + i * item, (const uint8_t *)rows.p + (i * r.n + best) * item, item);
  }
  rows_give(c, &rows);
  return true;
}
bool amax_run(struct op_call *c) { return extremes(c, false, false); }
bool amin_run(struct op_call *c) { return extremes(c, true, false); }

/* ---- argmax, argmin: without a dimension, of the flat tensor ---- */

bool argmax_shape(struct op_call *c) {
  struct reduction r;
  if (op_tensor(c, INPUT)->type == FT_BOOL) return op_error(c, "of a bool tensor");
  return reduction_read(c, &c->arg[DIM], c->arg[KEEPDIM].i != 0, &r) && not_empty(c, &r) &&
         op_result(c, FT_I64, r.size, r.ndim);
}
bool argmax_run(struct op_call *c) { return extremes(c, false, true); }
bool argmin_run(struct op_call *c) { return extremes(c, true, true); }

/* ---- any, all ---- */

bool any_shape(struct op_call *c) {
  struct reduction r;
  return reduction_read(c, &c->arg[DIM], c->arg[KEEPDIM].i != 0, &r) && op_result(c, FT_BOOL, r.size, r.ndim);
}

static bool any_or_all(struct op_call *c, bool all) {
  struct reduction r;
  struct reduced_rows rows;
  if (!reduction_read(c, &c->arg[DIM], false, &r) || !rows_take(c, &r, FT_BOOL, &rows)) return false;
  const uint8_t *x = rows.p;
  for (uint64_t i = 0; i < r.rows; i++) {
    uint64_t k = 0;
    while (k < r.n && (x[i * r.n + k] != 0) == all) k++;
    ft_bool_out(c->out)[i] = all ? k == r.n : k < r.n;
  }
  rows_give(c, &rows);
  return true;
}
bool any_run(struct op_call *c) { return any_or_all(c, false); }
bool all_run(struct op_call *c) { return any_or_all(c, true); }
