#include "base/npy.h"

#include "tests/unit/check.h"

/* Written by NumPy 1.24.2: np.save, or np.lib.format.write_array with a version. */
static const struct {
  const char *name, *bytes;
  size_t n;
  char kind;
  uint8_t size;
  bool fortran_order;
  uint32_t ndim;
  uint64_t shape[8], numel;
} recorded[] = {
    {"float32, C order",
     "\223NUMPY\001\000v\000{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }           "
     "                                               \012"
     "\000\000\200?\000\000\000@\000\000@@\000\000\200@\000\000\240@\000\000\300@",
     152,
     'f',
     4,
     false,
     2,
     {2, 3},
     6},
    {"float32, Fortran order",
     "\223NUMPY\001\000v\000{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }            "
     "                                               \012"
     "\000\000\200?\000\000\200@\000\000\000@\000\000\240@\000\000@@\000\000\300@",
     152,
     'f',
     4,
     true,
     2,
     {2, 3},
     6},
    {"scalar",
     "\223NUMPY\001\000v\000{'descr': '<f8', 'fortran_order': False, 'shape': (), }               "
     "                                               \012"
     "\000\000\000\000\000\000\004@",
     136,
     'f',
     8,
     false,
     0,
     {0},
     1},
    {"empty",
     "\223NUMPY\001\000v\000{'descr': '<i8', 'fortran_order': False, 'shape': (0, 3), }           "
     "                                               \012",
     128,
     'i',
     8,
     false,
     2,
     {0, 3},
     0},
    {"bool",
     "\223NUMPY\001\000v\000{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }             "
     "                                               \012"
     "\001\000",
     130,
     'b',
     1,
     false,
     1,
     {2},
     2},
    {"int8",
     "\223NUMPY\001\000v\000{'descr': '|i1', 'fortran_order': False, 'shape': (1,), }             "
     "                                               \012"
     "\377",
     129,
     'i',
     1,
     false,
     1,
     {1},
     1},
    {"version 2.0",
     "\223NUMPY\002\000t\000\000\000{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }     "
     "                                                     \012"
     "\000\000\000\000\000\000\000\200",
     136,
     'u',
     8,
     false,
     1,
     {1},
     1},
    {"version 3.0",
     "\223NUMPY\003\000t\000\000\000{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }     "
     "                                                     \012"
     "\000>",
     130,
     'f',
     2,
     false,
     1,
     {1},
     1},
    {"eight dimensions",
     "\223NUMPY\001\000v\000{'descr': '<u2', 'fortran_order': False, 'shape': (1, 2, 1, 2, 1, 2, 1"
     ", 1), }                                        \012"
     "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000",
     144,
     'u',
     2,
     false,
     8,
     {1, 2, 1, 2, 1, 2, 1, 1},
     8},
};

static void reads_what_numpy_writes(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
    struct span s = exact_copy(recorded[i].bytes, recorded[i].n);
    struct npy a;
    struct npy_error err;
    if (!npy_read(&a, s, &err))
      fail_msg("%s: expected %s at %zu", recorded[i].name, err.what, (size_t)err.at);
    assert_int_equal(a.kind, recorded[i].kind);
    assert_int_equal(a.size, recorded[i].size);
    assert_int_equal(a.fortran_order, recorded[i].fortran_order);
    assert_int_equal(a.ndim, recorded[i].ndim);
    assert_memory_equal(a.shape, recorded[i].shape, a.ndim * sizeof a.shape[0]);
    assert_int_equal(a.numel, recorded[i].numel);
    assert_int_equal(a.data.n, a.numel * a.size);
    assert_ptr_equal(a.data.p + a.data.n, s.p + s.n);
    exact_free(s);
  }
}

/* What numpy.lib.format writes as descr of a dtype, and that dtype's itemsize; kind 0: numpy refuses it, or
 * it is beyond what is read here. */
