/* The lock stages: one worker digests the tensors and parses nothing; another parses the lock file and
 * compares. */
#ifndef CKPTLINT_API_WORKER_LOCK_H
#define CKPTLINT_API_WORKER_LOCK_H

#include "api/pipeline.h"
#include "model/lock.h"

struct digest_job {
  const struct run_options *options;
  const struct plan *plan; /* opened by the broker, in a frozen region */
  struct span file;
  void *region; /* for the struct digests */
  size_t region_bytes;
  uint64_t arena_bytes;
};
/* For struct worker_task: ctx is a struct digest_job. */
bool digest_prepare(void *ctx);
bool digest_stage_run(void *ctx, struct wire_out *out);

struct lock_job {
  const struct run_options *options;
  struct lock_request request;
  uint64_t arena_bytes;
};
/* For struct worker_task: ctx is a struct lock_job. */
bool lock_stage_run(void *ctx, struct wire_out *out);

#endif
