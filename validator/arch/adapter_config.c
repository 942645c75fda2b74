#include "arch/adapter_config.h"

#include "arch/adapter.h"
#include "arch/keys.h"
#include "base/json.h"

/* Of a module's path so many ends are looked up among the targets: no published module lies deeper than
 * twenty. */
enum { MAX_ENDS = 64 };

struct comparison {
  const struct plan *plan;
  struct arena *arena;
  struct observations *o;
  int64_t rank;       /* 0: it may differ from module to module */
  bool lists_targets; /* else they are a pattern, or another field's */
  struct key_table targets;
  uint8_t *used;                            /* by target */
  uint32_t misranked, stray;                /* factors */
  struct span first_misranked, first_stray; /* their names */
  uint64_t rank_found;
};

static bool refuse_field(struct observations *o, struct text_file file, const char *what) {
  return refuse(
      o, (struct observation){.kind = OBS_ADAPTER_CONFIG, .subject = file.name, .detail = span_str(what)});
}

static bool is_none(const cJSON *item) { return !item || cJSON_IsNull(item); }

bool adapter_base(struct span *out, struct text_file file, struct arena *a, const struct limits *max,
                  struct observations *o) {
  cJSON *json = config_parse(file, max, o);
  if (!json) return false;
  const cJSON *name = json_get(json, "base_model_name_or_path");
  const char *text = cJSON_IsString(name) ? name->valuestring : "";
  bool ok =
      *text ? arena_copy(a, span_str(text), out) || refuse(o, (struct observation){.kind = OBS_LIMIT_MEMORY})
            : refuse_field(o, file,
                           "it has no base_model_name_or_path, so it does not say for which model it is");
  cJSON_Delete(json);
  return ok;
}

/* ---- what the config says ---- */

/* One rank for all modules, unless some have their own or parameters of several experts are changed. */
static bool read_rank(struct comparison *c, struct text_file file, const cJSON *json) {
  const cJSON *r = json_get(json, "r"), *pattern = json_get(json, "rank_pattern");
  if (!json_int(r, &c->rank) || c->rank <= 0)
    return refuse_field(c->o, file, "r, the rank, must be an integer above 0");
  if ((!is_none(pattern) && pattern->child) || !is_none(json_get(json, "target_parameters"))) c->rank = 0;
  return true;
}

static bool read_targets(struct comparison *c, struct text_file file, const cJSON *json) {
  const cJSON *targets = json_get(json, "target_modules"), *others = json_get(json, "target_parameters"),
              *item;
  keys_init(&c->targets, c->arena);
  c->lists_targets = cJSON_IsArray(targets) && is_none(others);
  if (!c->lists_targets) return true;
  cJSON_ArrayForEach(item, targets) {
    uint32_t known;
    struct span text;
    if (!cJSON_IsString(item))
      return refuse_field(c->o, file, "target_modules must be a list of texts, or a text");
    if (!arena_copy(c->arena, span_str(item->valuestring), &text) ||
        !keys_add_new(&c->targets, 0, text, &known))
      return refuse(c->o, (struct observation){.kind = OBS_LIMIT_MEMORY});
  }
  c->used = arena_array(c->arena, c->targets.names.n + 1, uint8_t);
  return c->used || refuse(c->o, (struct observation){.kind = OBS_LIMIT_MEMORY});
}

/* ---- what the factors are ---- */

static void check_rank(struct comparison *c, struct span name, int half, const struct plan_tensor *t) {
  if (c->rank == 0 || t->ndim < 2) return;
  uint64_t found = c->plan->dims[t->first_dim + (half == HALF_B)];
  if (found == (uint64_t)c->rank) return;
  if (c->misranked++) return;
  c->first_misranked = name;
  c->rank_found = found;
}

/* peft/tuners/tuners_utils.py, check_target_module_exists: the path itself, or its end behind a dot. */
static bool is_target(struct comparison *c, struct span module) {
  bool found = false;
  for (uint32_t ends = 0; ends < MAX_ENDS; ends++) {
    uint32_t number = keys_find(&c->targets, 0, module);
    if (number) {
      c->used[number] = 1;
      found = true;
    }
    const uint8_t *dot = module.n ? memchr(module.p, '.', module.n) : NULL;
    if (!dot) break;
    module = span_from(module, (size_t)(dot - module.p) + 1);
  }
  return found;
}

static bool read_factor(struct comparison *c, const struct plan_entry *e) {
  struct span name = plan_span(c->plan, e->name), module = adapter_key(name);
  size_t at = 0;
  int half = adapter_half(module, &at);
  if (half == HALVES || e->tensor == UINT32_MAX) return false;
  check_rank(c, name, half, &c->plan->tensors[e->tensor]);
  if (c->lists_targets && !is_target(c, span_first(module, at)) && c->stray++ == 0) c->first_stray = name;
  return true;
}

/* The first state dict that has factors. */
static bool read_factors(struct comparison *c) {
  uint32_t n = 0;
  for (uint32_t d = 0; d < c->plan->num_dicts && n == 0; d++)
    for (uint32_t i = 0; i < c->plan->dicts[d].num_entries; i++)
      n += read_factor(c, &c->plan->entries[c->plan->dicts[d].first_entry + i]);
  return n > 0;
}

/* ---- telling ---- */

static void tell_unused(const struct comparison *c) {
  uint32_t n = 0;
  struct span first = SPAN("");
  for (uint32_t i = 1; c->lists_targets && i <= c->targets.names.n; i++)
    if (!c->used[i] && n++ == 0) first = c->targets.names.p[i - 1].name;
  if (n) observe(c->o, (struct observation){.kind = OBS_ADAPTER_UNUSED, .subject = first, .got = n});
}

static void tell(const struct comparison *c) {
  if (c->misranked)
    observe(c->o, (struct observation){
                      .kind = OBS_ADAPTER_RANK,
                      .subject = c->first_misranked,
                      .got = c->misranked,
                      .detail = arena_printf(c->arena, "%llu, r is %lld", (unsigned long long)c->rank_found,
                                             (long long)c->rank)});
  if (c->stray)
    observe(c->o,
            (struct observation){.kind = OBS_ADAPTER_STRAY, .subject = c->first_stray, .got = c->stray});
  tell_unused(c);
}

void adapter_compare(struct text_file file, const struct plan *plan, struct arena *a,
                     const struct limits *max, struct observations *o) {
  struct comparison c = {.plan = plan, .arena = a, .o = o};
  cJSON *json = config_parse(file, max, o);
  const cJSON *type = json_get(json, "peft_type");
  bool lora = cJSON_IsString(type) && strcmp(type->valuestring, "LORA") == 0;
  if (lora && read_rank(&c, file, json) && read_targets(&c, file, json) && read_factors(&c)) tell(&c);
  cJSON_Delete(json);
}
