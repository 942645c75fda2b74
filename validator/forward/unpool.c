/* The inverse of max pooling: each element goes back to where its index says, everything else is 0. */
#include "forward/families.h"
#include "forward/window.h"

enum { INPUT, INDICES, KERNEL_SIZE, STRIDE, PADDING, OUTPUT_SIZE };

/* (in - 1) * stride - 2 * padding + kernel_size for each axis, or what output_size says: the sizes of the
 * places alone or of the whole result. */
static bool unpooled_sizes(struct op_call *c, uint32_t dims, uint64_t *size) {
  const struct op_value *kernel = &c->arg[KERNEL_SIZE], *given = &c->arg[OUTPUT_SIZE];
  const struct op_value *stride = c->arg[STRIDE].kind == OPV_NONE ? kernel : &c->arg[STRIDE];
  uint64_t k[AXES] = {0}, s[AXES] = {0}, p[AXES] = {0}, known;
  if (!window_ints(c, "kernel_size", kernel, dims, 1, k) || !window_ints(c, "stride", stride, dims, 1, s) ||
      !window_ints(c, "padding", &c->arg[PADDING], dims, 0, p))
    return false;
  const uint32_t n = given->kind == OPV_INTS ? given->n : 0;
  if (given->kind == OPV_INT || (n && n != dims && n != dims + 2))
    return op_error(c, "output_size has %u numbers, expected %u", n ? n : 1, dims);
  for (uint32_t i = 0; i < dims; i++) {
    const uint64_t in = op_tensor(c, INPUT)->size[op_tensor(c, INPUT)->ndim - dims + i], at = AXES - dims + i;
    if (in == 0 || !try_mul(in - 1, s[at], &known) || !try_add(known, k[at], &known) || known <= 2 * p[at])
      return op_error(c, "an axis of %llu elements can't be unpooled", (unsigned long long)in);
    known -= 2 * p[at];
    size[i] = known;
    if (n == 0) continue;
    const int64_t want = given->ints[n - dims + i], low = (int64_t)(known - min_u64(known, s[at]));
    if (want <= low || (uint64_t)want >= known + s[at])
      return op_error(c, "output_size %lld, expected more than %lld and less than %llu", (long long)want,
                      (long long)low, (unsigned long long)known + s[at]);
    size[i] = (uint64_t)want;
  }
  return true;
}

static bool unpool_shape(struct op_call *c, uint32_t dims) {
  const struct ftensor *x = op_tensor(c, INPUT), *indices = op_tensor(c, INDICES);
  if (!op_wants_f32(c, "input", x)) return false;
  if (indices->type != FT_I64) return op_error(c, "indices must be int64");
  if (x->ndim != dims + 1 && x->ndim != dims + 2)
    return op_error(c, "input %s, expected a batch, channels and %u more", ft_shape_text(c->arena, x), dims);
  if (!ft_same_shape(x, indices))
    return op_error(c, "input %s, but indices %s", ft_shape_text(c->arena, x),
                    ft_shape_text(c->arena, indices));
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, x->size, sizeof size);
  return unpooled_sizes(c, dims, size + (x->ndim - dims)) && op_result(c, FT_F32, size, x->ndim);
}

static bool unpool_run(struct op_call *c, uint32_t dims) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint64_t from = 1, to = 1;
  for (uint32_t i = x->ndim - dims; i < x->ndim; i++) {
    from *= x->size[i];
    to *= c->out->size[i];
  }
  memset(ft_f32_out(c->out), 0, ft_bytes(c->out));
  for (uint64_t i = 0; i < x->numel; i++) {
    const int64_t at = ft_i64(op_tensor(c, INDICES))[i];
    if (at < 0 || (uint64_t)at >= to)
      return op_error(c, "index %lld of a plane with %llu elements", (long long)at, (unsigned long long)to);
    ft_f32_out(c->out)[i / from * to + (uint64_t)at] = ft_f32(x)[i];
  }
  return true;
}

bool max_unpool1d_shape(struct op_call *c) { return unpool_shape(c, 1); }
bool max_unpool2d_shape(struct op_call *c) { return unpool_shape(c, 2); }
bool max_unpool3d_shape(struct op_call *c) { return unpool_shape(c, 3); }
bool max_unpool1d_run(struct op_call *c) { return unpool_run(c, 1); }
bool max_unpool2d_run(struct op_call *c) { return unpool_run(c, 2); }
bool max_unpool3d_run(struct op_call *c) { return unpool_run(c, 3); }
