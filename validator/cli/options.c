#include "cli/options.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/near.h"

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

/* ---- errors: the first one stays ---- */

static void PRINTF_LIKE(2, 3) wrong(struct options *o, const char *format, ...) {
  if (o->error[0]) return;
  va_list ap;
  va_start(ap, format);
  (void)vsnprintf(o->error, sizeof o->error, format, ap);
  va_end(ap);
}

/* "; did you mean --format?", or nothing. */
static const char *hint(char room[96], const char *before, struct span best) {
  room[0] = '\0';
  if (best.n) (void)snprintf(room, 96, "; did you mean %s%.*s?", before, (int)best.n, (const char *)best.p);
  return room;
}

/* ---- values ---- */

static bool parse_digits(const char *text, const char **end, uint64_t *out) {
  uint64_t n = 0;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++)
    if (!try_mul(n, 10u, &n) || !try_add(n, (uint64_t)(*p - '0'), &n)) return false;
  *end = p;
  *out = n;
  return p > text;
}

struct scale {
  const char *suffix;
  uint64_t factor;
};

/* The factor of a suffix, 0 if there is none such. */
static uint64_t scale_of(const char *suffix, const char *unit) {
  static const struct scale bytes[] = {{"", 1},         {"B", 1},        {"K", 1u << 10},
                                       {"M", 1u << 20}, {"G", 1u << 30}, {"T", UINT64_C(1) << 40}};
  static const struct scale seconds[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};
  static const struct scale counts[] = {
      {"", 1}, {"K", 1000}, {"M", 1000000}, {"G", 1000000000}, {"T", UINT64_C(1000000000000)}};
  bool of_bytes = strcmp(unit, "bytes") == 0, of_seconds = strcmp(unit, "seconds") == 0;
  const struct scale *list = of_bytes ? bytes : of_seconds ? seconds : counts;
  size_t n = of_bytes ? ARRAY_LEN(bytes) : of_seconds ? ARRAY_LEN(seconds) : ARRAY_LEN(counts);
  for (size_t i = 0; i < n; i++) {
    size_t len = strlen(list[i].suffix);
    if (strncmp(suffix, list[i].suffix, len) != 0) continue;
    const char *rest = suffix + len;
    if (!*rest) return list[i].factor;
    if (of_bytes && list[i].factor > 1 && (strcmp(rest, "B") == 0 || strcmp(rest, "iB") == 0))
      return list[i].factor;
  }
  return 0;
}

bool parse_amount(const char *text, const char *unit, uint64_t *out) {
  const char *suffix;
  uint64_t n;
  if (!parse_digits(text, &suffix, &n)) return false;
  uint64_t factor = scale_of(suffix, unit);
  return factor > 0 && try_mul(n, factor, out) && *out > 0 && *out <= INT64_MAX;
}

static bool parse_real(const char *text, double *out) {
  char *end;
  /* strtod also takes blanks, signs, "nan" and "inf". */
  if ((*text < '0' || *text > '9') && *text != '.') return false;
  *out = strtod(text, &end);
  return *end == '\0' && isfinite(*out) && !strpbrk(text, "xX");
}

/* Index of the word among "a|b|c"; false if it is none of them. */
static bool parse_choice(const char *words, const char *word, unsigned *out) {
  size_t len = strlen(word);
  unsigned i = 0;
  for (const char *p = words;; i++) {
    size_t n = strcspn(p, "|");
    if (n == len && memcmp(p, word, n) == 0) {
      *out = i;
      return true;
    }
    if (!p[n]) return false;
    p += n + 1;
  }
}

static void wrong_choice(struct options *o, const struct option_row *row, const char *value) {
  struct nearest near = {.word = span_str(value)};
  for (const char *p = row->argument;; p++) {
    size_t n = strcspn(p, "|");
    nearest_try(&near, span_of(p, n));
    p += n;
    if (!*p) break;
  }
  char room[96];
  wrong(o, "--%s: %.200s is none of %s%s", row->name, value, row->argument, hint(room, "", near.best));
}

