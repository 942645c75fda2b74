/* adapter_config.json, which PEFT writes beside the factors of an adapter: which model they are for, their
 * rank, and which modules they change (peft's LoraConfig). */
#ifndef CKPTLINT_ARCH_ADAPTER_CONFIG_H
#define CKPTLINT_ARCH_ADAPTER_CONFIG_H

#include "arch/config.h"

/* The base model's name, in the arena: "meta-llama/Llama-2-7b-hf". False, observed, when the file can't be
 * read or names none. */
NODISCARD bool adapter_base(struct span *out, struct text_file file, struct arena *a,
                            const struct limits *max, struct observations *o);

/* Observes where the factors in the plan are not those that PEFT makes for this config, or why they can't be
 * compared. Linear in the text of both. */
void adapter_compare(struct text_file file, const struct plan *plan, struct arena *a,
                     const struct limits *max, struct observations *o);

#endif
