/* One scan inside a worker, which may run several, one after the other. */
#ifndef CKPTLINT_API_SCAN_H
#define CKPTLINT_API_SCAN_H

#include "api/worker_scan.h"
#include "model/checkpoint.h"

struct scan {
  struct scan_job *job;
  struct arena arena; /* of all that is here: the caller frees it */
  struct observations obs;
  struct container container;
  struct checkpoint checkpoint;
  struct plan_writer plan; /* of the job's region, which is to be zeroed */
};
/* Every stage but the report. */
void scan_read(struct scan *s, struct scan_job *job);
/* The name of the member that an observation is about; empty: the file itself. */
struct span scan_member_name(const struct scan *s, uint32_t number);

#endif
