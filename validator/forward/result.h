/* What a forward pass found out, as one plain struct in a region of shared memory: written by the sealed
 * worker, read by the broker after the worker's death and only through result_open, which re-checks every
 * count, enumeration and range. Nothing in it is a pointer. The numbers of the outputs stand behind the
 * tables, for --save-output. */
#ifndef CKPTLINT_FORWARD_RESULT_H
#define CKPTLINT_FORWARD_RESULT_H

#include "forward/compare.h"

enum {
  RESULT_TESTS = 64,
  RESULT_OUTPUTS = 256,
  RESULT_INPUTS = 256,
  RESULT_SYMBOLS = 512,
  RESULT_STEPS = 2048
};

enum result_status {
  RESULT_NOT_RUN,    /* an earlier failure ended the stage */
  RESULT_REFUSED,    /* an input contradicts, the shapes don't fit, or an op is not there: observed */
  RESULT_TOO_COSTLY, /* nobody asked for it and it is over limits.forward_free: offered, not run */
  RESULT_COMPUTED,
  RESULT_STATUSES
};

enum result_golden {
  GOLDEN_NONE,   /* it computes; whether it is right is unknown */
  GOLDEN_VALUES, /* recorded numbers */
  GOLDEN_ARGMAX, /* recorded classes */
  GOLDEN_KINDS
};

enum result_same { SAME_UNKNOWN, SAME_YES, SAME_NO, SAME_COUNT };

struct result_text {
  uint64_t at, n;
};

struct result_array {
  uint32_t type; /* enum ftype */
  uint32_t ndim;
  uint64_t size[FT_DIMS], numel;
  uint64_t data_at; /* offset of ft_itemsize(type) * numel bytes, row-major; 0: did not fit the region */
};

struct result_figures {
  uint64_t nonfinite;    /* NaN and Inf */
  double min, max, mean; /* over finite values; 0 when there are none */
};

/* What a step made, where request.trace asks for it. */
struct result_step {
  struct result_text op, place;
  struct result_array array; /* without data */
  struct result_figures figures;
};

/* For whoever wants to run the same test again: only where request.record asks for it. */
struct result_input {
  struct result_text name;
  uint32_t generated; /* or the array's numbers count */
  uint32_t generator; /* enum generator_kind */
  uint64_t seed;
  struct result_array array;
};
struct result_symbol {
  struct result_text name;
  uint64_t value;
};

struct result_output {
  struct result_text name;
  struct result_array array;
  struct result_figures figures;
  uint32_t golden; /* enum result_golden */
  uint32_t agrees; /* with the golden, within its tolerance */
  uint32_t same_shape;
  uint32_t varies;  /* some input reaches it */
  uint64_t outside; /* the rest: struct comparison */
  double rtol, atol, max_abs, max_rel, worst_got, worst_want;
  uint64_t worst, rows, rows_agree;
};

struct result_test {
  uint32_t status; /* enum result_status */
  uint32_t first_output, num_outputs;
  uint32_t first_input, num_inputs, first_symbol, num_symbols, first_step, num_steps;
  uint32_t generated;  /* inputs are generated, not given by the user or the architecture file */
  uint64_t cost;       /* operations, as estimated before running */
  uint64_t peak_bytes; /* memory of the pass */
  struct result_text nonfinite_place; /* first statement whose value was not finite; n 0: none */
};

struct result {
  uint8_t magic[8];
  uint32_t complete; /* written last: all tests were dealt with */
  uint32_t num_tests, num_outputs, num_inputs, num_symbols, num_steps;
  uint32_t same_arch, same_weights; /* enum result_same: as the goldens' */
  uint32_t digested;                /* the next two are known */
  uint8_t arch_sha256[32], weights_sha256[32];
  struct result_text recorded_by; /* the tool that the goldens name; n 0: there were none */
  struct result_text core;        /* the BLAS kernel's name, for the report's timing */
  struct result_test tests[RESULT_TESTS];
  struct result_output outputs[RESULT_OUTPUTS];
  struct result_input inputs[RESULT_INPUTS];
  struct result_symbol symbols[RESULT_SYMBOLS];
  struct result_step steps[RESULT_STEPS];
};

/* ---- writing ---- */
struct result_writer {
  uint8_t *base;
  size_t cap, used;
};
/* The region must hold sizeof(struct result) at least; false otherwise. */
NODISCARD bool result_begin(struct result_writer *w, void *region, size_t size);
static inline struct result *result_of(const struct result_writer *w) {
  return (struct result *)(void *)w->base;
}
/* Next row; NULL when the table is full. */
struct result_test *result_add_test(struct result_writer *w);
struct result_output *result_add_output(struct result_writer *w, struct result_test *t);
struct result_input *result_add_input(struct result_writer *w, struct result_test *t);
struct result_symbol *result_add_symbol(struct result_writer *w, struct result_test *t);
struct result_step *result_add_step(struct result_writer *w, struct result_test *t);
/* Room for bytes behind the tables, aligned to 8; n 0 when they don't fit. */
struct result_text result_room(struct result_writer *w, uint64_t bytes);
void result_shape(struct result_array *out, const struct ftensor *t);
/* Copies bytes behind the tables, aligned to 8; {0, 0} when they don't fit. */
struct result_text result_put(struct result_writer *w, struct span bytes);

/* ---- reading ---- */
/* NULL, with *why set to a literal, unless everything in it can be trusted to stay inside the region. */
const struct result *result_open(const void *region, size_t size, const char **why);
static inline struct span result_span(const struct result *r, struct result_text t) {
  return span_of((const uint8_t *)r + t.at, (size_t)t.n);
}
/* The numbers; empty when they were not kept. */
struct span result_data(const struct result *r, const struct result_array *a);

#endif
