#include "api/sketch.h"

#include "report/escape.h"
#include "report/json_write.h"
#include "report/report.h"

enum { MAX_DEPTH = 64, PATH_CAP = 4096 };

static void write_text(struct out *o, struct span text) {
  cJSON *holder = event_new("text");
  event_text(holder, "text", text, PATH_CAP);
  json_write(o, cJSON_GetObjectItemCaseSensitive(holder, "text"));
  cJSON_Delete(holder);
}

/* Braces in a name are the language's own. */
static bool can_be_name(struct span name) {
  return name.n && escape_is_exact(name, PATH_CAP) && !memchr(name.p, '{', name.n) &&
         !memchr(name.p, '}', name.n);
}

/* "{i < num_hidden_layers}", as draft_family names what is repeated. */
static bool is_repetition(struct span name) {
  if (name.n < 7 || name.p[0] != '{' || name.p[name.n - 1] != '}' || memcmp(name.p + 2, " < ", 3) != 0)
    return false;
  for (size_t i = 1; i + 1 < name.n; i++) {
    uint8_t c = name.p[i];
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!word && (i < 2 || i > 4)) return false;
  }
  return true;
}

/* Where the writing is: names from the root down, and the repeated modules that are open, by their depths. */
struct path {
  struct span names[MAX_DEPTH];
  uint32_t n;
  uint32_t open[MAX_DEPTH], num_open;
  const char *before; /* the next line */
};

/* The path below the innermost module that is open. */
static struct span joined(const struct path *path, char room[PATH_CAP]) {
  size_t n = 0;
  uint32_t first = path->num_open ? path->open[path->num_open - 1] : 0;
  for (uint32_t i = first; i < path->n; i++) {
    struct span name = path->names[i];
    if (n + name.n + 1 > PATH_CAP) break;
    if (i > first) room[n++] = '.';
    memcpy(room + n, name.p, name.n);
    n += name.n;
  }
  return span_of(room, n);
}

static void new_line(struct sketch *s, struct path *path) {
  out_str(&s->out, path->before);
  out_repeat(&s->out, ' ', 4 + 2 * (size_t)path->num_open);
  path->before = ",\n";
}

static void close_modules(struct sketch *s, struct path *path, uint32_t depth) {
  for (; path->num_open && path->open[path->num_open - 1] >= depth; path->num_open--) {
    out_str(&s->out, "\n");
    out_repeat(&s->out, ' ', 2 + 2 * (size_t)path->num_open);
    out_str(&s->out, "}}");
    path->before = ",\n";
  }
}

static void write_row(struct sketch *s, struct path *path, const struct described *row) {
  char room[PATH_CAP];
  if (!row->leaf && !row->repeated) return;
  new_line(s, path);
  write_text(&s->out, joined(path, room));
  out_str(&s->out, ": ");
  if (row->leaf) {
    write_text(&s->out, row->line);
    return;
  }
  out_str(&s->out, "{\"modules\": {");
  path->open[path->num_open++] = row->depth;
  path->before = "\n";
}

/* One line a module, by its whole path; what is repeated is an object of such lines. */
static void write_modules(struct sketch *s, const struct job *job) {
  struct path path = {.before = "\n"};
  for (uint32_t i = 0; i < job->described.n; i++) {
    const struct described *row = &job->described.p[i];
    if (row->depth == 0) continue;
    bool named = row->repeated ? is_repetition(row->name) : can_be_name(row->name);
    if (row->depth > MAX_DEPTH || row->depth > path.n + 1 || !named) {
      s->complaint = "a module has a name that an architecture file can't hold";
      return;
    }
    close_modules(s, &path, row->depth);
    path.n = row->depth;
    path.names[path.n - 1] = row->name;
    write_row(s, &path, row);
  }
  close_modules(s, &path, 0);
}

/* What a family is known by, and the fields of its config that its lines name: all must be given. */
static void write_family(struct sketch *s, const struct draft *draft) {
  if (draft->model_type.n) {
    out_str(&s->out, ",\n  \"match\": {\"model_type\": ");
    write_text(&s->out, draft->model_type);
    out_str(&s->out, "}");
  }
  for (uint32_t i = 0; i < draft->fields.n; i++) {
    out_str(&s->out, i ? ", " : ",\n  \"config\": {");
    write_text(&s->out, draft->fields.p[i]);
    out_str(&s->out, ": null");
  }
  if (draft->fields.n) out_str(&s->out, "}");
}

static struct span class_name(struct span cls) {
  size_t at = cls.n;
  while (at > 0 && cls.p[at - 1] != '.') at--;
  return can_be_name(span_from(cls, at)) ? span_from(cls, at) : SPAN("Model");
}

static struct span dict_path(const struct job *job) {
  const struct plan *p = &job->plan;
  struct span key = job->run->options->key;
  return key.n || p->num_dicts == 0 ? key : plan_span(p, p->dicts[0].path);
}

void sketch_write(struct sketch *s, const struct job *job) {
  if (job->outer) return;
  if (++s->inputs > 1)
    s->complaint = "--emit-arch and --family take one checkpoint, a file or a folder of weights";
  if (job->described.n == 0 && !s->complaint) s->complaint = "there is nothing to describe: see the findings";
  if (s->complaint) return;
  struct span path = dict_path(job);
  out_str(&s->out, "{\n  \"arch\": 1,\n  \"name\": ");
  const struct draft *draft = &job->draft;
  write_text(&s->out, draft->architecture.n ? draft->architecture : class_name(job->described.p[0].line));
  write_family(s, draft);
  if (path.n) {
    out_str(&s->out, ",\n  \"checkpoint\": {\"state_dict\": ");
    write_text(&s->out, path);
    out_str(&s->out, "}");
  }
  out_str(&s->out, ",\n  \"modules\": {");
  write_modules(s, job);
  out_str(&s->out, "\n  }\n}\n");
  if (s->out.failed) s->complaint = "out of memory";
}
