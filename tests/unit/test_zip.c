/* The strict zip reader: torch's own form passes without a word, every deviation is seen for what it is,
 * where it is. */
#include "tests/unit/container_bench.h"
#include "tests/unit/zip_builder.h"

static void scan_image(struct scan *s, const struct zip_image *z) { scan_bytes(s, z->p, z->n); }
static void verify_all(struct scan *s) {
  for (uint32_t i = 0; s->c.usable && i < s->c.num_members; i++)
    (void)member_verify(&s->c, &s->c.members[i], &s->o);
}
static const struct member *find(const struct scan *s, const char *name) {
  return container_find(&s->c, span_str(name));
}

static const struct zip_item torch_items[] = {ZIP_TORCH_ITEMS, {0}};

static const struct zip_item new_torch_items[] = {
    {.name = "a/data.pkl", .data = ZIP_PICKLE, .size = sizeof ZIP_PICKLE - 1},
    {.name = "a/.format_version", .data = "1", .size = 1},
    {.name = "a/.storage_alignment", .data = "64", .size = 2},
    {.name = "a/byteorder", .data = "little", .size = 6},
    {.name = "a/data/0", .data = "", .size = 0},
    {.name = "a/data/94185747836416", .data = "0123456789abcdef", .size = 16},
    {.name = "a/version", .data = "3\n", .size = 2},
    {.name = "a/.data/serialization_id", .data = "0123456789012345678901234567890123456789", .size = 40},
};

static void torch_form_is_clean(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s;
  zip_build(&z, new_torch_items);
  scan_image(&s, &z);
  verify_all(&s);
  assert_int_equal(s.o.n, 0);
  assert_true(s.c.usable && s.c.zip64);
  assert_int_equal(s.c.kind, CONTAINER_TORCH_ZIP);
  assert_int_equal(s.c.num_members, 8);
  assert_true(span_is(s.c.top, "a"));
  assert_int_equal(s.c.directory_at, z.directory);
  const struct member *m = find(&s, "data/94185747836416");
  assert_non_null(m);
  assert_int_equal(m->header_at, z.local[5]);
  assert_int_equal(m->data_at, z.data[5]);
  assert_int_equal(m->data_at % 64, 0);
  assert_true(span_is(member_mapped(&s.c, m), "0123456789abcdef"));
  assert_int_equal(member_number(&s.c, m), 6);
  assert_true(m->crc_known);
  assert_int_equal(find(&s, "data/0")->size, 0);
  assert_null(find(&s, "data/1"));
  assert_null(find(&s, "a/data/0"));
  scan_end(&s);
}

/* ---- one field bent ---- */

struct bend {
  const char *name;
  enum zip_place place; /* the field to overwrite */
  uint32_t member;
  uint64_t off;
  size_t width;
  uint64_t value;
  enum obs_kind kind; /* must be seen at this place … */
  enum zip_place at_place;
  uint64_t at_off;
  uint64_t got, want;
  enum obs_kind also; /* … and only this besides */
};

