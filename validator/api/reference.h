/* --reference FILE: scanned once, as any input is, and then held beside every input's numbers. */
#ifndef CKPTLINT_API_REFERENCE_H
#define CKPTLINT_API_REFERENCE_H

#include "api/job.h"

/* Scans it. Answers why it is no reference; NULL: it is one, or none was asked for. */
const char *reference_open(struct run *run);
void reference_close(struct run *run);
/* What is far from it is a finding. To be called when the job's plan is open. */
void reference_compare(struct job *job);

#endif
