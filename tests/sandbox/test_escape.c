/* What a taken-over worker would try, each act in a sealed worker of its own: how it ends, and at which
 * system call. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "sandbox/policy.h"
#include "sandbox/raw.h"
#include "tests/sandbox/try.h"

/* What the worker of a test tells beside its report. Shared memory, one for the whole program. */
struct shared {
  atomic_long answer; /* of a call that came back */
  atomic_long bytes;  /* how far an act came */
  atomic_bool ready, go;
  atomic_int pid;
};
struct fixture {
  struct sandbox *sandbox;
  struct shared *shared;
  struct arena arena;
};

static struct fixture *fresh(void **state) {
  struct fixture *f = *state;
  memset(f->shared, 0, sizeof *f->shared);
  arena_free(&f->arena);
  arena_init(&f->arena, 16 << 20);
  return f;
}

static void wait_for(const atomic_bool *flag) {
  while (!atomic_load(flag)) {
  }
}
static void pause_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

/* ---- acts that are one system call ---- */

enum { COMES_BACK = -9999 }; /* want: any answer, the call is allowed */
static const long TRAPS = 1;

struct act {
  const char *name;
  long nr;
  long args[6];
  long want; /* TRAPS, or minus errno */
};
struct attempt {
  struct act act;
  struct shared *shared;
};

static bool attempt_call(void *ctx, struct wire_out *out) {
  const struct attempt *t = ctx;
  const long *a = t->act.args;
  (void)out;
  atomic_store(&t->shared->answer, raw_call6(t->act.nr, a[0], a[1], a[2], a[3], a[4], a[5]));
  return true;
}

static void check_act(struct fixture *f, const struct act *act) {
  struct worker_limits limits = small_limits();
  struct attempt attempt = {*act, f->shared};
  struct worker_result r = try_worker(f->sandbox, &limits, attempt_call, &attempt, &f->arena);
  if (act->want == TRAPS) {
    assert_end(act->name, &r, WORKER_VIOLATION);
    assert_int_equal(r.syscall_nr, act->nr);
    return;
  }
  assert_end(act->name, &r, WORKER_OK);
  long answer = atomic_load(&f->shared->answer);
  if (act->want != COMES_BACK && answer != act->want)
    print_error("%s: answer %ld, expected %ld\n", act->name, answer, act->want);
  if (act->want != COMES_BACK) assert_int_equal(answer, act->want);
}

