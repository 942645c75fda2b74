/* The scan stage for targets that see the broker's side of it: model/ and arch/ have a struct value each, so
 * no file includes both. */
#ifndef CKPTLINT_FUZZ_SHARED_STAGE_H
#define CKPTLINT_FUZZ_SHARED_STAGE_H

#include "api/pipeline.h"
#include "fuzz/fuzz.h"
#include "sandbox/wire.h"

/* Scans the input: its findings go to `out`, its plan to the region of limits.plan_bytes, which is zeroed. */
void scan_stage(const struct fuzz_input *in, uint8_t *region, struct wire_out *out);

#endif
