/* A checkpoint's numbers beside those of another one of the same model that is known to be good. */
#ifndef CKPTLINT_RULES_CHECK_REFERENCE_H
#define CKPTLINT_RULES_CHECK_REFERENCE_H

#include "model/plan.h"

/* The weights of the first state dict of each, or all tensors of a file without one, by name and shape. Both
 * plans are opened. False: memory is spent. */
NODISCARD bool check_reference(const struct plan *plan, const struct plan *reference, const uint64_t seed[2],
                               struct arena *a, struct observations *o);

#endif
