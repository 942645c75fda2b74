#include "base/json.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/check.h"

static cJSON *parse(struct span text, struct json_error *err) {
  struct limits max = limits_default();
  return json_parse(text, &max, err);
}

/* RFC 8259, its examples and edges: what any reader must take. */
static const char *const good[] = {
    "{}",
    "[]",
    " [ ] ",
    "\t{\r\n}\n",
    "0",
    "-0",
    "1",
    "-1.5e-3",
    "1E+2",
    "0.5",
    "true",
    "false",
    "null",
    "\"\"",
    "[1,2,3]",
    "[[],{},[{}]]",
    "{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0041\\ud83d\\ude00\"",
    "\"na\xc3\xafve \xf0\x9f\x98\x80\x7f\"",
    "9007199254740992",
    "-9007199254740992",
    "9007199254740993.0",
    "1e308",
    "1e-400",
    "1e22",
    "{\"shape\":1,\"Shape\":2,\"\":3,\" \":4}",
    "[1.7976931348623157e308]",
    "123456789012345678901234567890123456789012345678901234567890e00", /* 63 characters */
};

static void takes_json(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(good); i++) {
    struct json_error err;
    struct span s = exact_copy(good[i], strlen(good[i]));
    cJSON *root = parse(s, &err);
    if (!root) fail_msg("%s: expected %s", good[i], err.what);
    cJSON_Delete(root);
    exact_free(s);
  }
}

/* base/json.h says what cJSON would take; the rest is RFC 8259 and the test names of JSONTestSuite ("n_*").
 */
#define ROW(name, text, at) \
  { name, text, sizeof text - 1, at }
