/* The walk over the value graph that writes a plan's values: what its parts share. emit_values.c goes from
 * value to value, emit_children.c knows what lies in one, emit_row.c writes the row of one. */
#ifndef CKPTLINT_MODEL_EMIT_VALUES_H
#define CKPTLINT_MODEL_EMIT_VALUES_H

#include "model/checkpoint.h"

enum { PATH_MAX_BYTES = 4096, SCRATCH = DESCRIBE_MAX };

/* The children of a value, in the order of the program. */
enum segment_kind {
  SEGMENT_ITEMS,
  SEGMENT_ARGS,
  SEGMENT_PAIRS,
  SEGMENT_STATE,
  SEGMENT_PARTS,
  SEGMENT_KEY,
  SEGMENT_DATA
};
struct segment {
  enum segment_kind kind;
  val_id
      v; /* PARTS: the object, a tensor; KEY: the dict key that the record stands under; DATA: of an array */
  uint32_t n; /* children in it */
};
enum { SEGMENTS_MAX = 8 };

struct frame {
  val_id v;
  val_id outer; /* 0, or the object whose value v is, in another program, to which the walk goes back then */
  uint32_t outer_program;
  uint32_t row, tensors_before;
  uint32_t segment, next; /* where the walk stands */
  size_t path_n;          /* of this value's path */
  uint32_t num_segments;
  struct segment segments[SEGMENTS_MAX];
};

struct seen_value {
  uint32_t row; /* 1 + row of the first appearance; 0: not yet */
  bool open;    /* on the path that is being walked */
  bool has_tensors;
};

/* What is known of a program; nothing until the walk comes to it. */
struct tables {
  struct seen_value *seen; /* by val_id; of what may be shared alone, so that most of it is never touched */
  struct plan_text *class_names; /* by global: each is written once */
};

struct walk {
  struct checkpoint *cp;
  struct plan_writer *w;
  struct tables *tables; /* by program */
  uint32_t program;      /* whose values are walked: its machine and its tables are */
  const struct machine *m;
  struct seen_value *seen;
  struct plan_text *class_names;
  VEC(struct frame) frames;
  struct tensor_paths *tensors;
  uint8_t path[PATH_MAX_BYTES];
  size_t path_n; /* may exceed the bytes kept: then it is too long to name a tensor */
  uint64_t budget;
  bool cut;
};

/* Of an object that is a tensor. */
static inline const struct tensor_fact *fact_of(const struct checkpoint *cp, const struct machine *m,
                                                val_id v) {
  return &cp->tensors.p[built_of(cp, m, v)->index];
}

static inline struct plan_value *row_at(const struct walk *k, uint32_t i) {
  return plan_row_at(k->w, PLAN_values, sizeof(struct plan_value), i);
}

/* Of an object that is an array of numpy's, or NULL: nothing filled it. */
static inline const struct np_array *array_of(const struct checkpoint *cp, const struct machine *m,
                                              val_id v) {
  uint32_t row = built_of(cp, m, v)->index;
  return row ? &cp->np_arrays.p[row - 1] : NULL;
}

/* ---- emit_children.c ---- */

/* The children of v, as segments of f. */
void open_frame(const struct walk *k, struct frame *f, val_id v);
/* The child that f stands at, and its key, which may lie in `scratch`. */
val_id child_at(const struct walk *k, const struct frame *f, char scratch[SCRATCH], struct span *key);

/* ---- emit_row.c ---- */

/* Fills the row of v, whose place is set already; a tensor is added to k->tensors. */
void put_value(struct walk *k, struct plan_value *row, uint32_t row_index, val_id v);
void put_text(const struct walk *k, struct plan_value *row, enum plan_value_kind kind, struct span s);
/* The tensor `fact` under the path of the value that is being visited; its index. */
uint32_t put_tensor(struct walk *k, uint32_t value_row, uint32_t fact);

#endif
