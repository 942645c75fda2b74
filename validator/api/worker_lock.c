#include "api/worker_lock.h"

#include "api/send.h"
#include "base/json.h"
#include "tensor/sha256.h"

static bool send(const struct run_options *options, const struct observations *obs, struct wire_out *out) {
  const struct judged judged = {.obs = obs, .report_bytes = options->limits.report_bytes};
  return send_findings(&judged, out);
}

bool digest_prepare(void *ctx) {
  (void)ctx;
  return sha256_load();
}

bool digest_stage_run(void *ctx, struct wire_out *out) {
  const struct digest_job *job = ctx;
  struct arena arena;
  struct observations obs;
  arena_init(&arena, (size_t)job->arena_bytes);
  observations_init(&obs, &arena, (uint32_t)job->options->limits.report_findings);
  bool whole =
      digest_run(job->plan, job->file, &job->options->limits, job->region, job->region_bytes, &arena, &obs);
  return send(job->options, &obs, out) && whole;
}

bool lock_stage_run(void *ctx, struct wire_out *out) {
  const struct lock_job *job = ctx;
  struct arena arena;
  struct observations obs;
  arena_init(&arena, (size_t)job->arena_bytes);
  observations_init(&obs, &arena, (uint32_t)job->options->limits.report_findings);
  json_budget((size_t)job->options->limits.json_bytes * 8);
  bool whole = lock_compare(&job->request, &arena, &obs);
  return send(job->options, &obs, out) && whole;
}
