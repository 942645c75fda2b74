#include "api/worker_folder.h"

#include "api/send.h"

static struct span name_of(const void *ctx, uint32_t number) {
  const struct folder_job *job = ctx;
  return number && number <= job->num_files ? job->files[number - 1].name : SPAN("");
}

bool folder_stage_run(void *ctx, struct wire_out *out) {
  const struct folder_job *job = ctx;
  const struct limits *max = &job->options->limits;
  struct arena arena;
  struct observations obs;
  struct plan_writer w;
  arena_init(&arena, (size_t)job->arena_bytes);
  observations_init(&obs, &arena, (uint32_t)max->report_findings);
  json_budget((size_t)max->json_bytes * 8);
  plan_begin(&w, job->plan, job->plan_bytes);
  struct folder f = {.files = job->files,
                     .num_files = job->num_files,
                     .max = max,
                     .arena = &arena,
                     .obs = &obs,
                     .hash_seed = {job->hash_seed[0], job->hash_seed[1]}};
  bool whole = folder_read(&f, &w);
  plan_end(&w, whole && !obs.lost);
  const struct judged judged = {
      .obs = &obs, .report_bytes = max->report_bytes, .member_name = name_of, .ctx = job};
  bool sent = send_findings(&judged, out);
  folder_close(&f);
  return sent;
}
