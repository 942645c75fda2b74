/* What a worker's end means. The kernel's facts come first, its report second: a perfect report followed by a
 * signal, an odd exit code or a violation is not accepted. */
#include <seccomp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/state.h"

const char *worker_end_name(enum worker_end end) {
  static const char *const names[] = {
      [WORKER_OK] = "ok",
      [WORKER_CRASH] = "crash",
      [WORKER_VIOLATION] = "violation",
      [WORKER_TIMEOUT] = "timeout",
      [WORKER_CPU] = "cpu-limit",
      [WORKER_MEMORY] = "out-of-memory",
      [WORKER_FILE_CHANGED] = "file-changed",
      [WORKER_SETUP] = "setup-failed",
      [WORKER_PROTOCOL] = "protocol-error",
      [WORKER_INCOMPLETE] = "incomplete",
      [WORKER_TOO_BIG] = "report-too-big",
  };
  return names[end];
}

enum obs_kind worker_end_obs(enum worker_end end) {
  static const enum obs_kind kinds[] = {
      [WORKER_OK] = OBS_NONE,
      [WORKER_CRASH] = OBS_WORKER_CRASHED,
      [WORKER_VIOLATION] = OBS_WORKER_VIOLATION,
      [WORKER_TIMEOUT] = OBS_WORKER_TIMEOUT,
      [WORKER_CPU] = OBS_WORKER_CPU,
      [WORKER_MEMORY] = OBS_WORKER_MEMORY,
      [WORKER_FILE_CHANGED] = OBS_WORKER_FILE_CHANGED,
      [WORKER_SETUP] = OBS_WORKER_SETUP,
      [WORKER_PROTOCOL] = OBS_WORKER_PROTOCOL,
      [WORKER_INCOMPLETE] = OBS_WORKER_INCOMPLETE,
      [WORKER_TOO_BIG] = OBS_WORKER_TOO_BIG,
  };
  return kinds[end];
}

struct observation worker_observation(const struct worker_result *r, const struct worker_limits *limits) {
  struct observation o = {.kind = worker_end_obs(r->end)};
  switch (r->end) {
  case WORKER_CRASH:
    o.got = (uint64_t)(r->signal ? r->signal : r->exit_code);
    o.subject = r->signal ? span_str(sigdescr_np(r->signal)) : SPAN("unexpected exit");
    break;
  case WORKER_VIOLATION:
    o.got = r->syscall_nr;
    o.subject = r->syscall_name ? span_str(r->syscall_name) : SPAN("an unknown system call");
    break;
  case WORKER_TIMEOUT:
    o.want = r->took_ms / 1000;
    o.got = r->cpu_ms / 1000;
    break;
  case WORKER_CPU: o.want = limits->cpu_seconds; break;
  case WORKER_MEMORY: o.want = limits->memory_bytes; break;
  case WORKER_TOO_BIG: o.want = limits->report_bytes; break;
  case WORKER_SETUP:
    o.got = (uint64_t)r->setup_errno;
    o.subject = span_str(r->setup_step ? r->setup_step : "an early step");
    break;
  case WORKER_OK:
  case WORKER_FILE_CHANGED:
  case WORKER_PROTOCOL:
  case WORKER_INCOMPLETE: break;
  }
  return o;
}

static enum worker_end end_of_exit(int code, const struct wire_in *in) {
  switch (code) {
  case EXIT_VIOLATION: return WORKER_VIOLATION;
  case EXIT_CPU: return WORKER_CPU;
  case EXIT_SETUP: return WORKER_SETUP;
  case EXIT_MEMORY: return WORKER_MEMORY;
  case EXIT_FAULT: return in->fault && in->signal == SIGBUS ? WORKER_FILE_CHANGED : WORKER_CRASH;
  }
  return WORKER_CRASH;
}

/* SIGKILL that the broker did not send comes from the OOM killer, or from a person. */
static enum worker_end end_of_signal(int signal, const struct worker *w) {
  switch (signal) {
  case SIGSYS: return WORKER_VIOLATION;
  case SIGXCPU: return WORKER_CPU;
  case SIGBUS: return WORKER_FILE_CHANGED;
  case SIGKILL: return w->timed_out ? WORKER_TIMEOUT : WORKER_MEMORY;
  }
  return WORKER_CRASH;
}

static enum worker_end end_of_report(enum wire_status status, const struct wire_in *in) {
  /* Last words, and then a quiet exit: forged. */
  if (in->violation || in->fault || in->setup) return WORKER_PROTOCOL;
  switch (status) {
  case WIRE_OK: return in->complete ? WORKER_OK : WORKER_INCOMPLETE;
  case WIRE_INCOMPLETE: return WORKER_INCOMPLETE;
  case WIRE_PROTOCOL_ERROR: return WORKER_PROTOCOL;
  }
  return WORKER_PROTOCOL;
}

static enum worker_end classify(const struct worker *w, enum wire_status status, const struct wire_in *in) {
  bool exited = w->code == CLD_EXITED;
  enum worker_end end = !w->code    ? WORKER_TIMEOUT
                        : !exited   ? end_of_signal(w->status, w)
                        : w->status ? end_of_exit(w->status, in)
                                    : end_of_report(status, in);
  /* What is missing from a report that was cut can't be known; only a violation is worse. */
  return w->too_big && end != WORKER_VIOLATION ? WORKER_TOO_BIG : end;
}

static const char *name_of_call(struct arena *a, uint32_t nr) {
  char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr);
  struct span copy;
  bool kept = name && arena_copy(a, span_of(name, strlen(name) + 1), &copy);
  free(name);
  return kept ? (const char *)copy.p : NULL;
}

static void release(struct worker *w) {
  if (w->pipe_fd >= 0) close(w->pipe_fd);
  if (w->pidfd >= 0) close(w->pidfd);
  free(w->report);
  *w = (struct worker){.pid = -1, .pidfd = -1, .pipe_fd = -1, .done = true};
}

void worker_finish(struct worker *w, struct arena *a, uint64_t file_size, struct worker_result *out) {
  *out = (struct worker_result){0};
  struct span report = {0};
  enum wire_status status = WIRE_INCOMPLETE;
  if (arena_copy(a, span_of(w->report, w->report_len), &report))
    status = wire_parse(&out->in, a, report, file_size);
  struct wire_in *in = &out->in;
  out->end = classify(w, status, in);
  out->cpu_ms = w->cpu_ns / 1000000;
  out->took_ms = w->took_ms;
  out->exit_code = w->code == CLD_EXITED ? w->status : 0;
  out->signal = w->code != CLD_EXITED ? w->status : in->fault ? (int)in->signal : 0;
  if (out->end == WORKER_VIOLATION && in->violation) {
    out->syscall_nr = in->nr;
    out->syscall_name = name_of_call(a, in->nr);
  }
  if (out->end == WORKER_SETUP && in->setup) {
    out->setup_step = lockdown_step_name(in->step);
    out->setup_errno = (int)in->error;
  }
  if (out->end != WORKER_OK && out->end != WORKER_INCOMPLETE) *in = (struct wire_in){0};
  release(w);
}
