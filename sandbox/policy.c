#include "sandbox/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

#define SYSCALL(call, rule, otherwise, why)  {#call, SCMP_SYS(call), SCMP_SYS(call), rule, otherwise, why},
#define UNNAMED(first, last, otherwise, why) {NULL, first, last, NEVER, otherwise, why},

/* The one place where a sanitized build differs. The first row of a call is in force. */
#if defined SANITIZED
static const struct policy_row table[] = {
#include "sandbox/policy_asan.def"
/* and behind them, where the same call does not count any more */
#include "sandbox/policy.def"
};
struct policy_profile policy_profile(void) {
  return (struct policy_profile){"strict+asan", true};
}

/* A worker at its limit must see NULL from malloc, and can't start a symbolizer. Leaks are looked for by
 * exit(), which a worker never calls. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1:symbolize=0:exitcode=99"; }
#else
static const struct policy_row table[] = {
#include "sandbox/policy.def"
};
struct policy_profile policy_profile(void) {
  return (struct policy_profile){"strict", false};
}
#endif
#undef SYSCALL
#undef UNNAMED

const struct policy_row *policy_rows(size_t *n) {
  *n = ARRAY_LEN(table);
  return table;
}

/* The row in force for a system call of this architecture; NULL: not listed, it traps. */
static const struct policy_row *row_of(int nr) {
  for (size_t i = 0; i < ARRAY_LEN(table); i++)
    if (nr >= table[i].first && nr <= table[i].last) return &table[i];
  return NULL;
}

/* mmap and mprotect trap only when they ask for PROT_EXEC. */
enum policy_reason policy_reason_of(uint32_t nr) {
  return nr == SYS_mmap || nr == SYS_mprotect || nr == SYS_pkey_mprotect ? REASON_EXECUTABLE_MEMORY
                                                                         : REASON_NOT_LISTED;
}

enum which { SHAPE, GATE };
enum action { ALLOW, REFUSE /* with the errno of the row */ };

/* What a rule is in libseccomp's terms. A rule takes several lines; no line is an argument test on the
 * default action, and no two lines of one filter match the same call. Where `gate` allows by number alone,
 * `shape` has the last word. */
struct form {
  enum policy_rule rule;
  enum which which;
  enum action action;
  unsigned n;
  struct scmp_arg_cmp args[3];
};

#define PRIVATE_ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define IS(arg, value) \
  { arg, SCMP_CMP_EQ, value, 0 }
#define ABOVE(arg, value) \
  { arg, SCMP_CMP_GT, value, 0 }
#define BELOW(arg, value) \
  { arg, SCMP_CMP_LT, value, 0 }
#define HAS_NONE_OF(arg, bits) \
  { arg, SCMP_CMP_MASKED_EQ, bits, 0 }
#define NO_DESCRIPTOR(arg) \
  { arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, UINT32_MAX }
#define DATA_ONLY(arg) HAS_NONE_OF(arg, ~(uint64_t)(PROT_READ | PROT_WRITE))
#define MAP_FORM(rule, flags)                                               \
  {                                                                         \
    rule, SHAPE, ALLOW, 3, { DATA_ONLY(2), IS(3, flags), NO_DESCRIPTOR(4) } \
  }

static const struct form forms[] = {
    {ANY, GATE, ALLOW, 0, {{0}}},
    {ANY, SHAPE, ALLOW, 0, {{0}}},

    {NEVER, GATE, REFUSE, 0, {{0}}},

    {TO_REPORT, GATE, ALLOW, 1, {IS(0, REPORT_FD)}},
    {TO_REPORT, GATE, REFUSE, 1, {ABOVE(0, REPORT_FD)}},
    {TO_REPORT, GATE, REFUSE, 1, {BELOW(0, REPORT_FD)}},
    {TO_REPORT, SHAPE, ALLOW, 0, {{0}}},

    {TO_STDERR, GATE, ALLOW, 1, {IS(0, REPORT_FD)}},
    {TO_STDERR, GATE, ALLOW, 1, {IS(0, STDERR_FILENO)}},
    {TO_STDERR, GATE, REFUSE, 1, {ABOVE(0, REPORT_FD)}},
    {TO_STDERR, GATE, REFUSE, 1, {BELOW(0, STDERR_FILENO)}},
    {TO_STDERR, SHAPE, ALLOW, 0, {{0}}},

    {PLAIN_MMAP, GATE, ALLOW, 1, {HAS_NONE_OF(2, PROT_EXEC)}},
    MAP_FORM(PLAIN_MMAP, PRIVATE_ANON),
    MAP_FORM(PLAIN_MMAP, PRIVATE_ANON | MAP_NORESERVE),
    MAP_FORM(PLAIN_MMAP, PRIVATE_ANON | MAP_STACK),

    {ASAN_MMAP, GATE, ALLOW, 1, {HAS_NONE_OF(2, PROT_EXEC)}},
    MAP_FORM(ASAN_MMAP, PRIVATE_ANON),
    MAP_FORM(ASAN_MMAP, PRIVATE_ANON | MAP_NORESERVE),
    MAP_FORM(ASAN_MMAP, PRIVATE_ANON | MAP_STACK),
    MAP_FORM(ASAN_MMAP, PRIVATE_ANON | MAP_FIXED),
    MAP_FORM(ASAN_MMAP, PRIVATE_ANON | MAP_FIXED | MAP_NORESERVE),

    {ASAN_ADVICE, GATE, ALLOW, 0, {{0}}},
    {ASAN_ADVICE, SHAPE, ALLOW, 1, {IS(2, MADV_NOHUGEPAGE)}},
    {ASAN_ADVICE, SHAPE, ALLOW, 1, {IS(2, MADV_DONTDUMP)}},

    {MAY_MOVE, GATE, ALLOW, 0, {{0}}},
    {MAY_MOVE, SHAPE, ALLOW, 1, {IS(3, MREMAP_MAYMOVE)}},

    {NOT_EXEC, GATE, REFUSE, 1, {HAS_NONE_OF(2, PROT_EXEC)}},

    {INSTALLING, SHAPE, ALLOW, 0, {{0}}},
};

