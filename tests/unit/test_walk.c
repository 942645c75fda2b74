/* What input_walk lists: every regular file, and every directory that it does not enter. */
#include "api/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/check.h"

enum { TOO_DEEP = 70 };

static char top[] = "/tmp/ckptlint-walk-XXXXXX";

static void make_file(const char *path) {
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  close(fd);
}

/* top/a, top/b -> a, top/d/d/…/d with a file at the bottom of TOO_DEEP directories. */
static int make_tree(void **state) {
  (void)state;
  char path[1024];
  if (!mkdtemp(top)) return -1;
  size_t n = (size_t)snprintf(path, sizeof path, "%s/a", top);
  make_file(path);
  path[n - 1] = 'b';
  if (symlink("a", path) != 0) return -1;
  n -= 2;
  for (int i = 0; i < TOO_DEEP; i++) {
    memcpy(path + n, "/d", 3);
    n += 2;
    if (mkdir(path, 0700) != 0) return -1;
  }
  memcpy(path + n, "/f", 3);
  make_file(path);
  return 0;
}

static int remove_tree(void **state) {
  (void)state;
  char path[1024];
  size_t n = (size_t)snprintf(path, sizeof path, "%s", top);
  const size_t top_n = n;
  for (int i = 0; i < TOO_DEEP; i++, n += 2) memcpy(path + n, "/d", 3);
  memcpy(path + n, "/f", 3);
  int failed = unlink(path);
  for (; n > top_n; n -= 2) {
    path[n] = 0;
    failed |= rmdir(path);
  }
  for (char name = 'a'; name <= 'b'; name++) {
    (void)snprintf(path + n, 3, "/%c", name);
    failed |= unlink(path);
  }
  return failed | rmdir(top);
}

static void lists_what_it_does_not_enter(void **state) {
  (void)state;
  struct arena a;
  struct path_list list = {0};
  arena_init(&a, 1 << 20);
  assert_true(input_walk(&list, &a, span_str(top)));
  assert_int_equal(list.paths.n, 3); /* the file below is out of reach */
  assert_int_equal(list.root_n, strlen(top));
  assert_true(span_ends(list.paths.p[0], SPAN("/a")) && span_ends(list.paths.p[1], SPAN("/b")));
  assert_int_equal(list.paths.p[2].n, strlen(top) + 2 * 64);
  assert_true(span_ends(list.paths.p[2], SPAN("/d/d")));

  struct limits max = limits_default();
  struct input in;
  const char *why;
  int err;
  assert_true(input_open(&in, list.paths.p[1], list.root_n, &max, &why, &err));
  input_close(&in);
  assert_false(input_open(&in, list.paths.p[2], list.root_n, &max, &why, &err));
  assert_non_null(strstr(why, "too deep"));
  arena_free(&a);
}

static void tells_of_a_directory_that_is_not_there(void **state) {
  (void)state;
  struct arena a;
  struct path_list list = {0};
  arena_init(&a, 1 << 20);
  assert_false(input_walk(&list, &a, SPAN("/nonexistent-directory")));
  assert_int_equal(list.paths.n, 0);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_what_it_does_not_enter),
      cmocka_unit_test(tells_of_a_directory_that_is_not_there),
  };
  return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
