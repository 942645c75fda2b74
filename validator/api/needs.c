#include "api/needs.h"

#include "report/out.h"
#include "report/report.h"
#include "rules/needs.h"

/* More distinct names than this are no checkpoint that somebody wrote: they are counted, not looked at. */
enum { NAMES_MAX = 10000, NAME_CAP = 512, LINE_CAP = 1 << 20, LINE_ROOM = 512 };

/* A name that loading imports, once however many programs of the file name it. */
struct named {
  struct span module, name, codes;
  const struct global_row *row; /* NULL: on no list */
  uint32_t uses;
  bool stops; /* weights_only does */
};

struct imports {
  struct named *p;
  size_t n;
};

static int by_name(const void *a, const void *b) {
  const struct named *x = a, *y = b;
  int c = span_cmp(x->module, y->module);
  return c ? c : span_cmp(x->name, y->name);
}

/* In the order of module and name, equal ones joined. False: there are too many. */
static bool collect(const struct job *job, struct imports *out) {
  const struct plan *p = &job->plan;
  *out = (struct imports){0};
  if (p->num_globals > NAMES_MAX) return false;
  out->p = calloc((size_t)p->num_globals + 1, sizeof *out->p);
  if (!out->p) return false;
  for (uint32_t i = 0; i < p->num_globals; i++) {
    const struct plan_global *g = &p->globals[i];
    struct span module = plan_span(p, g->module), name = plan_span(p, g->name);
    const struct global_row *row = globals_lookup(&job->run->globals, module, name);
    out->p[i] = (struct named){.module = module,
                               .name = name,
                               .codes = plan_span(p, g->codes),
                               .row = row,
                               .uses = g->uses,
                               .stops = !row || !global_is_listed(row, job->run->torch)};
  }
  qsort(out->p, p->num_globals, sizeof *out->p, by_name);
  for (uint32_t i = 0; i < p->num_globals; i++) {
    struct named *last = out->n ? &out->p[out->n - 1] : NULL;
    if (last && by_name(last, &out->p[i]) == 0)
      last->uses |= out->p[i].uses;
    else
      out->p[out->n++] = out->p[i];
  }
  return true;
}

/* ---- what weights_only=True must be told ---- */

static bool was_found(const struct job *job, enum obs_kind kind) {
  for (uint32_t i = 0; i < job->findings.n; i++)
    if (job->findings.p[i].reason == kind) return true;
  return false;
}

static const struct named *find_first(const struct imports *names, bool (*is)(const struct named *)) {
  for (size_t i = 0; i < names->n; i++)
    if (is(&names->p[i])) return &names->p[i];
  return NULL;
}

static bool is_unknown(const struct named *g) { return !g->row; }
static bool is_refused(const struct named *g) { return g->row && global_is_refused(g->row->cls); }
static bool is_appended(const struct named *g) { return g->stops && g->uses & USED_APPENDED; }
static bool has_items(const struct named *g) { return g->stops && g->uses & USED_ITEMS; }

/* What it makes gets a state, and of a class that neither the name nor the file says. */
static bool is_of_no_class(const struct named *g) {
  bool looks_like_class = g->name.n && g->name.p[0] >= 'A' && g->name.p[0] <= 'Z';
  return g->stops && g->uses & USED_STATE && !looks_like_class && !need_state_class(g->module, g->name);
}

/* Reasons for which no list of classes helps, the most serious first; "{}" is the name. */
static const struct {
  bool (*is)(const struct named *);
  torch_version since;
  const char *reason;
} obstacles[] = {
    {is_refused, 0,
     "it would have to allow {}, which reaches or runs other code: no list may hold that name"},
    {is_unknown, 0,
     "{} is on no list: read its code first. With --allow {} it is a class that you vouch for, and the "
     "line is here"},
    {is_appended, 0,
     "weights_only appends to a plain list only, and this file appends to an object of {}: "
     "no list of classes helps"},
    {has_items, TORCH_VERSION(2, 10),
     "weights_only sets items of dict, OrderedDict and Counter only, and this file sets items of an "
     "object of {}: no list of classes helps"},
    {is_of_no_class, 0,
     "what {} makes gets a state, and weights_only must know its class, which the file does not name"},
};

static void write_name(struct out *o, const struct named *g) {
  out_span(o, g->module);
  out_str(o, ".");
  out_span(o, g->name);
}

/* "{}" is filled in wherever it stands. */
static void fill(struct out *o, const char *pattern, const struct named *g) {
  for (const char *mark; (mark = strstr(pattern, "{}")); pattern = mark + 2) {
    out_span(o, span_of(pattern, (size_t)(mark - pattern)));
    write_name(o, g);
  }
  out_str(o, pattern);
}

/* Why no line is given; nothing is written where one is. */
static void say_obstacle(const struct job *job, const struct imports *names, struct out *o) {
  char version[TORCH_VERSION_ROOM];
  if (job->verdict == VERDICT_UNSAFE) {
    out_str(o, "loading it is not safe: see the findings");
    return;
  }
  for (size_t i = 0; i < ARRAY_LEN(obstacles); i++) {
    const struct named *g = job->run->torch >= obstacles[i].since ? find_first(names, obstacles[i].is) : NULL;
    if (!g) continue;
    fill(o, obstacles[i].reason, g);
    return;
  }
  if (was_found(job, OBS_PKL_WEIGHTS_ONLY))
    out_str(o,
            "weights_only does not know every opcode of this pickle: no list of classes helps. Save it again "
            "without pickle_protocol=");
  else if (job->run->torch < TORCH_VERSION(2, 4))
    out_format(o, "torch %s has no add_safe_globals: 2.4 is the first",
               torch_version_text(job->run->torch, version));
}

