/* Arithmetic with broadcasting. The result's type is the highest of bool < int64 < float32 among the
 * operands, numbers included (PyTorch's promotion, which for these three types needs no more); / is always
 * float32. */
#include "forward/families.h"

enum { INPUT, OTHER };

/* ---- shape ---- */

static enum ftype operand_type(const struct op_value *v) {
  if (v->kind == OPV_TENSOR) return v->tensor->type;
  return v->kind == OPV_FLOAT ? FT_F32 : v->kind == OPV_INT ? FT_I64 : FT_BOOL;
}

static int type_rank(enum ftype t) { return t == FT_F32 ? 2 : t == FT_I64 ? 1 : 0; }

static enum ftype common_type(const struct op_value *a, const struct op_value *b) {
  enum ftype ta = operand_type(a), tb = operand_type(b);
  return type_rank(ta) >= type_rank(tb) ? ta : tb;
}

/* Size of dimension i of the result as the operand has it: 1 where it has none. */
static uint64_t operand_size(const struct op_value *v, uint32_t ndim, uint32_t i) {
  if (v->kind != OPV_TENSOR) return 1;
  uint32_t missing = ndim - v->tensor->ndim;
  return i < missing ? 1 : v->tensor->size[i - missing];
}

static uint32_t operand_ndim(const struct op_value *v) { return v->kind == OPV_TENSOR ? v->tensor->ndim : 0; }

static bool broadcast_shape(struct op_call *c, enum ftype type) {
  const struct op_value *a = &c->arg[INPUT], *b = &c->arg[OTHER];
  uint32_t na = operand_ndim(a), nb = operand_ndim(b), ndim = na > nb ? na : nb;
  if (a->kind != OPV_TENSOR && b->kind != OPV_TENSOR) return op_error(c, "neither operand is a tensor");
  uint64_t size[FT_DIMS] = {0};
  for (uint32_t i = 0; i < ndim; i++) {
    uint64_t sa = operand_size(a, ndim, i), sb = operand_size(b, ndim, i);
    if (sa != sb && sa != 1 && sb != 1)
      return op_error(c, "%s and %s don't broadcast", ft_shape_text(c->arena, a->tensor),
                      ft_shape_text(c->arena, b->tensor));
    size[i] = sa == 1 ? sb : sa;
  }
  return op_result(c, type, size, ndim);
}

static bool promoted_shape(struct op_call *c) {
  return broadcast_shape(c, common_type(&c->arg[INPUT], &c->arg[OTHER]));
}

bool add_shape(struct op_call *c) { return promoted_shape(c); }
bool mul_shape(struct op_call *c) { return promoted_shape(c); }
bool div_shape(struct op_call *c) { return broadcast_shape(c, FT_F32); }
bool sub_shape(struct op_call *c) {
  if (operand_type(&c->arg[INPUT]) == FT_BOOL || operand_type(&c->arg[OTHER]) == FT_BOOL)
    return op_error(c, "subtraction with a bool");
  return promoted_shape(c);
}
bool neg_shape(struct op_call *c) {
  if (op_tensor(c, INPUT)->type == FT_BOOL) return op_error(c, "minus of a bool tensor");
  return shape_like_input(c);
}

/* ---- operands in the result's type ---- */

struct operand {
  struct ftensor t;
  void *scratch; /* what was taken for it, or NULL */
};

static void convert(struct ftensor *out, const struct ftensor *in) {
  for (uint64_t i = 0; i < in->numel; i++) {
    int64_t n = in->type == FT_I64 ? ft_i64(in)[i] : in->type == FT_BOOL ? ft_bool(in)[i] : 0;
    if (out->type == FT_F32)
      ft_f32_out(out)[i] = (float)n;
    else
      ft_i64_out(out)[i] = n;
  }
}

static void store_number(struct ftensor *out, const struct op_value *v) {
  double real = v->kind == OPV_FLOAT ? v->f : (double)v->i;
  switch (out->type) {
  case FT_F32: ft_f32_out(out)[0] = (float)real; break;
  case FT_I64: ft_i64_out(out)[0] = v->i; break;
  case FT_BOOL: ft_bool_out(out)[0] = v->i != 0; break;
  }
}

/* The operand as a tensor of the result's type: itself, or converted into scratch. A number becomes a 0-d
 * tensor. */
static bool take_operand(struct op_call *c, const struct op_value *v, struct operand *out) {
  const struct ftensor number = {.numel = 1};
  const struct ftensor *from = v->kind == OPV_TENSOR ? v->tensor : &number;
  out->t = *from;
  out->scratch = NULL;
  if (v->kind == OPV_TENSOR && from->type == c->out->type) return true;
  out->t.type = c->out->type;
  out->t.data.out = out->scratch = fpool_take(c->pool, ft_bytes(&out->t));
  if (!out->scratch) return op_no_memory(c);
  if (v->kind == OPV_TENSOR)
    convert(&out->t, from);
  else
    store_number(&out->t, v);
  return true;
}

/* ---- kernels ---- */

