/* Which family is it? Every architecture file that is known here and has names of the checkpoint's is built,
 * with each of its presets, and compared with the keys. */
#include "arch/describe.h"

#include "arch/fit.h"
#include "arch/hint.h"
#include "arch/likely.h"
#include "arch/trial.h"

bool describe_run(struct description *out, const struct plan *p, const struct plan_dict *dict,
                  struct arena *a, const struct limits *max) {
  *out = (struct description){.whole_module = dict->module != 0};
  return out->whole_module ? describe_record(out, p, dict, a, max) : describe_names(out, p, dict, a, max);
}

struct search {
  const struct likeness_request *r;
  struct arena *arena;
  struct likeness *best;
  uint64_t left; /* keys that may still be compared */
};

static bool is_better(const struct likeness *x, const struct likeness *than) {
  if ((x->problems == 0) != (than->problems == 0)) return x->problems == 0;
  if (x->hits != than->hits) return x->hits > than->hits;
  return x->hits && x->problems < than->problems;
}

static void try_sources(struct search *s, const struct arch *arch, const struct family *family,
                        struct text_file config) {
  const struct likeness_request *r = s->r;
  const struct config_sources sources = {
      .preset = family->preset, .file = config, .plan = r->plan, .stand_in = STAND_IN};
  struct limits own = *r->max;
  if (s->left == 0) return;
  own.arch_steps = min_u64(own.arch_steps, s->left * STEPS_PER_KEY);
  struct span root = arch->num_roots > 1 ? fit_root(arch, &sources, r->plan, r->dict, &own) : SPAN("");
  struct trial x = {.arch = arch, .sources = &sources, .root = root, .plan = r->plan, .dict = r->dict};
  trial_run(&x, &own);
  s->left -= min_u64(s->left, x.cost);
  if (x.problems == UINT64_MAX || x.adapter) return;
  const struct likeness found = {
      .family = *family, .root = root, .config = config, .hits = x.hits, .problems = x.problems};
  if (is_better(&found, s->best)) *s->best = found;
}

/* A config that names it, the published models, the file's own config. */
static void try_family(struct search *s, const struct text_file *file, struct text_file config) {
  struct arch arch;
  struct observations silent;
  struct family family = {.file = *file};
  observations_init(&silent, s->arena, 1);
  if (!arch_parse(&arch, *file, s->arena, s->r->max, &silent)) return;
  if (config.text.n) try_sources(s, &arch, &family, config);
  for (uint32_t i = 0; i < arch.num_presets && s->best->problems; i++) {
    family.preset = arch.presets[i].name;
    try_sources(s, &arch, &family, (struct text_file){0});
  }
  family.preset = SPAN("");
  if (s->best->problems) try_sources(s, &arch, &family, (struct text_file){0});
}

bool describe_likeness(struct likeness *out, const struct likeness_request *r, struct arena *a) {
  *out = (struct likeness){.problems = UINT64_MAX};
  struct search s = {.r = r, .arena = a, .best = out, .left = r->max->hint_keys};
  struct observations silent;
  struct family named;
  struct likely likely = {0};
  observations_init(&silent, a, 1);
  if (r->config.text.n && family_by_config(&named, r->all, r->config, a, r->max, &silent))
    try_family(&s, &named.file, r->config);
  if (out->problems && !likely_families(&likely, r->all, r->plan, r->dict, a)) return false;
  for (uint32_t i = 0;
       i < likely.n && out->problems && (i < likely.first || out->hits < r->dict->num_entries); i++)
    try_family(&s, &r->all->list[likely.list[i]], (struct text_file){0});
  bool like = out->hits * 2 >= r->dict->num_entries && out->problems <= out->hits;
  if (!like) *out = (struct likeness){.problems = UINT64_MAX};
  return !a->exhausted;
}

/* The hint that a check with this model would give. */
static struct span hint_of(const struct hint_request *hint, struct match *match, const struct plan_dict *dict,
                           struct arena *a) {
  const struct match_options how = {.counts_only = true};
  struct observations told;
  observations_init(&told, a, 1);
  if (!match_run(match, hint->model, hint->plan, dict, &how, a, &told) || !hint_run(hint, a, &told) ||
      told.n == 0)
    return SPAN("");
  struct span words = told.list[0].subject;
  return span_starts(words, SPAN("--arch ")) ? SPAN("") : words;
}

struct span describe_difference(const struct likeness *like, const struct likeness_request *r,
                                struct arena *a) {
  struct arch arch;
  struct model model;
  struct match match;
  struct observations silent;
  struct span words = SPAN("");
  const struct config_sources sources = {
      .preset = like->family.preset, .file = like->config, .plan = r->plan, .stand_in = STAND_IN};
  const struct hint_request hint = {.arch = &arch,
                                    .sources = &sources,
                                    .model = &model,
                                    .root = like->root,
                                    .match = &match,
                                    .plan = r->plan,
                                    .max = r->max,
                                    .bare = true};
  observations_init(&silent, a, 1);
  if (!arch_parse(&arch, like->family.file, a, r->max, &silent)) return words;
  if (model_build(&model, &arch, &sources, like->root, r->plan->num_tensors, a, r->max, &silent))
    words = hint_of(&hint, &match, r->dict, a);
  model_close(&model);
  return words;
}

bool describe_tensor(struct description *out, const struct plan *p, uint32_t tensor, struct span name,
                     uint32_t depth, bool buffer, struct arena *a, const struct limits *max) {
  const struct plan_tensor *t = &p->tensors[tensor];
  struct described *row = vec_push(a, &out->rows, max->tensors);
  struct span shape = SPAN("");
  enum dtype dtype = (enum dtype)t->dtype;
  bool parameter = !buffer && dtype_table[dtype].cls == DT_FLOAT;
  if (!row) return false;
  for (uint32_t i = 0; i < t->ndim; i++)
    shape = arena_printf(a, "%.*s%s%llu", (int)shape.n, (const char *)shape.p, i ? ", " : "",
                         (unsigned long long)p->dims[t->first_dim + i]);
  struct span line = parameter ? arena_printf(a, "Parameter((%.*s%s))", (int)shape.n, (const char *)shape.p,
                                              t->ndim == 1 ? "," : "")
                               : arena_printf(a, "Buffer((%.*s%s), %s)", (int)shape.n, (const char *)shape.p,
                                              t->ndim == 1 ? "," : "", dtype_name(dtype));
  *row = (struct described){.depth = depth, .leaf = true, .name = name, .line = line, .params = t->numel};
  return true;
}
