/* One test of a forward pass on its way. Private to forward.c, expect.c, judge.c, again.c and keep.c. */
#ifndef CKPTLINT_FORWARD_TESTING_H
#define CKPTLINT_FORWARD_TESTING_H

#include "forward/inputs.h"
#include "forward/run.h"

/* What somebody recorded of an output. */
struct golden {
  enum result_golden kind;
  struct farray array;
  double rtol, atol;
};

struct testing {
  const struct forward_request *r;
  const struct arch_test *test; /* NULL: the user's files, or made-up inputs */
  struct arena *arena;
  struct observations *obs;
  struct result_writer *out;
  struct result_test *row;
  struct finputs inputs;
  struct graph graph;
  struct fpool pool;
  struct weights weights;
  const struct golden *golden; /* one for each result */
  struct span *name;           /* likewise */
};

static inline bool testing_out_of_memory(struct testing *t) {
  return refuse(t->obs, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = t->arena->used});
}

/* expect.c: the outputs' names and goldens. False: observed. */
NODISCARD bool name_outputs(struct testing *t);
NODISCARD bool open_goldens(struct testing *t);

/* judge.c: a row and the findings of each output. `place`: what made the first value that is not finite, or
 * empty. */
NODISCARD bool judge_outputs(struct testing *t, struct span place);

/* keep.c: what the test was, into the result. False: it has no room for it (observed). */
NODISCARD bool keep_test(struct testing *t);
struct result_figures figures_of(const struct ftensor *y);
/* One step's figures, for request.trace; nothing when the table is full. */
void keep_step(struct testing *t, const struct fstep *step);

/* forward.c: the pass, with inputs of their own numbers; afterwards the results have theirs. Any number of
 * times. */
NODISCARD bool run_pass(struct testing *t, step_seen *seen, void *ctx);

/* again.c: passes that explain an answer that is doubtful: with another input, with the batch's statistics.
 * Results have no numbers afterwards. False: observed. */
NODISCARD bool look_again(struct testing *t);

#endif
