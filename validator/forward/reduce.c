#include "forward/reduce.h"

#include <math.h>

#include "forward/families.h"

enum { INPUT, DIM, KEEPDIM };

/* ---- which elements make one ---- */

static bool read_dims(struct op_call *c, const struct op_value *dims, uint32_t ndim, bool *reduced) {
  const uint32_t n = dims->kind == OPV_INTS ? dims->n : dims->kind == OPV_INT ? 1 : 0;
  for (uint32_t i = 0; n == 0 && i < ndim; i++) reduced[i] = true;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t axis;
    if (!op_axis(c, dims->kind == OPV_INTS ? dims->ints[i] : dims->i, ndim, &axis)) return false;
    if (reduced[axis]) return op_error(c, "dimension %u twice", axis);
    reduced[axis] = true;
  }
  return true;
}

bool reduction_read(struct op_call *c, const struct op_value *dims, bool keepdim, struct reduction *r) {
  const struct ftensor *x = op_tensor(c, INPUT);
  bool reduced[FT_DIMS] = {false};
  struct strided dense;
  if (!read_dims(c, dims, x->ndim, reduced)) return false;
  *r = (struct reduction){.rows = 1, .n = 1};
  strided_dense(&dense, x);
  for (uint32_t i = 0; i < x->ndim; i++) {
    if (!reduced[i]) strided_insert(&r->order, r->order.ndim, dense.size[i], dense.stride[i]);
    if (!reduced[i]) r->rows *= x->size[i];
    if (!reduced[i] || keepdim) r->size[r->ndim++] = reduced[i] ? 1 : x->size[i];
  }
  for (uint32_t i = 0; i < x->ndim; i++) {
    if (!reduced[i]) continue;
    strided_insert(&r->order, r->order.ndim, dense.size[i], dense.stride[i]);
    r->n *= x->size[i];
  }
  return true;
}

bool rows_take(struct op_call *c, const struct reduction *r, enum ftype type, struct reduced_rows *out) {
  out->scratch = NULL;
  if (!operand_take(c, &c->arg[INPUT], type, &out->converted)) return false;
  out->p = out->converted.t.data.in;
  if (out->converted.t.numel == 0 || strided_is_dense(&r->order)) return true;
  out->p = out->scratch = fpool_take(c->pool, ft_bytes(&out->converted.t));
  if (!out->scratch) {
    operand_give(c, &out->converted);
    return op_no_memory(c);
  }
  strided_copy(out->scratch, &out->converted.t, &r->order);
  return true;
}

void rows_give(struct op_call *c, struct reduced_rows *rows) {
  fpool_give(c->pool, rows->scratch);
  operand_give(c, &rows->converted);
}

/* One operation for each element of the input. */
uint64_t reduction_cost(const struct op_call *c) { return op_tensor(c, INPUT)->numel; }

/* ---- float32 to float32, summed in double ---- */

typedef double row_real_fn(const float *x, uint64_t n);

static bool real_rows(struct op_call *c, const struct op_value *dims, row_real_fn *f) {
  struct reduction r;
  struct reduced_rows rows;
  if (!reduction_read(c, dims, false, &r) || !rows_take(c, &r, FT_F32, &rows)) return false;
  for (uint64_t i = 0; i < r.rows; i++)
    ft_f32_out(c->out)[i] = (float)f((const float *)rows.p + i * r.n, r.n);
  rows_give(c, &rows);
  return true;
}

static double sum_of(const float *x, uint64_t n) {
  double sum = 0;
  for (uint64_t i = 0; i < n; i++) sum += (double)x[i];
  return sum;
}
static double mean_of(const float *x, uint64_t n) { return sum_of(x, n) / (double)n; }
static double product_of(const float *x, uint64_t n) {
  double product = 1;
  for (uint64_t i = 0; i < n; i++) product *= (double)x[i];
  return product;
}
static double logsumexp_of(const float *x, uint64_t n) {
  double most = -HUGE_VAL, sum = 0;
  for (uint64_t i = 0; i < n; i++) most = (double)x[i] > most || isnan(x[i]) ? (double)x[i] : most;
  if (isinf(most)) return most;
  for (uint64_t i = 0; i < n; i++) sum += exp((double)x[i] - most);
  return most + log(sum);
}

