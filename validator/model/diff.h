/* Two checkpoints side by side: the tensors of their state dicts by name, whatever container, wrapper,
 * strides or device they come in; then ties, imports, and the values beside the weights.
 *
 * Runs in a sealed worker over two plans that the broker opened. What it finds is one plain struct in a
 * region of shared memory, read by the broker through diff_open. */
#ifndef CKPTLINT_MODEL_DIFF_H
#define CKPTLINT_MODEL_DIFF_H

#include "model/plan.h"

enum diff_kind {
#define DIFF(id, word, table, differs) DIFF_##id,
#include "model/diff_kinds.def"
#undef DIFF
  DIFF_KINDS
};
enum diff_table { DIFF_OF_tensors, DIFF_OF_globals, DIFF_OF_values };
struct diff_kind_row {
  const char *word;
  enum diff_table table;
  bool differs;
};
extern const struct diff_kind_row diff_kinds[DIFF_KINDS];

struct diff_row {
  uint32_t kind;                   /* enum diff_kind */
  uint32_t a, b;                   /* 1-based in their plans' tables; 0: not there */
  uint32_t partner;                /* UNTIED, TIED: the tensor of a (of b) that it is tied with, 1-based */
  uint32_t within;                 /* 1: every element is within the tolerances */
  uint32_t figures;                /* 1: the rest is known. RETYPED, CHANGED */
  uint64_t differing;              /* elements */
  double max_abs, max_rel, cosine; /* NaN: there is none; relative to a */
};

enum { DIFF_PREFIX = 128 };
struct diff_report {
  uint8_t magic[8];
  uint32_t complete;              /* written last */
  uint32_t dict_a, dict_b;        /* 1-based; 0: all tensors of the file */
  uint32_t prefix_of_b, prefix_n; /* taken from the front of one side's names, for the comparison */
  uint8_t prefix[DIFF_PREFIX];    /* untrusted */
  uint32_t equal, within;         /* tensors */
  uint32_t count[DIFF_KINDS];     /* rows, with those that did not fit */
  uint32_t num_rows;
  struct diff_row rows[];
};
/* NULL, with *why set to a literal, unless all of it can be trusted about these two plans. */
const struct diff_report *diff_open(const void *region, size_t size, const struct plan *a,
                                    const struct plan *b, const char **why);
/* Do the weights differ, by more than the tolerances? */
bool diff_differs(const struct diff_report *r);

struct diff_side {
  const struct plan *plan;
  struct span file; /* the mapping; empty: no numbers are compared */
  struct span key;  /* path of the state dict; empty: the best */
};
struct diff_request {
  struct diff_side side[2];
  double rtol, atol; /* |b - a| <= atol + rtol * |a| is within; both 0: bit by bit */
  const struct limits *max;
  uint64_t hash_seed[2];
};
/* False: memory is spent, or a --key names no state dict (observed). */
NODISCARD bool diff_run(const struct diff_request *request, void *region, size_t size, struct arena *a,
                        struct observations *o);

#endif
