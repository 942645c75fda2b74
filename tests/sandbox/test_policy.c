/* The filters against the table they were written from: by the kernel, call number by call number, and by a
 * user-space simulator, for this machine and for the other one, beside a twin in plain C that knows the table
 * and nothing of BPF. With --print: the filters in the form of tests/sandbox/golden.txt. */
#include <seccomp.h>
#include <sys/syscall.h>

#include "sandbox/raw.h"
#include "tensor/sha256.h"
#include "tests/sandbox/bpf_sim.h"
#include "tests/sandbox/try.h"
#include "tests/sandbox/twin.h"

/* A machine's filters, and what they must say. */
struct machine {
  const char *name;
  struct policy policy;
  struct twin twin;
};
enum { NATIVE, OTHER, MACHINES };
struct fixture {
  struct machine machines[MACHINES];
};

static void show(const char *what, const struct seccomp_data *d, uint32_t got, uint32_t want) {
  print_error("%s: call %d arch %#x (%#llx %#llx %#llx %#llx %#llx): %#x, expected %#x\n", what, d->nr,
              d->arch, (unsigned long long)d->args[0], (unsigned long long)d->args[1],
              (unsigned long long)d->args[2], (unsigned long long)d->args[3], (unsigned long long)d->args[4],
              got, want);
}

static void assert_twin(const struct machine *m, const struct seccomp_data *d) {
  uint32_t got = bpf_decide(&m->policy, d), want = twin_says(&m->twin, d);
  if (got != want) show(m->name, d, got, want);
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

static int next_call(const struct machine *m, uint64_t *state) {
  static const char *const constrained[] = {"write", "mmap", "mmap", "mmap", "mprotect", "mremap", "madvise"};
  uint64_t r = next_random(state);
  if (r % 4 < 2) return seccomp_syscall_resolve_name_arch(m->twin.arch, constrained[(r >> 8) % 7]);
  if (r % 4 == 2) return (int)((r >> 8) % 620) - 10;
  uint32_t any = (uint32_t)(r >> 16 & UINT32_MAX);
  int nr;
  memcpy(&nr, &any, sizeof nr);
  return nr;
}

static const uint32_t archs[] = {
    AUDIT_ARCH_I386,    AUDIT_ARCH_X86_64,  AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM,      AUDIT_ARCH_ARMEB,
    AUDIT_ARCH_RISCV64, AUDIT_ARCH_PPC64LE, AUDIT_ARCH_S390X,   AUDIT_ARCH_MIPSEL64, 0,
    UINT32_MAX,         0x8000003e} /* the last: x86-64, the other end first */;

static void filters_agree_with_twin(void **state) {
  struct fixture *f = *state;
  uint64_t seed = 0x9e3779b97f4a7c15;
  for (uint32_t i = 0; i < 1000000; i++) {
    const struct machine *m = &f->machines[i % MACHINES];
    struct seccomp_data d = {.nr = next_call(m, &seed),
                             .arch = i / MACHINES % 16 ? m->twin.arch : archs[i / 32 % ARRAY_LEN(archs)]};
    for (size_t k = 0; k < 6; k++) d.args[k] = next_argument(&seed);
    assert_twin(m, &d);
  }
}

/* ---- items 1, 2, 5: all numbers, on both machines, with every ABI word ---- */

static void sweep_number(const struct machine *m, uint32_t nr) {
  static const uint64_t args[][6] = {
      {0},
      {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
      {3, 4096, 3, 0x22, UINT64_MAX},
      {3, 4096, 4, 0x22, UINT64_MAX},
      {2, 4096, 1, 1, UINT32_MAX},
      {0x100000003, 4096, 0x100000003, 0x100000022, UINT64_MAX},
      {0x8000000000000003, 4096, 0x300000004, 0x100000001, 0},
  };
  struct seccomp_data d;
  for (size_t i = 0; i < ARRAY_LEN(args); i++) {
    memcpy(&d.nr, &nr, sizeof nr);
    memcpy(d.args, args[i], sizeof args[i]);
    d.arch = m->twin.arch;
    assert_twin(m, &d);
  }
  for (size_t i = 0; i < ARRAY_LEN(archs); i++) {
    d.arch = archs[i];
    assert_twin(m, &d);
  }
}

static void every_number_is_answered_as_the_table_says(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < MACHINES; i++)
    for (uint32_t nr = 0; nr < NUMBERS; nr++) {
      sweep_number(&f->machines[i], nr);
      sweep_number(&f->machines[i], x32_bit + nr);
      sweep_number(&f->machines[i], UINT32_MAX - nr); /* -1, -2, … */
      sweep_number(&f->machines[i], INT32_MAX - nr);
      sweep_number(&f->machines[i], (uint32_t)INT32_MAX + 1 + nr);
    }
}

/* Item 2: numbers of aarch64 as the kernel's documents have them (include/uapi/asm-generic/unistd.h), not as
 * libseccomp does. */
static void other_machine_has_its_own_numbers(void **state) {
  struct fixture *f = *state;
  static const struct {
    int nr;
    uint64_t args[6];
    uint32_t want;
  } rows[] = {{64, {3}, SECCOMP_RET_ALLOW},
              {64, {1}, SECCOMP_RET_ERRNO | EBADF},
              {94, {0}, SECCOMP_RET_ALLOW},
              {214, {0}, SECCOMP_RET_ALLOW},
              {215, {0}, SECCOMP_RET_ALLOW},
              {216, {0, 0, 0, 1}, SECCOMP_RET_ALLOW},
              {222, {0, 4096, 3, 0x22, UINT64_MAX}, SECCOMP_RET_ALLOW},
              {222, {0, 4096, 7, 0x22, UINT64_MAX}, SECCOMP_RET_TRAP},
              {226, {0, 4096, 5}, SECCOMP_RET_TRAP},
              {226, {0, 4096, 1}, SECCOMP_RET_ERRNO | ENOMEM},
              {288, {0, 4096, 4}, SECCOMP_RET_TRAP},
              {178, {0}, SECCOMP_RET_ERRNO | EPERM}, /* gettid, the sentinel */
              {56, {0}, SECCOMP_RET_TRAP},           /* openat */
              {198, {0}, SECCOMP_RET_TRAP},          /* socket */
              {220, {0}, SECCOMP_RET_TRAP},          /* clone */
              {221, {0}, SECCOMP_RET_TRAP},          /* execve */
              {1, {3}, SECCOMP_RET_TRAP},            /* x86-64's write is another call here */
              {231, {0}, SECCOMP_RET_TRAP}};
  const struct machine *m =
      &f->machines[f->machines[NATIVE].twin.arch == AUDIT_ARCH_AARCH64 ? NATIVE : OTHER];
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct seccomp_data d = {.nr = rows[i].nr, .arch = AUDIT_ARCH_AARCH64};
    memcpy(d.args, rows[i].args, sizeof d.args);
    uint32_t want = rows[i].want, got = bpf_decide(&m->policy, &d);
    if (policy_profile().keeps_stderr && got != want) continue; /* the sanitizer's rows allow more */
    if (got != want) show("aarch64", &d, got, want);
    assert_int_equal(got, want);
  }
}

