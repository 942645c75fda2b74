/* A pickle target's input: a program and a byte of knobs. */
#include "fuzz/mutators/mutator.h"

void mutate_format(struct mutant *m, struct span other, struct chance *c) {
  uint8_t knobs = m->n ? m->bytes[m->n - 1] : 0;
  if (m->n) m->n--;
  other.n -= other.n > 0;
  mutate_pickle(m, other, c);
  if (chance_below(c, 32) == 0) knobs = (uint8_t)(chance_bits(c) >> 16 & 7);
  (void)mutant_replace(m, m->n, 0, span_of(&knobs, 1));
}
