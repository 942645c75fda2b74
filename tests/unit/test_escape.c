/* The one escaping writer. What must be hidden and what must be shown comes from the Unicode tables and RFC
 * 8259, not from our own output. */
#include <stdio.h>

#include "report/escape.h"
#include "tests/unit/check.h"

typedef void escape_fn(struct out *o, struct span in);
static void unlimited(struct out *o, struct span in) { escape_visible(o, in, SIZE_MAX); }

static void assert_escapes(escape_fn *escape, struct span in, const char *want) {
  struct out o = out_to_memory(SIZE_MAX);
  struct span copy = exact_copy(in.p, in.n);
  escape(&o, copy);
  assert_false(o.failed);
  if (!span_is(out_taken(&o), want)) print_message("got  %.*s\nwant %s\n", (int)o.n, (const char *)o.p, want);
  assert_true(span_is(out_taken(&o), want));
  exact_free(copy);
  out_free(&o);
}

/* Every byte alone: printable ASCII stands for itself, every other byte is control or no UTF-8. */
static void visible_shows_each_byte(void **state) {
  (void)state;
  for (unsigned b = 0; b < 256; b++) {
    uint8_t byte = (uint8_t)b;
    char want[8];
    (void)snprintf(want, sizeof want, b >= 0x20 && b < 0x7f ? "%c" : "\\x%02x", b);
    assert_escapes(unlimited, span_of(&byte, 1), want);
  }
}

struct row {
  struct span in;
  const char *want;
};

