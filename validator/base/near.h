/* "Did you mean …?": how far apart two names are. */
#ifndef CKPTLINT_BASE_NEAR_H
#define CKPTLINT_BASE_NEAR_H

#include "base/span.h"

enum { NEAR_MAX = 64 }; /* longer names are never near anything */

/* Edits that turn one name into the other: a byte inserted, dropped or replaced, two neighbours swapped; case
 * is ignored. NEAR_MAX when a name is longer than that. */
unsigned name_distance(struct span a, struct span b);

/* Keeps the nearest of the candidates that are shown to it. Start with {.word = …}. */
struct nearest {
  struct span word;
  struct span best; /* empty: nothing is near enough to be a slip of the finger */
  unsigned distance;
};
void nearest_try(struct nearest *n, struct span candidate);

#endif
