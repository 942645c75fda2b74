/* Keys: those of an index against those of its shards, and those of two formats against each other. */
#include "model/folder.h"

const struct plan_dict *folder_dict(const struct folder *f, uint32_t file) {
  const struct plan *p = file == FOLDER_NONE ? NULL : f->files[file].plan;
  return p && p->header->complete && p->num_dicts ? p->dicts : NULL;
}

static uint32_t hash_of(const struct folder *f, struct span name) {
  return (uint32_t)siphash(f->hash_seed, name);
}

/* The key behind number `after` (from 1; 0: the first) with that name, or 0. */
static uint32_t key_find(const struct folder *f, const struct set_keys *keys, struct span name,
                         uint32_t after) {
  uint32_t hash = hash_of(f, name), n = hash_find(&keys->index, hash, after);
  // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what is found is in the list
  while (n && !span_eq(keys->list.p[n - 1].name, name)) n = hash_find(&keys->index, hash, n);
  return n;
}

static bool read_dict(struct folder *f, uint32_t file, struct set_keys *out) {
  const struct plan_dict *d = folder_dict(f, file);
  const struct plan *p = f->files[file].plan;
  for (uint32_t i = 0; d && i < d->num_entries; i++) {
    struct set_key *key = vec_push(f->arena, &out->list, UINT32_MAX);
    if (!key) return folder_no_memory(f);
    uint32_t entry = d->first_entry + i;
    *key = (struct set_key){.name = plan_span(p, p->entries[entry].name), .file = file, .entry = entry};
    if (!hash_add(f->arena, &out->index, hash_of(f, key->name), UINT32_MAX)) return folder_no_memory(f);
  }
  return true;
}

bool set_keys_read(struct folder *f, const struct weight_set *s, struct set_keys *out) {
  *out = (struct set_keys){.list.n = 0};
  for (uint32_t i = 0; i < s->shards.n; i++)
    if (s->shards.p[i].file != FOLDER_NONE && !read_dict(f, s->shards.p[i].file, out)) return false;
  return true;
}

/* ---- the index against its shards ---- */

struct checker {
  struct folder *f;
  const struct weight_set *s;
  struct set_keys *keys;
  struct span index_name;
};

static void note_key(const struct checker *c, enum obs_kind kind, struct span key, struct span detail) {
  uint32_t index = c->s->index == FOLDER_NONE ? 0 : c->s->index + 1;
  observe(c->f->obs, (struct observation){.kind = kind, .member = index, .subject = key, .detail = detail});
}

static struct span two_names(struct folder *f, uint32_t file, const char *between, uint32_t other) {
  struct span a = f->files[file].name, b = f->files[other].name;
  return arena_printf(f->arena, "%.*s%s%.*s", (int)a.n, (const char *)a.p, between, (int)b.n,
                      (const char *)b.p);
}

/* A key of the index: is it in the shard where the index puts it? */
static void check_listed(const struct checker *c, struct span key, uint32_t file) {
  struct folder *f = c->f;
  uint32_t elsewhere = 0;
  for (uint32_t n = key_find(f, c->keys, key, 0); n; n = key_find(f, c->keys, key, n)) {
    struct set_key *k = &c->keys->list.p[n - 1];
    if (k->file == file) {
      k->listed = true;
      return;
    }
    elsewhere = n;
  }
  if (elsewhere) c->keys->list.p[elsewhere - 1].listed = true; /* told here, once */
  enum obs_kind kind = elsewhere ? OBS_KEY_MISPLACED : OBS_KEY_ABSENT;
  struct span detail = SPAN("");
  if (will_list(f->obs, kind))
    detail = elsewhere ? two_names(f, file, ", it is in ", c->keys->list.p[elsewhere - 1].file)
                       : f->files[file].name;
  note_key(c, kind, key, detail);
}

static void check_map(const struct checker *c) {
  uint32_t i = 0;
  for (const cJSON *item = c->s->map->child; item; item = item->next) {
    uint32_t file = c->s->shards.p[c->s->shard_of_key.p[i++]].file;
    if (folder_dict(c->f, file)) check_listed(c, span_str(item->string), file);
  }
}

