#include "arch/config.h"

#include "base/json.h"
#include "base/near.h"
#include "model/purpose.h"

/* ---- sources ---- */

enum { MAX_UNDECLARED = 64 };

enum source { FROM_SET, FROM_PRESET, FROM_FILE, FROM_CHECKPOINT, NUM_SOURCES };

struct resolver {
  struct config *c;
  const struct config_sources *from;
  struct key_table lines; /* config lines by name; number - 1 is the index */
  struct span *names;
  struct value *values;
  struct value (*given)[NUM_SOURCES]; /* for each config line; VALUE_PENDING: not given */
  VEC(struct span) undeclared;        /* names that a config has and the architecture file does not */
};

static bool out_of_memory(struct config *c) {
  return refuse(c->observations,
                (struct observation){.kind = OBS_LIMIT_MEMORY, .got = c->eval->arena->budget});
}

bool(config_reject)(struct observations *o, const struct arch *arch, const struct place *where,
                    const struct eval *ev) {
  const struct expr_error *e = &ev->error;
  uint32_t line = 1, column = 1;
  (void)arch_locate(arch, where, e->at + 1, &line, &column);
  enum obs_kind kind = e->limit ? OBS_LIMIT_ARCH : e->absent ? OBS_ARCH_CONFIG_REQUIRED : OBS_ARCH_EVAL;
  return refuse(
      o, (struct observation){
             .kind = kind, .subject = arch->file.name, .got = line, .want = column, .detail = e->what});
}

/* The index of the config line of that name, or arch->num_config. */
static uint32_t find_line(const struct resolver *r, struct span name) {
  uint32_t number = keys_find(&r->lines, 0, name);
  return number ? number - 1 : r->c->arch->num_config;
}

static struct span near_words(const struct resolver *r, const struct nearest *near) {
  return near->best.n ? arena_printf(r->c->eval->arena, ", did you mean %.*s?", (int)near->best.n,
                                     (const char *)near->best.p)
                      : SPAN("");
}

static bool unknown_setting(struct resolver *r, struct span name) {
  struct nearest near = {.word = name};
  const struct arch *arch = r->c->arch;
  for (uint32_t i = 0; i < arch->num_config; i++) nearest_try(&near, arch->config[i].name);
  return refuse(
      r->c->observations,
      (struct observation){.kind = OBS_ARCH_SET_UNKNOWN, .subject = name, .detail = near_words(r, &near)});
}

/* NOLINTNEXTLINE(misc-no-recursion): at most limits.expr_depth deep */
static bool has_name(const struct expr *e) {
  if (e->kind == EXPR_NAME) return true;
  for (uint32_t i = 0; i < e->num_kids; i++)
    if (e->kids[i] && has_name(e->kids[i])) return true;
  return false;
}

/* The text of --set: true, false, null, a constant expression ("16", "[2, 2]", "1e-5"), else itself. */
static struct value setting_value(struct resolver *r, struct span text) {
  struct eval *ev = r->c->eval;
  struct expr_error err;
  struct value v;
  if (span_is(text, "true") || span_is(text, "false")) return value_bool(span_is(text, "true"));
  if (span_is(text, "null")) return (struct value){.kind = VALUE_NONE};
  const struct expr *e = expr_parse(ev->arena, ev->max, text, &err);
  return e && !has_name(e) && expr_eval(ev, e, NULL, &v) ? v : value_text(text);
}

/* --set architectures=NAME: which of the roots it is. */
static bool set_root(struct resolver *r, struct span name) {
  struct span *one = arena_array(r->c->eval->arena, 1, struct span);
  if (!one) return out_of_memory(r->c);
  *one = name;
  r->c->wanted = (struct names){1, one};
  r->c->told = true;
  return true;
}

static bool read_settings(struct resolver *r) {
  for (size_t i = 0; i < r->from->num_set; i++) {
    if (r->c->arch->num_roots && span_is(r->from->set[i].name, "architectures")) {
      if (!set_root(r, r->from->set[i].value)) return false;
      continue;
    }
    uint32_t line = find_line(r, r->from->set[i].name);
    if (line == r->c->arch->num_config) return unknown_setting(r, r->from->set[i].name);
    r->given[line][FROM_SET] = setting_value(r, r->from->set[i].value);
  }
  return true;
}

