/* One input on its way: scan worker, plan, model worker, verdict. A job is advanced whenever its worker is
 * dead; the pool decides which jobs run at a time. */
#ifndef CKPTLINT_API_JOB_H
#define CKPTLINT_API_JOB_H

#include "api/input.h"
#include "api/list.h"
#include "api/lock.h"
#include "api/policy.h"
#include "api/worker_describe.h"
#include "api/worker_diff.h"
#include "api/worker_folder.h"
#include "api/worker_model.h"
#include "api/worker_scan.h"
#include "api/worker_unpack.h"

/* What all jobs of a run share. */
struct run {
  const struct run_options *options;
  const struct sandbox *sandbox;
  struct policy policy;
  struct arena arena;              /* options' files, paths */
  struct input arch, config, lock; /* --arch, --config, --lock; fd -1 if there is none */
  struct span arch_name;           /* --arch that is no file; empty: none */
  struct families families;        /* of --families, then the built-in ones */
  struct input *family_files;      /* of --families: the first rows of `families` */
  uint32_t num_family_files;
  struct job *reference; /* --reference: scanned; NULL: none */
  uint64_t hash_seed[2];
};

enum job_state {
  JOB_NEW,
  JOB_SCANNING,
  JOB_FILES,  /* of a folder: its files are on their way */
  JOB_FOLDER, /* all of them are done, and seen together */
  JOB_NEEDS,
  JOB_MODEL,
  JOB_DIFF,
  JOB_DESCRIBE,
  JOB_DIGEST, /* the tensors, for a lock */
  JOB_LOCK,
  JOB_UNPACKING,
  JOB_INSIDE,
  JOB_DONE
};
enum { SIDE_FILES = 32 };

/* What the files inside one input may take together. */
struct nested_budget {
  uint64_t bytes, files; /* what is left */
  uint64_t cpu_ms;       /* processor time of their workers, so far */
  uint64_t end_ms;       /* CLOCK_MONOTONIC; 0: not begun */
};

/* The files inside an archive, each of them a job of its own, one after the other. */
struct nested {
  struct unpack_job unpack;
  struct inner table;
  void *region;
  struct job **jobs;
  uint32_t n, judged;         /* jobs there are, jobs that are done */
  uint64_t next, passed_over; /* row of the table; files that are no checkpoints */
  bool whole;                 /* nothing that is inside was left out */
};

/* A folder of weights; the jobs of its files are nested.jobs. */
struct folder_run {
  const struct span *paths;
  size_t root_n;             /* of each path, as struct listed has it */
  uint32_t n, done;          /* files, files that are judged; n 0: this job is a file */
  bool distributed;          /* its .distcp files are held: the folder's worker scans their slices */
  void *scratch;             /* the region for the plan of one slice */
  uint32_t first;            /* the files before it are done */
  struct folder_file *files; /* what its worker sees */
  uint64_t bytes;            /* of all files */
  struct folder_job job;
};

/* Of the job of `diff` that compares two others, which outlive it. */
struct pair_run {
  const struct job *side[2];
  void *region;
  size_t bytes;
  struct diff_job job;
  const struct diff_report *report; /* checked; NULL: nothing was compared */
};

struct job {
  const struct run *run;
  enum job_state state;
  struct job *outer;     /* whose bytes hold it, or the folder where it stands; NULL: an input of the run */
  struct job *running;   /* of an input: the job, this or one inside, whose worker runs */
  uint32_t depth, place; /* outers around it; among its outer's jobs */
  struct nested nested;
  struct folder_run folder;
  struct pair_run pair;
  struct lock_run lock;
  struct describe_job describe;
  VEC(struct described) described;
  struct draft draft;          /* describe --family */
  struct nested_budget budget; /* of an input */
  struct input in;
  bool opened;
  const struct globals *names; /* that the policy allows for it */
  char sha256[SHA256_HEX + 1]; /* of its bytes; policy init only */
  struct arena arena;          /* what came by frames */
  struct worker worker;
  struct worker_limits limits; /* of the worker that runs */
  struct scan_job scan;
  struct model_job model;
  void *plan_region, *model_region;
  size_t plan_bytes, model_bytes;
  struct plan plan;
  bool have_plan;
  struct text_file beside;            /* config.json in the folder of the weights; text empty: none */
  struct text_file adapter;           /* adapter_config.json, likewise */
  bool no_model;                      /* it names no family here, and nobody asked */
  struct input beside_in, adapter_in; /* where they are no files of the folder's */
  VEC(struct finding) findings;
  VEC(struct span) needs;       /* file names of the architecture file */
  VEC(struct span) torch_lines; /* --torch-messages: untrusted, as all texts of a worker */
  struct input side[SIDE_FILES];
  struct forward_file files[SIDE_FILES];
  size_t num_files;
  const struct result *result; /* of the forward, checked; NULL if there is none */
  const char **unsaved; /* for each --save-output why there is no file, NULL: there is; NULL: none tried */
  enum verdict verdict;
  bool complete, skipped; /* skipped: found below a directory, and no checkpoint */
  bool beginning;         /* the rest of it is not there: what its bytes call is named, no more */
  bool held;              /* no file of its own: judged with its folder */
  bool merged;            /* its tensors are listed with those of its folder */
  uint64_t started_ms, took_ms;
};

