/* One session of libckptlint for long: session PROGRAM SECONDS FILE... scans the files over and over through
 * one broker, and says on stdout when a verdict differs from the one that the file had the first time. Ends
 * with the number of scans. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ckptlint.h"

/* Whether the file has the verdict that it had the first time, which `first` holds (-1: there was none yet).
 */
static bool judge(ckl_session *s, const char *path, int *first) {
  ckl_result *r = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  enum ckl_status status = ckl_scan_fd(s, fd, path, NULL, &r);
  int verdict = status == CKL_OK ? (int)ckl_result_verdict(r) : -1;
  if (*first >= 0 && verdict != *first) {
    printf("FAILED %s: verdict %d, the first time %d; %s\n", path, verdict, *first, ckl_status_text(status));
    for (size_t i = 0; r && i < ckl_result_findings(r); i++)
      printf("  %s %s\n", ckl_result_rule(r, i), ckl_result_message(r, i));
  }
  if (*first < 0) *first = verdict;
  bool same = verdict >= 0 && verdict == *first;
  ckl_result_free(r);
  close(fd);
  return same;
}

int main(int argc, char **argv) {
  ckl_session *s = NULL;
  if (argc < 4 || ckl_open(&s, argv[1]) != CKL_OK) return 4;
  int n = argc - 3, wrong = 0, *first = malloc((size_t)n * sizeof *first);
  long scans = 0;
  for (int i = 0; first && i < n; i++) first[i] = -1;
  time_t until = time(NULL) + atol(argv[2]);
  while (first && time(NULL) < until) {
    for (int i = 0; i < n; i++, scans++) wrong += !judge(s, argv[3 + i], &first[i]);
  }
  free(first);
  ckl_close(s);
  printf("%ld scans by one session\n", scans);
  return wrong != 0 || scans == 0;
}