/* ---- sum, prod, mean ---- */

static enum ftype sum_type(const struct op_call *c, uint32_t dtype) {
  if (c->arg[dtype].kind == OPV_DTYPE) return (enum ftype)c->arg[dtype].i;
  return op_tensor(c, INPUT)->type == FT_F32 ? FT_F32 : FT_I64;
}

enum { SUM_DTYPE = 3 };

static bool reduced_shape(struct op_call *c, enum ftype type) {
  struct reduction r;
  return reduction_read(c, &c->arg[DIM], c->arg[KEEPDIM].i != 0, &r) && op_result(c, type, r.size, r.ndim);
}
bool sum_shape(struct op_call *c) {
  const enum ftype type = sum_type(c, SUM_DTYPE);
  if (type == FT_BOOL) return op_unsupported(c, "a sum as bool");
  return reduced_shape(c, type);
}

static bool whole_rows(struct op_call *c, bool multiply) {
  struct reduction r;
  struct reduced_rows rows;
  if (!reduction_read(c, &c->arg[DIM], false, &r) || !rows_take(c, &r, FT_I64, &rows)) return false;
  const int64_t *x = rows.p;
  for (uint64_t i = 0; i < r.rows; i++) {
    int64_t so_far = multiply;
    for (uint64_t k = 0; k < r.n; k++) {
      const int64_t v = x[i * r.n + k];
      so_far = multiply ? wrapping_mul(so_far, v) : wrapping_add(so_far, v);
    }
    ft_i64_out(c->out)[i] = so_far;
  }
  rows_give(c, &rows);
  return true;
}

bool sum_run(struct op_call *c) {
  return c->out->type == FT_F32 ? real_rows(c, &c->arg[DIM], sum_of) : whole_rows(c, false);
}
bool prod_run(struct op_call *c) {
  return c->out->type == FT_F32 ? real_rows(c, &c->arg[DIM], product_of) : whole_rows(c, true);
}

bool mean_shape(struct op_call *c) {
  const bool cast = c->arg[SUM_DTYPE].kind == OPV_DTYPE && c->arg[SUM_DTYPE].i == FT_F32;
  if (!cast && !op_wants_f32(c, "the input of a mean", op_tensor(c, INPUT))) return false;
  return reduced_shape(c, FT_F32);
}
bool mean_run(struct op_call *c) { return real_rows(c, &c->arg[DIM], mean_of); }

bool logsumexp_shape(struct op_call *c) {
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && reduced_shape(c, FT_F32);
}
bool logsumexp_run(struct op_call *c) { return real_rows(c, &c->arg[DIM], logsumexp_of); }

/* ---- var, std ---- */

enum { UNBIASED = 2, VAR_KEEPDIM, CORRECTION };

/* var(x, False): a bool in the place of dim is `unbiased`. */
static const struct op_value *var_dims(const struct op_call *c, double *correction) {
  static const struct op_value all = {.kind = OPV_NONE};
  const bool only = c->arg[DIM].kind == OPV_BOOL;
  *correction = c->arg[only ? DIM : UNBIASED].i != 0;
  if (c->arg[CORRECTION].kind != OPV_NONE) *correction = op_number(c, CORRECTION);
  return only ? &all : &c->arg[DIM];
}

bool var_shape(struct op_call *c) {
  struct reduction r;
  double correction;
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) &&
         reduction_read(c, var_dims(c, &correction), c->arg[VAR_KEEPDIM].i != 0, &r) &&
         op_result(c, FT_F32, r.size, r.ndim);
}

