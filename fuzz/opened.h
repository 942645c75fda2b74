/* A container that was opened on its own, as the targets of container/ look at it. */
#ifndef CKPTLINT_FUZZ_OPENED_H
#define CKPTLINT_FUZZ_OPENED_H

#include "container/container.h"
#include "fuzz/fuzz.h"

struct opened {
  struct arena arena;
  struct observations obs;
  struct container container;
};

static inline void open_container(struct opened *o, const struct fuzz_input *in) {
  arena_init(&o->arena, in->arena_bytes);
  observations_init(&o->obs, &o->arena, (uint32_t)in->limits.report_findings);
  container_open(&o->container, &o->arena, &o->obs, &in->limits, in->bytes);
}

/* Opens the input twice: both times the same is seen. The first is to be looked at. */
static inline void open_twice(struct opened *first, struct opened *second, const struct fuzz_input *in) {
  open_container(first, in);
  open_container(second, in);
  FUZZ_CHECK(first->container.kind == second->container.kind &&
             first->container.usable == second->container.usable &&
             first->container.num_members == second->container.num_members);
  fuzz_same(&first->obs, &second->obs);
}

#endif
