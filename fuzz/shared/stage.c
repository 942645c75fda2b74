#include "fuzz/shared/stage.h"

#include "api/send.h"
#include "fuzz/scanned.h"

static struct span name_of(const void *ctx, uint32_t number) { return scan_member_name(ctx, number); }

void scan_stage(const struct fuzz_input *in, uint8_t *region, struct wire_out *out) {
  struct scanned s;
  scan_bytes(&s, in);
  const struct judged judged = {
      .obs = &s.scan.obs, .report_bytes = in->limits.report_bytes, .member_name = name_of, .ctx = &s.scan};
  FUZZ_CHECK(send_findings(&judged, out));
  wire_end(out, true);
  memcpy(region, s.region, in->limits.plan_bytes);
  scan_free(&s);
}
