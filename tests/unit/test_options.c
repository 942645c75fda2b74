/* The command line: what is taken, and the exact words for what is not. */
#include "cli/options.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/inputs.h"
#include "tests/unit/check.h"

enum { WORDS = 12 };

/* Parses words as if they stood behind the program's name. */
static bool parse(struct options *o, struct arena *a, const char *const *words) {
  char program[] = "ckptlint", *argv[WORDS + 1];
  int argc = 0;
  argv[argc++] = program;
  for (; argc <= WORDS && words[argc - 1]; argc++) {
    union {
      const char *in;
      char *out;
    } u = {.in = words[argc - 1]};
    argv[argc] = u.out;
  }
  arena_init(a, 1 << 20);
  return options_parse(o, a, argc, argv);
}

static void wrong_calls_are_told_exactly(void **state) {
  (void)state;
  static const struct {
    const char *words[WORDS], *error;
  } rows[] = {
      {{"--formt", "json", "x"}, "unknown option --formt; did you mean --format?"},
      {{"--zzz", "x"}, "unknown option --zzz"},
      {{"-x", "x"}, "unknown option -x"},
      {{"-qx", "x"}, "unknown option -x"},
      {{"--format"}, "--format needs a value: text|json|ndjson|csv"},
      {{"--format", "jsno", "x"}, "--format: jsno is none of text|json|ndjson|csv; did you mean json?"},
      {{"--format=xml", "x"}, "--format: xml is none of text|json|ndjson|csv"},
      {{"--format=", "x"}, "--format:  is none of text|json|ndjson|csv"},
      {{"--fail-on", "hihg", "x"},
       "--fail-on: hihg is none of info|low|medium|high|critical|none; did you mean high?"},
      {{"--sandbox", "off", "x"}, "--sandbox: off is none of none|reduced|required"},
      {{"--timings=yes", "x"}, "--timings takes no value"},
      {{"--tree", "x"}, "--tree belongs to inspect, not to scan"},
      {{"inspect", "--arch", "a.json", "x"},
       "--arch belongs to scan, check, forward, record, not to inspect"},
      {{"doctor", "--jobs", "2"},
       "--jobs belongs to scan, check, forward, inspect, diff, describe, record, lock, policy, not to "
       "doctor"},
      {{"--jobs", "0", "x"}, "--jobs: 0 is not a number from 1 to 1024"},
      {{"-j1025", "x"}, "--jobs: 1025 is not a number from 1 to 1024"},
      {{"-jx", "x"}, "--jobs: x is not a number from 1 to 1024"},
      {{"--rtol", "-1", "x"}, "--rtol: -1 is not a number from 0"},
      {{"--rtol", "nan", "x"}, "--rtol: nan is not a number from 0"},
      {{"--atol", "1e999", "x"}, "--atol: 1e999 is not a number from 0"},
      {{"--atol", "0x1p3", "x"}, "--atol: 0x1p3 is not a number from 0"},
      {{"--set", "depth", "x"}, "--set: depth is not NAME=VALUE"},
      {{"--set", "=3", "x"}, "--set: =3 is not NAME=VALUE"},
      {{"--input", "", "x"}, "--input: \"\" is not [NAME=]FILE.npy"},
      {{"--input", "x=", "x"}, "--input: x= is not [NAME=]FILE.npy"},
      {{"--arch", "", "x"}, "--arch: FILE|NAME must not be empty"},
      {{"--timeout", "0", "x"}, "--timeout: 0 is not a number of seconds from 1"},
      {{"--timeout", "1d", "x"}, "--timeout: 1d is not a number of seconds from 1"},
      {{"--max-stdin", "18446744073709551616", "x"},
       "--max-stdin: 18446744073709551616 is not a number of bytes from 1"},
      {{"--max-oops", "1", "x"}, "unknown option --max-oops; did you mean --max-ops?"},
      {{"--no-tree", "inspect", "x"}, "unknown option --no-tree"},
      {{"chekc", "/no/such/file.pt"}, "unknown command chekc; did you mean check?"},
      {{"--hash", "sha256", "x"}, "--hash belongs to inspect, not to scan"},
      {{"inspect", "--depth", "quick", "--hash", "sha256", "x"},
       "--hash sha256 needs every byte: it does not go with --depth quick"},
      {{"inspect", "--stats", "--depth", "quick", "x"},
       "--stats needs every byte: it does not go with --depth quick"},
      {{"--format", "csv", "x"}, "--format csv writes the rows of inspect --fields NAME,NAME"},
      {{"inspect", "--fields", "epoch", "--tree", "x"},
       "--fields shows a row for each input: it does not go with what shows the inside of one"},
      {{"rules", "GLB301"}, "rules takes no operand: GLB301"},
      {{"--bogus", "--other", "x"}, "unknown option --bogus"}, /* the first error stays */
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct options o;
    struct arena a;
    bool ok = parse(&o, &a, rows[i].words);
    if (ok || strcmp(o.error, rows[i].error) != 0) print_message("row %zu: %s\n", i, o.error);
    assert_false(ok);
    assert_string_equal(o.error, rows[i].error);
    arena_free(&a);
  }
}

