/* The report channel: what is sent arrives, and what a hostile or broken worker does is told from a good
 * report. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "sandbox/raw.h"
#include "tests/sandbox/try.h"

/* ---- frames by hand, so that a wrong one can be made ---- */

enum { MAGIC = 0x314c4b43, HEADER = 16 };
static const uint32_t LAST = UINT32_MAX;

struct bytes {
  uint8_t p[4096];
  size_t n;
};
static void put(struct bytes *b, uint64_t v, size_t width) {
  for (size_t i = 0; i < width; i++) b->p[b->n++] = (uint8_t)(v >> 8 * i & 0xff);
}
static void put_head(struct bytes *b, uint32_t magic, uint16_t type, uint16_t flags, uint32_t len,
                     uint32_t seq) {
  put(b, magic, 4);
  put(b, type, 2);
  put(b, flags, 2);
  put(b, len, 4);
  put(b, seq, 4);
}
static void put_end(struct bytes *b, uint32_t seq, uint32_t frames, uint8_t complete) {
  put_head(b, MAGIC, FRAME_END, 0, 5, seq);
  put(b, frames, 4);
  put(b, complete, 1);
}
static void put_violation(struct bytes *b, uint32_t nr) {
  put_head(b, MAGIC, FRAME_VIOLATION, 0, 12, LAST);
  put(b, nr, 4);
  put(b, 0, 8);
}

/* Every field of a finding's frame apart. */
struct raw_finding {
  uint32_t reason;
  uint8_t severity, effect;
  uint64_t at, len;
  uint16_t member;
  uint32_t subject, detail;
  uint32_t texts; /* bytes that really follow */
};
static struct raw_finding good_finding(void) {
  return (struct raw_finding){
      .reason = OBS_LIMIT_MEMORY, .severity = SEV_HIGH, .effect = EFFECT_UNCHECKED, .at = 10, .len = 20};
}
static void put_finding(struct bytes *b, uint32_t seq, const struct raw_finding *f) {
  put_head(b, MAGIC, FRAME_FINDING, 0, 52 + f->texts, seq);
  put(b, f->reason, 4);
  put(b, f->severity, 1);
  put(b, f->effect, 1);
  put(b, f->member, 2);
  put(b, f->at, 8);
  put(b, f->len, 8);
  put(b, 7, 8);
  put(b, 8, 8);
  put(b, 0, 4);
  put(b, f->subject, 4);
  put(b, f->detail, 4);
  for (uint32_t i = 0; i < f->texts; i++) put(b, 'x', 1);
}

/* ---- what is sent arrives ---- */

enum { FILE_SIZE = 1000 };

static const struct finding sent = {
    .reason = OBS_LIMIT_MEMORY,
    .severity = SEV_CRITICAL, /* worse than the rule's own may be said */
    .effect = EFFECT_UNSAFE,
    .member = {(const uint8_t *)"archive/data.pkl", 16},
    .at = UINT64_C(1) << 33,
    .len = 3,
    .got = UINT64_MAX,
    .want = 1,
    .subject = {(const uint8_t *)"\x1b]0;\"},{\0\n\xff",
                11}, /* a terminal's and JSON's troubles: bytes are bytes here */
    .detail = {(const uint8_t *)"", 0},
    .more = 41,
};

/* The report of a worker, read back from a pipe. The caller frees it. */
static struct span report_of(void (*send)(struct wire_out *)) {
  enum { ROOM = 32768 };
  int ends[2];
  uint8_t *got = malloc(ROOM);
  assert_non_null(got);
  assert_int_equal(pipe(ends), 0);
  struct wire_out out = {.fd = ends[1]};
  send(&out);
  assert_false(out.broken);
  close(ends[1]);
  size_t n = 0;
  for (ssize_t k; n < ROOM && (k = read(ends[0], got + n, ROOM - n)) > 0;) n += (size_t)k;
  close(ends[0]);
  struct span exact = exact_copy(got, n);
  free(got);
  return exact;
}

static void send_good(struct wire_out *out) {
  wire_finding(out, &sent);
  wire_text(out, TEXT_NEED_FILE, SPAN("golden.npy"));
  wire_text(out, TEXT_NO_MODEL, SPAN(""));
  wire_end(out, true);
}