static const struct bend bends[] = {
    /* E01, E12: local header against directory. */
    {"local name", AT_LOCAL, 1, 30, 1, 'b', OBS_ZIP_LOCAL_NAME, AT_LOCAL, 30, 0, 0, OBS_NONE},
    {"local version", AT_LOCAL, 1, 4, 2, 20, OBS_ZIP_LOCAL_VERSION, AT_LOCAL, 4, 20, 0, OBS_NONE},
    {"local encryption flag", AT_LOCAL, 1, 6, 2, 0x809, OBS_ZIP_LOCAL_FLAGS, AT_LOCAL, 6, 0x809, 0x808,
     OBS_NONE},
    {"local flag 0x20", AT_LOCAL, 1, 6, 2, 0x828, OBS_ZIP_LOCAL_FLAGS, AT_LOCAL, 6, 0x828, 0x808, OBS_NONE},
    {"local flag 0x40", AT_LOCAL, 1, 6, 2, 0x848, OBS_ZIP_LOCAL_FLAGS, AT_LOCAL, 6, 0x848, 0x808, OBS_NONE},
    {"local method", AT_LOCAL, 1, 8, 2, 8, OBS_ZIP_LOCAL_METHOD, AT_LOCAL, 8, 8, 0, OBS_NONE},
    {"local size", AT_LOCAL, 0, 22, 4, 99, OBS_ZIP_LOCAL_SIZE, AT_LOCAL, 22, 99, 6, OBS_NONE},
    {"local crc", AT_LOCAL, 0, 14, 4, 99, OBS_ZIP_LOCAL_CRC, AT_LOCAL, 14, 99, 0, OBS_NONE},
    {"local csize", AT_LOCAL, 0, 18, 4, 99, OBS_ZIP_LOCAL_CSIZE, AT_LOCAL, 18, 99, 6, OBS_NONE},
    {"local signature", AT_LOCAL, 1, 0, 1, 'Q', OBS_ZIP_LOCAL_SIGNATURE, AT_LOCAL, 0, 0, 0, OBS_NONE},
    {"padding", AT_DATA, 1, UINT64_MAX, 1, 'Y', OBS_ZIP_PADDING, AT_LOCAL, 43, 0, 0, OBS_NONE},
    {"unknown extra", AT_LOCAL, 1, 39, 2, 0x5455, OBS_ZIP_LOCAL_EXTRA, AT_LOCAL, 39, 0x5455, 0, OBS_NONE},
    {"unicode path", AT_LOCAL, 1, 39, 2, 0x7075, OBS_ZIP_UNICODE_PATH, AT_LOCAL, 39, 0, 0, OBS_NONE},
    {"extra length", AT_LOCAL, 1, 41, 2, 500, OBS_ZIP_EXTRA_SHORT, AT_LOCAL, 39, 0, 0, OBS_NONE},
    {"descriptor crc", AT_DESCRIPTOR, 2, 4, 4, 1, OBS_ZIP_DESCRIPTOR_CRC, AT_DESCRIPTOR, 4, 1, 0, OBS_NONE},
    {"descriptor csize", AT_DESCRIPTOR, 2, 8, 4, 7, OBS_ZIP_DESCRIPTOR_CSIZE, AT_DESCRIPTOR, 8, 7, 3,
     OBS_NONE},
    {"descriptor size", AT_DESCRIPTOR, 2, 12, 4, 7, OBS_ZIP_DESCRIPTOR_SIZE, AT_DESCRIPTOR, 12, 7, 3,
     OBS_NONE},
    {"descriptor signature", AT_DESCRIPTOR, 1, 0, 1, 'Q', OBS_ZIP_NO_DESCRIPTOR, AT_DESCRIPTOR, 0, 0, 0,
     OBS_ZIP_GAP},
    /* E02, E04: the central directory alone */
    {"encrypted", AT_CENTRAL, 1, 8, 2, 0x809, OBS_ZIP_ENCRYPTED, AT_CENTRAL, 8, 0x809, 0,
     OBS_ZIP_LOCAL_FLAGS},
    {"strong encryption", AT_CENTRAL, 1, 8, 2, 0x848, OBS_ZIP_ENCRYPTED, AT_CENTRAL, 8, 0x848, 0,
     OBS_ZIP_LOCAL_FLAGS},
    {"patched data", AT_CENTRAL, 1, 8, 2, 0x828, OBS_ZIP_FLAGS, AT_CENTRAL, 8, 0x828, 0, OBS_ZIP_LOCAL_FLAGS},
    {"method 12", AT_CENTRAL, 1, 10, 2, 12, OBS_ZIP_METHOD, AT_CENTRAL, 10, 12, 0, OBS_ZIP_LOCAL_METHOD},
    {"version 255", AT_CENTRAL, 1, 6, 2, 255, OBS_ZIP_VERSION_NEEDED, AT_CENTRAL, 6, 255, 45,
     OBS_ZIP_LOCAL_VERSION},
    {"stored, two sizes", AT_CENTRAL, 2, 24, 4, 5, OBS_ZIP_STORED_SIZES, AT_CENTRAL, 20, 3, 5,
     OBS_ZIP_DESCRIPTOR_SIZE},
    {"member on disk 1", AT_CENTRAL, 1, 34, 2, 1, OBS_ZIP_DISKS, AT_CENTRAL, 34, 1, 0, OBS_NONE},
    {"symbolic link", AT_CENTRAL, 1, 38, 4, 0120777u << 16, OBS_ZIP_NAME_SPECIAL, AT_CENTRAL, 38, 0120777, 0,
     OBS_NONE},
    {"volume label", AT_CENTRAL, 1, 38, 4, 0x08, OBS_ZIP_VOLUME_LABEL, AT_CENTRAL, 38, 0x08, 0, OBS_NONE},
    {"folder mode", AT_CENTRAL, 1, 38, 4, 0040600u << 16, OBS_ZIP_FOLDER_FLAG, AT_CENTRAL, 38, 0040600u << 16,
     0, OBS_NONE},
    {"folder flag", AT_CENTRAL, 1, 38, 4, 0x10, OBS_ZIP_FOLDER_FLAG, AT_CENTRAL, 38, 0x10, 0, OBS_NONE},
    {"entry signature", AT_CENTRAL, 1, 0, 1, 'Q', OBS_ZIP_CENTRAL_SIGNATURE, AT_CENTRAL, 0, 1, 3, OBS_NONE},
    {"entry name too long", AT_CENTRAL, 2, 28, 2, 10, OBS_ZIP_CENTRAL_SHORT, AT_CENTRAL, 0, 2, 3, OBS_NONE},
    /* E11: end records */
    {"end: disk", AT_END, 0, 4, 2, 1, OBS_ZIP_END_FIELD, AT_END, 4, 1, 0, OBS_NONE},
    {"end64: disk", AT_END64, 0, 16, 4, 1, OBS_ZIP_DISKS, AT_END64, 16, 1, 0, OBS_ZIP_END_FIELD},
    {"locator: disks", AT_LOCATOR, 0, 16, 4, 2, OBS_ZIP_DISKS, AT_LOCATOR, 16, 2, 1, OBS_NONE},
    {"end: entries", AT_END, 0, 10, 2, 2, OBS_ZIP_END_FIELD, AT_END, 10, 2, 3, OBS_NONE},
    {"end: directory size", AT_END, 0, 12, 4, 7, OBS_ZIP_END_FIELD, AT_END, 12, 7, 0, OBS_NONE},
    {"end: directory offset", AT_END, 0, 16, 4, 0, OBS_ZIP_END_FIELD, AT_END, 16, 0, 0, OBS_NONE},
    {"end: comment length", AT_END, 0, 20, 2, 9, OBS_ZIP_COMMENT_LENGTH, AT_END, 20, 9, 0, OBS_ZIP_COMMENT},
    {"end64: signature", AT_END64, 0, 0, 1, 'Q', OBS_ZIP64_END_SIGNATURE, AT_END64, 0, 0, 0, OBS_NONE},
    {"end64: record size", AT_END64, 0, 4, 8, 45, OBS_ZIP64_END_SIZE, AT_END64, 4, 45, 44, OBS_NONE},
    {"end64: entries here", AT_END64, 0, 24, 8, 2, OBS_ZIP_DISK_ENTRIES, AT_END64, 24, 2, 3,
     OBS_ZIP_END_FIELD},
    {"end64: directory past the end", AT_END64, 0, 48, 8, UINT64_MAX - 5, OBS_ZIP_DIRECTORY_RANGE, AT_END64,
     40, UINT64_MAX - 5, 0, OBS_ZIP_END_FIELD},
    {"locator: place", AT_LOCATOR, 0, 8, 8, 1u << 30, OBS_ZIP64_END_RANGE, AT_LOCATOR, 8, 1u << 30, 0,
     OBS_NONE},
    {"no end record", AT_END, 0, 0, 1, 'Q', OBS_ZIP_NO_END, AT_EOF, 0, 0, 0, OBS_NONE},
};