static const struct {
  const char *name, *text;
  size_t n, at;
} bad[] = {
    ROW("nothing", "", 0),
    ROW("blank", "  \n", 3),
    ROW("byte order mark", "\xef\xbb\xbf{}", 0),
    ROW("UTF-16", "\xff\xfe[\0]\0", 0),
    ROW("text behind", "{} x", 3),
    ROW("two values", "1 2", 2),
    ROW("NUL behind", "{}\0", 2),
    ROW("duplicate key", "{\"a\":1,\"a\":2}", 7),
    ROW("duplicate after unescaping", "{\"a\":1,\"\\u0061\":2}", 7),
    ROW("duplicate, both escaped", "{\"\\n\\ud83d\\ude00\":1,\"\\u000a\xf0\x9f\x98\x80\":2}", 20),
    ROW("duplicate empty key", "{\"\":1,\"\":2}", 6),
    ROW("duplicate in the second object", "[{\"a\":1},{\"a\":1,\"b\":2,\"a\":3}]", 22),
    ROW("duplicate behind a nested object", "{\"a\":{\"a\":1},\"a\":3}", 13),
    ROW("the eighth key again", "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"g\":1}", 43),
    ROW("the first as the ninth", "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"a\":1}",
        49),
    ROW("the ninth as the tenth",
        "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"\\u0069\":1}", 55),
    ROW("the first as the ninth, with an object between",
        "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":{\"a\":1,\"z\":2},\"a\":1}", 61),
    ROW("leading zero", "[0123]", 1),
    ROW("negative leading zero", "-01", 0),
    ROW("no digit behind the point", "[1.]", 3),
    ROW("no digit before the point", "[.5]", 1),
    ROW("no digit in the exponent", "[1e+]", 4),
    ROW("bare minus", "[-]", 2),
    ROW("plus", "[+1]", 1),
    ROW("hexadecimal", "[0x10]", 2),
    ROW("NaN", "[NaN]", 1),
    ROW("Infinity", "[-Infinity]", 2),
    ROW("beyond double", "[1e400]", 1),
    ROW("beyond double, no exponent", "[-1e309]", 1),
    ROW("2^53 + 1", "[9007199254740993]", 1),
    ROW("-2^53 - 1", "[-9007199254740993]", 1),
    ROW("2^64", "18446744073709551616", 0),
    ROW("2^64 + 1, where a wrapping sum is 1", "18446744073709551617", 0),
    ROW("64 characters of number", "[0.00000000000000000000000000000000000000000000000000000000000000]", 1),
    ROW("zero byte escaped", "\"a\\u0000b\"", 2),
    ROW("zero byte raw", "\"a\0b\"", 2),
    ROW("raw newline", "\"a\nb\"", 2),
    ROW("raw 0x1f", "\"\x1f\"", 1),
    ROW("lone high surrogate", "\"\\ud83d\"", 1),
    ROW("high surrogate, then text", "\"\\ud83dx\"", 1),
    ROW("two high surrogates", "\"\\ud83d\\ud83d\"", 1),
    ROW("lone low surrogate", "\"\\ude00\"", 1),
    ROW("surrogate as UTF-8", "\"\xed\xa0\x80\"", 1),
    ROW("overlong slash", "\"\xc0\xaf\"", 1),
    ROW("Latin-1", "\"na\xefve\"", 3),
    ROW("cut UTF-8", "\"\xe2\x82\"", 1),
    ROW("unknown escape", "\"\\x41\"", 1),
    ROW("bad hex", "\"\\u00g0\"", 1),
    ROW("cut hex", "\"\\u00\"", 1),
    ROW("cut escape", "\"\\", 1),
    ROW("backslash and NUL", "\"\\\0\"", 1),
    ROW("unterminated string", "[\"abc", 5),
    ROW("single quotes", "{'a':1}", 1),
    ROW("bare key", "{a:1}", 1),
    ROW("number as key", "{1:1}", 1),
    ROW("no colon", "{\"a\" 1}", 5),
    ROW("no value", "{\"a\":}", 5),
    ROW("trailing comma in a list", "[1,]", 3),
    ROW("trailing comma in an object", "{\"a\":1,}", 7),
    ROW("leading comma", "[,1]", 1),
    ROW("no comma", "[1 2]", 3),
    ROW("no comma between members", "{\"a\":1 \"b\":2}", 7),
    ROW("unclosed list", "[1", 2),
    ROW("unclosed object", "{\"a\":1", 6),
    ROW("closed by the other bracket", "[1}", 2),
    ROW("closed too often", "[]]", 2),
    ROW("word in capitals", "[True]", 1),
    ROW("cut word", "[nul]", 1),
    ROW("word with a tail", "[nullx]", 5),
    ROW("comment", "[1 /* x */]", 3),
    ROW("form feed as space", "[\f1]", 1),
    ROW("non-breaking space", "\xc2\xa0[]", 0),
};

static void refuses_at_the_place(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
    struct json_error err = {0};
    struct span s = exact_copy(bad[i].text, bad[i].n);
    if (parse(s, &err)) fail_msg("%s: taken", bad[i].name);
    if (err.fault != JSON_MALFORMED) fail_msg("%s: fault %d", bad[i].name, (int)err.fault);
    if (err.offset != bad[i].at)
      fail_msg("%s: at %zu (expected %s)", bad[i].name, (size_t)err.offset, err.what);
    assert_non_null(err.what);
    exact_free(s);
  }
}

static void a_limit_is_called_a_limit(void **state) {
  (void)state;
  struct limits max = limits_default();
  struct json_error err;
  char nested[300];
  for (size_t extra = 0; extra < 2; extra++) { /* edge: depth = json_depth */
    size_t depth = (size_t)max.json_depth + extra;
    memset(nested, '[', depth);
    memset(nested + depth, ']', depth);
    cJSON *root = json_parse(span_of(nested, 2 * depth), &max, &err);
    assert_int_equal(root != NULL, extra == 0);
    cJSON_Delete(root);
  }
  assert_int_equal(err.fault, JSON_LIMIT_DEPTH);
  assert_int_equal(err.offset, max.json_depth);
  max.json_bytes = 4; /* edge: size = json_bytes */
  cJSON *root = json_parse(SPAN("null"), &max, &err);
  assert_non_null(root);
  cJSON_Delete(root);
  assert_null(json_parse(SPAN("false"), &max, &err));
  assert_int_equal(err.fault, JSON_LIMIT_BYTES);
}

/* Events hold 64-bit numbers: rounded, and no integers for who asks for exact ones. All else stays strict. */
static void events_may_round(void **state) {
  (void)state;
  struct limits max = limits_default();
  struct json_error err;
  int64_t n;
  assert_null(json_parse(SPAN("[18446744073709551615,7]"), &max, &err));
  cJSON *root = json_parse_event(SPAN("[18446744073709551615,7]"), &max, &err);
  assert_non_null(root);
  assert_true(root->child->valuedouble == 18446744073709551616.0);
  assert_false(json_int(root->child, &n));
  assert_true(json_int(root->child->next, &n) && n == 7);
  cJSON_Delete(root);
  assert_null(json_parse_event(SPAN("{\"a\":1,\"a\":2}"), &max, &err));
  assert_null(json_parse_event(SPAN("[1e400]"), &max, &err));
}