static void sent_report_arrives(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1 << 20);
  struct wire_in in;
  struct span bytes = report_of(send_good);
  assert_int_equal(wire_parse(&in, &a, bytes, FILE_SIZE), WIRE_OK);
  assert_true(in.complete);
  assert_false(in.violation || in.fault || in.setup);
  assert_int_equal(in.findings.n, 1);
  const struct finding *f = &in.findings.p[0];
  assert_int_equal(f->reason, sent.reason);
  assert_int_equal(f->severity, sent.severity);
  assert_int_equal(f->effect, sent.effect);
  assert_int_equal(f->at, sent.at);
  assert_int_equal(f->len, sent.len);
  assert_true(f->got == sent.got && f->want == sent.want && f->more == sent.more);
  assert_true(span_eq(f->member, sent.member) && span_eq(f->subject, sent.subject) &&
              span_eq(f->detail, sent.detail));
  assert_int_equal(in.texts.n, 2);
  assert_int_equal(in.texts.p[0].key, TEXT_NEED_FILE);
  assert_true(span_is(in.texts.p[0].text, "golden.npy"));
  assert_int_equal(in.texts.p[1].text.n, 0);
  exact_free(bytes);
  arena_free(&a);
}

static void send_long(struct wire_out *out) {
  static const uint8_t much[WIRE_SUBJECT_MAX + 1];
  struct finding f = sent;
  f.member = span_of(much, WIRE_MEMBER_MAX + 1); /* edge: one more than fits */
  f.subject = span_of(much, WIRE_SUBJECT_MAX + 1);
  wire_finding(out, &f);
  wire_end(out, false);
}

static void long_texts_of_findings_are_cut(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1 << 20);
  struct wire_in in;
  struct span bytes = report_of(send_long);
  assert_int_equal(wire_parse(&in, &a, bytes, FILE_SIZE), WIRE_OK);
  assert_false(in.complete);
  assert_int_equal(in.findings.p[0].member.n, WIRE_MEMBER_MAX);
  assert_int_equal(in.findings.p[0].subject.n, WIRE_SUBJECT_MAX);
  exact_free(bytes);
  arena_free(&a);
}

static void text_too_long_breaks_the_report(void **state) {
  (void)state;
  static const uint8_t much[WIRE_FRAME_MAX];
  struct wire_out out = {.fd = -1};
  wire_text(&out, TEXT_NO_MODEL, span_of(much, WIRE_FRAME_MAX - 1)); /* edge: two bytes are the key's */
  assert_true(out.broken);
}

/* ---- every prefix and every bit of a good report ---- */

static void check_parsed(struct span bytes) {
  struct arena a;
  struct wire_in in;
  arena_init(&a, 1 << 20);
  enum wire_status status = wire_parse(&in, &a, bytes, FILE_SIZE);
  if (status == WIRE_OK) assert_false(in.violation || in.fault || in.setup);
  for (uint32_t i = 0; i < in.findings.n; i++) {
    const struct finding *f = &in.findings.p[i];
    assert_true(f->reason > OBS_NONE && f->reason < OBS_COUNT);
    assert_true(f->severity < SEV_COUNT && f->effect < EFFECT_COUNT);
    assert_true(f->effect >= reason_effect(f->reason) && f->severity >= finding_rule(f)->severity);
    uint64_t end = f->member.n ? UINT64_C(1) << 40 : FILE_SIZE;
    assert_true(f->at <= end && f->len <= end - f->at);
  }
  arena_free(&a);
}

static void mutated_reports_stay_within_bounds(void **state) {
  (void)state;
  struct span bytes = report_of(send_good);
  check_mutations(bytes.p, bytes.n, check_parsed);
  /* A report that lacks only its last byte is not whole. */
  struct arena a;
  struct wire_in in;
  arena_init(&a, 1 << 20);
  for (size_t n = 0; n < bytes.n; n++)
    assert_int_equal(wire_parse(&in, &a, span_first(bytes, n), FILE_SIZE), WIRE_INCOMPLETE);
  arena_free(&a);
  exact_free(bytes);
}

/* ---- fields out of range ---- */

