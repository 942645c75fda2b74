/* The frame: JSON objects read by tables of keys, and the file's top level. */
#include "arch/spec.h"

#include <stdarg.h>

#include "arch/spec_read.h"
#include "base/near.h"

/* ---- places and errors ---- */

enum { MAX_PATH = 64 + 1 }; /* json_depth */

bool arch_locate(const struct arch *arch, const struct place *p, uint32_t at, uint32_t *line,
                 uint32_t *column) {
  const char *path[MAX_PATH];
  size_t n = 0;
  for (const struct place *q = p; q; q = q->up) n++;
  if (n > MAX_PATH) return false;
  size_t i = n;
  for (const struct place *q = p; q; q = q->up) path[--i] = q->key;
  if (!json_locate(arch->file.text, path, n, line, column)) return false;
  return try_add(*column, at, column);
}

struct span arch_where(struct arena *a, const struct arch *arch, const struct place *p, uint32_t at) {
  uint32_t line = 1, column = 1;
  (void)arch_locate(arch, p, at, &line, &column);
  return arena_printf(a, "line %u, column %u", line, column);
}

bool(spec_out_of_memory)(struct spec *sp) {
  return refuse(sp->o,
                (struct observation){
                    .kind = OBS_LIMIT_MEMORY, .got = sp->arena->budget, .subject = sp->arch->file.name});
}

bool(spec_reject)(struct spec *sp, enum obs_kind kind, const struct place *where, uint32_t at,
                  const char *format, ...) {
  char text[400];
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  struct observation what = {.kind = kind, .subject = sp->arch->file.name};
  uint32_t line = 1, column = 1;
  (void)arch_locate(sp->arch, where, at, &line, &column);
  what.got = line;
  what.want = column;
  if (!arena_copy(sp->arena, span_of(text, n < 0 ? 0 : min_size((size_t)n, sizeof text - 1)), &what.detail))
    return spec_out_of_memory(sp);
  return refuse(sp->o, what);
}

/* ---- items ---- */

struct item spec_child(struct spec *sp, struct item parent, const cJSON *json, uint32_t index) {
  struct place *p = arena_new(sp->arena, struct place);
  const char *key = json->string;
  if (!key) {
    struct span digits =
        arena_printf(sp->arena, "%u", index); /* terminated: arena_printf leaves the NUL behind it */
    key = digits.n ? (const char *)digits.p : NULL;
  }
  if (!p || !key) return (struct item){.json = json};
  *p = (struct place){.up = parent.place, .key = key};
  return (struct item){.json = json, .place = p};
}

static const char *json_kind(const cJSON *json) {
  if (cJSON_IsString(json)) return "a text";
  if (cJSON_IsNumber(json)) return "a number";
  if (cJSON_IsBool(json)) return "true or false";
  if (cJSON_IsNull(json)) return "null";
  return cJSON_IsArray(json) ? "a list" : "an object";
}

static bool unfit(struct spec *sp, struct item it, const char *what) {
  return spec_reject(sp, OBS_ARCH_TYPE, it.place, 0, "expected %s, found %s", what, json_kind(it.json));
}

bool spec_want_object(struct spec *sp, struct item it) {
  return cJSON_IsObject(it.json) || unfit(sp, it, "an object");
}
bool spec_want_list(struct spec *sp, struct item it) {
  return cJSON_IsArray(it.json) || unfit(sp, it, "a list");
}

bool spec_at_most(struct spec *sp, struct item it, uint32_t n, uint32_t max) {
  return n <= max || spec_reject(sp, OBS_LIMIT_ARCH, it.place, 0, "%u entries, the limit is %u", n, max);
}

bool spec_text(struct spec *sp, struct item it, struct span *out) {
  if (!cJSON_IsString(it.json)) return unfit(sp, it, "a text");
  *out = span_str(it.json->valuestring);
  return out->n || spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "expected a text that is not empty");
}

bool spec_number(struct spec *sp, struct item it, double *out) {
  if (!cJSON_IsNumber(it.json)) return unfit(sp, it, "a number");
  *out = it.json->valuedouble;
  return true;
}

static bool read_text_item(struct spec *sp, struct item it, void *into) { return spec_text(sp, it, into); }

