#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/state.h"

/* Debian 12's <linux/landlock.h> ends at ABI 2, so the numbers stand here (include/uapi/linux/landlock.h). */
struct ruleset_attr {
  uint64_t handled_fs, handled_net, scoped;
};
enum { CREATE_VERSION = 1 };

/* What each ABI added. A right that the kernel does not know is refused, and so is a larger struct. */
static const struct generation {
  int abi;
  uint64_t fs, net, scoped;
  size_t attr_bytes;
} generations[] = {
    {1, 0x1fff, 0, 0, 8},  /* execute, write, read, list, remove, make any kind of file */
    {2, 0x2000, 0, 0, 8},  /* link or rename across directories */
    {3, 0x4000, 0, 0, 8},  /* truncate */
    {4, 0, 0x3, 0, 16},    /* bind and connect TCP */
    {5, 0x8000, 0, 0, 16}, /* ioctl on devices */
    {6, 0, 0, 0x3, 24},    /* abstract sockets and signals outside */
};

int landlock_abi(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
  return abi < 0 ? -errno : (int)abi;
}

int landlock_ruleset(int abi) {
  struct ruleset_attr attr = {0};
  size_t bytes = 0;
  for (size_t i = 0; i < ARRAY_LEN(generations) && generations[i].abi <= abi; i++) {
    attr.handled_fs |= generations[i].fs;
    attr.handled_net |= generations[i].net;
    attr.scoped |= generations[i].scoped;
    bytes = generations[i].attr_bytes;
  }
  return (int)syscall(SYS_landlock_create_ruleset, &attr, bytes, 0); /* close-on-exec always */
}

bool landlock_restrict(int ruleset) { return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0; }
