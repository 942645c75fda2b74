/* The reference forward pass: does the model compute, and is it what was recorded? Runs every test of the
 * architecture file, or one with the user's files, and writes figures and outputs into a result region
 * (result.h). What it finds are observations; nothing it does can make a verdict better. Runs in a sealed
 * worker: no files, no threads. */
#ifndef CKPTLINT_FORWARD_FORWARD_H
#define CKPTLINT_FORWARD_FORWARD_H

#include "arch/match.h"
#include "forward/gemm.h"
#include "forward/result.h"

/* A file that the broker opened and mapped, under the name that the architecture file or an option uses. */
struct forward_file {
  struct span name, bytes;
};

/* --input x=X.npy, --expect y=Y.npy; an empty name stands for the only input or output. */
struct forward_choice {
  struct span name, file;
};

struct forward_request {
  const struct model *model;
  const struct match *match;
  const struct plan *plan;
  struct span file;        /* the checkpoint's bytes */
  const struct gemm *gemm; /* as gemm_load left it, failed or not */
  const struct forward_file *files;
  size_t num_files;
  const struct arch_test *tests; /* the architecture file's, or a goldens file's */
  uint32_t num_tests;
  const struct forward_choice *inputs, *expects;
  size_t num_inputs, num_expects;
  double rtol, atol; /* the user's; negative: the test's, or the defaults */
  bool record;       /* what the inputs were goes into the result too */
  bool trace;        /* every step's figures too */
  bool asked;        /* false: more than limits.forward_free operations are not run but offered */
  const struct limits *max;
};

/* The files that the tests of an architecture file name, each once: the broker opens them before the worker
 * starts. False: out of memory. */
NODISCARD bool forward_needs(const struct arch *arch, struct arena *a, struct names *out);

/* False when the stage did not come to its end (memory, steps); the rest is observed. */
NODISCARD bool forward_run(const struct forward_request *r, struct arena *a, struct observations *o,
                           struct result_writer *out);

#endif