static void bent_field_is_seen(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(bends); i++) {
    const struct bend *b = &bends[i];
    struct zip_image z;
    struct scan s;
    print_message("  %s\n", b->name);
    zip_build(&z, torch_items);
    uint64_t at = b->off == UINT64_MAX ? zip_offset(&z, b->place, b->member) - 1
                                       : zip_offset(&z, b->place, b->member) + b->off;
    zip_patch(&z, at, b->value, b->width);
    scan_image(&s, &z);
    for (uint32_t k = 0; k < s.o.n; k++)
      assert_true(s.o.list[k].kind == b->kind || s.o.list[k].kind == b->also);
    if (b->kind) {
      const struct observation *o = first_of(&s.o, b->kind);
      assert_int_equal(o->at, zip_offset(&z, b->at_place, b->member) + b->at_off);
      assert_int_equal(o->member, MEMBER_FILE);
      if (b->got) assert_int_equal(o->got, b->got);
      if (b->want) assert_int_equal(o->want, b->want);
    }
    if (b->also) assert_true(seen(&s.o, b->also) > 0);
    scan_end(&s);
  }
}

/* ---- other members than torch's ---- */

struct story {
  const char *name;
  struct zip_item items[8];
  enum obs_kind kinds[4]; /* all that is seen at opening, kind by kind, in any order */
};

#define PKL \
  { .name = "a/data.pkl", .data = ZIP_PICKLE, .size = sizeof ZIP_PICKLE - 1 }
#define VERSION \
  { .name = "a/version", .data = "3\n", .size = 2 }
#define FILE_OF(n) \
  { .name = n, .data = "x", .size = 1 }

