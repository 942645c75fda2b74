/* The policy table read by plain C that knows nothing of BPF: what a call must be answered with, on this
 * machine or another. The filters are compared with it tuple by tuple. */
#ifndef CKPTLINT_TESTS_SANDBOX_TWIN_H
#define CKPTLINT_TESTS_SANDBOX_TWIN_H

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "sandbox/policy.h"

#if defined __x86_64__
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define NATIVE_NAME "x86_64"
#define OTHER_ARCH  AUDIT_ARCH_AARCH64
#define OTHER_NAME  "aarch64"
#elif defined __aarch64__
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define NATIVE_NAME "aarch64"
#define OTHER_ARCH  AUDIT_ARCH_X86_64
#define OTHER_NAME  "x86_64"
#endif

enum { NUMBERS = 1024 };
static const uint32_t KILL = SECCOMP_RET_KILL_PROCESS, TRAPPED = SECCOMP_RET_TRAP, PASSED = SECCOMP_RET_ALLOW;
static const uint32_t x32_bit = 0x40000000;

static inline uint32_t refused(int error) { return SECCOMP_RET_ERRNO | (uint32_t)error; }

struct twin {
  uint32_t arch;
  const struct policy_row *rows[NUMBERS]; /* by the numbers of that machine */
};

/* The number of a row there; -1: it has no such call, or the row has no name to find it by. */
static inline int twin_number(uint32_t arch, const struct policy_row *row) {
  if (arch == NATIVE_ARCH) return row->first;
  int nr = row->name ? seccomp_syscall_resolve_name_arch(arch, row->name) : -1;
  return nr < 0 ? -1 : nr;
}

static inline void twin_init(struct twin *t, uint32_t arch) {
  size_t n;
  const struct policy_row *table = policy_rows(&n);
  *t = (struct twin){.arch = arch};
  for (size_t i = n; i > 0; i--) { /* backwards: the first row of a call is in force */
    const struct policy_row *row = &table[i - 1];
    int first = twin_number(arch, row);
    for (int nr = first; first >= 0 && nr <= first + row->last - row->first; nr++) t->rows[nr] = row;
  }
}

static inline bool plain_mmap(const uint64_t *a, bool fixed_too) {
  uint64_t flags = a[3] & ~(uint64_t)(fixed_too ? MAP_FIXED : 0);
  bool fixed_stack = fixed_too && a[3] & MAP_FIXED && a[3] & MAP_STACK;
  return (a[2] | PROT_READ | PROT_WRITE) == (PROT_READ | PROT_WRITE) &&
         (uint32_t)(a[4] & UINT32_MAX) == UINT32_MAX && !fixed_stack &&
         (flags == (MAP_PRIVATE | MAP_ANONYMOUS) || flags == (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE) ||
          flags == (MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK));
}

static inline uint32_t row_says(const struct policy_row *row, const uint64_t *a) {
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

static inline uint32_t twin_says(const struct twin *t, const struct seccomp_data *d) {
  uint64_t args[6];
  memcpy(args, d->args, sizeof args);
  uint32_t nr;
  memcpy(&nr, &d->nr, sizeof nr);
  if (d->arch != t->arch) return KILL;
  /* x32, and negative numbers with it; libseccomp lets -1 through to the default. aarch64 has no second ABI.
   */
  if (t->arch == AUDIT_ARCH_X86_64 && nr >= x32_bit && nr != UINT32_MAX) return KILL;
  const struct policy_row *row = nr < NUMBERS ? t->rows[nr] : NULL;
  return row ? row_says(row, args) : TRAPPED;
}

#endif
