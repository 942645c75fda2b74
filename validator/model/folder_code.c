/* Python code that the configuration of a folder names. transformers imports it when it is told to trust it;
 * the weights beside it are judged, the code is not. */
#include "model/folder.h"

static struct span own_file(const struct folder *f, struct span module) {
  struct span name = arena_printf(f->arena, "%.*s.py", (int)module.n, (const char *)module.p);
  return folder_file_by_name(f, name) == FOLDER_NONE ? SPAN("code that is not in this folder") : name;
}

/* "repository--module.Class", or "module.Class" of the folder itself (transformers/dynamic_module_utils.py,
 * get_class_from_dynamic_module). */
static void note_code(struct folder *f, uint32_t file, struct span named) {
  struct span module = named, text;
  const uint8_t *other = named.n ? memmem(named.p, named.n, "--", 2) : NULL;
  const uint8_t *dot = named.n ? memchr(named.p, '.', named.n) : NULL;
  if (dot) module = span_first(named, (size_t)(dot - named.p));
  if (!arena_copy(f->arena, span_first(named, OBS_TEXT_MAX), &text)) {
    f->obs->lost = true;
    return;
  }
  observe(f->obs,
          (struct observation){.kind = OBS_FOLDER_CODE,
                               .member = file + 1,
                               .subject = text,
                               .detail = other ? SPAN("code of another repository") : own_file(f, module)});
}

static void note_map(struct folder *f, uint32_t file, const cJSON *map) {
  for (const cJSON *item = map ? map->child : NULL; item; item = item->next) {
    if (cJSON_IsString(item)) note_code(f, file, span_str(item->valuestring));
    for (const cJSON *each = cJSON_IsArray(item) ? item->child : NULL; each; each = each->next)
      if (cJSON_IsString(each)) note_code(f, file, span_str(each->valuestring));
  }
}

/* A text that is not read names nothing to a loader either. */
void folder_code(struct folder *f) {
  for (uint32_t i = 0; i < f->num_files; i++) {
    struct json_error err;
    struct span text;
    if (!span_ends(f->files[i].name, SPAN("config.json")) || f->files[i].bytes.n > f->max->json_bytes)
      continue;
    if (!arena_copy(f->arena, f->files[i].bytes, &text)) {
      f->obs->lost = true;
      return;
    }
    cJSON *root = json_parse(text, f->max, &err);
    if (root) note_map(f, i, json_get(root, "auto_map"));
    cJSON_Delete(root);
  }
}
