#include "api/serve.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/pipeline.h"
#include "base/json.h"

enum { REQUEST_MAX = 4096 };

/* One request: a line, and the descriptor that came with it (-1 if none did). Answers its length, 0 at the
 * end. */
// NOLINTNEXTLINE(readability-non-const-parameter): recvmsg writes to it
static size_t receive(int socket, char line[REQUEST_MAX], int *fd) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec io = {line, REQUEST_MAX};
  struct msghdr msg = {
      .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  *fd = -1;
  ssize_t n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
  if (n <= 0) return 0;
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  bool has_fd =
      c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int));
  if (has_fd) memcpy(fd, CMSG_DATA(c), sizeof *fd);
  return (size_t)n;
}

static bool is_true(const cJSON *request, const char *key) { return cJSON_IsTrue(json_get(request, key)); }

/* False when the answer is not whole: nobody may wait for the rest of it. */
static bool answer(int socket, int fd, const cJSON *request, struct sandbox *sandbox) {
  struct run_options o = {.verb = VERB_SCAN,
                          .fail_on = SEV_HIGH,
                          .sandbox = SANDBOX_STANDARD,
                          .rtol = -1,
                          .atol = -1,
                          .jobs = 1,
                          .strict_keys = true,
                          .isolated = true,
                          .limits = limits_default()};
  o.depth = is_true(request, "quick") ? DEPTH_QUICK : DEPTH_FULL;
  o.profile = is_true(request, "weights") ? PROFILE_WEIGHTS : PROFILE_STRICT;
  const cJSON *name = json_get(request, "name");
  const char *path = cJSON_IsString(name) ? name->valuestring : "checkpoint";
  const struct report_options how = {.format = FORMAT_NDJSON, .fd = socket};
  struct report *report = report_open(&how);
  if (!report) return false;
  const struct input_list inputs = {.paths = &path, .fds = &fd, .n = 1};
  (void)run_inputs(&o, &inputs, sandbox, report);
  return report_close(report);
}

int serve(int socket, struct sandbox *sandbox) {
  char line[REQUEST_MAX];
  int fd;
  struct limits max = limits_default();
  for (size_t n; (n = receive(socket, line, &fd)) != 0;) {
    struct json_error err;
    cJSON *request = json_parse(span_of(line, n), &max, &err);
    /* Without a free descriptor here the client's is lost on the way. */
    bool answered = request && fd >= 0 && answer(socket, fd, request, sandbox);
    cJSON_Delete(request);
    if (fd >= 0) close(fd);
    if (!answered) return 4;
  }
  return 0;
}