bool spec_texts(struct spec *sp, struct item it, struct names *out) {
  if (cJSON_IsArray(it.json))
    return spec_each(sp, it, sizeof(struct span), read_text_item, &out->list, &out->n);
  struct span *one = arena_new(sp->arena, struct span);
  if (!one) return spec_out_of_memory(sp);
  out->list = one;
  out->n = 1;
  return spec_text(sp, it, one);
}

bool spec_expr_text(struct spec *sp, const struct place *where, struct span text, uint32_t skip,
                    const struct expr **out) {
  struct expr_error err;
  *out = expr_parse(sp->arena, sp->max, span_from(text, skip), &err);
  if (*out) return true;
  return spec_reject(sp, err.limit ? OBS_LIMIT_ARCH : OBS_ARCH_EXPR, where, skip + err.at + 1, "%.*s",
                     (int)err.what.n, (const char *)err.what.p);
}

bool spec_expr(struct spec *sp, struct item it, const struct expr **out) {
  struct span text;
  return spec_text(sp, it, &text) && spec_expr_text(sp, it.place, text, 0, out);
}

bool spec_key_name(struct spec *sp, struct item it, struct span *out) {
  *out = item_key(it);
  if (!is_identifier(*out))
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "'%.60s' is no name: letters, digits and _ only",
                       it.json->string);
  if (builtin_is(*out))
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "'%.60s' is the name of a function", it.json->string);
  return true;
}

bool spec_each(struct spec *sp, struct item it, size_t size, read_fn *read, void *out_table,
               uint32_t *out_n) {
  uint32_t n = 0, i = 0;
  const cJSON *child;
  cJSON_ArrayForEach(child, it.json) n++;
  uint8_t *table = arena_alloc(sp->arena, n, size, alignof(max_align_t));
  if (!table) return spec_out_of_memory(sp);
  cJSON_ArrayForEach(child, it.json) {
    struct item sub = spec_child(sp, it, child, i);
    if (!sub.place) return spec_out_of_memory(sp);
    if (!read(sp, sub, table + (size_t)i * size)) return false;
    i++;
  }
  memcpy(out_table, &(const void *){table}, sizeof(const void *));
  *out_n = n;
  return true;
}

/* ---- objects by table ---- */

/* "forward(x)" is the row "forward(": what stands in the parentheses is read by the row's function. */
static bool row_is(const struct key_row *row, struct span key) {
  struct span name = span_str(row->name);
  return span_ends(name, SPAN("(")) ? span_starts(key, name) : span_eq(key, name);
}

static bool unknown_key(struct spec *sp, struct item member, const struct key_row *rows, size_t n) {
  struct nearest near = {.word = item_key(member)};
  for (size_t i = 0; i < n; i++) nearest_try(&near, span_str(rows[i].name));
  return spec_reject(sp, OBS_ARCH_KEY, member.place, 0,
                     near.best.n ? "unknown key '%.60s', did you mean '%.*s'?" : "unknown key '%.60s'",
                     member.json->string, (int)near.best.n, (const char *)near.best.p);
}

static bool check_members(struct spec *sp, struct item it, const struct key_row *rows, size_t n) {
  const cJSON *child;
  cJSON_ArrayForEach(child, it.json) {
    size_t i = 0;
    while (i < n && !row_is(&rows[i], span_str(child->string))) i++;
    if (i < n) continue;
    struct item member = spec_child(sp, it, child, 0);
    return member.place ? unknown_key(sp, member, rows, n) : spec_out_of_memory(sp);
  }
  return true;
}

static bool read_row(struct spec *sp, struct item it, const struct key_row *row, void *into) {
  const cJSON *child, *found = NULL;
  cJSON_ArrayForEach(child, it.json) {
    if (!row_is(row, span_str(child->string))) continue;
    if (found) return spec_reject(sp, OBS_ARCH_KEY, it.place, 0, "'%s' stands twice", row->name);
    found = child;
  }
  if (!found)
    return !row->required || spec_reject(sp, OBS_ARCH_KEY, it.place, 0, "the key '%s' is missing", row->name);
  struct item member = spec_child(sp, it, found, 0);
  return member.place ? row->read(sp, member, into) : spec_out_of_memory(sp);
}

bool spec_object(struct spec *sp, struct item it, const struct key_row *rows, size_t n, void *into) {
  if (!spec_want_object(sp, it) || !check_members(sp, it, rows, n)) return false;
  for (size_t i = 0; i < n; i++)
    if (!read_row(sp, it, &rows[i], into)) return false;
  return true;
}

