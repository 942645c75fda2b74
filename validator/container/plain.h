/* What the readers of formats without a program answer: arrays of numbers, and texts beside them. These
 * formats can run nothing; what their readers prove is that each array has the bytes that its shape calls
 * for, inside the file, and shares none with another. */
#ifndef CKPTLINT_CONTAINER_PLAIN_H
#define CKPTLINT_CONTAINER_PLAIN_H

#include "base/arena.h"

struct plain_array {
  struct span name;     /* private */
  const char *dtype;    /* torch's name of the elements; NULL: none, they are opaque */
  struct span type;     /* what the format calls them; private, or a literal */
  const uint64_t *dims; /* row-major order */
  uint32_t ndim;
  uint64_t at, bytes; /* in the file, or in the member that was read; proved to be inside */
};
struct plain_text {
  struct span key, value; /* private */
};
struct plain {
  VEC(struct plain_array) arrays; /* in the order of the file's table */
  VEC(struct plain_text) texts;
  bool big_endian;
  uint64_t data_at; /* where the table ends and the arrays may begin */
};

#endif