static double variance_of(const float *x, uint64_t n, double correction) {
  const double mean = mean_of(x, n), over = (double)n - correction;
  double squares = 0;
  for (uint64_t i = 0; i < n; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
  return squares / (over > 0 ? over : 0);
}

static bool variances(struct op_call *c, bool root) {
  struct reduction r;
  struct reduced_rows rows;
  double correction;
  if (!reduction_read(c, var_dims(c, &correction), false, &r) || !rows_take(c, &r, FT_F32, &rows))
    return false;
  for (uint64_t i = 0; i < r.rows; i++) {
    const double v = variance_of((const float *)rows.p + i * r.n, r.n, correction);
    ft_f32_out(c->out)[i] = (float)(root ? sqrt(v) : v);
  }
  rows_give(c, &rows);
  return true;
}
bool var_run(struct op_call *c) { return variances(c, false); }
bool std_run(struct op_call *c) { return variances(c, true); }

/* ---- norm(x, p, dim, keepdim); normalize(x, p, dim, eps) ---- */

enum { NORM_P = 1, NORM_DIM, NORM_KEEPDIM, NORMALIZE_EPS = 3 };

static bool norm_order(struct op_call *c, double *p) {
  *p = 2;
  if (c->arg[NORM_P].kind == OPV_TEXT && !span_is(c->arg[NORM_P].text, "fro"))
    return op_unsupported(c, "only the Frobenius norm has a name here");
  if (c->arg[NORM_P].kind != OPV_TEXT && c->arg[NORM_P].kind != OPV_NONE) *p = op_number(c, NORM_P);
  return true;
}

bool norm_shape(struct op_call *c) {
  struct reduction r;
  double p;
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && norm_order(c, &p) &&
         reduction_read(c, &c->arg[NORM_DIM], c->arg[NORM_KEEPDIM].i != 0, &r) &&
         op_result(c, FT_F32, r.size, r.ndim);
}
bool normalize_shape(struct op_call *c) {
  struct reduction r;
  double p;
  return op_wants_f32(c, "input", op_tensor(c, INPUT)) && norm_order(c, &p) &&
         reduction_read(c, &c->arg[NORM_DIM], true, &r) && shape_like_input(c);
}

static bool is_number(double a, double b) { return a >= b && a <= b; }

static double norm_of(const float *x, uint64_t n, double p) {
  double sum = 0, most = 0, least = HUGE_VAL;
  for (uint64_t i = 0; i < n; i++) {
    const double v = fabs((double)x[i]);
    if (isnan(v) && !is_number(p, 0)) return v; /* of order 0 counts what is not 0, a NaN too */
    most = v > most ? v : most;
    least = v < least ? v : least;
    sum += is_number(p, 2)   ? v * v
           : is_number(p, 1) ? v
           : is_number(p, 0) ? !(v <= 0)
           : isinf(p)        ? 0
                             : pow(v, p);
  }
  if (isinf(p)) return p > 0 ? most : least;
  return is_number(p, 2) ? sqrt(sum) : is_number(p, 1) || is_number(p, 0) ? sum : pow(sum, 1 / p);
}

static bool norms(struct op_call *c, float *out, struct reduction *r) {
  struct reduced_rows rows;
  double p;
  if (!norm_order(c, &p) || !reduction_read(c, &c->arg[NORM_DIM], true, r) || !rows_take(c, r, FT_F32, &rows))
    return false;
  for (uint64_t i = 0; i < r->rows; i++) out[i] = (float)norm_of((const float *)rows.p + i * r->n, r->n, p);
  rows_give(c, &rows);
  return true;
}

bool norm_run(struct op_call *c) {
  struct reduction r;
  return norms(c, ft_f32_out(c->out), &r);
}

ROW(at_least, float, float, x > y || isnan(x) ? x : y)
ROW(divided_by, float, float, x / y)

/* x / max(norm, eps) */
bool normalize_run(struct op_call *c) {
  struct reduction r;
  const struct op_value dims = c->arg[NORM_DIM];
  if (!reduction_read(c, &dims, true, &r)) return false;
  struct ftensor length;
  if (!ft_shape(&length, FT_F32, r.size, r.ndim)) return op_error(c, "the result has too many elements");
  float *memory = fpool_take(c->pool, ft_bytes(&length));
  if (!memory) return op_no_memory(c);
  length.data.out = memory;
  const struct op_value bounded[] = {{.kind = OPV_TENSOR, .tensor = &length}, c->arg[NORMALIZE_EPS]};
  const struct op_value quotient[] = {c->arg[INPUT], bounded[0]};
  struct op_call at = *c, over = *c;
  at.arg = bounded;
  at.out = &length;
  over.arg = quotient;
  bool done = norms(c, memory, &r) && op_answer(c, &at, binary_run(&at, FT_F32, at_least)) &&
              op_answer(c, &over, binary_run(&over, FT_F32, divided_by));
  fpool_give(c->pool, memory);
  return done;
}
