/* A whole scan in this process: what the sealed worker does, without its fork. */
#ifndef CKPTLINT_FUZZ_SCANNED_H
#define CKPTLINT_FUZZ_SCANNED_H

#include "container/container.h"
#include "fuzz/fuzz.h"
#include "rules/facts.h"
#include "rules/globals.h"

struct scanned {
  struct arena arena;
  struct observations obs;
  struct container container;
  struct checkpoint checkpoint;
  uint8_t *region; /* exactly limits.plan_bytes */
};

static inline void scan_bytes(struct scanned *s, const struct fuzz_input *in) {
  struct plan_writer w;
  struct plan plan;
  const struct global_policy policy = {.lookup = globals_lookup, .torch = torch_newest()};
  *s = (struct scanned){.region = malloc(in->limits.plan_bytes)};
  FUZZ_CHECK(s->region);
  memset(s->region, 0, in->limits.plan_bytes); /* as a fresh mapping is */
  arena_init(&s->arena, in->arena_bytes);
  observations_init(&s->obs, &s->arena, (uint32_t)in->limits.report_findings);
  container_open(&s->container, &s->arena, &s->obs, &in->limits, in->bytes);
  checkpoint_init(&s->checkpoint, &s->arena, &s->obs, &in->limits, &s->container, &policy);
  checkpoint_load(&s->checkpoint);
  plan_begin(&w, s->region, in->limits.plan_bytes);
  plan_emit(&s->checkpoint, &w, NULL, WITH_INSNS | WITH_LINES);
  plan_peek(&plan, &w);
  const struct facts facts = {.container = &s->container, .checkpoint = &s->checkpoint, .plan = &plan};
  run_checks(&facts, &s->obs);
  plan_end(&w, checkpoint_is_read(&s->checkpoint));
}

static inline void scan_free(struct scanned *s) {
  free(s->region);
  arena_free(&s->arena);
}

#endif
