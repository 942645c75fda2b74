/* What the check and the forward pass say, as members of the file's event. */
#include "api/emit.h"

enum { TEXT_CAP = 512, KEY_CAP = 4096 };

void add_check(const struct job *job, const struct model_summary *s, cJSON *file) {
  cJSON *o = event_object(file, "check");
  event_text(o, "arch", span_of(s->name, s->name_n), TEXT_CAP);
  event_text(o, "state_dict",
             job->plan.num_dicts ? plan_span(&job->plan, job->plan.dicts[s->dict].path) : SPAN(""), KEY_CAP);
  if (s->prefix_removed_n) event_text(o, "prefix", span_of(s->prefix_removed, s->prefix_removed_n), TEXT_CAP);
  event_u64(o, "expected", s->expected);
  event_u64(o, "matched", s->matched);
  event_u64(o, "missing", s->missing);
  event_u64(o, "unexpected", s->unexpected);
  event_u64(o, "mismatched", s->misshapen);
  event_u64(o, "params_loaded", s->params_loaded);
  event_u64(o, "params_missing", s->params_missing);
  event_u64(o, "params_ignored", s->params_ignored);
  if (s->adapter) event_bool(o, "adapter", true);
  if (s->packed) event_u64(o, "quantized", s->packed);
  event_bool(o, "loads_strict", s->loads_strict != 0);
  event_bool(o, "loads_loose", s->loads_loose != 0);
}

void add_torch_lines(const struct job *job, cJSON *file) {
  enum { TORCH_CAP = 65536 };
  cJSON *list = job->torch_lines.n ? event_array(file, "torch_messages") : NULL;
  for (uint32_t i = 0; i < job->torch_lines.n; i++) event_push_text(list, job->torch_lines.p[i], TORCH_CAP);
}

/* The worst element's index, one number a dimension. */
static void add_index(cJSON *o, const struct result_output *out) {
  const struct result_array *a = &out->array;
  uint64_t index[FT_DIMS] = {0}, left = out->worst;
  for (uint32_t i = a->ndim; i > 0; i--) {
    uint64_t size = a->size[i - 1] ? a->size[i - 1] : 1;
    index[i - 1] = left % size;
    left /= size;
  }
  cJSON *list = event_array(o, "worst_index");
  for (uint32_t i = 0; i < a->ndim; i++) event_push_u64(list, index[i]);
}

static void add_shape(cJSON *o, const struct result_array *a) {
  cJSON *shape = event_array(o, "shape");
  for (uint32_t i = 0; i < a->ndim; i++) event_push_u64(shape, a->size[i]);
}

/* null where no value is finite */
static void add_figures(cJSON *o, const struct result_array *a, const struct result_figures *f) {
  static const char *const names[] = {"min", "max", "mean"};
  const double figures[] = {f->min, f->max, f->mean};
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    if (f->nonfinite < a->numel)
      event_figure(o, names[i], figures[i]);
    else
      event_null(o, names[i]);
  }
  event_u64(o, "nonfinite", f->nonfinite);
}

static void add_output(const struct job *job, const struct result_output *out, cJSON *list) {
  cJSON *o = event_push_object(list);
  struct span name = result_span(job->result, out->name);
  event_text(o, "name", name, TEXT_CAP);
  add_shape(o, &out->array);
  add_figures(o, &out->array, &out->figures);
  event_str(o, "status", out->golden == GOLDEN_NONE ? "computes" : out->agrees ? "pass" : "fail");
  if (out->golden == GOLDEN_VALUES && out->same_shape) {
    event_figure(o, "max_abs", out->max_abs);
    event_figure(o, "max_rel", out->max_rel);
    add_index(o, out);
  }
  if (out->rows) event_bool(o, "argmax_agree", out->rows == out->rows_agree);
  struct saved_output saved = job_saved_output(job, name);
  if (saved.path.n) event_text(o, saved.lost ? "not_saved" : "saved", saved.path, KEY_CAP);
  if (saved.lost) event_str(o, "save_error", saved.lost);
}

static void add_steps(const struct job *job, const struct result_test *t, cJSON *o) {
  const struct result *r = job->result;
  cJSON *list = t->num_steps ? event_array(o, "steps") : NULL;
  for (uint32_t i = 0; i < t->num_steps; i++) {
    const struct result_step *s = &r->steps[t->first_step + i];
    cJSON *row = event_push_object(list);
    event_text(row, "op", result_span(r, s->op), TEXT_CAP);
    event_text(row, "place", result_span(r, s->place), TEXT_CAP);
    add_shape(row, &s->array);
    add_figures(row, &s->array, &s->figures);
  }
}

/* A goldens file knows what it was recorded with. */
static void add_goldens(const struct job *job, cJSON *file) {
  const struct result *r = job->result;
  if (!r->recorded_by.n) return;
  cJSON *o = event_object(file, "goldens");
  event_text(o, "tool", result_span(r, r->recorded_by), TEXT_CAP);
  if (r->same_weights != SAME_UNKNOWN) event_bool(o, "same_weights", r->same_weights == SAME_YES);
  if (r->same_arch != SAME_UNKNOWN) event_bool(o, "same_arch", r->same_arch == SAME_YES);
}

static const char *test_status(const struct job *job, const struct result_test *t) {
  const struct result *r = job->result;
  bool golden = false, fails = t->nonfinite_place.n > 0;
  if (t->status != RESULT_COMPUTED) return "not run";
  for (uint32_t i = 0; i < t->num_outputs; i++) {
    const struct result_output *o = &r->outputs[t->first_output + i];
    golden = golden || o->golden != GOLDEN_NONE;
    fails = fails || (o->golden != GOLDEN_NONE && !o->agrees);
  }
  return fails ? "fail" : golden ? "pass" : "computes";
}

void add_forward(const struct job *job, cJSON *file) {
  static const char *const reasons[RESULT_STATUSES] = {
      [RESULT_NOT_RUN] = "an earlier failure ended the pass",
      [RESULT_REFUSED] = "the findings say why",
      [RESULT_TOO_COSTLY] = "over 20 GFLOP; ckptlint forward runs it", /* limits.forward_free */
  };
  cJSON *list = event_array(file, "forward");
  for (uint32_t i = 0; i < job->result->num_tests; i++) {
    const struct result_test *t = &job->result->tests[i];
    cJSON *o = event_push_object(list);
    event_u64(o, "test", i);
    event_str(o, "status", test_status(job, t));
    if (t->status < RESULT_STATUSES && reasons[t->status]) event_str(o, "reason", reasons[t->status]);
    cJSON *outputs = event_array(o, "outputs");
    for (uint32_t k = 0; t->status == RESULT_COMPUTED && k < t->num_outputs; k++)
      add_output(job, &job->result->outputs[t->first_output + k], outputs);
    if (t->status == RESULT_COMPUTED) {
      event_u64(o, "operations", t->cost);
      event_u64(o, "memory", t->peak_bytes);
    }
    if (t->nonfinite_place.n)
      event_text(o, "first_nonfinite", result_span(job->result, t->nonfinite_place), TEXT_CAP);
    add_steps(job, t, o);
  }
  add_goldens(job, file);
}