/* One row of the result, n elements; an operand's step is 0 (broadcast along the row) or 1. */
typedef void row_fn(void *out, const void *a, uint64_t step_a, const void *b, uint64_t step_b, uint64_t n);

static void add_f32(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    ((float *)out)[i] = ((const float *)a)[i * sa] + ((const float *)b)[i * sb];
}
static void sub_f32(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    ((float *)out)[i] = ((const float *)a)[i * sa] - ((const float *)b)[i * sb];
}
static void mul_f32(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    ((float *)out)[i] = ((const float *)a)[i * sa] * ((const float *)b)[i * sb];
}
static void div_f32(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    ((float *)out)[i] = ((const float *)a)[i * sa] / ((const float *)b)[i * sb];
}
/* int64 wraps around, as PyTorch's does: the builtins store the wrapped result. */
static void add_i64(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    (void)__builtin_add_overflow(((const int64_t *)a)[i * sa], ((const int64_t *)b)[i * sb],
                                 &((int64_t *)out)[i]);
}
static void sub_i64(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    (void)__builtin_sub_overflow(((const int64_t *)a)[i * sa], ((const int64_t *)b)[i * sb],
                                 &((int64_t *)out)[i]);
}
static void mul_i64(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    (void)__builtin_mul_overflow(((const int64_t *)a)[i * sa], ((const int64_t *)b)[i * sb],
                                 &((int64_t *)out)[i]);
}
static void or_bool(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    ((uint8_t *)out)[i] = ((const uint8_t *)a)[i * sa] || ((const uint8_t *)b)[i * sb];
}
static void and_bool(void *out, const void *a, uint64_t sa, const void *b, uint64_t sb, uint64_t n) {
  for (uint64_t i = 0; i < n; i++)
    ((uint8_t *)out)[i] = ((const uint8_t *)a)[i * sa] && ((const uint8_t *)b)[i * sb];
}

/* Elements to move on in an operand for one step along each dimension of the result. */
static void broadcast_steps(const struct ftensor *t, const struct ftensor *out, uint64_t *step) {
  uint64_t elements = 1;
  for (uint32_t i = out->ndim; i > 0; i--) {
    uint32_t missing = out->ndim - t->ndim;
    uint64_t n = i - 1 < missing ? 1 : t->size[i - 1 - missing];
    step[i - 1] = n == 1 ? 0 : elements;
    elements *= n;
  }
}

static const void *element(const struct ftensor *t, uint64_t i) {
  return (const uint8_t *)t->data.in + i * ft_itemsize(t->type);
}

/* Walks the rows of the result (its last dimension) with an index over the other dimensions. */
static void broadcast_rows(struct ftensor *out, const struct ftensor *a, const struct ftensor *b,
                           row_fn *row) {
  uint64_t step_a[FT_DIMS] = {0}, step_b[FT_DIMS] = {0}, index[FT_DIMS] = {0};
  broadcast_steps(a, out, step_a);
  broadcast_steps(b, out, step_b);
  const uint32_t outer = out->ndim ? out->ndim - 1 : 0;
  const uint64_t n = out->ndim ? out->size[outer] : 1;
  for (uint64_t done = 0; done < out->numel; done += n) {
    uint64_t at_a = 0, at_b = 0;
    for (uint32_t i = 0; i < outer; i++) {
      at_a += index[i] * step_a[i];
      at_b += index[i] * step_b[i];
    }
    row((uint8_t *)out->data.out + done * ft_itemsize(out->type), element(a, at_a), step_a[outer],
        element(b, at_b), step_b[outer], n);
    for (uint32_t i = outer; i > 0 && ++index[i - 1] == out->size[i - 1]; i--) index[i - 1] = 0;
  }
}

static bool binary(struct op_call *c, row_fn *const rows[3]) {
  struct operand a, b = {.scratch = NULL};
  bool taken = take_operand(c, &c->arg[INPUT], &a) && take_operand(c, &c->arg[OTHER], &b);
  if (taken && c->out->numel) broadcast_rows(c->out, &a.t, &b.t, rows[c->out->type]);
  fpool_give(c->pool, b.scratch);
  fpool_give(c->pool, a.scratch);
  return taken;
}

bool add_run(struct op_call *c) {
  return binary(c, (row_fn *const[]){[FT_F32] = add_f32, [FT_I64] = add_i64, [FT_BOOL] = or_bool});
}
bool sub_run(struct op_call *c) {
  return binary(c, (row_fn *const[3]){[FT_F32] = sub_f32, [FT_I64] = sub_i64});
}
bool mul_run(struct op_call *c) {
  return binary(c, (row_fn *const[]){[FT_F32] = mul_f32, [FT_I64] = mul_i64, [FT_BOOL] = and_bool});
}
bool div_run(struct op_call *c) { return binary(c, (row_fn *const[3]){[FT_F32] = div_f32}); }

bool neg_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  for (uint64_t i = 0; i < x->numel; i++) {
    if (x->type == FT_F32)
      ft_f32_out(c->out)[i] = -ft_f32(x)[i];
    else
      (void)__builtin_sub_overflow(0, ft_i64(x)[i], &ft_i64_out(c->out)[i]);
  }
  return true;
}
