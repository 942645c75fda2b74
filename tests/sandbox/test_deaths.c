/* A broker that serves a thousand files while workers die in every way there is: each verdict is right, the
 * files in between come out as ever, and nothing is left behind. The program is linked with --wrap: what a
 * file begins with decides how its sealed scan worker ends. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "api/pipeline.h"
#include "api/scan.h"
#include "sandbox/policy.h"
#include "sandbox/raw.h"
#include "tests/sandbox/try.h"

enum { FILES = 1000, STOP_AT = 620, /* far from slow ones */ JOBS = 4, PATH_ROOM = 64 };

/* ---- deaths: what a worker does when it was taken over ---- */

/* What the worker and the one who kills from outside share; a slot for each file. */
static struct shared {
  struct victim {
    atomic_int pid, signal; /* the signal to be sent; 0: nothing, or done */
  } victims[FILES];
  atomic_int broker;          /* it is to be sent SIGINT */
  atomic_llong stopped_at_ns; /* when it was */
} * shared;

static void spin(void) {
  volatile bool on = true;
  while (on) {
  }
}

static void by_pointer(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  volatile uintptr_t where = 64;
  *(volatile int *)where = 1;
}
static int deeper(int levels) {
  volatile char frame[1024];
  frame[0] = 1;
  return levels > 0 ? deeper(levels - 1) + frame[0] : 0;
}
static void by_recursion(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  if (deeper(40000000) == 0) raw_exit(0);
}
static void by_abort(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  abort();
}
static void by_call(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  raw_call3(SYS_getppid, 0, 0, 0);
}
static void by_foreign_abi(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
#if defined __x86_64__
  raw_call3(0x40000000 + SYS_getpid, 0, 0, 0);
#else
  raw_call3(SYS_getppid, 0, 0, 0);
#endif
}
static void by_exit(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  raw_exit(1);
}
static void by_good_report_and_exit(uint32_t i, struct wire_out *out) {
  (void)i;
  wire_end(out, true);
  raw_exit(42);
}
static void by_silence(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  raw_exit(0);
}
static void by_half_a_frame(uint32_t i, struct wire_out *out) {
  (void)i;
  wire_end(out, true);
  raw_write(REPORT_FD, "CK", 2);
  raw_exit(0);
}
static void by_garbage(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  static const char zeros[64];
  raw_write(REPORT_FD, zeros, sizeof zeros);
  raw_exit(0);
}
static void by_flood(uint32_t i, struct wire_out *out) {
  static const uint8_t text[60000];
  (void)i;
  for (;;) wire_text(out, TEXT_NO_MODEL, span_of(text, sizeof text));
}
static void by_cpu(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  spin();
}
static void by_memory(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  worker_out_of_memory();
}
static void by_sigkill(uint32_t i, struct wire_out *out) {
  (void)out;
  atomic_store(&shared->victims[i].signal, SIGKILL);
  spin();
}
static void by_sigstop(uint32_t i, struct wire_out *out) {
  (void)out;
  atomic_store(&shared->victims[i].signal, SIGSTOP);
  spin();
}
static void by_stopping_the_run(uint32_t i, struct wire_out *out) {
  (void)i;
  (void)out;
  atomic_store(&shared->broker, 1);
  spin();
}

