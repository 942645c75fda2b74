/* Between the fuzzers and mutate_format. */
#include "fuzz/mutators/mutator.h"

#include <stdlib.h>

uint64_t chance_number(struct chance *c) {
  static const uint64_t edges[] = {0,          1,          0x7f,      0x80,
                                   0xff,       0x7fff,     0xffff,    0x7fffffff,
                                   0x80000000, 0xffffffff, INT64_MAX, (uint64_t)INT64_MAX + 1,
                                   UINT64_MAX};
  uint64_t how = chance_bits(c);
  if (how & 4) return chance_below(c, 16);
  return edges[how % ARRAY_LEN(edges)] + (how >> 40) % 3 - 1;
}

bool mutant_replace(struct mutant *m, size_t at, size_t old, struct span with) {
  if (with.n > old && with.n - old > MUTANT_MAX - m->n) return false;
  memmove(m->bytes + at + with.n, m->bytes + at + old, m->n - at - old);
  if (with.n) memcpy(m->bytes + at, with.p, with.n);
  m->n = m->n - old + with.n;
  return true;
}

static struct chance chance_of(uint64_t seed) {
  struct chance c = {seed * UINT64_C(0x9e3779b9) + 1};
  for (int i = 0; i < 8; i++) (void)chance_bits(&c);
  return c;
}

/* In place of `bytes`, which have room for `room`; answers their new length. */
static size_t mutate(struct mutant *m, uint8_t *bytes, size_t n, size_t room, struct span other,
                     struct chance *c) {
  m->n = min_size(n, MUTANT_MAX);
  if (m->n) memcpy(m->bytes, bytes, m->n);
  mutate_format(m, other, c);
  return min_size(m->n, room);
}

/* ---- AFL++ (docs/custom_mutators.md) ---- */

struct state {
  struct chance chance;
  struct mutant mutant;
};
void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t n, uint8_t **out, uint8_t *other, size_t other_n,
                       size_t most);
void afl_custom_deinit(void *data);

void *afl_custom_init(void *afl, unsigned seed) {
  (void)afl;
  struct state *s = calloc(1, sizeof *s);
  if (s) s->chance = chance_of(seed);
  return s;
}

size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t n, uint8_t **out, uint8_t *other, size_t other_n,
                       size_t most) {
  struct state *s = data;
  *out = s->mutant.bytes;
  return mutate(&s->mutant, bytes, n, most, span_of(other, other ? other_n : 0), &s->chance);
}

void afl_custom_deinit(void *data) { free(data); }

/* ---- libFuzzer: every second change is its own ---- */

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n, size_t most) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t most, unsigned seed);

/* The other input is one that was seen a while ago. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t most, unsigned seed) {
  static struct mutant mutant, others[8];
  struct chance c = chance_of(seed);
  if (chance_bits(&c) & 1) return LLVMFuzzerMutate(bytes, n, most);
  struct mutant *kept = &others[chance_below(&c, ARRAY_LEN(others))];
  size_t out = mutate(&mutant, bytes, n, most, span_of(kept->bytes, kept->n), &c);
  if (chance_below(&c, 16) == 0) {
    kept->n = min_size(n, MUTANT_MAX);
    if (kept->n) memcpy(kept->bytes, bytes, kept->n);
  }
  if (out) memcpy(bytes, mutant.bytes, out);
  return out;
}
