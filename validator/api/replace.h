/* A file that appears whole or not at all: it is written beside its place under another name, and renamed
 * when all of it is there. What is no regular file (a pipe, a terminal) is written as it comes. */
#ifndef CKPTLINT_API_REPLACE_H
#define CKPTLINT_API_REPLACE_H

#include "base/span.h"
#include "report/out.h"

struct replacing {
  char *path, *beside; /* beside: NULL when `out` goes to the path itself */
  struct out out;      /* where the bytes go */
};

/* False, errno set: it can't be written there. */
NODISCARD bool replace_begin(struct replacing *r, struct span path);
/* Ends what began. False: a byte was lost; then, and without `keep`, the file is as it was before. */
NODISCARD bool replace_end(struct replacing *r, bool keep);

#endif
