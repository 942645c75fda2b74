/* The names that loading a file imports, as the plan lists them, each once. */
#ifndef CKPTLINT_API_IMPORTS_H
#define CKPTLINT_API_IMPORTS_H

#include "api/job.h"
#include "report/out.h"

/* A name that loading imports, once however many programs of the file name it. */
struct import {
  struct span module, name, codes;
  const struct global_row *row; /* NULL: on no list */
  uint32_t uses;
  bool stops; /* weights_only does */
};
struct imports {
  struct import *p; /* by module and name; free() */
  size_t n;
};

enum { NAME_CAP = 512 }; /* of a name in an event */

/* False: there are too many, which no checkpoint that somebody wrote has; nothing is to be freed then. */
NODISCARD bool imports_collect(const struct job *job, struct imports *out);
/* "module.name" */
void import_write(struct out *o, const struct import *g);

#endif
