/* Bytes that are spelled as text. What a text spells is what CPython 3.11 makes of it:
 * 'text'.encode('latin1') behind UTF-8 and raw_unicode_escape, and the repr of a Python 2 str. */
#include "base/spelled.h"

#include "check.h"

static const struct {
  enum spelling how;
  const char *text, *bytes; /* NULL: it spells none, or more than there is room for */
  size_t room;
} texts[] = {
    {SPELLED_NOT, "a\\x", "a\\x", 3},
    {SPELLED_UTF8, "", "", 0},
    {SPELLED_UTF8, "ab", "ab", 2},
    {SPELLED_UTF8, "\xc2\x80\xc3\xbf", "\x80\xff", 2},
    {SPELLED_UTF8, "a\\u0041", "a\\u0041", 7},
    {SPELLED_UTF8, "ab", NULL, 1},
    {SPELLED_UTF8, "\xc4\x80", NULL, 9},
    {SPELLED_UTF8, "a\xff", NULL, 9},
    {SPELLED_UTF8, "\xc3", NULL, 9},
    {SPELLED_RAW, "", "", 0},
    {SPELLED_RAW, "a\xff\x80", "a\xff\x80", 3},
    {SPELLED_RAW, "\\u005c\\u000A\\u00ff", "\\\n\xff", 3},
    {SPELLED_RAW, "\\u005cu0041", "\\u0041", 6},
    {SPELLED_RAW, "\\u0041", NULL, 0},
    {SPELLED_RAW, "\\u0100", NULL, 9},
    {SPELLED_RAW, "\\u00f", NULL, 9},
    {SPELLED_RAW, "\\u00fg", NULL, 9},
    {SPELLED_RAW, "\\U00000041", NULL, 9}, /* Python reads it, and does not write it */
    {SPELLED_RAW, "\\\\", NULL, 9},
    {SPELLED_RAW, "a\\", NULL, 9},
    {SPELLED_REPR, "a\xff", "a\xff", 2},
    {SPELLED_REPR, "\\x80\\xFf\\\\\\'\\n\\r\\t\\0", "\x80\xff\\'\n\r\t\0", 8},
    {SPELLED_REPR, "\\101", "A", 1},
    {SPELLED_REPR, "\\x8", NULL, 9},
    {SPELLED_REPR, "\\q", NULL, 9}, /* two bytes */
    {SPELLED_REPR, "\\", NULL, 9},
};

static void text_spells_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
    uint8_t out[9];
    size_t n = spelled_bytes(texts[i].how, span_str(texts[i].text), out, texts[i].room);
    bool fine = texts[i].bytes ? n == texts[i].room && memcmp(out, texts[i].bytes, n) == 0 : n == SIZE_MAX;
    if (!fine) fail_msg("row %zu: %zu", i, n);
  }
}

static void text_and_bytes_agree(void **state) {
  (void)state;
  static const struct {
    enum spelling how;
    const char *text, *bytes;
    bool agree;
  } rows[] = {
      {SPELLED_NOT, "", "ab", true},          {SPELLED_UTF8, "\xc3\xa9", "\xe9", true},
      {SPELLED_UTF8, "\xc3\xa9", "e", false}, {SPELLED_UTF8, "\xc3\xa9g", "\xe9", false},
      {SPELLED_UTF8, "", "a", false},         {SPELLED_RAW, "\\u000a", "\n", true},
      {SPELLED_RAW, "\\u000", "\n", false},   {SPELLED_REPR, "\\n", "\n", true},
      {SPELLED_REPR, "\\n", "n", false},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct spelled s = {.how = rows[i].how, .text = span_str(rows[i].text), .bytes = span_str(rows[i].bytes)};
    if (spelled_agrees(&s) != rows[i].agree) fail_msg("row %zu", i);
  }
}

static void assert_part(const struct spelled *part, uint64_t at, const char *text, const char *bytes) {
  assert_int_equal(part->at, at);
  assert_true(span_is(part->text, text));
  assert_true(span_is(part->bytes, bytes));
}

static void parts_keep_step(void **state) {
  (void)state;
  struct spelled s = {
      .how = SPELLED_RAW, .text = SPAN("a\\u000ab\xff"), .bytes = SPAN("a\nb\xff"), .at = 100};
  struct spelled part;
  assert_true(spelled_take(&s, 2, &part));
  assert_part(&part, 100, "a\\u000a", "a\n");
  assert_int_equal(spelled_length(&part), 7);
  assert_part(&s, 107, "b\xff", "b\xff");
  assert_true(spelled_take(&s, 0, &part));
  assert_part(&part, 107, "", "");
  assert_false(spelled_take(&s, 3, &part));
  assert_false(spelled_take(&s, UINT64_MAX, &part));
  assert_part(&s, 107, "b\xff", "b\xff");
  assert_true(spelled_take(&s, 2, &part));
  assert_int_equal(s.at, 109);
  assert_int_equal(s.bytes.n, 0);
}

static void bytes_as_they_are(void **state) {
  (void)state;
  struct spelled s = {.bytes = SPAN("abcd"), .at = 7};
  struct spelled part;
  assert_true(spelled_take(&s, 3, &part));
  assert_int_equal(part.at, 7);
  assert_int_equal(spelled_length(&part), 3);
  assert_int_equal(s.at, 10);
  assert_true(span_is(s.bytes, "d"));
}

/* The text may be shorter than what it is said to spell. */
static void text_ends_first(void **state) {
  (void)state;
  struct spelled s = {.how = SPELLED_UTF8, .text = SPAN("\xc3\xa9"), .bytes = SPAN("\xe9\xe9")};
  struct spelled part;
  assert_false(spelled_take(&s, 2, &part));
  assert_part(&s, 0, "\xc3\xa9", "\xe9\xe9");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_spells_bytes), cmocka_unit_test(text_and_bytes_agree),
      cmocka_unit_test(parts_keep_step),   cmocka_unit_test(bytes_as_they_are),
      cmocka_unit_test(text_ends_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
