/* The filters against the table they were written from: by the kernel, call number by call number, and by a
 * user-space simulator over a million tuples, beside a twin in plain C that knows the table and nothing of
 * BPF. */
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sandbox/raw.h"
#include "tensor/stats.h"
#include "tests/sandbox/bpf_sim.h"
#include "tests/sandbox/try.h"

#if defined __x86_64__
#define NATIVE_ARCH AUDIT_ARCH_X86_64
static const uint32_t foreign_bit = 0x40000000; /* x32 */
#elif defined __aarch64__
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
static const uint32_t foreign_bit = UINT32_MAX;
#endif

static const uint32_t KILL = SECCOMP_RET_KILL_PROCESS, TRAPPED = SECCOMP_RET_TRAP, PASSED = SECCOMP_RET_ALLOW;
static uint32_t refused(int error) { return SECCOMP_RET_ERRNO | (uint32_t)error; }

/* ---- the twin ---- */

static bool plain_mmap(const uint64_t *a, bool fixed_too) {
  uint64_t flags = a[3] & ~(uint64_t)(fixed_too ? MAP_FIXED : 0);
  bool fixed_stack = fixed_too && a[3] & MAP_FIXED && a[3] & MAP_STACK;
  return (a[2] | PROT_READ | PROT_WRITE) == (PROT_READ | PROT_WRITE) &&
         (uint32_t)(a[4] & UINT32_MAX) == UINT32_MAX && !fixed_stack &&
         (flags == (MAP_PRIVATE | MAP_ANONYMOUS) || flags == (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE) ||
          flags == (MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK));
}

static uint32_t row_says(const struct policy_row *row, const uint64_t *a) {
  uint32_t otherwise = row->otherwise == TRAP ? TRAPPED : refused(row->otherwise);
  switch (row->rule) {
  case ANY: return PASSED;
  case NEVER: return otherwise;
  case TO_REPORT: return a[0] == 3 ? PASSED : otherwise;
  case TO_STDERR: return a[0] == 3 || a[0] == 2 ? PASSED : otherwise;
  case PLAIN_MMAP:
  case ASAN_MMAP:
    return a[2] & PROT_EXEC ? TRAPPED : plain_mmap(a, row->rule == ASAN_MMAP) ? PASSED : otherwise;
  case ASAN_ADVICE: return a[2] == MADV_NOHUGEPAGE || a[2] == MADV_DONTDUMP ? PASSED : otherwise;
  case MAY_MOVE: return a[3] == MREMAP_MAYMOVE ? PASSED : otherwise;
  case NOT_EXEC: return a[2] & PROT_EXEC ? TRAPPED : otherwise;
  case INSTALLING: return TRAPPED;
  }
  return KILL;
}

static uint32_t twin(const struct seccomp_data *d) {
  uint64_t args[6];
  memcpy(args, d->args, sizeof args);
  uint32_t nr;
  memcpy(&nr, &d->nr, sizeof nr);
  if (d->arch != NATIVE_ARCH) return KILL;
  if (nr >= foreign_bit && nr != UINT32_MAX) return KILL; /* libseccomp lets -1 through to the default */
  const struct policy_row *row = nr <= INT32_MAX ? policy_row_of((int)nr) : NULL;
  return row ? row_says(row, args) : TRAPPED;
}

static void show(const char *what, const struct seccomp_data *d, uint32_t got, uint32_t want) {
  print_error("%s: call %d arch %#x (%#llx %#llx %#llx %#llx %#llx): %#x, expected %#x\n", what, d->nr,
              d->arch, (unsigned long long)d->args[0], (unsigned long long)d->args[1],
              (unsigned long long)d->args[2], (unsigned long long)d->args[3], (unsigned long long)d->args[4],
              got, want);
}

static void assert_twin(const struct policy *p, const struct seccomp_data *d) {
  uint32_t got = bpf_decide(p, d), want = twin(d);
  if (got != want) show("twin", d, got, want);
  assert_int_equal(got, want);
}

/* ---- item 7: a million tuples ---- */

/* xorshift64; bits that a left shift would lose are masked off first, so that no sanitizer sees a wrap. */
static uint64_t next_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= (x & UINT64_MAX >> 13) << 13;
  x ^= x >> 7;
  x ^= (x & UINT64_MAX >> 17) << 17;
  return *state = x;
}

