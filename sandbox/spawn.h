/* Sealed workers: one process a file and stage, never reused. The broker opens and maps, the worker seals
 * itself, parses, reports and dies; the kernel's word (exit status, signals, time, identity of the file)
 * overrides its own. */
#ifndef CKPTLINT_SANDBOX_SPAWN_H
#define CKPTLINT_SANDBOX_SPAWN_H

#include <sys/types.h>

#include "base/limits.h"
#include "sandbox/wire.h"

enum sandbox_level { SANDBOX_NONE, SANDBOX_REDUCED, SANDBOX_STANDARD, SANDBOX_FULL };
const char *sandbox_level_name(enum sandbox_level level);

/* One layer of the lock-down as the probe found it. */
struct sandbox_layer {
  const char *name;  /* "seccomp", "landlock", … (layers.def) */
  const char *stops; /* what it is for, in words */
  bool on;
  bool essential; /* without it the level is below standard */
  int number;     /* Landlock ABI, instructions of the filter, … or 0 */
  int error;      /* errno of the probe, or minus the signal that killed it */
};

struct sandbox; /* what was probed and built once: filters, Landlock ruleset */

/* Probes every layer in throw-away children, builds both filters with libseccomp. NULL only when out of
 * memory. Call once, before anything is opened; it also makes sure that descriptors 0-2 are valid. */
struct sandbox *sandbox_probe(void);
void sandbox_free(struct sandbox *s);
enum sandbox_level sandbox_level(const struct sandbox *s);
/* Takes off what SANDBOX_NONE leaves off, so that the level and the layers tell what workers really wear. */
void sandbox_take_off(struct sandbox *s);
size_t sandbox_layers(const struct sandbox *s, const struct sandbox_layer **out);
/* SHA-256 of the filters as 64 hex digits; empty where there are none. */
const char *sandbox_policy_digest(const struct sandbox *s);

struct worker_limits {
  uint64_t memory_bytes;       /* RLIMIT_DATA and RLIMIT_AS: this much over what is mapped at the seal */
  uint64_t cpu_seconds;        /* RLIMIT_CPU */
  uint64_t wall_ms;            /* by the clock without getting on, and PATIENCE times as much in all */
  uint64_t report_bytes;       /* by pipe; over it the worker is killed */
  enum sandbox_level at_least; /* below it worker_start refuses; SANDBOX_NONE asks for no seal at all (tests,
                                  and the user's explicit wish) */
};

/* Shared memory of region_map; p NULL: none. */
struct region {
  void *p;
  size_t n;
};

/* What a worker runs. `prepare` (may be NULL) runs in the child before the seal: libraries are loaded there;
 * false ends the worker with WORKER_SETUP. `run` runs sealed and answers whether its stage is complete. ctx
 * is the parent's memory, inherited by fork. `writes` are the regions that it fills: of those that are not
 * frozen it has no others. */
enum { TASK_REGIONS = 2 };
struct worker_task {
  bool (*prepare)(void *ctx);
  bool (*run)(void *ctx, struct wire_out *out);
  void *ctx;
  struct region writes[TASK_REGIONS];
};

enum worker_end {
  WORKER_OK,        /* exit 0, whole report */
  WORKER_CRASH,     /* a signal or an unexpected exit */
  WORKER_VIOLATION, /* the filter stopped it */
  WORKER_TIMEOUT,
  WORKER_CPU,
  WORKER_MEMORY,
  WORKER_FILE_CHANGED, /* SIGBUS: the mapping shrank under it */
  WORKER_SETUP,        /* the seal could not be put on */
  WORKER_PROTOCOL,     /* the report breaks the rules of wire.h */
  WORKER_INCOMPLETE,   /* the report has no END, or END says so */
  WORKER_TOO_BIG,      /* more report than report_bytes */
};
const char *worker_end_name(enum worker_end end);

/* A worker that waits for a processor or a slow disk gets on all the same: only the clock of one that is
 * stopped, or whose file no longer answers, runs out after wall_ms. */
enum { PATIENCE = 10 };