static void reads_records(void **state) {
  (void)state;
#define ITEM   "'<f4'"
#define IN1(x) "[('a', " x ")]"
#define IN4(x) IN1(IN1(IN1(IN1(x))))
  static const struct {
    const char *descr;
    char kind;
    uint64_t bytes;
  } rows[] = {{"[('a', '<i4'), ('b', '>f8')]", 'V', 12},
              {"[('a', '|u1'), ('m', '<f4', (2, 3)), ('s', '|S5'), ('u', '<U2')]", 'V', 38},
              {"[('p', [('x', '<f2'), ('y', '<i8', (2,))]), ('q', '<M8[ns]')]", 'V', 26},
              {"[('p', [('x', '<f2')], (3,))]", 'V', 6},
              {"[(('title', 'name'), '<f4')]", 'V', 4},
              {"[('a', '|i1'), ('', '|V7')]", 'V', 8},
              {"[('a', '<i4'), ('o', '|O')]", 'O', 0},
              {"[('p', [('o', '|O')]), ('a', '<i4')]", 'O', 0},
              {"[('a', '<f4', (0,))]", 'V', 0},
              {"[]", 'V', 0},
              {IN4(IN4(IN4(IN4(ITEM)))), 'V', 4},
              {IN1(IN4(IN4(IN4(IN4(ITEM))))), 0, 0},
              {"[('a', '<f4', (268435456, 268435456, 268435456))]", 0, 0},
              {"[('a', '<f4', (4294967296, 4294967296))]", 0, 0},
              {"[('a', '|V268435455'), ('b', '|V1')]", 0, 0},
              {"[('a', '<f')]", 0, 0}, /* a float, of C's size */
              {"[('a', '<f4', 3)]", 0, 0},
              {"[('a', '<f4', (-1,))]", 0, 0},
              {"[('a', '<f4'", 0, 0},
              {"[('a', '<f4')", 0, 0},
              {"[('a')]", 0, 0},
              {"[('a', '<f4') ('b', '<f4')]", 0, 0},
              {"[('a', [('b', '<f4')]]", 0, 0},
              {"['<f4']", 0, 0},
              {"[(('t'), '<f4')]", 0, 0},
              {"[('a', '<f4')]]", 0, 0}};
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    char file[1024] = "\223NUMPY\001";
    int n = snprintf(file + 10, sizeof file - 10, "{'descr': %s, 'fortran_order': False, 'shape': (2,), }\n",
                     rows[i].descr);
    assert_true(n > 0 && n < 0x300);
    memset(file + 10 + n, ' ', (size_t)(0x300 - n));
    file[9] = 3; /* 0x300 bytes of header */
    struct span s = exact_copy(file, 10 + 0x300);
    struct npy_place p;
    struct npy_error err;
    bool fine = npy_place(&p, s, &err);
    if (fine != (rows[i].kind != 0)) fail_msg("%s: %s", rows[i].descr, fine ? "is taken" : err.what);
    assert_true(p.fields);
    if (fine) assert_int_equal(p.array.kind, rows[i].kind);
    if (fine) assert_int_equal(p.data_bytes, 2 * rows[i].bytes);
    exact_free(s);
  }
}

static void writes_as_numpy_does(void **state) {
  (void)state;
  static const struct {
    size_t recording;
    const char *descr;
  } headers[] = {{0, "<f4"}, {2, "<f8"}, {3, "<i8"}, {4, "|b1"}, {8, "<u2"}};
  for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
    uint8_t out[NPY_HEADER_SIZE];
    size_t at = headers[i].recording;
    assert_int_equal(npy_header(out, headers[i].descr, recorded[at].shape, recorded[at].ndim), sizeof out);
    assert_memory_equal(out, recorded[at].bytes, sizeof out);
  }
  uint8_t out[NPY_HEADER_SIZE];
  uint64_t wide[NPY_MAX_DIMS] = {1000, 1000, 1000, 1000, 1000, 1000,
                                 1000, 1000, 1000, 1000, 10}; /* edge: 117 bytes of text */
  assert_int_equal(npy_header(out, "<f4", wide, 11), sizeof out);
  wide[10] = 100;
  assert_int_equal(npy_header(out, "<f4", wide, 11), 0);
  for (size_t i = 0; i < ARRAY_LEN(wide); i++) wide[i] = UINT64_MAX;
  assert_int_equal(npy_header(out, "<f4", wide, NPY_MAX_DIMS), 0);
}

/* A version 1.0 file of this header text and so many zero bytes of data. */
static struct span file_of(const char *header, size_t zeros) {
  size_t n = strlen(header);
  uint8_t *p = calloc(1, 10 + n + zeros);
  assert_non_null(p);
  memcpy(p, "\x93NUMPY\1\0", 8);
  p[8] = (uint8_t)(n & 0xff);
  p[9] = (uint8_t)(n >> 8);
  memcpy(p + 10, header, n);
  return span_of(p, 10 + n + zeros);
}