static void format_is_known_behind_an_error(void **state) {
  (void)state;
  struct options o;
  struct arena a;
  assert_false(parse(&o, &a, (const char *const[]){"--bogus", "--format", "json", NULL}));
  assert_int_equal(o.format, FORMAT_JSON);
  arena_free(&a);
}

static void commands_are_the_first_operand(void **state) {
  (void)state;
  static const struct {
    const char *words[WORDS];
    enum command command;
    uint32_t operands;
  } rows[] = {
      {{"model.pt"}, COMMAND_scan, 1},
      {{"scan", "model.pt"}, COMMAND_scan, 1},
      {{"check", "model.pt"}, COMMAND_check, 1},
      {{"--format", "json", "check", "model.pt"}, COMMAND_check, 1},
      {{"check", "check"}, COMMAND_check, 1}, /* only the first */
      {{"scan", "inspect"}, COMMAND_scan, 1},
      {{"./check"}, COMMAND_scan, 1},
      {{"--", "check"}, COMMAND_scan, 1}, /* behind -- it is a file */
      {{"--", "--tree"}, COMMAND_scan, 1},
      {{"a", "--", "-q", "--"}, COMMAND_scan, 3},
      {{"-"}, COMMAND_scan, 1},
      {{"inspect", "-", "--tree"}, COMMAND_inspect, 1},
      {{"a", "b", "-q", "c"}, COMMAND_scan, 3}, /* options may stand anywhere */
      {{"Check"}, COMMAND_scan, 1},             /* names are exact */
      {{"rules"}, COMMAND_rules, 0},
      {{"help", "check"}, COMMAND_help, 1},
      {{"explain", "GLB301", "FMT102"}, COMMAND_explain, 2},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct options o;
    struct arena a;
    if (!parse(&o, &a, rows[i].words)) print_message("row %zu: %s\n", i, o.error);
    assert_string_equal(o.error, "");
    assert_int_equal(o.command, rows[i].command);
    assert_int_equal(o.operands.list.n, rows[i].operands);
    arena_free(&a);
  }
}

static void defaults_are_safe(void **state) {
  (void)state;
  struct options o;
  struct arena a;
  assert_true(parse(&o, &a, (const char *const[]){"x", NULL}));
  const struct limits limits = limits_default();
  assert_int_equal(o.sandbox, SANDBOX_STANDARD);
  assert_int_equal(o.fail_on, SEV_HIGH);
  assert_int_equal(o.depth, DEPTH_FULL);
  assert_int_equal(o.profile, PROFILE_STRICT);
  assert_true(o.strict);
  assert_true(o.rtol < 0 && o.atol < 0);
  assert_memory_equal(&o.limits, &limits, sizeof limits);
  arena_free(&a);
}

static void values_reach_their_fields(void **state) {
  (void)state;
  struct options o;
  struct arena a;
  assert_true(
      parse(&o, &a,
            (const char *const[]){"check", "m.pt", "--arch=a.json", "--no-strict", "--depth", "quick",
                                  "--fail-on", "none", "--sandbox=reduced", "-qj4", "--rtol", ".5", NULL}));
  assert_string_equal(o.arch, "a.json");
  assert_false(o.strict);
  assert_int_equal(o.depth, DEPTH_QUICK);
  assert_int_equal(o.fail_on, SEV_COUNT);
  assert_int_equal(o.sandbox, SANDBOX_REDUCED);
  assert_true(o.quiet);
  assert_int_equal(o.jobs, 4);
  assert_true(o.rtol >= 0.5 && o.rtol <= 0.5);
  arena_free(&a);
  assert_true(parse(&o, &a,
                    (const char *const[]){"x", "--max-ops", "2K", "--max-stdin=3G", "--timeout", "2m",
                                          "--sandbox", "none", "--sandbox", "required", NULL}));
  assert_int_equal(o.limits.pickle_ops, 2000);
  assert_int_equal(o.limits.stdin_bytes, UINT64_C(3) << 30);
  assert_int_equal(o.limits.seconds, 120);
  assert_int_equal(o.sandbox, SANDBOX_STANDARD); /* the last one counts */
  arena_free(&a);
}

