#include "model/elements.h"

static bool has_elements(const struct plan *p, const struct plan_tensor *t) {
  const unsigned no = PLAN_META | PLAN_UNPROVED | PLAN_SPARSE | PLAN_EXPANDED;
  return !(t->flags & no) && t->storage != PLAN_NO_STORAGE && p->storages[t->storage - 1].member != 0 &&
         t->ndim <= ELEMENTS_DIMS;
}

bool elements_readable(const struct plan *p, const struct plan_tensor *t) {
  return has_elements(p, t) && !(t->flags & PLAN_QUANTIZED) && !dtype_is_block((enum dtype)t->dtype);
}

bool elements_quantized(const struct plan *p, const struct plan_tensor *t) {
  return has_elements(p, t) && t->flags & PLAN_QUANTIZED && dtype_packing((enum dtype)t->dtype) == 1;
}

void elements_begin(struct elements *e, const struct plan *p, const struct plan_tensor *t,
                    struct span storage) {
  *e = (struct elements){.t = t,
                         .size = p->dims + t->first_dim,
                         .stride = p->dims + t->first_dim + t->ndim,
                         .bytes = storage,
                         .left = t->numel,
                         .at = t->offset,
                         .big_endian = p->storages[t->storage - 1].big_endian != 0};
}

const uint8_t *elements_next(struct elements *e) {
  if (e->left == 0) return NULL;
  const uint8_t *p = e->bytes.p + e->at * dtype_size((enum dtype)e->t->dtype);
  e->left--;
  for (uint32_t d = e->t->ndim; d > 0; d--) {
    if (++e->index[d - 1] < e->size[d - 1]) {
      e->at += e->stride[d - 1];
      break;
    }
    e->at -= (e->size[d - 1] - 1) * e->stride[d - 1];
    e->index[d - 1] = 0;
  }
  return p;
}

double elements_value(const struct elements *e, const uint8_t *p) {
  uint8_t swapped[16];
  size_t n = (size_t)dtype_size((enum dtype)e->t->dtype);
  if (e->big_endian) {
    for (size_t i = 0; i < n; i++) swapped[i] = p[n - 1 - i];
    p = swapped;
  }
  return dtype_load((enum dtype)e->t->dtype, p);
}
