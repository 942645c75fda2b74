/* For MODE=cover (ld --wrap; Makefile): a sealed process can't write down what ran, so no worker but the
 * canary of sandbox_probe is sealed, and each writes it down when it has sent its last frame. Verdicts stay
 * those of sealed workers where no limit of the kernel decides them. */
#include <gcov.h>
#include <unistd.h>

#include "sandbox/raw.h"
#include "sandbox/state.h"

static bool probing, unsealed;

struct sandbox *__real_sandbox_probe(void);
struct sandbox *__wrap_sandbox_probe(void);
void __real_lockdown(struct lockdown *l);
void __wrap_lockdown(struct lockdown *l);
void __real_wire_end(struct wire_out *w, bool complete);
void __wrap_wire_end(struct wire_out *w, bool complete);

struct sandbox *__wrap_sandbox_probe(void) {
  probing = true;
  struct sandbox *s = __real_sandbox_probe();
  probing = false;
  return s;
}

static bool keep_report(int fd) {
  return fd == REPORT_FD || (dup2(fd, REPORT_FD) == REPORT_FD && close(fd) == 0);
}

void __wrap_lockdown(struct lockdown *l) {
  if (probing) {
    __real_lockdown(l);
    return;
  }
  unsealed = true;
  if (!keep_report(l->report_fd) || (l->task->prepare && !l->task->prepare(l->task->ctx)))
    raw_exit(EXIT_SETUP);
}

void __wrap_wire_end(struct wire_out *w, bool complete) {
  __real_wire_end(w, complete);
  if (unsealed) __gcov_dump();
}
