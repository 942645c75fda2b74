/* Arrays whose bytes stand as they are, most of them roots of a checkpoint that no program makes. For the
 * formats that have them. */
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
  uint32_t said_at;   /* offset of the opcode that says so, where one does */
};

/* Proves the view and adds storage and tensor: 1 + its row. 0, observed: as below. */
uint32_t plain_tensor(struct checkpoint *cp, const struct plain_claim *claim);
/* The dtype of numpy's items of this kind and size; BITS8 where torch has none. */
enum dtype numpy_dtype(char kind, uint64_t item_size);
/* The dtype of numpy's items of this kind and size. What torch has none for becomes bytes: of each item a
 * row, which is one dimension more, of arrays in column-major order one row an item, as they lie. `sizes` are
 * those of the claim, which has room for MAX_DIMS. */
void plain_items(struct plain_claim *claim, uint64_t *sizes, char kind, uint64_t item_size);
/* Proves the view and adds tensor and root. False, observed: a limit; it leaves the checkpoint unread. */
bool add_plain(struct checkpoint *cp, const struct plain_claim *claim);
/* What a reader found in the whole file: its arrays and texts as roots, the texts below __metadata__, and
 * below __dtype__ what the format calls those elements that torch has no dtype for. Such arrays are shown as
 * bytes: rows of bytes where a row has a whole number of them. */
void add_file(struct checkpoint *cp, const struct plain *file);

#endif