static void pairs_split_at_names_only(void **state) {
  (void)state;
  static const struct {
    const char *option, *word, *name, *value;
  } rows[] = {
      {"--input", "x=in.npy", "x", "in.npy"},
      {"--input", "in.npy", "", "in.npy"},
      {"--input", "./a=b.npy", "", "./a=b.npy"}, /* not a name before '=' */
      {"--input", "3=b.npy", "", "3=b.npy"},
      {"--input", "x=a=b.npy", "x", "a=b.npy"},
      {"--expect", "out.logits=y.npy", "out.logits", "y.npy"},
      {"--save-output", "y=o.npy", "y", "o.npy"},
      {"--set", "hidden=[1, 2]", "hidden", "[1, 2]"},
      {"--set", "name=", "name", ""},
      {"--set", "a.b-c=d=e", "a.b-c", "d=e"},
      {"--allow", "my.Class", "", "my.Class"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct options o;
    struct arena a;
    assert_true(parse(&o, &a, (const char *const[]){"m.pt", rows[i].option, rows[i].word, NULL}));
    const struct pair_list *const lists[] = {&o.inputs, &o.expects, &o.outputs, &o.set, &o.allow};
    size_t found = 0;
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
      if (lists[k]->rows.n == 0) continue;
      assert_true(span_is(lists[k]->rows.p[0].name, rows[i].name));
      assert_true(span_is(lists[k]->rows.p[0].value, rows[i].value));
      found++;
    }
    assert_int_equal(found, 1);
    arena_free(&a);
  }
}

static void amounts_have_units(void **state) {
  (void)state;
  static const struct {
    const char *text, *unit;
    uint64_t want; /* 0: refused */
  } rows[] = {
      {"1", "bytes", 1},
      {"1K", "bytes", 1024},
      {"1KiB", "bytes", 1024},
      {"1KB", "bytes", 1024},
      {"512B", "bytes", 512},
      {"2M", "bytes", 2097152},
      {"4G", "bytes", 4294967296},
      {"1T", "bytes", 1099511627776},
      {"1BB", "bytes", 0},
      {"1k", "bytes", 0},
      {"1KiBs", "bytes", 0},
      {"1 K", "bytes", 0},
      {"0", "bytes", 0},
      {"0K", "bytes", 0},
      {"", "bytes", 0},
      {"K", "bytes", 0},
      {"-1", "bytes", 0},
      {"+1", "bytes", 0},
      {"1.5G", "bytes", 0},
      {"0x10", "bytes", 0},
      {"9223372036854775807", "bytes", INT64_MAX},
      {"9223372036854775808", "bytes", 0}, /* edge: 2^63 */
      {"8388607T", "bytes", UINT64_C(8388607) << 40},
      {"8388608T", "bytes", 0}, /* edge: 2^63 */
      {"18446744073709551617", "bytes", 0},
      {"99999999999999999999999", "bytes", 0},
      {"90", "seconds", 90},
      {"90s", "seconds", 90},
      {"2m", "seconds", 120},
      {"1h", "seconds", 3600},
      {"2K", "seconds", 0},
      {"5M", "opcodes", 5000000},
      {"2T", "operations", 2000000000000},
      {"1KiB", "opcodes", 0},
      {"7", "times", 7},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    uint64_t n = 0;
    bool ok = parse_amount(rows[i].text, rows[i].unit, &n);
    if (ok != (rows[i].want > 0) || (ok && n != rows[i].want))
      print_message("%s %s: %ju\n", rows[i].text, rows[i].unit, (uintmax_t)n);
    assert_int_equal(ok, rows[i].want > 0);
    if (ok) assert_int_equal(n, rows[i].want);
  }
}

/* The table itself: names and letters are unique, every flag of limits.def is an option, nothing is without
 * help. */
