#include "cli/options.h"

#include <stdio.h>
#include <unistd.h>

#include "base/near.h"
#include "cli/option_value.h"

/* ---- the tables ---- */

const struct command_row command_rows[COMMAND_COUNT] = {
#define COMMAND(id, operands, run, what) {#id, operands, what},
#include "cli/commands.def"
#undef COMMAND
};
_Static_assert((int)COMMAND_scan == VERB_SCAN && (int)COMMAND_describe == VERB_DESCRIBE,
               "commands.def opens with enum run_verb");

const char *const group_headings[GROUP_COUNT] = {
#define GROUP(id, heading) heading,
#include "cli/options.def"
};

enum {
  INSPECT = 1 << COMMAND_inspect,
  RECORD = 1 << COMMAND_record,
  JUDGES = 1 << COMMAND_scan | 1 << COMMAND_check | 1 << COMMAND_forward | RECORD,
  LOOKS = JUDGES | INSPECT,
  DIFF = 1 << COMMAND_diff,
  DESCRIBE = 1 << COMMAND_describe,
  RUNS = JUDGES | INSPECT | DIFF | DESCRIBE,
  LOCK = 1 << COMMAND_lock,
  ONE_KEY = JUDGES | INSPECT | LOCK | DESCRIBE,
  READS = RUNS | LOCK | 1 << COMMAND_policy,
  REPORTS = RUNS | 1 << COMMAND_explain | 1 << COMMAND_rules | 1 << COMMAND_doctor | 1 << COMMAND_version,
  ALL = REPORTS | LOCK | 1 << COMMAND_policy | 1 << COMMAND_help
};

static const struct option_row rows[] = {
#define OPTION(field, long_name, short_name, type, words, set, section, text) \
  {.name = (long_name),                                                       \
   .argument = (words),                                                       \
   .help = (text),                                                            \
   .letter = (short_name),                                                    \
   .kind = OPTION_##type,                                                     \
   .commands = (set),                                                         \
   .group = GROUP_##section,                                                  \
   .offset = offsetof(struct options, field)},
#include "cli/options.def"
};

bool option_row_at(size_t i, struct option_row *out) {
  if (i < ARRAY_LEN(rows)) {
    *out = rows[i];
    return true;
  }
  i -= ARRAY_LEN(rows);
  for (size_t k = 0; k < num_limit_rows; k++) {
    const struct limit_row *l = &limit_rows[k];
    if (!l->flag) continue;
    if (i > 0) {
      i--;
      continue;
    }
    *out = (struct option_row){.name = l->flag + 2,
                               .argument = "N",
                               .help = l->why,
                               .kind = OPTION_LIMIT,
                               .commands = READS,
                               .group = GROUP_LIMITS,
                               .offset = l->offset,
                               .unit = l->unit,
                               .limit_name = l->name,
                               .limit = l->value};
    return true;
  }
  return false;
}

/* ---- finding an option ---- */

struct given {
  struct option_row row;
  bool negated;      /* --no-NAME */
  const char *value; /* NULL: none came with it */
};

static bool find_letter(char letter, struct given *g) {
  for (size_t i = 0; option_row_at(i, &g->row); i++)
    if (g->row.letter == letter) return true;
  return false;
}

static bool find_name(struct span name, struct given *g) {
  struct span no = SPAN("no-");
  for (size_t i = 0; option_row_at(i, &g->row); i++) {
    g->negated =
        g->row.kind == OPTION_SWITCH && span_starts(name, no) && span_is(span_from(name, no.n), g->row.name);
    if (g->negated || span_is(name, g->row.name)) return true;
  }
  return false;
}

/* "-model.pt" is taken for an option; where it is a file, how to name it. False: it is none. */
static bool names_file(struct options *o, const char *argument) {
  if (access(argument, F_OK) != 0) return false;
  option_wrong(o, "%.200s is taken for an option; the file is ./%.200s", argument, argument);
  return true;
}

static void unknown_name(struct options *o, struct span name) {
  struct nearest near = {.word = name};
  struct option_row row;
  for (size_t i = 0; option_row_at(i, &row); i++) nearest_try(&near, span_str(row.name));
  char room[OPTION_HINT];
  option_wrong(o, "unknown option --%.*s%s", (int)min_size(name.n, 200), (const char *)name.p,
               option_hint(room, "--", near.best));
}

/* ---- the whole line ---- */

enum { OPTIONS_MAX = 128 };

struct line {
  struct options *o;
  struct arena *arena;
  char *const *argv;
  int argc, at;                  /* argv[at] is next */
  bool literal;                  /* behind "--": no options any more */
  const char *seen[OPTIONS_MAX]; /* names of options, to be compared with the command when it is known */
  unsigned seen_commands[OPTIONS_MAX];
  size_t num_seen;
};

static void take_option(struct line *line, struct given *g) {
  struct options *o = line->o;
  bool optional = g->row.kind == OPTION_LEVELS; /* its value stands behind '=' or nowhere */
  if (g->row.argument && !optional && !g->value && line->at < line->argc) g->value = line->argv[line->at++];
  if (line->num_seen < OPTIONS_MAX) {
    line->seen[line->num_seen] = g->row.name;
    line->seen_commands[line->num_seen++] = g->row.commands;
  }
  if (g->row.argument && !optional && !g->value)
    option_wrong(o, "--%s needs a value: %s", g->row.name, g->row.argument);
  else if (!g->row.argument && g->value)
    option_wrong(o, "--%s takes no value", g->row.name);
  else
    option_set(o, line->arena, &g->row, g->value, g->negated);
}

