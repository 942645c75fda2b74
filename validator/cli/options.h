/* The command line as a struct. The options are options.def and the rows of limits.def that have a flag;
 * nothing else knows a name. Texts point into argv, which must stay as it is. */
#ifndef CKPTLINT_CLI_OPTIONS_H
#define CKPTLINT_CLI_OPTIONS_H

#include "api/pipeline.h"
#include "base/arena.h"

enum command {
#define COMMAND(id, operands, run, what) COMMAND_##id,
#include "cli/commands.def"
#undef COMMAND
  COMMAND_COUNT
};

struct command_row {
  const char *name, *operands, *what;
};
extern const struct command_row command_rows[COMMAND_COUNT];

enum option_kind {
  OPTION_FLAG,
  OPTION_SWITCH,
  OPTION_CHOICE,
  OPTION_TEXT,
  OPTION_NAMES,
  OPTION_PAIRS,
  OPTION_SETTINGS,
  OPTION_REAL,
  OPTION_COUNT,
  OPTION_LEVELS,
  OPTION_LIMIT /* a row of limits.def */
};

enum option_group {
#define GROUP(id, heading) GROUP_##id,
#include "cli/options.def"
  GROUP_COUNT
};
extern const char *const group_headings[GROUP_COUNT];

struct option_row {
  const char *name, *argument, *help; /* argument is NULL for flags; words of a choice stand between '|' */
  char letter;
  enum option_kind kind;
  unsigned commands; /* 1 << enum command, a set */
  enum option_group group;
  size_t offset;                 /* of its field in struct options; of a limit in struct limits */
  const char *unit, *limit_name; /* LIMIT */
  uint64_t limit;                /* LIMIT: the default */
};
/* Row i, those of options.def first; false behind the last. */
bool option_row_at(size_t i, struct option_row *out);

struct pair_list {
  VEC(struct name_value) rows;
};

/* What a field of each kind is. */
typedef bool field_FLAG, field_SWITCH;
typedef unsigned field_CHOICE;
typedef const char *field_TEXT;
typedef struct pair_list field_NAMES, field_PAIRS, field_SETTINGS;
typedef double field_REAL;
typedef uint32_t field_COUNT, field_LEVELS;

enum { USAGE_ROOM = 512 };

struct options {
  enum command command;
  bool named; /* the command was written, not taken for granted */
  struct {
    VEC(const char *) list;
  } operands;
  struct limits limits;
#define OPTION(field, name, letter, kind, argument, commands, group, help) field_##kind field;
#include "cli/options.def"
  char error[USAGE_ROOM]; /* what is wrong with the call; holds bytes of argv as they are */
};

/* Reads argv[1] to argv[argc - 1]. Goes on after an error, so that --format and --color are known even for a
 * wrong call; the first error stays. False: o->error. */
NODISCARD bool options_parse(struct options *o, struct arena *a, int argc, char *const *argv);

/* "50M" as a number of `unit`: bytes take K M G T as powers of 1,024 (also written KiB, KB), seconds take s m
 * h, other units K M G T as powers of 1,000. False: not a number, zero, or beyond 2^63. */
NODISCARD bool parse_amount(const char *text, const char *unit, uint64_t *out);

#endif
