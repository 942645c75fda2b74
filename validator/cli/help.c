/* The help, made from the tables of commands, options, limits and exit codes. */
#include <stdio.h>

#include "base/near.h"
#include "cli/cli.h"
#include "report/figures.h"

enum { COLUMN = 32, WIDEST = 100 };

struct example {
  const char *line, *what;
};

static const struct example examples[] = {
    {"ckptlint model.pt", "is it safe?"},
    {"ckptlint model.pt --arch resnet.json", "and is it this model, and does it compute?"},
    {"ckptlint inspect model.pt --key 'layer1.*'", "some of its tensors"},
    {"ckptlint models/ --format json", "every checkpoint below a folder, as one document"},
    {"ckptlint explain GLB301", "what a finding means"},
};

static const struct {
  int number;
  const char *meaning;
} exits[] = {
#define EXIT_CODE(id, number, meaning) {number, meaning},
#include "cli/exit.def"
#undef EXIT_CODE
};

static void heading(struct pen *pen, const char *text) {
  pen_newline(pen);
  pen_text(pen, INK_STRONG, text);
  pen_newline(pen);
}

/* Help is folded wherever it goes, and never into lines that the eye loses. */
static struct pen folding(const struct pen *pen) {
  struct pen folds = *pen;
  folds.width = pen->width ? min_size(pen->width, WIDEST) : WIDEST;
  return folds;
}

static void entry(struct pen *pen, const char *left, const char *right) {
  size_t used = strlen(left) + 2;
  out_str(pen->out, "  ");
  pen_text(pen, INK_NOTE, left);
  if (used + 2 > COLUMN) {
    pen_newline(pen);
    used = 0;
  }
  out_repeat(pen->out, ' ', COLUMN - used);
  pen_folded(pen, INK_PLAIN, COLUMN, COLUMN, right);
  pen_newline(pen);
}

/* "-f, --format text|json|ndjson" */
static const char *option_left(char room[128], const struct option_row *row) {
  char letter[8] = "";
  if (row->letter) (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
  (void)snprintf(room, 128, "%s--%s%s%s%s", letter, row->kind == OPTION_SWITCH ? "[no-]" : "", row->name,
                 row->argument && row->kind != OPTION_LEVELS ? " " : "", row->argument ? row->argument : "");
  return room;
}

static const char *option_right(char room[512], const struct option_row *row) {
  char figure[FIGURE_ROOM];
  if (row->kind != OPTION_LIMIT) return row->help;
  bool bytes = strcmp(row->unit, "bytes") == 0;
  (void)snprintf(room, 512, "%s, default %s%s%s: %s", row->limit_name,
                 bytes ? figure_bytes(figure, row->limit) : figure_count(figure, row->limit),
                 bytes ? "" : " ", bytes ? "" : row->unit, row->help);
  return room;
}

static void option_groups(struct pen *pen, enum command command) {
  struct option_row row;
  for (unsigned group = 0; group < GROUP_COUNT; group++) {
    bool any = false;
    for (size_t i = 0; option_row_at(i, &row); i++) {
      char left[128], right[512];
      if (row.group != group || !(row.commands >> command & 1)) continue;
      if (!any) heading(pen, group_headings[group]);
      entry(pen, option_left(left, &row), option_right(right, &row));
      any = true;
    }
  }
}

static void exit_codes(struct pen *pen) {
  heading(pen, "Exit codes");
  for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
    char number[8];
    (void)snprintf(number, sizeof number, "%d", exits[i].number);
    entry(pen, number, exits[i].meaning);
  }
}

static void write_overview(struct pen *pen) {
  pen_text(pen, INK_STRONG, "ckptlint");
  pen_folded(
      pen, INK_PLAIN, 8, 0,
      ": judges an untrusted PyTorch checkpoint without loading it. Is it safe, is it the model that it "
      "claims to be, does it work?");
  pen_newline(pen);
  heading(pen, "Usage");
  entry(pen, "ckptlint [COMMAND] [OPTION...] PATH...",
        "files, directories, or - for one checkpoint on standard input");
  heading(pen, "Commands");
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    char left[64];
    (void)snprintf(left, sizeof left, "%s %s", command_rows[i].name, command_rows[i].operands);
    entry(pen, left, command_rows[i].what);
  }
  heading(pen, "Examples");
  for (size_t i = 0; i < ARRAY_LEN(examples); i++) entry(pen, examples[i].line, examples[i].what);
  exit_codes(pen);
  pen_newline(pen);
  pen_text(pen, INK_PLAIN, "The options of a command: ckptlint help COMMAND\n");
}

void help_overview(struct pen *pen) {
  struct pen folds = folding(pen);
  write_overview(&folds);
}

void help_command(struct pen *pen, enum command command) {
  const struct command_row *row = &command_rows[command];
  struct pen folds = folding(pen);
  pen_format(&folds, INK_STRONG, "ckptlint %s [OPTION...]%s%s", row->name, *row->operands ? " " : "",
             row->operands);
  pen_newline(&folds);
  pen_folded(&folds, INK_PLAIN, 0, 0, row->what);
  pen_newline(&folds);
  option_groups(&folds, command);
}

static enum exit_code unknown_command(struct cli *cli, const char *word) {
  struct nearest near = {.word = span_str(word)};
  for (unsigned c = 0; c < COMMAND_COUNT; c++) nearest_try(&near, span_str(command_rows[c].name));
  char text[USAGE_ROOM];
  (void)snprintf(text, sizeof text, "there is no command %.200s%s%.*s%s", word,
                 near.best.n ? "; did you mean " : "", (int)near.best.n, (const char *)near.best.p,
                 near.best.n ? "?" : ": see ckptlint help");
  return cli_usage(cli, text);
}

enum exit_code command_help(struct cli *cli) {
  const struct options *o = cli->options;
  if (o->operands.list.n == 0) {
    help_overview(&cli->pen);
    return EXIT_CLEAN;
  }
  if (o->operands.list.n > 1) return cli_usage(cli, "help takes one command");
  for (unsigned c = 0; c < COMMAND_COUNT; c++)
    if (strcmp(o->operands.list.p[0], command_rows[c].name) == 0) {
      help_command(&cli->pen, (enum command)c);
      return EXIT_CLEAN;
    }
  return unknown_command(cli, o->operands.list.p[0]);
}