static bool is_name(struct span s) {
  for (size_t i = 0; i < s.n; i++) {
    uint8_t c = s.p[i], lower = c | 0x20;
    bool letter = (lower >= 'a' && lower <= 'z') || c == '_', digit = c >= '0' && c <= '9';
    if (!letter && (i == 0 || !(digit || c == '.'))) return false;
  }
  return s.n > 0;
}

/* "x=in.npy" and "in.npy"; what stands before '=' is only taken for a name when it could be one, not in
 * "./a=b.npy". */
static bool parse_pair(enum option_kind kind, const char *text, struct name_value *out) {
  const char *equals = kind == OPTION_NAMES ? NULL : strchr(text, '=');
  struct span name = equals ? span_of(text, (size_t)(equals - text)) : SPAN("");
  if (kind == OPTION_SETTINGS) {
    if (name.n == 0) return false;
  } else if (!is_name(name)) {
    name = SPAN("");
    equals = NULL;
  }
  *out = (struct name_value){name, span_str(equals ? equals + 1 : text)};
  return out->value.n > 0 || kind == OPTION_SETTINGS;
}

static void add_pair(struct options *o, struct arena *a, const struct option_row *row, struct pair_list *list,
                     const char *value) {
  struct name_value pair, *slot;
  if (!parse_pair(row->kind, value, &pair))
    wrong(o, "--%s: %.200s is not %s", row->name, *value ? value : "\"\"", row->argument);
  else if (!(slot = vec_push(a, &list->rows, UINT32_MAX)))
    wrong(o, "out of memory");
  else
    *slot = pair;
}

/* ---- one option ---- */

struct given {
  struct option_row row;
  bool negated;      /* --no-NAME */
  const char *value; /* NULL: none came with it */
};

static void set_limit(struct options *o, const struct option_row *row, const char *value) {
  uint64_t n;
  if (parse_amount(value, row->unit, &n))
    memcpy((char *)&o->limits + row->offset, &n, sizeof n);
  else
    wrong(o, "--%s: %.200s is not a number of %s from 1", row->name, value, row->unit);
}

static void set_option(struct options *o, struct arena *a, const struct given *g) {
  const struct option_row *row = &g->row;
  const char *value = g->value ? g->value : "";
  union {
    char *any;
    bool *flag;
    unsigned *choice;
    const char **text;
    struct pair_list *pairs;
    double *real;
    uint32_t *count;
  } field;
  field.any = (char *)o + row->offset;
  uint64_t n;
  switch (row->kind) {
  case OPTION_FLAG:
  case OPTION_SWITCH: *field.flag = !g->negated; break;
  case OPTION_CHOICE:
    if (!parse_choice(row->argument, value, field.choice)) wrong_choice(o, row, value);
    break;
  case OPTION_TEXT:
    if (!*value) wrong(o, "--%s: %s must not be empty", row->name, row->argument);
    *field.text = value;
    break;
  case OPTION_NAMES:
  case OPTION_PAIRS:
  case OPTION_SETTINGS: add_pair(o, a, row, field.pairs, value); break;
  case OPTION_REAL:
    if (!parse_real(value, field.real)) wrong(o, "--%s: %.200s is not a number from 0", row->name, value);
    break;
  case OPTION_COUNT:
    if (!parse_amount(value, "", &n) || n > 1024)
      wrong(o, "--%s: %.200s is not a number from 1 to 1024", row->name, value);
    else
      *field.count = (uint32_t)n;
    break;
  case OPTION_LEVELS:
    if (!g->value)
      *field.count = (uint32_t)o->limits.nested_payloads;
    else if (!parse_amount(value, "", &n) || n > 16)
      wrong(o, "--%s: %.200s is not a number from 1 to 16", row->name, value);
    else
      *field.count = (uint32_t)n;
    break;
  case OPTION_LIMIT: set_limit(o, row, value); break;
  }
}

/* ---- finding it ---- */

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

