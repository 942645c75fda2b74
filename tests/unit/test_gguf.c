/* GGUF tables (format-spec G.6): what is read of a good file, and one broken rule after the other. Expected
 * values are the format's own: docs/gguf.md and the sizes of ggml-common.h. */
#include "tests/unit/check.h"

#include "container/gguf.h"
#include "tensor/dtype.h"

/* ---- files ---- */

struct file {
  uint8_t bytes[4096];
  size_t n;
  uint32_t version;
  bool big; /* endian */
};

static void put(struct file *f, const void *p, size_t n) {
  assert_true(n <= sizeof f->bytes - f->n);
  memcpy(f->bytes + f->n, p, n);
  f->n += n;
}
static void number(struct file *f, uint64_t v, size_t width) {
  for (size_t i = 0; i < width; i++) {
    uint8_t byte = (uint8_t)(v >> 8 * (f->big ? width - 1 - i : i) & 0xff);
    put(f, &byte, 1);
  }
}
static void count(struct file *f, uint64_t v) { number(f, v, f->version == 1 ? 4 : 8); }
static void text(struct file *f, const char *s) {
  count(f, strlen(s));
  put(f, s, strlen(s));
}
static void header(struct file *f, uint64_t tensors, uint64_t values) {
  f->n = 0;
  put(f, "GGUF", 4);
  number(f, f->version ? f->version : 3, 4);
  count(f, tensors);
  count(f, values);
}
static void tensor(struct file *f, const char *name, const uint64_t *dims, uint32_t n, uint32_t type,
                   uint64_t offset) {
  text(f, name);
  number(f, n, 4);
  for (uint32_t i = 0; i < n; i++) count(f, dims[i]);
  number(f, type, 4);
  number(f, offset, 8);
}
static void align(struct file *f, size_t to) {
  while (f->n % to) number(f, 0, 1);
}

/* Two values; two rows of 32 elements in Q4_0, 18 bytes each; three floats. */
enum { KEY_AT = 24, Q4_0 = 2, FLOATS = 0 };
static void good(struct file *f) {
  header(f, 2, 2);
  text(f, "general.name");
  number(f, 8, 4);
  text(f, "a model");
  text(f, "general.alignment");
  number(f, 4, 4);
  number(f, 64, 4);
  tensor(f, "blocks", (const uint64_t[]){32, 2}, 2, Q4_0, 0);
  tensor(f, "norm", (const uint64_t[]){3}, 1, FLOATS, 64);
  align(f, 64);
  for (int i = 0; i < 36; i++) number(f, 0xab, 1);
  align(f, 64);
  for (int i = 0; i < 3; i++) number(f, 0x3f800000, 4);
}

struct reading {
  struct arena arena;
  struct observations o;
  struct limits max;
  struct plain plain;
  struct span bytes;
  bool fine;
};

static void read_bytes(struct reading *r, struct span bytes, size_t budget) {
  memset(r, 0, sizeof *r);
  r->max = limits_default();
  r->bytes = exact_copy(bytes.p, bytes.n);
  arena_init(&r->arena, budget);
  observations_init(&r->o, &r->arena, 20);
  r->fine = gguf_read(&r->plain, &r->arena, &r->o, &r->max, r->bytes);
}
static void read_file(struct reading *r, const struct file *f) {
  read_bytes(r, span_of(f->bytes, f->n), 1u << 20);
}
static void read_end(struct reading *r) {
  arena_free(&r->arena);
  exact_free(r->bytes);
}

/* ---- tests ---- */

static void has_tables(uint32_t version, bool big, enum obs_kind seen_of_it) {
  static struct file f;
  struct reading r;
  f.version = version;
  f.big = big;
  good(&f);
  read_file(&r, &f);
  assert_true(r.fine);
  assert_int_equal(r.o.n, seen_of_it != OBS_NONE);
  assert_true(seen_of_it == OBS_NONE || seen(&r.o, seen_of_it));
  assert_int_equal(r.plain.big_endian, big);
  assert_int_equal(r.plain.texts.n, 2);
  assert_true(span_is(r.plain.texts.p[0].key, "general.name"));
  assert_true(span_is(r.plain.texts.p[0].value, "a model"));
  assert_true(span_is(r.plain.texts.p[1].value, "64"));
  assert_int_equal(r.plain.arrays.n, 2);
  const struct plain_array *blocks = &r.plain.arrays.p[0], *norm = &r.plain.arrays.p[1];
  assert_string_equal(blocks->dtype, "Q4_0");
  assert_int_equal(blocks->ndim, 2);
  assert_int_equal(blocks->dims[0], 2); /* torch's order */
  assert_int_equal(blocks->dims[1], 32);
  assert_int_equal(blocks->bytes, 36);
  assert_int_equal(blocks->at % 64, 0);
  assert_int_equal(blocks->at, r.plain.data_at);
  assert_int_equal(f.bytes[blocks->at], 0xab);
  assert_string_equal(norm->dtype, "float32");
  assert_int_equal(norm->at, blocks->at + 64);
  assert_int_equal(norm->bytes, 12);
  assert_int_equal(norm->at + norm->bytes, f.n);
  read_end(&r);
}

