/* The budgets of every dimension, as one value that is passed down const. The rows are limits.def. */
#ifndef CKPTLINT_BASE_LIMITS_H
#define CKPTLINT_BASE_LIMITS_H

#include "base/ints.h"

struct limits {
#define LIMIT(field, value, unit, flag, why) uint64_t field;
#include "base/limits.def"
#undef LIMIT
};

struct limit_row {
  const char *name, *unit, *flag, *why; /* flag is NULL where no option raises it */
  uint64_t value;
  size_t offset; /* of the field in struct limits */
};
extern const struct limit_row limit_rows[];
extern const size_t num_limit_rows;

struct limits limits_default(void);

#endif
