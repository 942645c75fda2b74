/* The filters, built in a child: libseccomp 2.5.4 frees twice, follows a NULL or runs in circles where memory
 * runs out, and asks the kernel things for which an outer filter may kill. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "sandbox/raw.h"
#include "sandbox/state.h"

struct program {
  uint16_t n;
  struct sock_filter code[BPF_MAXINSNS];
};

/* Shared with the child. */
struct made {
  int error; /* 0: both are there */
  struct program shape, gate;
};

static void hand_over(const struct filter *f, struct program *out) {
  memcpy(out->code, f->code, f->n * sizeof *f->code);
  out->n = f->n;
}

_Noreturn static void make(struct made *out) {
  enum { SECONDS = 1 };
  struct policy p;
  bool done =
      setrlimit(RLIMIT_CPU, &(struct rlimit){SECONDS, SECONDS}) == 0 && policy_build(&p, THIS_MACHINE);
  int error = errno;
  if (done) {
    hand_over(&p.shape, &out->shape);
    hand_over(&p.gate, &out->gate);
  }
  out->error = done ? 0 : error;
  raw_exit(0);
}

static bool take(const struct program *in, struct filter *out) {
  out->code = memory_calloc(in->n, sizeof *in->code);
  if (!out->code) return false;
  memcpy(out->code, in->code, in->n * sizeof *in->code);
  out->n = in->n;
  return true;
}

bool policy_build_apart(struct policy *out) {
  *out = (struct policy){0};
  struct made *made = region_map_shared(sizeof *made);
  if (!made) return false;
  made->error = EPROTO; /* unless the child says better */
  pid_t pid = fork();
  if (pid == 0) make(made);
  if (pid < 0) made->error = errno;
  siginfo_t info;
  while (pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED) && errno == EINTR) continue;
  int error = made->error;
  if (!error && !(take(&made->shape, &out->shape) && take(&made->gate, &out->gate))) error = ENOMEM;
  region_unmap(made, sizeof *made);
  if (error) policy_free(out);
  errno = error;
  return error == 0;
}