static const struct story stories[] = {
    /* E05, E06 */
    {"same name", {PKL, PKL, VERSION}, {OBS_ZIP_NAME_TWICE}},
    {"case twin",
     {PKL, {.name = "a/DATA.PKL", .data = ZIP_PICKLE, .size = 6}, VERSION},
     {OBS_ZIP_NAME_CASE_TWIN, OBS_ZIP_NAME_CASE}},
    {"DATA.PKL alone", {{.name = "a/DATA.PKL", .data = ZIP_PICKLE, .size = 6}, VERSION}, {OBS_ZIP_NAME_CASE}},
    {"CONSTANTS.PKL", {PKL, FILE_OF("a/CONSTANTS.PKL"), VERSION}, {OBS_ZIP_NAME_CASE}},
    {"Data/0", {PKL, FILE_OF("a/Data/0"), VERSION}, {OBS_ZIP_NAME_CASE}},
    {"top in two cases",
     {PKL, FILE_OF("A/data.pkl"), VERSION},
     {OBS_ZIP_NAME_CASE_TWIN, OBS_MEMBER_OUTSIDE_TOP}},
    /* E07 */
    {"backslash", {PKL, FILE_OF("a/b\\c"), VERSION}, {OBS_ZIP_NAME_BACKSLASH, OBS_MEMBER_UNEXPECTED}},
    {"parent", {PKL, FILE_OF("a/../b"), VERSION}, {OBS_ZIP_NAME_PARENT, OBS_MEMBER_UNEXPECTED}},
    {"absolute", {PKL, FILE_OF("/etc/passwd"), VERSION}, {OBS_ZIP_NAME_ABSOLUTE, OBS_MEMBER_OUTSIDE_TOP}},
    {"drive", {PKL, FILE_OF("C:evil"), VERSION}, {OBS_ZIP_NAME_DRIVE, OBS_MEMBER_OUTSIDE_TOP}},
    {"control", {PKL, FILE_OF("a/b\x1b[31m"), VERSION}, {OBS_ZIP_NAME_CONTROL, OBS_MEMBER_UNEXPECTED}},
    {"trailing dot", {PKL, FILE_OF("a/b."), VERSION}, {OBS_ZIP_NAME_DOT, OBS_MEMBER_UNEXPECTED}},
    {"dots inside are fine", {PKL, FILE_OF("a/b..c"), VERSION}, {OBS_MEMBER_UNEXPECTED}},
    {"no name", {PKL, FILE_OF(""), VERSION}, {OBS_ZIP_NAME_EMPTY, OBS_MEMBER_OUTSIDE_TOP}},
    {"broken UTF-8", {PKL, FILE_OF("a/\xff"), VERSION}, {OBS_ZIP_NAME_UTF8, OBS_MEMBER_UNEXPECTED}},
    {"UTF-8", {PKL, FILE_OF("a/\xc3\xbc"), VERSION}, {OBS_MEMBER_UNEXPECTED}},
    {"folder", {PKL, {.name = "a/sub/", .data = "", .size = 0}, VERSION}, {OBS_MEMBER_FOLDER}},
    /* E08 */
    {"two roots", {PKL, FILE_OF("b/data/0"), VERSION}, {OBS_MEMBER_OUTSIDE_TOP}},
    {"no root",
     {{.name = "data.pkl", .data = ZIP_PICKLE, .size = 6}, {.name = "version", .data = "3\n", .size = 2}},
     {OBS_MEMBER_NO_TOP}},
    /* E10: what lies between records */
    {"gap",
     {PKL, {.name = "a/data/0", .data = "x", .size = 1, .gap = "MZ", .gap_n = 2}, VERSION},
     {OBS_ZIP_GAP}},
    {"unlisted member",
     {PKL, {.name = "a/data/0", .data = "x", .size = 1, .gap = "PK\3\4 hidden", .gap_n = 11}, VERSION},
     {OBS_ZIP_UNLISTED}},
    {"decoy first",
     {{.name = "a/data.pkl", .data = ZIP_PICKLE, .size = 6, .gap = "PK\3\4", .gap_n = 4}, VERSION},
     {OBS_ZIP_UNLISTED}},
    /* E03: files without checksums are torch's too */
    {"no checksums",
     {{.name = "a/data.pkl", .data = ZIP_PICKLE, .size = 6, .no_crc = true},
      {.name = "a/version", .data = "3\n", .size = 2, .no_crc = true}},
     {OBS_MEMBER_CRC_ABSENT}},
    {"no checksums of storages",
     {PKL, {.name = "a/data/0", .data = "x", .size = 1, .no_crc = true}, VERSION},
     {OBS_MEMBER_CRC_ABSENT}},
    {"one checksum missing",
     {PKL, {.name = "a/version", .data = "3\n", .size = 2, .no_crc = true}},
     {OBS_MEMBER_CRC}},
    /* E15, E22 and required members */
    {"no version", {PKL}, {OBS_RECORD_MISSING}},
    {"unexpected", {PKL, FILE_OF("a/run.py"), VERSION}, {OBS_MEMBER_UNEXPECTED}},
    {"code", {PKL, FILE_OF("a/code/__torch__.py"), VERSION}, {OBS_MEMBER_CODE}},
    {"byteorder",
     {PKL, {.name = "a/byteorder", .data = "middle", .size = 6}, VERSION},
     {OBS_RECORD_BYTEORDER}},
    {"byteorder big", {PKL, {.name = "a/byteorder", .data = "big", .size = 3}, VERSION}, {OBS_NONE}},
    {"version 3abc", {PKL, {.name = "a/version", .data = "3abc", .size = 4}}, {OBS_RECORD_VALUE}},
    {"version 11", {PKL, {.name = "a/version", .data = "11\n", .size = 3}}, {OBS_RECORD_VALUE}},
    {"version 10 without newline", {PKL, {.name = "a/version", .data = "10", .size = 2}}, {OBS_NONE}},
    {"version of 17 bytes",
     {PKL, {.name = "a/version", .data = "00000000000000003", .size = 17}},
     {OBS_RECORD_VALUE}},
    /* E21 */
    {"misaligned",
     {PKL, {.name = "a/data/0", .data = "x", .size = 1, .alignment = 7}, VERSION},
     {OBS_MEMBER_MISALIGNED}},
    {"alignment of its own",
     {PKL,
      {.name = "a/.storage_alignment", .data = "7", .size = 1},
      {.name = "a/data/0", .data = "x", .size = 1, .alignment = 7},
      VERSION},
     {OBS_NONE}},
    {"deflated",
     {PKL, {.name = "a/data/0", .data = "aaaaaaaaaaaaaaaa", .size = 16, .method = 8}, VERSION},
     {OBS_MEMBER_DEFLATED}},
    /* E20 */
    {"bomb",
     {PKL, {.name = "a/data/0", .data = "aaaa", .size = 4, .method = 8, .inflated_claim = 1u << 30}, VERSION},
     {OBS_LIMIT_INFLATE_RATIO}},
};

