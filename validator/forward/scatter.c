/* Elements along one dimension by number: gather, scatter, scatter_add, scatter_reduce. */
#include <math.h>

#include "forward/binary.h"
#include "forward/families.h"

enum { INPUT, DIM, INDEX, SOURCE, REDUCE };

/* gather: out[i][j] = x[index[i][j]][j] for dim 0; scatter is the same the other way round. */
static bool index_fits(struct op_call *c, uint32_t *axis) {
  const struct ftensor *x = op_tensor(c, INPUT), *index = op_tensor(c, INDEX);
  if (!op_axis(c, c->arg[DIM].i, x->ndim, axis)) return false;
  if (index->type != FT_I64) return op_error(c, "the index must be int64, it is %s", ft_name(index->type));
  if (index->numel && (index->ndim ? index->ndim : 1) != (x->ndim ? x->ndim : 1))
    return op_error(c, "an index %s into %s", ft_shape_text(c->arena, index), ft_shape_text(c->arena, x));
  for (uint32_t i = 0; index->numel && i < x->ndim && i < index->ndim; i++)
    if (i != *axis && index->size[i] > x->size[i])
      return op_error(c, "the index %s is larger than %s", ft_shape_text(c->arena, index),
                      ft_shape_text(c->arena, x));
  return true;
}

/* An element of the index, with the elements of x and of another tensor that it pairs. */
struct pairing {
  const struct ftensor *x, *index;
  uint32_t axis;
  struct strided dense, other; /* of x; of the other, which may be larger than the index */
  uint64_t k;                  /* element of the index */
  uint64_t place[FT_DIMS];
  uint64_t at, at_other; /* elements of x and of the other */
};

static void begin_pairing(const struct op_call *c, struct pairing *p, uint32_t axis,
                          const struct ftensor *other) {
  *p = (struct pairing){.x = op_tensor(c, INPUT), .index = op_tensor(c, INDEX), .axis = axis};
  strided_dense(&p->dense, p->x);
  strided_dense(&p->other, other);
}

/* False: the index is out of bounds. */
static bool pair(struct op_call *c, struct pairing *p) {
  const int64_t i = ft_i64(p->index)[p->k];
  const uint64_t n = p->x->ndim ? p->x->size[p->axis] : 1;
  if (i < 0 || (uint64_t)i >= n)
    return op_error(c, "index %lld is out of bounds for a dimension of size %llu", (long long)i,
                    (unsigned long long)n);
  int64_t at = 0, other = 0;
  for (uint32_t d = 0; d < p->index->ndim; d++) {
    if (d < p->x->ndim) at += (d == p->axis ? i : (int64_t)p->place[d]) * p->dense.stride[d];
    if (d < p->other.ndim) other += (int64_t)p->place[d] * p->other.stride[d];
  }
  p->at = (uint64_t)at;
  p->at_other = (uint64_t)other;
  return true;
}

static void next_pair(struct pairing *p) {
  p->k++;
  for (uint32_t d = p->index->ndim; d > 0 && ++p->place[d - 1] == p->index->size[d - 1]; d--)
    p->place[d - 1] = 0;
}

bool gather_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *index = op_tensor(c, INDEX);
  uint32_t axis;
  return index_fits(c, &axis) && op_result(c, x->type, index->size, index->ndim);
}

bool gather_run(struct op_call *c) {
  struct pairing p;
  uint32_t axis;
  if (!index_fits(c, &axis)) return false;
  const uint64_t item = ft_itemsize(c->out->type);
  for (begin_pairing(c, &p, axis, c->out); p.k < p.index->numel; next_pair(&p)) {
    if (!pair(c, &p)) return false;
    memcpy((uint8_t *)c->out->data.out + p.k * item, (const uint8_t *)p.x->data.in + p.at * item, item);
  }
  return true;
}

/* ---- scatter(x, dim, index, src), scatter_add: src may be a number for scatter ---- */

/* The index must lie inside src in every dimension. */
static bool source_covers(struct op_call *c, const struct ftensor *source) {
  const struct ftensor *index = op_tensor(c, INDEX);
  bool fits = (source->ndim ? source->ndim : 1) == (index->ndim ? index->ndim : 1);
  for (uint32_t i = 0; fits && i < index->ndim && i < source->ndim; i++)
    fits = index->size[i] <= source->size[i];
  return fits || index->numel == 0 ||
         op_error(c, "an index %s of %s", ft_shape_text(c->arena, index), ft_shape_text(c->arena, source));
}

bool scatter_add_shape(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const struct op_value *source = &c->arg[SOURCE];
  uint32_t axis;
  if (!index_fits(c, &axis)) return false;
  if (source->kind == OPV_TENSOR && source->tensor->type != x->type)
    return op_error(c, "%s into %s", ft_name(source->tensor->type), ft_name(x->type));
  if (source->kind != OPV_TENSOR && operands_type(source, &c->arg[INPUT]) != x->type)
    return op_unsupported(c, "a %s number in a %s tensor", ft_name(operand_type(source)), ft_name(x->type));
  if (source->kind == OPV_TENSOR && !source_covers(c, source->tensor)) return false;
  return shape_like_input(c);
}

enum scatter_how { PUT, ADD, MULTIPLY };

