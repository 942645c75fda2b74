/* What this host can enforce. Layers are tried in throw-away children, because an outer filter may kill
 * instead of refuse and because most layers can't be taken off again; at the end a canary, sealed like any
 * worker, must be stopped at a forbidden call. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "sandbox/raw.h"
#include "sandbox/state.h"

/* ---- the probes: a number to show, or minus errno. None may spoil a later one ---- */

static int answer_of(long answer) { return answer < 0 ? -errno : 0; }

static int try_pidfd(void) { return answer_of(syscall(SYS_pidfd_open, getpid(), 0)); }
static int try_close_range(void) { return answer_of(syscall(SYS_close_range, ~0U, ~0U, 0)); }
static int try_dumpable(void) { return answer_of(prctl(PR_SET_DUMPABLE, 0)); }
static int try_rlimits(void) { return answer_of(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0})); }
static int try_mdwe(void) { return answer_of(prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0)); }
static int try_no_new_privs(void) { return answer_of(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

static int try_landlock(void) {
  int abi = landlock_abi();
  if (abi < 0) return abi;
  int ruleset = landlock_ruleset(abi);
  if (ruleset < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !landlock_restrict(ruleset)) return -errno;
  return abi;
}

/* Whether a filter that allows everything is taken, with the action and flag that ours needs. */
static int try_seccomp(void) {
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  struct policy p = {{&allow, 1}, {&allow, 1}};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !policy_install(&p, SECCOMP_FILTER_FLAG_TSYNC)) return -errno;
  return 0;
}

static const struct layer_row {
  const char *name, *stops;
  enum sandbox_level level;
  int (*probe)(void);
} rows[LAYER_COUNT] = {
#define LAYER(id, name, level, stops, probe) {name, stops, SANDBOX_##level, probe},
#include "sandbox/layers.def"
#undef LAYER
};

/* ---- children ---- */

struct answer {
  int number, error; /* as in struct sandbox_layer */
  bool tried;
};

_Noreturn static void try_in_turn(struct answer *answers) {
  (void)signal(SIGSYS, SIG_DFL); /* an outer filter may trap, and the broker may have a handler */
  for (size_t i = 0; i < LAYER_COUNT; i++) {
    if (answers[i].tried) continue;
    answers[i] = (struct answer){.error = ECANCELED, .tried = true};
    int answer = rows[i].probe();
    answers[i].number = answer > 0 ? answer : 0;
    answers[i].error = answer < 0 ? -answer : 0;
  }
  raw_exit(0);
}

/* One child tries layer after layer. If one of them kills it, that is this layer's answer, and the next child
 * goes on behind it. False: no child could be started. */
static bool try_in_child(struct answer *answers) {
  pid_t pid = fork();
  if (pid < 0) return false;
  if (pid == 0) try_in_turn(answers);
  siginfo_t info = {0};
  while (waitid(P_PID, (id_t)pid, &info, WEXITED) && errno == EINTR) continue;
  for (size_t i = 0; i < LAYER_COUNT; i++)
    if (answers[i].tried && answers[i].error == ECANCELED) answers[i].error = -info.si_status;
  return true;
}

/* Without memory or processes nothing was tried, and nothing is on. */
static void probe_layers(struct sandbox *s) {
  enum { ALL_BYTES = LAYER_COUNT * sizeof(struct answer) };
  struct answer *answers = region_map_shared(ALL_BYTES); /* shared with the children */
  while (answers && !answers[LAYER_COUNT - 1].tried && try_in_child(answers)) continue;
  for (size_t i = 0; i < LAYER_COUNT; i++) {
    struct answer a = answers && answers[i].tried ? answers[i] : (struct answer){.error = EAGAIN};
    s->layers[i] = (struct sandbox_layer){
        .name = rows[i].name,
        .stops = rows[i].stops,
        .on = a.error == 0,
        .essential = rows[i].level == SANDBOX_STANDARD,
        .number = a.number,
        .error = a.error,
    };
  }
  region_unmap(answers, ALL_BYTES);
}

static void lose(struct sandbox *s, enum layer_id layer, int error) {
  s->layers[layer].on = false;
  s->layers[layer].number = 0;
  s->layers[layer].error = error;
}

/* ---- what is made once ---- */

static void make_ruleset(struct sandbox *s) {
  if (!s->layers[LAYER_LANDLOCK].on) return;
  s->landlock_fd = landlock_ruleset(s->layers[LAYER_LANDLOCK].number);
  if (s->landlock_fd < 0) lose(s, LAYER_LANDLOCK, errno);
}

static void make_filters(struct sandbox *s) {
  if (!s->layers[LAYER_SECCOMP].on) return;
  if (!policy_build_apart(&s->policy)) {
    lose(s, LAYER_SECCOMP, errno);
    return;
  }
  s->layers[LAYER_SECCOMP].number = s->policy.shape.n + s->policy.gate.n;
  policy_fingerprint(&s->policy, s->fingerprint);
}

/* ---- level ---- */

static bool has_all(const struct sandbox *s, enum sandbox_level level) {
  for (size_t i = 0; i < LAYER_COUNT; i++)
    if (rows[i].level == level && !s->layers[i].on) return false;
  return true;
}

static enum sandbox_level level_of(const struct sandbox *s) {
  if (has_all(s, SANDBOX_STANDARD)) return has_all(s, SANDBOX_FULL) ? SANDBOX_FULL : SANDBOX_STANDARD;
  return s->layers[LAYER_LANDLOCK].on && s->layers[LAYER_RLIMITS].on ? SANDBOX_REDUCED : SANDBOX_NONE;
}

/* ---- canary ---- */

static bool sing(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  raw_call3(SYS_getppid, 0, 0, 0); /* harmless, and on no list */
  return true;
}

/* Filters that are installed and don't filter (an emulated host, a broken kernel) must not count. */
static bool canary_is_stopped(const struct sandbox *s) {
  const struct worker_limits limits = {.memory_bytes = 16 << 20,
                                       .cpu_seconds = 1,
                                       .wall_ms = 5000,
                                       .report_bytes = 4096,
                                       .at_least = SANDBOX_STANDARD};
  const struct worker_task task = {.run = sing};
  struct arena a;
  struct worker w;
  struct worker_result result;
  if (!worker_start(&w, s, &limits, &task)) return false;
  workers_wait(&(struct worker *){&w}, 1);
  arena_init(&a, 1 << 20);
  worker_finish(&w, &a, 0, &result);
  bool stopped = result.end == WORKER_VIOLATION && result.syscall_nr == SYS_getppid;
  arena_free(&a);
  return stopped;
}

/* ---- the whole ---- */

/* With one of them closed the input would become it, and a library's message would go there. What stands in
 * its place fails as a closed one does: nobody may believe that a report was written. */
static void hold_standard_descriptors(void) {
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) return;
}