static bool told(const struct story *t, enum obs_kind kind) {
  for (size_t i = 0; i < ARRAY_LEN(t->kinds); i++)
    if (t->kinds[i] == kind) return true;
  return false;
}

static void other_members_are_seen(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
    const struct story *t = &stories[i];
    struct zip_image z;
    struct scan s;
    print_message("  %s\n", t->name);
    zip_build(&z, t->items);
    scan_image(&s, &z);
    assert_int_equal(s.c.kind, CONTAINER_TORCH_ZIP);
    for (uint32_t k = 0; k < s.o.n; k++) assert_true(told(t, s.o.list[k].kind));
    for (size_t k = 0; k < ARRAY_LEN(t->kinds); k++)
      if (t->kinds[k]) assert_true(seen(&s.o, t->kinds[k]) > 0);
    scan_end(&s);
  }
}

static void gap_has_its_place_and_length(void **state) {
  (void)state;
  static const struct zip_item items[] = {
      PKL, {.name = "a/data/0", .data = "x", .size = 1, .gap = "MZ", .gap_n = 2}, VERSION, {0}};
  struct zip_image z;
  struct scan s;
  zip_build(&z, items);
  scan_image(&s, &z);
  const struct observation *o = first_of(&s.o, OBS_ZIP_GAP);
  assert_int_equal(o->at, z.local[1] - 2);
  assert_int_equal(o->len, 2);
  scan_end(&s);
}

static void renamed_pickle_is_found_as_torch_finds_it(void **state) {
  (void)state;
  static const struct zip_item items[] = {
      {.name = "a/DATA.PKL", .data = ZIP_PICKLE, .size = 6}, VERSION, {0}};
  struct zip_image z;
  struct scan s;
  zip_build(&z, items);
  scan_image(&s, &z);
  assert_non_null(find(&s, "data.pkl"));
  assert_true(span_is(first_of(&s.o, OBS_ZIP_NAME_CASE)->detail, "data.pkl"));
  scan_end(&s);
}

/* ---- behind the archive ---- */

static void trailing_bytes_and_comments(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s;
  zip_build(&z, torch_items);
  uint64_t whole = z.n;
  zip_text(&z, "tail");
  scan_image(&s, &z);
  assert_int_equal(first_of(&s.o, OBS_ZIP_TRAILING)->at, whole);
  assert_int_equal(first_of(&s.o, OBS_ZIP_TRAILING)->got, 4);
  assert_int_equal(s.o.n, 1);
  scan_end(&s);

  zip_patch(&z, z.end + 20, 4, 2); /* the same four bytes, declared */
  scan_image(&s, &z);
  assert_int_equal(first_of(&s.o, OBS_ZIP_COMMENT)->at, whole);
  assert_int_equal(s.o.n, 1);
  assert_true(s.c.usable);
  scan_end(&s);
}

/* An end record in the comment of another: miniz believes the last, readers that check the comment the first.
 */
static void second_end_record(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s;
  zip_build(&z, torch_items);
  uint64_t real = z.end, inner = z.n;
  zip_patch(&z, z.end + 20, 30, 2);
  zip_put(&z, z.p + real, 20);
  zip_text(&z, "0123456789");
  scan_image(&s, &z);
  const struct observation *o = first_of(&s.o, OBS_ZIP_SECOND_END);
  assert_int_equal(o->at, real);
  assert_int_equal(o->want, inner);
  scan_end(&s);
}