/* ---- item 3: for each rule of the table a call that it allows, and every bit of every argument turned ----
 */

struct allowed {
  enum policy_rule rule;
  uint64_t args[6];
  uint64_t checked[6]; /* bits that must matter */
};
#define ALL UINT64_MAX
#define ANON(flags, free, fd)                                                                \
  {                                                                                          \
    PLAIN_MMAP, {0, 4096, 3, flags, fd}, { 0, 0, ~UINT64_C(3), ~UINT64_C(free), UINT32_MAX } \
  }
static const struct allowed allowed_calls[] = {
    {ANY, {0}, {0}},
    {TO_REPORT, {3}, {ALL}},
    {TO_STDERR, {3}, {~UINT64_C(1)}},
    {TO_STDERR, {2}, {~UINT64_C(1)}},
    ANON(0x22, 0x24000, UINT64_MAX),
    ANON(0x4022, 0x4000, UINT64_MAX),
    ANON(0x20022, 0x20000, UINT64_MAX),
    ANON(0x22, 0x24000, UINT32_MAX), /* -1 as an int */
    {ASAN_MMAP, {0, 4096, 3, 0x22, ALL}, {0, 0, ~UINT64_C(3), ~UINT64_C(0x24010), UINT32_MAX}},
    {ASAN_MMAP, {0, 4096, 3, 0x4032, ALL}, {0, 0, ~UINT64_C(3), ~UINT64_C(0x4010), UINT32_MAX}},
    {ASAN_ADVICE, {0, 4096, MADV_NOHUGEPAGE}, {0, 0, ALL}}, /* 15; DONTDUMP is 16 */
    {ASAN_ADVICE, {0, 4096, MADV_DONTDUMP}, {0, 0, ALL}},
    {MAY_MOVE, {0x1000, 4096, 8192, 1}, {0, 0, 0, ALL}},
    /* rules that allow nothing: no bit makes a difference */
    {NEVER, {0}, {0}},
    {NOT_EXEC, {0, 4096, 3}, {0}},
    {INSTALLING, {1}, {0}},
};
static bool allows_something(enum policy_rule rule) {
  return rule != NEVER && rule != NOT_EXEC && rule != INSTALLING;
}

