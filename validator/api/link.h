/* Symbolic links below a directory that a person named (ADR 8). Names only: no file is read. */
#ifndef CKPTLINT_API_LINK_H
#define CKPTLINT_API_LINK_H

#include "base/span.h"

/* Opens what a link refers to, with these flags of open(2). The first root_n bytes of the path are the
 * directory that was named. A link may lead to what is beneath that directory; where that lies in the
 * snapshots of a Hugging Face cache (REPOSITORY/snapshots/…, beside REPOSITORY/blobs), to what is beneath the
 * repository's folder. -1: errno is EXDEV where it leads elsewhere. */
int link_open(struct span path, size_t root_n, int flags);
/* The same beneath the directory alone. */
int link_open_inside(struct span path, size_t root_n, int flags);

#endif