static void unknown_name(struct options *o, struct span name) {
  struct nearest near = {.word = name};
  struct option_row row;
  for (size_t i = 0; option_row_at(i, &row); i++) nearest_try(&near, span_str(row.name));
  char room[96];
  wrong(o, "unknown option --%.*s%s", (int)min_size(name.n, 200), (const char *)name.p,
        hint(room, "--", near.best));
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
    wrong(o, "--%s needs a value: %s", g->row.name, g->row.argument);
  else if (!g->row.argument && g->value)
    wrong(o, "--%s takes no value", g->row.name);
  else
    set_option(o, line->arena, g);
}

/* "--name", "--name=value", "--name value" */
static void take_long(struct line *line, const char *text) {
  size_t n = strcspn(text, "=");
  struct given g = {.value = text[n] ? text + n + 1 : NULL};
  if (find_name(span_of(text, n), &g))
    take_option(line, &g);
  else
    unknown_name(line->o, span_of(text, n));
}

/* "-q", "-qv", "-j4", "-j 4" */
static void take_letters(struct line *line, const char *text) {
  for (const char *p = text; *p; p++) {
    struct given g = {.value = NULL};
    if (!find_letter(*p, &g)) {
      wrong(line->o, "unknown option -%c", *p);
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
    wrong(o, "out of memory");
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
static const char *commands_text(char room[96], unsigned commands) {
  size_t n = 0;
  room[0] = '\0';
  for (unsigned c = 0; c < COMMAND_COUNT && n < 80; c++)
    if (commands >> c & 1)
      n += (size_t)snprintf(room + n, 96 - n, "%s%s", n ? ", " : "", command_rows[c].name);
  return room;
}

static void check_applies(struct line *line) {
  const struct options *o = line->o;
  for (size_t i = 0; i < line->num_seen && !o->help && !o->version; i++) {
    if (line->seen_commands[i] >> o->command & 1) continue;
    char room[96];
    wrong(line->o, "--%s belongs to %s, not to %s", line->seen[i],
          commands_text(room, line->seen_commands[i]), command_rows[o->command].name);
  }
}

static void check_operands(struct options *o) {
  const struct command_row *row = &command_rows[o->command];
  if (!row->operands[0] && o->operands.list.n > 0)
    wrong(o, "%s takes no operand: %.200s", row->name, o->operands.list.p[0]);
}

/* A depth that reads no bytes has no figures of them to show. */
static void check_depth(struct options *o) {
  if (o->depth == DEPTH_FULL || o->help || o->version) return;
  if (o->hash) wrong(o, "--hash sha256 needs every byte: it does not go with --depth quick");
  if (o->target_dtype) wrong(o, "--target-dtype needs every byte: it does not go with --depth quick");
  if (o->reference) wrong(o, "--reference needs every byte: it does not go with --depth quick");
  if (o->stats) wrong(o, "--stats needs every byte: it does not go with --depth quick");
}

static void check_sheet(struct options *o) {
  if (o->help || o->version) return;
  if (o->format == FORMAT_CSV && !o->fields)
    wrong(o, "--format csv writes the rows of inspect --fields NAME,NAME");
  if (o->fields && (o->tensors || o->tree || o->globals || o->members || o->pickle || o->opcodes || o->stats))
    wrong(o, "--fields shows a row for each input: it does not go with what shows the inside of one");
}

/* "ckptlint chekc model.pt": a first operand that is nearly a command, no file, and not the only one. */
static void check_command(struct line *line) {
  const struct options *o = line->o;
  if (o->named || line->literal || o->operands.list.n < 2) return;
  struct nearest near = {.word = span_str(o->operands.list.p[0])};
  for (unsigned c = 0; c < COMMAND_COUNT; c++) nearest_try(&near, span_str(command_rows[c].name));
  if (near.best.n == 0 || access(o->operands.list.p[0], F_OK) == 0) return;
  char room[96];
  wrong(line->o, "unknown command %s%s", o->operands.list.p[0], hint(room, "", near.best));
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
