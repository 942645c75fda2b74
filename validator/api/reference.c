#include "api/reference.h"

#include <stdlib.h>

#include "base/memory.h"
#include "rules/check_reference.h"

static void scan(struct job *job, const struct run *run) {
  const struct listed input = {.path = span_str(run->options->reference), .fd = -1};
  job_start(job, run, &input);
  while (job->state != JOB_DONE) {
    struct worker *worker = job_worker(job);
    (void)workers_wait(&worker, 1);
    job_advance(job);
  }
}

/* The one finding of a job without a file says why. */
static const char *unopened(struct run *run, const struct job *job) {
  struct span why = job->findings.n ? job->findings.p[0].detail : SPAN("can't be opened");
  struct span text = arena_printf(&run->arena, "--reference %.256s: %.*s", run->options->reference,
                                  (int)min_size(why.n, 128), (const char *)why.p);
  return text.n ? (const char *)text.p : "out of memory";
}

const char *reference_open(struct run *run) {
  if (!run->options->reference) return NULL;
  struct job *job = memory_calloc(1, sizeof *job);
  if (!job) return "out of memory";
  scan(job, run); /* run->reference is not set yet: it is held beside nothing itself */
  run->reference = job;
  if (!job->opened) return unopened(run, job);
  bool good = job->complete && (job->verdict == VERDICT_CLEAN || job->verdict == VERDICT_FINDINGS);
  return good && job->have_plan && job->plan.num_stats ? NULL
                                                       : "--reference: only a checkpoint that is safe and "
                                                         "was read whole can be one: scan it on its own";
}

void reference_close(struct run *run) {
  if (!run->reference) return;
  job_free(run->reference);
  free(run->reference);
  run->reference = NULL;
}

void reference_compare(struct job *job) {
  const struct run *run = job->run;
  struct observations o;
  if (!run->reference || job->outer || !job->have_plan || job->skipped) return;
  observations_init(&o, &job->arena, (uint32_t)run->options->limits.report_findings);
  if (!check_reference(&job->plan, &run->reference->plan, run->hash_seed, &job->arena, &o) || o.lost)
    job_observe(job, &(struct observation){.kind = OBS_LIMIT_MEMORY, .got = job->arena.used});
  uint64_t more = o.seen[OBS_REFERENCE_OUTLIER];
  for (uint32_t i = 0; i < o.n; i++) more -= o.list[i].kind == OBS_REFERENCE_OUTLIER;
  for (uint32_t i = 0; i < o.n; i++) {
    struct observation seen = o.list[i];
    if (seen.kind == OBS_REFERENCE_UNLIKE) seen.subject = run->reference->in.path;
    job_observe(job, &seen);
  }
  if (more) job_observe(job, &(struct observation){.kind = OBS_REFERENCE_MORE, .got = more});
}
