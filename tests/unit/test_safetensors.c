/* The safetensors reader: its rules (README.md of the project, "Format"), one broken at a time. */
#include "tests/unit/check.h"

#include "base/reader.h"
#include "container/safetensors.h"

enum { FILE_MAX = 4096 };

struct reading {
  struct arena arena;
  struct observations o;
  struct plain file;
  struct span bytes;
  bool read;
};

static void begin(struct reading *r, struct span bytes) {
  struct limits max = limits_default();
  *r = (struct reading){.bytes = bytes};
  arena_init(&r->arena, 1u << 20);
  observations_init(&r->o, &r->arena, 20);
  r->read = safetensors_read(&r->file, &r->arena, &r->o, &max, bytes);
}

/* Length, header, data of n bytes. */
static struct span file_of(const char *header, size_t n, uint8_t out[FILE_MAX]) {
  size_t len = strlen(header);
  assert_true(8 + len + n <= FILE_MAX);
  memset(out, 0, FILE_MAX);
  for (size_t i = 0; i < 8; i++) out[i] = (uint8_t)((uint64_t)len >> (8 * i));
  memcpy(out + 8, header, len);
  return exact_copy(out, 8 + len + n);
}

static void end(struct reading *r) {
  arena_free(&r->arena);
  exact_free(r->bytes);
}

#define TENSOR(dtype, shape, from, to) \
  "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void what_is_in_it(void **state) {
  (void)state;
  uint8_t buffer[FILE_MAX];
  struct reading r;
  begin(&r,
        file_of("{\"__metadata__\":{\"format\":\"pt\"},\"b\":" TENSOR("F32", "[2,3]", 2, 26) ",\"a\":" TENSOR(
                    "BF16", "[]", 0, 2) ",\"empty\":" TENSOR("I64", "[0,7]", 26, 26) "}   ",
                26, buffer));
  assert_true(r.read);
  assert_int_equal(r.o.n, 0);
  assert_int_equal(r.file.arrays.n, 3);
  assert_int_equal(r.file.texts.n, 1);
  assert_true(span_is(r.file.texts.p[0].key, "format") && span_is(r.file.texts.p[0].value, "pt"));
  const struct plain_array *b = &r.file.arrays.p[0];
  assert_true(span_is(b->name, "b"));
  assert_string_equal(b->dtype, "float32");
  assert_int_equal(b->ndim, 2);
  assert_int_equal(b->dims[0], 2);
  assert_int_equal(b->dims[1], 3);
  assert_int_equal(b->at, r.file.data_at + 2);
  assert_int_equal(b->bytes, 24);
  assert_string_equal(r.file.arrays.p[1].dtype, "bfloat16");
  assert_int_equal(r.file.arrays.p[1].ndim, 0);
  end(&r);
}

/* Harmless, though not as the library writes it. */
static void taken(void **state) {
  (void)state;
  static const struct {
    const char *what, *header;
    size_t data;
  } cases[] = {
      {"no tensors", "{}", 0},
      {"metadata only", "{\"__metadata__\":{}}", 0},
      {"metadata null", "{\"__metadata__\":null}", 0},
      {"blanks inside", "{ \"a\" : " TENSOR("U8", "[1]", 0, 1) " }", 1},
      {"a zero hides nothing", "{\"a\":" TENSOR("F64", "[0,4503599627370496]", 0, 0) "}", 0},
      {"sub-byte", "{\"a\":" TENSOR("F4", "[3,2]", 0, 3) "}", 3},
      {"six bits", "{\"a\":" TENSOR("F6_E3M2", "[4]", 0, 3) "}", 3},
      {"complex", "{\"a\":" TENSOR("C64", "[2]", 0, 16) "}", 16},
      {"an escaped name", "{\"\\u0061\":" TENSOR("F8_E8M0", "[1]", 0, 1) "}", 1},
  };
  uint8_t buffer[FILE_MAX];
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
    struct reading r;
    begin(&r, file_of(cases[i].header, cases[i].data, buffer));
    if (!r.read || r.o.n) print_error("%s\n", cases[i].what);
    assert_true(r.read);
    assert_int_equal(r.o.n, 0);
    end(&r);
  }
}

