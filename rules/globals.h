/* The lists of globals, rules/globals/<origin>.def, as the model layer asks for them (model/policy.h), with
 * the names that the user allows. Trust is by the exact pair of module and name, never by a joined name. */
#ifndef CKPTLINT_RULES_GLOBALS_H
#define CKPTLINT_RULES_GLOBALS_H

#include "base/arena.h"
#include "model/policy.h"

/* --allow and the policy file: classes of the user's own, kept as records. Rows live in the arena. */
struct globals {
  struct global_row *allowed; /* by module and name */
  size_t num_allowed, room;
  const struct globals *outer; /* names of more than this file, or NULL */
  bool propose;                /* policy init: what may be a class on no list counts as reviewed */
};

/* For struct global_policy: the user's row; else the exact one; else the row of the whole module or of a
 * package around it, which is of a refused class. NULL: on no list. ctx is a const struct globals *, or NULL.
 */
const struct global_row *globals_lookup(const void *ctx, struct span module, struct span name);

/* Takes "module.Class" as a record that may also be called with plain values. reviewed: a policy file names
 * it, so that it is no finding any more. Answers NULL, or what is wrong with the name, for the usage error of
 * exit 4: not a dotted name, always refused, or out of memory. A listed class is no error and stays what it
 * is. */
NODISCARD const char *globals_allow(struct globals *g, struct arena *a, struct span name, bool reviewed);

/* Is it a name that globals_allow would never take, because loading it runs code or reaches other code? */
bool globals_refuse(struct span name);

/* All rows, list by list in a fixed order, for the digest of the policy and `rules`; NULL behind the last. */
const struct global_row *globals_row(size_t i);

/* versions.def. The number of "2.6", which is also that of "2.6.0+cu124", 0 for a version that is not listed;
 * and back. */
enum { TORCH_VERSION_ROOM = 16 };
torch_version torch_newest(void);
torch_version torch_version_of(struct span text);
const char *torch_version_text(torch_version v, char out[TORCH_VERSION_ROOM]);

const char *global_class_name(enum global_class cls);

#endif
