/* What every fuzz target shares. A target is LLVMFuzzerTestOneInput and a few properties that hold for any
 * input; it keeps nothing between inputs. The same file runs under AFL++, libFuzzer, or driver.c, which
 * replays files.
 *
 * The last byte of an input is its knobs, so that structure stays at the front: a seed is a file and a byte
 * 0. */
#ifndef CKPTLINT_FUZZ_FUZZ_H
#define CKPTLINT_FUZZ_FUZZ_H

#include "base/limits.h"
#include "base/observe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property: whatever the build, its failure is a crash. */
#define FUZZ_CHECK(property) ((property) ? (void)0 : fuzz_failed(#property, __FILE__, __LINE__))
_Noreturn static inline void fuzz_failed(const char *property, const char *file, int line) {
  fprintf(stderr, "%s:%d: property failed: %s\n", file, line, property);
  abort();
}

enum knob {
  KNOB_SHRUNK = 1, /* limits so small that most inputs meet one */
  KNOB_POOR = 2,   /* an arena that is spent early: of 16 KiB, twice that for each KNOB_LATER, up to 2 MiB */
  KNOB_OTHER = 4,  /* of the target's own */
  KNOB_LATER = 8,
};

struct fuzz_input {
  struct span bytes; /* a heap copy of exactly its length: a sanitizer sees a read past the end */
  uint8_t knobs;
  struct limits limits;
  size_t arena_bytes;
};

static inline struct fuzz_input fuzz_open(const uint8_t *data, size_t size) {
  struct fuzz_input in = {.knobs = size ? data[size - 1] : 0, .limits = limits_default()};
  size_t n = size ? size - 1 : 0;
  uint8_t *copy = malloc(n ? n : 1);
  FUZZ_CHECK(copy);
  if (n) memcpy(copy, data, n);
  in.bytes = span_of(copy, n);
  in.limits.inflate_bytes = 1 << 20;
  in.limits.stats_elements = 1 << 16;
  in.limits.plan_bytes = 1 << 17;
  in.arena_bytes = in.knobs & KNOB_POOR ? (size_t)(16 << 10) << (in.knobs / KNOB_LATER % 8) : 64 << 20;
  if (!(in.knobs & KNOB_SHRUNK)) return in;
  in.limits.pickle_ops = 200;
  in.limits.pickle_stack = in.limits.pickle_marks = in.limits.pickle_memo = 16;
  in.limits.pickle_values = in.limits.pickle_links = 100;
  in.limits.value_depth = in.limits.zip_members = 4;
  in.limits.pickle_int_bytes = 10; /* those of torch's magic number: a legacy stream is begun */
  in.limits.zip_name_bytes = in.limits.tensors = 8;
  in.limits.inflate_bytes = in.limits.stats_elements = 64;
  in.limits.report_findings = in.limits.chunks = 2;
  in.limits.call_steps = 500;
  in.limits.decompile_bytes = 400;
  in.limits.pickle_bytes = in.limits.json_bytes = 4000;
  in.limits.plan_bytes = 1 << 16;
  return in;
}

static inline void fuzz_close(struct fuzz_input *in) {
  union {
    const uint8_t *in;
    void *out;
  } copy = {.in = in->bytes.p};
  free(copy.out);
}

/* Two runs over the same bytes saw the same: kinds, places and numbers. */
static inline void fuzz_same(const struct observations *a, const struct observations *b) {
  FUZZ_CHECK(a->n == b->n && a->lost == b->lost && memcmp(a->seen, b->seen, sizeof a->seen) == 0);
  for (uint32_t i = 0; i < a->n; i++) {
    const struct observation *x = &a->list[i], *y = &b->list[i];
    FUZZ_CHECK(x->kind == y->kind && x->member == y->member && x->at == y->at && x->got == y->got &&
               x->want == y->want);
    FUZZ_CHECK(span_eq(x->subject, y->subject) && span_eq(x->detail, y->detail));
  }
}

#endif
