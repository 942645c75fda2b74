/* The storage blocks of a legacy stream: an int64 count, then the bytes, for each key of the list. */
#include "tests/unit/check.h"

#include "container/container.h"

/* Behind five bytes of pickles: storage "7" of two 4-byte elements, storage "10" of one 2-byte element,
 * storage "8" of none. */
static const char good[] =
    "PPPPP"
    "\2\0\0\0\0\0\0\0abcdefgh"
    "\1\0\0\0\0\0\0\0ij"
    "\0\0\0\0\0\0\0\0";
enum { GOOD_BYTES = sizeof good - 1, BLOCKS_AT = 5 };

struct walk {
  struct arena arena;
  struct observations o;
  struct limits max;
  struct container c;
  struct legacy_storage storages[4];
  struct span bytes;
};

static void walk_open(struct walk *w, const void *p, size_t n) {
  *w = (struct walk){.max = limits_default(),
                     .bytes = exact_copy(p, n),
                     .storages = {{.key = SPAN("10"), .numel = 1, .item_size = 2},
                                  {.key = SPAN("7"), .numel = 2, .item_size = 4},
                                  {.key = SPAN("8"), .numel = 0, .item_size = 8}}};
  arena_init(&w->arena, 1u << 20);
  observations_init(&w->o, &w->arena, 20);
  w->c = (struct container){.kind = CONTAINER_TORCH_LEGACY, .file = w->bytes};
}
static void walk_end(struct walk *w) {
  arena_free(&w->arena);
  exact_free(w->bytes);
}
static struct spelled blocks_of(const struct container *c) {
  return (struct spelled){.bytes = span_from(c->file, BLOCKS_AT), .at = BLOCKS_AT};
}
static void walk(struct walk *w, const struct span *keys, uint32_t num_keys) {
  struct spelled rest = blocks_of(&w->c);
  legacy_blocks(&w->c, &w->arena, &w->o, &w->max, &rest, keys, num_keys, w->storages, 3, false);
}

static void blocks_become_members(void **state) {
  (void)state;
  const struct span keys[] = {SPAN("7"), SPAN("10"), SPAN("8")};
  struct walk w;
  walk_open(&w, good, GOOD_BYTES);
  walk(&w, keys, 3);
  assert_int_equal(w.o.n, 0);
  assert_true(w.c.usable);
  assert_int_equal(w.c.num_members, 3);
  assert_int_equal(w.storages[1].member, 1);
  assert_int_equal(w.storages[0].member, 2);
  assert_int_equal(w.storages[2].member, 3);
  assert_true(w.storages[0].listed && w.storages[1].listed && w.storages[2].listed);
  const struct member *m = &w.c.members[0];
  assert_true(span_is(m->name, "data/7"));
  assert_int_equal(m->data_at, 13);
  assert_true(span_is(member_mapped(&w.c, m), "abcdefgh"));
  assert_true(span_is(member_mapped(&w.c, &w.c.members[1]), "ij"));
  assert_ptr_equal(container_find(&w.c, SPAN("data/7")), m);
  assert_true(member_verify(&w.c, m, &w.o)); /* there is no checksum to differ from */
  walk_end(&w);
}

struct bend {
  const char *name;
  size_t at, n; /* n bytes of the file replaced; n is 0: the file is cut or lengthened to `size` */
  const char *bytes;
  size_t size;
  const char *keys[4];
  enum obs_kind kind;
  uint64_t seen_at, got, want;
};

