/* The diff stage: two checkpoints, each scanned on its own, side by side. Sealed as the other workers: it
 * reads numbers that strangers wrote. */
#ifndef CKPTLINT_API_WORKER_DIFF_H
#define CKPTLINT_API_WORKER_DIFF_H

#include "api/pipeline.h"
#include "model/diff.h"

struct diff_job {
  const struct run_options *options;
  struct diff_request request;
  void *region; /* for the struct diff_report */
  size_t region_bytes;
  uint64_t arena_bytes;
};
/* For struct worker_task: ctx is a struct diff_job. */
bool diff_stage_run(void *ctx, struct wire_out *out);

#endif