static void table_is_sound(void **state) {
  (void)state;
  struct option_row a, b;
  size_t limits = 0, flags = 0;
  for (size_t i = 0; option_row_at(i, &a); i++) {
    assert_true(a.help && *a.help && a.commands && a.group < GROUP_COUNT);
    assert_int_equal(a.kind == OPTION_FLAG || a.kind == OPTION_SWITCH, a.argument == NULL);
    limits += a.kind == OPTION_LIMIT;
    for (size_t k = 0; k < i && option_row_at(k, &b); k++) {
      assert_string_not_equal(a.name, b.name);
      assert_true(a.letter == 0 || a.letter != b.letter);
    }
  }
  for (size_t i = 0; i < num_limit_rows; i++) flags += limit_rows[i].flag != NULL;
  assert_int_equal(limits, flags);
}

/* ---- lists of paths ---- */

static const char *collect(struct options *o, struct arena *a, const char *bytes, size_t n, bool null,
                           struct input_list *out) {
  static char path[] = "/tmp/ckptlint-list-XXXXXX";
  char name[sizeof path];
  memcpy(name, path, sizeof path);
  int fd = mkstemp(name);
  assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
  close(fd);
  assert_true(parse(o, a,
                    null ? (const char *const[]){"first", "--files-from", name, "-0", NULL}
                         : (const char *const[]){"first", "--files-from", name, NULL}));
  const char *wrong = inputs_collect(o, a, out);
  unlink(name);
  return wrong;
}

static void lists_are_bytes(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
    bool null;
    const char *paths[4];
  } rows[] = {
      {"", 0, false, {"first"}},
      {"a\nb\n", 4, false, {"first", "a", "b"}},
      {"a\nb", 3, false, {"first", "a", "b"}},     /* no last newline */
      {"\n\na\n\n", 5, false, {"first", "a"}},     /* empty lines are nothing */
      {" a b \n", 6, false, {"first", " a b "}},   /* blanks belong to the path */
      {"\xff\r\n", 3, false, {"first", "\xff\r"}}, /* as do any bytes */
      {"a\0b\nc\0", 6, true, {"first", "a", "b\nc"}},
      {"a\0b", 3, true, {"first", "a", "b"}},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct options o;
    struct arena a;
    struct input_list list;
    assert_null(collect(&o, &a, rows[i].bytes, rows[i].n, rows[i].null, &list));
    size_t n = 0;
    for (; n < 4 && rows[i].paths[n]; n++)
      assert_true(n < list.n && strcmp(list.paths[n], rows[i].paths[n]) == 0);
    assert_int_equal(list.n, n);
    arena_free(&a);
  }
}

static void lists_can_be_wrong(void **state) {
  (void)state;
  struct options o;
  struct arena a;
  struct input_list list;
  assert_string_equal(collect(&o, &a, "a\0b\n", 4, false, &list),
                      "a path of --files-from holds a NUL byte: is -0 missing?");
  arena_free(&a);
  assert_true(parse(&o, &a, (const char *const[]){"-", "--files-from", "-", NULL}));
  assert_string_equal(inputs_collect(&o, &a, &list),
                      "standard input can't be both a checkpoint and the list of paths");
  arena_free(&a);
  assert_true(parse(&o, &a, (const char *const[]){"--files-from", "/no/such/list", NULL}));
  assert_string_equal(inputs_collect(&o, &a, &list),
                      "--files-from: can't read /no/such/list: No such file or directory");
  arena_free(&a);
  assert_true(parse(&o, &a, (const char *const[]){"x", "-0", NULL}));
  assert_string_equal(inputs_collect(&o, &a, &list), "-0 is about --files-from, which is not given");
  arena_free(&a);
  assert_true(parse(&o, &a, (const char *const[]){"-q", NULL}));
  assert_string_equal(inputs_collect(&o, &a, &list), "no path is given: see ckptlint help");
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_calls_are_told_exactly),
      cmocka_unit_test(format_is_known_behind_an_error),
      cmocka_unit_test(commands_are_the_first_operand),
      cmocka_unit_test(defaults_are_safe),
      cmocka_unit_test(values_reach_their_fields),
      cmocka_unit_test(pairs_split_at_names_only),
      cmocka_unit_test(amounts_have_units),
      cmocka_unit_test(table_is_sound),
      cmocka_unit_test(lists_are_bytes),
      cmocka_unit_test(lists_can_be_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