/* "--name", "--name=value", "--name value" */
static void take_long(struct line *line, const char *text) {
  size_t n = strcspn(text, "=");
  struct given g = {.value = text[n] ? text + n + 1 : NULL};
  if (find_name(span_of(text, n), &g))
    take_option(line, &g);
  else if (!names_file(line->o, text - 2))
    unknown_name(line->o, span_of(text, n));
}

/* "-q", "-qv", "-j4", "-j 4" */
static void take_letters(struct line *line, const char *text) {
  for (const char *p = text; *p; p++) {
    struct given g = {.value = NULL};
    if (!find_letter(*p, &g)) {
      if (!names_file(line->o, text - 1)) option_wrong(line->o, "unknown option -%c", *p);
      return;
    }
    if (g.row.argument && p[1]) g.value = p + 1;
    take_option(line, &g);
    if (g.row.argument) return;
  }
}

static void take_operand(struct line *line, const char *text) {
  struct options *o = line->o;
  bool first = o->operands.list.n == 0 && !o->named && !line->literal;
  for (unsigned c = 0; first && c < COMMAND_COUNT; c++)
    if (strcmp(text, command_rows[c].name) == 0) {
      o->command = (enum command)c;
      o->named = true;
      return;
    }
  const char **slot = vec_push(line->arena, &o->operands.list, UINT32_MAX);
  if (slot)
    *slot = text;
  else
    option_wrong(o, "out of memory");
}

static void take_argument(struct line *line) {
  const char *text = line->argv[line->at++];
  if (line->literal || text[0] != '-' || text[1] == '\0')
    take_operand(line, text);
  else if (text[1] != '-')
    take_letters(line, text + 1);
  else if (text[2] != '\0')
    take_long(line, text + 2);
  else
    line->literal = true;
}

/* The commands of a set, as in "inspect" or "scan, check, forward". */
enum { COMMANDS_TEXT = 96, LONGEST_COMMAND = 16 };
static const char *commands_text(char room[COMMANDS_TEXT], unsigned commands) {
  size_t n = 0;
  room[0] = '\0';
  for (unsigned c = 0; c < COMMAND_COUNT && n < COMMANDS_TEXT - LONGEST_COMMAND; c++)
    if (commands >> c & 1)
      n += (size_t)snprintf(room + n, COMMANDS_TEXT - n, "%s%s", n ? ", " : "", command_rows[c].name);
  return room;
}

static void check_applies(struct line *line) {
  const struct options *o = line->o;
  for (size_t i = 0; i < line->num_seen && !o->help && !o->version; i++) {
    if (line->seen_commands[i] >> o->command & 1) continue;
    char room[COMMANDS_TEXT];
    option_wrong(line->o, "--%s belongs to %s, not to %s", line->seen[i],
                 commands_text(room, line->seen_commands[i]), command_rows[o->command].name);
  }
}

static void check_operands(struct options *o) {
  const struct command_row *row = &command_rows[o->command];
  if (!row->operands[0] && o->operands.list.n > 0)
    option_wrong(o, "%s takes no operand: %.200s", row->name, o->operands.list.p[0]);
}

/* A depth that reads no bytes has no figures of them to show. */
static void check_depth(struct options *o) {
  if (o->depth == DEPTH_FULL || o->help || o->version) return;
  if (o->hash) option_wrong(o, "--hash sha256 needs every byte: it does not go with --depth quick");
  if (o->target_dtype) option_wrong(o, "--target-dtype needs every byte: it does not go with --depth quick");
  if (o->reference) option_wrong(o, "--reference needs every byte: it does not go with --depth quick");
  if (o->stats) option_wrong(o, "--stats needs every byte: it does not go with --depth quick");
}

static bool has_empty_name(const char *fields) {
  for (const char *name = fields;; name++) {
    size_t n = strcspn(name, ",");
    if (n == 0) return true;
    name += n;
    if (!*name) return false;
  }
}

static void check_sheet(struct options *o) {
  if (o->help || o->version) return;
  if (o->fields && has_empty_name(o->fields))
    option_wrong(o, "--fields: a name between commas must not be empty");
  if (o->format == FORMAT_CSV && !o->fields)
    option_wrong(o, "--format csv writes the rows of inspect --fields NAME,NAME");
  if (o->fields && (o->tensors || o->tree || o->globals || o->members || o->pickle || o->opcodes || o->stats))
    option_wrong(o, "--fields shows a row for each input: it does not go with what shows the inside of one");
}

/* "ckptlint chekc model.pt": a first operand that is nearly a command, no file, and not the only one. */
static void check_command(struct line *line) {
  const struct options *o = line->o;
  if (o->named || line->literal || o->operands.list.n < 2) return;
  struct nearest near = {.word = span_str(o->operands.list.p[0])};
  for (unsigned c = 0; c < COMMAND_COUNT; c++) nearest_try(&near, span_str(command_rows[c].name));
  if (near.best.n == 0 || access(o->operands.list.p[0], F_OK) == 0) return;
  char room[OPTION_HINT];
  option_wrong(line->o, "unknown command %s%s", o->operands.list.p[0], option_hint(room, "", near.best));
}

bool options_parse(struct options *o, struct arena *a, int argc, char *const *argv) {
  *o = (struct options){.command = COMMAND_scan,
                        .limits = limits_default(),
                        .strict = true,
                        .rtol = -1,
                        .atol = -1,
                        .fail_on = SEV_HIGH,
                        .sandbox = SANDBOX_STANDARD};
  struct line line = {.o = o, .arena = a, .argv = argv, .argc = argc, .at = 1};
  while (line.at < argc) take_argument(&line);
  check_applies(&line);
  check_depth(o);
  check_sheet(o);
  check_operands(o);
  check_command(&line);
  return !o->error[0];
}
