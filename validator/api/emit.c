/* The events of one finished job. Everything here comes from the plan, the findings and the results, all
 * checked. */
#include "api/emit.h"

#include "api/insn.h"
#include "api/message.h"
#include "base/glob.h"
#include "base/memory.h"
#include "container/container.h"
#include "model/quantizer.h"
#include "tensor/sha256.h"

enum { TEXT_CAP = 512, KEY_CAP = 4096, MESSAGE_BYTES = 2048 };

/* ---- findings, worst first ---- */

static int compare_findings(const void *a, const void *b) {
  const struct finding *x = *(const struct finding *const *)a, *y = *(const struct finding *const *)b;
  if (x->effect != y->effect) return x->effect > y->effect ? -1 : 1;
  if (x->severity != y->severity) return x->severity > y->severity ? -1 : 1;
  int names = span_cmp(x->member, y->member);
  if (names) return names;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return (x->reason > y->reason) - (x->reason < y->reason);
}

static void emit_finding(const struct finding *f, struct report *report) {
  char message[MESSAGE_BYTES];
  const struct rule *rule = finding_rule(f);
  cJSON *e = event_new("finding");
  event_str(e, "rule", rule->id);
  event_str(e, "name", rule->name);
  event_str(e, "reason", reason_table[f->reason].slug);
  event_str(e, "severity", severity_name(f->severity));
  event_str(e, "effect", effect_name(f->effect));
  event_str(e, "title", rule->title);
  event_text(e, "message", finding_message(f, message, sizeof message), MESSAGE_BYTES);
  if (f->member.n) event_bytes(e, "member", f->member, KEY_CAP);
  if (f->member.n || f->at) event_u64(e, "offset", f->at);
  if (f->len) event_u64(e, "length", f->len);
  if (f->got || f->want) {
    event_u64(e, "got", f->got);
    event_u64(e, "want", f->want);
  }
  if (f->subject.n) event_text(e, "subject", f->subject, TEXT_CAP);
  if (f->detail.n) event_text(e, "detail", f->detail, TEXT_CAP);
  if (f->more) event_u64(e, "more", f->more);
  report_event(report, e);
}

static void emit_findings(const struct job *job, struct report *report) {
  const struct finding **sorted = memory_calloc(job->findings.n ? job->findings.n : 1, sizeof *sorted);
  if (!sorted) return;
  for (uint32_t i = 0; i < job->findings.n; i++) sorted[i] = &job->findings.p[i];
  qsort(sorted, job->findings.n, sizeof *sorted, compare_findings);
  for (uint32_t i = 0; i < job->findings.n; i++) emit_finding(sorted[i], report);
  free(sorted);
}

/* ---- the file ---- */

static void add_counts(const struct job *job, cJSON *file) {
  uint64_t counts[SEV_COUNT] = {0};
  for (uint32_t i = 0; i < job->findings.n; i++)
    counts[job->findings.p[i].severity] += 1 + (uint64_t)job->findings.p[i].more;
  cJSON *o = event_object(file, "counts");
  for (int s = SEV_COUNT - 1; s >= 0; s--)
    if (counts[s]) event_u64(o, severity_name((enum severity)s), counts[s]);
}

static uint64_t count_tensors(const struct plan *p) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < p->num_tensors; i++) n += !quantizer_part(p, i);
  return n;
}

/* Has it numbers of its own? A sparse tensor's are those of its values; scales are no parameters. */
static bool has_numbers(const struct plan *p, uint32_t tensor) {
  return !(p->tensors[tensor].flags & PLAN_SPARSE) && !quantizer_part(p, tensor);
}

static void add_dtypes(const struct plan *p, cJSON *file) {
  uint64_t counts[DTYPE_COUNT] = {0};
  for (uint32_t i = 0; i < p->num_tensors; i++)
    if (has_numbers(p, i)) counts[p->tensors[i].dtype]++;
  cJSON *o = event_object(file, "dtypes");
  for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++)
    if (counts[d]) event_u64(o, dtype_name(d), counts[d]);
}

enum { DEVICES = 16 };
struct devices {
  struct span tag[DEVICES];
  uint64_t tensors[DEVICES];
  size_t n;
};

static struct devices count_devices(const struct plan *p) {
  struct devices d = {.n = 0};
  for (uint32_t i = 0; i < p->num_tensors; i++) {
    if (quantizer_part(p, i)) continue;
    uint32_t storage = p->tensors[i].storage;
    struct span tag = storage ? plan_span(p, p->storages[storage - 1].location) : SPAN("meta");
    size_t k = 0;
    while (k < d.n && !span_eq(d.tag[k], tag)) k++;
    if (k == DEVICES) continue;
    if (k == d.n) d.tag[d.n++] = tag;
    d.tensors[k]++;
  }
  return d;
}

