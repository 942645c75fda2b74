#include "api/worker_unpack.h"

#include "api/send.h"
#include "base/json.h"

bool unpack_stage_prepare(void *ctx) {
  const struct unpack_job *job = ctx;
  unpack_prepare(job->kind);
  return true;
}

/* Of a file of torch's, what no loader of it reads may be anything. */
static void leave_what_was_read(struct unpack *u, const struct plan *p) {
  uint8_t *read = arena_array(u->arena, p->num_members, uint8_t);
  for (uint32_t i = 0; read && i < p->num_members; i++) read[i] = p->members[i].used;
  u->read = read;
  u->num_read = read ? p->num_members : 0;
}

bool unpack_stage_run(void *ctx, struct wire_out *out) {
  const struct unpack_job *job = ctx;
  struct arena arena;
  struct observations obs;
  arena_init(&arena, (size_t)job->max->arena_base);
  observations_init(&obs, &arena, (uint32_t)job->max->report_findings);
  json_budget((size_t)job->max->json_bytes * 8);
  struct unpack u = {.file = job->file,
                     .kind = job->kind,
                     .asked = job->asked,
                     .max = job->max,
                     .arena = &arena,
                     .obs = &obs};
  leave_what_was_read(&u, job->plan);
  inner_begin(&u.out, job->region, job->region_bytes, job->bytes, job->files);
  bool whole = unpack(&u);
  inner_end(&u.out, whole && !obs.lost);
  const struct judged judged = {.obs = &obs, .report_bytes = job->max->report_bytes};
  return send_findings(&judged, out);
}
