/* The library's side of ckptlint.h: starts the broker, sends requests with a descriptor, reads JSON lines
 * until the summary. The broker is trusted; its lines are parsed by the one JSON front all the same. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/ckptlint.h"
#include "api/version.h"
#include "base/json.h"
#include "base/utf8.h"

enum { BROKER_FD = 3, LINE_START = 4096, ANSWER_MAX = 64 << 20, NAME_ROOM = 600 };

struct ckl_session {
  pid_t pid;
  int fd; /* -1 once an answer was not read whole: what is left of it must never pass for the next one */
};

struct ckl_result {
  char *text; /* all lines */
  size_t n, cap;
  cJSON **findings;
  size_t num_findings;
  enum ckl_verdict verdict;
  int exit_code;
  bool has_file, has_summary;
};

const char *ckl_version(void) { return CKPTLINT_VERSION; }

const char *ckl_status_text(enum ckl_status status) {
  switch (status) {
  case CKL_OK: return "ok";
  case CKL_NO_BROKER: return "the ckptlint program could not be started, or it ended";
  case CKL_PROTOCOL: return "the answer is not what a broker says";
  case CKL_NO_MEMORY: return "out of memory";
  case CKL_USAGE: return "wrong call";
  case CKL_NO_SANDBOX: return "the sandbox can't be put on here: ckptlint doctor shows what is missing";
  }
  return "?";
}

static bool spawn_broker(ckl_session *s, const char *program, int theirs) {
  char *argv[] = {(char[]){"ckptlint"}, (char[]){"serve"}, NULL};
  char *envp[] = {NULL};
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions) != 0) return false;
  /* dup2 onto itself clears close-on-exec, so that the number is right in either case. */
  bool ok = posix_spawn_file_actions_adddup2(&actions, theirs, BROKER_FD) == 0;
  ok = ok && (program ? posix_spawn(&s->pid, program, &actions, NULL, argv, envp)
                      : posix_spawnp(&s->pid, "ckptlint", &actions, NULL, argv, envp)) == 0;
  posix_spawn_file_actions_destroy(&actions);
  return ok;
}

enum ckl_status ckl_open(ckl_session **out, const char *program) {
  int pair[2];
  if (!out) return CKL_USAGE;
  *out = NULL;
  ckl_session *s = calloc(1, sizeof *s);
  if (!s) return CKL_NO_MEMORY;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    free(s);
    return CKL_NO_BROKER;
  }
  s->fd = pair[0];
  bool started = spawn_broker(s, program, pair[1]);
  close(pair[1]);
  if (!started) {
    close(pair[0]);
    free(s);
    return CKL_NO_BROKER;
  }
  *out = s;
  return CKL_OK;
}

/* The broker's end of file: it leaves. */
static void give_up(ckl_session *s) {
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
}

void ckl_close(ckl_session *session) {
  if (!session) return;
  give_up(session);
  while (waitpid(session->pid, NULL, 0) < 0 && errno == EINTR) {
  }
  free(session);
}

/* One line with the descriptor attached to its first byte. */
static bool send_request(int to, const char *line, size_t n, int fd) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = {.bytes = {0}};
  union {
    const char *in;
    void *out;
  } text = {.in = line};
  struct iovec io = {text.out, n};
  struct msghdr msg = {
      .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  return sendmsg(to, &msg, MSG_NOSIGNAL) == (ssize_t)n; /* a short line goes out whole or not at all */
}

/* Names are bytes, and may be long; a request is UTF-8, and fits into one page. */
static void shown_name(char out[NAME_ROOM], const char *name) {
  struct span rest = span_first(span_str(name), NAME_ROOM - 1);
  while (rest.n) {
    uint32_t ignored;
    size_t n = utf8_decode(rest, UTF8_STRICT, &ignored);
    if (n == 0) *out = '?';
    if (n) memcpy(out, rest.p, n);
    out += n ? n : 1;
    rest = span_from(rest, n ? n : 1);
  }
  *out = 0;
}

static char *request_line(const char *name, const struct ckl_options *o) {
  char shown[NAME_ROOM];
  shown_name(shown, name);
  cJSON *r = cJSON_CreateObject();
  struct ckl_options none = {.size = sizeof none}, chosen = none;
  if (o) memcpy(&chosen, o, min_size(o->size, sizeof chosen));
  bool ok = r && cJSON_AddStringToObject(r, "name", shown) &&
            cJSON_AddBoolToObject(r, "quick", chosen.quick != 0) &&
            cJSON_AddBoolToObject(r, "weights", chosen.weights_profile != 0);
  char *text = ok ? cJSON_PrintUnformatted(r) : NULL;
  cJSON_Delete(r);
  return text;
}

/* ---- the answer ---- */

static bool grow(ckl_result *r) {
  size_t cap = r->cap ? r->cap * 2 : LINE_START;
  char *p = cap > ANSWER_MAX ? NULL : realloc(r->text, cap);
  if (!p) return false;
  r->text = p;
  r->cap = cap;
  return true;
}

static const char *text_of(const cJSON *event, const char *key) {
  const cJSON *item = json_get(event, key);
  return item && cJSON_IsString(item) ? item->valuestring : NULL;
}

static bool verdict_of(const char *name, enum ckl_verdict *out) {
  static const char *const names[] = {"clean", "findings", "error", "not checked", "incompatible", "unsafe"};
  for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
    if (strcmp(name, names[i]) == 0) {
      *out = (enum ckl_verdict)i;
      return true;
    }
  return false;
}

