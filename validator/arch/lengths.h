/* How long the lists of modules are, by the numbers in keys: "layers.11." means twelve. Private to
 * arch/hint.c. */
#ifndef CKPTLINT_ARCH_LENGTHS_H
#define CKPTLINT_ARCH_LENGTHS_H

#include "arch/modules.h"

enum { MAX_LENGTHS = 16 }; /* different ones */

struct lengths {
  uint32_t n;
  int64_t list[MAX_LENGTHS];
};

bool lengths_have(const struct lengths *l, int64_t n);
/* In the keys of a checkpoint, and in those that a model expects. */
void lengths_found(struct lengths *out, const struct plan *plan, const struct plan_dict *dict);
void lengths_wanted(struct lengths *out, const struct model *model);

#endif
