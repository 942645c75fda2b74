/* `record`: what a model computes today, written down with what computed it, for `forward --expect`
 * (doc/goldens.md). */
#ifndef CKPTLINT_API_RECORD_H
#define CKPTLINT_API_RECORD_H

#include "report/out.h"

struct job;

struct recording {
  struct out *out;       /* the file */
  uint32_t inputs;       /* that could have been recorded */
  const char *complaint; /* why there is no file, or not a whole one; NULL: there is one */
};

void record_write(struct recording *r, const struct job *job);

#endif
