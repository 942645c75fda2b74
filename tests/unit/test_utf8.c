#include "base/utf8.h"

#include "tests/unit/check.h"

/* Expected values: Python 3.11, bytes.decode("utf-8") and .decode("utf-8", "surrogatepass"). */
static const struct {
  const char *name, *bytes;
  size_t n, strict, surrogatepass; /* length of the first character, 0: none */
  uint32_t code;
} rows[] = {
    {"NUL", "\0", 1, 1, 1, 0},
    {"ASCII", "A", 1, 1, 1, 'A'},
    {"DEL", "\x7f", 1, 1, 1, 0x7f},
    {"two bytes, least", "\xc2\x80", 2, 2, 2, 0x80},
    {"two bytes, most", "\xdf\xbf", 2, 2, 2, 0x7ff},
    {"three bytes, least", "\xe0\xa0\x80", 3, 3, 3, 0x800},
    {"below the surrogates", "\xed\x9f\xbf", 3, 3, 3, 0xd7ff},
    {"first surrogate", "\xed\xa0\x80", 3, 0, 3, 0xd800},
    {"last surrogate", "\xed\xbf\xbf", 3, 0, 3, 0xdfff},
    {"above the surrogates", "\xee\x80\x80", 3, 3, 3, 0xe000},
    {"noncharacter", "\xef\xbf\xbf", 3, 3, 3, 0xffff},
    {"four bytes, least", "\xf0\x90\x80\x80", 4, 4, 4, 0x10000},
    {"four bytes, most", "\xf4\x8f\xbf\xbf", 4, 4, 4, 0x10ffff},
    {"beyond Unicode", "\xf4\x90\x80\x80", 4, 0, 0, 0},
    {"five bytes", "\xf8\x88\x80\x80\x80", 5, 0, 0, 0},
    {"overlong slash", "\xc0\xaf", 2, 0, 0, 0},
    {"overlong DEL", "\xc1\xbf", 2, 0, 0, 0},
    {"overlong, three bytes", "\xe0\x9f\xbf", 3, 0, 0, 0},
    {"overlong, four bytes", "\xf0\x8f\xbf\xbf", 4, 0, 0, 0},
    {"lone continuation", "\x80", 1, 0, 0, 0},
    {"cut after one of two", "\xc3", 1, 0, 0, 0},
    {"cut after two of three", "\xe2\x82", 2, 0, 0, 0},
    {"cut after three of four", "\xf0\x9f\x98", 3, 0, 0, 0},
    {"lead, then ASCII",
     "\xe2"
     "A\x82",
     3, 0, 0, 0},
    {"0xff", "\xff", 1, 0, 0, 0},
    {"nothing", "", 0, 0, 0, 0},
};

static void decodes_the_first_character(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct span s = exact_copy(rows[i].bytes, rows[i].n);
    uint32_t code = 0;
    if (utf8_decode(s, UTF8_STRICT, &code) != rows[i].strict) fail_msg("%s: strict", rows[i].name);
    if (rows[i].strict && code != rows[i].code) fail_msg("%s: U+%X", rows[i].name, code);
    if (utf8_decode(s, UTF8_SURROGATEPASS, &code) != rows[i].surrogatepass)
      fail_msg("%s: pass", rows[i].name);
    if (rows[i].surrogatepass && code != rows[i].code) fail_msg("%s: U+%X", rows[i].name, code);
    exact_free(s);
  }
}

static void every_code_point_comes_back(void **state) {
  (void)state;
  for (uint32_t c = 0; c <= 0x10ffff; c++) {
    uint8_t out[UTF8_MAX];
    uint32_t back = UINT32_MAX;
    size_t n = utf8_encode(out, c);
    assert_int_equal(utf8_decode(span_of(out, n), UTF8_SURROGATEPASS, &back), n);
    assert_int_equal(back, c);
    bool surrogate = c >= 0xd800 && c <= 0xdfff;
    assert_int_equal(utf8_decode(span_of(out, n), UTF8_STRICT, &back), surrogate ? 0 : n);
  }
}

/* Puts a broken byte at every place of texts of every small length, across the steps of the ASCII run. */
static void finds_the_first_broken_byte(void **state) {
  (void)state;
  for (size_t n = 1; n < 40; n++) {
    for (size_t bad = 0; bad < n; bad++) {
      uint8_t text[40];
      memset(text, 'x', sizeof text);
      text[bad] = 0x80;
      struct span s = exact_copy(text, n);
      assert_int_equal(utf8_valid_prefix(s, UTF8_STRICT), bad);
      exact_free(s);
    }
  }
  assert_true(
      utf8_valid(SPAN("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80 and more ASCII behind it"), UTF8_STRICT));
  assert_int_equal(utf8_valid_prefix(SPAN("12345678\xed\xa0\x80"), UTF8_STRICT), 8);
  assert_true(utf8_valid(SPAN("12345678\xed\xa0\x80"), UTF8_SURROGATEPASS));
  assert_true(utf8_valid((struct span){NULL, 0}, UTF8_STRICT));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decodes_the_first_character),
      cmocka_unit_test(every_code_point_comes_back),
      cmocka_unit_test(finds_the_first_broken_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
