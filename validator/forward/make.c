/* Tensors from nothing, or from another one's shape: zeros, full, arange, eye; tril and triu. */
#include "forward/families.h"

#include <math.h>

/* ---- numbers ---- */

static enum ftype number_type(const struct op_value *v) {
  return v->kind == OPV_FLOAT ? FT_F32 : v->kind == OPV_INT ? FT_I64 : FT_BOOL;
}
static double number_real(const struct op_value *v) { return v->kind == OPV_FLOAT ? v->f : (double)v->i; }

static enum ftype dtype_or(const struct op_value *dtype, enum ftype otherwise) {
  return dtype->kind == OPV_DTYPE ? (enum ftype)dtype->i : otherwise;
}

static void fill(struct ftensor *t, const struct op_value *number) {
  for (uint64_t i = 0; i < t->numel; i++) {
    switch (t->type) {
    case FT_F32: ft_f32_out(t)[i] = (float)number_real(number); break;
    case FT_I64:
      ft_i64_out(t)[i] = number->i;
      break; /* a float was refused, or converted, by the shape rule */
    case FT_BOOL: ft_bool_out(t)[i] = number->kind == OPV_FLOAT ? number->f != 0 : number->i != 0; break;
    }
  }
}

static bool sizes_shape(struct op_call *c, const struct op_value *sizes, enum ftype type) {
  const uint32_t n = sizes->kind == OPV_INTS ? sizes->n : 1;
  uint64_t size[FT_DIMS] = {0};
  if (n > FT_DIMS) return op_unsupported(c, "%u dimensions; at most %d are supported", n, FT_DIMS);
  for (uint32_t i = 0; i < n; i++) {
    const int64_t s = sizes->kind == OPV_INTS ? sizes->ints[i] : sizes->i;
    if (s < 0) return op_error(c, "a size of %lld", (long long)s);
    size[i] = (uint64_t)s;
  }
  return op_result(c, type, size, n);
}

/* ---- zeros, ones, full ---- */

static const struct op_value zero = {.kind = OPV_INT, .i = 0}, one = {.kind = OPV_INT, .i = 1};

bool zeros_shape(struct op_call *c) {
  enum { SIZE, DTYPE };
  return sizes_shape(c, &c->arg[SIZE], dtype_or(&c->arg[DTYPE], FT_F32));
}
bool zeros_run(struct op_call *c) {
  fill(c->out, &zero);
  return true;
}
bool ones_run(struct op_call *c) {
  fill(c->out, &one);
  return true;
}

static bool fits_type(struct op_call *c, const struct op_value *number, enum ftype type) {
  return type != FT_I64 || number->kind != OPV_FLOAT || op_unsupported(c, "a float in an int64 tensor");
}

enum { FULL_SIZE, FULL_VALUE, FULL_DTYPE };
bool full_shape(struct op_call *c) {
  const enum ftype type = dtype_or(&c->arg[FULL_DTYPE], number_type(&c->arg[FULL_VALUE]));
  return fits_type(c, &c->arg[FULL_VALUE], type) && sizes_shape(c, &c->arg[FULL_SIZE], type);
}
bool full_run(struct op_call *c) {
  fill(c->out, &c->arg[FULL_VALUE]);
  return true;
}

bool zeros_like_shape(struct op_call *c) {
  enum { INPUT, DTYPE };
  const struct ftensor *x = op_tensor(c, INPUT);
  return op_result(c, dtype_or(&c->arg[DTYPE], x->type), x->size, x->ndim);
}
bool full_like_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, FULL_SIZE);
  const enum ftype type = dtype_or(&c->arg[FULL_DTYPE], x->type);
  return fits_type(c, &c->arg[FULL_VALUE], type) && op_result(c, type, x->size, x->ndim);
}

/* ---- tensor((1, 2)) ---- */

bool tensor_shape(struct op_call *c) {
  const struct op_value *data = &c->arg[0];
  const uint64_t n = data->kind == OPV_INTS ? data->n : 1;
  return op_result(c, data->kind == OPV_INTS ? FT_I64 : number_type(data), &n,
                   data->kind == OPV_INTS ? 1 : 0);
}
bool tensor_run(struct op_call *c) {
  const struct op_value *data = &c->arg[0];
  if (data->kind != OPV_INTS) fill(c->out, data);
  for (uint32_t i = 0; data->kind == OPV_INTS && i < data->n; i++) ft_i64_out(c->out)[i] = data->ints[i];
  return true;
}

