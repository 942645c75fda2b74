/* Numbers that somebody gives: the contents of a .npy file or the inline numbers of an architecture file. */
#ifndef CKPTLINT_FORWARD_ARRAY_H
#define CKPTLINT_FORWARD_ARRAY_H

#include "arch/spec.h"
#include "base/observe.h"
#include "forward/ftensor.h"

struct farray {
  struct span name;      /* what messages call it: the file's name, or "inline numbers" */
  struct ftensor shape;  /* its data is unused */
  enum dtype dtype;      /* of the file; INLINE: float64, or int64 when every number is an integer */
  const uint8_t *bytes;  /* little-endian; NULL: inline */
  bool columns;          /* bytes are column-major: numpy saves a transposed array so */
  const double *numbers; /* inline */
};

/* A file's bytes as an array. False, observed with the file's name: not a .npy that this version reads. */
NODISCARD bool farray_open(struct farray *out, struct span name, struct span bytes, struct observations *o);
/* False, observed: too many dimensions. */
NODISCARD bool farray_inline(struct farray *out, const struct inline_array *numbers, struct observations *o);
/* Element i in row-major order. */
double farray_real(const struct farray *a, uint64_t i);
int64_t farray_int(const struct farray *a,
                   uint64_t i); /* of an integer or bool dtype, or of inline integers */

#endif
