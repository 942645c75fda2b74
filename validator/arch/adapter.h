/* The names of an adapter's factors (PEFT, LoRA). */
#ifndef CKPTLINT_ARCH_ADAPTER_H
#define CKPTLINT_ARCH_ADAPTER_H

#include "base/span.h"

enum { HALF_A, HALF_B, HALVES };

/* Which factor a name is of, and where the path of the module ends; HALVES: none. */
int adapter_half(struct span name, size_t *at);
/* The name in the base model: without "base_model.model.". */
struct span adapter_key(struct span name);

#endif