static void single_calls(void **state) {
  struct fixture *f = fresh(state);
  static const char path[] = "/etc/hostname", sh[] = "/bin/sh";
  const long at = AT_FDCWD, file = (long)(uintptr_t)path, shell = (long)(uintptr_t)sh, parent = getpid();
  const bool asan = policy_profile().keeps_stderr; /* its profile refuses a few of these instead */
  const struct act acts[] = {
    /* 8: files */
    {"openat", SYS_openat, {at, file, O_RDONLY}, asan ? -EACCES : TRAPS},
    {"openat to write", SYS_openat, {at, file, O_WRONLY | O_CREAT, 0600}, asan ? -EACCES : TRAPS},
    {"openat2", 437, {at, file, file, 24}, TRAPS},
    {"open_by_handle_at", SYS_open_by_handle_at, {at, file, 0}, TRAPS},
    {"unlinkat", SYS_unlinkat, {at, file, 0}, TRAPS},
    {"renameat2", SYS_renameat2, {at, file, at, file}, TRAPS},
    {"read", SYS_read, {0, file, 1}, TRAPS},
#if defined __x86_64__
    {"open", SYS_open, {file, O_RDONLY}, asan ? -EACCES : TRAPS},
    {"creat", SYS_creat, {file, 0600}, TRAPS},
#endif
    /* 9: network */
    {"socket", SYS_socket, {2 /* AF_INET */, 1, 0}, TRAPS},
    {"connect", SYS_connect, {3, file, 16}, TRAPS},
    {"bind", SYS_bind, {3, file, 16}, TRAPS},
    {"sendto", SYS_sendto, {3, file, 1}, TRAPS},
    {"socketpair", SYS_socketpair, {1, 1, 0, file}, TRAPS},
    /* 10: programs */
    {"execve", SYS_execve, {shell, 0, 0}, TRAPS},
    {"execveat", SYS_execveat, {at, shell, 0, 0, 0}, TRAPS},
    /* 11: processes */
    {"clone", SYS_clone, {SIGCHLD}, TRAPS},
    {"clone3", SYS_clone3, {file, 64}, -ENOSYS},
#if defined __x86_64__
    {"fork", SYS_fork, {0}, TRAPS},
    {"vfork", SYS_vfork, {0}, TRAPS},
#endif
    /* 12: other processes */
    {"ptrace", SYS_ptrace, {PTRACE_ATTACH, parent}, TRAPS},
    {"process_vm_readv", SYS_process_vm_readv, {parent, file, 1, file, 1}, TRAPS},
    {"process_vm_writev", SYS_process_vm_writev, {parent, file, 1, file, 1}, TRAPS},
    {"kcmp", SYS_kcmp, {parent, parent, 0}, TRAPS},
    {"pidfd_getfd", 438, {3, 0, 0}, TRAPS},
    /* 13: signals */
    {"kill the broker", SYS_kill, {parent, SIGCONT}, TRAPS},
    {"tkill", SYS_tkill, {parent, SIGCONT}, TRAPS},
    {"tgkill", SYS_tgkill, {parent, parent, SIGCONT}, -EPERM},
    {"pidfd_send_signal", SYS_pidfd_send_signal, {3, SIGCONT, 0, 0}, TRAPS},
    /* 14, 15, 16, 17: the large interfaces of the kernel */
    {"io_uring_setup", SYS_io_uring_setup, {1, file}, TRAPS},
    {"io_uring_enter", SYS_io_uring_enter, {3, 1, 0, 0}, TRAPS},
    {"io_uring_register", SYS_io_uring_register, {3, 0, 0, 0}, TRAPS},
    {"bpf", SYS_bpf, {0, file, 16}, TRAPS},
    {"perf_event_open", SYS_perf_event_open, {file, 0, -1, -1, 0}, TRAPS},
    {"userfaultfd", SYS_userfaultfd, {0}, TRAPS},
    {"keyctl", SYS_keyctl, {0}, TRAPS},
    {"add_key", SYS_add_key, {file, file, 0, 0, 0}, TRAPS},
    {"mount", SYS_mount, {file, file, file, 0, 0}, TRAPS},
    {"unshare", SYS_unshare, {0x10000000}, TRAPS},
    {"setns", SYS_setns, {3, 0}, TRAPS},
    {"chroot", SYS_chroot, {file}, TRAPS},
    {"pivot_root", SYS_pivot_root, {file, file}, TRAPS},
    {"memfd_create", SYS_memfd_create, {file, 0}, TRAPS},
    {"memfd_secret", 447, {0}, TRAPS},
    {"shmget", SYS_shmget, {0, 4096, 01600}, TRAPS},
    {"shmat", SYS_shmat, {0, 0, 0}, TRAPS},
    /* 18: more filters */
    {"seccomp", SYS_seccomp, {SECCOMP_SET_MODE_FILTER, 0, file}, TRAPS},
    {"seccomp strict", SYS_seccomp, {SECCOMP_SET_MODE_STRICT, 0, 0}, TRAPS},
    {"prctl seccomp", SYS_prctl, {PR_SET_SECCOMP, 2, file}, -EINVAL},
    /* 19 to 23: what the lock-down did stays done */
    {"raise a limit", SYS_prlimit64, {0, RLIMIT_NOFILE, file, 0}, -EPERM},
    {"setrlimit", SYS_setrlimit, {RLIMIT_NOFILE, file}, TRAPS},
    {"pdeathsig off", SYS_prctl, {PR_SET_PDEATHSIG, 0}, -EINVAL},
    {"dumpable on", SYS_prctl, {PR_SET_DUMPABLE, 1}, -EINVAL},
    {"mdwe off", SYS_prctl, {65 /* PR_SET_MDWE */, 0}, -EINVAL},
    {"another reporter", SYS_rt_sigaction, {SIGSYS, file, 0, 8}, -EPERM},
    {"rt_sigreturn", SYS_rt_sigreturn, {0}, TRAPS},
    {"sigaltstack", SYS_sigaltstack, {0, 0}, asan ? 0 : TRAPS},
    {"ioctl TIOCSTI", SYS_ioctl, {0, 0x5412, file}, -ENOTTY},
    {"ioctl TIOCSTI, upper bits", SYS_ioctl, {0, 0x100005412, file}, -ENOTTY},
    /* 4, 6: odd arguments and numbers */
    {"write to 2^32 + 3", SYS_write, {0x100000003, file, 1}, -EBADF},
    {"write to stdout", SYS_write, {1, file, 1}, -EBADF},
    {"mseal", 462, {0, 0, 0}, -ENOSYS},
    {"number 1234", 1234, {0}, TRAPS},
    /* 24: executable memory */
    {"mmap RWX", SYS_mmap, {0, 4096, 7, 0x22, -1}, TRAPS},
    {"mmap X only", SYS_mmap, {0, 4096, 4, 0x22, -1}, TRAPS},
    {"mmap X, upper half set", SYS_mmap, {0, 4096, 0x300000004, 0x22, -1}, TRAPS},
    {"mprotect RX", SYS_mprotect, {0, 4096, 5}, TRAPS},
    {"pkey_mprotect X", SYS_pkey_mprotect, {0, 4096, 4, -1}, TRAPS},
    /* 25: odd memory */
    {"mmap fixed over code", SYS_mmap, {0x400000, 4096, 3, asan ? 0x100022 : 0x32, -1}, -ENOMEM},
    {"mmap shared", SYS_mmap, {0, 4096, 3, 0x21, -1}, -ENOMEM},
    {"mmap of the pipe", SYS_mmap, {0, 4096, 1, 0x02, 3}, -ENOMEM},
    {"mmap hugetlb", SYS_mmap, {0, 2 << 20, 3, 0x40022, -1}, -ENOMEM},
    {"mmap growsdown", SYS_mmap, {0, 4096, 3, 0x122, -1}, -ENOMEM},
    {"mmap droppable", SYS_mmap, {0, 4096, 3, 0x28, -1}, -ENOMEM},
    {"mprotect without X", SYS_mprotect, {0, 4096, 3}, -ENOMEM},
    /* 26: mremap */
    {"mremap fixed", SYS_mremap, {0x400000, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, 0x500000}, -ENOMEM},
    {"mremap dontunmap", SYS_mremap, {0x400000, 4096, 4096, MREMAP_MAYMOVE | 4}, -ENOMEM},
    /* the six that a worker lives on */
    {"brk", SYS_brk, {0}, COMES_BACK},
    {"mmap", SYS_mmap, {0, 4096, 3, 0x22, -1}, COMES_BACK},
    {"munmap of nothing", SYS_munmap, {0x10000, 4096}, 0},
    {"write of nothing", SYS_write, {3, file, 0}, 0},
  };
  for (size_t i = 0; i < ARRAY_LEN(acts); i++) check_act(f, &acts[i]);
}

