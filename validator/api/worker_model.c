/* The model stage: is it the model that the architecture file describes, and does it compute? Everything that
 * comes from JSON is parsed here, in a sealed worker, since it may come from the same stranger as the
 * weights. */
#include "api/worker_model.h"

#include "api/send.h"
#include "api/worker_record.h"
#include "arch/adapter_config.h"
#include "arch/fit.h"
#include "arch/hint.h"
#include "arch/torch_message.h"
#include "base/json.h"

struct model_stage {
  struct model_job *job;
  struct arena arena;
  struct observations obs;
  struct family family;
  bool adapter_unread; /* adapter_config.json can't be read, which is told where a check was asked for */
  struct arch arch;
  struct model model;
  struct match match;
  struct model_summary *summary;
};

bool model_prepare(void *ctx) {
  enum { SLICES = 16, SLICE_BYTES = 64 << 20, MANY_TENSORS = 10000 };
  struct model_job *job = ctx;
  if (!job->files_ready) return true;
  if (job->plan->num_tensors >= MANY_TENSORS) (void)!slices_map(&job->slices, SLICES, SLICE_BYTES);
  (void)!gemm_load(&job->gemm); /* a forward without it says so: job->gemm.error */
  record_prepare(job);
  return true;
}

/* Of the report: for torch's words, where they are asked for. */
static uint64_t torch_room(const struct model_stage *s) {
  return s->job->options->torch_messages ? s->job->options->limits.report_bytes / 4 : 0;
}

/* The match is told first, then the forward pass: each has half of the report. */
static bool finish(struct model_stage *s, struct wire_out *out) {
  const struct judged judged = {.obs = &s->obs,
                                .report_bytes = (s->job->options->limits.report_bytes - torch_room(s)) / 2};
  return send_findings(&judged, out);
}

static bool say_torch_lines(struct model_stage *s, struct wire_out *out) {
  struct names lines;
  if (!s->job->options->torch_messages) return true;
  if (!torch_message(&lines, &s->model, s->job->plan, s->match.dict, s->job->options->strict_keys,
                     torch_room(s), &s->arena))
    return false;
  for (uint32_t i = 0; i < lines.n; i++) wire_text(out, TEXT_TORCH_LINE, lines.list[i]);
  return !out->broken;
}

/* First round: is the architecture file valid, and which files do its tests name? The broker opens those. */
static bool say_needs(struct model_stage *s, struct wire_out *out) {
  struct names needs;
  if (!forward_needs(&s->arch, &s->arena, &needs)) return false;
  for (uint32_t i = 0; i < needs.n; i++) wire_text(out, TEXT_NEED_FILE, needs.list[i]);
  return !out->broken;
}

static uint32_t copy_text(uint8_t out[MODEL_TEXT], struct span text) {
  size_t n = min_size(text.n, MODEL_TEXT);
  if (n) memcpy(out, text.p, n);
  return (uint32_t)n;
}

static void summarise(struct model_stage *s) {
  const struct match *m = &s->match;
  struct model_summary *out = s->summary;
  *out = (struct model_summary){.found = m->found,
                                .dict = m->dict ? (uint32_t)(m->dict - s->job->plan->dicts) : 0,
                                .expected = m->num_expected,
                                .keys = m->keys,
                                .matched = m->matched,
                                .missing = m->missing,
                                .unexpected = m->unexpected,
                                .misshapen = m->misshapen,
                                .forgiven = m->forgiven,
                                .loads_strict = m->loads_strict,
                                .loads_loose = m->loads_loose,
                                .loads_after_fix = m->loads_after_fix,
                                .adapter = m->adapter,
                                .packed = m->packed,
                                .whole_module = m->dict && m->dict->module,
                                .params_loaded = m->params_loaded,
                                .params_missing = m->params_missing,
                                .params_ignored = m->params_ignored};
  out->name_n = copy_text(out->name, s->model.root_name);
  out->prefix_removed_n = copy_text(out->prefix_removed, m->prefix_removed);
  out->prefix_added_n = copy_text(out->prefix_added, m->prefix_added);
  out->magic = MODEL_SUMMARY;
}

