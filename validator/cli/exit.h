/* Exit codes: API, the same for every --format. A worse one wins; never 99, 126 or 127, which others give
 * meaning. */
#ifndef CKPTLINT_CLI_EXIT_H
#define CKPTLINT_CLI_EXIT_H

enum exit_code {
#define EXIT_CODE(id, number, meaning) EXIT_##id = (number),
#include "cli/exit.def"
#undef EXIT_CODE
};

#endif