struct death {
  const char *name;
  void (*run)(uint32_t file, struct wire_out *out); /* NULL: nothing happens */
  const char *verdict, *rule, *reason; /* reason NULL: CPU time or wall time, as the machine is busy */
};
static const struct death deaths[] = {
    {"alive", NULL, "clean", NULL, NULL},
    {"pointer", by_pointer, "not checked", "RUN001", "crashed"},
    {"abort", by_abort, "not checked", "RUN001", "crashed"},
    {"call", by_call, "unsafe", "RUN002", "violation"},
    {"abi", by_foreign_abi, "unsafe", "RUN002", "violation"},
    {"exit", by_exit, "not checked", "RUN001", "crashed"},
    {"liar", by_good_report_and_exit, "not checked", "RUN001", "crashed"},
    {"silence", by_silence, "not checked", "RUN001", "incomplete"},
    {"half", by_half_a_frame, "not checked", "RUN001", "protocol"},
    {"garbage", by_garbage, "not checked", "RUN001", "protocol"},
    {"flood", by_flood, "not checked", "LIM808", "report"},
    {"memory", by_memory, "not checked", "LIM805", "worker-memory"},
    {"sigkill", by_sigkill, "not checked", "LIM805", "worker-memory"},
    /* slow ones: a few of each */
    {"recursion", by_recursion, "not checked", "RUN001", "crashed"},
    {"cpu", by_cpu, "not checked", "LIM804", NULL},
    {"sigstop", by_sigstop, "not checked", "LIM804", "wall-time"},
    /* the last run only */
    {"stop", by_stopping_the_run, "not checked", "RUN006", "signal"},
};
enum { QUICK = 13, SLOW = 16, THE_STOP = 16, SLOW_EVERY = 250 };

/* "DIE", the death as a letter, the file in four digits. */
enum { ORDER = 8 };
static bool told_to_die(struct span file, unsigned *death, unsigned *number) {
  if (file.n != ORDER || !span_starts(file, SPAN("DIE"))) return false;
  *death = file.p[3] - (unsigned)'A';
  *number = 0;
  for (size_t i = 4; i < ORDER; i++) *number = *number * 10 + (file.p[i] - (unsigned)'0');
  return *death < ARRAY_LEN(deaths) && *number < FILES;
}

bool __real_scan_prepare(void *ctx);
bool __real_scan_run(void *ctx, struct wire_out *out);
bool __wrap_scan_prepare(void *ctx);
bool __wrap_scan_run(void *ctx, struct wire_out *out);

bool __wrap_scan_prepare(void *ctx) {
  const struct scan_job *job = ctx;
  unsigned death, number;
  if (told_to_die(job->file, &death, &number)) atomic_store(&shared->victims[number].pid, getpid());
  return __real_scan_prepare(ctx);
}
bool __wrap_scan_run(void *ctx, struct wire_out *out) {
  const struct scan_job *job = ctx;
  unsigned death, number;
  if (told_to_die(job->file, &death, &number)) deaths[death].run(number, out);
  return __real_scan_run(ctx, out);
}

/* ---- the one who kills from outside ---- */

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

_Noreturn static void be_killer(pid_t broker) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) {
    nanosleep(&(struct timespec){0, 1000000}, NULL);
    for (size_t i = 0; i < FILES; i++) {
      int signal = atomic_exchange(&shared->victims[i].signal, 0);
      if (signal) kill(atomic_load(&shared->victims[i].pid), signal);
    }
    if (!atomic_exchange(&shared->broker, 0)) continue;
    atomic_store(&shared->stopped_at_ns, now_ns());
    kill(broker, SIGINT);
  }
}

/* ---- a run ---- */

struct fixture {
  char folder[PATH_ROOM / 2];
  char paths[FILES][PATH_ROOM];
  const char *list[FILES];
  unsigned death[FILES];
  struct sandbox *sandbox;
  char *report; /* ndjson */
  pid_t killer;
};

static void write_file(const char *path, const void *bytes, size_t n) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, n), (ssize_t)n);
  close(fd);
}

static void write_death(struct fixture *f, uint32_t i, unsigned death) {
  char text[ORDER + 8];
  f->death[i] = death;
  (void)snprintf(text, sizeof text, "DIE%c%04u", (int)('A' + death), i % FILES);
  write_file(f->paths[i], text, ORDER);
}

static unsigned death_of(uint32_t i) {
  return i % SLOW_EVERY == SLOW_EVERY - 1 ? QUICK + i / SLOW_EVERY % (SLOW - QUICK) : i % QUICK;
}