static struct setting *settings(struct model_stage *s) {
  const struct name_values *set = &s->job->options->set;
  struct setting *list = arena_array(&s->arena, set->n, struct setting);
  for (size_t i = 0; list && i < set->n; i++)
    list[i] = (struct setting){set->list[i].name, set->list[i].value};
  return list;
}

static struct names globs(struct model_stage *s, const struct name_values *from) {
  struct span *list = arena_array(&s->arena, from->n, struct span);
  for (size_t i = 0; list && i < from->n; i++) list[i] = from->list[i].value;
  return (struct names){list ? (uint32_t)from->n : 0, list};
}

static bool build(struct model_stage *s, const struct config_sources *sources, struct span root) {
  return model_build(&s->model, &s->arch, sources, root, s->job->plan->num_tensors, &s->arena,
                     &s->job->options->limits, &s->obs);
}

/* Of several roots that nobody chose from, the one that the keys fit best; the same where the config names a
 * class that is none of them. */
static bool take_root(struct model_stage *s, const struct config_sources *sources,
                      const struct plan_dict *dict) {
  if (!s->model.root_chosen) return true;
  struct span best = fit_root(&s->arch, sources, s->job->plan, dict, &s->job->options->limits);
  if (best.n == 0) best = s->model.root_name;
  bool lacks = s->model.root_lacks.n != 0;
  observe(&s->obs, (struct observation){.kind = lacks ? OBS_ARCH_ROOT_OTHER : OBS_ARCH_ROOT_CHOSEN,
                                        .subject = lacks ? s->model.root_lacks : best,
                                        .got = s->arch.num_roots,
                                        .detail = best});
  if (span_eq(best, s->model.root_name)) return true;
  model_close(&s->model);
  return build(s, sources, best);
}

/* Of several state dicts that nobody chose from, the one with most keys of the model. */
static const struct plan_dict *choose_dict(struct model_stage *s, const struct config_sources *sources,
                                           const struct match_options *how, bool built) {
  const struct plan *plan = s->job->plan;
  const struct plan_dict *best = NULL;
  bool told = how->key.n || (s->arch.state_dict_path.n && plan_dict_at(plan, s->arch.state_dict_path));
  if (built && plan->num_dicts > 1 && !told)
    best = fit_dict(&s->arch, sources, s->arch.num_roots ? s->model.root_name : SPAN(""), plan,
                    &s->job->options->limits);
  return match_choose(&s->arch, plan, how, best, &s->arena, &s->obs);
}

/* What the values are that the config lacks: the model is built with others in their place, and what would
 * make the checkpoint fit is told. */
static bool hint_required(struct model_stage *s, const struct config_sources *sources,
                          const struct plan_dict *dict) {
  struct config_sources others = *sources;
  const struct match_options how = {.counts_only = true};
  const struct limits *max = &s->job->options->limits;
  struct observations quiet;
  others.stand_in = STAND_IN;
  observations_init(&quiet, &s->arena, 1);
  const struct hint_request hint = {.arch = &s->arch,
                                    .sources = &others,
                                    .model = &s->model,
                                    .match = &s->match,
                                    .plan = s->job->plan,
                                    .max = max,
                                    .bare = true};
  bool ok = model_build(&s->model, &s->arch, &others, SPAN(""), s->job->plan->num_tensors, &s->arena, max,
                        &quiet) &&
            match_run(&s->match, &s->model, s->job->plan, dict, &how, &s->arena, &quiet) &&
            hint_run(&hint, &s->arena, &s->obs);
  s->match.found = false; /* with the model that was asked for nothing was compared */
  return ok;
}

static bool lacks_config(const struct model_stage *s) {
  return s->obs.seen[OBS_ARCH_CONFIG_REQUIRED] && s->arch.num_roots == 0;
}