static void names_line_and_column(void **state) {
  (void)state;
  struct json_error err;
  assert_null(parse(
      SPAN("{\n  \"na\xc3\xafve \xf0\x9f\x98\x80\": [1, 2,\n    \"\xc3\xaf\xc3\xaf\", oops]\n}"), &err));
  assert_int_equal(err.line, 3);
  assert_int_equal(err.column, 11);
  uint32_t line, column;
  json_line_column(SPAN("a\nb"), 1, &line, &column); /* on the line feed itself */
  assert_int_equal(line, 1);
  assert_int_equal(column, 2);
  json_line_column(SPAN("a\nb"), 100, &line, &column);
  assert_int_equal(line, 2);
  assert_int_equal(column, 2);
}

static void integers_are_those_written_so(void **state) {
  (void)state;
  static const char text[] =
      "{\"-7\": [1, -2, 3.0, 1e2], \"x 9\": {\"y\": 9007199254740992}, \"\\\"8\": \"5\", \"z\": -0, "
      "\"b\": true, \"last\": 12}";
  struct json_error err;
  cJSON *root = parse(span_str(text), &err);
  assert_non_null(root);
  const cJSON *list = json_get(root, "-7");
  static const struct {
    int place;
    bool ok;
    int64_t n;
  } items[] = {{0, true, 1}, {1, true, -2}, {2, false, 0}, {3, false, 0}};
  for (size_t i = 0; i < ARRAY_LEN(items); i++) {
    int64_t n = 0;
    assert_int_equal(json_int(cJSON_GetArrayItem(list, items[i].place), &n), items[i].ok);
    assert_int_equal(n, items[i].n);
  }
  int64_t n = 0;
  assert_true(json_int(json_get(json_get(root, "x 9"), "y"), &n));
  assert_int_equal(n, INT64_C(1) << 53);
  assert_true(json_int(json_get(root, "z"), &n));
  assert_int_equal(n, 0);
  assert_true(json_int(json_get(root, "last"), &n));
  assert_int_equal(n, 12);
  assert_false(json_int(json_get(root, "\"8"), &n));
  assert_false(json_int(json_get(root, "b"), &n));
  assert_false(json_int(NULL, &n));
  assert_true(cJSON_IsNumber(json_get(root, "last"))); /* our mark does not disturb cJSON's type */
  cJSON_Delete(root);
}

static void keys_are_compared_exactly(void **state) {
  (void)state;
  struct json_error err;
  cJSON *root = parse(SPAN("{\"Shape\":1,\"shape\":2,\"sh\\u0061pes\":3}"), &err);
  int64_t n = 0;
  assert_true(json_int(json_get(root, "shape"), &n));
  assert_int_equal(n, 2);
  assert_true(json_int(json_get(root, "shapes"), &n));
  assert_int_equal(n, 3);
  assert_null(json_get(root, "SHAPE"));
  assert_null(json_get(json_get(root, "shape"), "shape"));
  assert_null(json_get(NULL, "shape"));
  cJSON_Delete(root);
}

struct members_seen {
  char keys[64];
  int64_t sum;
  const char *stop_at;
};
static bool see_member(void *ctx, const cJSON *member) {
  struct members_seen *seen = ctx;
  int64_t n = 0;
  (void)!json_int(cJSON_IsArray(member) ? member->child : member, &n);
  seen->sum += n;
  size_t used = strlen(seen->keys);
  (void)snprintf(seen->keys + used, sizeof seen->keys - used, "%s", member->string);
  assert_null(member->next);
  return !seen->stop_at || strcmp(member->string, seen->stop_at) != 0;
}