/* ---- arange(end), arange(start, end, step) ---- */

enum { ARANGE_START, ARANGE_END, ARANGE_STEP, ARANGE_DTYPE };

static void arange_bounds(const struct op_call *c, const struct op_value **start,
                          const struct op_value **end) {
  const bool only_end = c->arg[ARANGE_END].kind == OPV_NONE;
  *start = only_end ? &zero : &c->arg[ARANGE_START];
  *end = &c->arg[only_end ? ARANGE_START : ARANGE_END];
}

static bool int_range(struct op_call *c, int64_t start, int64_t end, int64_t step, uint64_t *n) {
  int64_t span;
  if (step == 0 || (step > 0 ? end < start : end > start))
    return op_error(c, "arange from %lld to %lld by %lld", (long long)start, (long long)end, (long long)step);
  if (!try_sub(end, start, &span) || step == INT64_MIN)
    return op_unsupported(c, "arange over more than 2^63 numbers");
  *n = span == 0 ? 0 : (uint64_t)((span - (step > 0 ? 1 : -1)) / step) + 1;
  return true;
}

bool arange_shape(struct op_call *c) {
  const struct op_value *start, *end, *step = &c->arg[ARANGE_STEP];
  uint64_t n = 0;
  arange_bounds(c, &start, &end);
  const bool real = start->kind == OPV_FLOAT || end->kind == OPV_FLOAT || step->kind == OPV_FLOAT;
  const enum ftype type = dtype_or(&c->arg[ARANGE_DTYPE], real ? FT_F32 : FT_I64);
  if (type == FT_BOOL || (real && type == FT_I64))
    return op_unsupported(c, "arange of floats as %s", ft_name(type));
  if (real) {
    const double a = number_real(start), b = number_real(end), by = number_real(step),
                 count = ceil((b - a) / by);
    if (!(by != 0) || !(count >= 0) || !(count < 0x1p40))
      return op_error(c, "arange from %g to %g by %g", a, b, by);
    n = (uint64_t)count;
  } else if (!int_range(c, start->i, end->i, step->i, &n)) {
    return false;
  }
  return op_result(c, type, &n, 1);
}

bool arange_run(struct op_call *c) {
  const struct op_value *start, *end, *step = &c->arg[ARANGE_STEP];
  arange_bounds(c, &start, &end);
  for (uint64_t i = 0; i < c->out->numel; i++) {
    if (c->out->type == FT_F32)
      ft_f32_out(c->out)[i] = (float)(number_real(start) + number_real(step) * (double)i);
    else
      ft_i64_out(c->out)[i] = start->i + step->i * (int64_t)i; /* inside the range: no overflow */
  }
  return true;
}

/* ---- eye ---- */

bool eye_shape(struct op_call *c) {
  enum { N, M, DTYPE };
  const int64_t n = c->arg[N].i, m = c->arg[M].kind == OPV_NONE ? n : c->arg[M].i;
  if (n < 0 || m < 0) return op_error(c, "a size of %lld", (long long)(n < 0 ? n : m));
  const uint64_t size[] = {(uint64_t)n, (uint64_t)m};
  return op_result(c, dtype_or(&c->arg[DTYPE], FT_F32), size, 2);
}
bool eye_run(struct op_call *c) {
  const uint64_t item = ft_itemsize(c->out->type), rows = c->out->size[0], columns = c->out->size[1];
  struct ftensor cell = {.type = c->out->type, .numel = 1};
  fill(c->out, &zero);
  for (uint64_t i = 0; i < rows && i < columns; i++) {
    cell.data.out = (uint8_t *)c->out->data.out + (i * columns + i) * item;
    fill(&cell, &one);
  }
  return true;
}

/* ---- tril, triu: the elements on one side of a diagonal, 0 on the other ---- */

bool triangle_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, 0);
  if (x->ndim < 2) return op_error(c, "%s has fewer than 2 dimensions", ft_shape_text(c->arena, x));
  return shape_like_input(c);
}

