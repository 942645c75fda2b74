/* `policy init`: what reviewed files need, as a policy file (doc/policy.md) for a person to read and commit.
 */
#ifndef CKPTLINT_API_PROPOSE_H
#define CKPTLINT_API_PROPOSE_H

#include <cjson/cJSON.h>

#include "api/job.h"

/* Made by proposal_begin; one a run. */
struct proposal {
  cJSON *files;
};
/* False: out of memory. */
NODISCARD bool proposal_begin(struct proposal *p);
void proposal_end(struct proposal *p);
/* May a file have an entry? Not one that is not safe, or was not checked to its end: its findings say why. */
bool is_reviewable(const struct job *job);
/* Adds the file's names, bound to its digest. */
void propose(struct proposal *p, const struct job *job);
/* The policy file. */
void proposal_write(const struct proposal *p, struct out *o);

#endif
