/* What torch's own load_state_dict says about the same keys: --torch-messages. */
#ifndef CKPTLINT_ARCH_TORCH_MESSAGE_H
#define CKPTLINT_ARCH_TORCH_MESSAGE_H

#include "arch/modules.h"

/* The lines of the RuntimeError that model.load_state_dict(state_dict, strict) raises, or the one line that
 * it answers; the keys as they are, in torch's order (nn.Module.load_state_dict of torch 2; 1.13 differs for
 * keys below a parameter). They take at most `room` bytes; what is left out is counted. False: memory is
 * spent. */
NODISCARD bool torch_message(struct names *out, const struct model *model, const struct plan *plan,
                             const struct plan_dict *dict, bool strict, size_t room, struct arena *a);

#endif
