/* The folder stage: the files of a folder of weights, each scanned on its own, as one model. A fourth kind of
 * worker, sealed as the others; the indexes' JSON is parsed here alone. */
#ifndef CKPTLINT_API_WORKER_FOLDER_H
#define CKPTLINT_API_WORKER_FOLDER_H

#include "api/pipeline.h"
#include "model/folder.h"

struct folder_job {
  const struct run_options *options;
  const struct folder_file *files; /* in the order of their names */
  uint32_t num_files;
  void *plan; /* the region for the plan over all shards */
  size_t plan_bytes;
  uint64_t arena_bytes, hash_seed[2];
};
/* For struct worker_task: ctx is a struct folder_job. */
bool folder_stage_run(void *ctx, struct wire_out *out);

#endif
