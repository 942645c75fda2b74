/* `lock` and `check --lock`: what a known-good checkpoint holds, written down, and compared with another one
 * (doc/lock.md). */
#ifndef CKPTLINT_API_LOCK_H
#define CKPTLINT_API_LOCK_H

#include "api/worker_lock.h"
#include "report/out.h"

struct job;

struct lock_run {
  void *region;
  size_t bytes;
  struct digest_job digest;
  struct lock_job compare;
  const struct digests *digests; /* checked; NULL: none */
};

/* What `lock` writes. */
struct locking {
  struct out out;        /* to memory: the file */
  uint32_t inputs;       /* that could have been locked */
  const char *complaint; /* why there is no file; NULL: there is one */
};

/* Is it for this job to be digested? Not for one that is refused. */
bool lock_wanted(const struct job *job);
void lock_start(struct job *job);
/* The digest worker is dead. False: nothing more is to be done, job_after_lock may follow. */
bool lock_digested(struct job *job);
void lock_write(struct locking *l, const struct job *job);

#endif
