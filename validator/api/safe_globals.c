#include "api/safe_globals.h"

#include "report/report.h"
#include "rules/needs.h"

enum { LINE_CAP = 1 << 20 };

bool weights_only_stops(const struct job *job) {
  for (uint32_t i = 0; i < job->findings.n; i++) {
    enum rule_id rule = reason_table[job->findings.p[i].reason].rule;
    if (job->findings.p[i].reason == OBS_KIND_TORCH_TAR) return true;
    if (rule == RULE_GLB302 || rule == RULE_GLB303 || rule == RULE_GLB308 || rule == RULE_GLB309) return true;
  }
  return false;
}

static bool was_found(const struct job *job, enum obs_kind kind) {
  for (uint32_t i = 0; i < job->findings.n; i++)
    if (job->findings.p[i].reason == kind) return true;
  return false;
}

static const struct import *find_first(const struct imports *names, bool (*is)(const struct import *)) {
  for (size_t i = 0; i < names->n; i++)
    if (is(&names->p[i])) return &names->p[i];
  return NULL;
}

static bool is_unknown(const struct import *g) { return !g->row; }
static bool is_refused(const struct import *g) { return g->row && global_is_refused(g->row->cls); }
static bool is_appended(const struct import *g) { return g->stops && g->uses & USED_APPENDED; }
static bool has_items(const struct import *g) { return g->stops && g->uses & USED_ITEMS; }

/* What it makes gets a state, and of a class that neither the name nor the file says. */
static bool is_of_no_class(const struct import *g) {
  return g->stops && g->uses & USED_STATE && !looks_like_class(g->name) &&
         !need_state_class(g->module, g->name);
}

/* Reasons for which no list of classes helps, the most serious first; "{}" is the name. */
static const struct {
  bool (*is)(const struct import *);
  torch_version since;
  const char *reason;
} obstacles[] = {
    {is_refused, 0,
     "it would have to allow {}, which reaches or runs other code: no list may hold that name"},
    {is_unknown, 0,
     "{} is on no list: read its code first. If you trust it, --allow {} gives the add_safe_globals line"},
    {is_appended, 0,
     "weights_only appends to a plain list only, and this file appends to an object of {}: "
     "no list of classes helps"},
    {has_items, TORCH_VERSION(2, 10),
     "weights_only sets items of dict, OrderedDict and Counter only, and this file sets items of an "
     "object of {}: no list of classes helps"},
    {is_of_no_class, 0,
     "what {} makes gets a state, and weights_only must know its class, which the file does not name"},
};

/* "{}" is filled in wherever it stands. */
static void fill(struct out *o, const char *pattern, const struct import *g) {
  for (const char *mark; (mark = strstr(pattern, "{}")); pattern = mark + 2) {
    out_span(o, span_of(pattern, (size_t)(mark - pattern)));
    import_write(o, g);
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
  if (was_found(job, OBS_GLOBAL_DCP)) {
    out_str(o, "torch.load does not read it: torch.distributed.checkpoint does, without weights_only");
    return;
  }
  for (size_t i = 0; i < ARRAY_LEN(obstacles); i++) {
    const struct import *g =
        job->run->policy.torch >= obstacles[i].since ? find_first(names, obstacles[i].is) : NULL;
    if (!g) continue;
    fill(o, obstacles[i].reason, g);
    return;
  }
  if (was_found(job, OBS_PKL_WEIGHTS_ONLY))
    out_str(o,
            "weights_only does not know every opcode of this pickle: no list of classes helps. Save it again "
            "without pickle_protocol=");
  else if (job->run->policy.torch < TORCH_VERSION(2, 4))
    out_format(o, "torch %s has no add_safe_globals: 2.4 is the first",
               torch_version_text(job->run->policy.torch, version));
}

/* "argparse.Namespace", or (argparse.Namespace, "argparse.Namespace") where the class says another name. */
static void write_object(const struct job *job, struct out *o, const struct import *g) {
  bool alias = job->run->policy.torch >= TORCH_VERSION(2, 6) && need_alias(g->module, g->name);
  if (alias) out_str(o, "(");
  if (span_is(g->module, "builtins"))
    out_span(o, g->name);
  else
    import_write(o, g);
  if (!alias) return;
  out_str(o, ", \"");
  import_write(o, g);
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
    const struct import *g = &names->p[i];
    if (!g->stops || span_eq(g->module, last) || span_is(g->module, "builtins")) continue;
    last = g->module;
    if (span_is(last, "torch")) continue;
    out_str(o, ", ");
    out_span(o, last);
  }
  out_str(o, "; torch.serialization.add_safe_globals([");
  const char *before = "";
  for (size_t i = 0; i < names->n; i++) {
    const struct import *g = &names->p[i];
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
    import_write(&name, &names->p[i]);
    event_push_text(list, out_taken(&name), NAME_CAP);
  }
  out_free(&name);
}

bool add_safe_globals(const struct job *job, const struct imports *names, cJSON *file) {
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