static void members_come_one_by_one(void **state) {
  (void)state;
  static const struct {
    const char *text, *inside, *stop_at, *keys;
    int64_t sum;
    bool fine, malformed;
  } rows[] = {
      {"{}", NULL, NULL, "", 0, true, false},
      {" { } ", NULL, NULL, "", 0, true, false},
      {"{\"a\":1}", NULL, NULL, "a", 1, true, false},
      {" {\n\"a\" : 1 , \"b}\":[2, {\"c\":[3]}],\"\\u0064\":\"x,y\"\t} ", NULL, NULL, "ab}d", 3, true, false},
      {"{\"a\":1,\"b\":2,\"c\":4}", NULL, "b", "ab", 3, false, false},
      {"{\"a\":1,\"b\":2,}", NULL, NULL, "", 0, false, true},
      {"{\"a\":1,\"a\":2}", NULL, NULL, "", 0, false, true},
      {"[1,2]", NULL, NULL, "", 0, true, false},
      {"{\"x\":{\"a\":9},\"c\":{\"a\":1,\"b\":2},\"d\":4}", "c", NULL, "ab", 3, true, false},
      {"{\"c\":{\"a\":1},\"c\":{\"a\":2}}", "c", NULL, "", 0, false, true},
      {"{\"c\":[1,2]}", "c", NULL, "", 0, true, false},
      {"{\"x\":{}}", "c", NULL, "", 0, true, false}};
  struct limits max = limits_default();
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct members_seen seen = {.stop_at = rows[i].stop_at};
    struct json_error err;
    struct span text = exact_copy(rows[i].text, strlen(rows[i].text));
    assert_int_equal(json_members(text, rows[i].inside, &max, &err, see_member, &seen), rows[i].fine);
    assert_string_equal(seen.keys, rows[i].keys);
    assert_int_equal(seen.sum, rows[i].sum);
    assert_int_equal(!rows[i].fine && err.what != NULL, rows[i].malformed);
    exact_free(text);
  }
}

/* 60,000 members take cJSON's own lookup 16 seconds. */
static void many_keys_stay_linear(void **state) {
  (void)state;
  enum { MANY = 60000 };
  size_t room = MANY * 32, n = 0;
  char *text = malloc(room);
  assert_non_null(text);
  for (int i = 0; i < MANY; i++)
    n += (size_t)snprintf(text + n, room - n, "%c\"key.%d.weight\":%d", i ? ',' : '{', i, i);
  text[n++] = '}';
  struct json_error err;
  cJSON *root = parse(span_of(text, n), &err);
  assert_non_null(root);
  struct arena arena;
  arena_init(&arena, 64u << 20);
  struct json_index index = {0};
  assert_true(json_index(&index, &arena, root));
  for (int i = 0; i < MANY; i++) {
    char key[32];
    int64_t found;
    (void)snprintf(key, sizeof key, "key.%d.weight", i);
    assert_true(json_int(json_find(&index, span_str(key)), &found));
    assert_int_equal(found, i);
  }
  assert_null(json_find(&index, SPAN("key.60000.weight")));
  struct json_index none = {0};
  assert_true(json_index(&none, &arena, root->child));
  assert_null(json_find(&none, SPAN("a")));
  arena_free(&arena);
  cJSON_Delete(root);
  free(text);
}

static const char spec[] =
    "{\n"
    "  \"name\": \"x, } ]\",\n"
    "  \"mod\\u0075les\": {\"fc\\\"1\": [10, [20, 30], {\"w\": -4.5e1, \"v\": null}]},\n"
    "  \"last\": true }";

static void values_are_located(void **state) {
  (void)state;
  static const struct {
    size_t n;
    const char *path[4];
    bool there;
    uint32_t line, column;
  } paths[] = {
      {0, {NULL}, true, 1, 1},
      {1, {"name"}, true, 2, 11},
      {1, {"modules"}, true, 3, 19},
      {2, {"modules", "fc\"1"}, true, 3, 29},
      {3, {"modules", "fc\"1", "0"}, true, 3, 30},
      {3, {"modules", "fc\"1", "1"}, true, 3, 34},
      {4, {"modules", "fc\"1", "1", "1"}, true, 3, 39},
      {4, {"modules", "fc\"1", "2", "w"}, true, 3, 50},
      {4, {"modules", "fc\"1", "2", "v"}, true, 3, 63},
      {1, {"last"}, true, 4, 11},
      {1, {"Last"}, false, 0, 0},
      {1, {"0"}, false, 0, 0},
      {3, {"modules", "fc\"1", "3"}, false, 0, 0},
      {3, {"modules", "fc\"1", "-1"}, false, 0, 0},
      {3, {"modules", "fc\"1", ""}, false, 0, 0},
      {3, {"modules", "fc\"1", "18446744073709551616"}, false, 0, 0},
      {2, {"last", "x"}, false, 0, 0},
      {2, {"name", "0"}, false, 0, 0},
  };
  struct span s = exact_copy(spec, sizeof spec - 1);
  for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
    uint32_t line = 0, column = 0;
    bool there = json_locate(s, paths[i].path, paths[i].n, &line, &column);
    if (there != paths[i].there || line != paths[i].line || column != paths[i].column)
      fail_msg("path %zu: %d, %u:%u", i, there, line, column);
  }
  exact_free(s);
}

