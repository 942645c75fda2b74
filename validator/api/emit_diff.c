#include "api/emit.h"

enum { TEXT_CAP = 512, KEY_CAP = 4096 };

static const char *answer(const struct job *job) {
  const struct diff_report *r = job->pair.report;
  if (!r || r->count[DIFF_UNREAD] || job->verdict == VERDICT_NOT_CHECKED) return "not compared";
  if (diff_differs(r)) return "different";
  return r->within ? "equal within the tolerances" : "equal";
}

static struct span dict_path(const struct plan *p, uint32_t dict) {
  return dict ? plan_span(p, p->dicts[dict - 1].path) : SPAN("");
}

/* The kinds that say something about the weights, then the rest together. */
static void add_counts(const struct diff_report *r, cJSON *o) {
  static const struct {
    const char *name;
    enum diff_kind kind;
  } fields[] = {{"changed", DIFF_CHANGED}, {"retyped", DIFF_RETYPED}, {"reshaped", DIFF_RESHAPED},
                {"removed", DIFF_REMOVED}, {"added", DIFF_ADDED},     {"not_compared", DIFF_UNREAD}};
  event_u64(o, "equal", r->equal);
  event_u64(o, "within", r->within);
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) event_u64(o, fields[i].name, r->count[fields[i].kind]);
  event_u64(o, "ties", (uint64_t)r->count[DIFF_TIED] + r->count[DIFF_UNTIED]);
  event_u64(o, "imports", (uint64_t)r->count[DIFF_GLOBAL_ADDED] + r->count[DIFF_GLOBAL_REMOVED]);
  event_u64(
      o, "values",
      (uint64_t)r->count[DIFF_VALUE_ADDED] + r->count[DIFF_VALUE_REMOVED] + r->count[DIFF_VALUE_CHANGED]);
}

void add_diff(const struct job *job, cJSON *file) {
  const struct diff_report *r = job->pair.report;
  const struct job *const *side = job->pair.side;
  cJSON *o = event_object(file, "diff");
  event_str(o, "answer", answer(job));
  event_bytes(o, "a", side[0]->in.path, KEY_CAP);
  event_bytes(o, "b", side[1]->in.path, KEY_CAP);
  if (!r) return;
  event_text(o, "state_dict_a", dict_path(&side[0]->plan, r->dict_a), KEY_CAP);
  event_text(o, "state_dict_b", dict_path(&side[1]->plan, r->dict_b), KEY_CAP);
  if (r->prefix_n)
    event_text(o, r->prefix_of_b ? "prefix_b" : "prefix_a", span_of(r->prefix, r->prefix_n), TEXT_CAP);
  add_counts(r, o);
}

/* ---- rows ---- */

/* The path of a value, from the root, joined with '/'; only its end when it is long. */
static struct span value_path(const struct plan *p, uint32_t value, char room[KEY_CAP]) {
  size_t at = KEY_CAP;
  for (uint32_t i = value; i; i = p->values[i].parent) {
    struct span key = plan_span(p, p->values[i].key);
    if (key.n + 1 > at) break;
    if (at < KEY_CAP) room[--at] = '/';
    at -= key.n;
    if (key.n) memcpy(room + at, key.p, key.n);
  }
  return span_of(room + at, KEY_CAP - at);
}

static struct span tensor_name(const struct plan *p, uint32_t tensor) {
  const struct plan_tensor *t = &p->tensors[tensor - 1];
  return plan_span(p, t->state_key.n ? t->state_key : t->key);
}

static void add_name(const struct diff_row *row, const struct plan *p, uint32_t i, cJSON *e) {
  char room[KEY_CAP];
  switch (diff_kinds[row->kind].table) {
  case DIFF_OF_tensors: event_bytes(e, "key", tensor_name(p, i), KEY_CAP); return;
  case DIFF_OF_values: event_bytes(e, "key", value_path(p, i - 1, room), KEY_CAP); return;
  case DIFF_OF_globals: break;
  }
  const struct plan_global *g = &p->globals[i - 1];
  struct span module = plan_span(p, g->module), name = plan_span(p, g->name);
  int n = snprintf(room, sizeof room, "%.*s.%.*s", (int)min_size(module.n, TEXT_CAP), (const char *)module.p,
                   (int)min_size(name.n, TEXT_CAP), (const char *)name.p);
  event_bytes(e, "key", span_of(room, n > 0 ? min_size((size_t)n, sizeof room - 1) : 0), KEY_CAP);
}

static void add_side(const struct diff_row *row, const struct plan *p, uint32_t i, const char *field,
                     cJSON *e) {
  if (i == 0) return;
  if (diff_kinds[row->kind].table == DIFF_OF_tensors) event_tensor(e, field, p, i - 1);
  if (diff_kinds[row->kind].table == DIFF_OF_values) event_value(e, field, p, &p->values[i - 1]);
}

static void emit_difference(const struct job *job, const struct diff_row *row, struct report *report) {
  const struct plan *a = &job->pair.side[0]->plan, *b = &job->pair.side[1]->plan;
  cJSON *e = event_new("difference");
  event_str(e, "what", diff_kinds[row->kind].word);
  add_name(row, row->a ? a : b, row->a ? row->a : row->b, e);
  if (row->partner)
    event_bytes(e, "with", tensor_name(row->kind == DIFF_TIED ? b : a, row->partner), KEY_CAP);
  add_side(row, a, row->a, "from", e);
  add_side(row, b, row->b, "to", e);
  if (row->figures) {
    event_u64(e, "differing", row->differing);
    event_figure(e, "max_abs", row->max_abs);
    event_figure(e, "max_rel", row->max_rel);
    event_real(e, "cosine", row->cosine);
    event_bool(e, "within", row->within != 0);
  }
  report_event(report, e);
}

void emit_differences(const struct job *job, struct report *report) {
  for (uint32_t i = 0; i < job->pair.report->num_rows; i++)
    emit_difference(job, &job->pair.report->rows[i], report);
}
