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

struct path {
  struct span names[MAX_DEPTH];
  uint32_t n;
};

static struct span joined(const struct path *path, char room[PATH_CAP]) {
  size_t n = 0;
  for (uint32_t i = 0; i < path->n; i++) {
    struct span name = path->names[i];
    if (n + name.n + 1 > PATH_CAP) break;
    if (i) room[n++] = '.';
    memcpy(room + n, name.p, name.n);
    n += name.n;
  }
  return span_of(room, n);
}

/* One line a module, by its whole path. */
static void write_modules(struct sketch *s, const struct job *job) {
  struct path path = {.n = 0};
  char room[PATH_CAP];
  const char *before = "\n";
  for (uint32_t i = 0; i < job->described.n; i++) {
    const struct described *row = &job->described.p[i];
    if (row->depth == 0) continue;
    if (row->depth > MAX_DEPTH || row->depth > path.n + 1 || !can_be_name(row->name)) {
      s->complaint = "a module has a name that an architecture file can't hold";
      return;
    }
    path.n = row->depth;
    path.names[path.n - 1] = row->name;
    if (!row->leaf) continue;
    out_str(&s->out, before);
    out_str(&s->out, "    ");
    write_text(&s->out, joined(&path, room));
    out_str(&s->out, ": ");
    write_text(&s->out, row->line);
    before = ",\n";
  }
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
  if (++s->inputs > 1) s->complaint = "--emit-arch takes one checkpoint, a file or a folder of weights";
  if (job->described.n == 0 && !s->complaint) s->complaint = "there is nothing to describe: see the findings";
  if (s->complaint) return;
  struct span path = dict_path(job);
  out_str(&s->out, "{\n  \"arch\": 1,\n  \"name\": ");
  write_text(&s->out, class_name(job->described.p[0].line));
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