/* cJSON is not built with sanitizers: what it may not read lies behind the end of a page. */
static struct span at_page_end(struct span text, uint8_t *pages, size_t page) {
  memcpy(pages + page - text.n, text.p, text.n);
  return span_of(pages + page - text.n, text.n);
}

static void cjson_reads_nothing_behind_the_text(void **state) {
  (void)state;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(pages, MAP_FAILED);
  assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
  for (size_t i = 0; i < ARRAY_LEN(good); i++) {
    struct json_error err;
    cJSON *root = parse(at_page_end(span_str(good[i]), pages, page), &err);
    assert_non_null(root);
    cJSON_Delete(root);
  }
  munmap(pages, 2 * page);
}

/* What is refused must point into the text. */
static void parse_mutation(struct span bytes) {
  struct json_error err;
  cJSON *root = parse(bytes, &err);
  if (!root) assert_true(err.offset <= bytes.n && err.line > 0 && err.column > 0 && err.what);
  uint32_t line, column;
  const char *path[] = {"modules", "fc\"1", "2", "w"};
  if (json_locate(bytes, path, ARRAY_LEN(path), &line, &column)) /* must stand any text */
    assert_true(line > 0 && line <= 5 && column > 0 && column <= bytes.n);
  cJSON_Delete(root);
}

static void mutations_are_survived(void **state) {
  (void)state;
  check_mutations((const uint8_t *)spec, sizeof spec - 1, parse_mutation);
}

/* Last in the list: the hooks stay. */
static void memory_is_a_budget(void **state) {
  (void)state;
  static char zeros[200001]; /* [0,0,…0]: cJSON takes about forty bytes for one */
  memset(zeros, ',', sizeof zeros);
  for (size_t i = 1; i < sizeof zeros; i += 2) zeros[i] = '0';
  zeros[0] = '[';
  zeros[sizeof zeros - 1] = ']';
  struct span text = span_of(zeros, sizeof zeros);
  struct json_error err = {0};
  json_budget(1u << 20);
  assert_null(parse(text, &err));
  assert_int_equal(err.fault, JSON_LIMIT_MEMORY);
  json_budget(16u << 20);
  for (int round = 0; round < 5; round++) { /* all of it comes back each time */
    cJSON *root = parse(text, &err);
    assert_non_null(root);
    assert_int_equal(cJSON_GetArraySize(root), 100000);
    cJSON_Delete(root);
  }
  json_budget(1u << 16); /* the table of keys is charged too */
  for (size_t i = 0; i < sizeof zeros; i++) zeros[i] = ' ';
  size_t n = 1;
  zeros[0] = '{';
  for (int i = 0; i < 9999; i++) n += (size_t)snprintf(zeros + n, sizeof zeros - n, "\"%d\":1,", i);
  n += (size_t)snprintf(zeros + n, sizeof zeros - n, "\"x\":1}");
  assert_null(parse(span_of(zeros, n), &err));
  assert_int_equal(err.fault, JSON_LIMIT_MEMORY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_json),
      cmocka_unit_test(refuses_at_the_place),
      cmocka_unit_test(a_limit_is_called_a_limit),
      cmocka_unit_test(events_may_round),
      cmocka_unit_test(names_line_and_column),
      cmocka_unit_test(integers_are_those_written_so),
      cmocka_unit_test(keys_are_compared_exactly),
      cmocka_unit_test(members_come_one_by_one),
      cmocka_unit_test(many_keys_stay_linear),
      cmocka_unit_test(values_are_located),
      cmocka_unit_test(cjson_reads_nothing_behind_the_text),
      cmocka_unit_test(mutations_are_survived),
      cmocka_unit_test(memory_is_a_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
