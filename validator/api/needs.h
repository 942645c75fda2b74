/* What loading the file needs, and what torch.load(weights_only=True) must be told first: from the plan's
 * globals and tensors, in the broker. */
#ifndef CKPTLINT_API_NEEDS_H
#define CKPTLINT_API_NEEDS_H

#include <cjson/cJSON.h>

#include "api/job.h"

enum weights_only {
  WEIGHTS_ONLY_LOADS,
  WEIGHTS_ONLY_TOLD, /* once it is told the classes of one line, safe_globals.line */
  WEIGHTS_ONLY_STOPS,
};

/* Adds `needs` and `safe_globals` to the file's event (doc/events.md), where there is something to say. */
enum weights_only job_needs(const struct job *job, cJSON *file);

#endif
