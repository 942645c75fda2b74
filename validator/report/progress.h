/* A line on standard error while long work goes on. Nothing is shown for the first half second, and nothing
 * is left behind: the line must be cleared before the report writes to the same terminal. */
#ifndef CKPTLINT_REPORT_PROGRESS_H
#define CKPTLINT_REPORT_PROGRESS_H

#include "base/span.h"

struct progress {
  bool on, tty; /* not on a terminal: a line of its own every half minute instead of one that changes */
  bool shown;
  uint64_t started_ms, last_ms;
};

struct progress progress_begin(bool on, bool tty);
/* Inputs done, of how many (0: not known yet), bytes of them, and the one that is being read. Cheap: may be
 * called at every step. */
void progress_show(struct progress *p, uint64_t done, uint64_t total, uint64_t bytes, struct span current);
void progress_clear(struct progress *p);

#endif
