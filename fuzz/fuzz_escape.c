/* The escaping writer: whatever the bytes are, what is shown is UTF-8 in which nothing is hidden; as JSON it
 * reads back; base64 holds the bytes themselves. */
#include "report/escape.h"

#include "base/json.h"
#include "base/utf8.h"
#include "fuzz/clean.h"
#include "fuzz/fuzz.h"

static void check_json(struct span visible, const struct limits *max) {
  struct out o = out_to_memory(SIZE_MAX);
  struct json_error err;
  escape_json(&o, visible);
  cJSON *tree = json_parse(out_taken(&o), max, &err);
  FUZZ_CHECK(tree && cJSON_IsString(tree) && span_is(visible, tree->valuestring));
  cJSON_Delete(tree);
  out_free(&o);
}

/* Of raw bytes: JSON all the same, and the text if it is one. */
static void check_raw_json(struct span bytes, const struct limits *max) {
  struct out o = out_to_memory(SIZE_MAX);
  struct json_error err;
  escape_json(&o, bytes);
  FUZZ_CHECK(utf8_valid(out_taken(&o), UTF8_STRICT));
  cJSON *tree = json_parse(out_taken(&o), max, &err);
  bool zero = bytes.n && memchr(bytes.p, 0, bytes.n); /* "\u0000" is JSON, but json_parse takes none */
  FUZZ_CHECK(tree || zero);
  if (tree && utf8_valid(bytes, UTF8_STRICT)) FUZZ_CHECK(span_is(bytes, tree->valuestring));
  cJSON_Delete(tree);
  out_free(&o);
}

static unsigned sextet(uint8_t c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *p = c ? strchr(digits, c) : NULL;
  FUZZ_CHECK(p || c == '=');
  return p ? (unsigned)(p - digits) : 0;
}

static void check_base64(struct span bytes) {
  struct out o = out_to_memory(SIZE_MAX);
  escape_base64(&o, bytes);
  FUZZ_CHECK(o.n == (bytes.n + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.n; i++) {
    const uint8_t *four = o.p + i / 3 * 4;
    unsigned long group =
        sextet(four[0]) << 18 | sextet(four[1]) << 12 | sextet(four[2]) << 6 | sextet(four[3]);
    FUZZ_CHECK((group >> (16 - 8 * (i % 3)) & 0xff) == bytes.p[i]);
  }
  out_free(&o);
}

static void check_ascii(struct span visible) {
  struct out o = out_to_memory(SIZE_MAX);
  escape_ascii(&o, visible);
  for (size_t i = 0; i < o.n; i++) FUZZ_CHECK(o.p[i] >= 0x20 && o.p[i] < 0x7f);
  out_free(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { SUFFIX = 40 }; /* "…(+n bytes)" */
  struct fuzz_input in = fuzz_open(data, size);
  size_t max = in.knobs & KNOB_SHRUNK ? in.knobs : SIZE_MAX - SUFFIX;
  struct out shown = out_to_memory(SIZE_MAX);
  escape_visible(&shown, in.bytes, max);
  FUZZ_CHECK(shown.n <= max + SUFFIX && is_clean(out_taken(&shown), ""));
  FUZZ_CHECK(escape_is_exact(in.bytes, max) == span_eq(in.bytes, out_taken(&shown)));
  FUZZ_CHECK(visible_width(out_taken(&shown)) <= 2 * shown.n);
  check_json(out_taken(&shown), &in.limits);
  check_ascii(out_taken(&shown));
  check_raw_json(in.bytes, &in.limits);
  check_base64(in.bytes);
  out_free(&shown);
  fuzz_close(&in);
  return 0;
}
