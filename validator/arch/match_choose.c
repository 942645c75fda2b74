/* Which state dict of the checkpoint is compared. */
#include "arch/match.h"
#include "container/container.h"
#include "model/purpose.h"

/* torch.load(…)["checkpoint"]["model"]. Empty: no one line loads it. */
static struct span loading_line(struct arena *a, const struct plan *plan, const struct plan_dict *d) {
  enum container_kind kind = (enum container_kind)plan->header->kind;
  struct span path = plan_span(plan, d->path),
              line = SPAN("torch.load(FILE, map_location=\"cpu\", weights_only=True)");
  if (kind == CONTAINER_SAFETENSORS) return SPAN("safetensors.torch.load_file(FILE)");
  if (d->module || !container_torch_loads(kind)) return SPAN("");
  while (path.n) {
    const uint8_t *slash = memchr(path.p, '/', path.n);
    struct span key = slash ? span_first(path, (size_t)(slash - path.p)) : path;
    line = arena_printf(a, "%.*s[\"%.*s\"]", (int)line.n, (const char *)line.p, (int)min_size(key.n, 100),
                        (const char *)key.p);
    path = span_from(path, key.n + (slash ? 1 : 0));
  }
  return line;
}

/* ---- which state dict ---- */

static struct span path_shown(struct span path) { return path.n ? path : SPAN("the top level"); }

struct span match_dicts(struct arena *a, const struct plan *plan, const struct plan_dict *but) {
  struct span all = {0};
  for (uint32_t i = 0; i < plan->num_dicts && all.n < 400; i++) {
    const struct plan_dict *d = &plan->dicts[i];
    struct span path = path_shown(plan_span(plan, d->path));
    if (d == but) continue;
    all = arena_printf(a, "%.*s%s%.*s (%u keys)", (int)all.n, (const char *)all.p, all.n ? ", " : "",
                       (int)min_size(path.n, 100), (const char *)path.p, d->num_entries);
  }
  return all;
}

static void note_several(const struct plan *plan, const struct plan_dict *d, struct arena *a,
                         struct observations *o) {
  struct span others = match_dicts(a, plan, d);
  const char *why = d == plan->dicts ? "the likeliest place of weights" : "which has most keys of the model";
  observe(o, (struct observation){
                 .kind = OBS_DICT_SEVERAL,
                 .subject = path_shown(plan_span(plan, d->path)),
                 .got = plan->num_dicts,
                 .detail = arena_printf(a, "%s; others: %.*s", why, (int)others.n, (const char *)others.p)});
}

static void note_module(const struct plan_dict *d, struct observations *o) {
  if (d->module)
    observe(o, (struct observation){.kind = OBS_DICT_MODULE,
                                    .detail = SPAN("torch.save(model.state_dict(), FILE)")});
}

static void note_joined(const struct plan *plan, const struct plan_dict *d, struct observations *o) {
  if (d->joined)
    observe(o,
            (struct observation){.kind = OBS_DICT_JOINED, .subject = path_shown(plan_span(plan, d->path))});
}

static void note_place(const struct plan *plan, const struct plan_dict *d, struct arena *a,
                       struct observations *o) {
  struct span line = loading_line(a, plan, d);
  if (d->path.n)
    observe(o, (struct observation){.kind = OBS_DICT_WRAPPED,
                                    .subject = plan_span(plan, d->path),
                                    .detail = line.n      ? line
                                              : d->module ? SPAN("a pickled module")
                                                          : SPAN("a dict in the file's own")});
  note_module(d, o);
  note_joined(plan, d, o);
}

/* A plan that was cut may have lost them. */
static void note_none(const struct plan *plan, struct arena *a, struct observations *o) {
  bool whole = plan->header->complete && plan->num_values;
  observe(o, (struct observation){.kind = whole ? OBS_DICT_OTHER : OBS_DICT_NONE,
                                  .detail = whole ? purpose_words(plan, a) : SPAN("")});
}

const struct plan_dict *match_choose(const struct arch *arch, const struct plan *plan,
                                     const struct match_options *options, const struct plan_dict *best,
                                     struct arena *a, struct observations *o) {
  struct span wanted = options->key.n ? options->key : arch->state_dict_path;
  const struct plan_dict *first = plan->num_dicts ? plan->dicts : NULL;
  if (!first) {
    note_none(plan, a, o);
    return NULL;
  }
  const struct plan_dict *d = wanted.n ? plan_dict_at(plan, wanted) : best ? best : first;
  if (d) {
    if (!wanted.n && plan->num_dicts > 1) note_several(plan, d, a, o);
    note_place(plan, d, a, o);
    return d;
  }
  /* The architecture file's place is a wish, --key is not. */
  if (options->key.n || (plan->num_dicts > 1 && !best)) {
    observe(o, (struct observation){
                   .kind = OBS_DICT_ABSENT, .subject = wanted, .detail = match_dicts(a, plan, NULL)});
    return NULL;
  }
  if (plan->num_dicts > 1) first = best;
  struct span line = loading_line(a, plan, first), path = path_shown(plan_span(plan, first->path));
  observe(o, (struct observation){
                 .kind = OBS_DICT_ELSEWHERE,
                 .subject = wanted,
                 .detail = arena_printf(a, "the %s is at %.*s%s%.*s",
                                        plan->num_dicts > 1 ? "one with most keys of the model" : "only one",
                                        (int)min_size(path.n, 200), (const char *)path.p, line.n ? ": " : "",
                                        (int)line.n, (const char *)line.p)});
  note_module(first, o);
  note_joined(plan, first, o);
  return first;
}
