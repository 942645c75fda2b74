/* What the parts of the match share. Private to arch/match*.c. */
#ifndef CKPTLINT_ARCH_MATCH_PARTS_H
#define CKPTLINT_ARCH_MATCH_PARTS_H

#include "arch/match.h"
#include "base/glob.h"
#include "model/elements.h"
#include "model/plan_bytes.h"

/* One key that is not as it should be, before keys are folded into findings. */
struct problem {
  enum obs_kind kind;
  uint32_t expected, entry; /* UINT32_MAX: there is none */
};

enum { PACKED_NOT, PACKED_RIGHT, PACKED_WRONG };

struct matcher {
  struct match *out;
  const struct model *model;
  const struct plan *plan;
  const struct plan_dict *dict;
  const struct match_options *options;
  struct arena *arena;
  struct observations *o;
  struct span *names;       /* of the dict's entries, renamed; parallel to them */
  uint32_t *number;         /* for each entry: the expected key it fills, from 1; 0: none */
  uint32_t last_number;     /* the expected key found last */
  uint64_t batches_tracked; /* counters that are not there */
  struct plan_bytes bytes;  /* of the storages */
  uint64_t bytes_left;      /* that may still be read: hostile files tie one tensor a thousand times */
  struct {
    uint64_t ties, constants, numbers;
  } unread;        /* what options.metadata_only left out */
  uint32_t *entry; /* for each expected key: its entry in the plan, or UINT32_MAX */
  uint8_t *packed; /* for each expected key: PACKED_*; NULL: no weight is packed */
  VEC(struct problem) problems;
};

/* Observes, writing the detail only if it will be kept: a hostile file can differ in every key. */
void match_note(struct matcher *m, enum obs_kind kind, struct span subject, uint64_t got, const char *format,
                ...) PRINTF_LIKE(5, 6);

void match_add_problem(struct matcher *m, enum obs_kind kind, const struct expected *e, uint32_t entry);
/* The tensor that a problem found; NULL: none. */
const struct plan_tensor *match_found(const struct matcher *m, const struct problem *p);
/* "[3, 4], the architecture expects [4, 3] (Linear); it is transposed" */
struct span match_problem_text(struct matcher *m, const struct problem *p);
struct span sizes_text(struct arena *a, const uint64_t *sizes, uint32_t ndim);

/* False when there are no bytes to read: none in the file, none given, refused by the scan. */
NODISCARD bool match_elements(struct elements *e, struct matcher *m, uint32_t tensor);

NODISCARD bool match_read_names(struct matcher *m); /* match_names.c; false: memory is spent */
void match_find_names(struct matcher *m);
/* The expected key, from 1, that a name of the checkpoint's fills after match_find_names; 0: none. */
uint32_t match_key_number(struct matcher *m, struct span name);
bool match_is_adapter(const struct matcher *m);
NODISCARD bool match_adapter(struct matcher *m);   /* match_adapter.c, instead of all the rest */
NODISCARD bool match_quantized(struct matcher *m); /* match_quantized.c; false: memory is spent */
bool match_note_order(struct matcher *m);          /* match_order.c: true: it looks like a change of names */
NODISCARD bool match_fold(struct matcher *m);      /* match_fold.c: the problems become observations */
bool match_same_sizes(const struct plan *p, const struct slot *slot,
                      const struct plan_tensor *t); /* match.c */
bool match_same_form(const struct plan *p, const struct plan_tensor *a, const struct plan_tensor *b);
void match_ties(struct matcher *m); /* match_values.c */
void match_constants(struct matcher *m);
void match_checks(struct matcher *m);
void match_note_unread(struct matcher *m);
NODISCARD bool match_fields(struct matcher *m); /* match_training.c; false: memory is spent */
/* The number that a row holds, whatever its form: an int, a float, a tensor of one element. False: none. */
struct number {
  bool integer, known; /* known: its bytes could be read */
  double value;
};
bool match_number(struct matcher *m, uint32_t row, struct number *out);
NODISCARD bool match_optimizer(struct matcher *m); /* match_optimizer.c */
void match_resume(struct matcher *m);              /* match_resume.c */

#endif
