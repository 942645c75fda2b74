#include "model/checkpoint.h"

static const struct sparse_fact *sparse_of(const struct checkpoint *cp, const struct tensor_fact *t) {
  return &cp->sparse.p[t->sparse - 1];
}

/* The quantiser begins with its scheme, which the names of the others tell. */
uint32_t tensor_num_parts(const struct checkpoint *cp, const struct machine *m, const struct tensor_fact *t) {
  if (t->flags & PLAN_SPARSE) return sparse_of(cp, t)->num_parts;
  return t->flags & PLAN_QUANTIZED ? value_count(m, t->quantizer) - 1 : 0;
}

val_id tensor_part(const struct checkpoint *cp, const struct machine *m, const struct tensor_fact *t,
                   uint32_t i, struct span *name) {
  static const char *const whole[] = {"scale", "zero_point"}, *const channels[] = {"scales", "zero_points",
                                                                                   "axis"};
  if (t->flags & PLAN_SPARSE) {
    const struct sparse_fact *s = sparse_of(cp, t);
    *name = span_str(sparse_part_name((enum plan_layout)s->layout, i));
    return s->part[i];
  }
  *name = span_str(value_count(m, t->quantizer) == ARRAY_LEN(whole) + 1 ? whole[i] : channels[i]);
  return value_item(m, t->quantizer, 1 + i);
}
