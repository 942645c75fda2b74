/* The architecture files of rules/models/, one a family, embedded at build time by rules/embed_models.awk. */
#ifndef CKPTLINT_RULES_FAMILIES_H
#define CKPTLINT_RULES_FAMILIES_H

#include <stddef.h>

struct family_text {
  const char *name; /* "resnet.json"; NULL behind the last family */
  const char *text; /* JSON */
  size_t n;
};
extern const struct family_text family_texts[];

#endif
