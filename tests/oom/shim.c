/* Preloaded into ckptlint: lets one allocation fail, as if memory had run out. What counts is any of malloc,
 * calloc, realloc, the aligned ones, and mmap or mremap without a file; of ours, of libc's own (opendir,
 * asprintf …), cJSON's, libseccomp's, libdeflate's. Each process counts for itself, for the order between a
 * worker and its broker is nobody's: the k-th process that is forked is number k, the first is 0. OOM_PLAN
 * names a file of a struct oom_plan. */
#define _GNU_SOURCE
#include "plan.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

static struct oom_plan *plan;
static pid_t (*real_fork)(void);
static unsigned me;

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *frame, void *sum) {
  *(unsigned *)sum = (*(unsigned *)sum ^ (unsigned)_Unwind_GetIP(frame)) * 16777619u; /* FNV-1a */
  return _URC_NO_REASON;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("OOM_PLAN");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  void *p = fd < 0 ? MAP_FAILED
                   : (void *)syscall(SYS_mmap, NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  real_fork = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
  close(fd);
  unsigned sum = 0;
  _Unwind_Backtrace(add_frame, &sum);
  if (p != MAP_FAILED) plan = p;
}

/* The unwinder asks for no memory, but for a library at its first use: begin() has called it. */
static void record(unsigned at) {
  unsigned n = plan->record ? __atomic_fetch_add(&plan->places, 1, __ATOMIC_RELAXED) : OOM_PLACES;
  unsigned sum = 2166136261u;
  if (n >= OOM_PLACES) return;
  _Unwind_Backtrace(add_frame, &sum);
  plan->place[n] = (struct oom_place){me, at, sum};
}

/* Is this the one? */
static int fails(void) {
  if (!plan || me >= OOM_PROCESSES) return 0;
  unsigned n = ++plan->count[me];
  record(n);
  int now = me == plan->process && (n == plan->at || (plan->on && n > plan->at && plan->at));
  if (now) {
    plan->failed++;
    errno = ENOMEM;
  }
  return now;
}

/* The child's number is taken before the fork: it depends on nothing but the broker. */
pid_t fork(void) {
  unsigned child = plan ? ++plan->forked : 0;
  pid_t pid = real_fork();
  if (pid == 0) me = child;
  return pid;
}

void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { return fails() ? NULL : __libc_realloc(p, size); }
void *memalign(size_t align, size_t size) { return fails() ? NULL : __libc_memalign(align, size); }
void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }
int posix_memalign(void **out, size_t align, size_t size) {
  *out = memalign(align, size);
  return *out ? 0 : ENOMEM;
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset) {
  if ((flags & MAP_ANONYMOUS) && fails()) return MAP_FAILED;
  return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}

void *mremap(void *old, size_t old_n, size_t n, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  void *at = flags & MREMAP_FIXED ? va_arg(ap, void *) : NULL;
  va_end(ap);
  return fails() ? MAP_FAILED : (void *)syscall(SYS_mremap, old, old_n, n, flags, at);
}
