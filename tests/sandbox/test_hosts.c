/* The sandbox on other hosts than this one, as far as an outer filter can imitate them: container runtimes,
 * old kernels, gVisor. And what the libraries of a worker need, on whatever host. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sandbox/policy.h"
#include "sandbox/raw.h"
#include "tests/sandbox/workloads.h"

/* ---- hosts ---- */

enum {
  ANSWERS = 12,
  PIDFD_OPEN = 434,
  CLONE3 = 435,
  CLOSE_RANGE = 436,
  LANDLOCK_CREATE = 444,
  SECCOMP_ARGS = 16
};

struct answer {
  long nr;
  int error;
};
struct host {
  const char *name;
  struct answer answers[ANSWERS]; /* up to the first of error 0 */
  bool only_tsync;                /* seccomp(2) takes no flag but TSYNC, as gVisor */
  bool bare;                      /* no capabilities, no_new_privs before it starts */
  enum sandbox_level level;
  const char *missing[4]; /* layers, up to the first NULL */
};

/* What the runtimes' own profiles answer: the calls of theirs that this program makes or that a worker must
 * not. */
static const struct host hosts[] = {
    {"Docker's default profile",
     {{CLONE3, ENOSYS},
      {SYS_unshare, EPERM},
      {SYS_mount, EPERM},
      {SYS_setns, EPERM},
      {SYS_io_uring_setup, EPERM},
      {SYS_bpf, EPERM},
      {SYS_perf_event_open, EPERM},
      {SYS_userfaultfd, EPERM},
      {SYS_keyctl, EPERM}},
     false,
     false,
     SANDBOX_FULL,
     {NULL}},
    {"--cap-drop ALL --security-opt no-new-privileges",
     {{CLONE3, ENOSYS}},
     false,
     true,
     SANDBOX_FULL,
     {NULL}},
    {"Docker before 20.10: what it does not know is EPERM",
     {{CLONE3, EPERM}, {CLOSE_RANGE, EPERM}, {PIDFD_OPEN, EPERM}, {LANDLOCK_CREATE, EPERM}},
     false,
     false,
     SANDBOX_STANDARD,
     {"pidfd", "close_range", "landlock"}},
    {"a kernel before 5.3",
     {{CLONE3, ENOSYS}, {CLOSE_RANGE, ENOSYS}, {PIDFD_OPEN, ENOSYS}, {LANDLOCK_CREATE, ENOSYS}},
     false,
     false,
     SANDBOX_STANDARD,
     {"pidfd", "close_range", "landlock"}},
    {"gVisor", {{LANDLOCK_CREATE, ENOSYS}}, true, false, SANDBOX_STANDARD, {"landlock"}},
    {"an emulated machine without seccomp",
     {{SYS_seccomp, ENOSYS}},
     false,
     false,
     SANDBOX_REDUCED,
     {"seccomp"}},
    {"neither seccomp nor Landlock",
     {{SYS_seccomp, ENOSYS}, {LANDLOCK_CREATE, ENOSYS}},
     false,
     false,
     SANDBOX_NONE,
     {"seccomp", "landlock"}},
};

static bool put(const struct sock_filter *code, size_t n) {
  const struct sock_fprog program = {(unsigned short)n, (struct sock_filter *)(uintptr_t)code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

static bool refuse_flags(void) {
  const struct sock_filter code[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_seccomp},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, SECCOMP_ARGS + 8}, /* flags */
      {BPF_JMP | BPF_JSET | BPF_K, 0, 1, UINT32_MAX - SECCOMP_FILTER_FLAG_TSYNC},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EINVAL},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  return put(code, ARRAY_LEN(code));
}

static bool put_answers(const struct answer *answers) {
  struct sock_filter code[2 * ANSWERS + 2] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)}};
  size_t n = 1;
  for (size_t i = 0; i < ANSWERS && answers[i].error; i++) {
    code[n++] = (struct sock_filter){BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)answers[i].nr};
    code[n++] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)answers[i].error};
  }
  code[n++] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  return put(code, n);
}