/* 53: what the libcs and libraries of other hosts ask where those of this one don't (ADR 12): the answer is
 * an errno after which they go on, and the file is accused of nothing. */
static void other_libcs_are_answered(void **state) {
  struct fixture *f = fresh(state);
  static char room[256];
  const long at = (long)(uintptr_t)room;
  const bool asan = policy_profile().keeps_stderr;
  const struct act acts[] = {
      {"stdio of glibc before 2.33 and from 2.39 on", SYS_fstat, {1, at}, -EBADF},
      {"stdio of glibc 2.33 to 2.38", SYS_newfstatat, {1, at, at, AT_EMPTY_PATH}, -EACCES},
      {"qsort of glibc before 2.37", SYS_sysinfo, {at}, -ENOSYS},
      {"malloc of glibc from 2.36 on", SYS_getrandom, {at, 8, 1 /* GRND_NONBLOCK */}, -ENOSYS},
      {"malloc of glibc from 2.38 on", SYS_prctl, {0x53564d41 /* PR_SET_VMA */, 0, at, 8, at}, -EINVAL},
      {"malloc with huge pages", SYS_madvise, {at, 4096, MADV_HUGEPAGE}, -EINVAL},
      {"a clock without a vDSO", SYS_clock_gettime, {CLOCK_MONOTONIC, at}, -EINVAL},
      {"a lock of OpenBLAS with threads", SYS_sched_yield, {0}, -ENOSYS},
      {"processors, by OpenBLAS with OpenMP", SYS_sched_getaffinity, {0, sizeof room, at}, -ENOSYS},
      {"who waits on pthread_once", SYS_futex, {at, 0x81 /* FUTEX_WAKE_PRIVATE */, INT32_MAX}, -EINVAL},
      {"a call of tomorrow", 500, {at}, -ENOSYS},
  };
  for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
    struct act act = acts[i];
    if (asan) act.want = COMES_BACK; /* the sanitizer's own runtime may have it */
    check_act(f, &act);
  }
}

/* The control of the list above: without the filter the same call comes back, so it is the filter that stops
 * it. */
static void unsealed_worker_is_not_stopped(void **state) {
  struct fixture *f = fresh(state);
  struct worker_limits limits = small_limits();
  limits.at_least = SANDBOX_NONE;
  struct attempt attempt = {{"getppid", SYS_getppid, {0}, COMES_BACK}, f->shared};
  struct worker_result r = try_worker(f->sandbox, &limits, attempt_call, &attempt, &f->arena);
  assert_end("unsealed", &r, WORKER_OK);
  assert_int_equal(atomic_load(&f->shared->answer), getpid());
  /* It is not bare: no new descriptor, whatever opens it. */
  attempt.act = (struct act){"dup", SYS_dup, {3}, 0};
  r = try_worker(f->sandbox, &limits, attempt_call, &attempt, &f->arena);
  assert_end("dup", &r, WORKER_OK);
  assert_int_equal(atomic_load(&f->shared->answer), -EMFILE);
}

/* ---- 5, 11, 33: acts that take more than a call ---- */

#if defined __x86_64__
static void by_int80(void *ctx) {
  (void)ctx;
  long answer;
  __asm__ volatile("int $0x80" : "=a"(answer) : "a"(20L /* getpid of i386 */) : "memory");
}
static void by_x32(void *ctx) {
  (void)ctx;
  raw_call3(0x40000000 + SYS_getpid, 0, 0, 0);
}
static void by_number_minus_two(void *ctx) {
  (void)ctx;
  raw_call3(-2, 0, 0, 0);
}
static void with_hostile_stack(void *ctx) {
  (void)ctx;
  __asm__ volatile("movq $8, %%rsp\n\tsyscall" : : "a"((long)SYS_getppid) : "memory", "rcx", "r11");
}
#endif
static void by_number_minus_one(void *ctx) {
  (void)ctx;
  raw_call3(-1, 0, 0, 0);
}
static void by_abort(void *ctx) {
  (void)ctx;
  abort();
}
static void by_bad_pointer(void *ctx) {
  (void)ctx;
  volatile uintptr_t where = 64; /* not NULL, which sanitizers would see before the kernel */
  *(volatile int *)where = 1;
}
static void *nothing(void *ctx) { return ctx; }
static void by_thread(void *ctx) {
  pthread_t t;
  struct shared *shared = ctx;
  atomic_store(&shared->answer, -pthread_create(&t, NULL, nothing, NULL));
}
static void by_exit_code(void *ctx) {
  (void)ctx;
  raw_exit(1);
}
/* 40 GiB of frames; what comes back is used, so that no compiler makes a loop of it. */
static int deeper(int levels) {
  volatile char frame[1024];
  frame[0] = 1;
  return levels > 0 ? deeper(levels - 1) + frame[0] : 0;
}
static void by_stack_overflow(void *ctx) {
  struct shared *shared = ctx;
  atomic_store(&shared->answer, deeper(40000000));
}

struct deed {
  const char *name;
  void (*run)(void *);
  enum worker_end end;
  int signal; /* 0: any */
  long nr;    /* VIOLATION: 0 when the kernel killed it without a word */
};
struct doing {
  const struct deed *deed;
  struct shared *shared;
};
static bool do_deed(void *ctx, struct wire_out *out) {
  const struct doing *d = ctx;
  (void)out;
  d->deed->run(d->shared);
  return true;
}

