/* The report channel as the broker reads it: a worker may send anything. What is read is in range, and what
 * is sent again is read again. */
#include "fuzz/sent.h"

static bool inside(struct span part, struct span whole) {
  return part.n == 0 ||
         (part.p >= whole.p && part.n <= whole.n && (size_t)(part.p - whole.p) <= whole.n - part.n);
}

static void check_finding(const struct finding *f, struct span bytes, uint64_t file_size) {
  FUZZ_CHECK(f->reason > OBS_NONE && f->reason < OBS_COUNT && f->severity < SEV_COUNT &&
             f->effect < EFFECT_COUNT);
  FUZZ_CHECK(f->effect >= reason_effect(f->reason) && f->severity >= finding_rule(f)->severity);
  FUZZ_CHECK(inside(f->member, bytes) && inside(f->subject, bytes) && inside(f->detail, bytes));
  FUZZ_CHECK(f->member.n <= WIRE_MEMBER_MAX && f->subject.n <= WIRE_SUBJECT_MAX &&
             f->detail.n <= WIRE_SUBJECT_MAX);
  if (f->member.n == 0) FUZZ_CHECK(f->at <= max_u64(file_size, UINT64_C(1) << 40));
}

static bool same_finding(const struct finding *a, const struct finding *b) {
  return a->reason == b->reason && a->severity == b->severity && a->effect == b->effect && a->at == b->at &&
         a->len == b->len && a->got == b->got && a->want == b->want && a->more == b->more &&
         span_eq(a->member, b->member) && span_eq(a->subject, b->subject) && span_eq(a->detail, b->detail);
}

/* Sends what was read and reads it again. */
static void check_round_trip(const struct wire_in *in, uint64_t file_size) {
  struct sent sent;
  sent_begin(&sent);
  for (uint32_t i = 0; i < in->findings.n; i++) wire_finding(&sent.out, &in->findings.p[i]);
  for (uint32_t i = 0; i < in->texts.n; i++) wire_text(&sent.out, in->texts.p[i].key, in->texts.p[i].text);
  wire_end(&sent.out, in->complete);
  FUZZ_CHECK(sent_read(&sent, file_size) == WIRE_OK && sent.in.complete == in->complete);
  FUZZ_CHECK(sent.in.findings.n == in->findings.n && sent.in.texts.n == in->texts.n);
  for (uint32_t i = 0; i < in->findings.n; i++)
    FUZZ_CHECK(same_finding(&in->findings.p[i], &sent.in.findings.p[i]));
  sent_free(&sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  uint64_t file_size = in.knobs & KNOB_OTHER ? UINT64_C(1) << 44 : 1000;
  struct arena arena;
  struct wire_in report = {0};
  arena_init(&arena, 64 << 20);
  enum wire_status status = wire_parse(&report, &arena, in.bytes, file_size);
  for (uint32_t i = 0; i < report.findings.n; i++) check_finding(&report.findings.p[i], in.bytes, file_size);
  for (uint32_t i = 0; i < report.texts.n; i++) FUZZ_CHECK(inside(report.texts.p[i].text, in.bytes));
  FUZZ_CHECK(status != WIRE_OK || in.bytes.n > 0);
  if (status == WIRE_OK) check_round_trip(&report, file_size);
  arena_free(&arena);
  fuzz_close(&in);
  return 0;
}
