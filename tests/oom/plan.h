/* What the shim and its driver share, in a mapped file. */
#ifndef CKPTLINT_TESTS_OOM_PLAN_H
#define CKPTLINT_TESTS_OOM_PLAN_H

enum { OOM_PROCESSES = 64 };

struct oom_plan {
  unsigned process, at,
      on; /* allocation `at` (from 1, 0: none) of this process fails; `on`: and all behind it */
  unsigned failed, forked;       /* what happened */
  unsigned count[OOM_PROCESSES]; /* allocations of each process */
};

#endif
