/* The system-call policy: the table of policy.def, and the two seccomp filters that libseccomp writes from
 * it. One libseccomp filter has one default and can't say both "trap" and "refuse" for what it does not list,
 * so there are two. The kernel runs both and obeys the stricter answer; between equals the one installed
 * last.
 *
 *   shape   installed first, default ENOMEM: the good forms of mmap and mremap, and all that `gate` allows
 *   gate    installed last, default TRAP: allows or refuses by number, kills a foreign ABI */
#ifndef CKPTLINT_SANDBOX_POLICY_H
#define CKPTLINT_SANDBOX_POLICY_H

#include <linux/filter.h>

#include "base/span.h"

enum { REPORT_FD = 3, TRAP = -1 };

/* Which arguments a row allows. */
enum policy_rule {
  ANY,
  NEVER,
  TO_REPORT,   /* write: descriptor 3, all 64 bits of it */
  TO_STDERR,   /* write: 3 or 2 (sanitized builds) */
  PLAIN_MMAP,  /* mmap: read and write only, private anonymous memory anywhere */
  ASAN_MMAP,   /* mmap: the same, or at a fixed address (sanitized builds) */
  ASAN_ADVICE, /* madvise: NOHUGEPAGE, DONTDUMP (sanitized builds) */
  MAY_MOVE,    /* mremap: MREMAP_MAYMOVE and nothing else */
  NOT_EXEC,    /* mprotect: never allowed, but without PROT_EXEC only refused */
  INSTALLING,  /* seccomp: until the second filter is in place */
};

struct policy_row {
  const char *name;
  int first, last; /* system call numbers of this architecture; negative: it has no such call */
  enum policy_rule rule;
  int otherwise; /* errno, or TRAP */
  const char *why;
};
/* The table. Of several rows of one call the first is in force. */
const struct policy_row *policy_rows(size_t *n);

/* "strict", or "strict+asan" in sanitized builds, where the worker also keeps stderr. */
struct policy_profile {
  const char *name;
  bool keeps_stderr;
};
struct policy_profile policy_profile(void);

/* Why a call trapped, as far as its number tells. */
enum policy_reason { REASON_NOT_LISTED = 1, REASON_EXECUTABLE_MEMORY };
enum policy_reason policy_reason_of(uint32_t nr);

struct filter {
  struct sock_filter *code;
  uint16_t n;
};
struct policy {
  struct filter shape, gate;
};

/* Writes both filters with libseccomp, for an architecture as <linux/audit.h> numbers them. For another
 * machine the rows without names are missing. False: errno; *out is then empty. */
enum { THIS_MACHINE = 0 };
NODISCARD bool policy_build(struct policy *out, uint32_t arch);
/* The same for this machine, made in a child (policy_apart.c). */
NODISCARD bool policy_build_apart(struct policy *out);
void policy_free(struct policy *p);
/* SHA-256 of both programs, one after the other, as the kernel gets them: 64 hex digits. */
enum { FINGERPRINT_ROOM = 65 };
void policy_fingerprint(const struct policy *p, char out[FINGERPRINT_ROOM]);
/* Puts both on the calling thread; with SECCOMP_FILTER_FLAG_TSYNC on every thread of the process. Needs
 * no_new_privs. False: errno. */
NODISCARD bool policy_install(const struct policy *p, unsigned flags);

#endif
