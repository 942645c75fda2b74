/* The tar archives of torch before 0.1.10: headers as Python's tarfile writes them (format-spec C.5), and one
 * thing after the other that readers could differ on. */
#include "tests/unit/check.h"

#include "container/container.h"

enum { BLOCK = 512, PAX = 2 * BLOCK /* a header and its record */ };
/* Offsets in the good file: each member has a pax header, a header and one block. */
enum { MEMBER = PAX + 2 * BLOCK, HEADER = PAX, DATA = PAX + BLOCK, END = 4 * MEMBER, FILE_BYTES = END + PAX };

struct file {
  uint8_t bytes[FILE_BYTES + BLOCK];
  size_t n;
};

static void put_sum(uint8_t *block) {
  unsigned sum = 0;
  char text[8];
  memset(block + 148, ' ', 8);
  for (size_t i = 0; i < BLOCK; i++) sum += block[i];
  (void)snprintf(text, sizeof text, "%06o", sum);
  memcpy(block + 148, text, 7);
}

static void put_header(uint8_t *block, const char *name, char type, const char *size) {
  memcpy(block, name, strlen(name));
  memcpy(block + 100, "0000600", 7);
  memcpy(block + 108, "0000765", 7);
  memcpy(block + 116, "0000024", 7);
  memcpy(block + 124, size, strlen(size));
  memcpy(block + 136, "13041007742", 11);
  block[156] = (uint8_t)type;
  memcpy(block + 257,
         "ustar\0"
         "00",
         8);
  memcpy(block + 265, "sean", 4);
  memcpy(block + 329, "0000000", 7);
  memcpy(block + 337, "0000000", 7);
  put_sum(block);
}

static const char record[] = "22 mtime=1485049682.0\n";

/* The four members, of five bytes each. */
static void good_file(struct file *f) {
  static const char *const names[] = {"sys_info", "pickle", "tensors", "storages"};
  memset(f, 0, sizeof *f);
  f->n = FILE_BYTES;
  for (size_t i = 0; i < 4; i++) {
    uint8_t *p = f->bytes + i * MEMBER;
    put_header(p, "././@PaxHeader", 'x', "00000000026");
    memcpy(p + BLOCK, record, sizeof record - 1);
    put_header(p + HEADER, names[i], '0', "00000000005");
    memcpy(p + DATA, "bytes", 5);
  }
}

struct opened {
  struct arena arena;
  struct observations o;
  struct limits max;
  struct container c;
  struct span bytes;
};

static void open_bytes(struct opened *x, const void *p, size_t n, uint64_t members) {
  *x = (struct opened){.max = limits_default(), .bytes = exact_copy(p, n)};
  x->max.zip_members = members;
  arena_init(&x->arena, 1u << 24);
  observations_init(&x->o, &x->arena, 20);
  container_open(&x->c, &x->arena, &x->o, &x->max, x->bytes);
}
static void close_bytes(struct opened *x) {
  arena_free(&x->arena);
  exact_free(x->bytes);
}

static void members_of_a_good_file(void **state) {
  (void)state;
  static struct file f;
  struct opened x;
  good_file(&f);
  open_bytes(&x, f.bytes, f.n, 100);
  assert_int_equal(x.c.kind, CONTAINER_TORCH_TAR);
  assert_true(x.c.usable);
  assert_int_equal(x.o.n, 1); /* that it is old */
  assert_int_equal(seen(&x.o, OBS_KIND_TORCH_TAR), 1);
  assert_int_equal(x.c.num_members, 4);
  for (uint32_t i = 0; i < 4; i++) {
    assert_int_equal(x.c.members[i].header_at, i * MEMBER + HEADER);
    assert_int_equal(x.c.members[i].data_at, i * MEMBER + DATA);
    assert_true(span_is(member_mapped(&x.c, &x.c.members[i]), "bytes"));
  }
  assert_true(span_is(x.c.members[1].name, "pickle"));
  close_bytes(&x);
}

struct bend {
  const char *name;
  size_t at, n; /* bytes replaced; n is 0: the file has `at` bytes */
  const char *bytes;
  size_t sum_of; /* the header whose checksum is made right again, 1-based by blocks; 0: none */
  enum obs_kind kind;
  uint64_t seen_at;
};

#define SUM(header) ((header) / BLOCK + 1)
enum { PICKLE = MEMBER + HEADER, PICKLE_PAX = MEMBER };

