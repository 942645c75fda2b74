/* The policy stage: reads a policy file (doc/policy.md), sealed as the others, since whoever wrote the
 * checkpoint may have written it too. What it says goes to the broker as texts. */
#ifndef CKPTLINT_API_WORKER_POLICY_H
#define CKPTLINT_API_WORKER_POLICY_H

#include "base/limits.h"
#include "sandbox/wire.h"

struct policy_job {
  const struct limits *max;
  struct span file;
};
/* For struct worker_task: ctx is a struct policy_job. Texts: TEXT_POLICY_ALLOW a name, TEXT_POLICY_FILE
 * "SHA256 SIZE", whose names follow it; or one TEXT_POLICY_WRONG, what is wrong with the file. */
bool policy_stage_run(void *ctx, struct wire_out *out);

#endif
