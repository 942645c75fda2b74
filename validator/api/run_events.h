/* The events that frame a run, and what its exit code counts. */
#ifndef CKPTLINT_API_RUN_EVENTS_H
#define CKPTLINT_API_RUN_EVENTS_H

#include "api/job.h"

struct tally {
  uint64_t inputs, skipped, inside; /* inside: files in archives that have a verdict of their own */
  uint64_t verdicts[VERDICT_COUNT];
  uint64_t severities[SEV_COUNT];
  uint64_t findings[SEV_COUNT]; /* of effect finding: what --fail-on looks at */
  enum verdict pair;            /* of diff; clean: equal, or nobody asked */
  bool output_failed;
};
void tally_add(struct tally *t, const struct job *job);
/* 0, 1, 2 or 74 (cli/exit.def). A refusal never depends on a severity, a limit that was hit is never 0. */
int tally_exit(const struct tally *t, enum severity fail_on);

void emit_run(struct report *report, const struct run *run);
void emit_summary(struct report *report, const struct run *run, const struct tally *t, int exit_code,
                  const char *error);

#endif
