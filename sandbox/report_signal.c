/* The worker's last words. A handler may run with any stack pointer and any heap: it stands on a stack of its
 * own, reads only what the kernel put there, and uses raw system calls that the filter allows. rt_sigaction
 * is refused in a sealed worker, so nobody can put another handler in its place. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "sandbox/raw.h"
#include "sandbox/state.h"

#define LAST_WORDS __attribute__((no_sanitize("address", "undefined"), noreturn))

/* siginfo names both numbers as int. */
LAST_WORDS static void on_violation(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)context;
  uint32_t nr = (uint32_t)info->si_syscall;
  wire_last_words(REPORT_FD, FRAME_VIOLATION, nr, info->si_arch, policy_reason_of(nr));
  raw_exit(EXIT_VIOLATION);
}

LAST_WORDS static void on_fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  wire_last_words(REPORT_FD, FRAME_FAULT, (uint32_t)signal, (uint32_t)info->si_code, 0);
  raw_exit(EXIT_FAULT);
}

LAST_WORDS static void on_cpu_limit(int signal, siginfo_t *info, void *context) {
  (void)context;
  wire_last_words(REPORT_FD, FRAME_FAULT, (uint32_t)signal, (uint32_t)info->si_code, 0);
  raw_exit(EXIT_CPU);
}

static const struct reporter {
  int signal;
  void (*run)(int, siginfo_t *, void *);
} reporters[] = {
    {SIGSYS, on_violation},
    {SIGSEGV, on_fault},
    {SIGBUS, on_fault}, /* the mapped file was truncated */
    {SIGXCPU, on_cpu_limit},
};

/* Room for the largest register file (AMX: 8 KiB and more) and some calls. */
enum { STACK_BYTES = 64 * 1024 };

static bool install_stack(void) {
  void *p = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return false;
  stack_t stack = {.ss_sp = p, .ss_size = STACK_BYTES};
  return sigaltstack(&stack, NULL) == 0;
}

bool install_reporters(void) {
  if (!install_stack()) return false;
  for (size_t i = 0; i < ARRAY_LEN(reporters); i++) {
    struct sigaction action = {.sa_sigaction = reporters[i].run, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    if (sigaction(reporters[i].signal, &action, NULL)) return false;
  }
  return true;
}