/* Values at the edges of some rule, and any. */
static uint64_t next_argument(uint64_t *state) {
  static const uint64_t edges[] = {0,
                                   1,
                                   2,
                                   3,
                                   4,
                                   5,
                                   6,
                                   7,
                                   8,
                                   15,
                                   16,
                                   0x21,
                                   0x22,
                                   0x32,
                                   0x62,
                                   0x4022,
                                   0x4032,
                                   0x20022,
                                   0x20032,
                                   0x8022,
                                   0x40022,
                                   0x100022,
                                   UINT32_MAX,
                                   UINT64_MAX,
                                   0x100000003,
                                   0x300000004,
                                   0x100000001,
                                   0x8000000000000003,
                                   0xdeadbeefffffffff,
                                   0x7fffffff};
  uint64_t r = next_random(state);
  return r % 8 ? edges[(r >> 8) % ARRAY_LEN(edges)] : next_random(state);
}

static int next_call(uint64_t *state) {
  static const int constrained[] = {SYS_write,    SYS_mmap,   SYS_mmap,   SYS_mmap,
                                    SYS_mprotect, SYS_mremap, SYS_madvise};
  uint64_t r = next_random(state);
  if (r % 4 < 2) return constrained[(r >> 8) % ARRAY_LEN(constrained)];
  if (r % 4 == 2) return (int)((r >> 8) % 620) - 10;
  uint32_t any = (uint32_t)(r >> 16 & UINT32_MAX);
  int nr;
  memcpy(&nr, &any, sizeof nr);
  return nr;
}

static void filters_agree_with_twin(void **state) {
  struct policy *p = *state;
  uint64_t seed = 0x9e3779b97f4a7c15;
  static const uint32_t archs[] = {AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM, 0,
                                   UINT32_MAX};
  for (int i = 0; i < 1000000; i++) {
    struct seccomp_data d = {.nr = next_call(&seed), .arch = i % 16 ? NATIVE_ARCH : archs[i / 16 % 6]};
    for (size_t k = 0; k < 6; k++) d.args[k] = next_argument(&seed);
    assert_twin(p, &d);
  }
}

/* Pinned for the libseccomp it was written with; elsewhere the tuples above speak. A change of the table
 * changes it: then look at the difference, and pin again. */
static void digest_is_pinned(void **state) {
  (void)state;
  static const char want[] = "49e1dfdcce7e9871593faa5404a7734769d9ee0976e2557906839441f6935190";
  const struct scmp_version *v = seccomp_version();
  struct sandbox *s = sandbox_probe();
  assert_non_null(s);
  const char *got = sandbox_policy_digest(s);
  bool comparable = v->major == 2 && v->minor == 5 && v->micro == 4 && NATIVE_ARCH == AUDIT_ARCH_X86_64 &&
                    !policy_profile().keeps_stderr;
  if (comparable && got[0])
    assert_string_equal(got, want);
  else
    print_message("SKIPPED digest: %s\n",
                  comparable ? "libcrypto is missing" : "other libseccomp, machine or profile");
  sandbox_free(s);
}

/* ---- item 5 in the simulator: other ABIs ---- */

static void foreign_abis_are_killed(void **state) {
  struct policy *p = *state;
  static const uint32_t archs[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64, AUDIT_ARCH_X86_64,
                                   AUDIT_ARCH_RISCV64};
  for (size_t i = 0; i < ARRAY_LEN(archs); i++) {
    if (archs[i] == NATIVE_ARCH) continue;
    struct seccomp_data d = {.nr = SYS_exit_group, .arch = archs[i]};
    assert_int_equal(bpf_decide(p, &d), KILL);
  }
#if defined __x86_64__
  struct seccomp_data x32 = {.nr = 0x40000000 + SYS_write, .arch = NATIVE_ARCH, .args = {3}};
  assert_int_equal(bpf_decide(p, &x32), KILL);
#endif
}

/* ---- item 3: an allowed call, and every bit of every argument turned ---- */

struct allowed {
  const char *name;
  int nr;
  uint64_t args[6];
  uint64_t checked[6]; /* bits that must matter */
};
static const struct allowed allowed_calls[] = {
    {"write", SYS_write, {3}, {UINT64_MAX}},
    {"exit_group", SYS_exit_group, {0}, {0}},
    {"brk", SYS_brk, {0}, {0}},
    {"munmap", SYS_munmap, {0x1000, 0x1000}, {0}},
    {"mmap", SYS_mmap, {0, 4096, 3, 0x22, UINT64_MAX}, {0, 0, ~UINT64_C(3), ~UINT64_C(0x24000), UINT32_MAX}},
    {"mmap noreserve",
     SYS_mmap,
     {0, 4096, 1, 0x4022, UINT64_MAX},
     {0, 0, ~UINT64_C(3), ~UINT64_C(0x4000), UINT32_MAX}},
    {"mmap stack",
     SYS_mmap,
     {0, 4096, 0, 0x20022, UINT64_MAX},
     {0, 0, ~UINT64_C(3), ~UINT64_C(0x20000), UINT32_MAX}},
    {"mmap, fd as int",
     SYS_mmap,
     {0, 4096, 3, 0x22, UINT32_MAX},
     {0, 0, ~UINT64_C(3), ~UINT64_C(0x24000), UINT32_MAX}},
    {"mremap", SYS_mremap, {0x1000, 4096, 8192, 1}, {0, 0, 0, UINT64_MAX}},
};

