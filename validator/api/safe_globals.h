/* What torch.load(weights_only=True) must be told before it loads a file: one line of Python, or why there is
 * none. */
#ifndef CKPTLINT_API_SAFE_GLOBALS_H
#define CKPTLINT_API_SAFE_GLOBALS_H

#include <cjson/cJSON.h>

#include "api/imports.h"

/* Would it stop? The findings say so. */
bool weights_only_stops(const struct job *job);
/* Adds `safe_globals` to the file's event (doc/events.md). True: a line was written. */
bool add_safe_globals(const struct job *job, const struct imports *names, cJSON *file);

#endif
