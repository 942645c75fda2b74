/* The describe stage: what a checkpoint tells of its architecture. Sealed as the model stage, whose parser of
 * architecture files it uses to find a family. */
#ifndef CKPTLINT_API_WORKER_DESCRIBE_H
#define CKPTLINT_API_WORKER_DESCRIBE_H

#include "api/pipeline.h"
#include "arch/draft.h"

struct describe_job {
  const struct run_options *options;
  const struct plan *plan; /* opened by the broker, in a frozen region */
  struct families families;
  struct text_file config; /* a config.json; empty: none */
  uint64_t arena_bytes;
};
/* For struct worker_task: ctx is a struct describe_job. Rows, likeness and what a draft is of go as texts. */
bool describe_stage_run(void *ctx, struct wire_out *out);

/* A row as TEXT_MODULE carries it: this head, then name, line and open. */
struct module_head {
  uint64_t params;
  uint32_t depth, name_n, line_n;
  uint8_t leaf, mode, repeated, unused;
};
/* False: a row that no worker of ours sends. Spans point into the text. */
NODISCARD bool describe_row(struct described *out, struct span text);

#endif
