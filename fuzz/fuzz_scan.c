/* The whole scan: the broker takes the worker's own plan and report, every sentence can be told, and a file
 * that is called clean was read to its end. */
#include "api/message.h"
#include "api/send.h"
#include "fuzz/scanned.h"
#include "fuzz/sent.h"

static struct span name_of(const void *ctx, uint32_t number) { return scan_member_name(ctx, number); }

/* The worst effect, or that of a limit when the report had no room. */
static enum verdict check_report(const struct scanned *s, const struct fuzz_input *in) {
  struct sent sent;
  sent_begin(&sent);
  const struct judged judged = {
      .obs = &s->scan.obs, .report_bytes = in->limits.report_bytes, .member_name = name_of, .ctx = &s->scan};
  FUZZ_CHECK(send_findings(&judged, &sent.out));
  wire_end(&sent.out, true);
  FUZZ_CHECK(sent_read(&sent, in->bytes.n) == WIRE_OK && sent.n <= in->limits.report_bytes);
  enum verdict worst = VERDICT_CLEAN;
  for (uint32_t i = 0; i < sent.in.findings.n; i++) {
    char sentence[512];
    FUZZ_CHECK(finding_message(&sent.in.findings.p[i], sentence, sizeof sentence).n <= sizeof sentence);
    enum verdict v = effect_verdict(sent.in.findings.p[i].effect);
    worst = v > worst ? v : worst;
  }
  sent_free(&sent);
  return worst;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct scanned s;
  struct plan plan;
  const char *why;
  scan_bytes(&s, &in);
  enum verdict verdict = check_report(&s, &in);
  FUZZ_CHECK(plan_open(&plan, s.region, in.limits.plan_bytes, in.bytes.n, &why));
  /* No path leads to clean by accident. */
  bool read = checkpoint_is_read(&s.scan.checkpoint);
  if (verdict == VERDICT_CLEAN || verdict == VERDICT_FINDINGS) {
    FUZZ_CHECK(read && plan.header->complete && container_kind_read(s.scan.container.kind));
    FUZZ_CHECK(s.scan.checkpoint.num_refused == 0 && !s.scan.obs.lost && !s.scan.arena.exhausted);
  }
  scan_free(&s);
  fuzz_close(&in);
  return 0;
}