static void try_deeds(struct fixture *f, const struct deed *rows, size_t n) {
  struct worker_limits limits = small_limits();
  for (size_t i = 0; i < n; i++) {
    struct doing doing = {&rows[i], f->shared};
    struct worker_result r = try_worker(f->sandbox, &limits, do_deed, &doing, &f->arena);
    assert_end(rows[i].name, &r, rows[i].end);
    if (rows[i].signal) assert_int_equal(r.signal, rows[i].signal);
    assert_int_equal(r.syscall_nr, rows[i].nr);
  }
}

static void deeds(void **state) {
  struct fixture *f = fresh(state);
  static const struct deed rows[] = {
#if defined __x86_64__
    {"int 0x80", by_int80, WORKER_VIOLATION, SIGSYS, 0},
    {"x32", by_x32, WORKER_VIOLATION, SIGSYS, 0},
    {"number -2", by_number_minus_two, WORKER_VIOLATION, SIGSYS, 0},
    {"hostile stack", with_hostile_stack, WORKER_VIOLATION, 0, SYS_getppid},
#endif
    {"number -1", by_number_minus_one, WORKER_VIOLATION, 0, UINT32_MAX},
    {"exit 1", by_exit_code, WORKER_CRASH, 0, 0},
    {"pthread_create", by_thread, WORKER_OK, 0, 0},
  };
  try_deeds(f, rows, ARRAY_LEN(rows));
  assert_int_equal(atomic_load(&f->shared->answer), -EAGAIN); /* of pthread_create, the last row */
}

/* 29. A crash is a crash: neither clean nor an accusation. */
static void crashes(void **state) {
  struct fixture *f = fresh(state);
  static const struct deed rows[] = {
      {"bad pointer", by_bad_pointer, WORKER_CRASH, SIGSEGV, 0},
      {"stack recursion", by_stack_overflow, WORKER_CRASH, SIGSEGV, 0},
      {"abort", by_abort, WORKER_CRASH, 0, 0},
  };
  try_deeds(f, rows, ARRAY_LEN(rows));
}

/* ---- memory: 27, 28, 30 ---- */

static bool allocate_until_null(void *ctx, struct wire_out *out) {
  struct shared *shared = ctx;
  (void)out;
  for (void *volatile p; (p = malloc(1 << 20));) { /* volatile: the compiler must not drop the pair */
    memset(p, 1, 1 << 20);
    atomic_fetch_add(&shared->bytes, 1 << 20);
  }
  worker_out_of_memory();
}

static bool map_readable_until_refused(void *ctx, struct wire_out *out) {
  struct shared *shared = ctx;
  (void)out;
  for (size_t n = (size_t)1 << 40; n >= 1 << 20; n /= 2) {
    volatile const char *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) continue;
    atomic_fetch_add(&shared->bytes, (long)n);
    for (size_t i = 0; i < n; i += 2 << 20) (void)p[i]; /* a page table each */
  }
  return true;
}

static bool split_mappings(void *ctx, struct wire_out *out) {
  struct shared *shared = ctx;
  (void)out;
  enum { PAGES = 200000 };
  char *p =
      mmap(NULL, PAGES * 4096UL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return false;
  for (size_t i = 1; i < PAGES; i += 2) /* a hole behind each page that stays */
    if (munmap(p + i * 4096, 4096)) {
      atomic_store(&shared->answer, -errno);
      return true;
    }
  return false;
}

static void memory_is_fenced(void **state) {
  const struct {
    const char *name;
    bool (*run)(void *, struct wire_out *);
    uint64_t budget;
    enum worker_end end;
    long at_least, answer;
  } rows[] = {
      {"malloc to the limit", allocate_until_null, 64 << 20, WORKER_MEMORY, 32 << 20, 0},
      {"page-table bomb", map_readable_until_refused, 64 << 20, WORKER_OK, 32 << 20, 0},
      {"mappings in pieces", split_mappings, (uint64_t)2 << 30, WORKER_OK, 0, -ENOMEM},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct fixture *f = fresh(state);
    struct worker_limits limits = small_limits();
    limits.memory_bytes = rows[i].budget;
    struct worker_result r = try_worker(f->sandbox, &limits, rows[i].run, f->shared, &f->arena);
    assert_end(rows[i].name, &r, rows[i].end);
    assert_in_range(atomic_load(&f->shared->bytes), (uint64_t)rows[i].at_least, rows[i].budget);
    assert_int_equal(atomic_load(&f->shared->answer), rows[i].answer);
  }
}

/* ---- 31: a thread made before the seal ---- */

struct thread_try {
  struct shared *shared;
  const struct policy *policy;
  unsigned flags;
};

static void *open_when_told(void *ctx) {
  struct shared *shared = ctx;
  atomic_store(&shared->ready, true);
  wait_for(&shared->go);
  atomic_store(&shared->answer, raw_call3(SYS_getppid, 0, 0, 0));
  raw_exit(0);
}

enum { TRAPPED = 3 };
static struct shared *told; /* of the process that is sealed */

static void tell_call(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  atomic_store(&told->bytes, info->si_syscall);
  raw_exit(TRAPPED);
}

static int seal_with_a_thread(void *ctx) {
  const struct thread_try *t = ctx;
  struct sigaction action = {.sa_sigaction = tell_call, .sa_flags = SA_SIGINFO};
  pthread_t thread;
  told = t->shared;
  if (sigaction(SIGSYS, &action, NULL)) return 1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || pthread_create(&thread, NULL, open_when_told, t->shared))
    return 1;
  wait_for(&t->shared->ready);
  if (!policy_install(t->policy, t->flags)) return 2;
  atomic_store(&t->shared->go, true);
  for (;;) {
  }
}