static void note_doubled(const struct checker *c, const struct set_key *k, uint32_t other) {
  bool listed = will_list(c->f->obs, OBS_KEY_DOUBLED);
  note_key(c, OBS_KEY_DOUBLED, k->name, listed ? two_names(c->f, other, " and ", k->file) : SPAN(""));
}

/* Keys that stand in two shards, and keys that the index does not have. */
static void check_entries(const struct checker *c) {
  for (uint32_t i = 0; i < c->keys->list.n; i++) {
    const struct set_key *k = &c->keys->list.p[i];
    uint32_t newest = key_find(c->f, c->keys, k->name, 0);
    if (newest != i + 1) continue; /* told with the newest of that name */
    uint32_t before = key_find(c->f, c->keys, k->name, newest);
    if (before && c->keys->list.p[before - 1].file != k->file)
      note_doubled(c, k, c->keys->list.p[before - 1].file);
    if (c->s->map && !k->listed && !before) note_key(c, OBS_KEY_UNLISTED, k->name, c->f->files[k->file].name);
  }
}

static void check_shards(const struct checker *c) {
  for (uint32_t i = 0; i < c->s->shards.n; i++) {
    const struct set_shard *shard = &c->s->shards.p[i];
    const struct plan *p = shard->file == FOLDER_NONE ? NULL : c->f->files[shard->file].plan;
    if (p && p->header->complete && p->num_dicts == 0)
      observe(c->f->obs, (struct observation){.kind = OBS_SHARD_NO_DICT,
                                              .member = c->s->index + 1,
                                              .subject = shard->name,
                                              .detail = c->index_name,
                                              .got = shard->keys});
  }
}

/* ---- metadata.total_size ---- */

static uint64_t tensor_bytes(const struct plan_tensor *t) {
  return dtype_bytes_for((enum dtype)t->dtype, t->numel);
}

/* Bytes of the tensors, those that are one counted once (*least) or each time (*most): writers differ. */
static void count_bytes(const struct checker *c, uint64_t *least, uint64_t *most) {
  *least = *most = 0;
  for (uint32_t i = 0; i < c->keys->list.n; i++) {
    const struct set_key *k = &c->keys->list.p[i];
    const struct plan *p = c->f->files[k->file].plan;
    uint32_t tensor = p->entries[k->entry].tensor;
    if (tensor == UINT32_MAX) continue;
    uint64_t bytes = tensor_bytes(&p->tensors[tensor]);
    if (!try_add(*most, bytes, most)) *most = UINT64_MAX;
    if (p->tensors[tensor].tied == tensor && !try_add(*least, bytes, least)) *least = UINT64_MAX;
  }
}

static void check_total(const struct checker *c) {
  const cJSON *item = json_get(json_get(c->s->json, "metadata"), "total_size");
  uint64_t least, most;
  if (!item) return;
  for (uint32_t i = 0; i < c->s->shards.n; i++)
    if (!folder_dict(c->f, c->s->shards.p[i].file)) return; /* the sum is not known */
  count_bytes(c, &least, &most);
  bool fits = cJSON_IsNumber(item) && item->valuedouble >= (double)least && item->valuedouble <= (double)most;
  if (fits) return;
  struct span claim =
      cJSON_IsNumber(item) ? arena_printf(c->f->arena, "%.0f", item->valuedouble) : SPAN("what is no number");
  observe(c->f->obs, (struct observation){.kind = OBS_INDEX_TOTAL,
                                          .member = c->s->index + 1,
                                          .subject = c->index_name,
                                          .detail = claim,
                                          .got = most});
}

bool set_check(struct folder *f, const struct weight_set *s, struct set_keys *keys) {
  struct checker c = {.f = f, .s = s, .keys = keys};
  if (s->index != FOLDER_NONE) c.index_name = f->files[s->index].name;
  if (s->map) check_map(&c);
  check_entries(&c);
  if (s->map) check_shards(&c);
  if (s->map) check_total(&c);
  return !f->arena->exhausted;
}