static void fields_are_checked(void **state) {
  (void)state;
  const enum wire_status ok = WIRE_OK, bad = WIRE_PROTOCOL_ERROR;
  struct {
    const char *name;
    struct raw_finding f;
    enum wire_status want;
  } rows[32];
  size_t n = 0;
#define ROW(title, wanted, change) \
  rows[n].name = title;            \
  rows[n].want = wanted;           \
  rows[n].f = good_finding();      \
  rows[n++].f.change
  ROW("good", ok, at = 10);
  ROW("reason 0", bad, reason = OBS_NONE);
  ROW("last reason + 1", bad, reason = OBS_COUNT);
  ROW("any reason", bad, reason = UINT32_MAX);
  ROW("severity out of range", bad, severity = SEV_COUNT);
  ROW("severity played down", bad, severity = SEV_INFO);
  ROW("severity raised", ok, severity = SEV_CRITICAL);
  ROW("effect out of range", bad, effect = EFFECT_COUNT);
  ROW("effect played down", bad, effect = EFFECT_NOTE);
  ROW("effect raised", ok, effect = EFFECT_UNSAFE);
  ROW("at the end of the file", ok, at = FILE_SIZE);
  ROW("behind the end of the file", bad, at = FILE_SIZE + 1);
  ROW("anywhere", bad, at = UINT64_MAX);
  ROW("longer than the file", ok, len = UINT64_MAX);
  ROW("member longer than the frame", bad, member = 1);
  ROW("subject longer than the frame", bad, subject = 1);
  ROW("detail longer than the frame", bad, detail = UINT32_MAX);
  ROW("bytes behind the texts", bad, texts = 1);
#undef ROW
  for (size_t i = 0; i < n; i++) {
    struct arena a;
    struct wire_in in;
    struct bytes b = {.n = 0};
    arena_init(&a, 1 << 20);
    put_finding(&b, 0, &rows[i].f);
    put_end(&b, 1, 1, 1);
    struct span exact = exact_copy(b.p, b.n);
    enum wire_status got = wire_parse(&in, &a, exact, FILE_SIZE);
    if (got != rows[i].want) print_error("%s\n", rows[i].name);
    assert_int_equal(got, rows[i].want);
    check_parsed(exact);
    exact_free(exact);
    arena_free(&a);
  }
}

/* An offset inside a member is not bound by the file's size, but by 2^40. */
static void member_offsets_have_their_own_bound(void **state) {
  (void)state;
  for (uint64_t past = 0; past < 2; past++) {
    struct arena a;
    struct wire_in in;
    struct bytes b = {.n = 0};
    struct raw_finding f = good_finding();
    f.member = 1;
    f.texts = 1;
    f.at = (UINT64_C(1) << 40) + past; /* edge: 2^40 and one more */
    arena_init(&a, 1 << 20);
    put_finding(&b, 0, &f);
    put_end(&b, 1, 1, 1);
    assert_int_equal(wire_parse(&in, &a, span_of(b.p, b.n), FILE_SIZE), past ? WIRE_PROTOCOL_ERROR : WIRE_OK);
    arena_free(&a);
  }
}

/* A handler may interrupt the writing of another frame: its words are read all the same. */
static void last_words_are_found_behind_a_cut_frame(void **state) {
  (void)state;
  struct arena a;
  struct wire_in in;
  struct bytes b = {.n = 0};
  struct raw_finding f = good_finding();
  arena_init(&a, 1 << 20);
  put_finding(&b, 0, &f);
  b.n -= 30;
  put_violation(&b, 59);
  assert_int_equal(wire_parse(&in, &a, span_of(b.p, b.n), FILE_SIZE), WIRE_INCOMPLETE);
  assert_true(in.violation);
  assert_int_equal(in.nr, 59);
  arena_free(&a);
}

/* What each handler sends is told from the others. */
static void send_violation(struct wire_out *out) { wire_last_words(out->fd, FRAME_VIOLATION, 59, 62, 3); }
static void send_fault(struct wire_out *out) { wire_last_words(out->fd, FRAME_FAULT, SIGBUS, 2, 0); }
static void send_setup(struct wire_out *out) { wire_last_words(out->fd, FRAME_SETUP, 5, EPERM, 0); }

static void last_words_arrive(void **state) {
  (void)state;
  static void (*const senders[])(struct wire_out *) = {send_violation, send_fault, send_setup};
  for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
    struct arena a;
    struct wire_in in;
    struct span bytes = report_of(senders[i]);
    arena_init(&a, 1 << 20);
    assert_int_equal(wire_parse(&in, &a, bytes, FILE_SIZE), WIRE_INCOMPLETE);
    assert_true(in.violation == (i == 0) && in.fault == (i == 1) && in.setup == (i == 2));
    if (in.violation) assert_true(in.nr == 59 && in.arch == 62 && in.rule == 3);
    if (in.fault) assert_true(in.signal == SIGBUS && in.si_code == 2);
    if (in.setup) assert_true(in.step == 5 && in.error == EPERM);
    exact_free(bytes);
    arena_free(&a);
  }
}

