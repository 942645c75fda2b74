#include "api/worker_policy.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/near.h"

enum { PATH_PARTS = 4, COMPLAINT = 400 };

struct stage {
  const struct policy_job *job;
  struct wire_out *out;
  const char *path[PATH_PARTS]; /* of the value that is looked at, from the root */
  size_t depth;
  uint64_t names;
  bool wrong;
};

/* The first thing that is wrong, with its place. */
static void PRINTF_LIKE(2, 3) wrong(struct stage *s, const char *format, ...) {
  char what[COMPLAINT], text[COMPLAINT + 64];
  uint32_t line = 1, column = 1;
  va_list ap;
  if (s->wrong) return;
  s->wrong = true;
  va_start(ap, format);
  (void)vsnprintf(what, sizeof what, format, ap);
  va_end(ap);
  (void)!json_locate(s->job->file, s->path, s->depth, &line, &column);
  int n = snprintf(text, sizeof text, "line %u, column %u: %s", line, column, what);
  wire_text(s->out, TEXT_POLICY_WRONG, span_of(text, n > 0 ? min_size((size_t)n, sizeof text - 1) : 0));
}

static void enter(struct stage *s, const char *key) {
  if (s->depth < PATH_PARTS) s->path[s->depth++] = key;
}
static void leave(struct stage *s) { s->depth--; }

struct keys {
  const char *const *list;
  size_t n;
};

static bool is_key(const struct keys *keys, const char *key) {
  for (size_t i = 0; i < keys->n; i++)
    if (strcmp(keys->list[i], key) == 0) return true;
  return false;
}

/* An object of these members and no others: a slip of the pen in a policy must not pass for nothing. */
static bool has_only(struct stage *s, const cJSON *object, const struct keys *keys) {
  const cJSON *member;
  if (!cJSON_IsObject(object)) {
    wrong(s, "expected an object");
    return false;
  }
  cJSON_ArrayForEach(member, object) {
    if (is_key(keys, member->string)) continue;
    struct nearest near = {.word = span_str(member->string)};
    for (size_t i = 0; i < keys->n; i++) nearest_try(&near, span_str(keys->list[i]));
    enter(s, member->string);
    wrong(s, "unknown member \"%.64s\"%s%.*s%s", member->string, near.best.n ? "; did you mean \"" : "",
          (int)near.best.n, (const char *)near.best.p, near.best.n ? "\"?" : "");
    leave(s);
    return false;
  }
  return true;
}

static void read_note(struct stage *s, const cJSON *object) {
  const cJSON *note = json_get(object, "note");
  enter(s, "note");
  if (note && !cJSON_IsString(note)) wrong(s, "expected a text");
  leave(s);
}

/* {"module.Class": "why"} */
static void read_allow(struct stage *s, const cJSON *allow) {
  const cJSON *name;
  enter(s, "allow");
  if (allow && !cJSON_IsObject(allow)) wrong(s, "expected an object of names, each with the reason why");
  cJSON_ArrayForEach(name, allow) {
    if (s->wrong) break;
    enter(s, name->string);
    if (!cJSON_IsString(name)) wrong(s, "expected the reason for %.200s, a text", name->string);
    if (++s->names > s->job->max->policy_names)
      wrong(s, "more than %llu names (the limit policy_names)",
            (unsigned long long)s->job->max->policy_names);
    if (!s->wrong) wire_text(s->out, TEXT_POLICY_ALLOW, span_str(name->string));
    leave(s);
  }
  leave(s);
}

static bool is_sha256(const char *text) {
  return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* {"path", "size", "sha256", "allow", "note"} */
static void read_file(struct stage *s, const cJSON *file) {
  static const char *const list[] = {"path", "size", "sha256", "allow", "note"};
  static const struct keys keys = {list, ARRAY_LEN(list)};
  int64_t size;
  if (!has_only(s, file, &keys)) return;
  const char *digest = cJSON_GetStringValue(json_get(file, "sha256"));
  const cJSON *path = json_get(file, "path"), *allow = json_get(file, "allow");
  if (!is_sha256(digest)) wrong(s, "expected \"sha256\", 64 hexadecimal digits in lower case");
  if (!json_int(json_get(file, "size"), &size) || size < 0)
    wrong(s, "expected \"size\", the bytes of the file");
  if (path && !cJSON_IsString(path)) wrong(s, "expected a text as \"path\"");
  if (!allow) wrong(s, "expected \"allow\": an entry without names does nothing");
  read_note(s, file);
  if (s->wrong) return;
  char text[128];
  int n = snprintf(text, sizeof text, "%s %lld", digest, (long long)size);
  wire_text(s->out, TEXT_POLICY_FILE, span_of(text, n > 0 ? min_size((size_t)n, sizeof text - 1) : 0));
  read_allow(s, allow);
}

static void read_files(struct stage *s, const cJSON *files) {
  const cJSON *file;
  int i = 0;
  enter(s, "files");
  if (files && !cJSON_IsArray(files)) wrong(s, "expected a list of files");
  cJSON_ArrayForEach(file, files) {
    char number[16];
    if (s->wrong) break;
    (void)snprintf(number, sizeof number, "%d", i++);
    enter(s, number);
    if (++s->names > s->job->max->policy_names)
      wrong(s, "more than %llu files and names (the limit policy_names)",
            (unsigned long long)s->job->max->policy_names);
    read_file(s, file);
    leave(s);
  }
  leave(s);
}

static void read_policy(struct stage *s, const cJSON *root) {
  static const char *const list[] = {"policy", "note", "allow", "files"};
  static const struct keys keys = {list, ARRAY_LEN(list)};
  int64_t version;
  if (!has_only(s, root, &keys)) return;
  if (!json_int(json_get(root, "policy"), &version) || version != 1)
    wrong(s, "expected \"policy\": 1, the version of the format");
  read_note(s, root);
  if (!s->wrong) read_allow(s, json_get(root, "allow"));
  if (!s->wrong) read_files(s, json_get(root, "files"));
}

bool policy_stage_run(void *ctx, struct wire_out *out) {
  struct stage s = {.job = ctx, .out = out};
  struct json_error err;
  json_budget((size_t)s.job->max->json_bytes * 8);
  cJSON *root = json_parse(s.job->file, s.job->max, &err);
  char text[COMPLAINT];
  int n =
      root ? 0
           : snprintf(text, sizeof text, "line %u, column %u: expected %s", err.line, err.column, err.what);
  if (root)
    read_policy(&s, root);
  else
    wire_text(out, TEXT_POLICY_WRONG, span_of(text, n > 0 ? min_size((size_t)n, sizeof text - 1) : 0));
  cJSON_Delete(root);
  return !out->broken;
}
