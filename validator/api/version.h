/* What this build is: for `version`, `doctor` and the head of every report. */
#ifndef CKPTLINT_API_VERSION_H
#define CKPTLINT_API_VERSION_H

#include "report/report.h"

#define CKPTLINT_VERSION "0.1.0"
#define CKPTLINT_RULESET "2026.11"

void version_event(cJSON *tool);

#endif
