/* A mutator that knows a format: AFL++ loads it (AFL_CUSTOM_MUTATOR_LIBRARY), and libFuzzer has it linked. */
#ifndef CKPTLINT_FUZZ_MUTATORS_MUTATOR_H
#define CKPTLINT_FUZZ_MUTATORS_MUTATOR_H

#include "base/span.h"

enum { MUTANT_MAX = 1 << 15 }; /* bytes of one: more cost more than they show */

struct mutant {
  uint8_t bytes[MUTANT_MAX];
  size_t n;
};

/* xorshift64; never 0. */
struct chance {
  uint64_t state;
};
static inline uint64_t chance_bits(struct chance *c) {
  c->state ^= (c->state & UINT64_MAX >> 13) << 13;
  c->state ^= c->state >> 7;
  c->state ^= (c->state & UINT64_MAX >> 17) << 17;
  return c->state;
}
static inline size_t chance_below(struct chance *c, size_t n) {
  return n ? (size_t)((chance_bits(c) >> 8) % n) : 0;
}
/* Small, or at the edge of a type. */
uint64_t chance_number(struct chance *c);

/* False, and nothing is done: there is no room. `at` and `old` lie inside the mutant; `with` outside. */
bool mutant_replace(struct mutant *m, size_t at, size_t old, struct span with);

/* Of the format: one change or a few. `other` is another input, to take parts of; the last byte of both is
 * the target's knobs (fuzz.h). */
void mutate_format(struct mutant *m, struct span other, struct chance *c);
/* pickle.c, for programs inside other formats: no knobs behind them. */
void mutate_pickle(struct mutant *m, struct span other, struct chance *c);

#endif