static const struct bend bends[] = {
    {"one element more", 5, 1, "\3", GOOD_BYTES, {"7", "10", "8"}, OBS_LEGACY_COUNT, 5, 3, 2},
    {"one element less", 5, 1, "\1", GOOD_BYTES, {"7", "10", "8"}, OBS_LEGACY_COUNT, 5, 1, 2},
    {"negative count",
     5,
     8,
     "\xff\xff\xff\xff\xff\xff\xff\xff",
     GOOD_BYTES,
     {"7", "10", "8"},
     OBS_LEGACY_COUNT,
     5,
     UINT64_MAX,
     2},
    {"big-endian count",
     5,
     8,
     "\0\0\0\0\0\0\0\2",
     GOOD_BYTES,
     {"7", "10", "8"},
     OBS_LEGACY_COUNT,
     5,
     UINT64_C(2) << 56,
     2},
    {"one byte short", 0, 0, "", GOOD_BYTES - 1, {"7", "10", "8"}, OBS_LEGACY_BLOCK_SHORT, 31, 7, 8},
    {"ends in the data", 0, 0, "", 20, {"7", "10", "8"}, OBS_LEGACY_BLOCK_SHORT, 13, 7, 8},
    {"ends before the blocks", 0, 0, "", 5, {"7", "10", "8"}, OBS_LEGACY_BLOCK_SHORT, 5, 0, 8},
    {"one byte too many", 0, 0, "", GOOD_BYTES + 1, {"7", "10", "8"}, OBS_LEGACY_TRAILING, GOOD_BYTES, 1, 0},
    {"key not listed", 0, 0, "", GOOD_BYTES - 8, {"7", "10"}, OBS_LEGACY_KEY_UNLISTED, 5, 0, 0},
    {"key not declared", 0, 0, "", GOOD_BYTES, {"7", "10", "9"}, OBS_LEGACY_KEY_UNDECLARED, 5, 0, 0},
    {"key listed twice", 0, 0, "", GOOD_BYTES, {"7", "10", "8", "7"}, OBS_LEGACY_KEY_TWICE, 5, 0, 0},
    {"wrong order", 0, 0, "", GOOD_BYTES, {"10", "7", "8"}, OBS_LEGACY_COUNT, 5, 2, 1},
};

static void bent_blocks_are_seen(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(bends); i++) {
    const struct bend *b = &bends[i];
    char file[GOOD_BYTES + 1] = {0};
    struct span keys[4];
    uint32_t num_keys = 0;
    struct walk w;
    print_message("  %s\n", b->name);
    memcpy(file, good, GOOD_BYTES);
    if (b->n) memcpy(file + b->at, b->bytes, b->n);
    for (; num_keys < 4 && b->keys[num_keys]; num_keys++) keys[num_keys] = span_str(b->keys[num_keys]);
    walk_open(&w, file, b->size);
    walk(&w, keys, num_keys);
    const struct observation *o = first_of(&w.o, b->kind);
    assert_int_equal(o->at, b->seen_at);
    assert_int_equal(o->got, b->got);
    assert_int_equal(o->want, b->want);
    walk_end(&w);
  }
}

static void unlisted_storage_has_no_member(void **state) {
  (void)state;
  const struct span keys[] = {SPAN("7"), SPAN("10")};
  struct walk w;
  walk_open(&w, good, GOOD_BYTES - 8);
  walk(&w, keys, 2);
  assert_true(span_is(first_of(&w.o, OBS_LEGACY_KEY_UNLISTED)->subject, "8"));
  assert_int_equal(w.o.n, 1);
  assert_false(w.storages[2].listed);
  assert_int_equal(w.storages[2].member, 0);
  assert_int_equal(w.c.num_members, 2);
  walk_end(&w);
}

static void product_may_not_wrap(void **state) {
  (void)state;
  static const char file[] = "PPPPP\0\0\0\0\0\0\0\x40"; /* 2^62 elements of 4 bytes wrap to 0 */
  const struct span keys[] = {SPAN("7")};
  struct walk w;
  walk_open(&w, file, sizeof file - 1);
  w.storages[0] = (struct legacy_storage){.key = SPAN("7"), .numel = UINT64_C(1) << 62, .item_size = 4};
  struct spelled rest = blocks_of(&w.c);
  legacy_blocks(&w.c, &w.arena, &w.o, &w.max, &rest, keys, 1, w.storages, 1, false);
  assert_int_equal(first_of(&w.o, OBS_LEGACY_BLOCK_SHORT)->at, 13);
  assert_int_equal(w.c.num_members, 0);
  assert_false(w.c.usable);
  walk_end(&w);
}