static void bytes_before_the_end_records(void **state) {
  (void)state;
  static struct zip_image z, gap;
  struct scan s;
  zip_build(&z, torch_items);
  gap = z;
  gap.n = z.end64;
  zip_text(&gap, "four");
  zip_put(&gap, z.p + z.end64, z.n - z.end64);
  zip_patch(&gap, z.locator + 4 + 8, z.end64 + 4, 8);
  scan_image(&s, &gap);
  assert_int_equal(first_of(&s.o, OBS_ZIP_DIRECTORY_GAP)->at, z.end64);
  assert_int_equal(first_of(&s.o, OBS_ZIP_DIRECTORY_GAP)->got, 4);
  scan_end(&s);

  zip_patch(&gap, z.end64 + 4 + 40, z.end64 - z.directory + 4, 8); /* now they count as directory */
  zip_patch(&gap, z.end + 4 + 12, z.end64 - z.directory + 4, 4);
  scan_image(&s, &gap);
  assert_int_equal(first_of(&s.o, OBS_ZIP_DIRECTORY_REST)->at, z.end64);
  assert_int_equal(s.o.n, 1);
  scan_end(&s);
}

static void zip64_record_must_be_at_its_place(void **state) {
  (void)state;
  static struct zip_image z, bent;
  struct scan s;
  zip_build(&z, torch_items);
  bent = z;
  bent.n = z.locator;
  zip_put(&bent, z.p + z.end64, z.n - z.end64); /* a second copy; the locator still points to the first */
  scan_image(&s, &bent);
  assert_int_equal(first_of(&s.o, OBS_ZIP64_END_PLACE)->got, z.end64);
  assert_int_equal(first_of(&s.o, OBS_ZIP64_END_PLACE)->want, z.locator);
  scan_end(&s);
}

/* ---- places ---- */

static void overlap_is_seen(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s;
  zip_build(&z, torch_items);
  zip_patch(&z, z.central[2] + 42, z.local[1], 4); /* a/version now starts where a/data/0 does */
  scan_image(&s, &z);
  const struct observation *o = first_of(&s.o, OBS_ZIP_OVERLAP);
  assert_int_equal(o->at, z.local[1]);
  assert_true(span_is(o->subject, "a/version"));
  assert_true(span_is(o->detail, "a/data/00"));
  assert_true(seen(&s.o, OBS_ZIP_LOCAL_NAME) > 0);
  scan_end(&s);
}

static void member_past_the_directory_is_not_believed(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s;
  zip_build(&z, torch_items);
  zip_patch(&z, z.central[1] + 20, UINT32_MAX - 1, 4);
  zip_patch(&z, z.central[1] + 24, UINT32_MAX - 1, 4);
  scan_image(&s, &z);
  assert_int_equal(first_of(&s.o, OBS_ZIP_DATA_RANGE)->at, z.data[1]);
  assert_int_equal(first_of(&s.o, OBS_ZIP_DATA_RANGE)->want, z.directory);
  assert_false(s.c.usable);
  assert_int_equal(member_mapped(&s.c, &s.c.members[1]).n, 0);
  scan_end(&s);

  zip_build(&z, torch_items);
  zip_patch(&z, z.central[1] + 42, (uint32_t)z.directory - 29, 4); /* edge: one byte too few for a header */
  scan_image(&s, &z);
  assert_int_equal(first_of(&s.o, OBS_ZIP_LOCAL_RANGE)->at, z.central[1] + 42);
  assert_int_equal(first_of(&s.o, OBS_ZIP_LOCAL_RANGE)->got, z.directory - 29);
  assert_false(s.c.usable);
  scan_end(&s);
}

static void member_without_bytes_is_seen(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s;
  zip_build(&z, torch_items);
  zip_patch(&z, z.central[1] + 20, 0, 4);
  scan_image(&s, &z);
  assert_int_equal(first_of(&s.o, OBS_ZIP_NO_BYTES)->at, z.central[1] + 20);
  assert_int_equal(first_of(&s.o, OBS_ZIP_NO_BYTES)->want, 6);
  scan_end(&s);
}

/* ---- zip64 in the directory: torch writes it for sizes and offsets of 4 GiB and more ---- */

static void put_zip64_entry(struct zip_image *z, const struct zip_image *good, size_t field_bytes) {
  *z = *good;
  uint64_t last = good->central[2];
  z->n = good->end64;
  zip_patch(z, last + 24, UINT32_MAX, 4); /* the size is in the field */
  zip_patch(z, last + 30, 4 + field_bytes, 2);
  zip_number(z, 1, 2);
  zip_number(z, field_bytes, 2);
  for (size_t i = 0; i < field_bytes; i++) zip_number(z, i ? 0 : 3, 1); /* 3, the real size */
  zip_put(z, good->p + good->end64, good->n - good->end64);
  uint64_t moved = 4 + field_bytes, bytes = good->end64 - good->directory + moved;
  zip_patch(z, good->end64 + moved + 40, bytes, 8);
  zip_patch(z, good->locator + moved + 8, good->end64 + moved, 8);
  zip_patch(z, good->end + moved + 12, bytes, 4);
}

