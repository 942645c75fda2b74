/* A family from one of its models: what `describe` finds, with the sizes that the model's config.json names
 * in place of numbers, and layers that are alike as one. A draft: which of two fields of one value a size
 * comes from, and what the weights do not show, is for a person to see. */
#ifndef CKPTLINT_ARCH_DRAFT_H
#define CKPTLINT_ARCH_DRAFT_H

#include "arch/describe.h"

struct draft {
  struct span model_type, architecture; /* of the config; empty: it has none */
  VEC(struct span) fields;              /* of the config, that the lines name */
};

/* Rewrites the lines and rows of a description. False: memory is spent, or (observed) the config is no JSON
 * object. */
NODISCARD bool draft_family(struct draft *out, struct description *d, struct text_file config,
                            struct arena *a, const struct limits *max, struct observations *o);

#endif