/* The names that a preset gives come from the same file, so they were checked there. */
static bool read_preset(struct resolver *r) {
  const struct arch *arch = r->c->arch;
  struct nearest near = {.word = r->from->preset};
  if (r->from->preset.n == 0) return true;
  for (uint32_t i = 0; i < arch->num_presets; i++) {
    const struct preset *p = &arch->presets[i];
    nearest_try(&near, p->name);
    if (!span_eq(p->name, r->from->preset)) continue;
    for (uint32_t k = 0; k < p->n; k++) r->given[p->values[k].line][FROM_PRESET] = p->values[k].value;
    if (!r->c->told) r->c->wanted = p->roots;
    return true;
  }
  return refuse(r->c->observations, (struct observation){.kind = OBS_ARCH_PRESET_UNKNOWN,
                                                         .subject = r->from->preset,
                                                         .detail = near_words(r, &near)});
}

/* ---- names that the architecture file does not have ---- */

static void add_undeclared(struct resolver *r, struct span name) {
  struct span *slot = vec_push(r->c->eval->arena, &r->undeclared, MAX_UNDECLARED);
  if (slot) *slot = name;
}

/* Of one source: those behind the first `from`, and how many there are in all. */
static void note_undeclared(struct resolver *r, struct span source, uint32_t from, uint64_t n) {
  enum { SHOWN = 8 };
  struct arena *a = r->c->eval->arena;
  struct span all = SPAN("");
  if (n == 0) return;
  for (uint32_t i = from; i < r->undeclared.n && i < from + SHOWN; i++) {
    struct span name = r->undeclared.p[i];
    all = arena_printf(a, "%.*s%s%.*s", (int)all.n, (const char *)all.p, i > from ? ", " : "",
                       (int)min_size(name.n, 60), (const char *)name.p);
  }
  if (n > SHOWN) all = arena_printf(a, "%.*s, …", (int)all.n, (const char *)all.p);
  observe(
      r->c->observations,
      (struct observation){.kind = OBS_ARCH_CONFIG_UNDECLARED, .subject = source, .got = n, .detail = all});
}

static bool too_large(struct resolver *r, uint32_t line) {
  return refuse(r->c->observations,
                (struct observation){.kind = OBS_ARCH_CONFIG_VALUE, .detail = r->c->arch->config[line].name});
}

/* The names outlive the config: what is said of them is read when another root's model was built in its
 * place. */
static bool read_architectures(struct resolver *r, const cJSON *json) {
  struct arena *a = r->c->eval->arena;
  const cJSON *list = json_get(json, "architectures"), *child;
  uint32_t n = 0;
  if (!cJSON_IsArray(list)) return true;
  cJSON_ArrayForEach(child, list) n++;
  struct span *names = arena_array(a, n, struct span);
  if (!names) return out_of_memory(r->c);
  n = 0;
  cJSON_ArrayForEach(child, list) {
    if (!cJSON_IsString(child)) continue;
    if (!arena_copy(a, span_str(child->valuestring), &names[n++])) return out_of_memory(r->c);
  }
  if (n && !r->c->told) r->c->wanted = (struct names){n, names};
  return true;
}

/* What a config of transformers says of the weights themselves: torch_dtype, since version 5 dtype, and how
 * they are quantised. */
static void read_weights(struct resolver *r, const cJSON *json) {
  const cJSON *dtype = json_get(json, "dtype"), *quantized = json_get(json, "quantization_config");
  const cJSON *method = json_get(quantized, "quant_method");
  if (!cJSON_IsString(dtype)) dtype = json_get(json, "torch_dtype");
  if (cJSON_IsString(dtype)) r->c->dtype = span_str(dtype->valuestring);
  if (cJSON_IsObject(quantized))
    r->c->quantized =
        cJSON_IsString(method) ? span_str(method->valuestring) : SPAN("in a way it does not name");
}

/* The members of an object of JSON that are config values. */
static bool take_json(struct resolver *r, const cJSON *json, enum source from) {
  struct json_index index = {0};
  struct arena *a = r->c->eval->arena;
  if (!json_index(&index, a, json)) return out_of_memory(r->c);
  for (uint32_t i = 0; i < r->c->arch->num_config; i++) {
    const cJSON *item = json_find(&index, r->c->arch->config[i].name);
    if (item && !value_from_json(&r->given[i][from], a, item)) return too_large(r, i);
  }
  return true;
}

/* Read, though no config value. */
static bool is_known(struct span name) {
  static const char *const names[] = {"architectures", "dtype", "torch_dtype", "quantization_config"};
  for (size_t i = 0; i < ARRAY_LEN(names); i++)
    if (span_is(name, names[i])) return true;
  return false;
}

