/* What the shim and its driver share, in a mapped file. */
#ifndef CKPTLINT_TESTS_OOM_PLAN_H
#define CKPTLINT_TESTS_OOM_PLAN_H

enum { OOM_PROCESSES = 64, OOM_PLACES = 1 << 18 };

/* Where an allocation comes from: the whole stack of calls, as a number. */
struct oom_place {
  unsigned process, at, stack;
};

struct oom_plan {
  unsigned process, at,
      on; /* allocation `at` (from 1, 0: none) of this process fails; `on`: and all behind it */
  unsigned failed, forked;       /* what happened */
  unsigned record, places;       /* whether `place` is to be filled, and how many there are */
  unsigned count[OOM_PROCESSES]; /* allocations of each process */
  struct oom_place place[OOM_PLACES];
};

#endif
