#include "base/limits.h"

const struct limit_row limit_rows[] = {
#define LIMIT(field, value, unit, flag, why) {#field, unit, flag, why, value, offsetof(struct limits, field)},
#include "base/limits.def"
#undef LIMIT
};
const size_t num_limit_rows = ARRAY_LEN(limit_rows);

struct limits limits_default(void) {
  static const struct limits defaults = {
#define LIMIT(field, value, unit, flag, why) .field = (value),
#include "base/limits.def"
#undef LIMIT
  };
  return defaults;
}
