/* The unpack stage: what is inside an archive, handed out for pipelines of its own. A third kind of worker,
 * sealed as the others. */
#ifndef CKPTLINT_API_WORKER_UNPACK_H
#define CKPTLINT_API_WORKER_UNPACK_H

#include "api/pipeline.h"
#include "container/unpack.h"
#include "model/plan.h"

struct unpack_job {
  const struct limits *max;
  struct span file;
  enum container_kind kind;
  const struct plan *plan; /* of the outer file */
  bool asked;              /* --nested */
  void *region;            /* for inner.h */
  size_t region_bytes;
  uint64_t bytes, files; /* what the input's budgets leave */
};
/* For struct worker_task: ctx is a struct unpack_job. */
bool unpack_stage_prepare(void *ctx);
bool unpack_stage_run(void *ctx, struct wire_out *out);

#endif