/* Nobody reads any more: the worker knows that its report is not whole. */
static void a_pipe_without_a_reader_breaks_the_report(void **state) {
  (void)state;
  int ends[2];
  void (*before)(int) = signal(SIGPIPE, SIG_IGN);
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  struct wire_out out = {.fd = ends[1]};
  wire_end(&out, true);
  assert_true(out.broken);
  close(ends[1]);
  (void)signal(SIGPIPE, before);
}

static void spent_arena_is_not_the_workers_fault(void **state) {
  (void)state;
  struct arena a;
  struct wire_in in;
  struct bytes b = {.n = 0};
  struct raw_finding f = good_finding();
  arena_init(&a, 0);
  put_finding(&b, 0, &f);
  put_end(&b, 1, 1, 1);
  assert_int_equal(wire_parse(&in, &a, span_of(b.p, b.n), FILE_SIZE), WIRE_INCOMPLETE);
  arena_free(&a);
}

/* ---- 45: what workers do ---- */

static void send(const struct bytes *b) { raw_write(3, b->p, b->n); }
static void send_and_leave(const struct bytes *b) {
  send(b);
  raw_exit(0);
}

static bool report_well(void *ctx, struct wire_out *out) {
  (void)ctx;
  wire_finding(out, &sent);
  return true;
}
static bool report_incomplete(void *ctx, struct wire_out *out) { return !report_well(ctx, out); }
static bool say_nothing(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  raw_exit(0);
}
static bool send_no_end(void *ctx, struct wire_out *out) {
  report_well(ctx, out);
  raw_exit(0);
}
static bool send_half_a_frame(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  struct bytes b = {.n = 0};
  put_head(&b, MAGIC, FRAME_TEXT, 0, 1000, 0);
  send_and_leave(&b);
  return true;
}

