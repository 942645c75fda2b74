#include "api/worker_describe.h"

#include "api/send.h"
#include "arch/match.h"
#include "base/json.h"

enum { MAX_NAME = 1024, MAX_ROWS = 8000 };

static void send_row(const struct described *row, struct arena *a, struct wire_out *out) {
  struct span name = span_first(row->name, MAX_NAME), line = span_first(row->line, MAX_NAME);
  const struct module_head head = {.params = row->params,
                                   .depth = row->depth,
                                   .name_n = (uint32_t)name.n,
                                   .line_n = (uint32_t)line.n,
                                   .leaf = row->leaf,
                                   .repeated = row->repeated,
                                   .mode = (uint8_t)row->mode};
  size_t n = sizeof head + name.n + line.n + row->open.n;
  uint8_t *text = arena_array(a, n, uint8_t), *at = text;
  if (!text) {
    out->broken = true;
    return;
  }
  const struct span parts[] = {span_of(&head, sizeof head), name, line, row->open};
  for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
    if (parts[i].n) memcpy(at, parts[i].p, parts[i].n);
    at += parts[i].n;
  }
  wire_text(out, TEXT_MODULE, span_of(text, n));
}

bool describe_row(struct described *out, struct span text) {
  struct module_head head;
  if (text.n < sizeof head) return false;
  memcpy(&head, text.p, sizeof head);
  struct span rest = span_from(text, sizeof head);
  if (head.leaf > 1 || head.repeated > 1 || head.mode >= MODE_COUNT || head.depth > UINT16_MAX ||
      head.name_n > rest.n || head.line_n > rest.n - head.name_n)
    return false;
  *out = (struct described){.depth = head.depth,
                            .leaf = head.leaf != 0,
                            .repeated = head.repeated != 0,
                            .mode = (enum described_mode)head.mode,
                            .name = span_first(rest, head.name_n),
                            .line = span_first(span_from(rest, head.name_n), head.line_n),
                            .open = span_from(rest, head.name_n + head.line_n),
                            .params = head.params};
  return true;
}

/* "resnet18", or the family's own name. */
static struct span name_of(const struct likeness *like) {
  struct span name = like->family.file.name;
  return like->family.preset.n ? like->family.preset : family_stem(name);
}

/* " with num_classes=10" */
static struct span difference(const struct likeness *like, const struct likeness_request *r,
                              struct arena *a) {
  struct span words = like->problems ? describe_difference(like, r, a) : SPAN("");
  return words.n ? arena_printf(a, " with %.*s", (int)min_size(words.n, 400), (const char *)words.p) : words;
}

static bool find_family(const struct describe_job *job, const struct plan_dict *dict, struct arena *a,
                        struct observations *o) {
  struct likeness like;
  const struct likeness_request r = {.all = &job->families,
                                     .config = job->config,
                                     .plan = job->plan,
                                     .dict = dict,
                                     .max = &job->options->limits};
  if (!describe_likeness(&like, &r, a)) return false;
  if (like.family.file.text.n == 0)
    observe(o, (struct observation){.kind = OBS_DESCRIBE_UNLIKE, .got = job->families.n});
  else
    observe(o, (struct observation){.kind = like.problems ? OBS_DESCRIBE_LIKE : OBS_DESCRIBE_IS,
                                    .subject = name_of(&like),
                                    .detail = difference(&like, &r, a),
                                    .got = like.hits,
                                    .want = dict->num_entries});
  return true;
}

/* describe --family: the rows become those of a family. */
static bool make_draft(const struct describe_job *job, struct description *d, struct arena *a,
                       struct observations *o, struct wire_out *out) {
  struct draft draft;
  if (job->config.text.n == 0) return refuse(o, (struct observation){.kind = OBS_DESCRIBE_NO_CONFIG});
  if (!draft_family(&draft, d, job->config, a, &job->options->limits, o)) return false;
  wire_text(out, TEXT_DRAFT_TYPE, draft.model_type);
  wire_text(out, TEXT_DRAFT_CLASS, draft.architecture);
  for (uint32_t i = 0; i < draft.fields.n; i++) wire_text(out, TEXT_DRAFT_FIELD, draft.fields.p[i]);
  return !out->broken;
}

static void note_no_dict(const struct describe_job *job, struct arena *a, struct observations *o) {
  const bool others = job->options->key.n && job->plan->num_dicts;
  observe(o, (struct observation){.kind = others ? OBS_DESCRIBE_ABSENT : OBS_DESCRIBE_NOTHING,
                                  .subject = job->options->key,
                                  .detail = others ? match_dicts(a, job->plan, NULL) : SPAN("")});
}

bool describe_stage_run(void *ctx, struct wire_out *out) {
  const struct describe_job *job = ctx;
  const struct limits *max = &job->options->limits;
  const struct plan *p = job->plan;
  struct arena arena;
  struct observations obs;
  struct description d = {0};
  arena_init(&arena, (size_t)job->arena_bytes);
  observations_init(&obs, &arena, (uint32_t)max->report_findings);
  json_budget((size_t)max->json_bytes * 8);
  const struct plan_dict *best = p->num_dicts ? p->dicts : NULL;
  const struct plan_dict *dict = job->options->key.n ? plan_dict_at(p, job->options->key) : best;
  if (!dict) note_no_dict(job, &arena, &obs);
  bool whole = !dict || (describe_run(&d, p, dict, &arena, max) && find_family(job, dict, &arena, &obs));
  if (whole && dict && job->options->draft && !make_draft(job, &d, &arena, &obs, out)) d.rows.n = 0;
  for (uint32_t i = 0; whole && i < d.rows.n && i < MAX_ROWS; i++) send_row(&d.rows.p[i], &arena, out);
  if (d.rows.n > MAX_ROWS)
    observe(&obs, (struct observation){.kind = OBS_DESCRIBE_CUT, .got = d.rows.n, .want = MAX_ROWS});
  const struct judged judged = {.obs = &obs, .report_bytes = max->report_bytes};
  return send_findings(&judged, out) && whole;
}