static void write_files(struct fixture *f) {
  uint8_t good[4096];
  int fd = open("corpus/benign/simple_linear.pt", O_RDONLY | O_CLOEXEC);
  ssize_t n = read(fd, good, sizeof good);
  assert_true(n > 0);
  close(fd);
  for (uint32_t i = 0; i < FILES; i++) {
    (void)snprintf(f->paths[i], PATH_ROOM, "%s/%04u.pt", f->folder, i % FILES);
    f->list[i] = f->paths[i];
    if (deaths[death_of(i)].run)
      write_death(f, i, death_of(i));
    else
      write_file(f->paths[i], good, (size_t)n);
  }
}

/* Answers the exit code; the report is in f->report. */
static int serve_all(struct fixture *f) {
  struct run_options o = {.verb = VERB_SCAN,
                          .fail_on = SEV_HIGH,
                          .sandbox = SANDBOX_STANDARD,
                          .rtol = -1,
                          .atol = -1,
                          .jobs = JOBS,
                          .isolated = true,
                          .strict_keys = true,
                          .limits = limits_default()};
  o.limits.seconds = 2;
  int fd = memfd_create("report", MFD_CLOEXEC);
  assert_true(fd >= 0);
  const struct report_options how = {.format = FORMAT_NDJSON, .fd = fd};
  struct report *report = report_open(&how);
  const struct input_list inputs = {.paths = f->list, .n = FILES};
  int code = run_inputs(&o, &inputs, f->sandbox, report);
  assert_true(report_close(report));
  off_t n = lseek(fd, 0, SEEK_END);
  f->report = calloc(1, (size_t)n + 1);
  assert_int_equal(pread(fd, f->report, (size_t)n, 0), n);
  close(fd);
  return code;
}

static bool has(const char *line, const char *end, const char *key, const char *value) {
  char want[96];
  (void)snprintf(want, sizeof want, "\"%s\":\"%s\"", key, value);
  const char *p = strstr(line, want);
  return p && p < end;
}

static bool is_judged_as(const struct fixture *f, uint32_t i, const struct death *want) {
  char key[PATH_ROOM + 16];
  (void)snprintf(key, sizeof key, "\"path\":\"%s\"", f->paths[i]);
  const char *from = strstr(f->report, key), *to = from ? strstr(from, "file_end") : NULL;
  return to && has(from, to, "verdict", want->verdict) &&
         (!want->rule || has(from, to, "rule", want->rule)) &&
         (!want->reason || has(from, to, "reason", want->reason));
}

static void check_file(const struct fixture *f, uint32_t i, unsigned death) {
  const struct death *want = &deaths[death];
  const char *from = strstr(f->report, f->paths[i]);
  if (!is_judged_as(f, i, want))
    fail_msg("%s (%s) is not %s, %s/%s: %.400s", f->paths[i], want->name, want->verdict, want->rule,
             want->reason, from ? from : "not there");
}

/* ---- what is left ---- */

struct left {
  size_t fds, heap;
  long pages;
};

static struct left look_around(void) {
  malloc_trim(0); /* what is free may be anywhere */
  struct left l = {.heap = mallinfo2().uordblks};
  DIR *d = opendir("/proc/self/fd");
  while (readdir(d)) l.fds++;
  closedir(d);
  FILE *statm = fopen("/proc/self/statm", "r");
  assert_int_equal(fscanf(statm, "%*d %ld", &l.pages), 1);
  fclose(statm);
  return l;
}

static void assert_same(const struct left *before, const struct left *after) {
  assert_int_equal(after->fds, before->fds);
  assert_in_range(after->heap, 0, before->heap + 16384); /* a leak of 17 bytes a file would be seen */
  /* 1 MiB for pages that the allocator keeps: a leak of 1 KiB a file would be seen. */
  if (!policy_profile().keeps_stderr) assert_in_range(after->pages, 0, (uint64_t)before->pages + 256);
}

