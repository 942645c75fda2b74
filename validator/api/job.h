/* One input on its way: scan worker, plan, model worker, verdict. A job is advanced whenever its worker is
 * dead; the pool decides which jobs run at a time. */
#ifndef CKPTLINT_API_JOB_H
#define CKPTLINT_API_JOB_H

#include "api/input.h"
#include "api/worker_model.h"
#include "api/worker_scan.h"
#include "rules/globals.h"

/* What all jobs of a run share. */
struct run {
  const struct run_options *options;
  const struct sandbox *sandbox;
  struct globals globals;    /* with --allow */
  struct arena arena;        /* options' files, paths */
  struct input arch, config; /* --arch, --config; fd -1 if there is none */
  uint64_t hash_seed[2];
};

/* An input as the run lists it. */
struct listed {
  struct span path;
  bool found; /* below a directory */
  int fd;     /* the input itself, or -1 */
};

enum job_state { JOB_NEW, JOB_SCANNING, JOB_NEEDS, JOB_MODEL, JOB_DONE };
enum { SIDE_FILES = 32 };

struct job {
  const struct run *run;
  enum job_state state;
  struct input in;
  bool opened;
  struct arena arena; /* what came by frames */
  struct worker worker;
  struct worker_limits limits; /* of the worker that runs */
  struct scan_job scan;
  struct model_job model;
  void *plan_region, *model_region;
  size_t plan_bytes, model_bytes;
  struct plan plan;
  bool have_plan;
  VEC(struct finding) findings;
  VEC(struct span) needs; /* file names of the architecture file */
  struct input side[SIDE_FILES];
  struct forward_file files[SIDE_FILES];
  size_t num_files;
  const struct result *result; /* of the forward, checked; NULL if there is none */
  enum verdict verdict;
  bool complete, skipped; /* skipped: found below a directory, and no checkpoint */
  uint64_t started_ms, took_ms;
};

/* Opens the input and starts its first worker, or ends it at once: then job->state is JOB_DONE. */
void job_start(struct job *job, const struct run *run, const struct listed *input);
/* To be called when job->worker is dead: takes its report and starts the next worker, or ends the job. */
void job_advance(struct job *job);
void job_free(struct job *job);

/* Emits the file's events (emit.c). */
void job_emit(const struct job *job, struct report *report);
/* The model stage's summary; NULL when there is none to be believed. */
const struct model_summary *job_summary(const struct job *job);

#endif