/* libseccomp answers minus errno; but where it finds no memory it may go on, with a rule less. malloc says
 * so. */
static bool ok(int answer) {
  if (answer < 0) errno = -answer;
  return answer >= 0 && errno != ENOMEM;
}

static bool add_row(scmp_filter_ctx ctx, enum which which, const struct policy_row *row) {
  for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
    const struct form *f = &forms[i];
    if (f->rule != row->rule || f->which != which) continue;
    uint32_t action = f->action == ALLOW ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)row->otherwise);
    for (int nr = row->first; nr <= row->last; nr++)
      if (!ok(seccomp_rule_add_exact_array(ctx, action, nr, f->n, f->args))) return false;
  }
  return true;
}

/* A negative number is libseccomp's for "no such call there". For another machine it translates numbers by
 * name, so that what has none is left out, and traps. */
static bool has_row(const struct policy_row *row, uint32_t arch) {
  if (row->first < 0 || row_of(row->first) != row) return false;
  return arch == THIS_MACHINE || (row->name && seccomp_syscall_resolve_name_arch(arch, row->name) >= 0);
}

static bool add_table(scmp_filter_ctx ctx, enum which which, uint32_t arch) {
  for (size_t i = 0; i < ARRAY_LEN(table); i++)
    if (has_row(&table[i], arch) && !add_row(ctx, which, &table[i])) return false;
  return true;
}

static bool set_arch(scmp_filter_ctx ctx, uint32_t arch) {
  return arch == THIS_MACHINE ||
         (ok(seccomp_arch_add(ctx, arch)) && ok(seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE)));
}

static bool read_program(int fd, struct filter *out) {
  enum { PROGRAM_BYTES = BPF_MAXINSNS * sizeof(struct sock_filter) };
  struct sock_filter *code = malloc(PROGRAM_BYTES);
  ssize_t n = code ? read(fd, code, PROGRAM_BYTES) : -1;
  if (n <= 0) {
    free(code);
    return false;
  }
  *out = (struct filter){code, (uint16_t)((size_t)n / sizeof *code)};
  return true;
}

/* seccomp_export_bpf writes to a descriptor in one piece; some 200 instructions fit any pipe. */
static bool export(scmp_filter_ctx ctx, struct filter *out) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) return false;
  bool done = ok(seccomp_export_bpf(ctx, ends[1])) && read_program(ends[0], out);
  close(ends[0]);
  close(ends[1]);
  return done;
}

static bool build(enum which which, uint32_t fallback, uint32_t arch, struct filter *out) {
  errno = 0;
  scmp_filter_ctx ctx = seccomp_init(fallback);
  if (!ctx) {
    errno = ENOMEM;
    return false;
  }
  /* Its own default for a foreign ABI (x32, i386) would kill one thread only. */
  bool done = ok(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) &&
              set_arch(ctx, arch) && add_table(ctx, which, arch) && export(ctx, out);
  seccomp_release(ctx);
  return done;
}

bool policy_build(struct policy *out, uint32_t arch) {
  *out = (struct policy){0};
  if (arch == seccomp_arch_native()) arch = THIS_MACHINE;
  if (build(SHAPE, SCMP_ACT_ERRNO(ENOMEM), arch, &out->shape) && build(GATE, SCMP_ACT_TRAP, arch, &out->gate))
    return true;
  policy_free(out);
  return false;
}

void policy_free(struct policy *p) {
  free(p->shape.code);
  free(p->gate.code);
  *p = (struct policy){0};
}

static bool install(const struct filter *f, unsigned flags) {
  struct sock_fprog program = {f->n, f->code};
  long answer = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (answer > 0) errno = ESRCH; /* TSYNC: the thread that could not follow */
  return answer == 0;
}

bool policy_install(const struct policy *p, unsigned flags) {
  return install(&p->shape, flags) && install(&p->gate, flags);
}