/* The bits that the sanitized profile leaves free: write to 2, mmap at a fixed address. */
static uint64_t freed_by_asan(const struct allowed *c, size_t k) {
  if (!policy_profile().keeps_stderr) return 0;
  bool stack = c->args[3] & MAP_STACK;
  return c->nr == SYS_write ? 1 : c->nr == SYS_mmap && k == 3 && !stack ? MAP_FIXED : 0;
}

static void every_checked_bit_matters(void **state) {
  struct policy *p = *state;
  for (size_t i = 0; i < ARRAY_LEN(allowed_calls); i++) {
    const struct allowed *c = &allowed_calls[i];
    struct seccomp_data d = {.nr = c->nr, .arch = NATIVE_ARCH};
    memcpy(d.args, c->args, sizeof d.args);
    assert_int_equal(bpf_decide(p, &d), PASSED);
    for (size_t bit = 0; bit < 6 * 64; bit++) {
      size_t k = bit / 64;
      uint64_t mask = UINT64_C(1) << bit % 64;
      bool matters = c->checked[k] & ~freed_by_asan(c, k) & mask;
      d.args[k] = c->args[k] ^ mask;
      bool passed = bpf_decide(p, &d) == PASSED;
      if (passed == matters) show(c->name, &d, bpf_decide(p, &d), twin(&d));
      assert_int_equal(passed, !matters);
      assert_twin(p, &d);
      d.args[k] = c->args[k];
    }
  }
}

/* Item 4 and the kind of answers that matter: what traps, what is refused and how. */
static void answers_are_these(void **state) {
  struct policy *p = *state;
  const struct {
    const char *name;
    int nr;
    uint64_t args[6];
    uint32_t want;
  } rows[] = {
      {"write, upper half", SYS_write, {0x100000003}, refused(EBADF)},
      {"mmap, exec behind an upper half", SYS_mmap, {0, 4096, 0x300000004, 0x22, UINT64_MAX}, TRAPPED},
      {"mmap, upper half alone", SYS_mmap, {0, 4096, 0x100000001, 0x22, UINT64_MAX}, refused(ENOMEM)},
      {"mmap of a descriptor", SYS_mmap, {0, 4096, 1, 0x22, 4}, refused(ENOMEM)},
      {"mmap shared", SYS_mmap, {0, 4096, 3, 0x21, UINT64_MAX}, refused(ENOMEM)},
      {"mprotect to read", SYS_mprotect, {0, 4096, 1}, refused(ENOMEM)},
      {"mprotect to exec", SYS_mprotect, {0, 4096, 5}, TRAPPED},
      {"pkey_mprotect to exec", SYS_pkey_mprotect, {0, 4096, 4, 1}, TRAPPED},
      {"mremap fixed", SYS_mremap, {0, 4096, 4096, 3}, refused(ENOMEM)},
      {"madvise",
       SYS_madvise,
       {0, 4096, MADV_DONTNEED},
       refused(policy_profile().keeps_stderr ? ENOMEM : EINVAL)},
      {"futex wait", SYS_futex, {0, 0, 0}, refused(ENOSYS)},
      {"clock_gettime", SYS_clock_gettime, {0}, refused(EINVAL)},
      {"getrandom", SYS_getrandom, {0}, refused(ENOSYS)},
      {"sched_yield", SYS_sched_yield, {0}, refused(ENOSYS)},
      {"seccomp", SYS_seccomp, {1}, TRAPPED},
      {"mseal", 462, {0}, refused(ENOSYS)},
      {"450", 450, {0}, TRAPPED},
      {"451", 451, {0}, refused(ENOSYS)},
      {"511", 511, {0}, refused(ENOSYS)},
      {"512", 512, {0}, TRAPPED},
      {"1234", 1234, {0}, TRAPPED},
      {"-1", -1, {0}, TRAPPED},
      {"rt_sigreturn", SYS_rt_sigreturn, {0}, TRAPPED},
      {"exit", SYS_exit, {0}, TRAPPED},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct seccomp_data d = {.nr = rows[i].nr, .arch = NATIVE_ARCH};
    memcpy(d.args, rows[i].args, sizeof d.args);
    uint32_t got = bpf_decide(p, &d);
    if (got != rows[i].want) show(rows[i].name, &d, got, rows[i].want);
    assert_int_equal(got, rows[i].want);
  }
}

/* The simulator's own control: a filter of one instruction does what it says, and the stricter of two wins.
 */
