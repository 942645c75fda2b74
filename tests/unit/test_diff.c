/* What the broker believes of a diff worker's region: only rows that number things of the two plans. */
#include "model/diff.h"

#include <stdio.h>

#include "tests/unit/plan_bench.h"

enum { ROWS = 2, SIZE = sizeof(struct diff_report) + ROWS * sizeof(struct diff_row) };

static const struct plan first = {.num_tensors = 3, .num_globals = 2, .num_values = 9, .num_dicts = 1};
static const struct plan second = {.num_tensors = 2, .num_globals = 1, .num_values = 4, .num_dicts = 2};

static struct diff_report *good(void) {
  static alignas(16) uint8_t region[SIZE];
  struct diff_report *r = (struct diff_report *)(void *)region;
  memset(region, 0, sizeof region);
  memcpy(r->magic, "CKLDIF\0\1", sizeof r->magic);
  r->complete = 1;
  r->dict_a = 1;
  r->dict_b = 2;
  r->num_rows = ROWS;
  r->rows[0] = (struct diff_row){.kind = DIFF_CHANGED, .a = 3, .b = 2, .figures = 1};
  r->rows[1] = (struct diff_row){.kind = DIFF_UNTIED, .a = 1, .b = 1, .partner = 3};
  return r;
}

static bool opens(const struct diff_report *r, size_t size) {
  const char *why = "";
  bool fine = diff_open(r, size, &first, &second, &why) != NULL;
  assert_true(fine == (why == NULL));
  return fine;
}

static void what_is_sound_opens(void **state) {
  (void)state;
  assert_true(opens(good(), SIZE));
}

#define SPOILED(change)             \
  do {                              \
    struct diff_report *r = good(); \
    change;                         \
    assert_false(opens(r, SIZE));   \
  } while (0)

static void what_is_not_is_refused(void **state) {
  (void)state;
  assert_false(opens(good(), sizeof(struct diff_report) - 1));
  assert_false(opens(good(), SIZE - 1));
  SPOILED(r->magic[0] = 0);
  SPOILED(r->complete = 0);
  SPOILED(r->complete = 2);
  SPOILED(r->dict_a = 2);
  SPOILED(r->dict_b = 3);
  SPOILED(r->prefix_of_b = 2);
  SPOILED(r->prefix_n = DIFF_PREFIX + 1);
  SPOILED(r->num_rows = ROWS + 1);
  SPOILED(r->num_rows = UINT32_MAX);
  SPOILED(r->rows[0].kind = DIFF_KINDS);
  SPOILED(r->rows[0].a = 4);
  SPOILED(r->rows[0].b = 3);
  SPOILED(r->rows[0].a = r->rows[0].b = 0);
  SPOILED(r->rows[0].partner = 1); /* only ties have one */
  SPOILED(r->rows[0].within = 2);
  SPOILED(r->rows[0].figures = 2);
  SPOILED(r->rows[1].partner = 0);
  SPOILED(r->rows[1].partner = 4);
  SPOILED((r->rows[1].kind = DIFF_TIED, r->rows[1].partner = 3)); /* in the second there are two */
  SPOILED((r->rows[1] = (struct diff_row){.kind = DIFF_GLOBAL_ADDED, .b = 2}));
  SPOILED((r->rows[1] = (struct diff_row){.kind = DIFF_VALUE_CHANGED, .a = 9, .b = 5}));
}

static void rows_within_the_tolerances_do_not_differ(void **state) {
  (void)state;
  struct diff_report *r = good();
  r->count[DIFF_CHANGED] = 2;
  r->count[DIFF_RETYPED] = 1;
  r->count[DIFF_VALUE_CHANGED] = r->count[DIFF_UNTIED] = 5;
  r->within = 3;
  assert_false(diff_differs(r));
  r->count[DIFF_ADDED] = 1;
  assert_true(diff_differs(r));
}

/* ---- values beside the weights ---- */