/* A config of transformers holds dozens of values that are no matter here: it is known by its model_type. */
static void list_undeclared(struct resolver *r, const cJSON *json, struct span source) {
  const cJSON *child;
  uint32_t from = r->undeclared.n;
  uint64_t n = 0;
  if (json_get(json, "model_type")) return;
  cJSON_ArrayForEach(child, json) {
    if (find_line(r, span_str(child->string)) < r->c->arch->num_config) continue;
    if (is_known(span_str(child->string))) continue;
    add_undeclared(r, span_str(child->string));
    n++;
  }
  note_undeclared(r, source, from, n);
}

cJSON *config_parse(struct text_file file, const struct limits *max, struct observations *o) {
  struct json_error err;
  struct observation wrong = {.kind = OBS_ARCH_CONFIG_FILE, .subject = file.name, .got = 1, .want = 1};
  cJSON *json = json_parse(file.text, max, &err);
  if (cJSON_IsObject(json)) return json;
  wrong.detail = SPAN("an object of config values");
  if (!json) {
    if (err.fault != JSON_MALFORMED) wrong.kind = OBS_LIMIT_JSON;
    wrong.got = err.line;
    wrong.want = err.column;
    wrong.at = err.offset;
    wrong.detail = span_str(err.what);
  }
  observe(o, wrong);
  cJSON_Delete(json);
  return NULL;
}

static bool read_file(struct resolver *r) {
  const struct text_file *file = &r->from->file;
  if (file->text.n == 0) return true;
  cJSON *json = config_parse(*file, r->c->eval->max, r->c->observations);
  r->c->json = json;
  if (!json) return false;
  if (!take_json(r, json, FROM_FILE)) return false;
  list_undeclared(r, json, file->name);
  read_weights(r, json);
  return read_architectures(r, json);
}

/* ---- the checkpoint's own config ---- */

static bool take_rows(struct resolver *r, uint32_t row) {
  const struct plan *plan = r->from->plan;
  uint32_t from = r->undeclared.n;
  uint64_t n = 0;
  for (uint32_t child = row + 1; child < plan->values[row].end; child = plan->values[child].end) {
    struct span name = plan_span(plan, plan->values[child].key);
    uint32_t line = find_line(r, name);
    if (line == r->c->arch->num_config) {
      add_undeclared(r, name);
      n++;
    } else if (!value_from_plan(&r->given[line][FROM_CHECKPOINT], r->c->eval->arena, plan, child)) {
      return too_large(r, line);
    }
  }
  note_undeclared(r, SPAN("the checkpoint's own config"), from, n);
  return true;
}

/* What is no dict. A dict that was saved as its JSON text is read, and named. */
static bool take_other(struct resolver *r, uint32_t row) {
  struct json_error err;
  const struct plan_value *v = &r->from->plan->values[row];
  bool text = v->kind == PLAN_VAL_TEXT;
  cJSON *json = text ? json_parse(plan_span(r->from->plan, v->text), r->c->eval->max, &err) : NULL;
  bool object = cJSON_IsObject(json);
  r->c->own_json = json;
  observe(r->c->observations,
          (struct observation){.kind = object ? OBS_ARCH_CONFIG_TEXT : OBS_ARCH_CONFIG_FORM,
                               .subject = r->c->arch->config_path,
                               .detail = plan_kind_words((enum plan_value_kind)v->kind)});
  return !object || take_json(r, json, FROM_CHECKPOINT);
}

static bool read_checkpoint_config(struct resolver *r) {
  const struct plan *plan = r->from->plan;
  struct span path = r->c->arch->config_path;
  if (!plan || path.n == 0) return true;
  uint32_t row = plan_find(plan, path);
  if (row == UINT32_MAX) {
    observe(r->c->observations, (struct observation){.kind = OBS_ARCH_CONFIG_PATH, .subject = path});
    return true;
  }
  row = plan_resolve(plan, row);
  bool dict = plan->values[row].kind == PLAN_VAL_DICT || plan->values[row].kind == PLAN_VAL_RECORD;
  return dict ? take_rows(r, row) : take_other(r, row);
}

/* ---- the null rule and disagreement ---- */

/* doc/architecture-files.md: null in a source means the default, where the default is null itself or
 * computed. */
static bool counts(const struct config_line *line, const struct value *v) {
  if (v->kind == VALUE_PENDING) return false;
  return v->kind != VALUE_NONE || (!line->required && !line->value);
}

static struct span source_name(const struct resolver *r, enum source s) {
  if (s == FROM_SET) return SPAN("--set");
  if (s == FROM_PRESET)
    return arena_printf(r->c->eval->arena, "the preset %.*s", (int)min_size(r->from->preset.n, 100),
                        (const char *)r->from->preset.p);
  return s == FROM_FILE ? r->from->file.name : SPAN("the checkpoint's own config");
}