static void zip64_field_is_exact(void **state) {
  (void)state;
  static struct zip_image good, z;
  struct scan s;
  zip_build(&good, torch_items);
  put_zip64_entry(&z, &good, 8);
  scan_image(&s, &z);
  assert_int_equal(s.o.n, 0);
  assert_int_equal(s.c.members[2].size, 3);
  scan_end(&s);

  put_zip64_entry(&z, &good, 7);
  scan_image(&s, &z);
  assert_int_equal(first_of(&s.o, OBS_ZIP64_FIELD_SHORT)->at, good.end64);
  assert_false(s.c.usable);
  scan_end(&s);

  put_zip64_entry(&z, &good, 16); /* one number more than the entry calls for */
  scan_image(&s, &z);
  assert_int_equal(first_of(&s.o, OBS_ZIP64_FIELD_REST)->at, good.end64 + 4 + 8);
  assert_int_equal(first_of(&s.o, OBS_ZIP64_FIELD_REST)->got, 8);
  scan_end(&s);
}

/* ---- limits ---- */

static void limits_are_not_called_malformed(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s = {.max = limits_default()};
  zip_build(&z, torch_items);
  s.max.zip_members = 2;
  s.bytes = exact_copy(z.p, z.n);
  arena_init(&s.arena, 64u << 20);
  observations_init(&s.o, &s.arena, 20);
  container_open(&s.c, &s.arena, &s.o, &s.max, s.bytes);
  assert_int_equal(first_of(&s.o, OBS_LIMIT_MEMBERS)->got, 3);
  assert_int_equal(s.o.n, 1);
  assert_int_equal(s.c.kind, CONTAINER_TORCH_ZIP);
  assert_false(s.c.usable);

  s.o = (struct observations){0};
  observations_init(&s.o, &s.arena, 20);
  s.max.zip_members = 3; /* edge: exactly as many */
  s.max.zip_name_bytes = 9;
  container_open(&s.c, &s.arena, &s.o, &s.max, s.bytes);
  assert_int_equal(first_of(&s.o, OBS_LIMIT_NAME)->got, 10);
  assert_int_equal(first_of(&s.o, OBS_LIMIT_NAME)->at, z.central[0]);
  scan_end(&s);
}

static void entries_must_fit_their_directory(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s;
  zip_build(&z, torch_items);
  zip_patch(&z, z.end64 + 24, 1u << 30, 8);
  zip_patch(&z, z.end64 + 32, 1u << 30, 8);
  zip_patch(&z, z.end + 8, 0xffffffff, 4); /* both counts saturated */
  scan_image(&s, &z);
  assert_int_equal(first_of(&s.o, OBS_ZIP_DIRECTORY_COUNT)->got, 1u << 30);
  assert_int_equal(s.o.n, 1);
  scan_end(&s);
}

/* ---- bytes ---- */

static void copies_are_checked(void **state) {
  (void)state;
  struct zip_image z;
  struct scan s;
  struct span out;
  zip_build(&z, torch_items);
  z.p[z.data[0]] ^= 1;
  scan_image(&s, &z);
  const struct member *m = find(&s, "data.pkl");
  assert_true(member_copy(&s.c, m, 6, &s.arena, &s.o,
                          &out)); /* torch would load it: the bytes are judged all the same */
  const struct observation *o = first_of(&s.o, OBS_MEMBER_CRC);
  assert_int_equal(o->member, 1);
  assert_int_equal(o->want, libdeflate_crc32(0, ZIP_PICKLE, 6));
  assert_int_equal(o->got, libdeflate_crc32(0, z.p + z.data[0], 6));
  assert_false(member_verify(&s.c, m, &s.o));
  assert_int_equal(seen(&s.o, OBS_MEMBER_CRC), 1);
  assert_true(member_verify(&s.c, find(&s, "data/00"), &s.o));
  assert_false(member_copy(&s.c, m, 5, &s.arena, &s.o, &out));
  assert_int_equal(first_of(&s.o, OBS_LIMIT_MEMBER_BYTES)->got, 6);
  scan_end(&s);
}

static const struct {
  const char *name;
  struct zip_item item;
  enum obs_kind kind;
  bool copied;
} packed[] = {
    {"exact", {.data = "aaaaaaaaaaaaaaaa", .size = 16}, OBS_NONE, true},
    {"claims less", {.data = "aaaaaaaaaaaaaaaa", .size = 16, .inflated_claim = 15}, OBS_INFLATE_SIZE, false},
    {"claims more", {.data = "aaaaaaaaaaaaaaaa", .size = 16, .inflated_claim = 17}, OBS_INFLATE_SIZE, false},
    {"bytes behind", {.data = "aaaaaaaaaaaaaaaa", .size = 16, .deflate_tail = 3}, OBS_INFLATE_REST, true},
};

