/* What the commands share: the call, the terminal, and a pen on standard output. */
#ifndef CKPTLINT_CLI_CLI_H
#define CKPTLINT_CLI_CLI_H

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "report/pen.h"

struct cli {
  const struct options *options;
  char *const *argv;
  const struct terminal *terminal;
  struct arena *arena;
  struct out out;
  struct pen pen; /* on out */
};

/* Commands answer an exit code. main flushes cli->out behind them. */
#define COMMAND(id, operands, run, what) enum exit_code run(struct cli *cli);
#include "cli/commands.def"
#undef COMMAND

/* "ckptlint: …" on standard error: the texts may hold bytes of argv. */
void cli_complain(const struct cli *cli, const char *what);
/* The same about standard output. Silent when its reader went away (| head): that was the reader's wish. */
void cli_lost(const struct cli *cli, const char *what);
/* A call that is wrong: says so; in a machine format standard output is a valid report that says so too. */
enum exit_code cli_usage(struct cli *cli, const char *what);
/* A JSON tree as the command's whole output, when --format asks for it. Takes the tree over. */
enum exit_code cli_json(struct cli *cli, cJSON *tree);
bool cli_wants_json(const struct cli *cli);

void help_overview(struct pen *pen);
void help_command(struct pen *pen, enum command command);

#endif