/* ---- the top level ---- */

static bool read_version(struct spec *sp, struct item it, void *into) {
  (void)into;
  int64_t version;
  if (!json_int(it.json, &version)) return unfit(sp, it, "the language's version, 1");
  return version == 1 ||
         spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "version %lld of the language is not read here, only 1",
                     (long long)version);
}

static bool read_name(struct spec *sp, struct item it, void *into) {
  return spec_text(sp, it, &((struct arch *)into)->name);
}

static bool read_model_type(struct spec *sp, struct item it, void *into) {
  return spec_texts(sp, it, &((struct arch *)into)->model_types);
}

static bool read_match(struct spec *sp, struct item it, void *into) {
  static const struct key_row rows[] = {{"model_type", read_model_type, true}};
  return spec_object(sp, it, rows, ARRAY_LEN(rows), into);
}

/* A let shares the config's scope, so it may not take one of its names. */
static bool read_top_lets(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  if (!read_lets(sp, it, &arch->top)) return false;
  for (uint32_t i = 0; i < arch->top.num_lets; i++)
    for (uint32_t j = 0; j < arch->num_config; j++)
      if (span_eq(arch->top.lets[i].name, arch->config[j].name))
        return spec_reject(sp, OBS_ARCH_KEY, arch->top.lets[i].place, 0,
                           "a config value has this name already");
  return true;
}
static bool read_top_modules(struct spec *sp, struct item it, void *into) {
  return read_modules(sp, it, &((struct arch *)into)->top);
}
static bool read_top_forward(struct spec *sp, struct item it, void *into) {
  return read_forward(sp, it, &((struct arch *)into)->top);
}

static bool read_base_prefix(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  if (!spec_text(sp, it, &arch->base_prefix)) return false;
  return span_ends(arch->base_prefix, SPAN(".")) ||
         spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "a prefix ends with '.'");
}

static bool read_ignore(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return spec_texts(sp, it, &arch->ignore) && spec_at_most(sp, it, arch->ignore.n, MAX_GLOBS);
}

/* In this order: ports need the config's names, tests need the ports. */
static const struct key_row top_rows[] = {
    {"arch", read_version, true},
    {"name", read_name, false},
    {"match", read_match, false},
    {"config", read_config, false},
    {"presets", read_presets, false},
    {"let", read_top_lets, false},
    {"blocks", read_blocks, false},
    {"modules", read_top_modules, false},
    {"forward(", read_top_forward, false},
    {"roots", read_roots, false},
    {"checkpoint", read_checkpoint, false},
    {"base_prefix", read_base_prefix, false},
    {"rename", read_renames, false},
    {"ignore", read_ignore, false},
    {"tie", read_ties, false},
    {"checks", read_checks, false},
    {"inputs", read_inputs, false},
    {"outputs", read_outputs, false},
    {"tests", read_tests, false},
};

bool spec_parse(struct spec *sp) {
  struct json_error error, *err = &error;
  sp->arch->json = json_parse(sp->arch->file.text, sp->max, err);
  if (sp->arch->json) return true;
  struct observation what = {.subject = sp->arch->file.name,
                             .got = err->line,
                             .want = err->column,
                             .at = err->offset,
                             .detail = span_str(err->what)};
  what.kind = err->fault == JSON_MALFORMED ? OBS_ARCH_JSON : OBS_LIMIT_JSON;
  return refuse(sp->o, what);
}

bool arch_parse(struct arch *out, struct text_file file, struct arena *a, const struct limits *max,
                struct observations *o) {
  *out = (struct arch){.file = file, .name = file.name};
  struct spec sp = {.arch = out, .arena = a, .max = max, .o = o};
  if (!spec_parse(&sp)) return false;
  struct item top = {.json = out->json};
  return spec_object(&sp, top, top_rows, ARRAY_LEN(top_rows), out);
}

void arch_close(struct arch *arch) {
  cJSON_Delete(arch->json);
  arch->json = NULL;
}

bool spec_is_config(const struct arch *arch, struct span name) {
  for (uint32_t i = 0; i < arch->num_config; i++)
    if (span_eq(arch->config[i].name, name)) return true;
  for (uint32_t i = 0; i < arch->top.num_lets; i++)
    if (span_eq(arch->top.lets[i].name, name)) return true;
  return false;
}