static void tables_of_a_good_file(void **state) {
  (void)state;
  has_tables(3, false, OBS_NONE);
  has_tables(2, false, OBS_NONE);
  has_tables(1, false, OBS_GGUF_OLD);
  has_tables(3, true, OBS_GGUF_BIG_ENDIAN);
  has_tables(2, true, OBS_GGUF_BIG_ENDIAN);
}

static void types_have_their_blocks(void **state) {
  (void)state;
  static const struct {
    const char *dtype;
    uint64_t elements, bytes;
  } types[] = {
#define TYPE(number, dtype, elements, bytes) {dtype, elements, bytes},
#include "container/gguf.def"
#undef TYPE
  };
  for (size_t i = 0; i < ARRAY_LEN(types); i++) {
    enum dtype d = dtype_by_name(span_str(types[i].dtype));
    if (d == DTYPE_NONE) fail_msg("%s is no dtype", types[i].dtype);
    assert_int_equal(dtype_is_block(d), types[i].elements > 1);
    assert_int_equal(dtype_bytes_for(d, 3 * types[i].elements), 3 * types[i].bytes);
    assert_int_equal(dtype_elements_in(d, 3 * types[i].bytes), 3 * types[i].elements);
    assert_int_equal(dtype_elements_in(d, 3 * types[i].bytes - 1), 2 * types[i].elements);
  }
}

/* ggml-common.h: half precision scales, then the packed weights. */
static void blocks_have_ggmls_sizes(void **state) {
  (void)state;
  assert_int_equal(dtype_size(DTYPE_Q4_0), 2 + 32 / 2);
  assert_int_equal(dtype_size(DTYPE_Q4_1), 2 * 2 + 32 / 2);
  assert_int_equal(dtype_size(DTYPE_Q5_0), 2 + 4 + 32 / 2);
  assert_int_equal(dtype_size(DTYPE_Q8_0), 2 + 32);
  assert_int_equal(dtype_size(DTYPE_Q2_K), 2 * 2 + 256 / 16 + 256 / 4);
  assert_int_equal(dtype_size(DTYPE_Q3_K), 2 + 256 / 4 + 256 / 8 + 12);
  assert_int_equal(dtype_size(DTYPE_Q4_K), 2 * 2 + 12 + 256 / 2);
  assert_int_equal(dtype_size(DTYPE_Q5_K), 2 * 2 + 12 + 256 / 2 + 256 / 8);
  assert_int_equal(dtype_size(DTYPE_Q6_K), 2 + 256 / 16 + 3 * 256 / 4);
  assert_int_equal(dtype_size(DTYPE_Q8_K), 4 + 256 + 256 / 16 * 2);
  assert_int_equal(dtype_size(DTYPE_MXFP4), 1 + 32 / 2);
}

static void bent(const char *name, size_t at, const char *bytes, size_t n, enum obs_kind kind,
                 uint64_t seen_at) {
  static struct file f;
  struct reading r;
  good(&f);
  memcpy(f.bytes + at, bytes, n);
  read_file(&r, &f);
  if (r.fine || !seen(&r.o, kind)) fail_msg("%s: not seen", name);
  if (first_of(&r.o, kind)->at != seen_at)
    fail_msg("%s: at %llu, not %llu", name, (unsigned long long)first_of(&r.o, kind)->at,
             (unsigned long long)seen_at);
  read_end(&r);
}

/* Where things are in the good file. */
enum {
  NAME_VALUE = KEY_AT + 8 + 12,       /* type of general.name */
  ALIGN_KEY = NAME_VALUE + 4 + 8 + 7, /* length of its key */
  ALIGN_VALUE = ALIGN_KEY + 8 + 17,   /* type */
  BLOCKS = ALIGN_VALUE + 4 + 4,       /* length of its name */
  BLOCKS_DIMS = BLOCKS + 8 + 6,       /* how many */
  BLOCKS_TYPE = BLOCKS_DIMS + 4 + 16,
  NORM = BLOCKS_TYPE + 4 + 8,
  NORM_OFFSET = NORM + 8 + 4 + 4 + 8 + 4,
  TABLE_END = NORM_OFFSET + 8,
  DATA = (TABLE_END + 63) / 64 * 64
};

