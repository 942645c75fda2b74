#include "report/out.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

struct out out_to_fd(int fd) {
  return (struct out){.fd = fd, .max = OUT_BUFFER};
}
struct out out_to_memory(size_t max) {
  return (struct out){.fd = -1, .max = max};
}

void out_free(struct out *o) {
  free(o->p);
  *o = (struct out){.fd = -1, .failed = true};
}

/* A pipe that somebody made non-blocking fills up: wait for its reader instead of losing the report. */
static bool wait_writable(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

static bool write_all(int fd, const uint8_t *p, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, p, n);
    if (done >= 0) {
      p += done;
      n -= (size_t)done;
    } else if (errno != EINTR && !(errno == EAGAIN && wait_writable(fd))) {
      return false;
    }
  }
  return true;
}

bool out_flush(struct out *o) {
  if (o->fd >= 0 && !o->failed && o->n > 0) {
    o->failed = !write_all(o->fd, o->p, o->n);
    o->n = 0;
  }
  return !o->failed;
}

static bool grow(struct out *o, size_t need) {
  if (need <= o->cap) return true;
  if (need > o->max) return false;
  size_t cap = o->fd >= 0 ? o->max : min_size(o->max, 128);
  if (cap < o->cap) cap = o->cap;
  while (cap < need) cap = cap > o->max / 2 ? o->max : cap * 2;
  uint8_t *p = memory_realloc(o->p, cap);
  if (!p) return false;
  o->p = p;
  o->cap = cap;
  return true;
}

void out_span(struct out *o, struct span bytes) {
  while (bytes.n > 0 && !o->failed) {
    size_t part = o->fd >= 0 ? min_size(bytes.n, OUT_BUFFER - o->n) : bytes.n;
    size_t need;
    if (!try_add(o->n, part, &need) || !grow(o, need)) {
      o->failed = true;
      return;
    }
    memcpy(o->p + o->n, bytes.p, part);
    o->n = need;
    bytes = span_from(bytes, part);
    if (o->fd >= 0 && o->n == OUT_BUFFER && !out_flush(o)) return;
  }
}

void out_str(struct out *o, const char *trusted) { out_span(o, span_str(trusted)); }

void out_repeat(struct out *o, char c, size_t n) {
  char run[64];
  memset(run, c, sizeof run);
  for (; n > 0; n -= min_size(n, sizeof run)) out_span(o, span_of(run, min_size(n, sizeof run)));
}

void out_format(struct out *o, const char *format, ...) {
  char line[1024];
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(line, sizeof line, format, ap);
  va_end(ap);
  if (n < 0 || (size_t)n >= sizeof line) {
    o->failed = true;
    return;
  }
  out_span(o, span_of(line, (size_t)n));
}
