/* What `record` wrote, read back: base64, and a file that anybody may have written. */
#include "arch/goldens.h"

#include "base/base64.h"
#include "base/json.h"
#include "tests/unit/arch_bench.h"

/* RFC 4648, section 10. */
static const struct {
  const char *bytes, *text;
} rfc[] = {{"", ""},
           {"f", "Zg=="},
           {"fo", "Zm8="},
           {"foo", "Zm9v"},
           {"foob", "Zm9vYg=="},
           {"fooba", "Zm9vYmE="},
           {"foobar", "Zm9vYmFy"}};

static void base64_is_rfc_4648(void **state) {
  struct arena a;
  (void)state;
  arena_init(&a, 1 << 20);
  for (size_t i = 0; i < ARRAY_LEN(rfc); i++) {
    struct span text = exact_copy((const uint8_t *)rfc[i].text, strlen(rfc[i].text)), out;
    size_t at;
    assert_int_equal(base64_read(&a, text, &out, &at), BASE64_READ);
    assert_true(span_is(out, rfc[i].bytes));
    exact_free(text);
  }
  arena_free(&a);
}

static void base64_is_read_strictly(void **state) {
  static const struct {
    const char *text;
    size_t at;
  } rows[] = {{"Zg=", 3},  {"Z", 1},    {"Zg==Zg==", 2}, {"Zm9v Zg==", 9}, {"Zm9v\nZg=", 4}, {"Z===", 1},
              {"====", 0}, {"Zm-v", 2}, {"Zh==", 1},     {"Zm9=", 2},      {"Zm9vZg=A", 6}};
  struct arena a;
  (void)state;
  arena_init(&a, 1 << 20);
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct span out;
    size_t at;
    assert_int_equal(base64_read(&a, span_str(rows[i].text), &out, &at), BASE64_MALFORMED);
    if (at != rows[i].at) print_message("%s: %zu\n", rows[i].text, at);
    assert_int_equal(at, rows[i].at);
  }
  arena_free(&a);
}

/* ---- a goldens file ---- */

#define DIGEST        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD          "'tool': 'ckptlint 9', 'blas': 'Haswell', 'arch': {'name': 'N', 'sha256': '" DIGEST "'}, "
#define FILE_OF(name) "'checkpoint': {'path': 'a.pt', 'size': 12, 'weights_sha256': '" name "'}, "
#define TESTS         "'tests': [{'B': 2, 'x': 'rand(7)', 'y': {'npy': 'QUJD'}}]"
#define GOOD          "{'goldens': 1, " HEAD FILE_OF(DIGEST) TESTS "}"

static void open_arch(struct arch_bench *b) {
  arch_bench_open(b);
  assert_true(arch_bench_parse(
      b,
      as_json(&b->arena, "{'arch': 1, 'inputs': {'x': 'float32[B, 3]'}, 'outputs': {'y': 'float32[B]'}}")));
}

static bool parse(struct arch_bench *b, struct goldens *g, struct span text) {
  struct span exact = exact_copy(text.p, text.n); /* of which nothing may be used later */
  bool good =
      goldens_parse(g, &b->arch, (struct text_file){SPAN("g.json"), exact}, &b->arena, &b->max, &b->o);
  exact_free(exact);
  return good;
}

static void a_goldens_file_is_tests(void **state) {
  struct arch_bench b;
  struct goldens g;
  (void)state;
  open_arch(&b);
  assert_true(parse(&b, &g, as_json(&b.arena, GOOD)));
  assert_true(span_is(g.tool, "ckptlint 9") && span_is(g.arch_sha256, DIGEST) &&
              span_is(g.weights_sha256, DIGEST));
  assert_int_equal(g.arch.num_tests, 1);
  assert_int_equal(b.arch.num_tests, 0);
  assert_true(g.arch.tests[0].inputs[0].kind == GEN_RAND && g.arch.tests[0].inputs[0].seed == 7);
  assert_true(span_is(g.arch.tests[0].expects[0].npy, "ABC"));
  arch_close(&g.arch);
  arch_bench_close(&b);
}

