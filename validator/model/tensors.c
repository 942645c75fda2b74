/* Rows of tensors. */
#include "model/checkpoint.h"

bool refuse_tensors(struct checkpoint *cp, uint32_t n, uint32_t at) {
  return refuse(
      cp->obs,
      (struct observation){
          .kind = OBS_LIMIT_TENSORS, .member = cp->member, .at = at, .got = n, .want = cp->max->tensors});
}

uint32_t tensor_row(struct checkpoint *cp, const struct tensor_fact *t) {
  struct tensor_fact *slot = vec_push(cp->arena, &cp->tensors, cp->max->tensors);
  if (!slot) {
    (void)refuse_tensors(cp, cp->tensors.n, t->at);
    return 0;
  }
  *slot = *t;
  return cp->tensors.n;
}

uint32_t tensor_add(struct checkpoint *cp, struct tensor_fact t, const int64_t *sizes,
                    const int64_t *strides) {
  if (!vec_reserve(cp->arena, &cp->dims, UINT64_C(2) * t.ndim, UINT32_MAX)) return 0;
  t.first_dim = cp->dims.n;
  t.base = cp->tensors.n;
  uint32_t number = tensor_row(cp, &t);
  if (!number) return 0;
  for (uint32_t i = 0; i < t.ndim; i++) cp->dims.p[cp->dims.n++] = (uint64_t)sizes[i];
  for (uint32_t i = 0; i < t.ndim; i++) cp->dims.p[cp->dims.n++] = (uint64_t)strides[i];
  if (t.storage) cp->storages.p[t.storage - 1].users++;
  return number;
}
