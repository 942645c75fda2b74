/* The folder stage: all files of a folder of weights are scanned, now they are seen together. A job is the
 * broker's memory, inherited by fork: plans that the broker opened, mappings, names. */
#ifndef CKPTLINT_API_WORKER_FOLDER_H
#define CKPTLINT_API_WORKER_FOLDER_H

#include "api/worker_scan.h"
#include "model/dcp.h"

struct folder_job {
  const struct run_options *options;
  const struct folder_file *files; /* in the order of their names */
  uint32_t num_files;
  struct span bytes; /* the one mapping */
  void *plan;        /* the region for the plan over all of them */
  size_t plan_bytes;
  struct scan_job slice; /* of a distributed checkpoint: how each of its slices is scanned */
  uint64_t arena_bytes, hash_seed[2];
};
/* For struct worker_task: ctx is a struct folder_job. */
bool folder_stage_prepare(void *ctx);
bool folder_stage_run(void *ctx, struct wire_out *out);

/* ---- worker_slices.c ---- */

/* Names of members of slices: observation.member is num_files + 1 + the index of its name. */
struct slice_names {
  VEC(struct span) list;
};
/* Scans all slices, one after the other: what is observed of them is observed of the folder. */
void slices_scan(struct folder_job *job, struct dcp *d, struct slice_names *names);
/* What bytes of no slice would call. */
void gaps_scan(struct folder_job *job, struct dcp *d, struct slice_names *names);

#endif
