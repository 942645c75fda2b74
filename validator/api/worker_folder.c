#include "api/worker_folder.h"

#include "api/send.h"

struct folder_stage {
  const struct folder_job *job;
  struct slice_names names;
};

static struct span name_of(const void *ctx, uint32_t number) {
  const struct folder_stage *s = ctx;
  uint32_t files = s->job->num_files;
  if (number == 0 || number > files + s->names.list.n) return SPAN("");
  return number <= files ? s->job->files[number - 1].name : s->names.list.p[number - 1 - files];
}

bool folder_stage_prepare(void *ctx) {
  struct folder_job *job = ctx;
  return !job->slice.options || scan_prepare(&job->slice);
}

bool folder_stage_run(void *ctx, struct wire_out *out) {
  struct folder_job *job = ctx;
  struct folder_stage stage = {.job = job};
  const struct limits *max = &job->options->limits;
  struct arena arena;
  struct observations obs;
  struct plan_writer w;
  struct dcp dcp;
  arena_init(&arena, (size_t)job->arena_bytes);
  observations_init(&obs, &arena, (uint32_t)max->report_findings);
  struct folder f = {.files = job->files,
                     .num_files = job->num_files,
                     .max = max,
                     .arena = &arena,
                     .obs = &obs,
                     .hash_seed = {job->hash_seed[0], job->hash_seed[1]}};
  bool distributed = dcp_open(&dcp, &f);
  if (distributed) slices_scan(job, &dcp, &stage.names);
  gaps_scan(job, &dcp, &stage.names);
  json_budget((size_t)max->json_bytes * 8);
  plan_begin(&w, job->plan, job->plan_bytes);
  bool whole = folder_read(&f, distributed ? &dcp : NULL, &w);
  folder_code(&f);
  plan_end(&w, whole && !obs.lost);
  const struct judged judged = {
      .obs = &obs, .report_bytes = max->report_bytes, .member_name = name_of, .ctx = &stage};
  bool sent = send_findings(&judged, out);
  folder_close(&f);
  return sent;
}
