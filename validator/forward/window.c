#include "forward/window.h"

bool window_pair(struct op_call *c, const char *name, const struct op_value *v, int64_t least,
                 uint64_t out[2]) {
  uint32_t n = v->kind == OPV_INT ? 1 : v->n;
  if (n != 1 && n != 2) return op_error(c, "%s has %u numbers, expected one or two", name, n);
  for (uint32_t i = 0; i < 2; i++) {
    int64_t value = v->kind == OPV_INT ? v->i : v->ints[n == 2 ? i : 0];
    if (value < least || value > INT32_MAX)
      return op_error(c, "%s is %lld, expected at least %lld", name, (long long)value, (long long)least);
    out[i] = (uint64_t)value;
  }
  return true;
}

bool window_count(struct op_call *c, struct window *w, bool ceil_mode) {
  /* No sum here can overflow: a tensor's size is below 2^59, the other numbers are below 2^31. */
  uint64_t padded = w->in + w->before + w->after;
  if (w->kernel == 0 || window_reach(w) > padded)
    return op_error(c,
                    "a kernel of %llu (dilation %llu) does not fit an input of %llu with padding %llu + %llu",
                    (unsigned long long)w->kernel, (unsigned long long)w->dilation, (unsigned long long)w->in,
                    (unsigned long long)w->before, (unsigned long long)w->after);
  uint64_t room = padded - window_reach(w);
  w->out = (room + (ceil_mode ? w->stride - 1 : 0)) / w->stride + 1;
  if (ceil_mode && (w->out - 1) * w->stride >= w->in + w->before) w->out--;
  return true;
}
