/* `describe --emit-arch` and `--family`: an architecture file from what a checkpoint tells. */
#ifndef CKPTLINT_API_SKETCH_H
#define CKPTLINT_API_SKETCH_H

#include "api/job.h"
#include "report/out.h"

struct sketch {
  struct out out;        /* to memory: the file */
  uint32_t inputs;       /* that were described */
  const char *complaint; /* why there is no file; NULL: there is one */
};
void sketch_write(struct sketch *s, const struct job *job);

#endif
