/* What `ckptlint record` wrote: the tests of an architecture file with the inputs and outputs of one day, and
 * what computed them (doc/goldens.md). */
#ifndef CKPTLINT_ARCH_GOLDENS_H
#define CKPTLINT_ARCH_GOLDENS_H

#include "arch/spec.h"

struct goldens {
  struct arch arch;                        /* the architecture file's, but with this text and these tests */
  struct span tool;                        /* "ckptlint 0.1.0" */
  struct span arch_sha256, weights_sha256; /* in hex */
};

/* Is a side file such a text, and no .npy? Decided by its first bytes. */
bool goldens_like(struct span bytes);
/* Reads the text for a parsed architecture file. False, observed with file, line and column, when it is not
 * valid or its tests are not about these inputs and outputs. The JSON behind out->arch is the caller's to
 * close (arch_close). */
NODISCARD bool goldens_parse(struct goldens *out, const struct arch *arch, struct text_file file,
                             struct arena *a, const struct limits *max, struct observations *o);

#endif
