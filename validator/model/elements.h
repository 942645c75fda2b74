/* A walk over a tensor's elements in logical order, whatever its strides. */
#ifndef CKPTLINT_MODEL_ELEMENTS_H
#define CKPTLINT_MODEL_ELEMENTS_H

#include "model/plan.h"

enum { ELEMENTS_DIMS = 64 };
struct elements {
  const struct plan_tensor *t;
  const uint64_t *size, *stride;
  struct span bytes;                       /* of the storage */
  uint64_t index[ELEMENTS_DIMS], left, at; /* at: of the current element, in elements */
  bool big_endian;
};

/* Has it elements with bytes of their own in the file, one each, that mean a number? Not: meta, refused,
 * sparse, quantised or expanded tensors, and those that are coded in blocks. */
bool elements_readable(const struct plan *p, const struct plan_tensor *t);
/* The same of a quantised tensor: its elements mean a number by its quantiser. Not those packed in a byte. */
bool elements_quantized(const struct plan *p, const struct plan_tensor *t);
/* `storage`: the real bytes of its storage (plan_bytes_read). The plan was opened: every element that the
 * sizes and strides reach lies in them. */
void elements_begin(struct elements *e, const struct plan *p, const struct plan_tensor *t,
                    struct span storage);
/* The next element's bytes, dtype_size of them; NULL at the end. */
const uint8_t *elements_next(struct elements *e);
double elements_value(const struct elements *e, const uint8_t *p);

#endif