static float stored_f32(float old, float x, enum scatter_how how) {
  return how == PUT ? x : how == ADD ? x + old : x * old;
}
static int64_t stored_i64(int64_t old, int64_t x, enum scatter_how how) {
  return how == PUT ? x : how == ADD ? wrapping_add(x, old) : wrapping_mul(x, old);
}
static bool stored_bool(bool old, bool x, enum scatter_how how) {
  return how == PUT ? x : how == ADD ? x || old : x && old;
}
static void store(struct ftensor *out, uint64_t at, const struct ftensor *from, uint64_t i,
                  enum scatter_how how) {
  switch (out->type) {
  case FT_F32: ft_f32_out(out)[at] = stored_f32(ft_f32(out)[at], ft_f32(from)[i], how); break;
  case FT_I64: ft_i64_out(out)[at] = stored_i64(ft_i64(out)[at], ft_i64(from)[i], how); break;
  case FT_BOOL: ft_bool_out(out)[at] = stored_bool(ft_bool(out)[at], ft_bool(from)[i], how); break;
  }
}

static bool scattered(struct op_call *c, enum scatter_how how) {
  const struct ftensor *x = op_tensor(c, INPUT);
  struct pairing p;
  struct operand source;
  uint32_t axis;
  if (!index_fits(c, &axis) || !operand_take(c, &c->arg[SOURCE], c->out->type, &source)) return false;
  if (x->numel) memcpy(c->out->data.out, x->data.in, ft_bytes(x));
  bool done = true;
  for (begin_pairing(c, &p, axis, &source.t); done && p.k < p.index->numel; next_pair(&p)) {
    done = pair(c, &p);
    if (done) store(c->out, p.at, &source.t, p.at_other, how);
  }
  operand_give(c, &source);
  return done;
}

static bool reduces(const struct op_call *c, const char *how) {
  return c->arg[REDUCE].kind == OPV_TEXT && span_is(c->arg[REDUCE].text, how);
}
bool scatter_shape(struct op_call *c) {
  if (c->arg[REDUCE].kind == OPV_TEXT && !reduces(c, "add") && !reduces(c, "multiply"))
    return op_error(c, "reduce is neither 'add' nor 'multiply'");
  return scatter_add_shape(c);
}
bool scatter_run(struct op_call *c) {
  return scattered(c, reduces(c, "add") ? ADD : reduces(c, "multiply") ? MULTIPLY : PUT);
}
bool scatter_add_run(struct op_call *c) { return scattered(c, ADD); }

/* ---- scatter_reduce(x, dim, index, src, reduce, include_self) ---- */

enum { HOW = 4, INCLUDE_SELF };
enum reduction_kind { SUM, PROD, MEAN, AMAX, AMIN, NO_KIND };

static enum reduction_kind reduction_kind(const struct op_call *c) {
  static const char *const names[] = {"sum", "prod", "mean", "amax", "amin"};
  uint32_t i = 0;
  while (i < NO_KIND && !span_is(c->arg[HOW].text, names[i])) i++;
  return (enum reduction_kind)i;
}
bool scatter_reduce_shape(struct op_call *c) {
  if (reduction_kind(c) == NO_KIND) return op_error(c, "reduce is none of sum, prod, mean, amax and amin");
  if (op_tensor(c, INPUT)->type == FT_BOOL) return op_unsupported(c, "a reduction of bools");
  return scatter_add_shape(c);
}

static float combined_f32(float old, float x, enum reduction_kind how) {
  if (how == SUM || how == MEAN) return old + x;
  if (how == PROD) return old * x;
  if (isnan(old) || isnan(x)) return NAN;
  return (how == AMAX ? x > old : x < old) ? x : old;
}
static int64_t combined_i64(int64_t old, int64_t x, enum reduction_kind how) {
  if (how == SUM || how == MEAN) return wrapping_add(old, x);
  if (how == PROD) return wrapping_mul(old, x);
  return (how == AMAX ? x > old : x < old) ? x : old;
}
static void combine(struct ftensor *out, uint64_t at, const struct ftensor *from, uint64_t i, bool first,
                    enum reduction_kind how) {
  if (out->type == FT_F32) {
    const float x = ft_f32(from)[i];
    ft_f32_out(out)[at] = first ? x : combined_f32(ft_f32(out)[at], x, how);
  } else {
    const int64_t x = ft_i64(from)[i];
    ft_i64_out(out)[at] = first ? x : combined_i64(ft_i64(out)[at], x, how);
  }
}

/* By how many each has; an integer's mean is rounded down. */
static void divide(struct ftensor *out, const uint64_t *count) {
  for (uint64_t i = 0; i < out->numel; i++) {
    if (count[i] < 2) continue;
    if (out->type == FT_F32) {
      ft_f32_out(out)[i] /= (float)count[i];
      continue;
    }
    const int64_t x = ft_i64(out)[i], n = (int64_t)count[i];
    ft_i64_out(out)[i] = x / n - (x % n < 0);
  }
}

bool scatter_reduce_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT), *source = op_tensor(c, SOURCE);
  const enum reduction_kind how = reduction_kind(c);
  struct pairing p;
  uint32_t axis;
  if (!index_fits(c, &axis)) return false;
  uint64_t *count = fpool_take(c->pool, x->numel * sizeof *count);
  if (!count) return op_no_memory(c);
  for (uint64_t i = 0; i < x->numel; i++) count[i] = c->arg[INCLUDE_SELF].i != 0;
  memcpy(c->out->data.out, x->data.in, ft_bytes(x));
  bool done = true;
  for (begin_pairing(c, &p, axis, source); done && p.k < p.index->numel; next_pair(&p)) {
    done = pair(c, &p);
    if (done) combine(c->out, p.at, source, p.at_other, count[p.at]++ == 0, how);
  }
  if (done && how == MEAN) divide(c->out, count);
  fpool_give(c->pool, count);
  return done;
}
