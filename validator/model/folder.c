/* A folder of weights as one model: which of its sets a loader takes, and the plan over it. */
#include "model/folder.h"

#include "container/container.h"
#include "model/dcp.h"
#include "model/plan_merge.h"

bool folder_no_memory(struct folder *f) {
  return refuse(f->obs, (struct observation){
                            .kind = OBS_LIMIT_MEMORY, .got = f->arena->used, .want = f->arena->budget});
}

/* transformers: model.safetensors, its index, pytorch_model.bin, its index. Of several without a known name
 * the first. NULL: there are no weights. */
static const struct weight_set *first_set(const struct weight_sets *sets) {
  const struct weight_set *best = NULL;
  for (uint32_t i = 0; i < sets->list.n; i++) {
    const struct weight_set *s = &sets->list.p[i];
    if (s->shards.n && (!best || s->rank < best->rank)) best = s;
  }
  return best;
}

static bool merge(struct folder *f, struct plan_writer *w, const struct weight_set *s) {
  struct merge_part *parts = arena_array(f->arena, s->shards.n, struct merge_part);
  uint32_t n = 0;
  if (!parts) return folder_no_memory(f);
  for (uint32_t i = 0; i < s->shards.n; i++) {
    uint32_t file = s->shards.p[i].file;
    if (!folder_dict(f, file)) continue;
    const struct folder_file *shard = &f->files[file];
    parts[n++] = (struct merge_part){
        .name = shard->name, .file = shard->name, .plan = shard->plan, .base = shard->base};
  }
  if (n && !plan_merge(w, f->arena, parts, n))
    return refuse(f->obs, (struct observation){
                              .kind = OBS_LIMIT_PLAN, .got = plan_rows(w, PLAN_values), .want = w->cap});
  return n == s->shards.n;
}

static bool read_sets(struct folder *f, struct dcp *dcp, struct plan_writer *w,
                      const struct weight_sets *sets) {
  const struct weight_set *first = first_set(sets);
  bool whole = true;
  for (uint32_t i = 0; i < sets->list.n; i++) {
    struct set_keys keys;
    if (!set_keys_read(f, &sets->list.p[i], &keys) || !set_check(f, &sets->list.p[i], &keys))
      return folder_no_memory(f);
    for (uint32_t k = 0; &sets->list.p[i] == first && k < sets->list.n; k++)
      if (k != i) whole = sets_compare(f, first, &keys, &sets->list.p[k]) && whole;
  }
  if (dcp) whole = dcp_merge(dcp, first ? NULL : w) && whole;
  return (!first || merge(f, w, first)) && whole;
}

bool folder_read(struct folder *f, struct dcp *dcp, struct plan_writer *w) {
  ((struct plan_header *)(void *)w->base)->kind = CONTAINER_FOLDER;
  bool whole = sets_find(f) && read_sets(f, dcp, w, &f->sets);
  plan_settle(w);
  return whole;
}

void folder_close(struct folder *f) {
  for (uint32_t i = 0; i < f->sets.list.n; i++) cJSON_Delete(f->sets.list.p[i].json);
}
