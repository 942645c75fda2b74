/* Patterns of keys, as the command line and architecture files take them. */
#ifndef CKPTLINT_BASE_GLOB_H
#define CKPTLINT_BASE_GLOB_H

#include "base/span.h"

/* '*' is any run of bytes, '?' any byte; the whole text must fit. At most |glob| * |text| steps. */
bool glob_match(struct span glob, struct span text);

#endif
