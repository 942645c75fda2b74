/* A process that was once refused memory: its report ends as a document all the same, and says so. Each test
 * is a child, for what is remembered is remembered for good. */
#include "base/memory.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "report/report.h"
#include "tests/unit/check.h"

enum { EVENTS = 5 };

static cJSON *make(int i) {
  static const char *const types[EVENTS] = {"run", "file", "finding", "file_end", "summary"};
  cJSON *e = event_new(types[i]);
  event_str(e, "verdict", "clean");
  if (i == 0) event_str(event_object(e, "tool"), "name", "x");
  return e;
}

/* Memory fails before event number `at`. */
static int tell(enum report_format format, int at, int fd) {
  struct report *r = report_open(&(struct report_options){.format = format, .fd = fd});
  for (int i = 0; i < EVENTS; i++) {
    if (i == at) memory_note_failure();
    report_event(r, make(i));
  }
  return report_close(r);
}

static char *told(enum report_format format, int at, char *room, size_t size) {
  int ends[2], status;
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  if (pid == 0) _exit(tell(format, at, ends[1]));
  close(ends[1]);
  ssize_t n = 0, more;
  while ((more = read(ends[0], room + n, size - 1 - (size_t)n)) > 0) n += more;
  close(ends[0]);
  assert_true(waitpid(pid, &status, 0) == pid);
  assert_int_equal(status, 0); /* report_close says false */
  room[n] = 0;
  return room;
}

static cJSON *parsed(const char *text, size_t n) {
  struct limits max = limits_default();
  struct json_error err;
  cJSON *tree = json_parse(span_of(text, n), &max, &err);
  if (!tree) print_message("%s: %s\n", err.what, text);
  assert_non_null(tree);
  return tree;
}

static void document_is_whole(void **state) {
  (void)state;
  char room[4096];
  for (int at = 0; at < EVENTS; at++) {
    told(FORMAT_JSON, at, room, sizeof room);
    cJSON *tree = parsed(room, strlen(room));
    const cJSON *summary = json_get(tree, "summary");
    assert_true(cJSON_IsFalse(json_get(summary, "complete")));
    assert_int_equal(json_get(summary, "exit")->valueint, 70);
    assert_int_equal(cJSON_GetArraySize(json_get(tree, "files")), at >= 2);
    cJSON_Delete(tree);
  }
}

static void lines_are_whole(void **state) {
  (void)state;
  char room[4096];
  for (int at = 0; at < EVENTS; at++) {
    char *line = told(FORMAT_NDJSON, at, room, sizeof room), *end;
    int lines = 0;
    for (; (end = strchr(line, '\n')); line = end + 1, lines++)
      cJSON_Delete(parsed(line, (size_t)(end - line)));
    assert_int_equal(*line, 0);
    assert_true(lines >= 2);
    assert_non_null(strstr(room, "{\"type\":\"summary\",\"complete\":false,\"exit\":70,"));
  }
}

static void text_says_so(void **state) {
  (void)state;
  char room[4096];
  for (int at = 0; at < EVENTS; at++)
    assert_non_null(strstr(told(FORMAT_TEXT, at, room, sizeof room), "this report is not whole"));
}

static void a_refusal_is_remembered(void **state) {
  (void)state;
  assert_false(memory_has_failed());
  free(memory_calloc(2, 8));
  free(memory_realloc(NULL, 8));
  assert_false(memory_has_failed());
#ifdef __SANITIZE_ADDRESS__ /* whose malloc ends the process instead */
  memory_note_failure();
#else
  volatile size_t much = SIZE_MAX / 2;
  assert_null(memory_malloc(much));
#endif
  assert_true(memory_has_failed());
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(document_is_whole), cmocka_unit_test(lines_are_whole),
                                     cmocka_unit_test(text_says_so),
                                     cmocka_unit_test(a_refusal_is_remembered)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