static void note_conflict(struct resolver *r, uint32_t line, enum source strong, enum source weak) {
  const struct value *a = &r->given[line][strong], *b = &r->given[line][weak];
  if (value_equal(a, b)) return;
  struct arena *mem = r->c->eval->arena;
  struct span x = value_show(mem, a), y = value_show(mem, b), from = source_name(r, strong),
              other = source_name(r, weak);
  struct span text =
      arena_printf(mem, "%.*s says %.*s, %.*s says %.*s", (int)from.n, (const char *)from.p, (int)x.n,
                   (const char *)x.p, (int)other.n, (const char *)other.p, (int)y.n, (const char *)y.p);
  /* Who overrides by --set knows it; two files that disagree are a fault in one of them. */
  observe(r->c->observations, (struct observation){.kind = strong == FROM_SET ? OBS_ARCH_CONFIG_OVERRIDDEN
                                                                              : OBS_ARCH_CONFIG_CONFLICT,
                                                   .subject = r->c->arch->config[line].name,
                                                   .detail = text});
}

static struct value choose(struct resolver *r, uint32_t i) {
  const struct config_line *line = &r->c->arch->config[i];
  struct value chosen = line->value || line->required
                            ? (struct value){.kind = line->value ? VALUE_PENDING : VALUE_MISSING}
                            : line->literal;
  enum source strongest = NUM_SOURCES;
  for (enum source s = FROM_SET; s < NUM_SOURCES; s++) {
    if (!counts(line, &r->given[i][s])) continue;
    if (strongest == NUM_SOURCES)
      chosen = r->given[i][s];
    else
      note_conflict(r, i, strongest, s);
    if (strongest == NUM_SOURCES) strongest = s;
  }
  if (chosen.kind == VALUE_MISSING && r->from->stand_in) return value_int(r->from->stand_in);
  return chosen;
}

/* ---- all together ---- */

static bool compute(struct resolver *r, uint32_t i, const struct expr *e, const struct place *place,
                    uint32_t skip) {
  struct eval *ev = r->c->eval;
  struct value v;
  if (expr_eval(ev, e, r->c->scope, &v)) {
    r->values[i] = v;
    return true;
  }
  ev->error.at += skip;
  return config_reject(r->c->observations, r->c->arch, place, ev);
}

static bool compute_all(struct resolver *r) {
  const struct arch *arch = r->c->arch;
  for (uint32_t i = 0; i < arch->num_config; i++) {
    const struct config_line *line = &arch->config[i];
    if (r->values[i].kind == VALUE_PENDING && !compute(r, i, line->value, line->place, 1)) return false;
  }
  for (uint32_t i = 0; i < arch->top.num_lets; i++)
    if (!compute(r, arch->num_config + i, arch->top.lets[i].value, arch->top.lets[i].place, 0)) return false;
  return true;
}

static bool make_scope(struct resolver *r) {
  const struct arch *arch = r->c->arch;
  struct arena *a = r->c->eval->arena;
  uint32_t n = arch->num_config + arch->top.num_lets;
  r->names = arena_array(a, n, struct span);
  r->values = arena_array(a, n, struct value);
  r->given = arena_alloc(a, arch->num_config, sizeof *r->given, alignof(struct value));
  r->c->scope = arena_new(a, struct scope);
  if (!r->names || !r->values || !r->given || !r->c->scope) return out_of_memory(r->c);
  for (uint32_t i = 0; i < n; i++) {
    r->names[i] = i < arch->num_config ? arch->config[i].name : arch->top.lets[i - arch->num_config].name;
    r->values[i].kind = VALUE_PENDING;
  }
  keys_init(&r->lines, a);
  for (uint32_t i = 0; i < arch->num_config; i++) {
    for (enum source s = FROM_SET; s < NUM_SOURCES; s++) r->given[i][s].kind = VALUE_PENDING;
    if (!keys_add(&r->lines, 0, r->names[i])) return out_of_memory(r->c);
  }
  *r->c->scope = (struct scope){.n = n, .names = r->names, .values = r->values};
  return true;
}

bool config_resolve(struct config *c, const struct config_sources *sources) {
  struct resolver r = {.c = c, .from = sources};
  if (!make_scope(&r) || !read_settings(&r) || !read_preset(&r) || !read_file(&r) ||
      !read_checkpoint_config(&r))
    return false;
  c->eval->undeclared = r.undeclared.p;
  c->eval->num_undeclared = r.undeclared.n;
  for (uint32_t i = 0; i < c->arch->num_config; i++) r.values[i] = choose(&r, i);
  return compute_all(&r);
}