static void what_is_none_is_refused(void **state) {
  static const struct {
    const char *text;
    enum obs_kind kind;
    const char *what;
  } rows[] = {
      {"", OBS_ARCH_JSON, ""},
      {"{'goldens': 2, " HEAD FILE_OF(DIGEST) TESTS "}", OBS_ARCH_VALUE, "expected 1"},
      {"{" HEAD FILE_OF(DIGEST) TESTS "}", OBS_ARCH_KEY, "'goldens' is missing"},
      {"{'goldens': 1, " HEAD TESTS "}", OBS_ARCH_KEY, "'checkpoint' is missing"},
      {"{'goldens': 1, " HEAD FILE_OF("abc") TESTS "}", OBS_ARCH_VALUE, "64 lower-case"},
      {"{'goldens': 1, " HEAD FILE_OF(DIGEST) "'tests': []}", OBS_ARCH_VALUE, "one test"},
      {"{'goldens': 1, " HEAD FILE_OF(DIGEST) "'tests': [{'x': 'zeros', 'z': 1}]}", OBS_ARCH_KEY,
       "'z' is no input"},
      {"{'goldens': 1, " HEAD FILE_OF(DIGEST) "'tests': [{'y': 1}]}", OBS_ARCH_KEY, "input 'x'"},
      {"{'goldens': 1, " HEAD FILE_OF(DIGEST) "'tests': [{'x': {'npy': 'QUJ'}}]}", OBS_ARCH_VALUE, "base64"},
      {"{'goldens': 1, " HEAD FILE_OF(DIGEST) "'tests': [{'x': {'npy': 'QUJD', 'file': 'a'}}]}",
       OBS_ARCH_VALUE, "one of"},
      {"{'goldens': 1, " HEAD FILE_OF(DIGEST) "'tests': [{'x': {}}]}", OBS_ARCH_VALUE, "one of"},
      {"{'goldens': 1, 'more': 1, " HEAD FILE_OF(DIGEST) TESTS "}", OBS_ARCH_KEY, "unknown key"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct arch_bench b;
    struct goldens g;
    open_arch(&b);
    assert_false(parse(&b, &g, as_json(&b.arena, rows[i].text)));
    assert_int_equal(b.o.n, 1);
    const struct observation *o = &b.o.list[0];
    bool fits = o->kind == rows[i].kind &&
                (!rows[i].what[0] || memmem(o->detail.p, o->detail.n, rows[i].what, strlen(rows[i].what)));
    if (!fits) print_message("%s: %.*s\n", rows[i].text, (int)o->detail.n, (const char *)o->detail.p);
    assert_true(fits && span_is(o->subject, "g.json"));
    arch_close(&g.arch);
    arch_bench_close(&b);
  }
}

/* Cut anywhere, and with any byte changed: refused or read, never believed half. */
static void no_damage_is_half_believed(void **state) {
  struct arch_bench b;
  (void)state;
  open_arch(&b);
  struct span good = as_json(&b.arena, GOOD);
  for (size_t n = 0; n < good.n; n++) {
    struct goldens g;
    assert_false(parse(&b, &g, span_first(good, n)));
    arch_close(&g.arch);
  }
  uint8_t *bytes = malloc(good.n);
  assert_non_null(bytes);
  memcpy(bytes, good.p, good.n);
  for (size_t i = 0; i < good.n * 8; i++) {
    struct goldens g;
    bytes[i / 8] ^= (uint8_t)(1U << i % 8);
    bool read = parse(&b, &g, span_of(bytes, good.n));
    if (read) assert_true(g.arch.num_tests == 1 && g.weights_sha256.n == 64);
    arch_close(&g.arch);
    bytes[i / 8] = good.p[i / 8];
  }
  free(bytes);
  arch_bench_close(&b);
}

static void goldens_are_told_from_arrays(void **state) {
  (void)state;
  assert_true(goldens_like(SPAN("{}")) && goldens_like(SPAN(" \n\t{")));
  assert_false(goldens_like(SPAN("")) || goldens_like(SPAN("  ")) || goldens_like(SPAN("\x93NUMPY{")) ||
               goldens_like(SPAN("[{")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(base64_is_rfc_4648),         cmocka_unit_test(base64_is_read_strictly),
      cmocka_unit_test(a_goldens_file_is_tests),    cmocka_unit_test(what_is_none_is_refused),
      cmocka_unit_test(no_damage_is_half_believed), cmocka_unit_test(goldens_are_told_from_arrays),
  };
  json_budget((size_t)256 << 20);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