static bool drop_privileges(void) {
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  return syscall(SYS_capset, &head, none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool is_missing(const struct host *h, const char *layer) {
  for (size_t i = 0; i < ARRAY_LEN(h->missing) && h->missing[i]; i++)
    if (strcmp(h->missing[i], layer) == 0) return true;
  return false;
}

static bool do_nothing(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  return true;
}
static bool ask_for_the_parent(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  raw_call3(SYS_getppid, 0, 0, 0);
  return true;
}

/* How a worker ends here; -1: it was not even started. */
static int end_of(const struct sandbox *s, enum sandbox_level at_least,
                  bool (*run)(void *, struct wire_out *)) {
  struct worker_limits limits = small_limits();
  limits.at_least = at_least;
  const struct worker_task task = {.run = run};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  struct arena a;
  if (!worker_start(&w, s, &limits, &task)) return -1;
  workers_wait(list, 1);
  arena_init(&a, 1 << 20);
  worker_finish(&w, &a, 0, &r);
  arena_free(&a);
  return (int)r.end;
}

static int live_on_host(void *ctx) {
  const struct host *h = ctx;
  if (h->bare && !drop_privileges()) return 1;
  if (h->only_tsync && !refuse_flags()) return 2;
  if (!put_answers(h->answers)) return 3;
  struct sandbox *s = sandbox_probe();
  if (!s || sandbox_level(s) != h->level) return 10 + (s ? (int)sandbox_level(s) : 9);
  const struct sandbox_layer *layers;
  size_t n = sandbox_layers(s, &layers);
  for (size_t i = 0; i < n; i++)
    if (layers[i].on == is_missing(h, layers[i].name)) return 20 + (int)i;
  if (sandbox_policy_digest(s)[0] == 0 && h->level >= SANDBOX_STANDARD) return 4;
  /* What a level demands: nothing above it is given, everything up to it is. */
  for (enum sandbox_level want = SANDBOX_NONE; want <= SANDBOX_FULL; want++)
    if (end_of(s, want, do_nothing) != (want <= h->level ? (int)WORKER_OK : -1)) return 30 + (int)want;
  int stopped = end_of(s, h->level, ask_for_the_parent);
  if (h->level >= SANDBOX_STANDARD && stopped != WORKER_VIOLATION) return 5;
  return 0;
}

static void every_host_has_its_level(void **state) {
  struct sandbox *s = sandbox_probe();
  (void)state;
  assert_non_null(s);
  bool full = sandbox_level(s) == SANDBOX_FULL;
  sandbox_free(s);
  if (!full) {
    print_message("SKIPPED hosts: this one is weaker itself\n");
    return;
  }
  for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
    struct host host = hosts[i];
    assert_exit(host.name, try_child(live_on_host, &host), 0);
  }
}

/* --sandbox none: the level says what workers wear, not what the host could give. */
static void what_is_taken_off_is_not_claimed(void **state) {
  struct sandbox *s = sandbox_probe();
  (void)state;
  assert_non_null(s);
  sandbox_take_off(s);
  assert_int_equal(sandbox_level(s), SANDBOX_NONE);
  assert_string_equal(sandbox_policy_digest(s), "");
  assert_int_equal(end_of(s, SANDBOX_STANDARD, do_nothing), -1);
  assert_int_equal(end_of(s, SANDBOX_NONE, ask_for_the_parent), WORKER_OK);
  sandbox_free(s);
}

/* ---- 38: NPROC binds nobody who is root ---- */

static int fork_despite_nproc(void *ctx) {
  (void)ctx;
  if (setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0})) return 1;
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  return pid < 0 ? 2 : waitpid(pid, NULL, 0) == pid ? 0 : 3;
}

static bool clone_once(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  raw_call3(SYS_clone, SIGCHLD, 0, 0);
  return true;
}

static void nproc_is_not_relied_upon(void **state) {
  (void)state;
  if (getuid() != 0)
    print_message("SKIPPED nproc: only root shows that the limit does not hold\n");
  else
    assert_exit("root forks under NPROC 0", try_child(fork_despite_nproc, NULL), 0);
  struct sandbox *s = sandbox_probe();
  assert_non_null(s);
  if (sandbox_level(s) >= SANDBOX_STANDARD)
    assert_int_equal(end_of(s, SANDBOX_STANDARD, clone_once), WORKER_VIOLATION);
  sandbox_free(s);
}

/* ---- 43: a file that is larger than memory ---- */

struct sparse {
  const volatile uint8_t *p;
  size_t n;
};
static bool read_here_and_there(void *ctx, struct wire_out *out) {
  const struct sparse *f = ctx;
  unsigned sum = 0;
  (void)out;
  for (size_t at = 0; at < f->n; at += f->n / 64) sum += f->p[at];
  void *volatile heap = malloc(1 << 20); /* the budget is a distance: there is some left */
  return sum == 0 && heap;
}

static void sparse_file_maps_under_limits(void **state) {
  (void)state;
  char path[] = "/tmp/ckptlint-sparse-XXXXXX";
  const size_t n = (size_t)100 << 30;
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  unlink(path);
  if (ftruncate(fd, (off_t)n)) {
    print_message("SKIPPED sparse: no file of 100 GiB on this file system\n");
    close(fd);
    return;
  }
  struct sparse f = {mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0), n};
  assert_true((const volatile void *)f.p != MAP_FAILED);
  struct sandbox *s = sandbox_probe();
  struct arena a;
  arena_init(&a, 1 << 20);
  struct worker_limits limits = small_limits();
  struct worker_result r = try_worker(s, &limits, read_here_and_there, &f, &a);
  assert_end("sparse", &r, WORKER_OK);
  arena_free(&a);
  sandbox_free(s);
  munmap((void *)(uintptr_t)f.p, n);
  close(fd);
}

/* ---- 51: what libraries do, sealed ---- */

static void libraries_work_sealed(void **state) {
  (void)state;
  struct sandbox *s = sandbox_probe();
  struct arena a;
  assert_non_null(s);
  arena_init(&a, 1 << 20);
  for (size_t i = 0; i < ARRAY_LEN(workloads); i++) {
    bool bad_free = workloads[i].run == free_what_is_not_its_own;
    if (bad_free && policy_profile().keeps_stderr) continue; /* the sanitizer's business */
    struct worker_result r = try_workload(s, &workloads[i], &a);
    assert_end(workloads[i].name, &r, workloads[i].end);
  }
  arena_free(&a);
  sandbox_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_host_has_its_level), cmocka_unit_test(what_is_taken_off_is_not_claimed),
      cmocka_unit_test(nproc_is_not_relied_upon), cmocka_unit_test(sparse_file_maps_under_limits),
      cmocka_unit_test(libraries_work_sealed),
  };
  return cmocka_run_group_tests_name("hosts", tests, NULL, NULL);
}