/* The columns that row r keeps: [from, to). */
static bool triangle(struct op_call *c, bool upper) {
  const struct ftensor *x = op_tensor(c, 0);
  const int64_t rows = (int64_t)x->size[x->ndim - 2], columns = (int64_t)x->size[x->ndim - 1];
  const int64_t asked = c->arg[1].i, diagonal = asked > columns ? columns : asked < -rows ? -rows : asked;
  const uint64_t item = ft_itemsize(x->type);
  memset(c->out->data.out, 0, ft_bytes(c->out));
  for (uint64_t at = 0, r = 0; at < x->numel; at += (uint64_t)columns, r = (r + 1) % (uint64_t)rows) {
    int64_t edge = (int64_t)r + diagonal + (upper ? 0 : 1);
    edge = edge < 0 ? 0 : edge > columns ? columns : edge;
    const uint64_t from = upper ? (uint64_t)edge : 0, to = upper ? (uint64_t)columns : (uint64_t)edge;
    memcpy((uint8_t *)c->out->data.out + (at + from) * item, (const uint8_t *)x->data.in + (at + from) * item,
           (to - from) * item);
  }
  return true;
}
bool tril_run(struct op_call *c) { return triangle(c, false); }
bool triu_run(struct op_call *c) { return triangle(c, true); }

/* ---- tril_indices(row, col, offset), triu_indices: where such elements stand, rows before columns ---- */

enum { ROW, COL, OFFSET };

struct grid {
  int64_t rows, columns, diagonal; /* the diagonal cut to one that meets a corner at most */
};
static bool read_grid(struct op_call *c, struct grid *g) {
  *g = (struct grid){c->arg[ROW].i, c->arg[COL].i, c->arg[OFFSET].i};
  if (g->rows < 0 || g->columns < 0)
    return op_error(c, "a size of %lld", (long long)(g->rows < 0 ? g->rows : g->columns));
  if (g->rows > INT32_MAX || g->columns > INT32_MAX)
    return op_unsupported(c, "more than 2^31 rows or columns");
  if (g->diagonal > g->columns) g->diagonal = g->columns;
  if (g->diagonal < -g->rows) g->diagonal = -g->rows;
  return true;
}

/* Elements below the diagonal: a triangle's rows grow by one, from the first that has any to the first that
 * is full. */
static uint64_t below(const struct grid *g) {
  const int64_t first = g->diagonal > 0 ? 0 : -g->diagonal;
  int64_t full = g->columns - g->diagonal; /* row r has r + diagonal of them */
  full = full > g->rows ? g->rows : full < first ? first : full;
  const int64_t from = first + g->diagonal, to = full + g->diagonal; /* elements of rows first and full */
  return (uint64_t)(full - first) * (uint64_t)(from + to - 1) / 2 +
         (uint64_t)(g->rows - full) * (uint64_t)g->columns;
}

static bool indices_shape(struct op_call *c, bool upper) {
  struct grid g;
  if (!read_grid(c, &g)) return false;
  if (!upper) g.diagonal = g.diagonal < g.columns ? g.diagonal + 1 : g.diagonal; /* the diagonal itself too */
  const uint64_t size[] = {2, upper ? (uint64_t)g.rows * (uint64_t)g.columns - below(&g) : below(&g)};
  return op_result(c, FT_I64, size, 2);
}
bool tril_indices_shape(struct op_call *c) { return indices_shape(c, false); }
bool triu_indices_shape(struct op_call *c) { return indices_shape(c, true); }

static bool indices_run(struct op_call *c, bool upper) {
  struct grid g;
  if (!read_grid(c, &g)) return false;
  const uint64_t n = c->out->size[1];
  int64_t *row = ft_i64_out(c->out), *column = row + n;
  uint64_t at = 0;
  for (int64_t y = upper || g.diagonal > 0 ? 0 : -g.diagonal; at < n; y++) {
    const int64_t edge = y + g.diagonal, from = upper && edge > 0 ? edge : 0;
    const int64_t to = upper || edge + 1 > g.columns ? g.columns : edge + 1;
    for (int64_t x = from; x < to; x++, at++) {
      row[at] = y;
      column[at] = x;
    }
  }
  return true;
}
bool tril_indices_run(struct op_call *c) { return indices_run(c, false); }
bool triu_indices_run(struct op_call *c) { return indices_run(c, true); }