static void older_thread_is_sealed_too(void **state) {
  struct policy policy;
  assert_true(policy_build(&policy, THIS_MACHINE));
  struct fixture *f = fresh(state);
  struct thread_try t = {f->shared, &policy, SECCOMP_FILTER_FLAG_TSYNC};
  assert_exit("with TSYNC", try_child(seal_with_a_thread, &t), TRAPPED);
  assert_int_equal(atomic_load(&f->shared->bytes), SYS_getppid);
  assert_int_equal(atomic_load(&f->shared->answer), 0);

  /* The control: without TSYNC the thread goes free, and this test would see it. */
  f = fresh(state);
  t.flags = 0;
  assert_exit("without TSYNC", try_child(seal_with_a_thread, &t), 0);
  assert_true(atomic_load(&f->shared->answer) > 0);
  policy_free(&policy);
}

static void *idle(void *ctx) {
  for (;;) pause();
  return ctx;
}
static bool start_a_thread(void *ctx) {
  pthread_t t;
  return pthread_create(&t, NULL, idle, ctx) == 0;
}
static bool say_nothing(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  return true;
}

static void prepare_may_not_start_threads(void **state) {
  struct fixture *f = fresh(state);
  struct worker_limits limits = small_limits();
  const struct worker_task task = {.prepare = start_a_thread, .run = say_nothing};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  assert_true(worker_start(&w, f->sandbox, &limits, &task));
  workers_wait(list, 1);
  worker_finish(&w, &f->arena, 0, &r);
  assert_end("thread in prepare", &r, WORKER_SETUP);
  assert_string_equal(r.setup_step, "one thread");
}

/* ---- 32: descriptors ---- */

static bool count_descriptors(void *ctx, struct wire_out *out) {
  struct shared *shared = ctx;
  (void)out;
  for (int fd = 0; fd < 1024; fd++)
    if (fcntl(fd, F_GETFD) >= 0) {
      atomic_fetch_add(&shared->bytes, 1);
      atomic_store(&shared->answer, fd);
    }
  return true;
}

static void only_the_pipe_is_open(void **state) {
  struct fixture *f = fresh(state);
  int secret = open("/etc/passwd", O_RDONLY), high = fcntl(secret, F_DUPFD, 700);
  assert_true(secret >= 0 && high >= 700);
  struct worker_limits limits = small_limits();
  limits.at_least = SANDBOX_NONE; /* the sealed worker can't ask; the descriptors are the same */
  struct worker_result r = try_worker(f->sandbox, &limits, count_descriptors, f->shared, &f->arena);
  assert_end("descriptors", &r, WORKER_OK);
  assert_int_equal(atomic_load(&f->shared->bytes), policy_profile().keeps_stderr ? 2 : 1);
  assert_int_equal(atomic_load(&f->shared->answer), REPORT_FD);
  close(secret);
  close(high);
}

/* ---- 34: other processes of the same user ---- */

static bool spin_until_told(void *ctx, struct wire_out *out) {
  struct shared *shared = ctx;
  (void)out;
  atomic_store(&shared->ready, true);
  wait_for(&shared->go);
  return true;
}

static bool can_open(pid_t pid, const char *what) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
  int fd = open(path, O_RDONLY);
  if (fd >= 0) close(fd);
  return fd >= 0;
}
static bool can_trace(pid_t pid) { return ptrace(PTRACE_SEIZE, pid, 0, 0) == 0; }

static int look_into(pid_t pid) {
  return can_trace(pid) | can_open(pid, "mem") << 1 | can_open(pid, "environ") << 2;
}

/* As an ordinary user: root's capabilities look into everything. The control is a plain child, which must be
 * open. */
static int pry_as_nobody(void *ctx) {
  struct shared *shared = ctx;
  if (getuid() == 0 && (setgid(65534) || setuid(65534))) return 100;
  prctl(PR_SET_DUMPABLE, 1); /* which setuid took away */
  pid_t plain = fork();
  if (plain == 0) idle(NULL);
  int open_to_us = look_into(plain);
  kill(plain, SIGKILL);

  struct sandbox *s = sandbox_probe();
  struct worker_limits limits = small_limits();
  const struct worker_task task = {.run = spin_until_told, .ctx = shared};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  struct arena a;
  if (!s || !worker_start(&w, s, &limits, &task)) return 101;
  wait_for(&shared->ready);
  int closed_to_us = look_into(w.pid);
  atomic_store(&shared->go, true);
  workers_wait(list, 1);
  arena_init(&a, 1 << 20);
  worker_finish(&w, &a, 0, &r);
  arena_free(&a);
  sandbox_free(s);
  return r.end != WORKER_OK ? 102 : !(open_to_us & 6) ? 103 : closed_to_us;
}

static void nobody_looks_into_a_worker(void **state) {
  assert_exit("pry", try_child(pry_as_nobody, fresh(state)->shared), 0);
}

/* ---- 35: the broker dies ---- */

struct orphan {
  const struct sandbox *sandbox;
  struct shared *shared;
};
static int be_killed_broker(void *ctx) {
  const struct orphan *o = ctx;
  struct worker_limits limits = small_limits();
  const struct worker_task task = {.run = spin_until_told, .ctx = o->shared};
  struct worker w;
  if (!worker_start(&w, o->sandbox, &limits, &task)) return 1;
  wait_for(&o->shared->ready);
  atomic_store(&o->shared->pid, w.pid);
  return raise(SIGKILL);
}