static const struct bend bends[] = {
    {"mode is no number", PICKLE + 100, 7, "rw-r--r", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 100},
    {"number without an end", PICKLE + 108, 8, "00007651", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 108},
    {"number behind a space", PICKLE + 116, 7, " 000024", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 116},
    {"negative time", PICKLE + 136, 3, "-12", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 136},
    {"text behind a number", PICKLE + 143, 5, "7\0x\0\0", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 136},
    {"size in base 256", PICKLE + 124, 2, "\x80\0", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 124},
    {"size is empty", PICKLE + 124, 12, "\0\0\0\0\0\0\0\0\0\0\0", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 124},
    {"GNU magic", PICKLE + 257, 8, "ustar  ", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 257},
    {"no magic", PICKLE + 257, 8, "\0\0\0\0\0\0\0", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 257},
    {"name has a second part", PICKLE + 7, 4, ".txt", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 6},
    {"link", PICKLE + 157, 1, "x", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 157},
    {"prefix", PICKLE + 345, 1, "x", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 345},
    {"behind the prefix", PICKLE + 511, 1, "x", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 345},
    {"device number", PICKLE + 329, 1, "x", SUM(PICKLE), OBS_TAR_FIELD, PICKLE + 329},
    {"directory", PICKLE + 156, 1, "5", SUM(PICKLE), OBS_TAR_TYPE, PICKLE + 156},
    {"hard link", PICKLE + 156, 1, "1", SUM(PICKLE), OBS_TAR_TYPE, PICKLE + 156},
    {"symbolic link", PICKLE + 156, 1, "2", SUM(PICKLE), OBS_TAR_TYPE, PICKLE + 156},
    {"long name", PICKLE + 156, 1, "L", SUM(PICKLE), OBS_TAR_TYPE, PICKLE + 156},
    {"sparse", PICKLE + 156, 1, "S", SUM(PICKLE), OBS_TAR_TYPE, PICKLE + 156},
    {"type of the first tars", PICKLE + 156, 1, "\0", SUM(PICKLE), OBS_TAR_TYPE, PICKLE + 156},
    {"global pax header", PICKLE_PAX + 156, 1, "g", SUM(PICKLE_PAX), OBS_TAR_TYPE, PICKLE_PAX + 156},
    {"pax header before a pax header", PICKLE + 156, 1, "x", SUM(PICKLE), OBS_TAR_TYPE, PICKLE + 156},
    {"checksum", PICKLE + 1, 1, "x", 0, OBS_TAR_CHECKSUM, PICKLE + 148},
    {"checksum of a pax header", PICKLE_PAX + 1, 1, "x", 0, OBS_TAR_CHECKSUM, PICKLE_PAX + 148},
    {"pax path", PICKLE_PAX + BLOCK, 22, "22 path=tensorstensor\n", 0, OBS_TAR_PAX, PICKLE_PAX + BLOCK},
    {"pax size", PICKLE_PAX + BLOCK, 22, "22 size=0000000000000\n", 0, OBS_TAR_PAX, PICKLE_PAX + BLOCK},
    {"pax record too long", PICKLE_PAX + BLOCK, 2, "23", 0, OBS_TAR_PAX, PICKLE_PAX + BLOCK},
    {"pax record too short", PICKLE_PAX + BLOCK, 2, "21", 0, OBS_TAR_PAX, PICKLE_PAX + BLOCK},
    {"pax record of no length", PICKLE_PAX + BLOCK, 2, "03", 0, OBS_TAR_PAX, PICKLE_PAX + BLOCK},
    {"pax record without an equals sign", PICKLE_PAX + BLOCK + 8, 1, " ", 0, OBS_TAR_PAX, PICKLE_PAX + BLOCK},
    {"second pax record", PICKLE_PAX + BLOCK, 22, "10 mtime=112 path=tab\n", 0, OBS_TAR_PAX,
     PICKLE_PAX + BLOCK},
    {"padding", MEMBER + DATA + 5, 1, "x", 0, OBS_TAR_PADDING, MEMBER + DATA + 5},
    {"padding of a pax record", PICKLE_PAX + BLOCK + 22, 1, "x", 0, OBS_TAR_PADDING, PICKLE_PAX + BLOCK + 22},
    {"behind the first block of zeros", END + BLOCK, 1, "x", 0, OBS_TAR_PADDING, END},
    {"ends in a header", MEMBER + 100, 0, "", 0, OBS_TAR_SHORT, MEMBER},
    {"ends in data", MEMBER + DATA + 3, 0, "", 0, OBS_TAR_SHORT, MEMBER + DATA},
    {"ends in padding", MEMBER + DATA + 7, 0, "", 0, OBS_TAR_SHORT, MEMBER + DATA + 5},
    {"no zeros at the end", END, 0, "", 0, OBS_TAR_SHORT, END},
    {"size beyond the file", PICKLE + 124, 3, "777", SUM(PICKLE), OBS_TAR_SHORT, MEMBER + DATA},
    {"other member", PICKLE, 6, "Pickle", SUM(PICKLE), OBS_MEMBER_UNEXPECTED, PICKLE},
    {"pickle is missing", PICKLE, 6, "Pickle", SUM(PICKLE), OBS_RECORD_MISSING, FILE_BYTES},
    {"below a folder", PICKLE, 8, "./pickle", SUM(PICKLE), OBS_RECORD_MISSING, FILE_BYTES},
    {"leads out", PICKLE, 6, "../abc", SUM(PICKLE), OBS_ZIP_NAME_PARENT, PICKLE},
    {"same name", PICKLE, 8, "sys_info", SUM(PICKLE), OBS_ZIP_NAME_TWICE, PICKLE},
};

