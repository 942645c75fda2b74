/* A container opened from bytes, with what is observed of it. */
#ifndef CKPTLINT_TESTS_UNIT_CONTAINER_BENCH_H
#define CKPTLINT_TESTS_UNIT_CONTAINER_BENCH_H

#include "container/container.h"
#include "tests/unit/check.h"

struct scan {
  struct arena arena;
  struct observations o;
  struct limits max;
  struct container c;
  struct span bytes;
};

static inline void scan_bytes(struct scan *s, const void *p, size_t n) {
  *s = (struct scan){.max = limits_default(), .bytes = exact_copy(p, n)};
  arena_init(&s->arena, 64u << 20);
  observations_init(&s->o, &s->arena, 20);
  container_open(&s->c, &s->arena, &s->o, &s->max, s->bytes);
}
static inline void scan_end(struct scan *s) {
  arena_free(&s->arena);
  exact_free(s->bytes);
}

#endif
