/* What this build is: for `version`, `doctor` and the head of every report. */
#ifndef CKPTLINT_API_VERSION_H
#define CKPTLINT_API_VERSION_H

#include "report/report.h"

#define CKPTLINT_VERSION "0.1.0"
#define CKPTLINT_RULESET "2026.11"

/* SHA-256 in hex of the built-in policy: the texts of rules/globals, of rules.def and of base/obs_NAME.def,
 * one behind the other in the order of their paths. The Makefile computes it. */
const char *version_lists_sha256(void);

void version_event(cJSON *tool);

#endif
