/* What the readers of formats without a program answer (container/plain.h), and what must hold of it. */
#ifndef CKPTLINT_FUZZ_PLAIN_H
#define CKPTLINT_FUZZ_PLAIN_H

#include <stdlib.h>

#include "base/json.h"
#include "container/plain.h"
#include "fuzz/fuzz.h"

typedef bool plain_reader(struct plain *out, struct arena *a, struct observations *o,
                          const struct limits *max, struct span file);

struct plain_reading {
  struct arena arena;
  struct observations obs;
  struct plain plain;
  bool fine;
};

static inline void plain_read(struct plain_reading *r, const struct fuzz_input *in, plain_reader *read) {
  arena_init(&r->arena, in->arena_bytes);
  observations_init(&r->obs, &r->arena, (uint32_t)in->limits.report_findings);
  r->fine = read(&r->plain, &r->arena, &r->obs, &in->limits, in->bytes);
}

static inline int plain_by_place(const void *x, const void *y) {
  const struct plain_array *a = x, *b = y;
  if (a->at != b->at) return a->at < b->at ? -1 : 1;
  return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static inline int plain_by_name(const void *x, const void *y) {
  return span_cmp(((const struct plain_array *)x)->name, ((const struct plain_array *)y)->name);
}

/* Arrays lie behind the table and in the file, share no byte and no name. */
static inline void plain_check(struct plain_reading *r, struct span file) {
  uint32_t n = r->plain.arrays.n;
  struct plain_array *arrays = r->plain.arrays.p;
  uint64_t end = r->plain.data_at;
  FUZZ_CHECK(r->plain.data_at <= file.n);
  if (n) qsort(arrays, n, sizeof *arrays, plain_by_place);
  for (uint32_t i = 0; i < n; i++) {
    FUZZ_CHECK(arrays[i].at >= end && arrays[i].bytes <= file.n - arrays[i].at);
    end = arrays[i].at + arrays[i].bytes;
  }
  if (n) qsort(arrays, n, sizeof *arrays, plain_by_name);
  for (uint32_t i = 1; i < n; i++) FUZZ_CHECK(!span_eq(arrays[i - 1].name, arrays[i].name));
}

/* Two readings see the same, no refusal is without a word, and what is taken holds. */
static inline void plain_fuzz(const uint8_t *data, size_t size, plain_reader *read) {
  struct fuzz_input in = fuzz_open(data, size);
  struct plain_reading first, second;
  json_budget(in.arena_bytes);
  plain_read(&first, &in, read);
  json_budget(in.arena_bytes);
  plain_read(&second, &in, read);
  FUZZ_CHECK(first.fine == second.fine && first.plain.arrays.n == second.plain.arrays.n &&
             first.plain.texts.n == second.plain.texts.n);
  fuzz_same(&first.obs, &second.obs);
  FUZZ_CHECK(first.fine || first.obs.n > 0 || first.obs.lost);
  for (uint32_t i = 0; i < first.obs.n; i++) FUZZ_CHECK(first.obs.list[i].at <= in.bytes.n);
  if (first.fine) plain_check(&first, in.bytes);
  arena_free(&first.arena);
  arena_free(&second.arena);
  fuzz_close(&in);
}

#endif
