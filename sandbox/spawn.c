#include "sandbox/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "sandbox/raw.h"
#include "sandbox/state.h"

enum {
  REPORT_FIRST = 4096, /* most reports fit; fork cost follows the broker's heap */
  TICK_MS = 2,         /* without pidfd */
  LOOKS = 8,           /* within wall_ms, whether it gets on */
  KILL_TICKS = 100,    /* of workers_kill */
  LONGEST_WAIT_MS = 30000,
  KILL_GRACE_MS = 5000, /* a worker that hangs in the kernel (a dead network mount) is given up after it */
};

/* ---- signals ---- */

static const int minded[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t came;

static void note(int signal) { came = signal; }

/* Without SA_RESTART: a broker that waits for its standard input is to wake up. The second of a kind ends the
 * process as ever. */
void workers_mind_signals(void) {
  for (size_t i = 0; i < ARRAY_LEN(minded); i++) {
    struct sigaction before, action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    if (sigaction(minded[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
      (void)sigaction(minded[i], &action, NULL);
  }
}

int workers_signal(void) { return came; }

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- start ---- */

_Noreturn static void be_worker(struct lockdown *l) {
  lockdown(l);
  struct wire_out out = {.fd = REPORT_FD};
  bool complete = l->task->run(l->task->ctx, &out);
  if (memory_has_failed()) worker_out_of_memory(); /* whatever it says, it could not look at everything */
  wire_end(&out, complete && !out.broken);
  raw_exit(0); /* no atexit, no stdio: they would ask for more than the filter allows */
}

/* No signal may run a handler of the broker in the child; lockdown opens the child's mask again. */
static pid_t fork_quietly(void) {
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before)) return -1;
  pid_t pid = fork();
  if (pid != 0) pthread_sigmask(SIG_SETMASK, &before, NULL);
  return pid;
}

/* The broker never blocks on a worker; the worker does, when the pipe is full. */
static bool open_pipe(int ends[2]) {
  return pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

static int open_pidfd(const struct sandbox *s, pid_t pid) {
  return s->layers[LAYER_PIDFD].on ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static uint64_t later(uint64_t now, uint64_t ms, uint64_t times) {
  uint64_t at;
  return try_mul(ms, times, &at) && try_add(now, at, &at) ? at : UINT64_MAX;
}

static bool lend_regions(const struct worker_task *task, bool lent) {
  bool fine = true;
  for (size_t i = 0; i < TASK_REGIONS; i++) fine = region_lend(task->writes[i], lent) && fine;
  return fine;
}

/* With the regions of its task, which no other child has. */
static pid_t fork_with_regions(const struct worker_task *task) {
  pid_t pid = lend_regions(task, true) ? fork_quietly() : -1;
  int error = errno;
  if (pid != 0 && !lend_regions(task, false) && pid > 0) {
    error = errno;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    pid = -1;
  }
  errno = error;
  return pid;
}

bool worker_start(struct worker *w, const struct sandbox *s, const struct worker_limits *limits,
                  const struct worker_task *task) {
  *w = (struct worker){.pid = -1, .pidfd = -1, .pipe_fd = -1};
  if (s->level < limits->at_least) {
    errno = EPERM;
    return false;
  }
  int ends[2];
  if (!open_pipe(ends)) return false;
  pid_t broker = getpid();
  pid_t pid = fork_with_regions(task);
  if (pid == 0) {
    struct lockdown l = {
        .sandbox = s, .limits = limits, .task = task, .report_fd = ends[1], .broker = broker};
    be_worker(&l);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return false;
  }
  w->pid = pid;
  w->pipe_fd = ends[0];
  w->pidfd = open_pidfd(s, pid);
  w->started_ms = now_ms();
  w->wall_ms = limits->wall_ms;
  w->deadline_ms = later(w->started_ms, limits->wall_ms, 1);
  w->last_ms = later(w->started_ms, limits->wall_ms, PATIENCE);
  w->report_max = limits->report_bytes;
  return true;
}

/* ---- wait ---- */

static void kill_worker(struct worker *w) {
  kill(w->pid, SIGKILL); /* its number is its own: it is not reaped yet */
  w->deadline_ms = now_ms() + KILL_GRACE_MS;
}

static bool was_killed(const struct worker *w) { return w->too_big || w->timed_out; }

static void give_up_report(struct worker *w) {
  if (was_killed(w)) return;
  w->too_big = true;
  if (!w->done) kill_worker(w);
}

/* One byte more than allowed is kept, as the proof that there was more. */
static bool make_room(struct worker *w) {
  if (w->report_len < w->report_cap) return true;
  size_t cap = w->report_cap ? w->report_cap * 2 : REPORT_FIRST;
  cap = min_size(cap, w->report_max + 1);
  uint8_t *grown = cap > w->report_cap ? memory_realloc(w->report, cap) : NULL;
  if (!grown) return false;
  w->report = grown;
  w->report_cap = cap;
  return true;
}

static void end_of_pipe(struct worker *w) {
  close(w->pipe_fd);
  w->pipe_fd = -1;
}

/* Takes what is in the pipe. */
static void drain(struct worker *w) {
  while (w->pipe_fd >= 0) {
    if (!make_room(w)) {
      give_up_report(w);
      return;
    }
    ssize_t n = read(w->pipe_fd, w->report + w->report_len, w->report_cap - w->report_len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    if (n == 0) end_of_pipe(w);
    w->report_len += (size_t)n;
  }
}

static uint64_t nanoseconds(struct timeval t) {
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

/* The system call has a fifth argument that libc's waitid keeps to itself: what the dead have used. */
static void reap(struct worker *w) {
  siginfo_t info = {0};
  struct rusage used = {0};
  if (syscall(SYS_waitid, P_PID, w->pid, &info, WEXITED | WNOHANG, &used) || info.si_pid != w->pid) return;
  w->cpu_ns = nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime);
  w->status = info.si_status;
  w->code = info.si_code;
  w->done = true; /* from here on its number may be another's */
  drain(w);
}

/* 0: can't be told. */
static uint64_t processor_time(pid_t pid) {
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return 0;
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Nothing but a processor is what it waits for (proc(5): the state behind the name). False where that can't
 * be told. */
static bool is_ready(pid_t pid) {
  char path[32], text[512];
  (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  const char *name_end = n > 0 ? memrchr(text, ')', (size_t)n) : NULL;
  return name_end && text + n - name_end > 2 && name_end[2] == 'R';
}

/* A worker that has run since the last look, or would if it could, has another wall_ms. */
static void renew_deadline(struct worker *w, uint64_t now) {
  uint64_t cpu = processor_time(w->pid);
  if (cpu <= w->cpu_ns && (now < w->deadline_ms || !is_ready(w->pid))) return;
  w->cpu_ns = max_u64(cpu, w->cpu_ns);
  w->deadline_ms = min_u64(later(now, w->wall_ms, 1), w->last_ms);
}

static void hold_to_deadline(struct worker *w, uint64_t now) {
  if (!was_killed(w)) renew_deadline(w, now);
  if (now < w->deadline_ms) return;
  if (was_killed(w)) {
    w->done = true; /* code stays 0 */
  } else {
    w->timed_out = true;
    w->took_ms = now - w->started_ms;
    kill_worker(w);
  }
}

static uint64_t poll_timeout(const struct worker *w, uint64_t now) {
  if (w->pidfd < 0) return TICK_MS;
  if (w->deadline_ms <= now) return 0;
  return min_u64(w->deadline_ms - now, w->wall_ms / LOOKS + 1);
}

/* One look at all of them. The signals in `open` come in while it waits, and only then. */
static void look(struct worker *const *w, size_t n, const sigset_t *open) {
  struct pollfd fds[2 * WORKERS_MAX];
  uint64_t now = now_ms(), soonest = LONGEST_WAIT_MS;
  for (size_t i = 0; i < n; i++) {
    fds[2 * i] = (struct pollfd){.fd = w[i]->pipe_fd, .events = POLLIN}; /* poll skips -1 */
    fds[2 * i + 1] = (struct pollfd){.fd = w[i]->pidfd, .events = POLLIN};
    soonest = min_u64(soonest, poll_timeout(w[i], now));
  }
  const struct timespec wait = {(time_t)(soonest / 1000), (long)(soonest % 1000) * 1000000};
  if (ppoll(fds, 2 * n, &wait, open) < 0) return;
  for (size_t i = 0; i < n; i++) {
    if (fds[2 * i].revents) drain(w[i]);
    if (fds[2 * i + 1].revents || w[i]->pidfd < 0) reap(w[i]);
    if (!w[i]->done) hold_to_deadline(w[i], now_ms());
  }
}

static size_t first_done(struct worker *const *w, size_t n) {
  size_t i = 0;
  while (i < n && !w[i]->done) i++;
  return i;
}

size_t workers_wait(struct worker *const *w, size_t n) {
  sigset_t closed, open;
  size_t done = n;
  n = min_size(n, WORKERS_MAX);
  sigemptyset(&closed);
  for (size_t i = 0; i < ARRAY_LEN(minded); i++) sigaddset(&closed, minded[i]);
  pthread_sigmask(SIG_BLOCK, &closed, &open);
  while (!came && (done = first_done(w, n)) == n) look(w, n, &open);
  pthread_sigmask(SIG_SETMASK, &open, NULL);
  return came ? n : done;
}

void workers_kill(struct worker *const *w, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!w[i]->done && !was_killed(w[i])) kill_worker(w[i]);
  for (int tick = 0; tick < KILL_TICKS; tick++) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
      if (!w[i]->done) reap(w[i]);
      left += !w[i]->done;
    }
    if (left == 0) return;
    nanosleep(&(struct timespec){0, TICK_MS * 1000000L}, NULL);
  }
  for (size_t i = 0; i < n; i++) w[i]->done = true; /* what hangs in the kernel is given up */
}

_Noreturn void worker_out_of_memory(void) { raw_exit(EXIT_MEMORY); }