/* "argparse.Namespace", or (argparse.Namespace, "argparse.Namespace") where the class says another name. */
static void write_object(const struct job *job, struct out *o, const struct named *g) {
  bool alias = job->run->torch >= TORCH_VERSION(2, 6) && need_alias(g->module, g->name);
  if (alias) out_str(o, "(");
  if (span_is(g->module, "builtins"))
    out_span(o, g->name);
  else
    write_name(o, g);
  if (!alias) return;
  out_str(o, ", \"");
  write_name(o, g);
  out_str(o, "\")");
}

/* type(numpy.dtype("f8")): the class whose instance gets the state. */
static void write_codes(struct out *o, struct span codes) {
  while (codes.n) {
    const uint8_t *blank = memchr(codes.p, ' ', codes.n);
    struct span code = blank ? span_first(codes, (size_t)(blank - codes.p)) : codes;
    out_format(o, ", type(numpy.dtype(\"%.*s\"))", (int)code.n, (const char *)code.p);
    codes = span_from(codes, code.n + 1);
  }
}

static void write_line(const struct job *job, const struct imports *names, struct out *o) {
  struct span last = SPAN("builtins");
  out_str(o, "import torch");
  for (size_t i = 0; i < names->n; i++) {
    const struct named *g = &names->p[i];
    if (!g->stops || span_eq(g->module, last) || span_is(g->module, "builtins")) continue;
    last = g->module;
    if (span_is(last, "torch")) continue;
    out_str(o, ", ");
    out_span(o, last);
  }
  out_str(o, "; torch.serialization.add_safe_globals([");
  const char *before = "";
  for (size_t i = 0; i < names->n; i++) {
    const struct named *g = &names->p[i];
    if (!g->stops) continue;
    out_str(o, before);
    before = ", ";
    write_object(job, o, g);
    write_codes(o, g->codes);
    const char *of = g->uses & USED_STATE ? need_state_class(g->module, g->name) : NULL;
    if (of && of[0]) out_format(o, ", %s", of);
  }
  out_str(o, "])");
}

static void add_stops(const struct imports *names, cJSON *safe) {
  cJSON *list = event_array(safe, "stops_at");
  struct out name = out_to_memory(SIZE_MAX);
  for (size_t i = 0; i < names->n; i++) {
    if (!names->p[i].stops) continue;
    out_reset(&name);
    write_name(&name, &names->p[i]);
    event_push_text(list, out_taken(&name), NAME_CAP);
  }
  out_free(&name);
}

/* True: a line was written. */
static bool add_safe_globals(const struct job *job, const struct imports *names, cJSON *file) {
  struct out text = out_to_memory(LINE_CAP);
  cJSON *safe = event_object(file, "safe_globals");
  add_stops(names, safe);
  say_obstacle(job, names, &text);
  bool line = text.n == 0;
  if (line) write_line(job, names, &text);
  line = line && !text.failed;
  event_text(safe, line ? "line" : "do_not", out_taken(&text), LINE_CAP);
  out_free(&text);
  return line;
}

/* ---- what loading needs ---- */

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
    const struct named *g = &names->p[i];
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
static bool is_worth_importing(const struct named *g) {
  return !(g->row && g->row->cls == GLOBAL_CORE) && !span_is(g->module, "builtins");
}

static void add_imports(const struct imports *names, cJSON *needs) {
  cJSON *list = event_array(needs, "imports"), *classes = NULL;
  struct span last = SPAN("");
  for (size_t i = 0; i < names->n; i++) {
    const struct named *g = &names->p[i];
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
    const struct named *g = &names->p[i];
    const char *systems = g->uses & USED_CALLED ? need_systems(g->module, g->name) : NULL;
    if (!systems) continue;
    if (!list) list = event_array(needs, "systems");
    cJSON *o = event_push_object(list);
    struct out name = out_to_memory(SIZE_MAX);
    write_name(&name, g);
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

/* Would weights_only stop? The findings say so. */
static bool is_stopped(const struct job *job) {
  for (uint32_t i = 0; i < job->findings.n; i++) {
    enum rule_id rule = reason_table[job->findings.p[i].reason].rule;
    if (rule == RULE_GLB302 || rule == RULE_GLB303 || rule == RULE_GLB308) return true;
  }
  return false;
}

bool torch_loads(enum container_kind kind) {
  return kind == CONTAINER_TORCH_ZIP || kind == CONTAINER_TORCH_LEGACY || kind == CONTAINER_TORCH_TAR;
}

enum weights_only job_needs(const struct job *job, cJSON *file) {
  struct imports names;
  bool stopped = is_stopped(job), inspects = job->run->options->verb == VERB_INSPECT, told = false;
  if (!job->have_plan || job->merged || !(stopped || inspects) || job->plan.num_values == 0)
    return stopped ? WEIGHTS_ONLY_STOPS : WEIGHTS_ONLY_LOADS;
  if (collect(job, &names)) {
    if (inspects || job->verdict != VERDICT_UNSAFE) add_needs(job, &names, file);
    if (stopped && torch_loads((enum container_kind)job->plan.header->kind))
      told = add_safe_globals(job, &names, file);
  }
  free(names.p);
  return !stopped ? WEIGHTS_ONLY_LOADS : told ? WEIGHTS_ONLY_TOLD : WEIGHTS_ONLY_STOPS;
}
