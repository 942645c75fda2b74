#include "api/worker_diff.h"

#include "api/send.h"

bool diff_stage_run(void *ctx, struct wire_out *out) {
  const struct diff_job *job = ctx;
  const struct limits *max = &job->options->limits;
  struct arena arena;
  struct observations obs;
  arena_init(&arena, (size_t)job->arena_bytes);
  observations_init(&obs, &arena, (uint32_t)max->report_findings);
  bool whole = diff_run(&job->request, job->region, job->region_bytes, &arena, &obs);
  if (arena.exhausted) worker_out_of_memory();
  const struct judged judged = {.obs = &obs, .report_bytes = max->report_bytes};
  return send_findings(&judged, out) && (whole || obs.n > 0);
}
