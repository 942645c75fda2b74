/* What the integers of a quantised tensor mean: real = (integer - zero point) * scale, for all of it or for
 * each channel (format-spec D.4). In the plan that stands in the values below the tensor's own: `scale` and
 * `zero_point`; or `scales`, `zero_points` (a tensor or a list, one number a channel) and `axis`. */
#ifndef CKPTLINT_MODEL_QUANTIZER_H
#define CKPTLINT_MODEL_QUANTIZER_H

#include "model/plan_bytes.h"

struct quantizer {
  uint64_t channels; /* 1: one for all */
  uint64_t run;      /* elements that follow each other in one channel, in logical order */
  const double *scale, *zero_point;
};

/* Of a plan that is being opened: where a quantised tensor has such values, they are of the right kinds and
 * sizes. They may be missing where the plan was cut. */
NODISCARD bool quantizers_ok(const struct plan *p);

/* Is this tensor what a quantised one's integers mean, and no key of anything? */
static inline bool quantizer_part(const struct plan *p, uint32_t tensor) {
  uint32_t value = p->tensors[tensor].value;
  const struct plan_value *outer = &p->values[p->values[value].parent];
  return value && outer->kind == PLAN_VAL_TENSOR && (p->tensors[outer->number].flags & PLAN_QUANTIZED);
}

/* The numbers in the arena, two doubles a channel. False: the plan has them not, or their bytes can't be read
 * (observed). */
NODISCARD bool quantizer_read(struct quantizer *q, struct plan_bytes *b, const struct plan_tensor *t);

static inline uint64_t quantizer_channel(const struct quantizer *q, uint64_t element) {
  return element / q->run % q->channels;
}
/* In float32, as PyTorch's dequantize. */
static inline float quantizer_real(const struct quantizer *q, uint64_t channel, double integer) {
  return ((float)integer - (float)q->zero_point[channel]) * (float)q->scale[channel];
}

#endif
