/* The config's names with their defaults, and the presets that give them published values. */
#include "arch/config.h"
#include "arch/spec_read.h"
#include "base/near.h"

static bool read_config_line(struct spec *sp, struct item it, void *into) {
  struct config_line *line = into;
  line->place = it.place;
  if (!spec_key_name(sp, it, &line->name)) return false;
  line->required = cJSON_IsNull(it.json);
  if (cJSON_IsString(it.json) && it.json->valuestring[0] == '=')
    return spec_expr_text(sp, it.place, span_str(it.json->valuestring), 1, &line->value);
  return value_from_json(&line->literal, sp->arena, it.json) || spec_out_of_memory(sp);
}

bool read_config(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return spec_want_object(sp, it) &&
         spec_each(sp, it, sizeof(struct config_line), read_config_line, &arch->config, &arch->num_config) &&
         spec_at_most(sp, it, arch->num_config, MAX_CONFIG);
}

/* ---- presets ---- */

static bool unknown_value(struct spec *sp, struct item it) {
  struct nearest near = {.word = item_key(it)};
  for (uint32_t i = 0; i < sp->arch->num_config; i++) nearest_try(&near, sp->arch->config[i].name);
  return spec_reject(
      sp, OBS_ARCH_KEY, it.place, 0,
      near.best.n ? "the config has no name '%.60s', did you mean '%.*s'?" : "the config has no name '%.60s'",
      it.json->string, (int)near.best.n, (const char *)near.best.p);
}

static bool read_preset_value(struct spec *sp, struct item it, struct preset *into,
                              struct preset_value *value) {
  if (span_is(item_key(it), "architectures")) return spec_texts(sp, it, &into->roots);
  uint32_t number = keys_find(&sp->config, 0, item_key(it));
  if (!number) return unknown_value(sp, it);
  value->line = number - 1;
  into->n++;
  return value_from_json(&value->value, sp->arena, it.json) || spec_out_of_memory(sp);
}

static bool read_preset(struct spec *sp, struct item it, void *into) {
  struct preset *preset = into;
  const cJSON *child;
  if (!spec_want_object(sp, it)) return false;
  preset->place = it.place;
  preset->name = item_key(it);
  struct preset_value *values =
      arena_array(sp->arena, (size_t)cJSON_GetArraySize(it.json), struct preset_value);
  if (!values) return spec_out_of_memory(sp);
  preset->values = values;
  cJSON_ArrayForEach(child, it.json) {
    struct item member = spec_child(sp, it, child, 0);
    if (!member.place) return spec_out_of_memory(sp);
    if (!read_preset_value(sp, member, preset, &values[preset->n])) return false;
  }
  return true;
}

bool read_presets(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  keys_init(&sp->config, sp->arena);
  for (uint32_t i = 0; i < arch->num_config; i++)
    if (!keys_add(&sp->config, 0, arch->config[i].name)) return spec_out_of_memory(sp);
  return spec_want_object(sp, it) &&
         spec_each(sp, it, sizeof(struct preset), read_preset, &arch->presets, &arch->num_presets) &&
         spec_at_most(sp, it, arch->num_presets, MAX_PRESETS);
}