/* One frame that breaks a rule. */
static bool send_one(uint32_t magic, uint16_t type, uint16_t flags, uint32_t len, uint32_t seq) {
  struct bytes b = {.n = 0};
  put_head(&b, magic, type, flags, len, seq);
  put(&b, 1, 2);
  send_and_leave(&b);
  return true;
}
static bool send_bad_magic(void *ctx, struct wire_out *out) {
  (void)ctx;
  return send_one(0xdeadbeef, FRAME_TEXT, 0, 2, out->seq);
}
static bool send_huge_length(void *ctx, struct wire_out *out) {
  (void)ctx;
  return send_one(MAGIC, FRAME_TEXT, 0, 0xfffffff0, out->seq);
}
static bool send_unknown_type(void *ctx, struct wire_out *out) {
  (void)ctx;
  return send_one(MAGIC, 99, 0, 2, out->seq);
}
static bool send_flags(void *ctx, struct wire_out *out) {
  (void)ctx;
  return send_one(MAGIC, FRAME_TEXT, 1, 2, out->seq);
}
static bool send_wrong_seq(void *ctx, struct wire_out *out) {
  (void)ctx;
  return send_one(MAGIC, FRAME_TEXT, 0, 2, out->seq + 1);
}
static bool send_unknown_key(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  struct bytes b = {.n = 0};
  put_head(&b, MAGIC, FRAME_TEXT, 0, 2, 0);
  put(&b, TEXT_KEYS, 2);
  put_end(&b, 1, 1, 1);
  send_and_leave(&b);
  return true;
}
static bool send_wrong_count(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  struct bytes b = {.n = 0};
  put_end(&b, 0, 5, 1);
  send_and_leave(&b);
  return true;
}
static bool send_after_end(void *ctx, struct wire_out *out) {
  report_well(ctx, out);
  wire_end(out, true);
  report_well(ctx, out);
  raw_exit(0);
}
static bool send_two_ends(void *ctx, struct wire_out *out) {
  (void)ctx;
  wire_end(out, true);
  wire_end(out, true);
  raw_exit(0);
}
static bool forge_violation(void *ctx, struct wire_out *out) {
  report_well(ctx, out);
  wire_end(out, true);
  struct bytes b = {.n = 0};
  put_violation(&b, SYS_openat);
  send_and_leave(&b);
  return true;
}
static bool send_big_frames(void *ctx, struct wire_out *out) {
  static const uint8_t much[WIRE_FRAME_MAX - 2];
  (void)ctx;
  while (!out->broken) wire_text(out, TEXT_NO_MODEL, span_of(much, sizeof much));
  return true;
}
static bool send_empty_frames(void *ctx, struct wire_out *out) {
  (void)ctx;
  while (!out->broken) wire_text(out, TEXT_NO_MODEL, SPAN(""));
  return true;
}
static bool good_report(void *ctx, struct wire_out *out) {
  report_well(ctx, out);
  wire_end(out, true);
  return true;
}
static bool good_then_call(void *ctx, struct wire_out *out) {
  good_report(ctx, out);
  raw_call3(SYS_getppid, 0, 0, 0);
  return true;
}
static bool crash(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  volatile uintptr_t where = 64; /* not NULL, which sanitizers would see before the kernel */
  *(volatile int *)where = 1;
  return true;
}
static bool good_then_crash(void *ctx, struct wire_out *out) {
  return good_report(ctx, out) && crash(ctx, out);
}
static bool hang(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  volatile bool on = true;
  while (on) {
  }
  return on;
}
static bool good_then_hang(void *ctx, struct wire_out *out) {
  return good_report(ctx, out) && hang(ctx, out);
}
static bool good_then_exit_1(void *ctx, struct wire_out *out) {
  good_report(ctx, out);
  raw_exit(1);
}
static bool call(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  raw_call3(SYS_getppid, 0, 0, 0);
  return true;
}
static bool call_abort(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  abort();
}
static bool trickle(void *ctx, struct wire_out *out) {
  (void)ctx;
  for (volatile uint32_t i = 0; !out->broken; i = (i + 1) % 10000000)
    if (i == 0) wire_text(out, TEXT_NO_MODEL, SPAN(""));
  return true;
}
static bool run_out_of_memory(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  for (void *volatile p; (p = malloc(1 << 20));) {
  }
  worker_out_of_memory();
}
static bool claim_a_violation(void *ctx, struct wire_out *out) {
  (void)ctx;
  (void)out;
  struct bytes b = {.n = 0};
  put_violation(&b, 1234567);
  send(&b);
  raw_exit(93);
}

struct behaviour {
  const char *name;
  bool (*run)(void *, struct wire_out *);
  enum worker_end end;
  uint32_t nr;
  uint64_t cpu, wall; /* 0: ample */
};
static const struct behaviour behaviours[] = {
    {"correct report", report_well, WORKER_OK, 0, 0, 0},
    {"END says incomplete", report_incomplete, WORKER_INCOMPLETE, 0, 0, 0},
    {"nothing", say_nothing, WORKER_INCOMPLETE, 0, 0, 0},
    {"no END", send_no_end, WORKER_INCOMPLETE, 0, 0, 0},
    {"half a frame", send_half_a_frame, WORKER_INCOMPLETE, 0, 0, 0},
    {"wrong magic", send_bad_magic, WORKER_PROTOCOL, 0, 0, 0},
    {"huge length", send_huge_length, WORKER_PROTOCOL, 0, 0, 0},
    {"unknown type", send_unknown_type, WORKER_PROTOCOL, 0, 0, 0},
    {"flags", send_flags, WORKER_PROTOCOL, 0, 0, 0},
    {"wrong seq", send_wrong_seq, WORKER_PROTOCOL, 0, 0, 0},
    {"unknown text key", send_unknown_key, WORKER_PROTOCOL, 0, 0, 0},
    {"wrong count in END", send_wrong_count, WORKER_PROTOCOL, 0, 0, 0},
    {"data after END", send_after_end, WORKER_PROTOCOL, 0, 0, 0},
    {"two ENDs", send_two_ends, WORKER_PROTOCOL, 0, 0, 0},
    {"forged violation, exit 0", forge_violation, WORKER_PROTOCOL, 0, 0, 0},
    {"forged violation, exit 93", claim_a_violation, WORKER_VIOLATION, 1234567, 0, 0},
    {"endless big frames", send_big_frames, WORKER_TOO_BIG, 0, 0, 0},
    {"endless empty frames", send_empty_frames, WORKER_TOO_BIG, 0, 0, 0},
    {"good, then a call", good_then_call, WORKER_VIOLATION, SYS_getppid, 0, 0},
    {"good, then a crash", good_then_crash, WORKER_CRASH, 0, 0, 0},
    {"good, then a hang", good_then_hang, WORKER_TIMEOUT, 0, 0, 100},
    {"good, then exit 1", good_then_exit_1, WORKER_CRASH, 0, 0, 0},
    {"a call", call, WORKER_VIOLATION, SYS_getppid, 0, 0},
    {"SEGV", crash, WORKER_CRASH, 0, 0, 0},
    {"abort", call_abort, WORKER_CRASH, 0, 0, 0},
    {"spin, CPU limit", hang, WORKER_CPU, 0, 1, 0},
    {"spin, wall", hang, WORKER_TIMEOUT, 0, 0, 100},
    {"slow trickle", trickle, WORKER_TIMEOUT, 0, 0, 100},
    {"malloc until NULL", run_out_of_memory, WORKER_MEMORY, 0, 0, 0},
};

