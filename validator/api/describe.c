/* `describe` in the broker: starts its worker and keeps its rows. */
#include "api/job.h"

enum { ROWS_BYTES = 4 << 20 };

bool describe_wanted(const struct job *job) {
  bool part = job->outer && job->outer->folder.n;
  return job->run->options->verb == VERB_DESCRIBE && !part && job->have_plan && job->plan.header->complete &&
         job->verdict != VERDICT_UNSAFE;
}

void describe_start(struct job *job) {
  const struct run_options *o = job->run->options;
  bool run_config = job->run->config.fd >= 0;
  const struct text_file named = {job->run->config.path, job->run->config.bytes};
  job->describe = (struct describe_job){.options = o,
                                        .plan = &job->plan,
                                        .families = job->run->families,
                                        .config = run_config ? named : job->beside,
                                        .arena_bytes = o->limits.arena_max};
  job->limits = job_limits(job, job->describe.arena_bytes + o->limits.json_bytes * 8);
  job->limits.report_bytes = ROWS_BYTES;
  job_launch(job, JOB_DESCRIBE, &(struct worker_task){.run = describe_stage_run, .ctx = &job->describe});
}

static void take_row(struct job *job, struct span text) {
  struct described row;
  struct described *slot =
      describe_row(&row, text) ? vec_push(&job->arena, &job->described, UINT32_MAX) : NULL;
  if (slot)
    *slot = row;
  else
    job_observe(job, &(struct observation){.kind = OBS_WORKER_PROTOCOL, .subject = SPAN("module")});
}

void describe_take(struct job *job, enum text_key key, struct span text) {
  struct draft *draft = &job->draft;
  if (key == TEXT_MODULE) take_row(job, text);
  if (key == TEXT_DRAFT_TYPE) draft->model_type = text;
  if (key == TEXT_DRAFT_CLASS) draft->architecture = text;
  struct span *slot = key == TEXT_DRAFT_FIELD ? vec_push(&job->arena, &draft->fields, UINT16_MAX) : NULL;
  if (slot) *slot = text;
}