static void broken_rules(void **state) {
  (void)state;
  bent("magic", 0, "FUGG", 4, OBS_GGUF_VERSION, 4);
  bent("version 0", 4, "\0", 1, OBS_GGUF_VERSION, 4);
  bent("version 4", 4, "\4", 1, OBS_GGUF_VERSION, 4);
  bent("version 4, big-endian", 4, "\0\0\0\4", 4, OBS_GGUF_VERSION, 4);
  bent("key is empty", KEY_AT, "\0", 1, OBS_GGUF_VALUE, KEY_AT);
  bent("key has a NUL", KEY_AT + 8, "\0", 1, OBS_GGUF_VALUE, KEY_AT);
  bent("key is longer than the file", KEY_AT + 7, "\x80", 1, OBS_GGUF_SHORT, KEY_AT + 8);
  bent("type of value", NAME_VALUE, "\15", 1, OBS_GGUF_VALUE, NAME_VALUE);
  bent("alignment is signed", ALIGN_VALUE, "\5", 1, OBS_GGUF_VALUE, ALIGN_VALUE);
  bent("alignment is 0", ALIGN_VALUE + 4, "\0", 1, OBS_GGUF_VALUE, ALIGN_VALUE + 4);
  bent("alignment is 65", ALIGN_VALUE + 4, "\101", 1, OBS_GGUF_VALUE, ALIGN_VALUE + 4);
  bent("five dimensions", BLOCKS_DIMS, "\5", 1, OBS_GGUF_VALUE, BLOCKS_DIMS);
  bent("a row of 33", BLOCKS_DIMS + 4, "\41", 1, OBS_GGUF_VALUE, BLOCKS_TYPE);
  bent("negative size", BLOCKS_DIMS + 4 + 15, "\x80", 1, OBS_GGUF_VALUE, BLOCKS_DIMS + 4 + 8);
  bent("removed type", BLOCKS_TYPE, "\4", 1, OBS_GGUF_TYPE, BLOCKS_TYPE);
  bent("offset too small", NORM_OFFSET, "\40", 1, OBS_GGUF_OVERLAP, NORM_OFFSET);
  bent("offset too large", NORM_OFFSET, "\x80", 1, OBS_GGUF_HOLE, NORM_OFFSET);
  bent("bytes behind the table", DATA - 1, "x", 1, OBS_GGUF_PADDING, TABLE_END);
  bent("bytes between tensors", DATA + 36, "x", 1, OBS_GGUF_PADDING, DATA + 36);
}

static void names_twice(void **state) {
  (void)state;
  static struct file f;
  struct reading r;
  good(&f);
  memcpy(f.bytes + NORM, "\6\0\0\0\0\0\0\0blocks", 14); /* two bytes longer: what follows moves */
  f.n = NORM + 14;
  number(&f, 1, 4);
  number(&f, 3, 8);
  number(&f, FLOATS, 4);
  number(&f, 64, 8);
  align(&f, 64);
  f.n += 64 + 12;
  read_file(&r, &f);
  assert_false(r.fine);
  assert_true(span_is(first_of(&r.o, OBS_GGUF_TWICE)->subject, "blocks"));
  read_end(&r);
}

static void ends(void **state) {
  (void)state;
  static struct file f;
  struct reading r;
  good(&f);
  align(&f, 64); /* the last tensor may be padded */
  read_file(&r, &f);
  assert_true(r.fine);
  read_end(&r);
  number(&f, 0, 1);
  read_file(&r, &f);
  assert_int_equal(first_of(&r.o, OBS_GGUF_TRAILING)->got, 1);
  read_end(&r);
  good(&f);
  f.n--;
  read_file(&r, &f);
  assert_int_equal(first_of(&r.o, OBS_GGUF_SHORT)->got, 11);
  read_end(&r);
}

static void limits_are_not_clean(void **state) {
  (void)state;
  static struct file f;
  struct reading r;
  good(&f);
  read_bytes(&r, span_of(f.bytes, f.n), 64);
  assert_false(r.fine);
  assert_true(r.arena.exhausted);
  read_end(&r);
}

/* What is taken lies in the file, and no two tensors share a byte. */
static void parse(struct span bytes) {
  struct reading r;
  uint64_t end = 0;
  read_bytes(&r, bytes, 1u << 20);
  assert_true(r.fine || r.o.n > 0);
  for (uint32_t i = 0; r.fine && i < r.plain.arrays.n; i++) {
    const struct plain_array *a = &r.plain.arrays.p[i];
    assert_true(a->at >= end && a->at <= bytes.n && a->bytes <= bytes.n - a->at);
    end = a->at + a->bytes;
  }
  read_end(&r);
}

static void mutations_do_no_harm(void **state) {
  (void)state;
  static struct file f;
  good(&f);
  check_mutations(f.bytes, f.n, parse);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_of_a_good_file),
      cmocka_unit_test(types_have_their_blocks),
      cmocka_unit_test(blocks_have_ggmls_sizes),
      cmocka_unit_test(broken_rules),
      cmocka_unit_test(names_twice),
      cmocka_unit_test(ends),
      cmocka_unit_test(limits_are_not_clean),
      cmocka_unit_test(mutations_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