static void add_devices(const struct plan *p, cJSON *file) {
  struct devices d = count_devices(p);
  cJSON *o = event_object(file, "devices");
  for (size_t k = 0; k < d.n; k++) {
    char key[80];
    size_t n = min_size(d.tag[k].n, sizeof key - 1);
    memcpy(key, d.tag[k].p, n);
    key[n] = 0;
    bool plain = n > 0;
    for (size_t i = 0; i < n; i++) plain = plain && key[i] > ' ' && key[i] < 0x7f;
    event_u64(o, plain ? key : "other", d.tensors[k]);
  }
}

static void add_state_dicts(const struct plan *p, cJSON *file) {
  if (p->num_dicts == 0) return;
  cJSON *list = event_array(file, "state_dicts");
  for (uint32_t i = 0; i < p->num_dicts; i++) {
    cJSON *o = event_push_object(list);
    event_text(o, "path", plan_span(p, p->dicts[i].path), KEY_CAP);
    event_u64(o, "entries", p->dicts[i].num_entries);
    event_u64(o, "numel", p->dicts[i].numel);
    event_bool(o, "module", p->dicts[i].module != 0);
  }
}

static uint64_t all_params(const struct plan *p) {
  uint64_t sum = 0;
  if (p->num_dicts) return p->dicts[0].numel;
  for (uint32_t i = 0; i < p->num_tensors; i++)
    if (has_numbers(p, i) && !try_add(sum, p->tensors[i].numel, &sum)) return UINT64_MAX;
  return sum;
}

static void add_plan(const struct job *job, cJSON *file) {
  const struct plan *p = &job->plan;
  event_str(file, "format", container_kind_name((enum container_kind)p->header->kind));
  if (p->num_values == 0) return;
  if (p->header->num_ops) event_u64(file, "protocol", p->header->protocol);
  event_u64(file, "num_tensors", count_tensors(p));
  event_u64(file, "params", all_params(p));
  add_dtypes(p, file);
  add_devices(p, file);
  add_state_dicts(p, file);
}

/* ---- inspect ---- */

static bool shows(const struct job *job, enum inspect_view view) {
  return (job->run->options->views & (uint32_t)view) != 0;
}

static void emit_members(const struct plan *p, struct report *report) {
  for (uint32_t i = 0; i < p->num_members; i++) {
    const struct plan_member *m = &p->members[i];
    cJSON *e = event_new("member");
    event_bytes(e, "name", plan_span(p, m->name), KEY_CAP);
    event_str(e, "method", m->spelling ? "text" : m->method == METHOD_STORED ? "stored" : "deflated");
    event_u64(e, "size", m->size);
    event_u64(e, "compressed", m->csize);
    if (m->crc_known) {
      char hex[16];
      int n = snprintf(hex, sizeof hex, "%08x", m->crc);
      event_text(e, "crc32", span_of(hex, (size_t)n), sizeof hex);
    }
    event_u64(e, "header_offset", m->header_at);
    event_u64(e, "data_offset", m->data_at);
    event_bool(e, "used", m->used != 0);
    report_event(report, e);
  }
}

static void emit_globals(const struct plan *p, struct report *report) {
  for (uint32_t i = 0; i < p->num_globals; i++) {
    const struct plan_global *g = &p->globals[i];
    cJSON *e = event_new("global");
    event_text(e, "module", plan_span(p, g->module), TEXT_CAP);
    event_text(e, "name", plan_span(p, g->name), TEXT_CAP);
    event_str(e, "class", global_class_name((enum global_class)g->cls));
    event_u64(e, "count", g->count);
    if (g->member) event_text(e, "member", plan_span(p, p->members[g->member - 1].name), TEXT_CAP);
    event_u64(e, "offset", g->first_at);
    report_event(report, e);
  }
}

static void add_dims(cJSON *e, const char *key, const uint64_t *dims, uint32_t n) {
  cJSON *list = event_array(e, key);
  for (uint32_t i = 0; i < n; i++) event_push_u64(list, dims[i]);
}

static void add_count(cJSON *e, const char *key, bool known, uint64_t n) {
  if (known)
    event_u64(e, key, n);
  else
    event_null(e, key);
}