/* One running or dead worker. The fields are spawn.c's. */
struct worker {
  pid_t pid;
  int pidfd, pipe_fd;                        /* -1: the kernel has no pidfd; the pipe came to its end */
  uint64_t started_ms, deadline_ms, last_ms; /* CLOCK_MONOTONIC; last: whatever it does */
  uint64_t wall_ms, took_ms;                 /* of its limits; until it was killed for its time */
  uint64_t cpu_ns;                           /* processor time when it was last looked at */
  uint8_t *report;                           /* what came so far */
  size_t report_len, report_cap, report_max;
  bool too_big, timed_out; /* why it was sent SIGKILL */
  bool done;
  int status; /* of waitid: exit code or signal */
  int code;   /* of waitid: CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: it could not even be killed */
};

struct worker_result {
  enum worker_end end;
  struct wire_in in; /* findings and texts; empty unless end is WORKER_OK or WORKER_INCOMPLETE */
  int signal, exit_code;
  uint64_t cpu_ms, took_ms; /* processor time; TIMEOUT: by the clock */
  uint32_t syscall_nr;      /* VIOLATION: as the worker's handler says; forgeable, the blocking is not */
  const char *syscall_name; /* or NULL */
  const char *setup_step;   /* SETUP: the step of the seal that failed, or NULL */
  int setup_errno;
};

/* Forks and seals. False when the level is below limits->at_least or fork/pipe fail (errno). */
NODISCARD bool worker_start(struct worker *w, const struct sandbox *s, const struct worker_limits *limits,
                            const struct worker_task *task);
/* From here on SIGINT, SIGTERM and SIGHUP end the waiting and not the process, once each. For a process with
 * one thread that calls workers_wait. */
void workers_mind_signals(void);
/* The signal that came, or 0. */
int workers_signal(void);
/* Waits until one of the workers is dead (deadlines enforced); answers its index, or n when a signal came
 * that is minded. n is 1 to WORKERS_MAX. */
enum { WORKERS_MAX = 128 };
size_t workers_wait(struct worker *const *w, size_t n);
/* Ends workers that nobody waits for any more. worker_finish is due for each, and its answer means nothing.
 */
void workers_kill(struct worker *const *w, size_t n);
/* After its death: classifies, parses the report (into the arena), frees what the worker held. */
void worker_finish(struct worker *w, struct arena *a, uint64_t file_size, struct worker_result *out);
/* For a stage that can't even note that its memory is spent: ends this worker with WORKER_MEMORY. */
_Noreturn void worker_out_of_memory(void);

/* What an end means for the input: a kind of base/obs_run.def, OBS_NONE for WORKER_OK. */
enum obs_kind worker_end_obs(enum worker_end end);
/* The same with the figures and names that its sentence wants. */
struct observation worker_observation(const struct worker_result *r, const struct worker_limits *limits);

/* To be called first in main. Wipes the environment, which may hold tokens of the CI job: a worker is a fork
 * of this process and could show them in a finding. The few variables that this program or its libraries read
 * are kept as copies, so is every argument: argv then points to the copies, and the process list shows the
 * program's name only. False when out of memory: nothing is changed then. */
NODISCARD bool sandbox_scrub_environment(char **argv, char **envp);

/* By which ways foreign code came into this process before main: LD_PRELOAD, LD_AUDIT, /etc/ld.so.preload.
 * What it changes nobody can tell, so it is said in every report. The variables are known once the
 * environment was scrubbed. */
enum { PRELOADS_MAX = 3 };
size_t sandbox_preloads(struct span out[PRELOADS_MAX]);

/* An anonymous shared region that a worker fills and the broker reads after its death. No child has it but
 * the worker whose task names it: the worker of another file, or of another stage, could change what was
 * checked already. NULL: errno. */
void *region_map(size_t bytes);
/* The same for children that are no workers: all that are forked from now on have it. */
void *region_map_shared(size_t bytes);
void region_unmap(void *p, size_t bytes);
/* Whether children that are forked from now on have it. */
NODISCARD bool region_lend(struct region r, bool lent);
/* Read-only from now on, in this process and its children, which all have it (a sealed worker can't undo it).
 */
NODISCARD bool region_freeze(void *p, size_t bytes);

#endif