/* A value a line: depth by dots, key, kind, and what it is. */
static void put_line(struct plan_bench *p, const char *line) {
  char text[100], *word[3] = {NULL, NULL, NULL};
  uint32_t depth = (uint32_t)strspn(line, ".");
  size_t n = 0;
  snprintf(text, sizeof text, "%.*s", (int)strcspn(line + depth, "\n"), line + depth);
  for (char *at = text; at && n < 3; n++) {
    word[n] = at;
    if ((at = strchr(at, ' '))) *at++ = 0;
  }
  assert_true(n >= 2);
  const char *key = word[0], *kind = word[1], *what = n > 2 ? word[2] : "";
  static const struct {
    const char *word;
    enum plan_value_kind kind;
  } kinds[] = {{"dict", PLAN_VAL_DICT},     {"list", PLAN_VAL_LIST},     {"none", PLAN_VAL_NONE},
               {"bool", PLAN_VAL_BOOL},     {"int", PLAN_VAL_INT},       {"float", PLAN_VAL_FLOAT},
               {"text", PLAN_VAL_TEXT},     {"bigint", PLAN_VAL_BIGINT}, {"device", PLAN_VAL_DEVICE},
               {"dtype", PLAN_VAL_DTYPE},   {"class", PLAN_VAL_GLOBAL},  {"record", PLAN_VAL_RECORD},
               {"shared", PLAN_VAL_SHARED}, {"tensor", PLAN_VAL_TENSOR}, {"bytes", PLAN_VAL_BYTES}};
  size_t k = 0;
  while (k < ARRAY_LEN(kinds) && strcmp(kind, kinds[k].word) != 0) k++;
  assert_true(k < ARRAY_LEN(kinds));
  struct plan_value *v = plan_value(p, depth, strcmp(key, "-") ? key : "", kinds[k].kind);
  switch (kinds[k].kind) {
  case PLAN_VAL_BOOL:
  case PLAN_VAL_INT:
  case PLAN_VAL_SHARED: v->number = strtoll(what, NULL, 10); break;
  case PLAN_VAL_FLOAT: v->real = strtod(what, NULL); break;
  case PLAN_VAL_TEXT:
  case PLAN_VAL_BYTES:
    v->number = (int64_t)strlen(what);
    v->text = plan_words(p, what);
    break;
  case PLAN_VAL_BIGINT:
  case PLAN_VAL_DEVICE:
  case PLAN_VAL_DTYPE: v->text = plan_words(p, what); break;
  case PLAN_VAL_GLOBAL:
  case PLAN_VAL_RECORD: v->cls = plan_words(p, what); break;
  case PLAN_VAL_TENSOR: {
    const float number = strtof(what, NULL);
    const uint64_t one = 1;
    v->number = p->tensors.n;
    plan_bytes(p, DTYPE_F32, 1, &one, &number);
    break;
  }
  default: break;
  }
}

static const struct plan *read_plan(struct plan_bench *p, const char *lines) {
  plan_bench_open(p);
  put_line(p, "- dict");
  put_line(p, ".m dict");
  plan_dict_here(p, "m");
  const uint64_t one = 1;
  plan_entry(p, 2, "w", DTYPE_F32, 1, &one, NULL);
  for (; *lines; lines += strcspn(lines, "\n") + (lines[strcspn(lines, "\n")] == '\n')) put_line(p, lines);
  return plan_bench_done(p);
}

static void values_beside_the_weights_are_compared(void **state) {
  static const struct {
    const char *a, *b;
    enum diff_kind kind; /* DIFF_KINDS: no row */
    uint32_t at_a, at_b; /* rows of the values, 1-based: root, m, w, then these */
  } rows[] = {
      {".x int 3", ".x int 3", DIFF_KINDS, 0, 0},
      {".x int 3", ".x int 4", DIFF_VALUE_CHANGED, 4, 4},
      {".x int 3", ".x float 3", DIFF_VALUE_CHANGED, 4, 4}, /* another type */
      {".x bool 1", ".x bool 0", DIFF_VALUE_CHANGED, 4, 4},
      {".x none", ".x none", DIFF_KINDS, 0, 0},
      {".x float nan", ".x float nan", DIFF_KINDS, 0, 0},
      {".x float 0", ".x float -0", DIFF_VALUE_CHANGED, 4, 4},
      {".x text a", ".x text a", DIFF_KINDS, 0, 0},
      {".x text a", ".x text b", DIFF_VALUE_CHANGED, 4, 4},
      {".x bytes a", ".x bytes ab", DIFF_VALUE_CHANGED, 4, 4},
      {".x bigint 18446744073709551616", ".x bigint 18446744073709551617", DIFF_VALUE_CHANGED, 4, 4},
      {".x device cpu", ".x device cuda:0", DIFF_VALUE_CHANGED, 4, 4},
      {".x dtype torch.float32", ".x dtype torch.float32", DIFF_KINDS, 0, 0},
      {".x class a.B", ".x class a.C", DIFF_VALUE_CHANGED, 4, 4},
      {".x record a.B", ".x record a.C", DIFF_VALUE_CHANGED, 4, 4},
      {".x tensor 1", ".x tensor 1", DIFF_KINDS, 0, 0},
      {".x tensor 1", ".x tensor 2", DIFF_VALUE_CHANGED, 4, 4},
      {".x int 3", "", DIFF_VALUE_REMOVED, 4, 0},
      {"", ".x int 3", DIFF_VALUE_ADDED, 0, 4},
      {".x list\n..0 int 1", ".x list\n..0 int 2", DIFF_VALUE_CHANGED, 5, 5},
      {".x list\n..0 int 1", ".x list\n..0 int 1\n..1 int 2", DIFF_VALUE_ADDED, 0, 6},
      {".x dict\n..k int 1\n..l int 2", ".x dict\n..l int 2\n..k int 1", DIFF_KINDS, 0, 0},
      /* a value that stands in two places */
      {".x list\n.y list\n.z shared 3", ".x list\n.y list\n.z shared 3", DIFF_KINDS, 0, 0},
      {".x list\n.y list\n.z shared 3", ".x list\n.y list\n.z shared 4", DIFF_VALUE_CHANGED, 6, 6},
      {".x list\n.y list\n.z shared 3", ".y list\n.x list\n.z shared 4", DIFF_KINDS, 0, 0},
      {".x list\n.z shared 3", ".x list\n.z list", DIFF_VALUE_CHANGED, 5, 5},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct plan_bench a, b;
    struct arena arena;
    struct observations o;
    const struct limits max = limits_default();
    static alignas(16) uint8_t region[sizeof(struct diff_report) + 9 * sizeof(struct diff_row)];
    const struct plan *p = read_plan(&a, rows[i].a), *q = read_plan(&b, rows[i].b);
    const struct diff_request request = {
        .side = {{.plan = p, .file = plan_bench_file(&a)}, {.plan = q, .file = plan_bench_file(&b)}},
        .max = &max};
    const char *why = "";
    arena_init(&arena, 1 << 20);
    observations_init(&o, &arena, 10);
    memset(region, 0, sizeof region);
    assert_true(diff_run(&request, region, sizeof region, &arena, &o));
    const struct diff_report *r = diff_open(region, sizeof region, p, q, &why);
    assert_non_null(r);
    assert_int_equal(r->equal, 1);
    if (r->num_rows != (rows[i].kind != DIFF_KINDS))
      fail_msg("%s / %s: %u rows", rows[i].a, rows[i].b, r->num_rows);
    if (r->num_rows &&
        (r->rows[0].kind != rows[i].kind || r->rows[0].a != rows[i].at_a || r->rows[0].b != rows[i].at_b))
      fail_msg("%s / %s: kind %u, %u, %u", rows[i].a, rows[i].b, r->rows[0].kind, r->rows[0].a, r->rows[0].b);
    arena_free(&arena);
    plan_bench_close(&a);
    plan_bench_close(&b);
  }
}