static void add_tensor_stats(cJSON *e, const struct plan_stats *s, bool histogram) {
  char hex[SHA256_HEX + 1];
  if (s && s->hashed)
    event_str(e, "sha256", sha256_hex(s->sha256, hex));
  else
    event_null(e, "sha256");
  bool done = s && s->done, finite = done && s->finite;
  add_count(e, "nan_count", done, s ? s->nan_count : 0);
  add_count(e, "inf_count", done, s ? s->inf_count : 0);
  event_real(e, "min", finite ? s->min : (double)NAN);
  event_real(e, "max", finite ? s->max : (double)NAN);
  event_real(e, "mean", finite ? s->mean : (double)NAN);
  event_real(e, "std", finite ? s->std : (double)NAN);
  add_count(e, "zero_count", done, s ? s->zero_count : 0);
  add_count(e, "zero_rows", done, s ? s->zero_rows : 0);
  add_count(e, "subnormal_count", done, s ? s->subnormal_count : 0);
  if (histogram && finite) {
    cJSON *bars = event_array(e, "histogram");
    for (size_t i = 0; i < sizeof s->bars; i++) event_push_u64(bars, s->bars[i]);
  }
}

static const char *const layout_names[LAYOUT_COUNT] = {"strided",    "sparse_coo", "sparse_csr",
                                                       "sparse_csc", "sparse_bsr", "sparse_bsc"};

static void emit_tensor(const struct plan *p, uint32_t i, bool histogram, struct report *report) {
  const struct plan_tensor *t = &p->tensors[i];
  cJSON *e = event_new("tensor");
  event_bytes(e, "key", plan_span(p, t->key), KEY_CAP);
  if (t->state_key.n)
    event_bytes(e, "state_key", plan_span(p, t->state_key), KEY_CAP);
  else
    event_null(e, "state_key");
  event_str(e, "dtype", dtype_name((enum dtype)t->dtype));
  add_dims(e, "shape", &p->dims[t->first_dim], t->ndim);
  add_dims(e, "stride", &p->dims[t->first_dim] + t->ndim, t->flags & PLAN_SPARSE ? 0 : t->ndim);
  event_str(e, "layout", layout_names[t->layout]);
  if (t->flags & PLAN_SPARSE)
    event_u64(e, "nnz", t->nnz);
  else
    event_null(e, "nnz");
  event_u64(e, "numel", t->numel);
  event_u64(e, "storage_offset", t->flags & PLAN_SPARSE ? 0 : t->offset);
  add_tensor_stats(e, p->num_stats ? &p->stats[i] : NULL, histogram);
  report_event(report, e);
}

static bool key_wanted(const struct job *job, struct span key, struct span state_key) {
  struct span glob = job->run->options->key;
  return glob.n == 0 || job->run->options->verb != VERB_INSPECT || glob_match(glob, key) ||
         (state_key.n && glob_match(glob, state_key));
}

bool job_key_matches(const struct job *job) {
  const struct plan *p = &job->plan;
  if (job->run->options->verb != VERB_INSPECT || job->run->options->key.n == 0) return true;
  for (uint32_t i = 0; i < p->num_tensors; i++)
    if (key_wanted(job, plan_span(p, p->tensors[i].key), plan_span(p, p->tensors[i].state_key))) return true;
  return false;
}

static int by_key(const void *a, const void *b, void *ctx) {
  const struct plan *p = ctx;
  return span_cmp(plan_span(p, p->tensors[*(const uint32_t *)a].key),
                  plan_span(p, p->tensors[*(const uint32_t *)b].key));
}

static void emit_tensors(const struct job *job, struct report *report) {
  struct plan p = job->plan;
  uint32_t *order = memory_calloc(p.num_tensors ? p.num_tensors : 1, sizeof *order);
  if (!order) return;
  uint32_t n = 0;
  for (uint32_t i = 0; i < p.num_tensors; i++)
    if (!quantizer_part(&p, i)) order[n++] = i;
  qsort_r(order, n, sizeof *order, by_key, &p);
  for (uint32_t i = 0; i < n; i++) {
    const struct plan_tensor *t = &p.tensors[order[i]];
    if (key_wanted(job, plan_span(&p, t->key), plan_span(&p, t->state_key)))
      emit_tensor(&p, order[i], shows(job, SHOW_STATS), report);
  }
  free(order);
}

static void emit_insns(const struct plan *p, struct report *report) {
  for (uint32_t i = 0; i < p->num_insns; i++) emit_insn(p, &p->insns[i], report);
}

enum part { WEIGHTS, BUFFERS, OPTIMIZER, OTHER, PARTS };

static enum part part_of(const struct plan *p, uint32_t tensor) {
  static const char *const buffers[] = {"running_mean", "running_var", "num_batches_tracked", "position_ids"};
  struct span name = plan_span(p, p->tensors[tensor].state_key), key = plan_span(p, p->tensors[tensor].key);
  for (size_t b = 0; b < ARRAY_LEN(buffers); b++)
    if (name.n && span_ends(name, span_str(buffers[b]))) return BUFFERS;
  if (name.n || quantizer_part(p, tensor)) return WEIGHTS;
  return memmem(key.p, key.n, "optim", 5) ? OPTIMIZER : OTHER;
}