static void big_endian_writers_swap_the_count(void **state) {
  (void)state;
  const struct span keys[] = {SPAN("7"), SPAN("10"), SPAN("8")};
  char file[GOOD_BYTES];
  struct walk w;
  memcpy(file, good, GOOD_BYTES);
  memcpy(file + 5, "\0\0\0\0\0\0\0\2", 8);
  walk_open(&w, file, GOOD_BYTES);
  struct spelled rest = blocks_of(&w.c);
  legacy_blocks(&w.c, &w.arena, &w.o, &w.max, &rest, keys, 3, w.storages, 3, true);
  assert_int_equal(w.o.n, 0);
  assert_int_equal(w.c.num_members, 3);
  walk_end(&w);
}

/* Each block is a member of its own part of the text. */
static void spelled_blocks_become_members(void **state) {
  (void)state;
  static const char file[] = "PPPPP\\u0001\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u005cAxx";
  const struct span keys[] = {SPAN("10")};
  struct walk w;
  walk_open(&w, file, sizeof file - 1);
  struct spelled rest = {.bytes = SPAN("\1\0\0\0\0\0\0\0\\Axx"),
                         .text = span_from(w.c.file, BLOCKS_AT),
                         .how = SPELLED_RAW,
                         .at = BLOCKS_AT};
  legacy_blocks(&w.c, &w.arena, &w.o, &w.max, &rest, keys, 1, w.storages, 1, false);
  assert_int_equal(w.c.num_members, 1);
  const struct member *m = &w.c.members[0];
  uint8_t out[2];
  assert_int_equal(m->data_at, BLOCKS_AT + 48);
  assert_int_equal(m->csize, 7);
  assert_int_equal(m->size, 2);
  assert_int_equal(m->spelling, SPELLED_RAW);
  assert_true(member_unpack(&w.c, m, &w.o, out));
  assert_memory_equal(out, "\\A", 2);
  const struct observation *behind = first_of(&w.o, OBS_LEGACY_TRAILING);
  assert_int_equal(behind->at, BLOCKS_AT + 55);
  assert_int_equal(behind->got, 2);
  assert_true(span_is(rest.bytes, "xx"));
  walk_end(&w);
}

static void storage_declared_twice(void **state) {
  (void)state;
  const struct span keys[] = {SPAN("7"), SPAN("10"), SPAN("8")};
  struct walk w;
  walk_open(&w, good, GOOD_BYTES);
  w.storages[3] = w.storages[1];
  struct spelled rest = blocks_of(&w.c);
  legacy_blocks(&w.c, &w.arena, &w.o, &w.max, &rest, keys, 3, w.storages, 4, false);
  assert_true(span_is(first_of(&w.o, OBS_LEGACY_KEY_DECLARED_TWICE)->subject, "7"));
  walk_end(&w);
}

static void members_have_a_limit(void **state) {
  (void)state;
  const struct span keys[] = {SPAN("7"), SPAN("10"), SPAN("8")};
  struct walk w;
  walk_open(&w, good, GOOD_BYTES);
  w.max.zip_members = 2;
  walk(&w, keys, 3);
  assert_int_equal(first_of(&w.o, OBS_LIMIT_MEMBERS)->want, 2);
  assert_false(w.c.usable);
  walk_end(&w);
}

static void parse(struct span bytes) {
  const struct span keys[] = {SPAN("7"), SPAN("10"), SPAN("8")};
  struct walk w;
  walk_open(&w, bytes.p, bytes.n);
  walk(&w, keys, 3);
  for (uint32_t i = 0; i < w.c.num_members; i++)
    assert_int_equal(member_mapped(&w.c, &w.c.members[i]).n, w.c.members[i].size);
  if (bytes.n != GOOD_BYTES && bytes.n >= BLOCKS_AT) assert_true(w.o.n > 0);
  walk_end(&w);
}

static void mutations_do_no_harm(void **state) {
  (void)state;
  check_mutations((const uint8_t *)good, GOOD_BYTES, parse);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_become_members),
      cmocka_unit_test(bent_blocks_are_seen),
      cmocka_unit_test(unlisted_storage_has_no_member),
      cmocka_unit_test(product_may_not_wrap),
      cmocka_unit_test(big_endian_writers_swap_the_count),
      cmocka_unit_test(spelled_blocks_become_members),
      cmocka_unit_test(storage_declared_twice),
      cmocka_unit_test(members_have_a_limit),
      cmocka_unit_test(mutations_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