static void refused(void **state) {
  (void)state;
  static const struct {
    const char *header;
    size_t data;
    enum obs_kind kind;
    uint64_t at; /* 0: not looked at */
  } cases[] = {
      {" {}", 0, OBS_SAFETENSORS_START, 8},
      {"[]", 0, OBS_SAFETENSORS_START, 8},
      {"{}\n", 0, OBS_SAFETENSORS_PADDING, 10},
      {"{} x", 0, OBS_SAFETENSORS_JSON, 11},
      {"{", 0, OBS_SAFETENSORS_JSON, 9},
      {"{\"a\":1,}", 0, OBS_SAFETENSORS_JSON, 15},
      {"{\"a\xff\":1}", 0, OBS_SAFETENSORS_JSON, 0},
      {"{\"a\":" TENSOR("U8", "[1]", 0, 1) ",\"a\":" TENSOR("U8", "[1]", 0, 1) "}", 1, OBS_SAFETENSORS_JSON,
       0},
      {"{\"a\":" TENSOR("U8", "[1]", 0, 1) ",\"\\u0061\":" TENSOR("U8", "[1]", 0, 1) "}", 1,
       OBS_SAFETENSORS_JSON, 0},
      {"{\"a\":1}", 0, OBS_SAFETENSORS_FIELD, 13},
      {"{\"a\":{}}", 0, OBS_SAFETENSORS_FIELD, 13},
      {"{\"a\":" TENSOR("F33", "[1]", 0, 1) "}", 1, OBS_SAFETENSORS_FIELD, 22},
      {"{\"a\":" TENSOR("f32", "[1]", 0, 4) "}", 4, OBS_SAFETENSORS_FIELD, 22},
      {"{\"a\":" TENSOR("U8", "1", 0, 1) "}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("U8", "[-1]", 0, 1) "}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("U8", "[-0]", 0, 0) "}", 0, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("U8", "[1.0]", 0, 1) "}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("U8", "[1e0]", 0, 1) "}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("U8", "[\"1\"]", 0, 1) "}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("U8", "[true]", 0, 1) "}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, OBS_SAFETENSORS_FIELD, 13},
      {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, OBS_SAFETENSORS_FIELD, 13},
      {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, OBS_SAFETENSORS_FIELD, 13},
      {"{\"a\":" TENSOR("U8", "[1]", 1, 0) "}", 1, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("U8", "[2]", 0, 2) "}", 1, OBS_SAFETENSORS_RANGE, 0},
      {"{\"a\":" TENSOR("F32", "[1]", 0, 3) "}", 3, OBS_SAFETENSORS_SIZE, 13},
      {"{\"a\":" TENSOR("F32", "[1]", 0, 8) "}", 8, OBS_SAFETENSORS_SIZE, 13},
      {"{\"a\":" TENSOR("F4", "[3]", 0, 2) "}", 2, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("F32", "[4503599627370496,4503599627370496]", 0, 0) "}", 0, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":" TENSOR("F32", "[0,4503599627370496,4503599627370496]", 0, 0) "}", 0, OBS_SAFETENSORS_FIELD,
       0},
      {"{\"a\":" TENSOR("U8", "[1]", 1, 2) "}", 2, OBS_SAFETENSORS_HOLE, 0},
      {"{\"a\":" TENSOR("U8", "[1]", 0, 1) ",\"b\":" TENSOR("U8", "[1]", 2, 3) "}", 3, OBS_SAFETENSORS_HOLE,
       0},
      {"{\"a\":" TENSOR("U8", "[2]", 0, 2) ",\"b\":" TENSOR("U8", "[2]", 1, 3) "}", 3,
       OBS_SAFETENSORS_OVERLAP, 0},
      {"{\"a\":" TENSOR("U8", "[2]", 0, 2) ",\"b\":" TENSOR("U8", "[2]", 0, 2) "}", 2,
       OBS_SAFETENSORS_OVERLAP, 0},
      {"{\"a\":" TENSOR("U8", "[1]", 0, 1) "}", 2, OBS_SAFETENSORS_TRAILING, 0},
      {"{}", 1, OBS_SAFETENSORS_TRAILING, 10},
      {"{\"__metadata__\":[]}", 0, OBS_SAFETENSORS_FIELD, 0},
      {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
       "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
       0, OBS_LIMIT_JSON, 0},
      {"{\"__metadata__\":{\"a\":1}}", 0, OBS_SAFETENSORS_FIELD, 29},
      {"{\"__metadata__\":{\"a\":{}}}", 0, OBS_SAFETENSORS_FIELD, 29},
  };
  uint8_t buffer[FILE_MAX];
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
    struct reading r;
    begin(&r, file_of(cases[i].header, cases[i].data, buffer));
    const struct observation *seen_first = r.o.n ? &r.o.list[0] : NULL;
    bool fits = !r.read && seen_first && seen_first->kind == cases[i].kind &&
                (cases[i].at == 0 || seen_first->at == cases[i].at);
    if (!fits)
      print_error("%s: %d at %llu\n", cases[i].header, seen_first ? (int)seen_first->kind : -1,
                  seen_first ? (unsigned long long)seen_first->at : 0);
    assert_true(fits);
    end(&r);
  }
}

