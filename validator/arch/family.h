/* One architecture file out of many: by the name of its family ("resnet"), a published name that is a preset
 * of it ("resnet18"), or the model_type of a config file ("bert"). */
#ifndef CKPTLINT_ARCH_FAMILY_H
#define CKPTLINT_ARCH_FAMILY_H

#include "arch/spec.h"

struct families {
  const struct text_file *list; /* of two that answer to a name the first is taken */
  uint32_t n;
};

struct family {
  struct text_file file;
  struct span preset; /* empty: none was named */
};

/* "bert" of "dir/bert.json" */
struct span family_stem(struct span path);

/* A file is called after its name without folder and ".json", whatever its case. False, observed with the
 * names that are near, when there is none. */
NODISCARD bool family_by_name(struct family *out, const struct families *all, struct span name,
                              struct arena *a, const struct limits *max, struct observations *o);
/* The family whose `match.model_type` has the config's. False, observed, when the config can't be read, has
 * no model_type or one that no family has. */
NODISCARD bool family_by_config(struct family *out, const struct families *all, struct text_file config,
                                struct arena *a, const struct limits *max, struct observations *o);

#endif