static bool build_and_match(struct model_stage *s) {
  const struct run_options *options = s->job->options;
  struct setting *set = settings(s);
  const struct match_options how = {.key = options->key,
                                    .file = s->job->file,
                                    .metadata_only = options->depth == DEPTH_QUICK,
                                    .ignore_missing = globs(s, &options->ignore_missing),
                                    .ignore_unexpected = globs(s, &options->ignore_unexpected)};
  const struct config_sources sources = {.set = set,
                                         .num_set = set ? options->set.n : 0,
                                         .preset = s->family.preset,
                                         .file = s->job->config,
                                         .plan = s->job->plan};
  const struct plan *plan = s->job->plan;
  bool built =
      plan->num_dicts && build(s, &sources, SPAN("")); /* without weights what they lack is no matter */
  const struct plan_dict *dict = choose_dict(s, &sources, &how, built);
  if (!built && dict && lacks_config(s)) (void)!hint_required(s, &sources, dict);
  if (!built || !dict || !take_root(s, &sources, dict) ||
      !match_run(&s->match, &s->model, plan, dict, &how, &s->arena, &s->obs))
    return false;
  if (s->match.adapter) return true;
  const struct hint_request hint = {.arch = &s->arch,
                                    .sources = &sources,
                                    .model = &s->model,
                                    .root = s->arch.num_roots ? s->model.root_name : SPAN(""),
                                    .match = &s->match,
                                    .plan = plan,
                                    .max = &options->limits};
  return hint_run(&hint, &s->arena, &s->obs);
}

static struct forward_choice *choices(struct model_stage *s, const struct name_values *from) {
  struct forward_choice *list = arena_array(&s->arena, from->n, struct forward_choice);
  for (size_t i = 0; list && i < from->n; i++)
    list[i] = (struct forward_choice){from->list[i].name, from->list[i].value};
  return list;
}

/* Is it said already that weights are those of another model? */
static bool is_other_model(const struct model_stage *s) {
  const struct match *m = &s->match;
  bool told = s->job->options->strict_keys && m->missing + m->unexpected > m->waived;
  return !m->found || m->misshapen || (m->missing && told);
}

/* What was matched is no tensors that operations take. */
static bool is_derived(struct model_stage *s, bool asked) {
  const struct match *m = &s->match;
  if (!m->packed && !m->adapter) return false;
  if (asked)
    observe(&s->obs,
            (struct observation){
                .kind = OBS_FWD_UNSUPPORTED,
                .subject = s->model.root_name,
                .detail = m->packed ? SPAN("its weights are quantised, and nothing here unpacks them")
                                    : SPAN("an adapter without its base model computes nothing")});
  return true;
}

/* A forward follows by itself where the architecture file has tests and no weight is missing. Who asks for it
 * is told which weight it lacks: keys that --ignore-missing passes over may be needed all the same. */
static bool run_forward(struct model_stage *s) {
  const struct run_options *o = s->job->options;
  struct result_writer w;
  bool asked = asks_forward(o), follows = s->arch.num_tests && !s->match.missing;
  if (is_other_model(s) || !(asked || follows) || is_derived(s, asked)) return true;
  if (!result_begin(&w, (uint8_t *)s->job->region + MODEL_SUMMARY_BYTES,
                    s->job->region_bytes - MODEL_SUMMARY_BYTES))
    return false;
  struct goldens goldens;
  s->summary->ran_forward = 1;
  if (!record_goldens(s->job, &s->arch, &goldens, &s->arena, &s->obs)) return true;
  if (!record_digests(s->job, &s->model, &s->match, &goldens, &w, &s->arena, &s->obs)) return false;
  bool recorded = goldens.tool.n != 0;
  const struct forward_request r = {.model = &s->model,
                                    .match = &s->match,
                                    .plan = s->job->plan,
                                    .file = s->job->file,
                                    .gemm = &s->job->gemm,
                                    .files = s->job->files,
                                    .num_files = s->job->num_files,
                                    .tests = recorded ? goldens.arch.tests : s->arch.tests,
                                    .num_tests = recorded ? goldens.arch.num_tests : s->arch.num_tests,
                                    .inputs = choices(s, &o->inputs),
                                    .num_inputs = o->inputs.n,
                                    .expects = choices(s, &o->expects),
                                    .num_expects = recorded ? 0 : o->expects.n,
                                    .record = o->recording != NULL,
                                    .rtol = o->rtol,
                                    .atol = o->atol,
                                    .trace = o->verbose,
                                    .asked = asked,
                                    .max = &o->limits};
  if ((r.num_inputs && !r.inputs) || (r.num_expects && !r.expects)) return false;
  return forward_run(&r, &s->arena, &s->obs, &w);
}