#define D "{'descr': '<f4', 'fortran_order': False, 'shape': "
static const struct {
  const char *header;
  size_t zeros;
  int64_t at; /* of the refusal, from the start of the header text; -1: read */
} headers[] = {
    {D "(2,)}", 8, -1},
    {D "(2,), }\n", 8, -1},
    {"{\"shape\":(2L,1L,),\"descr\":\"<f4\",\"fortran_order\":True}", 8, -1},
    {D "()}", 4, -1},
    {D "(0, 9223372036854775807)}", 0, 75}, /* 4 * (2^63 - 1) behind a zero */
    {D "(2,)}", 7, 62},                     /* edge: a byte short */
    {D "(2,)}", 9, 63},                     /* edge: a byte more */
    {D "(2)}", 8, 52},
    {D "[2]}", 8, 50},
    {D "2}", 8, 50},
    {D "(-2,)}", 8, 51},
    {D "(2 3)}", 24, 53},
    {D "(02,)}", 8, 51},
    {D "(0x2,)}", 8, 52},
    {D "(1_0,)}", 40, 52},
    {D "(True,)}", 4, 51},
    {D "(,)}", 4, 51},
    {D "(2,,)}", 8, 53},
    {D "(9223372036854775808,)}", 0, 51},
    {D "(18446744073709551617,)}", 4, 51}, /* 2^64 + 1 must not wrap to 1 */
    {D "(4294967296, 4294967296)}", 0, 75},
    {D "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}", 4, -1}, /* edge: 32 dims */
    {D "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}", 4, 115},
    {D "(2,)", 8, 54},
    {D "(2,)} x", 8, 56},
    {D "(2,)}\t", 8, 55},
    {D "(2,), 'descr': '<f4'}", 8, 56},
    {D "(2,), 'more': 1}", 8, 56},
    {"{'fortran_order': False, 'shape': (2,)}", 8, 38},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, 34},
    {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", 8, 10},
    {"{'descr': '=f4', 'fortran_order': False, 'shape': (2,)}", 8, 10},
    {"{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}", 8, 10},
    {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 8, 10},
    {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8, 10},
    {"{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", 16, 10},
    {"{'descr': '<\\x664', 'fortran_order': False, 'shape': (2,)}", 8, 10},
    {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8, 10},
    {"{'descr': '<f4", 0, 10},
    {"('descr', '<f4')", 0, 0},
    {"", 0, 0},
    {"# comment\n" D "(2,)}", 8, 0},
};
#undef D

static void headers_are_read_strictly(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
    struct span s = file_of(headers[i].header, headers[i].zeros);
    struct npy a;
    struct npy_error err;
    bool read = npy_read(&a, s, &err);
    int64_t at = read ? -1 : (int64_t)err.at - 10;
    if (at != headers[i].at)
      fail_msg("%s: %lld, expected %s", headers[i].header, (long long)at, read ? "a refusal" : err.what);
    exact_free(s);
  }
}

static void other_files_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t n, at;
  } files[] = {
      {"", 0, 0},
      {"\x93NUMP", 5, 0},
      {"\x93NUMPX\1\0\0\0", 10, 0},
      {"PK\3\4\0\0\0\0\0\0", 10, 0},
      {"\x93NUMPY\0\0\0\0", 10, 6},
      {"\x93NUMPY\1\1\0\0", 10, 6},
      {"\x93NUMPY\4\0\0\0\0\0", 12, 6},
      {"\x93NUMPY\1\0\1", 9, 8},
      {"\x93NUMPY\1\0\1\0", 10, 10},
      {"\x93NUMPY\2\0\xff\xff\xff\xff", 12, 12},
  };
  for (size_t i = 0; i < ARRAY_LEN(files); i++) {
    struct span s = exact_copy(files[i].bytes, files[i].n);
    struct npy a;
    struct npy_error err;
    assert_false(npy_read(&a, s, &err));
    if (err.at != files[i].at) fail_msg("file %zu: at %zu, expected %s", i, (size_t)err.at, err.what);
    exact_free(s);
  }
}

static void read_mutation(struct span bytes) {
  struct npy_place place;
  struct npy_error place_err;
  if (npy_place(&place, bytes, &place_err)) {
    assert_true(place.data_at <= bytes.n);
    assert_true(place.item_size == 0 || place.data_bytes / place.item_size == place.array.numel);
  } else {
    assert_true(place_err.at <= bytes.n);
  }
  struct npy a;
  struct npy_error err;
  if (!npy_read(&a, bytes, &err)) {
    assert_true(err.at <= bytes.n && err.what);
    return;
  }
  assert_true(a.data.n == a.numel * a.size && a.data.p + a.data.n == bytes.p + bytes.n);
}

static void mutations_are_survived(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(recorded); i++)
    check_mutations((const uint8_t *)recorded[i].bytes, recorded[i].n, read_mutation);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_numpy_writes), cmocka_unit_test(reads_records),
      cmocka_unit_test(writes_as_numpy_does),    cmocka_unit_test(headers_are_read_strictly),
      cmocka_unit_test(other_files_are_refused), cmocka_unit_test(mutations_are_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