static int order(const void *a, const void *b) { return memcmp(a, b, 1); }

/* What libc does once and remembers, it does here, so that no worker asks for it under the filter: the size
 * of memory in qsort, the tables of printf for doubles. Workers inherit it. */
static void warm_up(void) {
  char text[32], many[2048] = {0};
  qsort(many, sizeof many, 1, order);
  (void)snprintf(text, sizeof text, "%.17g", 0.1);
}

struct sandbox *sandbox_probe(void) {
  hold_standard_descriptors();
  struct sandbox *s = memory_calloc(1, sizeof *s);
  if (!s) return NULL;
  s->landlock_fd = -1;
  warm_up();
  probe_layers(s);
  make_ruleset(s);
  make_filters(s);
  s->level = level_of(s);
  if (s->level >= SANDBOX_STANDARD && !canary_is_stopped(s)) {
    lose(s, LAYER_SECCOMP, EPROTO);
    s->level = level_of(s);
  }
  return s;
}

void sandbox_free(struct sandbox *s) {
  if (!s) return;
  if (s->landlock_fd >= 0) close(s->landlock_fd);
  policy_free(&s->policy);
  free(s);
}

enum sandbox_level sandbox_level(const struct sandbox *s) { return s->level; }

void sandbox_take_off(struct sandbox *s) {
  static const enum layer_id seal[] = {LAYER_MDWE, LAYER_LANDLOCK, LAYER_SECCOMP};
  for (size_t i = 0; i < ARRAY_LEN(seal); i++) lose(s, seal[i], s->layers[seal[i]].error);
  s->fingerprint[0] = '\0';
  s->level = level_of(s);
}

size_t sandbox_layers(const struct sandbox *s, const struct sandbox_layer **out) {
  *out = s->layers;
  return LAYER_COUNT;
}

const char *sandbox_level_name(enum sandbox_level level) {
  static const char *const names[] = {[SANDBOX_NONE] = "none",
                                      [SANDBOX_REDUCED] = "reduced",
                                      [SANDBOX_STANDARD] = "standard",
                                      [SANDBOX_FULL] = "full"};
  return names[level];
}

const char *sandbox_policy_digest(const struct sandbox *s) { return s->fingerprint; }
