/* The quantiser of a quantised tensor: scales and zero points, for all of it or for each channel (format-spec
 * D.3, threats H09). */
#include <math.h>

#include "model/call.h"

struct integers {
  int64_t low, high;
};

/* The integers of a quantised dtype, among which a zero point is one. */
static struct integers zero_points(enum dtype dtype) {
  switch (dtype) {
  case DTYPE_QI8: return (struct integers){INT8_MIN, INT8_MAX};
  case DTYPE_QI32: return (struct integers){INT32_MIN, INT32_MAX};
  case DTYPE_QU4X2: return (struct integers){0, 15};
  case DTYPE_QU2X4: return (struct integers){0, 3};
  default: return (struct integers){0, UINT8_MAX};
  }
}

static bool is_scale(const struct value *v) {
  return v->kind == VAL_FLOAT && v->real > 0 && isfinite(v->real);
}

static bool is_zero_point(const struct value *v, enum dtype dtype) {
  struct integers range = zero_points(dtype);
  if (v->kind == VAL_FLOAT) return isfinite(v->real);
  return v->kind == VAL_INT && v->number >= range.low && v->number <= range.high;
}

/* (torch.per_tensor_affine, scale, zero_point). */
static const char *per_tensor_wrong(const struct call *c, enum dtype dtype, val_id params) {
  val_id scale = value_item(c->m, params, 1), zero = value_item(c->m, params, 2);
  if (value_count(c->m, params) != 3 || kind_of(c->m, scale) != VAL_FLOAT || kind_of(c->m, zero) != VAL_INT)
    return "per-tensor scale and zero point are not a float and an int";
  if (!is_scale(value_of(c->m, scale))) return "the scale is not finite and positive";
  return is_zero_point(value_of(c->m, zero), dtype) ? NULL : "the zero point is no value of the dtype";
}

/* A tensor of one number a channel, whose contents are claimed; or a list. */
static bool is_one_a_channel(const struct call *c, enum dtype dtype, val_id v, uint64_t channels,
                             bool scales) {
  const struct built *b = built_of(c->cp, c->m, v);
  if (b && b->kind == BUILT_TENSOR) {
    const struct tensor_fact *t = &c->cp->tensors.p[b->index];
    enum dtype_class cls = dtype_table[t->dtype].cls;
    struct contents_fact claim = {.kind = scales ? CONTENTS_SCALES : CONTENTS_ZEROS,
                                  .part = {b->index},
                                  .name = {scales ? "scales" : "zero_points"}};
    struct integers range = zero_points(dtype);
    claim.low = range.low;
    claim.high = range.high;
    return t->numel == channels && !(t->flags & (PLAN_SPARSE | PLAN_META)) &&
           (cls == DT_FLOAT || (cls == DT_INT && !scales)) && claim_contents(c, &claim);
  }
  if (kind_of(c->m, v) != VAL_LIST || value_count(c->m, v) != channels || !spend(c->cp, channels, c->at))
    return false;
  machine_give(c->m, v);
  for (uint32_t i = 0; i < channels; i++) {
    const struct value *x = value_of(c->m, value_item(c->m, v, i));
    if (scales ? !is_scale(x) : !is_zero_point(x, dtype)) return false;
  }
  return true;
}

/* (torch.per_channel_affine…, scales, zero_points, axis). */
static const char *per_channel_wrong(const struct call *c, enum dtype dtype, val_id params) {
  int64_t sizes[MAX_DIMS];
  uint32_t n;
  if (value_count(c->m, params) != 4 || kind_of(c->m, value_item(c->m, params, 3)) != VAL_INT)
    return "the channel axis is not an int";
  int64_t axis = value_of(c->m, value_item(c->m, params, 3))->number;
  if (!int_tuple(c, call_arg(c, 2), sizes, &n) || axis < 0 || axis >= (int64_t)n || axis >= MAX_DIMS)
    return "the channel axis is not a dimension";
  uint64_t channels = (uint64_t)sizes[axis];
  bool fits = is_one_a_channel(c, dtype, value_item(c->m, params, 1), channels, true) &&
              is_one_a_channel(c, dtype, value_item(c->m, params, 2), channels, false);
  return fits ? NULL : "scales or zero points are not one number a channel";
}

const char *quantizer_wrong(const struct call *c, enum dtype dtype, val_id params) {
  if (kind_of(c->m, params) != VAL_TUPLE || value_count(c->m, params) < 3)
    return "the quantiser is not a tuple of 3 or 4";
  const struct global_row *scheme = row_of(c->cp, c->m, value_item(c->m, params, 0));
  if (!scheme || scheme->builder != BUILD_QSCHEME) return "the quantisation scheme is not torch's";
  return span_starts(span_str(scheme->name), SPAN("per_tensor")) ? per_tensor_wrong(c, dtype, params)
                                                                 : per_channel_wrong(c, dtype, params);
}
