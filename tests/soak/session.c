/* One session of libckptlint for long: session PROGRAM SECONDS FILE... scans the files over and over through
 * one broker, and says on stdout when a verdict differs from the one that the file had the first time. Ends
 * with the number of scans. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ckptlint.h"

static int verdict_of(ckl_session *s, const char *path) {
  ckl_result *r = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int verdict = ckl_scan_fd(s, fd, path, NULL, &r) == CKL_OK ? (int)ckl_result_verdict(r) : -1;
  ckl_result_free(r);
  close(fd);
  return verdict;
}

int main(int argc, char **argv) {
  ckl_session *s = NULL;
  if (argc < 4 || ckl_open(&s, argv[1]) != CKL_OK) return 4;
  int n = argc - 3, wrong = 0, *first = calloc((size_t)n, sizeof *first);
  long scans = 0;
  time_t until = time(NULL) + atol(argv[2]);
  while (first && time(NULL) < until) {
    for (int i = 0; i < n; i++, scans++) {
      int verdict = verdict_of(s, argv[3 + i]);
      if (scans < n) first[i] = verdict;
      if (verdict >= 0 && verdict == first[i]) continue;
      printf("FAILED %s: verdict %d, the first time %d\n", argv[3 + i], verdict, first[i]);
      wrong++;
    }
  }
  free(first);
  ckl_close(s);
  printf("%ld scans by one session\n", scans);
  return wrong != 0 || scans == 0;
}