/* Bytes of the file by what they are for; each storage counts once, for the first tensor that says. */
static void add_parts(const struct job *job, cJSON *file) {
  static const char *const names[PARTS] = {"weights", "buffers", "optimizer", "other"};
  const struct plan *p = &job->plan;
  uint64_t bytes[PARTS] = {0}, pickle = 0, unreferenced = 0, arrays = 0;
  bool bare = p->header->kind == CONTAINER_PICKLE; /* tensors and other programs lie inside the pickle */
  uint8_t *counted = memory_calloc((size_t)p->num_storages + 1, 1);
  for (uint32_t i = 0; counted && i < p->num_tensors; i++) {
    const struct plan_tensor *t = &p->tensors[i];
    if (!t->storage || counted[t->storage]) continue;
    counted[t->storage] = 1;
    bytes[part_of(p, i)] += p->storages[t->storage - 1].bytes;
    arrays += p->storages[t->storage - 1].bytes;
  }
  free(counted);
  for (uint32_t i = 0; i < p->num_members; i++) {
    struct span name = plan_span(p, p->members[i].name);
    bool program = bare ? span_starts(name, SPAN("pickle"))
                        : span_ends(name, SPAN("data.pkl")) || span_is(name, "pickle");
    if (program) pickle += p->members[i].csize;
    if (!p->members[i].used && memmem(name.p, name.n, "/data/", 6)) unreferenced += p->members[i].csize;
  }
  if (bare) pickle -= min_u64(pickle, arrays);
  cJSON *o = event_object(file, "parts");
  for (int k = 0; k < PARTS; k++) event_u64(o, names[k], bytes[k]);
  event_u64(o, "pickle", pickle);
  event_u64(o, "unreferenced", unreferenced);
}

static void add_inside(const struct job *job, cJSON *file) {
  const struct nested *n = &job->nested;
  if (n->judged == 0 && n->passed_over == 0) return;
  cJSON *o = event_object(file, "inside");
  event_u64(o, "judged", n->judged);
  event_u64(o, "passed_over", n->passed_over);
}

static void emit_rows(const struct job *job, struct report *report) {
  const struct plan *p = &job->plan;
  if (shows(job, SHOW_MEMBERS) && !job->folder.n) emit_members(p, report);
  if (shows(job, SHOW_GLOBALS)) emit_globals(p, report);
  bool tensors = shows(job, SHOW_TENSORS) || shows(job, SHOW_STATS);
  if (tensors && !job->merged) emit_tensors(job, report);
  for (uint32_t i = 0; shows(job, SHOW_TREE) && !job->merged && i < p->num_values; i++)
    emit_value(p, i, report);
  if (shows(job, SHOW_OPCODES)) emit_insns(p, report);
  for (uint32_t i = 0; shows(job, SHOW_PICKLE) && i < p->num_lines; i++)
    emit_statement(p, &p->lines[i], report);
}

void job_emit(const struct job *job, struct report *report) {
  const struct run_options *o = job->run->options;
  const struct model_summary *s = job_summary(job);
  cJSON *file = event_new("file");
  event_bytes(file, "path", job->in.path, KEY_CAP);
  if (job->outer) event_bytes(file, "parent", job->outer->in.path, KEY_CAP);
  event_str(file, "verdict", verdict_name(job->verdict));
  event_bool(file, "complete", job->complete);
  event_str(file, "depth", o->depth == DEPTH_FULL ? "full" : "quick");
  if (job->opened) event_u64(file, "size", job->folder.n ? job->folder.bytes : job->in.bytes.n);
  if (job->have_plan) add_plan(job, file);
  if (job->findings.n) add_counts(job, file);
  if (job->have_plan && o->verb == VERB_INSPECT) {
    add_parts(job, file);
    add_modes(job, file);
  }
  add_inside(job, file);
  add_fields(job, file);
  if (s) add_check(job, s, file);
  add_torch_lines(job, file);
  if (job->result) add_forward(job, file);
  if (job->pair.side[0]) add_diff(job, file);
  job_says(job, job_needs(job, file), file);
  cJSON *timing = event_object(file, "timing");
  event_real(timing, "seconds", (double)job->took_ms / 1000.0);
  if (job->result && job->result->core.n)
    event_text(timing, "blas", result_span(job->result, job->result->core), 64);
  report_event(report, file);
  emit_findings(job, report);
  if (job->have_plan) emit_rows(job, report);
  emit_modules(job, report);
  if (job->pair.report) emit_differences(job, report);
  report_event(report, event_new("file_end"));
}

void job_emit_whole(const struct job *job, struct report *report) {
  for (const struct job *j = job; j; j = job_following(j))
    if (job_is_shown(j)) job_emit(j, report);
}