/* ---- two formats of one model ---- */

/* Is the tensor of an entry another name of one that the first set has? safetensors keeps one name of those
 * that share their bytes. */
static bool *tied_to_known(struct folder *f, const struct set_keys *keys, const struct set_keys *first,
                           uint32_t from, uint32_t to) {
  const struct plan *p = f->files[keys->list.p[from].file].plan;
  bool *known = arena_array(f->arena, p->num_tensors, bool);
  for (uint32_t i = from; known && i < to; i++) {
    uint32_t tensor = p->entries[keys->list.p[i].entry].tensor;
    if (tensor != UINT32_MAX && key_find(f, first, keys->list.p[i].name, 0))
      known[p->tensors[tensor].tied] = true;
  }
  return known;
}

static bool same_form(const struct plan *a, const struct plan_tensor *x, const struct plan *b,
                      const struct plan_tensor *y) {
  return x->ndim == y->ndim && (x->ndim == 0 || memcmp(&a->dims[x->first_dim], &b->dims[y->first_dim],
                                                       x->ndim * sizeof *a->dims) == 0);
}

/* One key of the other set. */
static void compare_key(struct folder *f, const struct set_key *k, const struct set_keys *first,
                        const bool *known, struct span first_name) {
  const struct plan *p = f->files[k->file].plan;
  uint32_t tensor = p->entries[k->entry].tensor, n = key_find(f, first, k->name, 0);
  if (n == 0) {
    if (tensor != UINT32_MAX && known[p->tensors[tensor].tied]) return;
    observe(f->obs,
            (struct observation){
                .kind = OBS_FORMATS_LACK, .member = k->file + 1, .subject = k->name, .detail = first_name});
    return;
  }
  const struct set_key *there = &first->list.p[n - 1];
  const struct plan *q = f->files[there->file].plan;
  uint32_t other = q->entries[there->entry].tensor;
  bool same = (tensor == UINT32_MAX) == (other == UINT32_MAX) &&
              (tensor == UINT32_MAX || same_form(p, &p->tensors[tensor], q, &q->tensors[other]));
  if (!same)
    observe(f->obs,
            (struct observation){
                .kind = OBS_FORMATS_SHAPE, .member = k->file + 1, .subject = k->name, .detail = first_name});
}

static bool compare_with_first(struct folder *f, const struct set_keys *keys, const struct set_keys *first,
                               struct span first_name) {
  for (uint32_t from = 0, to = 0; from < keys->list.n; from = to) {
    while (to < keys->list.n && keys->list.p[to].file == keys->list.p[from].file) to++;
    const bool *known = tied_to_known(f, keys, first, from, to);
    if (!known) return folder_no_memory(f);
    for (uint32_t i = from; i < to; i++) compare_key(f, &keys->list.p[i], first, known, first_name);
  }
  return true;
}

static bool is_whole(const struct folder *f, const struct weight_set *s) {
  for (uint32_t i = 0; i < s->shards.n; i++)
    if (!folder_dict(f, s->shards.p[i].file)) return false;
  return s->shards.n > 0;
}

bool sets_compare(struct folder *f, const struct weight_set *first, const struct set_keys *keys,
                  const struct weight_set *other) {
  struct set_keys theirs;
  if (!first->family || first->family != other->family || !is_whole(f, first) || !is_whole(f, other))
    return true;
  if (!set_keys_read(f, other, &theirs)) return false;
  if (!compare_with_first(f, &theirs, keys, first->name)) return false;
  for (uint32_t i = 0; i < keys->list.n; i++)
    if (!key_find(f, &theirs, keys->list.p[i].name, 0))
      observe(f->obs, (struct observation){.kind = OBS_FORMATS_LACK,
                                           .member = keys->list.p[i].file + 1,
                                           .subject = keys->list.p[i].name,
                                           .detail = other->name});
  return true;
}