static void inflation_is_exact(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(packed); i++) {
    struct zip_item items[4] = {PKL, packed[i].item, VERSION, {0}};
    struct zip_image z;
    struct scan s;
    struct span out;
    print_message("  %s\n", packed[i].name);
    items[1].name = "a/data/0";
    items[1].method = 8;
    zip_build(&z, items);
    scan_image(&s, &z);
    assert_true(s.c.usable);
    const struct member *m = find(&s, "data/0");
    assert_int_equal(member_copy(&s.c, m, 100, &s.arena, &s.o, &out), packed[i].copied);
    if (packed[i].copied) assert_true(span_is(out, "aaaaaaaaaaaaaaaa"));
    if (packed[i].kind) assert_int_equal(first_of(&s.o, packed[i].kind)->member, 2);
    assert_int_equal(s.o.n, packed[i].kind ? 2 : 1); /* OBS_MEMBER_DEFLATED is the other */
    scan_end(&s);
  }
}

/* ---- every prefix, every bit ---- */

static void assert_sane(struct scan *s) {
  verify_all(s);
  for (uint32_t i = 0; i < s->o.n; i++)
    if (s->o.list[i].member == MEMBER_FILE) assert_true(s->o.list[i].at <= s->bytes.n);
  for (uint32_t i = 0; s->c.usable && i < s->c.num_members; i++) {
    const struct member *m = &s->c.members[i];
    assert_true(m->data_at <= s->bytes.n && m->csize <= s->bytes.n - m->data_at);
  }
}

static void parse(struct span bytes) {
  struct scan s;
  scan_bytes(&s, bytes.p, bytes.n);
  assert_sane(&s);
  scan_end(&s);
}

static void mutations_do_no_harm(void **state) {
  (void)state;
  static const struct zip_item items[] = {
      PKL, {.name = "a/x", .data = "aaaaaaaaaaaaaaaa", .size = 16, .method = 8}, VERSION, {0}};
  struct zip_image z;
  zip_build(&z, items);
  check_mutations(z.p, z.n, parse);
}

/* Times, who made it and attributes are all that may change in a torch zip without a word. */
static bool is_free_field(const struct zip_image *z, uint64_t at) {
  for (uint32_t i = 0; i < z->num; i++) {
    if (at >= z->local[i] + 10 && at < z->local[i] + 14) return true;
    if (at >= z->central[i] + 4 && at < z->central[i] + 6) return true;
    if (at >= z->central[i] + 12 && at < z->central[i] + 16) return true;
    if (at >= z->central[i] + 36 && at < z->central[i] + 42) return true;
  }
  return at >= z->end64 + 12 && at < z->end64 + 16;
}

static void every_other_bit_counts(void **state) {
  (void)state;
  struct zip_image z;
  zip_build(&z, torch_items);
  for (uint64_t bit = 0; bit < z.n * 8; bit++) {
    struct scan s;
    if (is_free_field(&z, bit / 8)) continue;
    z.p[bit / 8] = (uint8_t)(z.p[bit / 8] ^ (1u << (bit % 8)));
    scan_image(&s, &z);
    verify_all(&s);
    if (s.o.n == 0)
      print_message("  bit %u of byte %u is not seen\n", (unsigned)(bit % 8), (unsigned)(bit / 8));
    assert_true(s.o.n > 0);
    z.p[bit / 8] = (uint8_t)(z.p[bit / 8] ^ (1u << (bit % 8)));
    scan_end(&s);
  }
}

static void every_prefix_is_refused(void **state) {
  (void)state;
  struct zip_image z;
  zip_build(&z, torch_items);
  for (size_t n = 0; n < z.n; n++) {
    struct scan s;
    scan_bytes(&s, z.p, n);
    assert_true(s.o.n > 0);
    assert_false(s.c.usable);
    if (n > 40) assert_int_equal(s.c.kind, CONTAINER_TORCH_ZIP); /* its first record says so */
    scan_end(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(torch_form_is_clean),
      cmocka_unit_test(bent_field_is_seen),
      cmocka_unit_test(other_members_are_seen),
      cmocka_unit_test(gap_has_its_place_and_length),
      cmocka_unit_test(renamed_pickle_is_found_as_torch_finds_it),
      cmocka_unit_test(trailing_bytes_and_comments),
      cmocka_unit_test(second_end_record),
      cmocka_unit_test(bytes_before_the_end_records),
      cmocka_unit_test(zip64_record_must_be_at_its_place),
      cmocka_unit_test(overlap_is_seen),
      cmocka_unit_test(member_past_the_directory_is_not_believed),
      cmocka_unit_test(member_without_bytes_is_seen),
      cmocka_unit_test(zip64_field_is_exact),
      cmocka_unit_test(limits_are_not_called_malformed),
      cmocka_unit_test(entries_must_fit_their_directory),
      cmocka_unit_test(copies_are_checked),
      cmocka_unit_test(inflation_is_exact),
      cmocka_unit_test(mutations_do_no_harm),
      cmocka_unit_test(every_other_bit_counts),
      cmocka_unit_test(every_prefix_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