/* Opens the input and starts its first worker, or ends it at once: then job->state is JOB_DONE. */
void job_start(struct job *job, const struct run *run, const struct listed *input);
/* The worker that the input waits for. */
static inline struct worker *job_worker(struct job *job) { return &job->running->worker; }
/* What the policy says of a name in this file; NULL: it is on no list. */
const struct global_row *job_global(const struct job *job, struct span module, struct span name);
/* Ends a job whose worker was killed because the run is to stop: what it has so far is kept, and it is not
 * checked. */
void job_interrupt(struct job *job);
/* To be called when its worker (job_worker) is dead: takes its report and starts the next worker, or ends the
 * job. */
void job_advance(struct job *input);
/* The input and then the files inside it, each before those inside it: for (j = job; j; j = job_following(j))
 */
const struct job *job_following(const struct job *job);
void job_free(struct job *input);

/* ---- job.c for the stages ---- */

/* A job that is not started. */
void job_init(struct job *job, const struct run *run);
/* Opens an input, or ends the job. */
NODISCARD bool job_open(struct job *job, const struct run *run, const struct listed *input);
void job_launch(struct job *job, enum job_state state, const struct worker_task *task);
/* The input that a file inside an archive came with; the job itself when it is none. */
struct job *job_input(struct job *job);
/* Takes a dead worker's report; false: it did not end well, which is a finding now. */
NODISCARD bool job_take_report(struct job *job);
void job_end(struct job *job);
struct worker_limits job_limits(const struct job *job, uint64_t memory);
/* Of the file, as digest_bytes; "" and false where there is none. */
NODISCARD bool job_digest(const struct job *job, char hex[SHA256_HEX + 1]);
uint64_t job_now_ms(void);
/* How a worker scans its bytes. */
struct scan_job job_scan_task(const struct job *job);
void job_scan(struct job *job);

/* ---- job_findings.c ---- */

/* What a worker reported. */
void job_add_finding(struct job *job, const struct finding *raw);
/* What the broker itself saw. */
void job_observe(struct job *job, const struct observation *o);
/* The broker could not do its own part. */
void job_failed(struct job *job, const char *what);
/* Puts another finding in the place of one, and weighs them all again. */
void job_replace(struct job *job, uint32_t finding, const struct observation *o);

/* ---- model.c ---- */

/* A config.json that says what model a named file of weights is, or the adapter_config.json of an adapter. */
void model_open_beside(struct job *job, const struct listed *input);
/* Is there an architecture to compare it with, and may it be? */
bool model_wanted(const struct job *job);
/* Starts the worker that says which files the tests need, or, with those open, the one that compares and
 * runs. */
void model_start(struct job *job, bool files_ready);
void model_open_files(struct job *job);
/* The second worker is dead. */
void model_take(struct job *job);
/* Observes a check that was asked for and has nothing to compare with. */
void model_note_none(struct job *job);
void model_drop(struct job *job);
/* The stage's summary; NULL when there is none to be believed. */
const struct model_summary *job_summary(const struct job *job);

/* ---- nested.c ---- */

/* Is there something to unpack, and may it be? What may not is observed. */
bool nested_wanted(struct job *job);
void nested_start(struct job *job);
/* The unpack worker is dead. */
void nested_take(struct job *job);
/* Starts the next job inside, or ends the job. Answers the job that runs now; NULL: the job is done. */
struct job *nested_next(struct job *job);

/* ---- folder.c ---- */

/* False: out of memory. */
NODISCARD bool folder_start(struct job *job, const struct listed *input);
/* Are there files that wait for a worker? */
bool folder_has_next(const struct job *job);
NODISCARD bool folder_start_next(struct job *job);
/* The next of its files, from *from on, that has a worker; NULL: none. */
struct job *folder_next_running(const struct job *job, uint32_t *from);
/* One of its files is done: after the last one the folder's own worker starts. */
void folder_file_done(struct job *job);
/* That worker is dead and its plan open. */
void folder_take(struct job *job);

/* What follows when the lock, if there is one, is done. */
void job_after_lock(struct job *job);

/* ---- describe.c ---- */

/* Of a checkpoint that is safe and was read whole. */
bool describe_wanted(const struct job *job);
void describe_start(struct job *job);
/* A text of its worker; others than TEXT_MODULE and TEXT_DRAFT_… are passed over. */
void describe_take(struct job *job, enum text_key key, struct span text);

/* ---- pair.c ---- */

/* The job that compares two judged checkpoints. */
void pair_start(struct job *job, const struct run *run, const struct job *a, const struct job *b);
/* Its worker is dead. */
void pair_take(struct job *job);

/* Emits the file's events (emit.c). */
void job_emit(const struct job *job, struct report *report);
/* Emits those of an input and of the files inside it. */
void job_emit_whole(const struct job *job, struct report *report);
/* A file of its own in the report: no bystander, not held for its folder, and not one inside of what was
 * interrupted. */
static inline bool job_is_shown(const struct job *job) {
  return !job->skipped && !job->held && job->state == JOB_DONE;
}

#endif
