/* A whole scan in this process: what the sealed worker does, without its fork. */
#ifndef CKPTLINT_FUZZ_SCANNED_H
#define CKPTLINT_FUZZ_SCANNED_H

#include "api/scan.h"
#include "fuzz/fuzz.h"
#include "rules/globals.h"

struct scanned {
  struct scan scan;
  struct scan_job job;
  struct run_options *options; /* on the heap: frames are bounded */
  uint8_t *region;             /* exactly limits.plan_bytes */
};

static inline void scan_bytes(struct scanned *s, const struct fuzz_input *in) {
  struct run_options *options = calloc(1, sizeof *options);
  uint8_t *region = calloc(1, in->limits.plan_bytes);
  FUZZ_CHECK(options && region);
  options->views = SHOW_PICKLE | SHOW_OPCODES;
  options->limits = in->limits;
  *s = (struct scanned){.options = options,
                        .region = region,
                        .job = {.options = options,
                                .file = in->bytes,
                                .plan = region,
                                .plan_bytes = in->limits.plan_bytes,
                                .policy = {.lookup = globals_lookup, .torch = torch_newest()},
                                .arena_bytes = in->arena_bytes}};
  scan_read(&s->scan, &s->job);
}

static inline void scan_free(struct scanned *s) {
  arena_free(&s->scan.arena);
  free(s->region);
  free(s->options);
}

#endif
