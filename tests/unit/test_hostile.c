/* What a hostile architecture or config file asks for is answered with a clear error, within 100 ms: file,
 * line, column, and what was expected. */
#include "tests/unit/arch_bench.h"

/* front, `n` times `unit` with its '#' replaced by the number, back */
struct made {
  const char *front, *unit, *back;
  uint32_t n;
};

static char *make_text(const struct made *t) {
  size_t unit = strlen(t->unit), cap = strlen(t->front) + strlen(t->back) + t->n * (unit + 20) + 1, n = 0;
  char *out = malloc(cap);
  assert_non_null(out);
  n += (size_t)snprintf(out, cap, "%s", t->front);
  for (uint32_t i = 0; i < t->n; i++)
    for (size_t k = 0; k < unit; k++)
      n += t->unit[k] == '#' ? (size_t)snprintf(out + n, cap - n, "%u", i)
                             : (size_t)snprintf(out + n, cap - n, "%c", t->unit[k]);
  snprintf(out + n, cap - n, "%s", t->back);
  return out;
}

/* Line and column are those of the first observation; line 0: the file as a whole. */
struct hostile {
  const char *what;
  struct made arch, config; /* config: "" none */
  enum obs_kind kind;
  uint64_t line, column;
  const char *says;
};

/* Answers the milliseconds of processor time. */
static double run(const struct hostile *h) {
  struct arch_bench b;
  char *arch = make_text(&h->arch), *config = h->config.front ? make_text(&h->config) : NULL;
  arch_bench_open(&b);
  struct span text = as_json(&b.arena, arch);
  if (config) b.sources.file = (struct text_file){SPAN("config.json"), as_json(&b.arena, config)};
  double started = cpu_milliseconds();
  if (arch_bench_parse(&b, text) && arch_bench_build(&b, "", 100)) fail_msg("%s: taken", h->what);
  double took = cpu_milliseconds() - started;
  assert_true(b.o.n > 0);
  const struct observation *o = &b.o.list[0];
  if (o->kind != h->kind || !says(o->detail, h->says))
    fail_msg("%s: kind %d, %.*s", h->what, (int)o->kind, (int)o->detail.n, (const char *)o->detail.p);
  if (h->line && (o->got != h->line || o->want != h->column))
    fail_msg("%s: line %llu, column %llu", h->what, (unsigned long long)o->got, (unsigned long long)o->want);
  bool of_config = h->config.front && h->kind == OBS_LIMIT_JSON;
  assert_true(span_is(o->subject, of_config ? "config.json" : "m.json"));
  free(arch);
  free(config);
  arch_bench_close(&b);
  return took;
}

/* Best of a few: on a machine that does much else at a time, even processor time is no steady measure. */
static void run_in_time(const struct hostile *h) {
  enum { TRIES = 5, ALLOWED_MS = 100 };
  double took = run(h);
  for (int i = 1; i < TRIES && took > ALLOWED_MS * SLOWER; i++) {
    double again = run(h);
    if (again < took) took = again;
  }
  print_message("%5.1f ms  %s\n", took, h->what);
  if (took > ALLOWED_MS * SLOWER) fail_msg("%s took %.0f ms", h->what, took);
}

#define ARCH(text) \
  { text, "", "", 0 }
#define NONE \
  { NULL, NULL, NULL, 0 }

