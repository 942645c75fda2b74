/* The scan stage: what runs in a sealed worker on an untrusted file, in order. The one place that sees every
 * layer of a scan. A job is the broker's memory, inherited by fork: workers only read it. */
#ifndef CKPTLINT_API_WORKER_SCAN_H
#define CKPTLINT_API_WORKER_SCAN_H

#include "api/pipeline.h"
#include "model/policy.h"

struct scan_job {
  const struct run_options *options;
  struct span file; /* the mapping */
  bool beginning;   /* of a file whose rest is not there */
  void *plan;       /* shared region that the plan is written to */
  size_t plan_bytes;
  struct global_policy policy;
  uint64_t arena_bytes;
  struct slices slices;  /* mapped by scan_prepare where the file is large enough to want them */
  uint64_t hash_seed[2]; /* from the kernel, drawn by the broker: a sealed worker can't ask */
};
/* For struct worker_task: ctx is a struct scan_job. */
bool scan_prepare(void *ctx);
bool scan_run(void *ctx, struct wire_out *out);

#endif
