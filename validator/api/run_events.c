#include "api/run_events.h"

#include "api/version.h"

static void tally_findings(struct tally *t, const struct job *job) {
  for (uint32_t i = 0; i < job->findings.n; i++) {
    const struct finding *f = &job->findings.p[i];
    t->severities[f->severity] += 1 + (uint64_t)f->more;
    if (f->effect == EFFECT_FINDING) t->findings[f->severity]++;
  }
}

void tally_add(struct tally *t, const struct job *job) {
  if (job->skipped) {
    t->skipped += max_u64(job->folder.n, 1);
    return;
  }
  if (job->folder.n) t->skipped += job->nested.passed_over;
  if (job->pair.side[0]) {
    t->pair = job->verdict;
  } else {
    t->inputs++;
    t->verdicts[job->verdict]++;
  }
  for (const struct job *j = job; j; j = job_following(j)) {
    if (j->skipped) continue;
    if (j->outer) t->inside++;
    tally_findings(t, j);
  }
}

int tally_exit(const struct tally *t, enum severity fail_on) {
  enum { EXIT_CLEAN = 0, EXIT_FOUND = 1, EXIT_UNCHECKED = 2, EXIT_OUTPUT = 74 };
  if (t->verdicts[VERDICT_UNSAFE] || t->verdicts[VERDICT_INCOMPATIBLE] || t->pair == VERDICT_INCOMPATIBLE)
    return EXIT_FOUND;
  for (int s = (int)fail_on; s < SEV_COUNT; s++)
    if (t->findings[s]) return EXIT_FOUND;
  if (t->pair != VERDICT_CLEAN || t->verdicts[VERDICT_NOT_CHECKED] || t->verdicts[VERDICT_ERROR])
    return EXIT_UNCHECKED;
  return t->output_failed ? EXIT_OUTPUT : EXIT_CLEAN;
}

static void add_layers(cJSON *o, const struct sandbox *s) {
  const struct sandbox_layer *layers;
  size_t n = sandbox_layers(s, &layers);
  cJSON *list = event_array(o, "layers"), *missing = event_array(o, "degraded");
  for (size_t i = 0; i < n; i++) {
    cJSON *l = event_push_object(list);
    event_str(l, "name", layers[i].name);
    event_bool(l, "on", layers[i].on);
    if (layers[i].number) event_i64(l, "number", layers[i].number);
    if (layers[i].error) event_i64(l, "error", layers[i].error);
    if (!layers[i].on) event_push_text(missing, span_str(layers[i].name), 64);
  }
}

static void add_preloads(cJSON *box) {
  struct span names[PRELOADS_MAX];
  size_t n = sandbox_preloads(names);
  cJSON *list = n ? event_array(box, "preloaded") : NULL;
  for (size_t i = 0; i < n; i++) event_push_text(list, names[i], 64);
}

static void add_policy(cJSON *run, const struct policy *p) {
  cJSON *o = event_object(run, "policy");
  if (p->sha256[0]) event_str(o, "sha256", p->sha256);
  if (p->file.fd >= 0) event_bytes(o, "file", p->file.path, OBS_TEXT_MAX);
  event_bool(o, "allows", policy_has_names(p));
}

void emit_run(struct report *report, const struct run *run) {
  const struct run_options *o = run->options;
  const struct sandbox *s = run->sandbox;
  char torch[TORCH_VERSION_ROOM];
  static const char *const verbs[] = {"scan", "check", "forward", "inspect", "diff", "describe"};
  cJSON *e = event_new("run");
  event_str(e, "schema", "ckptlint.event/1");
  version_event(event_object(e, "tool"));
  event_str(e, "verb", verbs[o->verb]);
  event_str(e, "depth", o->depth == DEPTH_FULL ? "full" : "quick");
  event_str(e, "profile", o->profile == PROFILE_STRICT ? "strict" : "weights");
  if (run->policy.torch) event_str(e, "torch_version", torch_version_text(run->policy.torch, torch));
  event_str(e, "fail_on", severity_name(o->fail_on));
  add_policy(e, &run->policy);
  cJSON *box = event_object(e, "sandbox");
  event_str(box, "level", sandbox_level_name(sandbox_level(s)));
  if (sandbox_policy_digest(s)[0]) event_str(box, "policy_sha256", sandbox_policy_digest(s));
  add_layers(box, s);
  add_preloads(box);
  report_event(report, e);
}

static void add_counts(cJSON *e, const char *key, const uint64_t *counts, int n, const char *(*name)(int)) {
  cJSON *o = event_object(e, key);
  for (int i = n - 1; i >= 0; i--)
    if (counts[i]) event_u64(o, name(i), counts[i]);
}

static const char *verdict_at(int i) { return verdict_name((enum verdict)i); }
static const char *severity_at(int i) { return severity_name((enum severity)i); }

/* Names that a person has reviewed are clean too. */
static const char *clean_means(const struct policy *p) {
  if (p->file.fd >= 0 && policy_has_names(p))
    return "clean means: loading runs nothing but the code of the classes that the policy allows, and every "
           "tensor lies inside its file. It says nothing about where the weights come from, and nothing "
           "about "
           "backdoors trained into them.";
  return "clean means: loading runs nothing and every tensor lies inside its file. It says nothing "
         "about where the weights come from, and nothing about backdoors trained into them.";
}

void emit_summary(struct report *report, const struct run *run, const struct tally *t, int exit_code,
                  const char *error) {
  cJSON *e = event_new("summary");
  event_bool(e, "complete", error == NULL);
  event_u64(e, "exit", (uint64_t)exit_code);
  event_u64(e, "inputs", t->inputs);
  if (t->inside) event_u64(e, "inside", t->inside);
  add_counts(e, "verdicts", t->verdicts, VERDICT_COUNT, verdict_at);
  add_counts(e, "severities", t->severities, SEV_COUNT, severity_at);
  cJSON *says = event_array(e, "says");
  event_push_text(says, span_str(clean_means(&run->policy)), 512);
  if (t->skipped) {
    char line[96];
    int n = snprintf(line, sizeof line,
                     "passed over in directories: %llu other files, no checkpoints by their bytes",
                     (unsigned long long)t->skipped);
    event_push_text(says, span_of(line, n > 0 ? (size_t)n : 0), sizeof line);
  }
  if (error) event_text(e, "error", span_str(error), 1024);
  report_event(report, e);
}