static void is_answered_in_time(void **state) {
  static const struct hostile rows[] = {
      {"10^9 layers",
       ARCH("{'arch': 1,\n 'config': {'n': 1000000000},\n 'modules': {'l.{i < n}': 'Linear(1, 1)'}}"), NONE,
       OBS_ARCH_TOO_LARGE, 0, 0, "l.{i < 1000000000}"},
      {"10^9 layers in a config",
       ARCH("{'arch': 1, 'config': {'n': 2}, 'modules': {'l.{i < n}': 'Linear(1, 1)'}}"),
       {"{'n': 1000000000}", "", "", 0},
       OBS_ARCH_TOO_LARGE,
       0,
       0,
       "1000000000"},
      {"loops in loops in loops",
       ARCH("{'arch': 1, 'modules': {'a.{i < 1000}': {'modules': {'b.{j < 1000}': {'modules': {'c.{k < "
            "1000}': "
            "'ReLU()'}}}}}}"),
       NONE, OBS_ARCH_TOO_LARGE, 0, 0, ""},
      {"3^32 blocks",
       ARCH("{'arch': 1, 'blocks': {'B()': {'modules': {'a': 'B()', 'b': 'B()', 'c': 'B()'}}},\n 'modules': "
            "{'m': "
            "'B()'}}"),
       NONE, OBS_ARCH_EVAL, 1, 74, "does it hold itself?"},
      {"two blocks that hold each other",
       ARCH("{'arch': 1, 'blocks': {'A()': {'modules': {'b': 'B()'}}, 'B()': {'modules': {'a': 'A()'}}},\n"
            " 'roots': {'M': 'A()'}}"),
       NONE, OBS_ARCH_EVAL, 1, 50, "does it hold itself?"},
      {"cyclic defaults", ARCH("{'arch': 1, 'config': {\n  'a': '=b + 1',\n  'b': '=a + 1'}, 'modules': {}}"),
       NONE, OBS_ARCH_EVAL, 2, 10, "'b' is not known yet: this line or a later one computes it"},
      {"a default of itself", ARCH("{'arch': 1, 'config': {'a': '=a'}, 'modules': {}}"), NONE, OBS_ARCH_EVAL,
       1, 31, "'a' is not known yet: this line or a later one computes it"},
      {"division by zero", ARCH("{'arch': 1, 'config': {'h': 0},\n 'modules': {'m': 'Linear(8, 8 // h)'}}"),
       NONE, OBS_ARCH_EVAL, 2, 32, "division by zero"},
      {"remainder by zero", ARCH("{'arch': 1, 'config': {'h': 0}, 'let': {'x': '8 % h'}}"), NONE,
       OBS_ARCH_EVAL, 1, 49, "division by zero"},
      {"a product beyond 64 bits",
       ARCH("{'arch': 1, 'config': {'d': 2251799813685248}, 'modules': {'m': 'Parameter(d * 4096)'}}"), NONE,
       OBS_ARCH_EVAL, 1, 78, "does not fit 64 bits"},
      {"a shape beyond 64 bits",
       ARCH("{'arch': 1, 'config': {'d': 4294967296}, 'modules': {'m': 'Linear(d, d)'}}"), NONE,
       OBS_ARCH_EVAL, 1, 60, "number of elements does not fit 64 bits"},
      {"a power tower", ARCH("{'arch': 1, 'let': {'x': '9**9**9**9'}}"), NONE, OBS_ARCH_EVAL, 1, 31,
       "64 bits"},
      {"deep brackets",
       {"{'arch': 1, 'let': {'x': '", "(", "'}}", 4000},
       NONE,
       OBS_LIMIT_ARCH,
       1,
       92,
       "nest"},
      {"deep calls",
       {"{'arch': 1, 'let': {'x': '", "abs(", "'}}", 1000},
       NONE,
       OBS_LIMIT_ARCH,
       1,
       287,
       "nest"},
      {"deep conditions",
       {"{'arch': 1, 'let': {'x': '", "1 if 1 else ", "1'}}", 300},
       NONE,
       OBS_LIMIT_ARCH,
       0,
       0,
       "nest"},
      {"a long expression",
       {"{'arch': 1, 'let': {'x': '", "1 + ", "1'}}", 200000},
       NONE,
       OBS_LIMIT_ARCH,
       1,
       27,
       "limit is 4096"},
      {"a tree of depth",
       {"{'arch': 1, 'let': {'x': '", "1 + ", "1'}}", 1000},
       NONE,
       OBS_LIMIT_ARCH,
       0,
       0,
       "nest"},
      {"deep JSON", {"{'arch': 1, 'config': {'x': ", "[", "", 100000}, NONE, OBS_LIMIT_JSON, 0, 0, ""},
      {"deep JSON in a config",
       ARCH("{'arch': 1, 'config': {'x': 1}}"),
       {"{'x': ", "[", "", 100000},
       OBS_LIMIT_JSON,
       0,
       0,
       ""},
      {"deep modules",
       {"{'arch': 1, 'modules': {'a': ", "{'modules': {'a': ", "1", 1000},
       NONE,
       OBS_LIMIT_JSON,
       0,
       0,
       ""},
      {"doubled tuples",
       {"{'arch': 1, 'let': {'x0': '(1, 2)'", ", 'y#': '(1,) * 65536'", "}}", 1000},
       NONE,
       OBS_LIMIT_ARCH,
       0,
       0,
       "steps"},
      {"a tuple of tuples",
       ARCH("{'arch': 1, 'let': {'a': '(1,) * 60000', 'b': '(a,) * 60000', 'c': '(b,) * 60000', 'd': '(c,) * "
            "60000',"
            " 'e': 'd == ((c,) * 60000)'}, 'modules': {}}"),
       NONE, OBS_LIMIT_ARCH, 1, 113, "steps"},
      {"long expressions in a loop",
       {"{'arch': 1, 'modules': {'m.{i < 1400}': {'modules': {'a': 'None if len((", "1,",
        ")) else None', 'b': 'None'}}}}", 2000},
       NONE,
       OBS_LIMIT_ARCH,
       0,
       0,
       "steps"},
      {"a long text in a loop",
       ARCH("{'arch': 1, 'config': {'s': ''}, 'modules': {'m.{i < 1400}': 'None if s == s else None'}}"),
       {"{'s': '", "x", "'}", 1000000},
       OBS_LIMIT_ARCH,
       1,
       73,
       "steps"},
      {"the length of a long text in a loop",
       ARCH("{'arch': 1, 'config': {'s': ''}, 'modules': {'m.{i < 1400}': 'None if len(s) else None'}}"),
       {"{'s': '", "x", "'}", 1000000},
       OBS_LIMIT_ARCH,
       1,
       71,
       "steps"},
      {"a wide dict in a loop",
       ARCH("{'arch': 1, 'config': {'d': {}}, 'modules': {'m.{i < 1400}': 'None if d.x else None'}}"),
       {"{'d': {'y': 1", ", 'k#': #", "}}", 20000},
       OBS_LIMIT_ARCH,
       1,
       73,
       "steps"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) run_in_time(&rows[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_answered_in_time)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
