/* The seal: what a worker does between fork and its first look at the file. Order matters. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/raw.h"
#include "sandbox/state.h"

enum { RULESET_FD = REPORT_FD + 1, HIGH_FD = 64, SET_MDWE = 65, MDWE_REFUSE_EXEC_GAIN = 1 };

static bool wants_seal(const struct lockdown *l) { return l->limits->at_least != SANDBOX_NONE; }

/* PDEATHSIG has a race: the broker may be gone before it is set. */
static bool die_with_broker(struct lockdown *l) {
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == l->broker;
}

/* Handlers inherited by fork would run the broker's code on Ctrl-C. Signals are blocked from before the fork
 * to here. KILL, STOP and libc's own two refuse, which is fine. What a terminal or timeout(1) sends to the
 * whole group is for the broker to answer: a worker that dies of it would look like a crash. */
static bool reset_signals(struct lockdown *l) {
  static const int of_the_group[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
  (void)l;
  for (int i = 1; i < NSIG; i++) (void)signal(i, SIG_DFL);
  for (size_t i = 0; i < ARRAY_LEN(of_the_group); i++) (void)signal(of_the_group[i], SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  return pthread_sigmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool close_by_directory(int first) {
  DIR *d = opendir("/proc/self/fd");
  if (!d) return false;
  /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread, a stream of its own */
  for (struct dirent *e; (e = readdir(d));) {
    int fd = 0;
    for (const char *c = e->d_name; *c >= '0' && *c <= '9' && fd < INT16_MAX; c++) fd = fd * 10 + (*c - '0');
    if (fd >= first && fd != dirfd(d)) close(fd);
  }
  closedir(d);
  return true;
}

/* Where an outer filter refuses close_range, or would kill for it. */
static bool close_from(const struct sandbox *s, int first) {
  return (s->layers[LAYER_CLOSE].on && syscall(SYS_close_range, first, ~0U, 0) == 0) ||
         close_by_directory(first);
}

static bool move_fd(int from, int to) { return from < 0 || dup2(from, to) == to; }

/* Over a high number first: one may stand where the other goes, and a plain chain of dup2 overwrites it. */
static bool keep_descriptors(struct lockdown *l) {
  int report = fcntl(l->report_fd, F_DUPFD, HIGH_FD);
  int ruleset = wants_seal(l) ? fcntl(l->sandbox->landlock_fd, F_DUPFD, HIGH_FD) : -1; /* or there is none */
  if (report < 0 || !move_fd(report, REPORT_FD) || !move_fd(ruleset, RULESET_FD)) return false;
  l->report_fd = REPORT_FD;
  for (int fd = 0; fd < REPORT_FD; fd++)
    if (fd != STDERR_FILENO || !policy_profile().keeps_stderr) close(fd);
  return close_from(l->sandbox, ruleset < 0 ? RULESET_FD : RULESET_FD + 1);
}

static bool set_reporters(struct lockdown *l) {
  (void)l;
  return install_reporters();
}

/* Root without capabilities is still the owner of root's files; Landlock and the filter stop that. */
static bool drop_capabilities(struct lockdown *l) {
  (void)l;
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  return syscall(SYS_capset, &head, none) == 0;
}

/* Best effort: when memory runs out, the parser goes and not its neighbours. Before dumpable = 0, which hands
 * /proc/self to root. */
static bool volunteer_for_oom(struct lockdown *l) {
  (void)l;
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return true;
  ssize_t ignored = write(fd, "1000", 4);
  (void)ignored;
  close(fd);
  return true;
}

static bool hide_from_ptrace(struct lockdown *l) {
  (void)l;
  return prctl(PR_SET_DUMPABLE, 0) == 0;
}

static bool load_libraries(struct lockdown *l) {
  errno = 0;
  return !l->task->prepare || l->task->prepare(l->task->ctx);
}

/* The number behind "Name:" in /proc/self/status. */
static bool status_number(const char *text, const char *name, uint64_t *out) {
  const char *p = strstr(text, name);
  if (!p) return false;
  p += strlen(name);
  while (*p == ' ' || *p == '\t') p++;
  *out = 0;
  for (; *p >= '0' && *p <= '9'; p++) *out = *out * 10 + (uint64_t)(*p - '0');
  return true;
}

static bool measure(struct lockdown *l) {
  char text[4096];
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n < 0) return false;
  text[n] = 0;
  struct usage *u = &l->used;
  if (!status_number(text, "\nVmSize:", &u->size) || !status_number(text, "\nVmData:", &u->data) ||
      !status_number(text, "\nThreads:", &u->threads))
    return false;
  u->size *= 1024;
  u->data *= 1024;
  return true;
}

/* A thread that a library started while it was loaded would run without a filter. */
static bool be_alone(struct lockdown *l) {
  errno = EBUSY;
  return l->used.threads == 1;
}

static uint64_t add_up(uint64_t a, uint64_t b) {
  uint64_t sum;
  return try_add(a, b, &sum) ? sum : UINT64_MAX;
}

/* Never above what an outer limit leaves: raising needs a privilege that is gone. */
static bool lower_limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard) {
  struct rlimit r;
  if (getrlimit(resource, &r)) return false;
  r.rlim_max = min_u64(r.rlim_max, hard);
  r.rlim_cur = min_u64(r.rlim_max, soft);
  return setrlimit(resource, &r) == 0;
}

/* SIGXCPU and a report at the first, SIGKILL at the second; holds when the broker is stopped, too. Before
 * libraries are loaded: one that runs in circles then has no more time than any file. */
static bool limit_time(struct lockdown *l) {
  const uint64_t cpu = max_u64(l->limits->cpu_seconds, 1); /* 0 would kill at the first tick */
  return lower_limit(RLIMIT_CPU, cpu, add_up(cpu, 1));
}

static bool set_rlimits(struct lockdown *l) {
  const struct usage used = l->used;
  const uint64_t memory = l->limits->memory_bytes;
  const struct {
    __rlimit_resource_t resource;
    uint64_t soft, hard;
  } rows[] = {
#define RLIMIT(resource, soft, hard, why) {RLIMIT_##resource, soft, hard},
#include "sandbox/rlimits.def"
#undef RLIMIT
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++)
    if (!lower_limit(rows[i].resource, rows[i].soft, rows[i].hard)) return false;
  return true;
}

static bool refuse_executable_gain(struct lockdown *l) {
  (void)l;
  return prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0;
}

static bool renounce_privileges(struct lockdown *l) {
  (void)l;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool restrict_paths(struct lockdown *l) {
  (void)l;
  return landlock_restrict(RULESET_FD) && close(RULESET_FD) == 0;
}

static bool filter_calls(struct lockdown *l) {
  return policy_install(&l->sandbox->policy, SECCOMP_FILTER_FLAG_TSYNC);
}

/* Refused with EPERM by nobody but our own filter. */
static bool feel_the_filter(struct lockdown *l) {
  (void)l;
  errno = ENOSYS;
  return raw_call3(SYS_gettid, 0, 0, 0) == -EPERM;
}

/* A step that belongs to a layer is left out where the probe found the layer missing. The seal proper is also
 * left out when the user asked for none. */
enum { EVERYWHERE = LAYER_COUNT };
static const struct step {
  const char *name;
  bool (*run)(struct lockdown *l);
  int layer;
  bool seal;
} steps[] = {
    {"die with the broker", die_with_broker, EVERYWHERE, false},
    {"signals", reset_signals, EVERYWHERE, false},
    {"descriptors", keep_descriptors, EVERYWHERE, false},
    {"reporters", set_reporters, EVERYWHERE, false}, /* they write to REPORT_FD, which is the pipe only now */
    {"capabilities", drop_capabilities, EVERYWHERE, false},
    {"oom score", volunteer_for_oom, EVERYWHERE, false},
    {"dumpable", hide_from_ptrace, LAYER_DUMPABLE, false},
    {"processor time", limit_time, LAYER_RLIMITS, false},
    {"libraries", load_libraries, EVERYWHERE, false},
    {"measure", measure, EVERYWHERE, false},
    {"one thread", be_alone, EVERYWHERE, true},
    {"rlimits", set_rlimits, LAYER_RLIMITS, false},
    {"mdwe", refuse_executable_gain, LAYER_MDWE, true},
    {"no_new_privs", renounce_privileges, LAYER_NNP, false},
    {"landlock", restrict_paths, LAYER_LANDLOCK, true},
    {"seccomp", filter_calls, LAYER_SECCOMP, true},
    {"sentinel", feel_the_filter, LAYER_SECCOMP, true},
};

const char *lockdown_step_name(uint32_t step) { return step < ARRAY_LEN(steps) ? steps[step].name : NULL; }

static bool applies(const struct step *step, const struct lockdown *l) {
  if (step->seal && !wants_seal(l)) return false;
  return step->layer == EVERYWHERE || l->sandbox->layers[step->layer].on;
}

void lockdown(struct lockdown *l) {
  for (uint32_t i = 0; i < ARRAY_LEN(steps); i++) {
    if (!applies(&steps[i], l) || steps[i].run(l)) continue;
    wire_last_words(l->report_fd, FRAME_SETUP, i, (uint32_t)errno, 0);
    raw_exit(EXIT_SETUP);
  }
}
