/* The paths that a run judges: operands, and lists of them from a file. Paths are bytes. */
#ifndef CKPTLINT_CLI_INPUTS_H
#define CKPTLINT_CLI_INPUTS_H

#include "cli/options.h"

/* Paths live as long as argv and the arena. NULL when all is well, else what is wrong with the call (in the
 * arena or a literal). */
NODISCARD const char *inputs_collect(const struct options *o, struct arena *a, struct input_list *out);

#endif
