/* Where rendered bytes go: a descriptor through one buffer, or memory up to a cap. A failure stays: nothing
 * is written behind it, and whoever closes the report learns of it. */
#ifndef CKPTLINT_REPORT_OUT_H
#define CKPTLINT_REPORT_OUT_H

#include <stdint.h>

#include "base/span.h"

enum { OUT_BUFFER = 64 * 1024 };

struct out {
  int fd;        /* -1: memory */
  size_t cap, n; /* bytes of `p`, and how many are used */
  size_t max;    /* memory: never more than this */
  uint8_t *p;
  bool failed;
};

struct out out_to_fd(int fd);
struct out out_to_memory(size_t max);
void out_free(struct out *o); /* flushes nothing */

void out_span(struct out *o, struct span bytes);
void out_str(struct out *o, const char *trusted);
void out_repeat(struct out *o, char c, size_t n);
void out_format(struct out *o, const char *format, ...) PRINTF_LIKE(2, 3);
/* What was written so far: memory only. */
static inline struct span out_taken(const struct out *o) { return span_of(o->p, o->n); }
/* Memory only: forgets what was written, keeps the room. */
static inline void out_reset(struct out *o) { o->n = 0; }
/* False when any byte since out_to_fd could not be written. */
bool out_flush(struct out *o);

#endif