/* Of this process: the one who kills is left, dead or alive is nobody else. */
static void assert_no_children(const struct fixture *f) {
  siginfo_t info = {0};
  assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), 0);
  assert_int_equal(info.si_pid, 0);
  char path[PATH_ROOM];
  int pid, other;
  (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  FILE *children = fopen(path, "r");
  if (!children) return; /* a kernel without that file */
  assert_int_equal(fscanf(children, "%d %d", &pid, &other), 1);
  assert_int_equal(pid, f->killer);
  fclose(children);
}

static void every_death_has_its_verdict(void **state) {
  struct fixture *f = *state;
  const int rounds = policy_profile().keeps_stderr ? 1 : 2; /* a sanitizer's allocator tells nothing */
  for (int round = 0; round < rounds; round++) {            /* the first one fills caches of libc */
    struct left before = look_around();
    assert_int_equal(serve_all(f), 1);
    for (uint32_t i = 0; i < FILES; i++) check_file(f, i, f->death[i]);
    assert_no_children(f);
    free(f->report);
    f->report = NULL;
    struct left after = look_around();
    if (round) assert_same(&before, &after);
  }
}

/* Ctrl-C in the middle of the thousand. */
static void interrupted_run_reports_what_it_has(void **state) {
  struct fixture *f = *state;
  struct left before = look_around();
  write_death(f, STOP_AT, THE_STOP);
  (void)signal(SIGINT, SIG_DFL); /* a shell's background job begins with it ignored */
  workers_mind_signals();
  assert_int_equal(serve_all(f), 130);
  assert_in_range(now_ns() - atomic_load(&shared->stopped_at_ns), 0, 1000000000);
  size_t in_flight = 0; /* with the one that stops the run; a busy machine may leave any of them behind */
  for (uint32_t i = 0; i <= STOP_AT; i++) {
    bool judged = is_judged_as(f, i, &deaths[f->death[i]]) && i != STOP_AT;
    if (!judged) check_file(f, i, THE_STOP);
    in_flight += !judged;
  }
  assert_in_range(in_flight, 1, JOBS);
  assert_non_null(strstr(f->report, "\"type\":\"summary\",\"complete\":false,\"exit\":130"));
  assert_null(strstr(f->report, f->paths[FILES - 1]));
  assert_no_children(f);
  free(f->report);
  struct left after = look_around();
  assert_same(&before, &after);
}

static int set_up(void **state) {
  static struct fixture f = {.folder = "/tmp/ckptlint-deaths-XXXXXX"};
  *state = &f;
  mallopt(M_MXFAST, 0); /* what was freed is not to be counted as in use */
  shared = region_map_shared(sizeof *shared);
  if (!shared || !mkdtemp(f.folder)) return -1;
  write_files(&f);
  f.sandbox = sandbox_probe();
  if (!f.sandbox || sandbox_level(f.sandbox) < SANDBOX_STANDARD) return -1;
  pid_t broker = getpid();
  f.killer = fork();
  if (f.killer == 0) be_killer(broker);
  return f.killer > 0 ? 0 : -1;
}
static int tear_down(void **state) {
  struct fixture *f = *state;
  kill(f->killer, SIGKILL);
  waitpid(f->killer, NULL, 0);
  for (size_t i = 0; i < FILES; i++) unlink(f->paths[i]);
  rmdir(f->folder);
  sandbox_free(f->sandbox);
  region_unmap(shared, sizeof *shared);
  return 0;
}

int main(int argc, char **argv) {
  (void)argc;
  /* What a cache of malloc keeps counts as in use, and depends on the order in which workers die. */
  if (!getenv("GLIBC_TUNABLES") && setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1) == 0)
    execv("/proc/self/exe", argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_death_has_its_verdict),
      cmocka_unit_test(interrupted_run_reports_what_it_has),
  };
  return cmocka_run_group_tests_name("deaths", tests, set_up, tear_down);
}