/* Four times the bytes of both files are compared. */
static void numbers_are_compared_within_a_budget(void **state) {
  enum { TENSORS = 12, NUMBERS = 1000 };
  struct plan_bench side[2];
  const struct plan *p[2];
  struct arena arena;
  struct observations o;
  const struct limits max = limits_default();
  static alignas(16) uint8_t region[sizeof(struct diff_report) + TENSORS * sizeof(struct diff_row)];
  const uint64_t n = NUMBERS;
  (void)state;
  for (int k = 0; k < 2; k++) {
    plan_bench_open(&side[k]);
    put_line(&side[k], "- dict");
    plan_dict_here(&side[k], "");
    for (int i = 0; i < TENSORS; i++) {
      char name[16];
      snprintf(name, sizeof name, "t%d", i);
      const uint64_t none = 0;
      plan_entry(&side[k], 1, name, DTYPE_F32, 1, i ? &none : &n, NULL);
      struct plan_tensor *t = &side[k].tensors.p[side[k].tensors.n - 1];
      side[k].dims.p[t->first_dim] = NUMBERS; /* all of the first one's storage */
      t->numel = NUMBERS;
      t->storage = 1;
      t->tied = 0;
      side[k].stats.p[side[k].stats.n - 1] =
          (struct plan_stats){.done = 1, .count = NUMBERS, .finite = NUMBERS};
    }
    p[k] = plan_bench_done(&side[k]);
  }
  const struct diff_request request = {.side = {{.plan = p[0], .file = plan_bench_file(&side[0])},
                                                {.plan = p[1], .file = plan_bench_file(&side[1])}},
                                       .max = &max};
  arena_init(&arena, 1 << 20);
  observations_init(&o, &arena, 10);
  memset(region, 0, sizeof region);
  assert_true(diff_run(&request, region, sizeof region, &arena, &o));
  const struct diff_report *r = (const struct diff_report *)(const void *)region;
  assert_true(seen(&o, OBS_LIMIT_DIFF) > 0);
  assert_true(r->equal > 0 && r->count[DIFF_UNREAD] > 0 && r->equal + r->count[DIFF_UNREAD] == TENSORS);
  arena_free(&arena);
  plan_bench_close(&side[0]);
  plan_bench_close(&side[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_sound_opens),
      cmocka_unit_test(what_is_not_is_refused),
      cmocka_unit_test(rows_within_the_tolerances_do_not_differ),
      cmocka_unit_test(values_beside_the_weights_are_compared),
      cmocka_unit_test(numbers_are_compared_within_a_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
