/* outer COMMAND…: runs a command under an outer filter that refuses seccomp(2), and prctl(2) as a way to it,
 * with EPERM: a host without seccomp, as old containers and emulators are. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/ints.h"

int main(int argc, char **argv) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  bool ready = argc > 1 && filter &&
               seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(seccomp), 0) == 0 &&
               seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1,
                                SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)) == 0 &&
               seccomp_load(filter) == 0;
  if (!ready) {
    perror("outer");
    return 70;
  }
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 127;
}
