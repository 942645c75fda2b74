/* What the sandbox tests share: one probed sandbox, and children that try things. */
#ifndef CKPTLINT_TESTS_SANDBOX_TRY_H
#define CKPTLINT_TESTS_SANDBOX_TRY_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/spawn.h"
#include "tests/unit/check.h"

/* Limits of a small worker; rows of a test change what they need. */
static inline struct worker_limits small_limits(void) {
  return (struct worker_limits){.memory_bytes = 64 << 20,
                                .cpu_seconds = 5,
                                .wall_ms = 10000,
                                .report_bytes = 1 << 20,
                                .at_least = SANDBOX_STANDARD};
}

/* Starts a worker, waits for it, classifies its end. The arena holds what the result points to. */
static inline struct worker_result try_worker(const struct sandbox *s, const struct worker_limits *limits,
                                              bool (*run)(void *, struct wire_out *), void *ctx,
                                              struct arena *a) {
  const struct worker_task task = {.run = run, .ctx = ctx};
  struct worker w, *const list[] = {&w};
  struct worker_result result;
  assert_true(worker_start(&w, s, limits, &task));
  assert_int_equal(workers_wait(list, 1), 0);
  worker_finish(&w, a, 1 << 20, &result);
  return result;
}

/* Runs body in a plain child that may ruin itself (filters, closed descriptors, another user); answers the
 * status of waitpid. No core, no hang. cmocka's asserts have no place in body: it answers its exit code. */
static inline int try_child(int (*body)(void *), void *ctx) {
  fflush(NULL);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    alarm(20);
    _exit(body(ctx));
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return status;
}

static inline void assert_exit(const char *name, int status, int code) {
  if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
    print_error("%s: status %#x, expected exit %d\n", name, (unsigned)status, code);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), code);
}

static inline void assert_end(const char *name, const struct worker_result *r, enum worker_end want) {
  if (r->end != want)
    print_error("%s: %s, expected %s (signal %d, exit %d, call %u, step %s)\n", name, worker_end_name(r->end),
                worker_end_name(want), r->signal, r->exit_code, r->syscall_nr,
                r->setup_step ? r->setup_step : "-");
  assert_int_equal(r->end, want);
}

#endif
