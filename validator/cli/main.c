#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "report/escape.h"
#include "report/json_write.h"

enum { CLI_ARENA = 1 << 30, COMPLAINT_MAX = 2048 };

void cli_complain(const struct cli *cli, const char *what) {
  struct out err = out_to_fd(STDERR_FILENO), text = out_to_memory(SIZE_MAX);
  bool tty = cli->terminal->err_is_tty;
  struct pen pen = {.out = &err,
                    .color = terminal_color(cli->terminal, (enum when)cli->options->color, tty),
                    .unicode = terminal_unicode(cli->terminal, tty)};
  pen_text(&pen, INK_WORST, "ckptlint: ");
  escape_visible(&text, span_str(what), COMPLAINT_MAX);
  pen_span(&pen, INK_PLAIN, out_taken(&text));
  pen_newline(&pen);
  if (memory_has_failed()) {
    static const char plain[] = "ckptlint: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, plain, sizeof plain - 1);
    (void)ignored;
  } else {
    out_flush(&err);
  }
  out_free(&text);
  out_free(&err);
}

void cli_lost(const struct cli *cli, const char *what) {
  struct pollfd out = {.fd = STDOUT_FILENO};
  bool reader_is_gone = poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
  if (!reader_is_gone) cli_complain(cli, what);
}

bool cli_wants_json(const struct cli *cli) { return cli->options->format != FORMAT_TEXT; }

enum exit_code cli_json(struct cli *cli, cJSON *tree) {
  if (!memory_has_failed()) json_write(&cli->out, tree);
  pen_newline(&cli->pen);
  cJSON_Delete(tree);
  return EXIT_CLEAN;
}

static enum exit_code run_command(struct cli *cli) {
  static enum exit_code (*const commands[COMMAND_COUNT])(struct cli *) = {
#define COMMAND(id, operands, run, what) run,
#include "cli/commands.def"
#undef COMMAND
  };
  const struct options *o = cli->options;
  if (o->version) return command_version(cli);
  if (o->help && !o->named)
    help_overview(&cli->pen);
  else if (o->help)
    help_command(&cli->pen, o->command);
  else
    return commands[o->command](cli);
  return EXIT_CLEAN;
}

int main(int argc, char **argv) {
  struct terminal terminal = terminal_ask(); /* before the environment goes */
  struct arena arena;
  struct options options;
  json_budget(SIZE_MAX); /* cJSON's memory is looked after too */
  arena_init(&arena, CLI_ARENA);
  /* A reader that goes away (| head), or a limit on the size of files, is an output that could not be
   * written, not a death without exit code. */
  bool ready = sandbox_scrub_environment(argv, environ) && signal(SIGPIPE, SIG_IGN) != SIG_ERR &&
               signal(SIGXFSZ, SIG_IGN) != SIG_ERR;
  bool parsed = options_parse(&options, &arena, argc, argv);
  struct cli cli = {.options = &options,
                    .argv = argv,
                    .terminal = &terminal,
                    .arena = &arena,
                    .out = out_to_fd(STDOUT_FILENO)};
  cli.pen = (struct pen){.out = &cli.out,
                         .color = terminal_color(&terminal, (enum when)options.color, terminal.out_is_tty),
                         .unicode = terminal_unicode(&terminal, terminal.out_is_tty),
                         .width = terminal.width};
  enum exit_code code = EXIT_BUG;
  if (!ready)
    cli_complain(&cli, "out of memory");
  else
    code = parsed ? run_command(&cli) : cli_usage(&cli, options.error);
  if (memory_has_failed()) {
    cli_complain(&cli, "out of memory");
    code = EXIT_BUG;
  } else if (!out_flush(&cli.out)) {
    cli_lost(&cli, "the output could not be written");
    code = EXIT_OUTPUT;
  }
  out_free(&cli.out);
  arena_free(&arena);
  return (int)code;
}
