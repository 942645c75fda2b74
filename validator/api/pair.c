/* `diff A B`: a third job, which starts when both checkpoints are judged. */
#include "api/job.h"
#include "rules/judge.h"

enum { PATH_BYTES = 4096 };

static void no_plan(struct job *job, const struct job *side) {
  job_observe(job, &(struct observation){.kind = OBS_DIFF_NO_PLAN,
                                         .subject = side->in.path,
                                         .detail = span_str(verdict_name(side->verdict))});
}

/* A plan of a scan that was refused, or did not come to its end, proves nothing. */
static bool can_be_compared(struct job *job) {
  bool fine = true;
  for (int k = 0; k < 2; k++) {
    const struct job *side = job->pair.side[k];
    if (side->have_plan && side->plan.header->complete && side->verdict != VERDICT_UNSAFE &&
        side->verdict != VERDICT_ERROR)
      continue;
    no_plan(job, side);
    fine = false;
  }
  return fine;
}

void pair_start(struct job *job, const struct run *run, const struct job *a, const struct job *b) {
  const struct run_options *o = run->options;
  struct pair_run *pair = &job->pair;
  job_init(job, run);
  job->in = (struct input){
      .path = arena_printf(&job->arena, "%.*s -> %.*s", (int)min_size(a->in.path.n, PATH_BYTES),
                           (const char *)a->in.path.p, (int)min_size(b->in.path.n, PATH_BYTES),
                           (const char *)b->in.path.p),
      .fd = -1,
      .slice = true};
  pair->side[0] = a;
  pair->side[1] = b;
  if (!can_be_compared(job)) {
    job_end(job);
    return;
  }
  pair->bytes = (size_t)max_u64(o->limits.plan_bytes, PLAN_MIN_BYTES);
  pair->region = region_map(pair->bytes);
  if (!pair->region) {
    job_observe(job, &(struct observation){.kind = OBS_LIMIT_MEMORY, .got = pair->bytes});
    job_end(job);
    return;
  }
  pair->job = (struct diff_job){
      .options = o,
      .request = {.side = {{&a->plan, a->in.bytes, o->keys[0]}, {&b->plan, b->in.bytes, o->keys[1]}},
                  .rtol = o->rtol < 0 ? 0 : o->rtol,
                  .atol = o->atol < 0 ? 0 : o->atol,
                  .max = &o->limits,
                  .hash_seed = {run->hash_seed[0], run->hash_seed[1]}},
      .region = pair->region,
      .region_bytes = pair->bytes,
      .arena_bytes = o->limits.arena_base + o->limits.inflate_bytes};
  job->limits = job_limits(job, pair->job.arena_bytes);
  uint64_t both = a->in.bytes.n + b->in.bytes.n;
  job->limits.cpu_seconds += both / 20000000; /* numbers that differ are compared one by one */
  job->limits.wall_ms += both / 20000;
  job_launch(job, JOB_DIFF,
             &(struct worker_task){
                 .run = diff_stage_run, .ctx = &pair->job, .writes = {{pair->region, pair->bytes}}});
}

void pair_take(struct job *job) {
  struct pair_run *pair = &job->pair;
  const char *why;
  if (job_take_report(job) && job->verdict != VERDICT_NOT_CHECKED) {
    pair->report = diff_open(pair->region, pair->bytes, &pair->side[0]->plan, &pair->side[1]->plan, &why);
    if (!pair->report)
      job_observe(job, &(struct observation){
                           .kind = OBS_WORKER_PROTOCOL, .subject = SPAN("diff"), .detail = span_str(why)});
  }
  job_end(job);
}