static bool keep_finding(ckl_result *r, cJSON *event) {
  cJSON **p = realloc(r->findings, (r->num_findings + 1) * sizeof *p);
  if (!p) return false;
  r->findings = p;
  r->findings[r->num_findings++] = event;
  return true;
}

/* Takes one line; false when it is no event. */
static bool take_line(ckl_result *r, struct span line) {
  struct json_error err;
  struct limits max = limits_default();
  cJSON *event = json_parse_event(line, &max, &err);
  const char *type = text_of(event, "type");
  bool ok = type != NULL;
  if (ok && strcmp(type, "finding") == 0 && keep_finding(r, event)) return true;
  if (ok && strcmp(type, "file") == 0) ok = r->has_file = verdict_of(text_of(event, "verdict"), &r->verdict);
  if (ok && strcmp(type, "summary") == 0) {
    int64_t code = 0;
    ok = json_int(json_get(event, "exit"), &code) && code >= 0 && code < 256;
    r->exit_code = (int)code;
    r->has_summary = true;
  }
  cJSON_Delete(event);
  return ok;
}

/* What a whole answer comes to. */
static enum ckl_status status_of(const ckl_result *r) {
  enum { EXIT_USAGE = 4, EXIT_SANDBOX = 5 }; /* cli/exit.def, which the library does not see */
  if (r->exit_code == EXIT_USAGE) return CKL_USAGE;
  if (r->exit_code == EXIT_SANDBOX) return CKL_NO_SANDBOX;
  return r->has_file ? CKL_OK : CKL_PROTOCOL;
}

/* Reads lines until the summary. */
static enum ckl_status read_answer(int fd, ckl_result *r) {
  size_t line = 0;
  while (!r->has_summary) {
    if (r->n + 1 >= r->cap && !grow(r)) return CKL_NO_MEMORY;
    ssize_t got = recv(fd, r->text + r->n, r->cap - r->n - 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return CKL_NO_BROKER;
    size_t end = r->n + (size_t)got;
    for (; r->n < end && !r->has_summary; r->n++) {
      if (r->text[r->n] != '\n') continue;
      if (!take_line(r, span_of(r->text + line, r->n - line))) return CKL_PROTOCOL;
      line = r->n + 1;
    }
    if (r->n < end) return CKL_PROTOCOL; /* nothing may follow the summary */
  }
  r->text[r->n] = 0;
  return status_of(r);
}

enum ckl_status ckl_scan_fd(ckl_session *session, int fd, const char *name, const struct ckl_options *options,
                            ckl_result **out) {
  if (out) *out = NULL;
  if (!session || !name || !out || fd < 0) return CKL_USAGE;
  if (session->fd < 0) return CKL_NO_BROKER;
  char *line = request_line(name, options);
  ckl_result *r = calloc(1, sizeof *r);
  if (!line || !r) {
    free(line);
    free(r);
    return CKL_NO_MEMORY;
  }
  size_t n = strlen(line);
  line[n] = '\n'; /* in place of the NUL: the request is length n + 1 */
  enum ckl_status status =
      send_request(session->fd, line, n + 1, fd) ? read_answer(session->fd, r) : CKL_NO_BROKER;
  free(line);
  bool whole = status == CKL_OK || status == CKL_USAGE || status == CKL_NO_SANDBOX;
  if (!whole) give_up(session);
  if (status == CKL_OK)
    *out = r;
  else
    ckl_result_free(r);
  return status;
}

static bool fill(int fd, const uint8_t *p, size_t n) {
  while (n) {
    ssize_t w = write(fd, p, n);
    if (w < 0 && errno == EINTR) continue;
    if (w <= 0) return false;
    p += w;
    n -= (size_t)w;
  }
  return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
}

enum ckl_status ckl_scan_mem(ckl_session *session, const void *bytes, size_t n, const char *name,
                             const struct ckl_options *options, ckl_result **out) {
  if (out) *out = NULL;
  if (!bytes && n) return CKL_USAGE;
  int fd = memfd_create("checkpoint", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return CKL_NO_MEMORY;
  enum ckl_status status = fill(fd, bytes, n) ? ckl_scan_fd(session, fd, name, options, out) : CKL_NO_MEMORY;
  close(fd);
  return status;
}

void ckl_result_free(ckl_result *result) {
  if (!result) return;
  for (size_t i = 0; i < result->num_findings; i++) cJSON_Delete(result->findings[i]);
  free(result->findings);
  free(result->text);
  free(result);
}

enum ckl_verdict ckl_result_verdict(const ckl_result *result) { return result->verdict; }
int ckl_result_exit(const ckl_result *result) { return result->exit_code; }
size_t ckl_result_findings(const ckl_result *result) { return result->num_findings; }

static const char *finding_text(const ckl_result *r, size_t i, const char *key) {
  return i < r->num_findings ? text_of(r->findings[i], key) : NULL;
}
const char *ckl_result_rule(const ckl_result *result, size_t i) { return finding_text(result, i, "rule"); }
const char *ckl_result_severity(const ckl_result *result, size_t i) {
  return finding_text(result, i, "severity");
}
const char *ckl_result_message(const ckl_result *result, size_t i) {
  return finding_text(result, i, "message");
}

const char *ckl_result_json(const ckl_result *result, size_t *n) {
  if (n) *n = result->n;
  return result->text;
}