static void behaviours_are_told_apart(void **state) {
  for (size_t i = 0; i < ARRAY_LEN(behaviours); i++) {
    const struct behaviour *b = &behaviours[i];
    struct worker_limits limits = small_limits();
    if (b->cpu) limits.cpu_seconds = b->cpu;
    if (b->wall) limits.wall_ms = b->wall;
    struct arena a;
    arena_init(&a, 16 << 20);
    struct worker_result r = try_worker(*state, &limits, b->run, NULL, &a);
    assert_end(b->name, &r, b->end);
    assert_int_equal(r.syscall_nr, b->nr);
    /* Nothing of a report that is not accepted is handed on. */
    if (r.end != WORKER_OK && r.end != WORKER_INCOMPLETE) assert_int_equal(r.in.findings.n + r.in.texts.n, 0);
    arena_free(&a);
  }
}

/* Deadlines hold for each of several workers, and the first to end is answered. */
static void several_workers_at_once(void **state) {
  struct worker_limits slow = small_limits(), quick = small_limits();
  slow.wall_ms = 100;
  const struct worker_task hanging = {.run = hang}, working = {.run = report_well};
  struct worker w[3], *const list[] = {&w[0], &w[1], &w[2]};
  assert_true(worker_start(&w[0], *state, &slow, &hanging));
  assert_true(worker_start(&w[1], *state, &quick, &working));
  assert_true(worker_start(&w[2], *state, &slow, &hanging));
  assert_int_equal(workers_wait(list, 3), 1);
  struct arena a;
  struct worker_result r;
  arena_init(&a, 1 << 20);
  worker_finish(&w[1], &a, FILE_SIZE, &r);
  assert_end("quick", &r, WORKER_OK);
  for (size_t i = 0; i < 3; i += 2) {
    assert_int_equal(workers_wait(&list[i], 1), 0);
    worker_finish(&w[i], &a, FILE_SIZE, &r);
    assert_end("slow", &r, WORKER_TIMEOUT);
  }
  arena_free(&a);
}

/* ---- how an end is said ---- */

static void every_end_has_an_observation(void **state) {
  (void)state;
  assert_int_equal(worker_end_obs(WORKER_OK), OBS_NONE);
  const struct {
    enum worker_end end;
    enum rule_id rule;
    enum effect effect;
  } rows[] = {
      {WORKER_CRASH, RULE_RUN001, EFFECT_UNCHECKED},
      {WORKER_VIOLATION, RULE_RUN002, EFFECT_UNSAFE},
      {WORKER_TIMEOUT, RULE_LIM804, EFFECT_UNCHECKED},
      {WORKER_CPU, RULE_LIM804, EFFECT_UNCHECKED},
      {WORKER_MEMORY, RULE_LIM805, EFFECT_UNCHECKED},
      {WORKER_FILE_CHANGED, RULE_RUN003, EFFECT_UNCHECKED},
      {WORKER_SETUP, RULE_RUN001, EFFECT_UNCHECKED},
      {WORKER_PROTOCOL, RULE_RUN001, EFFECT_UNCHECKED},
      {WORKER_INCOMPLETE, RULE_RUN001, EFFECT_UNCHECKED},
      {WORKER_TOO_BIG, RULE_LIM808, EFFECT_UNCHECKED},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    enum obs_kind kind = worker_end_obs(rows[i].end);
    assert_int_equal(reason_table[kind].rule, rows[i].rule);
    assert_int_equal(reason_effect(kind), rows[i].effect);
    assert_true(strlen(worker_end_name(rows[i].end)) > 0);
  }
  struct worker_limits limits = small_limits();
  struct worker_result r = {.end = WORKER_VIOLATION, .syscall_nr = 257, .syscall_name = "openat"};
  struct observation o = worker_observation(&r, &limits);
  assert_int_equal(o.kind, OBS_WORKER_VIOLATION);
  assert_int_equal(o.got, 257);
  assert_true(span_is(o.subject, "openat"));
}

