/* The writers: a scan's findings and plan as events, in every format. Twice the same bytes; the JSON of both
 * machine formats is JSON; nothing hidden is in any of them. The input is a file. */
#include "api/emit.h"
#include "base/json.h"
#include "fuzz/clean.h"
#include "fuzz/sent.h"
#include "fuzz/shared/stage.h"

/* The file's events, as job_emit makes them for a broker. */
static struct span write_report(const struct job *job, enum report_format format, unsigned knobs) {
  static int fd = -1;
  if (fd < 0) fd = memfd_create("report", MFD_CLOEXEC);
  FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
  const struct report_options options = {.format = format,
                                         .fd = fd,
                                         .unicode = !(knobs & KNOB_OTHER),
                                         .width = knobs & KNOB_OTHER ? 40 : 0,
                                         .verbose = true,
                                         .sheet = format == FORMAT_CSV};
  struct report *report = report_open(&options);
  FUZZ_CHECK(report);
  cJSON *run = event_new("run");
  event_str(run, "schema", "ckptlint.event/1");
  report_event(report, run);
  job_emit(job, report);
  cJSON *summary = event_new("summary");
  event_bool(summary, "complete", true);
  report_event(report, summary);
  FUZZ_CHECK(report_close(report));
  size_t n = (size_t)lseek(fd, 0, SEEK_CUR);
  uint8_t *bytes = malloc(n);
  FUZZ_CHECK(bytes && pread(fd, bytes, n, 0) == (ssize_t)n);
  return span_of(bytes, n);
}

/* Reports have integers that no double holds, and our own reader takes none of those: a copy with 1 instead
 * of what is longer than 15 digits. */
static struct span shorter_integers(struct span text, uint8_t *copy) {
  size_t n = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.n; i++) {
    size_t digits = 0;
    while (!quoted && i + digits < text.n && text.p[i + digits] >= '0' && text.p[i + digits] <= '9') digits++;
    bool integer = digits > 15 && text.p[i + digits] != '.' && (i == 0 || !strchr(".e-+", text.p[i - 1]));
    copy[n++] = integer ? '1' : text.p[i];
    if (integer) i += digits - 1;
    if (text.p[i] == '"') quoted = !quoted;
    if (quoted && text.p[i] == '\\') copy[n++] = text.p[++i];
  }
  return span_of(copy, n);
}

static void check_json(struct span text, const struct limits *max) {
  struct json_error err;
  uint8_t *copy = malloc(text.n + 1);
  FUZZ_CHECK(copy);
  json_budget(64 << 20);
  cJSON *tree = json_parse(shorter_integers(text, copy), max, &err);
  FUZZ_CHECK(tree && cJSON_IsObject(tree));
  cJSON_Delete(tree);
  free(copy);
}

static void check_lines(struct span text, const struct limits *max) {
  while (text.n) {
    const uint8_t *end = memchr(text.p, '\n', text.n);
    FUZZ_CHECK(end);
    size_t n = (size_t)(end - text.p);
    check_json(span_first(text, n), max);
    text = span_from(text, n + 1);
  }
}

static void drop(struct span s) {
  union {
    const uint8_t *in;
    void *out;
  } p = {.in = s.p};
  free(p.out);
}

static void check_format(const struct job *job, enum report_format format, unsigned knobs) {
  const struct limits max = limits_default();
  struct span first = write_report(job, format, knobs), second = write_report(job, format, knobs);
  FUZZ_CHECK(span_eq(first, second) && is_clean(first, format == FORMAT_CSV ? "\r\n" : "\n"));
  if (format == FORMAT_JSON) check_json(first, &max);
  if (format == FORMAT_NDJSON) check_lines(first, &max);
  drop(first);
  drop(second);
}

/* The job that the broker would have, once its worker is dead. */
static void fill_job(struct job *job, const struct sent *sent) {
  for (uint32_t i = 0; i < sent->in.findings.n; i++) {
    struct finding *f = vec_push(&job->arena, &job->findings, UINT32_MAX);
    FUZZ_CHECK(f);
    *f = sent->in.findings.p[i];
    enum verdict v = effect_verdict(f->effect);
    job->verdict = v > job->verdict ? v : job->verdict;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct run_options options;
  static struct run run;
  static struct job job;
  struct fuzz_input in = fuzz_open(data, size);
  struct sent sent;
  const char *why;
  uint8_t *region = malloc(in.limits.plan_bytes);
  FUZZ_CHECK(region);
  sent_begin(&sent);
  scan_stage(&in, region, &sent.out);
  FUZZ_CHECK(sent_read(&sent, in.bytes.n) == WIRE_OK);
  options = (struct run_options){
      .verb = in.knobs & KNOB_OTHER ? VERB_SCAN : VERB_INSPECT, .views = UINT32_MAX, .limits = in.limits};
  run = (struct run){.options = &options, .policy = {.torch = torch_newest()}};
  job_init(&job, &run);
  job.in.path = SPAN("a.pt");
  job.opened = job.complete = true;
  job.in.bytes = in.bytes;
  arena_init(&job.arena, 64 << 20);
  FUZZ_CHECK(plan_open(&job.plan, region, in.limits.plan_bytes, in.bytes.n, &why));
  job.have_plan = true;
  fill_job(&job, &sent);
  for (enum report_format f = FORMAT_TEXT; f < FORMAT_COUNT; f++) check_format(&job, f, in.knobs);
  arena_free(&job.arena);
  sent_free(&sent);
  free(region);
  fuzz_close(&in);
  return 0;
}
