/* What the parts of the comparison share. Private to model/diff*.c. */
#ifndef CKPTLINT_MODEL_DIFF_PARTS_H
#define CKPTLINT_MODEL_DIFF_PARTS_H

#include "base/hash.h"
#include "model/diff.h"
#include "model/plan_bytes.h"

/* One side's tensors by name. */
struct diff_names {
  const struct plan *plan;
  const struct plan_dict *dict; /* NULL: every tensor of the file, by its key */
  struct span *name;
  uint32_t *tensor; /* index in the plan; parallel to the names */
  uint32_t n, room;
  struct hash_index index; /* of the names */
  struct plan_bytes bytes;
};

struct differ {
  const struct diff_request *request;
  struct arena *arena;
  struct observations *o;
  struct diff_report *report;
  uint32_t max_rows;
  uint64_t bytes_left; /* that may still be read: hostile files name one storage a thousand times */
  struct diff_names side[2];
  uint32_t *pair; /* of each name of side 0: its namesake in side 1, 1-based, or 0 */
};

/* NULL: it is only counted. */
struct diff_row *diff_add(struct differ *d, enum diff_kind kind, uint32_t a, uint32_t b);

NODISCARD bool diff_read_names(struct differ *d); /* diff_names.c; false: memory is spent */
/* The name's place in that side, 1-based, or 0. */
uint32_t diff_find_name(const struct differ *d, uint32_t side, struct span name);

enum diff_answer { DIFF_EQUAL, DIFF_WITHIN, DIFF_OTHER, DIFF_UNKNOWN };
/* Two tensors (indexes of their plans): shape, dtype, numbers. `row` gets the kind and the figures. */
enum diff_answer diff_tensors(struct differ *d, uint32_t a, uint32_t b,
                              struct diff_row *row); /* diff_numbers.c */

NODISCARD bool diff_globals(struct differ *d); /* diff_beside.c */
NODISCARD bool diff_values(struct differ *d);

#endif
