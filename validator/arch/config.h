/* Config values: JSON and checkpoint values as values of the language, and the one scope that all sources
 * make (doc/architecture-files.md). */
#ifndef CKPTLINT_ARCH_CONFIG_H
#define CKPTLINT_ARCH_CONFIG_H

#include "arch/modules.h"

/* A JSON value of json_parse as a value; borrows its texts from the tree. False: memory is spent, or the
 * value has more than 2^17 parts. Recursion is bounded by limits.json_depth, which json_parse has
 * enforced. */
NODISCARD bool value_from_json(struct value *out, struct arena *a, const cJSON *item);

/* A config file's JSON object, which the caller frees by cJSON_Delete; NULL, observed, when it is none. */
NODISCARD cJSON *config_parse(struct text_file file, const struct limits *max, struct observations *o);

/* A value of the checkpoint, likewise. What is no config value (a tensor, a class) becomes a text that says
 * so: an error only where it is used. */
NODISCARD bool value_from_plan(struct value *out, struct arena *a, const struct plan *plan, uint32_t row);

/* Everything that a file's expressions need to run. */
struct config {
  const struct arch *arch;
  struct eval *eval;
  struct observations *observations;
  struct scope *scope;          /* the result */
  struct names wanted;          /* architectures: of --set, else of the config file, else of the preset */
  bool told;                    /* by --set: it is that one or none */
  struct span dtype, quantized; /* of the weights, as the config file has it; empty: it does not say */
  /* Of the config file, and of a config saved as JSON text; NULL: none. The values borrow from them.
   * cJSON_Delete them. */
  cJSON *json, *own_json;
};

/* --set over the preset over the config file over the checkpoint's own config over the defaults. False,
 * observed, when a source can't be used or a computed value fails. Sources that disagree are observed and do
 * not fail. */
NODISCARD bool config_resolve(struct config *c, const struct config_sources *sources);

/* Observes ev->error as a failure of the expression at `where`; always false. */
bool config_reject(struct observations *o, const struct arch *arch, const struct place *where,
                   const struct eval *ev);
#define config_reject(...) ANSWERS_FALSE(config_reject, __VA_ARGS__)

#endif
