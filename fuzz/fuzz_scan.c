/* The whole scan: the broker takes the worker's own plan and report, every sentence can be told, and a file
 * that is called clean was read to its end. */
#include <sys/mman.h>
#include <unistd.h>

#include "api/message.h"
#include "api/send.h"
#include "fuzz/scanned.h"

static struct span name_of(const void *ctx, uint32_t number) {
  const struct container *c = ctx;
  return number != MEMBER_FILE && number <= c->num_members ? c->members[number - 1].name : SPAN("");
}

/* The worst effect, or that of a limit when the report had no room. */
static enum verdict check_report(const struct scanned *s, const struct fuzz_input *in) {
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  struct wire_out out = {.fd = fd};
  const struct judged judged = {
      .obs = &s->obs, .report_bytes = in->limits.report_bytes, .member_name = name_of, .ctx = &s->container};
  FUZZ_CHECK(send_findings(&judged, &out));
  wire_end(&out, true);
  size_t n = (size_t)lseek(fd, 0, SEEK_END);
  FUZZ_CHECK(n <= in->limits.report_bytes);
  uint8_t *sent = malloc(n);
  FUZZ_CHECK(sent && pread(fd, sent, n, 0) == (ssize_t)n);
  close(fd);
  struct arena arena;
  struct wire_in report = {0};
  arena_init(&arena, 64 << 20);
  FUZZ_CHECK(wire_parse(&report, &arena, span_of(sent, n), in->bytes.n) == WIRE_OK);
  enum verdict worst = VERDICT_CLEAN;
  for (uint32_t i = 0; i < report.findings.n; i++) {
    char sentence[512];
    FUZZ_CHECK(finding_message(&report.findings.p[i], sentence, sizeof sentence).n <= sizeof sentence);
    enum verdict v = effect_verdict(report.findings.p[i].effect);
    worst = v > worst ? v : worst;
  }
  arena_free(&arena);
  free(sent);
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
  bool read = checkpoint_is_read(&s.checkpoint);
  if (verdict == VERDICT_CLEAN || verdict == VERDICT_FINDINGS) {
    FUZZ_CHECK(read && plan.header->complete && container_kind_read(s.container.kind));
    FUZZ_CHECK(s.checkpoint.num_refused == 0 && !s.obs.lost && !s.arena.exhausted);
  }
  scan_free(&s);
  fuzz_close(&in);
  return 0;
}
