/* Which families may a checkpoint be of? By the words of its keys, which the module lines of a family have to
 * have, too: that is quick, while to build and match a family is not. Private to arch/describe.c. */
#ifndef CKPTLINT_ARCH_LIKELY_H
#define CKPTLINT_ARCH_LIKELY_H

#include "arch/family.h"
#include "model/plan.h"

struct likely {
  uint32_t n, first; /* `first` of them are equally likely, and more than the rest */
  uint32_t *list;    /* indices of families, the likeliest first; alike ones in their own order */
};

/* Leaves out families that have less than half as many of the keys' words as the first one. False: memory is
 * spent. Looks at a bounded number of keys and words. */
NODISCARD bool likely_families(struct likely *out, const struct families *all, const struct plan *p,
                               const struct plan_dict *dict, struct arena *a);

#endif
