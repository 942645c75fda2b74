#include "base/near.h"

static unsigned lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 0x20u : c; }

static unsigned min3(unsigned a, unsigned b, unsigned c) {
  unsigned least = a < b ? a : b;
  return least < c ? least : c;
}

/* Optimal string alignment: three rows of the matrix are enough. */
unsigned name_distance(struct span a, struct span b) {
  if (a.n > NEAR_MAX || b.n > NEAR_MAX) return NEAR_MAX;
  unsigned row[3][NEAR_MAX + 1];
  unsigned *before = row[0], *last = row[1], *here = row[2];
  for (unsigned j = 0; j <= b.n; j++) last[j] = before[j] = j;
  for (unsigned i = 1; i <= a.n; i++) {
    here[0] = i;
    for (unsigned j = 1; j <= b.n; j++) {
      unsigned x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);
      here[j] = min3(last[j] + 1, here[j - 1] + 1, last[j - 1] + (x != y));
      bool swapped = i > 1 && j > 1 && x == lower(b.p[j - 2]) && y == lower(a.p[i - 2]);
      if (swapped && before[j - 2] + 1 < here[j]) here[j] = before[j - 2] + 1;
    }
    unsigned *oldest = before;
    before = last;
    last = here;
    here = oldest;
  }
  return last[b.n];
}

/* One slip in a short word, two from six letters on, three from ten. */
static unsigned allowed(size_t n) { return n < 2 ? 0 : n < 6 ? 1 : n < 10 ? 2 : 3; }

void nearest_try(struct nearest *n, struct span candidate) {
  unsigned d = name_distance(n->word, candidate);
  if (d > allowed(n->word.n) || (n->best.n && d >= n->distance)) return;
  n->best = candidate;
  n->distance = d;
}