/* A region is written by the worker whose task names it and read by the broker; a frozen one is not written
 * by anyone. */
enum { REGION = 1 << 20, FILLED = 4096 };
static bool fill_region(void *ctx, struct wire_out *out) {
  (void)out;
  memset(ctx, 'r', FILLED);
  return true;
}
static bool read_region(void *ctx, struct wire_out *out) {
  (void)out;
  return *(const volatile uint8_t *)ctx == 'r';
}
static enum worker_end end_with_region(void **state, bool (*run)(void *, struct wire_out *), void *ctx,
                                       void *writes) {
  struct worker_limits limits = small_limits();
  const struct worker_task task = {.run = run, .ctx = ctx, .writes = {{writes, REGION}}};
  struct worker w, *const list[] = {&w};
  struct worker_result r;
  struct arena a;
  arena_init(&a, 1 << 20);
  assert_true(worker_start(&w, *state, &limits, &task));
  assert_int_equal(workers_wait(list, 1), 0);
  worker_finish(&w, &a, FILE_SIZE, &r);
  arena_free(&a);
  return r.end;
}
static void regions_carry_facts(void **state) {
  uint8_t *p = region_map(REGION);
  assert_non_null(p);
  assert_int_equal(end_with_region(state, fill_region, p, p), WORKER_OK);
  assert_true(p[0] == 'r' && p[FILLED - 1] == 'r' && p[FILLED] == 0);
  assert_true(region_freeze(p, REGION));
  assert_int_equal(end_with_region(state, fill_region, p, p), WORKER_CRASH);
  region_unmap(p, REGION);
}

/* What one worker wrote was checked, or is still being written: to any other it is not there, until it is
 * frozen. */
static void regions_are_nobody_elses(void **state) {
  uint8_t *p = region_map(REGION), *other = region_map(REGION);
  assert_true(p && other);
  assert_int_equal(end_with_region(state, fill_region, p, other), WORKER_CRASH);
  assert_int_equal(p[0], 0);
  assert_int_equal(end_with_region(state, fill_region, p, p), WORKER_OK);
  assert_int_equal(end_with_region(state, fill_region, p, NULL), WORKER_CRASH);
  assert_int_equal(end_with_region(state, read_region, p, other), WORKER_CRASH);
  assert_true(region_freeze(p, REGION));
  assert_int_equal(end_with_region(state, read_region, p, other), WORKER_OK);
  region_unmap(p, REGION);
  region_unmap(other, REGION);
}

static int set_up(void **state) {
  struct sandbox *s = sandbox_probe();
  *state = s;
  return s && sandbox_level(s) >= SANDBOX_STANDARD ? 0 : -1;
}
static int tear_down(void **state) {
  sandbox_free(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sent_report_arrives),
      cmocka_unit_test(long_texts_of_findings_are_cut),
      cmocka_unit_test(text_too_long_breaks_the_report),
      cmocka_unit_test(mutated_reports_stay_within_bounds),
      cmocka_unit_test(fields_are_checked),
      cmocka_unit_test(member_offsets_have_their_own_bound),
      cmocka_unit_test(last_words_are_found_behind_a_cut_frame),
      cmocka_unit_test(last_words_arrive),
      cmocka_unit_test(a_pipe_without_a_reader_breaks_the_report),
      cmocka_unit_test(spent_arena_is_not_the_workers_fault),
      cmocka_unit_test(behaviours_are_told_apart),
      cmocka_unit_test(several_workers_at_once),
      cmocka_unit_test(every_end_has_an_observation),
      cmocka_unit_test(regions_carry_facts),
      cmocka_unit_test(regions_are_nobody_elses),
  };
  return cmocka_run_group_tests_name("wire", tests, set_up, tear_down);
}