static void simulator_ranks_as_the_kernel(void **state) {
  (void)state;
  const uint32_t ranked[] = {
      KILL, SECCOMP_RET_KILL_THREAD, TRAPPED, refused(EPERM), SECCOMP_RET_TRACE, SECCOMP_RET_LOG, PASSED};
  struct seccomp_data d = {0};
  for (size_t i = 0; i < ARRAY_LEN(ranked); i++)
    for (size_t k = 0; k < ARRAY_LEN(ranked); k++) {
      struct sock_filter first = {BPF_RET | BPF_K, 0, 0, ranked[i]},
                         second = {BPF_RET | BPF_K, 0, 0, ranked[k]};
      struct policy p = {{&first, 1}, {&second, 1}};
      assert_int_equal(bpf_decide(&p, &d), ranked[i < k ? i : k]);
    }
  struct sock_filter e12 = {BPF_RET | BPF_K, 0, 0, refused(12)}, e1 = {BPF_RET | BPF_K, 0, 0, refused(1)};
  struct policy equals = {{&e12, 1}, {&e1, 1}};
  assert_int_equal(bpf_decide(&equals, &d), refused(1)); /* the one installed last */
}

/* ---- item 1: the kernel, number by number ---- */

struct seen_call {
  uint32_t outcome; /* as bpf_decide, PASSED when the call came through */
  int nr;           /* trapped: as the kernel reports it */
};
struct sweep {
  const struct policy *policy;
  struct seen_call *seen;
  int nr;
};

/* One worker at a time, and a handler gets no context but a global of this test program. */
static struct seen_call *sweep_seen;
enum { CODE_SECCOMP = 1 }; /* SYS_SECCOMP of <asm/siginfo.h>, which glibc 2.36 does not name */
static void note_trap(int signal, siginfo_t *info, void *context) {
  (void)context;
  sweep_seen->outcome = signal == SIGSYS && info->si_code == CODE_SECCOMP ? TRAPPED : KILL;
  sweep_seen->nr = info->si_syscall;
  raw_exit(0);
}

/* Everything all ones: whatever comes through fails in the kernel, or ends this child. */
static int make_one_call(void *ctx) {
  const struct sweep *sweep = ctx;
  struct sigaction action = {.sa_sigaction = note_trap, .sa_flags = SA_SIGINFO};
  sweep_seen = sweep->seen;
  sigaction(SIGSYS, &action, NULL);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !policy_install(sweep->policy, 0)) return 96;
  sweep_seen->outcome = PASSED;
  long answer = raw_call6(sweep->nr, -1, -1, -1, -1, -1, -1);
  if (answer < 0 && answer >= -4095) sweep_seen->outcome = refused((int)-answer);
  raw_exit(0);
}

/* The kernel runs no filter for its own uprobe trampolines (seccomp_uprobe_exception). */
static bool exempt(int nr) { return NATIVE_ARCH == AUDIT_ARCH_X86_64 && (nr == 335 || nr == 336); }

static void check_swept(const struct sweep *sweep, int status) {
  struct seccomp_data d = {.nr = sweep->nr, .arch = NATIVE_ARCH};
  memset(d.args, 0xff, sizeof d.args);
  uint32_t want = bpf_decide(sweep->policy, &d), got = sweep->seen->outcome;
  if (WIFSIGNALED(status)) got = WTERMSIG(status) == SIGSYS ? KILL : 0;
  /* A call that comes through has its own answer to all ones, an errno as often as not. */
  bool same =
      want == PASSED ? got == PASSED || (got & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO : got == want;
  if (!same) show("sweep", &d, got, want);
  assert_true(same);
  if (want == TRAPPED) assert_int_equal(sweep->seen->nr, sweep->nr);
  assert_int_equal(twin(&d), want);
}

static void kernel_agrees_with_simulator(void **state) {
  struct seen_call *seen = region_map(sizeof *seen);
  assert_non_null(seen);
  for (int nr = -2; nr < 600; nr++) {
    if (exempt(nr)) continue;
    struct sweep sweep = {*state, seen, nr};
    *seen = (struct seen_call){0};
    check_swept(&sweep, try_child(make_one_call, &sweep));
  }
  region_unmap(seen, sizeof *seen);
}

static int set_up(void **state) {
  static struct policy p;
  *state = &p;
  return policy_build(&p) ? 0 : -1;
}
static int tear_down(void **state) {
  policy_free(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(simulator_ranks_as_the_kernel),
      cmocka_unit_test(answers_are_these),
      cmocka_unit_test(every_checked_bit_matters),
      cmocka_unit_test(foreign_abis_are_killed),
      cmocka_unit_test(filters_agree_with_twin),
      cmocka_unit_test(kernel_agrees_with_simulator),
      cmocka_unit_test(digest_is_pinned),
  };
  return cmocka_run_group_tests_name("policy", tests, set_up, tear_down);
}
