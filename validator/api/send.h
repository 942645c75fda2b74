/* How a stage's observations leave its worker. */
#ifndef CKPTLINT_API_SEND_H
#define CKPTLINT_API_SEND_H

#include "rules/judge.h"
#include "sandbox/wire.h"

/* Judges and sends all that was observed. `members` name the container's members, by number - 1. */
struct judged {
  const struct observations *obs;
  uint64_t report_bytes;                                        /* limits.report_bytes */
  struct span (*member_name)(const void *ctx, uint32_t number); /* NULL: there are no members */
  const void *ctx;
};
bool send_findings(const struct judged *j, struct wire_out *out);

#endif
