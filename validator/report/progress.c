#include "report/progress.h"

#include <time.h>
#include <unistd.h>

#include "report/escape.h"
#include "report/figures.h"

enum { QUIET_MS = 500, TTY_MS = 100, LINE_MS = 30000, NAME_BYTES = 48 };

static uint64_t now_ms(void) {
  struct timespec t;
  if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct progress progress_begin(bool on, bool tty) {
  uint64_t now = on ? now_ms() : 0;
  return (struct progress){.on = on, .tty = tty, .started_ms = now, .last_ms = now};
}

static bool is_due(const struct progress *p, uint64_t now) {
  return p->on && now - p->started_ms >= QUIET_MS && now - p->last_ms >= (p->tty ? TTY_MS : LINE_MS);
}

void progress_show(struct progress *p, uint64_t done, uint64_t total, uint64_t bytes, struct span current) {
  uint64_t now = p->on ? now_ms() : 0;
  char size[FIGURE_ROOM], rate[FIGURE_ROOM];
  if (!is_due(p, now)) return;
  double seconds = (double)(now - p->started_ms) / 1000;
  struct out line = out_to_fd(STDERR_FILENO);
  if (p->tty) out_str(&line, "\r\033[K");
  out_format(&line, "%ju", (uintmax_t)done);
  if (total > 0) out_format(&line, " of %ju", (uintmax_t)total);
  out_format(&line, " checked, %s, %s/s  ", figure_bytes(size, bytes),
             figure_bytes(rate, (uint64_t)((double)bytes / seconds)));
  escape_visible(&line, current, NAME_BYTES);
  if (!p->tty) out_str(&line, "\n");
  out_flush(&line);
  out_free(&line);
  p->shown = p->tty;
  p->last_ms = now;
}

void progress_clear(struct progress *p) {
  static const char clear[] = "\r\033[K";
  if (!p->shown) return;
  p->shown = write(STDERR_FILENO, clear, sizeof clear - 1) <
             0; /* best effort: a lost line of progress is no fault */
}
