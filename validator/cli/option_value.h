/* The value of one option, read as its kind says. */
#ifndef CKPTLINT_CLI_OPTION_VALUE_H
#define CKPTLINT_CLI_OPTION_VALUE_H

#include "cli/options.h"

/* Sets the field of a row. `given` is NULL where no value came with it, which flags and OPTION_LEVELS allow;
 * `negated`: a switch was written as --no-NAME. What is wrong becomes o->error. */
void option_set(struct options *o, struct arena *a, const struct option_row *row, const char *given,
                bool negated);

/* Sets o->error, unless it says something already: the first error stays. */
PRINTF_LIKE(2, 3) void option_wrong(struct options *o, const char *format, ...);

/* "; did you mean --format?", or nothing. */
enum { OPTION_HINT = 96 };
const char *option_hint(char room[OPTION_HINT], const char *before, struct span best);

#endif
