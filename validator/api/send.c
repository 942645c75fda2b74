#include "api/send.h"

/* What a finding takes on the pipe, at most. */
static uint64_t frame_bytes(const struct finding *f) {
  enum { FIXED = 160 };
  return FIXED + min_u64(f->member.n, OBS_TEXT_MAX) + f->subject.n + f->detail.n;
}

struct sending {
  struct wire_out *out;
  uint64_t room;
  bool full;
};

static void send_one(struct sending *s, struct finding *f) {
  uint64_t bytes = frame_bytes(f);
  s->full = s->full || bytes > s->room;
  if (s->full) return;
  s->room -= bytes;
  f->member = span_first(f->member, OBS_TEXT_MAX);
  wire_finding(s->out, f);
}

static void send_effect(const struct judged *j, struct sending *s, enum effect effect,
                        uint32_t unlisted[OBS_COUNT]) {
  for (uint32_t i = 0; i < j->obs->n; i++) {
    const struct observation *o = &j->obs->list[i];
    if (reason_effect(o->kind) != effect) continue;
    struct finding f = judge(o, j->member_name ? j->member_name(j->ctx, o->member) : SPAN(""));
    f.more = unlisted[o->kind]; /* said once, with the first */
    unlisted[o->kind] = 0;
    send_one(s, &f);
  }
}

/* Worst first: a file that is full of small matters can't push what makes it unsafe off the pipe. */
bool send_findings(const struct judged *j, struct wire_out *out) {
  enum { SPARE = 65536 };
  struct sending s = {.out = out, .room = j->report_bytes - SPARE};
  uint32_t unlisted[OBS_COUNT];
  memcpy(unlisted, j->obs->seen, sizeof unlisted);
  for (uint32_t i = 0; i < j->obs->n; i++) unlisted[j->obs->list[i].kind]--;
  for (enum effect e = EFFECT_COUNT; e > EFFECT_NOTE; e--) send_effect(j, &s, e - 1, unlisted);
  if (s.full || j->obs->lost) {
    const struct observation cut = {.kind = s.full ? OBS_LIMIT_REPORT : OBS_LIMIT_MEMORY,
                                    .got = j->obs->arena->used,
                                    .want = j->report_bytes};
    struct finding f = judge(&cut, SPAN(""));
    wire_finding(out, &f);
  }
  return !out->broken;
}