static void turn_bits(const struct machine *m, int nr, const struct allowed *c) {
  struct seccomp_data d = {.nr = nr, .arch = m->twin.arch};
  const bool some = allows_something(c->rule);
  memcpy(d.args, c->args, sizeof d.args);
  assert_int_equal(bpf_decide(&m->policy, &d) == PASSED, some);
  for (size_t bit = 0; bit < 6 * 64; bit++) {
    size_t k = bit / 64;
    uint64_t mask = UINT64_C(1) << bit % 64;
    bool matters = !some || c->checked[k] & mask;
    d.args[k] = c->args[k] ^ mask;
    bool passed = bpf_decide(&m->policy, &d) == PASSED;
    if (passed == matters) show(m->name, &d, bpf_decide(&m->policy, &d), twin_says(&m->twin, &d));
    assert_int_equal(passed, !matters);
    assert_twin(m, &d);
    d.args[k] = c->args[k];
  }
}

/* Item 4: the low half as allowed, anything above it. */
static void fill_upper_halves(const struct machine *m, int nr, const struct allowed *c) {
  static const uint64_t uppers[] = {1, 2, 3, 0x7fffffff, 0x80000000, 0xdeadbeef, UINT32_MAX};
  for (size_t k = 0; k < 6; k++)
    for (size_t i = 0; i < ARRAY_LEN(uppers); i++) {
      struct seccomp_data d = {.nr = nr, .arch = m->twin.arch};
      memcpy(d.args, c->args, sizeof d.args);
      d.args[k] = (d.args[k] & UINT32_MAX) | uppers[i] << 32;
      bool matters = !allows_something(c->rule) || (c->checked[k] >> 32 && d.args[k] != c->args[k]);
      assert_int_equal(bpf_decide(&m->policy, &d) == PASSED, !matters);
      assert_twin(m, &d);
    }
}

static size_t try_rule(const struct machine *m, int nr, enum policy_rule rule) {
  size_t tried = 0;
  for (size_t i = 0; i < ARRAY_LEN(allowed_calls); i++) {
    if (allowed_calls[i].rule != rule) continue;
    turn_bits(m, nr, &allowed_calls[i]);
    fill_upper_halves(m, nr, &allowed_calls[i]);
    tried++;
  }
  return tried;
}

static void every_checked_bit_matters(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < MACHINES; i++) {
    const struct machine *m = &f->machines[i];
    for (int nr = 0; nr < NUMBERS; nr++) {
      const struct policy_row *row = m->twin.rows[nr];
      if (row && !try_rule(m, nr, row->rule))
        fail_msg("%s: no allowed call is known for its rule", row->name);
    }
  }
}

