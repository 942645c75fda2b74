/* Arrays that no program makes, as roots of a checkpoint. Between the load_*.c of the formats that have them.
 */
#ifndef CKPTLINT_MODEL_LOAD_PLAIN_H
#define CKPTLINT_MODEL_LOAD_PLAIN_H

#include "container/plain.h"
#include "model/checkpoint.h"

/* One array, whose bytes its reader proved to be in the file. */
struct plain_claim {
  struct span key;
  enum dtype dtype;
  const uint64_t *sizes; /* at most MAX_DIMS */
  uint32_t ndim;
  bool fortran_order, big_endian;
  uint32_t member;    /* 1-based */
  uint64_t at, bytes; /* in it */
};

/* Proves the view and adds tensor and root. False, observed: a limit; it leaves the checkpoint unread. */
bool add_plain(struct checkpoint *cp, const struct plain_claim *claim);
bool add_text(struct checkpoint *cp, struct span group, struct span key, struct span text);
/* What a reader found in the whole file: its arrays and texts as roots, the texts below __metadata__, and
 * below
 * __dtype__ what the format calls those elements that torch has no dtype for. Such arrays are shown as bytes:
 * rows of bytes where a row has a whole number of them. */
void add_file(struct checkpoint *cp, const struct plain *file);

#endif