static void a_fourth_field_is_said(void **state) {
  (void)state;
  uint8_t buffer[FILE_MAX];
  struct reading r;
  begin(&r,
        file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"note\":\"x\"}}", 1, buffer));
  assert_true(r.read);
  assert_true(span_is(first_of(&r.o, OBS_SAFETENSORS_EXTRA)->detail, "note"));
  end(&r);
}

static void lengths(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
  } cases[] = {{"", 0},
               {"\2\0\0\0\0\0\0", 7},
               {"\3\0\0\0\0\0\0\0{}", 10},
               {"\x01\xe1\xf5\x05\0\0\0\0{}", 10}, /* 100,000,001 */
               {"\xff\xff\xff\xff\xff\xff\xff\xff{}", 10}};
  for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
    struct reading r;
    begin(&r, exact_copy(cases[i].bytes, cases[i].n));
    assert_false(r.read);
    assert_int_equal(seen(&r.o, OBS_SAFETENSORS_LENGTH), 1);
    end(&r);
  }
}

/* Whatever was read lies in the file, and the arrays have as many bytes as all the data. */
static void parse(struct span bytes) {
  struct reading r;
  uint64_t sum = 0;
  begin(&r, bytes);
  if (!r.read) assert_true(r.o.n > 0);
  for (uint32_t i = 0; r.read && i < r.file.arrays.n; i++) {
    const struct plain_array *a = &r.file.arrays.p[i];
    assert_true(a->at >= r.file.data_at && a->at <= bytes.n && a->bytes <= bytes.n - a->at);
    sum += a->bytes;
  }
  if (r.read) assert_int_equal(sum, bytes.n - r.file.data_at);
  for (uint32_t i = 0; i < r.o.n; i++) assert_true(r.o.list[i].at <= bytes.n);
  arena_free(&r.arena);
}

static void mutations(void **state) {
  (void)state;
  uint8_t buffer[FILE_MAX];
  struct span good = file_of("{\"__metadata__\":{\"k\":\"v\"},\"a\":" TENSOR(
                                 "F32", "[2,3]", 0, 24) ",\"b\":" TENSOR("U8", "[1]", 24, 25) "} ",
                             25, buffer);
  check_mutations(good.p, good.n, parse);
  exact_free(good);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_in_it),          cmocka_unit_test(taken),   cmocka_unit_test(refused),
      cmocka_unit_test(a_fourth_field_is_said), cmocka_unit_test(lengths), cmocka_unit_test(mutations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
