#include "api/needs.h"

#include "api/safe_globals.h"
#include "report/report.h"
#include "rules/needs.h"

enum { LINE_ROOM = 512 };

struct least {
  const struct need *need;
  char what[LINE_ROOM];
};

static void ask(struct least *least, const struct need *need, const char *what) {
  struct least *l = need ? &least[need->package] : NULL;
  if (!l || (l->need && l->need->version >= need->version)) return;
  l->need = need;
  (void)snprintf(l->what, sizeof l->what, "%s", what);
}

static void ask_names(const struct imports *names, struct least *least) {
  for (size_t i = 0; i < names->n; i++) {
    const struct import *g = &names->p[i];
    const struct need *need = need_of_name(g->module, g->name);
    char what[LINE_ROOM];
    if (!need) continue; /* the name is a row's own, so it is no long one */
    (void)snprintf(what, sizeof what, "%.*s.%.*s", (int)min_size(g->module.n, 200), (const char *)g->module.p,
                   (int)min_size(g->name.n, 200), (const char *)g->name.p);
    ask(least, need, what);
  }
}

static bool is_big_endian(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_storages; i++)
    if (p->storages[i].big_endian) return true;
  return false;
}

static void ask_file(const struct job *job, struct least *least) {
  const struct plan *p = &job->plan;
  const char *what;
  char text[LINE_ROOM];
  bool seen[DTYPE_COUNT] = {false}, torch = p->header->kind == CONTAINER_TORCH_ZIP;
  const struct need *need = need_of_kind((enum container_kind)p->header->kind, &what);
  if (need) ask(least, need, what);
  if (torch && is_big_endian(p)) {
    need = need_of_big_endian(&what);
    ask(least, need, what);
  }
  if (p->header->num_ops) {
    (void)snprintf(text, sizeof text, "pickle protocol %u", p->header->protocol);
    ask(least, need_of_protocol(p->header->protocol), text);
  }
  for (uint32_t i = 0; torch && i < p->num_tensors; i++) seen[p->tensors[i].dtype] = true;
  for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++)
    if (seen[d]) ask(least, need_of_dtype(d), dtype_name(d));
}

static void add_versions(const struct least *least, cJSON *needs) {
  cJSON *list = event_array(needs, "versions");
  for (enum need_package k = 0; k < NEED_PACKAGES; k++) {
    char version[NEED_VERSION_ROOM];
    if (!least[k].need) continue;
    cJSON *o = event_push_object(list);
    event_str(o, "package", need_package_name(k));
    event_str(o, "least", need_version_text(least[k].need->version, version));
    event_text(o, "for", span_str(least[k].what), LINE_ROOM);
    event_str(o, "source", least[k].need->source);
  }
}

/* What every torch has, and what Python itself has: not worth a line. */
static bool is_worth_importing(const struct import *g) {
  return !(g->row && g->row->cls == GLOBAL_CORE) && !span_is(g->module, "builtins");
}

static void add_imports(const struct imports *names, cJSON *needs) {
  cJSON *list = event_array(needs, "imports"), *classes = NULL;
  struct span last = SPAN("");
  for (size_t i = 0; i < names->n; i++) {
    const struct import *g = &names->p[i];
    if (!is_worth_importing(g)) continue;
    if (!classes || !span_eq(g->module, last)) {
      cJSON *o = event_push_object(list);
      event_text(o, "module", g->module, NAME_CAP);
      classes = event_array(o, "names");
      last = g->module;
    }
    event_push_text(classes, g->name, NAME_CAP);
  }
}

static void add_systems(const struct imports *names, cJSON *needs) {
  cJSON *list = NULL;
  for (size_t i = 0; i < names->n; i++) {
    const struct import *g = &names->p[i];
    const char *systems = g->uses & USED_CALLED ? need_systems(g->module, g->name) : NULL;
    if (!systems) continue;
    if (!list) list = event_array(needs, "systems");
    cJSON *o = event_push_object(list);
    struct out name = out_to_memory(SIZE_MAX);
    import_write(&name, g);
    event_text(o, "name", out_taken(&name), NAME_CAP);
    out_free(&name);
    event_str(o, "only", systems);
  }
}

static void add_needs(const struct job *job, const struct imports *names, cJSON *file) {
  struct least least[NEED_PACKAGES] = {0};
  ask_names(names, least);
  ask_file(job, least);
  cJSON *needs = event_object(file, "needs");
  add_versions(least, needs);
  add_imports(names, needs);
  add_systems(names, needs);
  if (is_big_endian(&job->plan)) event_bool(needs, "big_endian", true);
}

enum weights_only job_needs(const struct job *job, cJSON *file) {
  struct imports names;
  bool stopped = weights_only_stops(job), inspects = job->run->options->verb == VERB_INSPECT, told = false;
  if (!job->have_plan || job->merged || !(stopped || inspects) || job->plan.num_values == 0)
    return stopped ? WEIGHTS_ONLY_STOPS : WEIGHTS_ONLY_LOADS;
  if (imports_collect(job, &names)) {
    if (inspects || job->verdict != VERDICT_UNSAFE) add_needs(job, &names, file);
    bool by_names = job->plan.header->kind != CONTAINER_TORCH_TAR; /* those are refused as a whole */
    if (stopped && by_names && container_torch_loads((enum container_kind)job->plan.header->kind))
      told = add_safe_globals(job, &names, file);
  }
  free(names.p);
  return !stopped ? WEIGHTS_ONLY_LOADS : told ? WEIGHTS_ONLY_TOLD : WEIGHTS_ONLY_STOPS;
}
