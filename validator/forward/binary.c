#include "forward/binary.h"

enum { INPUT, OTHER };

enum ftype operand_type(const struct op_value *v) {
  if (v->kind == OPV_TENSOR) return v->tensor->type;
  return v->kind == OPV_FLOAT ? FT_F32 : v->kind == OPV_INT ? FT_I64 : FT_BOOL;
}

static int type_rank(enum ftype t) { return t == FT_F32 ? 2 : t == FT_I64 ? 1 : 0; }

enum ftype operands_type(const struct op_value *a, const struct op_value *b) {
  enum ftype ta = operand_type(a), tb = operand_type(b);
  return type_rank(ta) >= type_rank(tb) ? ta : tb;
}

bool binary_shape(struct op_call *c, enum ftype result) {
  const struct op_value *a = &c->arg[INPUT], *b = &c->arg[OTHER];
  struct broadcast shape = {.ndim = 0};
  if (a->kind != OPV_TENSOR && b->kind != OPV_TENSOR) return op_error(c, "neither operand is a tensor");
  if (a->kind == OPV_TENSOR && !broadcast_with(c, &shape, a->tensor)) return false;
  if (b->kind == OPV_TENSOR && !broadcast_with(c, &shape, b->tensor)) return false;
  return op_result(c, result, shape.size, shape.ndim);
}

/* ---- operands ---- */

static int64_t to_int(float v) { return v >= -0x1p63f && v < 0x1p63f ? (int64_t)v : INT64_MIN; }

void ft_convert(struct ftensor *to, const struct ftensor *from) {
  for (uint64_t i = 0; i < from->numel; i++) {
    const float real = from->type == FT_F32 ? ft_f32(from)[i] : 0;
    const int64_t n = from->type == FT_F32   ? to_int(real)
                      : from->type == FT_I64 ? ft_i64(from)[i]
                                             : ft_bool(from)[i];
    switch (to->type) {
    case FT_F32: ft_f32_out(to)[i] = from->type == FT_F32 ? real : (float)n; break;
    case FT_I64: ft_i64_out(to)[i] = n; break;
    case FT_BOOL: ft_bool_out(to)[i] = from->type == FT_F32 ? !(real >= 0 && real <= 0) : n != 0; break;
    }
  }
}

static void store_number(struct ftensor *out, const struct op_value *v) {
  const double real = v->kind == OPV_FLOAT ? v->f : (double)v->i;
  switch (out->type) {
  case FT_F32: ft_f32_out(out)[0] = (float)real; break;
  case FT_I64: ft_i64_out(out)[0] = v->i; break;
  case FT_BOOL: ft_bool_out(out)[0] = v->kind == OPV_FLOAT ? !(real >= 0 && real <= 0) : v->i != 0; break;
  }
}

bool operand_take(struct op_call *c, const struct op_value *v, enum ftype type, struct operand *out) {
  const struct ftensor number = {.numel = 1};
  const struct ftensor *from = v->kind == OPV_TENSOR ? v->tensor : &number;
  out->t = *from;
  out->scratch = NULL;
  if (v->kind == OPV_TENSOR && from->type == type) return true;
  out->t.type = type;
  out->t.data.out = out->scratch = fpool_take(c->pool, ft_bytes(&out->t));
  if (!out->scratch) return op_no_memory(c);
  if (v->kind == OPV_TENSOR)
    ft_convert(&out->t, from);
  else
    store_number(&out->t, v);
  return true;
}

void operand_give(struct op_call *c, struct operand *o) { fpool_give(c->pool, o->scratch); }

/* ---- rows ---- */

static const void *element(const struct ftensor *t, int64_t i) {
  return (const uint8_t *)t->data.in + i * (int64_t)ft_itemsize(t->type);
}

/* A tensor of the result's shape, or of one element, has the same step through all dimensions. */
static bool is_even(const struct ftensor *t, const struct ftensor *out) {
  return t->numel == 1 || ft_same_shape(t, out);
}

/* Walks the rows of the result (its last dimension) with an index over the other dimensions. */
static void broadcast_rows(struct ftensor *out, const struct ftensor *a, const struct ftensor *b,
                           row_fn *row) {
  if (is_even(a, out) && is_even(b, out)) {
    row(out->data.out, a->data.in, a->numel != 1, b->data.in, b->numel != 1, out->numel);
    return;
  }
  struct strided va, vb;
  broadcast_view(&va, a, out->ndim, out->size);
  broadcast_view(&vb, b, out->ndim, out->size);
  uint64_t index[FT_DIMS] = {0};
  const uint32_t outer = out->ndim - 1; /* a tensor of no dimensions is even */
  const uint64_t n = out->size[outer], item = ft_itemsize(out->type);
  int64_t at_a = 0, at_b = 0;
  for (uint64_t done = 0; done < out->numel; done += n) {
    row((uint8_t *)out->data.out + done * item, element(a, at_a), va.stride[outer] != 0, element(b, at_b),
        vb.stride[outer] != 0, n);
    for (uint32_t i = outer; i > 0; i--) {
      at_a += va.stride[i - 1];
      at_b += vb.stride[i - 1];
      if (++index[i - 1] < out->size[i - 1]) break;
      at_a -= va.stride[i - 1] * (int64_t)out->size[i - 1];
      at_b -= vb.stride[i - 1] * (int64_t)out->size[i - 1];
      index[i - 1] = 0;
    }
  }
}

bool binary_run(struct op_call *c, enum ftype type, row_fn *row) {
  struct operand a, b = {.scratch = NULL};
  bool taken = operand_take(c, &c->arg[INPUT], type, &a) && operand_take(c, &c->arg[OTHER], type, &b);
  if (taken && c->out->numel) broadcast_rows(c->out, &a.t, &b.t, row);
  operand_give(c, &b);
  operand_give(c, &a);
  return taken;
}