/* Nobody asked for a check: a config.json that names no family here is no matter, and told with -v only. */
static bool find_beside(struct model_stage *s, struct wire_out *out) {
  const struct model_job *job = s->job;
  struct observations quiet;
  observations_init(&quiet, &s->arena, 1);
  if (family_by_config(&s->family, &job->families, job->config, &s->arena, &job->options->limits, &quiet))
    return true;
  const struct observation *why = quiet.n ? &quiet.list[quiet.n - 1] : NULL;
  struct span detail = SPAN("it can't be read");
  if (why && why->kind == OBS_FAMILY_NO_TYPE) detail = SPAN("it has no model_type");
  if (why && why->kind == OBS_FAMILY_TYPE)
    detail = arena_printf(&s->arena, "no family has its model_type %.*s", (int)min_size(why->subject.n, 100),
                          (const char *)why->subject.p);
  if (job->options->verbose)
    observe(&s->obs,
            (struct observation){.kind = OBS_CONFIG_BESIDE, .subject = job->config.name, .detail = detail});
  wire_text(out, TEXT_NO_MODEL, SPAN(""));
  return false;
}

/* The base model of an adapter is what its factors are compared with. */
static bool find_base(struct model_stage *s, struct wire_out *out) {
  const struct model_job *job = s->job;
  const struct limits *max = &job->options->limits;
  bool asked = asks_check(job->options);
  struct observations quiet;
  struct span base = SPAN("");
  observations_init(&quiet, &s->arena, 1);
  s->adapter_unread = !adapter_base(&base, job->adapter, &s->arena, max, asked ? &s->obs : &quiet);
  if (base.n && family_by_name(&s->family, &job->families, base, &s->arena, max, &quiet)) return true;
  if (job->config.text.n && family_by_config(&s->family, &job->families, job->config, &s->arena, max, &quiet))
    return true;
  if (!asked) wire_text(out, TEXT_NO_MODEL, SPAN(""));
  if (asked && base.n) observe(&s->obs, (struct observation){.kind = OBS_ADAPTER_BASE, .subject = base});
  return false;
}

/* The architecture file: given, named, the adapter's base model, or of the config's model_type. */
static bool find_arch(struct model_stage *s, struct wire_out *out) {
  const struct model_job *job = s->job;
  const struct limits *max = &job->options->limits;
  s->family.file = job->arch;
  if (job->arch.text.n) return true;
  if (job->arch_name.n)
    return family_by_name(&s->family, &job->families, job->arch_name, &s->arena, max, &s->obs);
  if (job->config_is_beside && job->adapter.text.n) return find_base(s, out);
  if (job->config_is_beside && !asks_check(job->options)) return find_beside(s, out);
  return family_by_config(&s->family, &job->families, job->config, &s->arena, max, &s->obs);
}

bool model_run(void *ctx, struct wire_out *out) {
  struct model_job *job = ctx;
  struct model_stage stage = {.job = job, .summary = job->region}, *s = &stage;
  const struct limits *max = &job->options->limits;
  arena_init(&s->arena, (size_t)job->arena_bytes);
  s->arena.slices = &job->slices;
  observations_init(&s->obs, &s->arena, (uint32_t)max->report_findings);
  json_budget((size_t)max->json_bytes * 8);
  bool found = find_arch(s, out);
  if (job->adapter.text.n && !s->adapter_unread && (!found || job->files_ready))
    adapter_compare(job->adapter, job->plan, &s->arena, max, &s->obs);
  if (!found || !arch_parse(&s->arch, s->family.file, &s->arena, max, &s->obs)) return finish(s, out);
  if (!job->files_ready) return say_needs(s, out);
  bool matched = build_and_match(s);
  if (!finish(s, out) || !matched) return !out->broken;
  if (!say_torch_lines(s, out)) return false;
  summarise(s);
  observations_init(&s->obs, &s->arena, (uint32_t)max->report_findings);
  bool complete = run_forward(s);
  return finish(s, out) && complete;
}
