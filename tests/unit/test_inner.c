/* The table of what is inside an archive: what the writer writes the reader takes, and nothing that points
 * outside. */
#include "container/inner.h"
#include "tests/unit/check.h"

enum { SIZE = INNER_SLACK + 65536 };

struct fixture {
  _Alignas(64) uint8_t region[SIZE];
};
static struct fixture made;
static struct inner_file *row(size_t i) { return (struct inner_file *)(void *)(made.region + SIZE) - 1 - i; }
static struct inner_header *header(void) { return (struct inner_header *)(void *)made.region; }

static void make(void) {
  struct inner_writer w;
  size_t room;
  memset(made.region, 0, SIZE);
  inner_begin(&w, made.region, SIZE, 100, 10);
  uint8_t *at = inner_room(&w, &room);
  assert_int_equal(room, 100);
  memcpy(at, "hello", 5);
  assert_true(inner_add(&w, SPAN("a/b.pt"), 5));
  (void)inner_room(&w, &room);
  assert_int_equal(room, 95);
  assert_true(inner_add_outer(&w, SPAN("c"), 10, 20));
  inner_count(&w);
  inner_end(&w, true);
}

static void reads_back(void **state) {
  (void)state;
  struct inner t;
  uint8_t outer[30] = {0};
  make();
  assert_true(inner_open(&t, made.region, SIZE, sizeof outer));
  assert_int_equal(t.header->num_files, 2);
  assert_int_equal(t.header->bystanders, 1);
  assert_true(t.header->complete);
  assert_true(span_is(inner_name(&t, 0), "a/b.pt"));
  assert_true(span_is(inner_bytes(&t, 0, span_of(outer, 30)), "hello"));
  assert_ptr_equal(inner_bytes(&t, 1, span_of(outer, 30)).p, outer + 10);
  assert_int_equal(inner_bytes(&t, 1, span_of(outer, 30)).n, 20);
}

static void refuses_what_points_outside(void **state) {
  (void)state;
  struct inner t;
#define REFUSED(change) \
  make();               \
  change;               \
  assert_false(inner_open(&t, made.region, SIZE, 30))
  REFUSED(header()->magic[0] ^= 1);
  REFUSED(header()->complete = 2);
  REFUSED(header()->num_files = UINT64_MAX);
  REFUSED(header()->num_files = SIZE / sizeof(struct inner_file) + 1);
  REFUSED(row(0)->at = SIZE);
  REFUSED(row(0)->n = SIZE);
  REFUSED(row(0)->n = UINT64_MAX);
  REFUSED(row(0)->at = UINT64_MAX);
  REFUSED(row(0)->name_at = UINT64_MAX);
  REFUSED(row(0)->name_n = INNER_NAME_MAX + 1);
  REFUSED(row(0)->in_outer = 2);
  REFUSED(row(0)->cut = 2);
  REFUSED(row(0)->in_outer = 1; row(0)->at = 30; row(0)->n = 1);
  REFUSED(row(1)->n = 21);
  REFUSED(row(1)->at = 31);
#undef REFUSED
  make();
  assert_false(inner_open(&t, made.region, SIZE, 29)); /* the outer file is shorter than it was */
  assert_false(inner_open(&t, made.region, 8, 30));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reads_back),
                                     cmocka_unit_test(refuses_what_points_outside)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