static void visible_shows_what_hides(void **state) {
  (void)state;
  const struct row rows[] = {
      {SPAN(""), ""},
      {SPAN("conv1.weight"), "conv1.weight"},
      {SPAN("gr\xc3\xbc\xc3\x9f \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80"), "grüß 中文 😀"},
      {SPAN("a\\x1b"), "a\\x1b"}, /* a backslash stays as it is */
      {SPAN("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m"},
      {SPAN("line\nline\r\t"), "line\\x0aline\\x0d\\x09"},
      {SPAN("nul\0nul"), "nul\\x00nul"},
      {SPAN("\xc2\x9b"
            "31m"),
       "\\u009b31m"}, /* C1 CSI */
      {SPAN("\xc2\x80\xc2\x9f\xc2\xa0"),
       "\\u0080\\u009f\xc2\xa0"}, /* edge: U+00A0 is the first that is shown */
      {SPAN("user\xe2\x80\xae"
            "gpj.exe"),
       "user\\u202egpj.exe"},                                 /* right-to-left override */
      {SPAN("\xe2\x81\xa6x\xe2\x81\xa9"), "\\u2066x\\u2069"}, /* isolates */
      {SPAN("a\xe2\x80\x8b"
            "b\xe2\x80\x8d\xef\xbb\xbf"),
       "a\\u200bb\\u200d\\ufeff"}, /* zero width */
      {SPAN("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9"),
       "‧\\u2028\\u2029"},                                       /* separators; U+2027 before them is a dot */
      {SPAN("\xe2\x80\xae\xe2\x80\xaf"), "\\u202e\xe2\x80\xaf"}, /* edge: U+202F is a narrow space */
      {SPAN("\xf3\xa0\x81\xa1"), "\\U000e0061"},                 /* tag letter a */
      {SPAN("\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf"), "\xef\xbf\xbd\\ufffe\\uffff"},
      {SPAN("\xc0\xaf"), "\\xc0\\xaf"}, /* over-long '/' */
      {SPAN("\xc1\xbf"), "\\xc1\\xbf"},
      {SPAN("\xe0\x80\xaf"), "\\xe0\\x80\\xaf"},
      {SPAN("\xe0\x9f\xbf\xe0\xa0\x80"), "\\xe0\\x9f\\xbf\xe0\xa0\x80"}, /* edge: U+0800 */
      {SPAN("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf"},
      {SPAN("\xf4\x8f\xbf\xbd"), "\xf4\x8f\xbf\xbd"},     /* edge: U+10FFFD */
      {SPAN("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"}, /* edge: U+110000 */
      {SPAN("\xf8\x88\x80\x80\x80"), "\\xf8\\x88\\x80\\x80\\x80"},
      {SPAN("\xed\xa0\x80"), "\\xed\\xa0\\x80"}, /* surrogates */
      {SPAN("\xed\xbf\xbf"), "\\xed\\xbf\\xbf"},
      {SPAN("\xed\x9f\xbf\xee\x80\x80"), "\xed\x9f\xbf\xee\x80\x80"}, /* edges: U+D7FF, U+E000 */
      {SPAN("cut\xc3"), "cut\\xc3"},
      {SPAN("cut\xe4\xb8"), "cut\\xe4\\xb8"},
      {SPAN("cut\xf0\x9f\x98"), "cut\\xf0\\x9f\\x98"},
      {SPAN("\x80tail"), "\\x80tail"},
      {SPAN("\xc3("), "\\xc3("},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) assert_escapes(unlimited, rows[i].in, rows[i].want);
}

static void cut_at(size_t max, struct span in, const char *want) {
  struct out o = out_to_memory(SIZE_MAX);
  escape_visible(&o, in, max);
  assert_true(span_is(out_taken(&o), want));
  assert_int_equal(escape_is_exact(in, max), span_is(in, want));
  out_free(&o);
}

static void cut_counts_hidden_bytes(void **state) {
  (void)state;
  cut_at(3, SPAN("abc"), "abc"); /* edge: just fits */
  cut_at(2, SPAN("abc"), "ab…(+1 bytes)");
  cut_at(0, SPAN("abc"), "…(+3 bytes)");
  cut_at(0, SPAN(""), "");
  cut_at(4, SPAN("a\x1b"), "a…(+1 bytes)"); /* an escape is not cut: it takes four bytes */
  cut_at(5, SPAN("a\x1b"), "a\\x1b");
  cut_at(2, SPAN("a\xc3\xa9z"), "a…(+3 bytes)"); /* nor is a character */
  cut_at(3, SPAN("a\xc3\xa9z"), "a\xc3\xa9…(+1 bytes)");
}

/* A name of a megabyte costs what is shown of it; as JSON it is written whole. */
static void long_names_are_cut(void **state) {
  (void)state;
  enum { LONG = 1 << 20 };
  uint8_t *name = malloc(LONG);
  assert_non_null(name);
  memset(name, 0x1b, LONG);
  cut_at(64, span_of(name, LONG),
         "\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b…(+1048560 bytes)");
  struct out o = out_to_memory(SIZE_MAX);
  escape_json(&o, span_of(name, LONG));
  assert_int_equal(o.n, 2 + 6 * (size_t)LONG);
  out_free(&o);
  free(name);
}

static void json_quotes_each_byte(void **state) {
  (void)state;
  for (unsigned b = 0; b < 256; b++) {
    uint8_t byte = (uint8_t)b;
    char want[12];
    if (b == '"' || b == '\\')
      (void)snprintf(want, sizeof want, "\"\\%c\"", b);
    else if (b == '\n' || b == '\r' || b == '\t')
      (void)snprintf(want, sizeof want, "\"\\%c\"", b == '\n' ? 'n' : b == '\r' ? 'r' : 't');
    else if (b < 0x20 || b == 0x7f)
      (void)snprintf(want, sizeof want, "\"\\u%04x\"", b);
    else if (b < 0x7f)
      (void)snprintf(want, sizeof want, "\"%c\"", b);
    else
      (void)snprintf(want, sizeof want, "\"\\ufffd\"");
    assert_escapes(escape_json, span_of(&byte, 1), want);
  }
}

static void json_keeps_utf8(void **state) {
  (void)state;
  const struct row rows[] = {
      {SPAN(""), "\"\""},
      {SPAN("grüß 中文 😀"), "\"grüß 中文 😀\""},
      {SPAN("\xe2\x80\xa8\xe2\x80\xa9"), "\"\\u2028\\u2029\""},
      {SPAN("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\""},
      {SPAN("\xc0\xaf"), "\"\\ufffd\\ufffd\""},
      {SPAN("</script>]]>"), "\"</script>]]>\""},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) assert_escapes(escape_json, rows[i].in, rows[i].want);
}

static void ascii_and_base64(void **state) {
  (void)state;
  assert_escapes(escape_ascii, SPAN("a→é😀"), "a\\u2192\\u00e9\\U0001f600");
  /* RFC 4648 section 10 */
  const struct row vectors[] = {{SPAN(""), ""},
                                {SPAN("f"), "Zg=="},
                                {SPAN("fo"), "Zm8="},
                                {SPAN("foo"), "Zm9v"},
                                {SPAN("foob"), "Zm9vYg=="},
                                {SPAN("fooba"), "Zm9vYmE="},
                                {SPAN("foobar"), "Zm9vYmFy"},
                                {SPAN("\xff\xfe\xfd"), "//79"}};
  for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
    assert_escapes(escape_base64, vectors[i].in, vectors[i].want);
}

static void width_counts_columns(void **state) {
  (void)state;
  assert_int_equal(visible_width(SPAN("")), 0);
  assert_int_equal(visible_width(SPAN("weight")), 6);
  assert_int_equal(visible_width(SPAN("中文")), 4);
  assert_int_equal(visible_width(SPAN("e\xcc\x81")), 1); /* e and a combining acute */
  assert_int_equal(visible_width(SPAN("→")), 1);
}

static void failed_memory_stays_failed(void **state) {
  (void)state;
  struct out o = out_to_memory(4);
  out_str(&o, "1234"); /* edge: exactly the cap */
  assert_false(o.failed);
  out_str(&o, "5");
  assert_true(o.failed);
  out_str(&o, "");
  assert_true(span_is(out_taken(&o), "1234"));
  out_free(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(visible_shows_each_byte),    cmocka_unit_test(visible_shows_what_hides),
      cmocka_unit_test(cut_counts_hidden_bytes),    cmocka_unit_test(long_names_are_cut),
      cmocka_unit_test(json_quotes_each_byte),      cmocka_unit_test(json_keeps_utf8),
      cmocka_unit_test(ascii_and_base64),           cmocka_unit_test(width_counts_columns),
      cmocka_unit_test(failed_memory_stays_failed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
