/* What a job found, and the verdict that follows: rows as the rules judge them, adjusted to what the user
 * asked for. */
#include "api/job.h"
#include "rules/judge.h"

static struct finding adjusted(const struct job *job, const struct finding *raw) {
  const struct run_options *o = job->run->options;
  const struct adjusting how = {.weights_profile = o->profile == PROFILE_WEIGHTS,
                                .strict_keys = o->strict_keys,
                                .forward_asked = asks_forward(o)};
  struct finding f = *raw;
  adjust(&f, &how);
  return f;
}

static void weigh(struct job *job, const struct finding *f) {
  enum verdict v = effect_verdict(f->effect);
  if (v > job->verdict) job->verdict = v;
  if (f->effect == EFFECT_UNCHECKED) job->complete = false;
}

void job_add_finding(struct job *job, const struct finding *raw) {
  struct finding f = adjusted(job, raw);
  struct finding *slot = vec_push(&job->arena, &job->findings, UINT32_MAX);
  if (slot) *slot = f;
  weigh(job, &f);
}

void job_replace(struct job *job, uint32_t finding, const struct observation *o) {
  struct finding f = judge(o, SPAN(""));
  job->findings.p[finding] = adjusted(job, &f);
  job->verdict = VERDICT_CLEAN;
  job->complete = true;
  for (uint32_t i = 0; i < job->findings.n; i++) weigh(job, &job->findings.p[i]);
}

void job_observe(struct job *job, const struct observation *o) {
  struct finding f = judge(o, SPAN(""));
  job_add_finding(job, &f);
}

void job_failed(struct job *job, const char *what) {
  job_observe(job, &(struct observation){.kind = OBS_BROKER_FAILED, .detail = span_str(what)});
}