/* Item 4 and the kind of answers that matter: what traps, what is refused and how. */
static void answers_are_these(void **state) {
  const struct fixture *f = *state;
  const struct policy *p = &f->machines[NATIVE].policy;
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
      {"futex wait", SYS_futex, {0, 0, 0}, refused(EINVAL)},
      {"clock_gettime", SYS_clock_gettime, {0}, refused(EINVAL)},
      {"fstat", SYS_fstat, {1}, refused(EBADF)}, /* ADR 12: other libcs ask these */
      {"sysinfo", SYS_sysinfo, {0}, refused(ENOSYS)},
      {"getrandom", SYS_getrandom, {0}, refused(ENOSYS)},
      {"sched_yield", SYS_sched_yield, {0}, refused(ENOSYS)},
      {"sched_getaffinity", SYS_sched_getaffinity, {0}, refused(ENOSYS)},
      {"getcpu", SYS_getcpu, {0}, TRAPPED},
      {"rseq", SYS_rseq, {0}, TRAPPED},
      {"set_robust_list", SYS_set_robust_list, {0}, TRAPPED},
      {"uname", SYS_uname, {0}, TRAPPED},
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
  const struct machine *machine;
  struct seen_call *seen;
  struct seccomp_data call;
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

static int make_one_call(void *ctx) {
  const struct sweep *sweep = ctx;
  long a[6];
  memcpy(a, sweep->call.args, sizeof a);
  struct sigaction action = {.sa_sigaction = note_trap, .sa_flags = SA_SIGINFO};
  sweep_seen = sweep->seen;
  sigaction(SIGSYS, &action, NULL);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !policy_install(&sweep->machine->policy, 0)) return 96;
  sweep_seen->outcome = PASSED;
  long answer = raw_call6(sweep->call.nr, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (answer < 0 && answer >= -4095) sweep_seen->outcome = refused((int)-answer);
  raw_exit(0);
}

/* The kernel runs no filter for its own uprobe trampolines (seccomp_uprobe_exception). */
static bool exempt(int nr) { return NATIVE_ARCH == AUDIT_ARCH_X86_64 && (nr == 335 || nr == 336); }

static void check_swept(struct sweep *sweep) {
  const struct seccomp_data *d = &sweep->call;
  *sweep->seen = (struct seen_call){0};
  int status = try_child(make_one_call, sweep);
  uint32_t want = bpf_decide(&sweep->machine->policy, d), got = sweep->seen->outcome;
  if (WIFSIGNALED(status)) got = WTERMSIG(status) == SIGSYS ? KILL : 0;
  /* A call that comes through has its own answer, an errno as often as not. */
  bool same =
      want == PASSED ? got == PASSED || (got & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO : got == want;
  if (!same) show("sweep", d, got, want);
  assert_true(same);
  if (want == TRAPPED) assert_int_equal(sweep->seen->nr, d->nr);
  assert_int_equal(twin_says(&sweep->machine->twin, d), want);
}

/* Everything all ones: whatever comes through fails in the kernel, or ends its child. */
static void kernel_agrees_with_simulator(void **state) {
  const struct fixture *f = *state;
  struct seen_call *seen = region_map_shared(sizeof *seen);
  assert_non_null(seen);
  for (int nr = -2; nr < 600; nr++) {
    if (exempt(nr)) continue;
    struct sweep sweep = {&f->machines[NATIVE], seen, {.nr = nr, .arch = NATIVE_ARCH}};
    memset(sweep.call.args, 0xff, sizeof sweep.call.args);
    check_swept(&sweep);
  }
  region_unmap(seen, sizeof *seen);
}

/* Item 3, by the kernel: the calls that rules allow, and those with a bit turned in an argument that a rule
 * looks at. */
static void sweep_arguments(struct sweep *sweep, const struct allowed *c) {
  memcpy(sweep->call.args, c->args, sizeof c->args);
  assert_int_equal(bpf_decide(&sweep->machine->policy, &sweep->call) == PASSED, allows_something(c->rule));
  check_swept(sweep);
  for (size_t k = 0; k < 6; k++)
    for (size_t bit = 0; bit < 64; bit++) {
      sweep->call.args[k] = c->args[k] ^ UINT64_C(1) << bit;
      if (c->checked[k] >> bit & 1) check_swept(sweep);
      sweep->call.args[k] = c->args[k];
    }
}

static void kernel_looks_at_arguments(void **state) {
  const struct fixture *f = *state;
  const struct machine *m = &f->machines[NATIVE];
  struct seen_call *seen = region_map_shared(sizeof *seen);
  assert_non_null(seen);
  for (int nr = 0; nr < NUMBERS; nr++)
    for (size_t i = 0; m->twin.rows[nr] && i < ARRAY_LEN(allowed_calls); i++) {
      struct sweep sweep = {m, seen, {.nr = nr, .arch = NATIVE_ARCH}};
      if (allowed_calls[i].rule == m->twin.rows[nr]->rule) sweep_arguments(&sweep, &allowed_calls[i]);
    }
  region_unmap(seen, sizeof *seen);
}

/* ---- item 7: the programs, word by word ---- */

static bool as_pinned(void) {
  const struct scmp_version *v = seccomp_version();
  return v->major == 2 && v->minor == 5 && v->micro == 4 && !policy_profile().keeps_stderr;
}

static void print_filter(FILE *out, const char *machine, const char *name, const struct filter *f) {
  for (unsigned i = 0; i < f->n; i++)
    fprintf(out, "%s %s %u: code %#x, true +%u, false +%u, k %#x\n", machine, name, i, f->code[i].code,
            f->code[i].jt, f->code[i].jf, f->code[i].k);
}

static void print_machine(FILE *out, const struct machine *m) {
  char digest[FINGERPRINT_ROOM];
  policy_fingerprint(&m->policy, digest);
  fprintf(out, "%s sha256 %s\n", m->name, digest);
  print_filter(out, m->name, "shape", &m->policy.shape);
  print_filter(out, m->name, "gate", &m->policy.gate);
}

/* Pinned for the libseccomp it was written with; elsewhere the sweeps speak. */
static void programs_are_the_golden_ones(void **state) {
  const struct fixture *f = *state;
  char *now = NULL, was[256];
  size_t n = 0;
  if (!as_pinned()) {
    print_message("SKIPPED golden programs: another libseccomp, or a sanitized build\n");
    return;
  }
  FILE *out = open_memstream(&now, &n), *golden = fopen("tests/sandbox/golden.txt", "r");
  assert_non_null(out);
  assert_non_null(golden);
  for (size_t i = 0; i < MACHINES; i++) print_machine(out, &f->machines[i]);
  fclose(out);
  const char *line = now;
  while (fgets(was, sizeof was, golden)) {
    size_t len = strlen(was);
    if (strncmp(line, was, len) != 0)
      fail_msg(
          "the policy changed: look at the difference to `test_policy --print`, and pin it again if it is "
          "meant.\nwas: %snow: %.*s",
          was, (int)strcspn(line, "\n"), line);
    line += len;
  }
  assert_string_equal(line, "");
  fclose(golden);
  free(now);
}

/* The digest in doctor and reports: OpenSSL's of the very bytes. */
static void fingerprint_is_sha256(void **state) {
  const struct fixture *f = *state;
  char got[FINGERPRINT_ROOM], want[SHA256_HEX + 1];
  uint8_t digest[32];
  if (!sha256_load()) {
    print_message("SKIPPED fingerprint: libcrypto is missing\n");
    return;
  }
  /* Lengths around the block of 64 bytes: the padding takes one block or two. */
  const struct policy *p = &f->machines[NATIVE].policy;
  for (uint16_t n = 0; n <= p->gate.n; n++) {
    struct policy part = {{p->gate.code, n}, {p->gate.code + n, 0}};
    policy_fingerprint(&part, got);
    assert_true(sha256(span_of(p->gate.code, n * sizeof *p->gate.code), digest));
    assert_string_equal(got, sha256_hex(digest, want));
  }
  struct sandbox *s = sandbox_probe();
  assert_non_null(s);
  policy_fingerprint(p, got);
  assert_string_equal(sandbox_policy_digest(s), sandbox_level(s) < SANDBOX_STANDARD ? "" : got);
  sandbox_free(s);
}

static int set_up(void **state) {
  static struct fixture f = {{{.name = NATIVE_NAME}, {.name = OTHER_NAME}}};
  *state = &f;
  twin_init(&f.machines[NATIVE].twin, NATIVE_ARCH);
  twin_init(&f.machines[OTHER].twin, OTHER_ARCH);
  for (size_t i = 0; i < MACHINES; i++)
    if (!policy_build(&f.machines[i].policy, f.machines[i].twin.arch)) return -1;
  return 0;
}
static int tear_down(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < MACHINES; i++) policy_free(&f->machines[i].policy);
  return 0;
}

static int print_all(void) {
  void *state;
  if (set_up(&state)) return 1;
  struct fixture *f = state;
  for (size_t i = 0; i < MACHINES; i++) print_machine(stdout, &f->machines[i]);
  return tear_down(&state);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(simulator_ranks_as_the_kernel),
      cmocka_unit_test(answers_are_these),
      cmocka_unit_test(every_checked_bit_matters),
      cmocka_unit_test(every_number_is_answered_as_the_table_says),
      cmocka_unit_test(other_machine_has_its_own_numbers),
      cmocka_unit_test(filters_agree_with_twin),
      cmocka_unit_test(kernel_agrees_with_simulator),
      cmocka_unit_test(kernel_looks_at_arguments),
      cmocka_unit_test(programs_are_the_golden_ones),
      cmocka_unit_test(fingerprint_is_sha256),
  };
  if (argc > 1 && strcmp(argv[1], "--print") == 0) return print_all();
  return cmocka_run_group_tests_name("policy", tests, set_up, tear_down);
}
