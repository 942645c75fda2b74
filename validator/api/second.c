#include "api/second.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

struct second {
  pid_t pid;
  FILE *theirs;        /* what it reports, an event a line */
  struct report *ours; /* the same of this run, into a memory file */
  int file;
};

/* ---- the process ---- */

static bool is_own(const char *argument) {
  return strcmp(argument, "--paranoid") == 0 || strcmp(argument, "--timings") == 0;
}

/* The same call, but its report is for us: the last word on an option counts, in front of a "--". */
static char **arguments_of(char *const *argv) {
  static const char format[] = "--format=ndjson", progress[] = "--progress=never";
  size_t n = 0, from = 0, to = 0;
  while (argv[n]) n++;
  char **copy = memory_calloc(1, (n + 3) * sizeof *copy + sizeof format + sizeof progress);
  if (!copy) return NULL;
  char *own = (char *)(copy + n + 3);
  for (; from < n && strcmp(argv[from], "--") != 0; from++)
    if (!is_own(argv[from])) copy[to++] = argv[from];
  copy[to++] = memcpy(own, format, sizeof format);
  copy[to++] = memcpy(own + sizeof format, progress, sizeof progress);
  for (; from < n; from++) copy[to++] = argv[from];
  return copy;
}

_Noreturn static void become(char **argv, int report, pid_t parent) {
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && nothing >= 0 &&
      dup2(nothing, STDIN_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0 &&
      dup2(report, STDOUT_FILENO) >= 0)
    execv("/proc/self/exe", argv);
  _exit(127);
}

static bool start(struct second *s, char *const *argv) {
  int ends[2];
  char **again = arguments_of(argv);
  if (!again || pipe2(ends, O_CLOEXEC)) {
    free(again);
    return false;
  }
  pid_t parent = getpid();
  s->pid = fork();
  if (s->pid == 0) become(again, ends[1], parent);
  free(again);
  close(ends[1]);
  s->theirs = s->pid > 0 ? fdopen(ends[0], "r") : NULL;
  if (!s->theirs) close(ends[0]);
  return s->theirs;
}

struct second *second_start(char *const *argv) {
  struct second *s = memory_calloc(1, sizeof *s);
  if (!s) return NULL;
  s->file = memfd_create("report", MFD_CLOEXEC);
  const struct report_options how = {.format = FORMAT_NDJSON, .fd = s->file};
  s->ours = s->file >= 0 ? report_open(&how) : NULL;
  if (s->ours && start(s, argv)) {
    report_event(s->ours, event_new("run"));
    return s;
  }
  second_end(s);
  return NULL;
}

void second_end(struct second *s) {
  if (!s) return;
  if (s->pid > 0) {
    kill(s->pid, SIGKILL);
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) continue;
  }
  if (s->theirs) (void)fclose(s->theirs);
  if (s->ours) (void)!report_close(s->ours);
  if (s->file >= 0) close(s->file);
  free(s);
}

/* ---- the comparison ---- */

struct lines {
  FILE *from;
  char *line;
  size_t room, n; /* n 0: there are no more */
  uint64_t files; /* that have come to their end */
};

static bool begins(const struct lines *l, const char *text) {
  return l->n && strncmp(l->line, text, strlen(text)) == 0;
}

/* A signal that is minded ends the reading: the second process may be stopped for good. */
static bool next(struct lines *l) {
  do {
    ssize_t n = workers_signal() ? -1 : getline(&l->line, &l->room, l->from);
    l->n = n > 0 ? (size_t)n : 0;
  } while (begins(l, "{\"type\":\"run\"")); /* of the run, not of an input */
  if (begins(l, "{\"type\":\"file_end\"")) l->files++;
  return l->n;
}

static bool same_line(const struct lines *a, const struct lines *b) {
  return a->n == b->n && memcmp(a->line, b->line, a->n) == 0;
}

/* Behind a difference: to where the next input begins, if both tell of as many files. */
static void catch_up(struct lines *ours, struct lines *theirs) {
  while (next(ours)) continue;
  while (theirs->files < ours->files && next(theirs)) continue;
}

bool second_agrees(struct second *s, const struct job *job) {
  if (ftruncate(s->file, 0) || lseek(s->file, 0, SEEK_SET)) return false;
  job_emit_whole(job, s->ours);
  int copy = fcntl(s->file, F_DUPFD_CLOEXEC, 0);
  struct lines ours = {.from = copy < 0 ? NULL : fdopen(copy, "r")}, theirs = {.from = s->theirs};
  if (!ours.from) {
    if (copy >= 0) close(copy);
    return false;
  }
  rewind(ours.from);
  bool same = true;
  while (same && next(&ours)) same = next(&theirs) && same_line(&ours, &theirs);
  if (!same) catch_up(&ours, &theirs);
  (void)fclose(ours.from);
  free(ours.line);
  free(theirs.line);
  return same;
}
