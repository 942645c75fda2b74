/* A client of libckptlint, linked like any user's program: ckptlint.h and nothing else. Says what went wrong
 * on stdout and answers how many checks failed. Arguments: the ckptlint program, a clean checkpoint, a
 * hostile one, a program that answers like a broker gone mad, a checkpoint whose directory lies at 2^63, and
 * a program that is ckptlint where there is no seccomp. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ckptlint.h"

static int passed, failed;

static void check(int ok, const char *promise) {
  if (ok)
    passed++;
  else
    failed++;
  if (!ok) printf("broken: %s\n", promise);
}

static ckl_result *scan(ckl_session *s, const char *path, enum ckl_status *status) {
  ckl_result *r = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  *status = ckl_scan_fd(s, fd, path, NULL, &r);
  if (fd >= 0) close(fd);
  return r;
}

static void *busy(void *stop) {
  while (!*(volatile int *)stop) {
  }
  return NULL;
}

int main(int argc, char **argv) {
  ckl_session *s = NULL;
  ckl_result *r;
  enum ckl_status status;
  if (argc != 7 || access(argv[2], R_OK) != 0 || access(argv[3], R_OK) != 0) return 4;
  check(strlen(ckl_version()) >= 5, "the library knows its version");
  check(ckl_open(&s, "/nonexistent/ckptlint") == CKL_NO_BROKER, "a program that is not there is an error");
  check(ckl_open(NULL, NULL) == CKL_USAGE, "a NULL session is a wrong call");
  check(ckl_open(&s, argv[1]) == CKL_OK, "a broker starts");

  /* The host may have threads: it is never forked. */
  int stop = 0;
  pthread_t thread;
  int threaded = pthread_create(&thread, NULL, busy, &stop) == 0;
  r = scan(s, argv[2], &status);
  check(status == CKL_OK && ckl_result_verdict(r) == CKL_CLEAN && ckl_result_exit(r) == 0,
        "a clean checkpoint is clean");
  size_t n = 0;
  const char *json = r ? ckl_result_json(r, &n) : NULL;
  check(json && strlen(json) == n && strstr(json, "\"type\":\"summary\""),
        "the events are handed over whole");
  ckl_result_free(r);
  stop = 1;
  if (threaded) pthread_join(thread, NULL);

  for (int again = 0; again < 2; again++) {
    r = scan(s, argv[3], &status);
    check(status == CKL_OK && ckl_result_verdict(r) == CKL_UNSAFE && ckl_result_exit(r) == 1,
          "a hostile checkpoint is unsafe, every time");
    check(r && ckl_result_findings(r) > 0 && strcmp(ckl_result_rule(r, 0), "GLB301") == 0,
          "its worst finding comes first");
    check(
        r && strcmp(ckl_result_severity(r, 0), "critical") == 0 && strstr(ckl_result_message(r, 0), "system"),
        "and says what would be called");
    check(r && !ckl_result_rule(r, ckl_result_findings(r)), "an index out of range answers NULL");
    ckl_result_free(r);
  }

  static const char text[] = "cos\nsystem\n(S'true'\ntR.";
  check(ckl_scan_mem(s, text, sizeof text - 1, "memory.pkl", NULL, &r) == CKL_OK &&
            ckl_result_verdict(r) == CKL_UNSAFE,
        "bytes in memory are judged like a file");
  ckl_result_free(r);
  struct ckl_options quick = {.size = sizeof quick, .quick = 1};
  int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
  check(ckl_scan_fd(s, fd, "quick", &quick, &r) == CKL_OK &&
            strstr(ckl_result_json(r, NULL), "\"depth\":\"quick\""),
        "options reach the broker");
  ckl_result_free(r);
  close(fd);
  check(ckl_scan_fd(s, -1, "x", NULL, &r) == CKL_USAGE && !r, "a bad descriptor is a wrong call");
  r = (ckl_result *)&fd;
  check(ckl_scan_mem(s, NULL, 1, "x", NULL, &r) == CKL_USAGE && !r,
        "so are bytes at NULL, and no result is left");
  int dir = open("/", O_RDONLY | O_CLOEXEC);
  check(ckl_scan_fd(s, dir, "/", NULL, &r) == CKL_OK && ckl_result_verdict(r) == CKL_ERROR,
        "a directory is an error, not a crash");
  ckl_result_free(r);
  close(dir);

  /* A file with 2^63 in its tables: the number comes back in a finding, and the next answer is the next
   * file's. */
  fd = open(argv[5], O_RDONLY | O_CLOEXEC);
  check(ckl_scan_fd(s, fd, "\xff\001far\xe2\x82", NULL, &r) == CKL_OK &&
            strstr(ckl_result_json(r, NULL), "\"got\":9223372036854775808"),
        "numbers of 64 bits and names that are no text reach the host");
  ckl_result_free(r);
  close(fd);
  r = scan(s, argv[2], &status);
  check(status == CKL_OK && ckl_result_verdict(r) == CKL_CLEAN, "and the answer after it is the next file's");
  ckl_result_free(r);
  static char name[5000];
  memset(name, 1, sizeof name - 1);
  check(
      ckl_scan_mem(s, text, sizeof text - 1, name, NULL, &r) == CKL_OK && ckl_result_verdict(r) == CKL_UNSAFE,
      "a long name is cut, however many bytes an escape takes");
  ckl_result_free(r);
  ckl_close(s);
  ckl_close(NULL);

  /* A broker that says something else, and then the answer of another file. */
  check(ckl_open(&s, argv[4]) == CKL_OK, "another program starts");
  check(scan(s, argv[3], &status) == NULL && status == CKL_PROTOCOL, "what is no event is no answer");
  check(scan(s, argv[3], &status) == NULL && status == CKL_NO_BROKER, "and nothing behind it is one");
  ckl_close(s);

  check(ckl_open(&s, argv[6]) == CKL_OK, "a broker starts where there is no sandbox");
  for (int again = 0; again < 2; again++)
    check(scan(s, argv[2], &status) == NULL && status == CKL_NO_SANDBOX, "and says so, every time");
  ckl_close(s);
  printf("%d passed, %d failed\n", passed, failed);
  return failed;
}
