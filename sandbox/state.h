/* What the files of sandbox/ share: the probed sandbox, and the worker's exit codes. Not for others. */
#ifndef CKPTLINT_SANDBOX_STATE_H
#define CKPTLINT_SANDBOX_STATE_H

#include "sandbox/policy.h"
#include "sandbox/spawn.h"

enum layer_id {
#define LAYER(id, name, level, stops, probe) LAYER_##id,
#include "sandbox/layers.def"
#undef LAYER
  LAYER_COUNT
};

struct sandbox {
  struct sandbox_layer layers[LAYER_COUNT];
  enum sandbox_level level;
  struct policy policy;
  char fingerprint[FINGERPRINT_ROOM]; /* of the policy; empty: there is none */
  int landlock_fd;                    /* an empty ruleset, or -1 */
};

/* How a worker ends on its own. Above 92, so that a library's exit(1) is not one of them. */
enum worker_exit {
  EXIT_VIOLATION = 93, /* last words: VIOLATION */
  EXIT_FAULT = 94,     /* last words: FAULT */
  EXIT_CPU = 95,
  EXIT_SETUP = 96, /* last words: SETUP */
  EXIT_MEMORY = 97,
};

/* The highest Landlock ABI of the kernel; minus errno if there is none. */
int landlock_abi(void);
/* A ruleset that handles everything the ABI knows and allows nothing of it; -1: errno. */
int landlock_ruleset(int abi);
NODISCARD bool landlock_restrict(int ruleset);

/* Alternative stack, and handlers that report and exit for SIGSYS, SIGSEGV, SIGBUS and SIGXCPU. */
NODISCARD bool install_reporters(void);

/* The seal, step by step. Returns sealed; a step that fails ends the process with EXIT_SETUP. */
struct lockdown {
  const struct sandbox *sandbox;
  const struct worker_limits *limits;
  const struct worker_task *task;
  int report_fd; /* wherever the pipe is; REPORT_FD afterwards */
  pid_t broker;
  struct usage {
    uint64_t size, data; /* bytes mapped, and private writable ones among them */
    uint64_t threads;
  } used; /* measured on the way */
};
void lockdown(struct lockdown *l);
/* Name of a step as in last words; NULL: there is none of that number. */
const char *lockdown_step_name(uint32_t step);

#endif
