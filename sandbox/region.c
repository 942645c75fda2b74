#include <errno.h>
#include <sys/mman.h>

#include "sandbox/spawn.h"

/* NORESERVE: a budget of 256 MiB is address space, only touched pages are memory. */
void *region_map_shared(size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

void *region_map(size_t bytes) {
  void *p = region_map_shared(bytes);
  if (!p || region_lend((struct region){p, bytes}, false)) return p;
  int error = errno;
  region_unmap(p, bytes);
  errno = error;
  return NULL;
}

bool region_lend(struct region r, bool lent) {
  return !r.p || madvise(r.p, r.n, lent ? MADV_DOFORK : MADV_DONTFORK) == 0;
}

void region_unmap(void *p, size_t bytes) {
  if (p) munmap(p, bytes);
}

bool region_freeze(void *p, size_t bytes) {
  return mprotect(p, bytes, PROT_READ) == 0 && region_lend((struct region){p, bytes}, true);
}
