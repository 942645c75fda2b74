/* What a value of a checkpoint is for, by its form: the state of an optimizer, of a scheduler, of a random
 * number generator (format-spec D.10, F.1). What is none of these may be weights. */
#ifndef CKPTLINT_MODEL_PURPOSE_H
#define CKPTLINT_MODEL_PURPOSE_H

#include "model/plan.h"

enum purpose {
  PURPOSE_OTHER,
  PURPOSE_OPTIMIZER, /* Optimizer.state_dict(), or a whole optimizer */
  PURPOSE_SCHEDULER,
  PURPOSE_SCALER, /* GradScaler */
  PURPOSE_RANDOM, /* states of random number generators */
};

/* Of the row itself; a SHARED row is for nothing, what it stands for is seen where it stands. */
enum purpose purpose_of(const struct plan *p, uint32_t row);
/* "a dict", "a tensor". */
struct span plan_kind_words(enum plan_value_kind kind);
/* What the file holds, for one that has no weights: "an optimizer's state (Adam or AdamW), 2 parameters". In
 * the arena; empty when memory is spent. */
struct span purpose_words(const struct plan *p, struct arena *a);

#endif