static void worker_dies_with_its_broker(void **state) {
  struct fixture *f = fresh(state);
  struct orphan o = {f->sandbox, f->shared};
  prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that the orphan is ours to wait for */
  int status = try_child(be_killed_broker, &o);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  assert_int_equal(waitpid(atomic_load(&f->shared->pid), &status, 0), atomic_load(&f->shared->pid));
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* ---- 36: time ---- */

static bool spin(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  volatile bool on = true;
  while (on) {
  }
  return on;
}

static void time_is_fenced(void **state) {
  const struct {
    const char *name;
    uint64_t cpu, wall;
    enum worker_end end;
  } rows[] = {
      {"cpu", 1, 20000, WORKER_CPU},
      {"cpu of 0 is 1", 0, 20000, WORKER_CPU},
      /* It runs, so it may until its processor time is spent, or PATIENCE times the clock. */
      {"cpu before the clock", 1, 900, WORKER_CPU},
      {"wall", 30, 100, WORKER_TIMEOUT},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct fixture *f = fresh(state);
    struct worker_limits limits = small_limits();
    limits.cpu_seconds = rows[i].cpu;
    limits.wall_ms = rows[i].wall;
    struct worker_result r = try_worker(f->sandbox, &limits, spin, NULL, &f->arena);
    assert_end(rows[i].name, &r, rows[i].end);
  }
}

/* ---- 37: stopped in the middle of a write ---- */

enum { TEXT_BYTES = 60000, NUM_TEXTS = 18 }; /* more than 1 MiB */

static bool write_much(void *ctx, struct wire_out *out) {
  const uint8_t *text = ctx;
  for (int i = 0; i < NUM_TEXTS; i++) wire_text(out, TEXT_NO_MODEL, span_of(text, TEXT_BYTES));
  return true;
}

static void stop_and_continue_lose_nothing(void **state) {
  struct fixture *f = fresh(state);
  uint8_t *text = malloc(TEXT_BYTES);
  assert_non_null(text);
  for (size_t i = 0; i < TEXT_BYTES; i++) text[i] = (uint8_t)(i % 251);
  struct worker_limits limits = small_limits();
  limits.report_bytes = 2 << 20;
  const struct worker_task task = {.run = write_much, .ctx = text};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  assert_true(worker_start(&w, f->sandbox, &limits, &task));
  for (int i = 0; i < 3; i++) {
    pause_ms(20); /* the pipe is full by now, and nobody reads */
    kill(w.pid, SIGSTOP);
    pause_ms(5);
    kill(w.pid, SIGCONT);
  }
  workers_wait(list, 1);
  worker_finish(&w, &f->arena, 0, &r);
  assert_end("stopped", &r, WORKER_OK);
  assert_int_equal(r.in.texts.n, NUM_TEXTS);
  for (uint32_t i = 0; i < r.in.texts.n; i++)
    assert_true(span_eq(r.in.texts.p[i].text, span_of(text, TEXT_BYTES)));
  free(text);
}

/* ---- 40: the input shrinks ---- */

struct mapped {
  struct shared *shared;
  const volatile uint8_t *bytes;
  size_t n;
};
static bool read_when_told(void *ctx, struct wire_out *out) {
  const struct mapped *m = ctx;
  (void)out;
  atomic_store(&m->shared->ready, true);
  wait_for(&m->shared->go);
  for (size_t i = 0; i < m->n; i += 4096) (void)m->bytes[i];
  return true;
}

static void check_input(struct fixture *f, const char *name, void (*change)(int fd, const char *path),
                        enum worker_end end) {
  enum { BYTES = 16 * 4096 };
  char path[] = "/tmp/ckptlint-test-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(ftruncate(fd, BYTES), 0);
  void *p = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
  assert_true(p != MAP_FAILED);
  struct mapped m = {f->shared, p, BYTES};
  struct worker_limits limits = small_limits();
  const struct worker_task task = {.run = read_when_told, .ctx = &m};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  assert_true(worker_start(&w, f->sandbox, &limits, &task));
  wait_for(&f->shared->ready);
  change(fd, path);
  atomic_store(&f->shared->go, true);
  workers_wait(list, 1);
  worker_finish(&w, &f->arena, BYTES, &r);
  assert_end(name, &r, end);
  munmap(p, BYTES);
  close(fd);
  unlink(path);
}

static void truncate_half(int fd, const char *path) {
  (void)path;
  assert_int_equal(ftruncate(fd, 8 * 4096), 0);
}
static void open_anew(int fd, const char *path) {
  (void)fd;
  close(open(path, O_WRONLY | O_TRUNC));
}
static void unlink_it(int fd, const char *path) {
  (void)fd;
  unlink(path);
}
static void leave_it(int fd, const char *path) {
  (void)fd;
  (void)path;
}

static void shrinking_input_is_told(void **state) {
  check_input(fresh(state), "truncated", truncate_half, WORKER_FILE_CHANGED);
  check_input(fresh(state), "O_TRUNC", open_anew, WORKER_FILE_CHANGED);
  check_input(fresh(state), "unlinked", unlink_it, WORKER_OK);
  check_input(fresh(state), "untouched", leave_it, WORKER_OK);
}

/* ---- 44: started without standard descriptors ---- */

static int work_without_stdio(void *ctx) {
  (void)ctx;
  for (int fd = 0; fd <= STDERR_FILENO; fd++) close(fd);
  struct sandbox *s = sandbox_probe();
  int input = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  if (!s || input <= STDERR_FILENO) return 1;
  struct worker_limits limits = small_limits();
  const struct worker_task task = {.run = say_nothing};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  struct arena a;
  if (!worker_start(&w, s, &limits, &task)) return 2;
  workers_wait(list, 1);
  arena_init(&a, 1 << 20);
  worker_finish(&w, &a, 0, &r);
  return r.end == WORKER_OK ? 0 : 3;
}

static void closed_standard_descriptors(void **state) {
  assert_exit("no stdio", try_child(work_without_stdio, fresh(state)->shared), 0);
}

/* ---- 39: the environment ---- */

/* Never whole in the program itself: it is put together where it is used. */
static void put_marker(char marker[17]) {
  for (size_t i = 0; i < 16; i++) marker[i] = (char)('A' + (i * 7 + 3) % 26);
  marker[16] = 0;
}

/* Looks through every writable page of this process but the one that holds the marker itself. */
static bool marker_in_memory(const char marker[17]) {
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[512];
  bool found = false;
  while (maps && !found && fgets(line, sizeof line, maps)) {
    char *end;
    uintptr_t from = strtoull(line, &end, 16), to = strtoull(end + 1, &end, 16);
    if (end[1] != 'r' || end[2] != 'w') continue;
    for (const char *p = (const char *)from; !found && p < (const char *)to;) {
      const char *hit = memmem(p, to - (uintptr_t)p, marker, 16);
      if (!hit) break;
      found = hit != marker;
      p = hit + 1;
    }
  }
  if (maps) fclose(maps);
  return found;
}

static int look_for_marker(void *ctx) {
  const bool *scrub = ctx;
  char *argv[] = {strdup("ckptlint"), strdup("--option"), NULL},
       *envp[] = {malloc(64), strdup("LANG=C"), NULL};
  char marker[17];
  put_marker(marker);
  snprintf(envp[0], 64, "CI_JOB_TOKEN=%s", marker);
  if (*scrub && !sandbox_scrub_environment(argv, envp)) return 100;
  if (*scrub && (strcmp(argv[1], "--option") || getenv("CI_JOB_TOKEN") || !getenv("LANG"))) return 101;
  return marker_in_memory(marker);
}

static void environment_is_scrubbed(void **state) {
  (void)fresh(state);
  if (policy_profile().keeps_stderr) {
    print_message("SKIPPED environment: a sanitizer's shadow memory is too large to look through\n");
    return;
  }
  bool scrub = false;
  assert_exit("control", try_child(look_for_marker, &scrub), 1);
  scrub = true;
  assert_exit("scrubbed", try_child(look_for_marker, &scrub), 0);
}

/* ---- 46: hosts that can do less ---- */

struct host {
  const char *name;
  long nr; /* the call that the outer filter answers */
  uint32_t answer;
  enum sandbox_level level;
  int layer_error; /* of the layer that goes with the call */
  const char *layer;
  struct shared *shared;
};

/* An outer filter as a container runtime would put it: one call answered, all others allowed. */
static bool put_outer_filter(const struct host *h) {
  struct sock_filter code[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)h->nr},
      {BPF_RET | BPF_K, 0, 0, h->answer},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  struct sock_fprog program = {ARRAY_LEN(code), code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

/* 0: it ran and ended well; errno of worker_start; or an end. */
static int end_on_host(const struct sandbox *s, enum sandbox_level at_least,
                       bool (*run)(void *, struct wire_out *), void *ctx) {
  struct worker_limits limits = small_limits();
  limits.at_least = at_least;
  const struct worker_task task = {.run = run, .ctx = ctx};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  struct arena a;
  if (!worker_start(&w, s, &limits, &task)) return errno;
  workers_wait(list, 1);
  arena_init(&a, 1 << 20);
  worker_finish(&w, &a, 0, &r);
  return r.end == WORKER_OK ? 0 : 1000 + (int)r.end;
}

static int probe_on_host(void *ctx) {
  const struct host *h = ctx;
  if (!put_outer_filter(h)) return 1;
  struct sandbox *s = sandbox_probe();
  if (!s) return 2;
  if (sandbox_level(s) != h->level) return 10 + (int)sandbox_level(s);
  const struct sandbox_layer *layers;
  size_t n = sandbox_layers(s, &layers);
  for (size_t i = 0; i < n; i++) {
    bool hit = strcmp(layers[i].name, h->layer) == 0;
    if (layers[i].on == hit || layers[i].error != (hit ? h->layer_error : 0)) return 20 + (int)i;
  }
  /* Never a silent downgrade. */
  if (h->level < SANDBOX_STANDARD && end_on_host(s, SANDBOX_STANDARD, say_nothing, NULL) != EPERM) return 3;
  if (end_on_host(s, h->level < SANDBOX_STANDARD ? h->level : SANDBOX_STANDARD, say_nothing, NULL)) return 4;
  /* Descriptors are closed by whatever means there are. */
  if (fcntl(STDOUT_FILENO, F_DUPFD, 700) < 0 || end_on_host(s, SANDBOX_NONE, count_descriptors, h->shared))
    return 5;
  return atomic_load(&h->shared->bytes) == (policy_profile().keeps_stderr ? 2 : 1) ? 0 : 6;
}

static void weaker_hosts_degrade_as_told(void **state) {
  struct fixture *f = fresh(state);
  if (sandbox_level(f->sandbox) < SANDBOX_FULL) {
    print_message("SKIPPED hosts: this one is weaker itself\n");
    return;
  }
  const uint32_t eperm = SECCOMP_RET_ERRNO | EPERM, enosys = SECCOMP_RET_ERRNO | ENOSYS;
  struct host hosts[] = {
      {"no landlock", SYS_landlock_create_ruleset, enosys, SANDBOX_STANDARD, ENOSYS, "landlock", f->shared},
      {"landlock kills", SYS_landlock_create_ruleset, SECCOMP_RET_KILL_PROCESS, SANDBOX_STANDARD, -SIGSYS,
       "landlock", f->shared},
      {"landlock traps", SYS_landlock_create_ruleset, SECCOMP_RET_TRAP, SANDBOX_STANDARD, -SIGSYS, "landlock",
       f->shared},
      {"no pidfd", SYS_pidfd_open, enosys, SANDBOX_FULL, ENOSYS, "pidfd", f->shared},
      {"no close_range", SYS_close_range, eperm, SANDBOX_FULL, EPERM, "close_range", f->shared},
      {"close_range kills", SYS_close_range, SECCOMP_RET_KILL_PROCESS, SANDBOX_FULL, -SIGSYS, "close_range",
       f->shared},
      {"no seccomp", SYS_seccomp, eperm, SANDBOX_REDUCED, EPERM, "seccomp", f->shared},
      {"seccomp kills", SYS_seccomp, SECCOMP_RET_KILL_PROCESS, SANDBOX_REDUCED, -SIGSYS, "seccomp",
       f->shared},
  };
  for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
    (void)fresh(state);
    assert_exit(hosts[i].name, try_child(probe_on_host, &hosts[i]), 0);
  }
}

/* ---- OpenBLAS under the filter ---- */

typedef void sgemm_fn(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                      const float *b, int ldb, float beta, float *c, int ldc);
struct blas {
  sgemm_fn *sgemm;
  struct shared *shared;
};

static bool load_blas(void *ctx) {
  static const char *const paths[] = {"/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0",
                                      "libopenblas.so.0"};
  struct blas *b = ctx;
  setenv("OPENBLAS_NUM_THREADS", "1", 1); /* before the library is loaded: it starts its threads then */
  void *library = NULL;
  for (size_t i = 0; i < ARRAY_LEN(paths) && !library; i++) library = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
  void *symbol = library ? dlsym(library, "cblas_sgemm") : NULL;
  memcpy(&b->sgemm, &symbol, sizeof symbol);
  atomic_store(&b->shared->ready, symbol);
  return symbol;
}

/* A times the identity is A, for a size that takes the library's own buffer and blocking. */
static bool multiply(void *ctx, struct wire_out *out) {
  enum { N = 200, ROW_MAJOR = 101, PLAIN = 111 };
  const struct blas *b = ctx;
  (void)out;
  float *a = calloc(3 * N * N, sizeof *a);
  if (!a) return false;
  float *one = a + N * N, *c = one + N * N;
  for (int i = 0; i < N * N; i++) a[i] = (float)(i % 97);
  for (int i = 0; i < N; i++) one[i * (N + 1)] = 1;
  b->sgemm(ROW_MAJOR, PLAIN, PLAIN, N, N, N, 1, a, N, one, N, 0, c, N);
  return memcmp(a, c, N * N * sizeof *a) == 0;
}

static void blas_works_sealed(void **state) {
  struct fixture *f = fresh(state);
  struct blas b = {NULL, f->shared};
  struct worker_limits limits = small_limits();
  limits.memory_bytes = 512 << 20;
  const struct worker_task task = {.prepare = load_blas, .run = multiply, .ctx = &b};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  assert_true(worker_start(&w, f->sandbox, &limits, &task));
  workers_wait(list, 1);
  worker_finish(&w, &f->arena, 0, &r);
  if (!atomic_load(&f->shared->ready)) {
    assert_end("no BLAS", &r, WORKER_SETUP);
    assert_string_equal(r.setup_step, "libraries");
    print_message("SKIPPED blas: libopenblas.so.0 is not installed\n");
    return;
  }
  assert_end("sgemm", &r, WORKER_OK);
}

static int set_up(void **state) {
  static struct fixture f;
  f.sandbox = sandbox_probe();
  f.shared = region_map_shared(sizeof *f.shared);
  arena_init(&f.arena, 1 << 20);
  *state = &f;
  if (!f.sandbox || !f.shared) return -1;
  print_message("sandbox level: %s\n", sandbox_level_name(sandbox_level(f.sandbox)));
  return sandbox_level(f.sandbox) >= SANDBOX_STANDARD ? 0 : -1;
}
static int tear_down(void **state) {
  struct fixture *f = *state;
  region_unmap(f->shared, sizeof *f->shared);
  sandbox_free(f->sandbox);
  arena_free(&f->arena);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(single_calls),
      cmocka_unit_test(other_libcs_are_answered),
      cmocka_unit_test(unsealed_worker_is_not_stopped),
      cmocka_unit_test(deeds),
      cmocka_unit_test(crashes),
      cmocka_unit_test(memory_is_fenced),
      cmocka_unit_test(older_thread_is_sealed_too),
      cmocka_unit_test(prepare_may_not_start_threads),
      cmocka_unit_test(only_the_pipe_is_open),
      cmocka_unit_test(nobody_looks_into_a_worker),
      cmocka_unit_test(worker_dies_with_its_broker),
      cmocka_unit_test(time_is_fenced),
      cmocka_unit_test(stop_and_continue_lose_nothing),
      cmocka_unit_test(shrinking_input_is_told),
      cmocka_unit_test(closed_standard_descriptors),
      cmocka_unit_test(environment_is_scrubbed),
      cmocka_unit_test(weaker_hosts_degrade_as_told),
      cmocka_unit_test(blas_works_sealed),
  };
  return cmocka_run_group_tests_name("escape", tests, set_up, tear_down);
}
