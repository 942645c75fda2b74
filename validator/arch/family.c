#include "arch/family.h"

#include "arch/config.h"
#include "base/json.h"
#include "base/near.h"

struct search {
  const struct families *all;
  struct arena *arena;
  const struct limits *max;
  struct observations *o;
};

static bool out_of_memory(struct search *s) {
  return refuse(s->o, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = s->arena->budget});
}

struct span family_stem(struct span path) {
  for (size_t i = path.n; i > 0; i--)
    if (path.p[i - 1] == '/') {
      path = span_from(path, i);
      break;
    }
  return span_ends(path, SPAN(".json")) ? span_first(path, path.n - 5) : path;
}

static bool same_name(struct span a, struct span b) { return name_distance(a, b) == 0 && a.n == b.n; }

/* NULL, observed as a note, for a file that is not JSON: the search goes on without it. */
static cJSON *parse(struct search *s, const struct text_file *file) {
  struct json_error err;
  cJSON *json = json_parse(file->text, s->max, &err);
  if (!json)
    observe(s->o, (struct observation){.kind = OBS_FAMILY_UNREADABLE,
                                       .subject = file->name,
                                       .got = err.line,
                                       .want = err.column,
                                       .detail = span_str(err.what)});
  return json;
}

/* ---- by name ---- */

/* A member of `presets` that has this name, in its own spelling. */
static const char *find_preset(const cJSON *json, struct nearest *near) {
  const cJSON *child;
  cJSON_ArrayForEach(child, json_get(json, "presets")) {
    if (!child->string) continue; /* a list: arch_parse refuses it */
    if (same_name(span_str(child->string), near->word)) return child->string;
    nearest_try(near, span_str(child->string));
  }
  return NULL;
}

/* The near name outlives the tree that it was found in. */
static bool keep_nearest(struct search *s, struct nearest *near) {
  return near->best.n == 0 || arena_copy(s->arena, near->best, &near->best) || out_of_memory(s);
}

static bool find_in_presets(struct search *s, struct nearest *near, struct family *out, bool *found) {
  for (uint32_t i = 0; i < s->all->n && !*found; i++) {
    cJSON *json = parse(s, &s->all->list[i]);
    const char *preset = json ? find_preset(json, near) : NULL;
    bool ok = keep_nearest(s, near);
    *found = preset != NULL;
    if (preset) {
      out->file = s->all->list[i];
      ok = (arena_copy(s->arena, span_str(preset), &out->preset) || out_of_memory(s)) && ok;
    }
    cJSON_Delete(json);
    if (!ok) return false;
  }
  return true;
}

static struct span all_names(struct search *s) {
  struct span all = {0};
  for (uint32_t i = 0; i < s->all->n && all.n < 400; i++) {
    struct span name = family_stem(s->all->list[i].name);
    all = arena_printf(s->arena, "%.*s%s%.*s", (int)all.n, (const char *)all.p, i ? ", " : "",
                       (int)min_size(name.n, 60), (const char *)name.p);
  }
  return all;
}

/* A family or a preset. False only when memory is spent. */
static bool find_name(struct search *s, struct nearest *near, struct family *out, bool *found) {
  for (uint32_t i = 0; i < s->all->n && !*found; i++) {
    struct span stem = family_stem(s->all->list[i].name);
    *found = same_name(stem, near->word);
    if (*found) out->file = s->all->list[i];
    if (!*found) nearest_try(near, stem);
  }
  return *found || find_in_presets(s, near, out, found);
}

/* As the hub has it, with an owner, and "-hf" for what was converted: "meta-llama/Llama-2-7b-hf". */
static struct span without_owner(struct span name) {
  for (size_t i = name.n; i > 0; i--)
    if (name.p[i - 1] == '/') {
      name = span_from(name, i);
      break;
    }
  return span_ends(name, SPAN("-hf")) ? span_first(name, name.n - 3) : name;
}

bool family_by_name(struct family *out, const struct families *all, struct span name, struct arena *a,
                    const struct limits *max, struct observations *o) {
  struct search s = {all, a, max, o};
  struct nearest near = {.word = name};
  struct span model = without_owner(name);
  bool found = false;
  *out = (struct family){0};
  if (!find_name(&s, &near, out, &found)) return false;
  if (!found && model.n && model.n < name.n) {
    struct observations told;
    observations_init(&told, a, 1);
    struct search again = {all, a, max, &told};
    near = (struct nearest){.word = model};
    if (!find_name(&again, &near, out, &found)) return false;
  }
  if (found) return true;
  struct span hint =
      near.best.n ? arena_printf(a, "did you mean %.*s?", (int)near.best.n, (const char *)near.best.p)
                  : arena_printf(a, "families: %.*s", (int)all_names(&s).n, (const char *)all_names(&s).p);
  return refuse(o, (struct observation){.kind = OBS_FAMILY_UNKNOWN, .subject = name, .detail = hint});
}

/* ---- by model_type ---- */

static bool has_type(const cJSON *json, struct nearest *near) {
  const cJSON *types = json_get(json_get(json, "match"), "model_type"), *child = types;
  if (cJSON_IsArray(types)) child = types->child;
  for (; cJSON_IsString(child); child = child->next) {
    if (span_eq(span_str(child->valuestring), near->word)) return true;
    nearest_try(near, span_str(child->valuestring));
    if (child == types) break;
  }
  return false;
}

static bool find_type(struct search *s, struct span type, struct family *out) {
  struct nearest near = {.word = type};
  bool found = false, ok = true;
  for (uint32_t i = 0; i < s->all->n && !found && ok; i++) {
    cJSON *json = parse(s, &s->all->list[i]);
    found = json && has_type(json, &near);
    out->file = s->all->list[i];
    ok = keep_nearest(s, &near);
    cJSON_Delete(json);
  }
  if (found || !ok) return ok;
  struct span hint = near.best.n ? arena_printf(s->arena, " (did you mean %.*s?)", (int)near.best.n,
                                                (const char *)near.best.p)
                                 : SPAN("");
  return refuse(s->o, (struct observation){.kind = OBS_FAMILY_TYPE, .subject = type, .detail = hint});
}

bool family_by_config(struct family *out, const struct families *all, struct text_file config,
                      struct arena *a, const struct limits *max, struct observations *o) {
  struct search s = {all, a, max, o};
  struct span type = {0};
  *out = (struct family){0};
  cJSON *json = config_parse(config, max, o);
  if (!json) return false;
  const cJSON *item = json_get(json, "model_type");
  bool ok = !cJSON_IsString(item) || arena_copy(a, span_str(item->valuestring), &type) || out_of_memory(&s);
  cJSON_Delete(json);
  if (!ok) return false;
  if (type.n == 0) return refuse(o, (struct observation){.kind = OBS_FAMILY_NO_TYPE, .subject = config.name});
  return find_type(&s, type, out);
}