static void bent_archives_are_seen(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(bends); i++) {
    const struct bend *b = &bends[i];
    static struct file f;
    struct opened x;
    good_file(&f);
    if (b->n)
      memcpy(f.bytes + b->at, b->bytes, b->n);
    else
      f.n = b->at;
    if (b->sum_of) put_sum(f.bytes + (b->sum_of - 1) * BLOCK);
    open_bytes(&x, f.bytes, f.n, 100);
    if (!seen(&x.o, b->kind)) fail_msg("%s: not seen", b->name);
    if (first_of(&x.o, b->kind)->at != b->seen_at)
      fail_msg("%s: at %llu", b->name, (unsigned long long)first_of(&x.o, b->kind)->at);
    close_bytes(&x);
  }
}

static void devices_may_be_empty(void **state) {
  (void)state;
  static struct file f;
  struct opened x;
  good_file(&f);
  memset(f.bytes + PICKLE + 329, 0, 16); /* as Python 3.9 and later writes them */
  put_sum(f.bytes + PICKLE);
  open_bytes(&x, f.bytes, f.n, 100);
  assert_int_equal(x.o.n, 1);
  close_bytes(&x);
}

static void members_have_a_limit(void **state) {
  (void)state;
  static struct file f;
  struct opened x;
  good_file(&f);
  open_bytes(&x, f.bytes, f.n, 3);
  assert_int_equal(first_of(&x.o, OBS_LIMIT_MEMBERS)->want, 3);
  assert_false(x.c.usable);
  close_bytes(&x);
}

/* Python's tarfile takes a checksum of either sign, in base 256, or as int(text, 8) does; what it opens as a
 * tar is none of the other kinds here. */
static void checksums_of_any_reader(void **state) {
  (void)state;
  static struct file f;
  struct opened x;
  static const struct {
    const char *before, *behind;
  } forms[] = {{"", " "}, {" ", "\t"}, {"0o", ""}, {"0O", " "}, {"+", ""}, {"0_", ""}};
  char digits[8];
  good_file(&f);
  f.bytes[90] = 0xc3; /* behind the end of the name */
  put_sum(f.bytes);
  unsigned sum = (unsigned)strtoul((const char *)f.bytes + 148, NULL, 8);
  for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
    char text[16];
    (void)snprintf(digits, sizeof digits, "%o", sum);
    (void)snprintf(text, sizeof text, "%s%s%s", forms[i].before, digits, forms[i].behind);
    memset(f.bytes + 148, 0, 8);
    memcpy(f.bytes + 148, text, min_size(strlen(text), 8));
    open_bytes(&x, f.bytes, f.n, 100);
    assert_int_equal(x.c.kind, CONTAINER_TORCH_TAR);
    close_bytes(&x);
  }
  (void)snprintf(digits, sizeof digits, "%o", sum - 256); /* 0xc3 is -61 */
  memset(f.bytes + 148, 0, 8);
  memcpy(f.bytes + 148, digits, strlen(digits));
  open_bytes(&x, f.bytes, f.n, 100);
  assert_int_equal(x.c.kind, CONTAINER_TORCH_TAR);
  assert_int_equal(seen(&x.o, OBS_TAR_CHECKSUM), 1); /* torch's are unsigned */
  close_bytes(&x);

  const uint8_t base[8] = {0x80, 0, 0, 0, 0, 0, (uint8_t)(sum >> 8), (uint8_t)(sum & 0xff)};
  memcpy(f.bytes + 148, base, 8);
  open_bytes(&x, f.bytes, f.n, 100);
  assert_int_equal(x.c.kind, CONTAINER_TORCH_TAR);
  assert_int_equal(seen(&x.o, OBS_TAR_CHECKSUM), 1);
  close_bytes(&x);

  f.bytes[155]++;
  open_bytes(&x, f.bytes, f.n, 100);
  assert_int_equal(x.c.kind, CONTAINER_TAR); /* by its magic: not checked */
  close_bytes(&x);
}

/* What ends before the zeros is never taken for whole. */
static void parse(struct span bytes) {
  struct opened x;
  open_bytes(&x, bytes.p, bytes.n, 100);
  if (x.c.kind == CONTAINER_TORCH_TAR && x.c.usable)
    for (uint32_t i = 0; i < x.c.num_members; i++)
      assert_int_equal(member_mapped(&x.c, &x.c.members[i]).n, x.c.members[i].size);
  if (bytes.n != FILE_BYTES)
    assert_true(x.o.n > 1 || x.c.kind != CONTAINER_TORCH_TAR || bytes.n >= END + BLOCK);
  close_bytes(&x);
}

static void mutations_do_no_harm(void **state) {
  (void)state;
  static struct file f;
  good_file(&f);
  check_mutations(f.bytes, f.n, parse);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_of_a_good_file),  cmocka_unit_test(bent_archives_are_seen),
      cmocka_unit_test(devices_may_be_empty),    cmocka_unit_test(members_have_a_limit),
      cmocka_unit_test(checksums_of_any_reader), cmocka_unit_test(mutations_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
