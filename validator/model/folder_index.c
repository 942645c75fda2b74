/* The sets of weights in a folder: what its indexes, its shards' names and its other names say. */
#include "model/folder.h"

enum { RANK_ONE_FILE = 0, RANK_INDEX = 1, RANK_NO_INDEX = 2, RANK_UNKNOWN = 1000 };

/* The files are in the order of their names. */
uint32_t folder_file_by_name(const struct folder *f, struct span name) {
  uint32_t low = 0, high = f->num_files;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (span_cmp(f->files[middle].name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < f->num_files && span_eq(f->files[low].name, name) ? low : FOLDER_NONE;
}

static struct weight_set *add_set(struct folder *f, struct weight_sets *sets, struct span name,
                                  uint32_t how) {
  struct weight_set *s = vec_push(f->arena, &sets->list, UINT32_MAX);
  if (!s) return NULL;
  *s = (struct weight_set){.name = name, .index = FOLDER_NONE, .rank = RANK_UNKNOWN};
  if (weights_name_read(name, &s->rank, &s->family)) s->rank += how;
  return s;
}

static struct set_shard *add_shard(struct folder *f, struct weight_set *s, struct span name, uint32_t file) {
  struct set_shard *shard = vec_push(f->arena, &s->shards, UINT32_MAX);
  if (shard) *shard = (struct set_shard){.name = name, .file = file};
  return shard;
}

/* ---- an index ---- */

bool folder_plain_name(struct span name) {
  if (name.n == 0 || name.n > 255 || span_is(name, ".") || span_is(name, "..")) return false;
  for (size_t i = 0; i < name.n; i++)
    if (name.p[i] == '/' || name.p[i] == '\\' || name.p[i] < 0x20) return false;
  return !(name.n > 1 && name.p[1] == ':'); /* a drive of Windows */
}

struct index_reader {
  struct folder *f;
  struct weight_set *s;
  struct hash_index names; /* of s->shards */
};

static bool index_form(struct index_reader *r, const char *what) {
  return refuse(r->f->obs, (struct observation){.kind = OBS_INDEX_FORM,
                                                .member = r->s->index + 1,
                                                .subject = r->f->files[r->s->index].name,
                                                .detail = span_str(what)});
}

static struct set_shard *shard_of(struct index_reader *r, struct span name) {
  uint32_t hash = (uint32_t)siphash(r->f->hash_seed, name), n = hash_find(&r->names, hash, 0);
  while (n && !span_eq(r->s->shards.p[n - 1].name, name)) n = hash_find(&r->names, hash, n);
  if (n) return &r->s->shards.p[n - 1];
  bool plain = folder_plain_name(name);
  struct set_shard *shard =
      add_shard(r->f, r->s, name, plain ? folder_file_by_name(r->f, name) : FOLDER_NONE);
  if (!shard || !hash_add(r->f->arena, &r->names, hash, UINT32_MAX)) return NULL;
  shard->outside = !plain;
  return shard;
}

static bool read_map(struct index_reader *r) {
  for (const cJSON *item = r->s->map->child; item; item = item->next) {
    if (!cJSON_IsString(item)) return index_form(r, "a value of weight_map is no file name");
    struct set_shard *shard = shard_of(r, span_str(item->valuestring));
    uint32_t *slot = shard ? vec_push(r->f->arena, &r->s->shard_of_key, UINT32_MAX) : NULL;
    if (!slot) return folder_no_memory(r->f);
    *slot = (uint32_t)(shard - r->s->shards.p);
    shard->keys++;
  }
  return true;
}

static void note_shards(struct index_reader *r) {
  struct span index = r->f->files[r->s->index].name;
  for (uint32_t i = 0; i < r->s->shards.n; i++) {
    const struct set_shard *shard = &r->s->shards.p[i];
    if (shard->file == FOLDER_NONE)
      observe(r->f->obs, (struct observation){.kind = shard->outside ? OBS_INDEX_PATH : OBS_SHARD_ABSENT,
                                              .member = r->s->index + 1,
                                              .subject = shard->name,
                                              .detail = index,
                                              .got = shard->keys});
  }
}

static bool parse_index(struct index_reader *r, struct span text) {
  struct json_error err;
  r->s->json = json_parse(text, r->f->max, &err);
  if (r->s->json) return true;
  return refuse(r->f->obs,
                (struct observation){.kind = err.fault == JSON_MALFORMED ? OBS_INDEX_JSON : OBS_LIMIT_JSON,
                                     .member = r->s->index + 1,
                                     .at = err.offset,
                                     .subject = r->f->files[r->s->index].name,
                                     .got = err.line,
                                     .want = err.column,
                                     .detail = span_str(err.what)});
}

/* False: nothing is compared with it, which is observed; or it is the index of something else. */
static bool read_index(struct folder *f, struct weight_set *s, uint32_t file) {
  struct index_reader r = {.f = f, .s = s};
  struct span text;
  s->index = file;
  if (f->files[file].bytes.n > f->max->json_bytes)
    return refuse(f->obs, (struct observation){.kind = OBS_LIMIT_JSON,
                                               .member = file + 1,
                                               .subject = f->files[file].name,
                                               .got = 1,
                                               .want = 1,
                                               .detail = SPAN("a smaller file")});
  if (!arena_copy(f->arena, f->files[file].bytes, &text)) return folder_no_memory(f);
  if (!parse_index(&r, text)) return false;
  s->map = json_get(s->json, "weight_map");
  if (!s->map && s->rank >= RANK_UNKNOWN) return false;
  if (!s->map || !cJSON_IsObject(s->map))
    return index_form(&r, "there is no weight_map, the object that maps keys to shards");
  if (!read_map(&r)) return false;
  note_shards(&r);
  return true;
}

static bool find_indexes(struct folder *f, struct weight_sets *sets) {
  for (uint32_t i = 0; i < f->num_files; i++) {
    struct index_name index;
    if (!index_name_read(f->files[i].name, &index)) continue;
    struct span name = index_set_name(f->arena, &index);
    struct weight_set *s = name.n ? add_set(f, sets, name, RANK_INDEX) : NULL;
    if (!s) return folder_no_memory(f);
    if (read_index(f, s, i)) continue;
    s->shards.n = 0;
    s->map = NULL;
  }
  return true;
}

/* ---- files that no index names ---- */

static bool *named_files(const struct folder *f, const struct weight_sets *sets) {
  bool *named = arena_array(f->arena, f->num_files, bool);
  for (uint32_t i = 0; named && i < sets->list.n; i++)
    for (uint32_t k = 0; k < sets->list.p[i].shards.n; k++)
      if (sets->list.p[i].shards.p[k].file != FOLDER_NONE) named[sets->list.p[i].shards.p[k].file] = true;
  return named;
}

/* The set that shards of this name belong to, or NULL. */
static struct weight_set *set_by_name(struct weight_sets *sets, const struct shard_name *shard) {
  for (uint32_t i = 0; i < sets->list.n; i++) {
    struct weight_set *s = &sets->list.p[i];
    if (s->name.n == shard->stem.n + shard->ending.n && span_starts(s->name, shard->stem) &&
        span_ends(s->name, shard->ending))
      return s;
  }
  return NULL;
}

static bool add_unnamed_shard(struct folder *f, struct weight_sets *sets, uint32_t file,
                              const struct shard_name *shard) {
  struct weight_set *s = set_by_name(sets, shard);
  struct span name = f->files[file].name;
  if (s && s->map) {
    observe(
        f->obs,
        (struct observation){
            .kind = OBS_SHARD_EXTRA, .member = file + 1, .subject = name, .detail = f->files[s->index].name});
    return true;
  }
  if (s && s->index != FOLDER_NONE) return true; /* its index can't be read, which is said */
  if (!s) {
    struct span both = arena_printf(f->arena, "%.*s%.*s", (int)shard->stem.n, (const char *)shard->stem.p,
                                    (int)shard->ending.n, (const char *)shard->ending.p);
    s = add_set(f, sets, both, RANK_NO_INDEX);
  }
  return s && add_shard(f, s, name, file) ? true : folder_no_memory(f);
}

static bool find_files(struct folder *f, struct weight_sets *sets) {
  uint32_t rank, family;
  struct shard_name shard;
  const bool *named = named_files(f, sets);
  if (!named) return folder_no_memory(f);
  for (uint32_t i = 0; i < f->num_files; i++) {
    struct span name = f->files[i].name;
    if (!folder_dict(f, i) || named[i]) continue;
    if (shard_name_read(name, &shard)) {
      if (!add_unnamed_shard(f, sets, i, &shard)) return false;
    } else if (weights_name_read(name, &rank, &family)) {
      struct weight_set *s = add_set(f, sets, name, RANK_ONE_FILE);
      if (!s || !add_shard(f, s, name, i)) return folder_no_memory(f);
    }
  }
  return true;
}

/* Shards without an index: are they all there? */
static void note_unindexed(struct folder *f, const struct weight_sets *sets) {
  struct shard_name shard;
  for (uint32_t i = 0; i < sets->list.n; i++) {
    const struct weight_set *s = &sets->list.p[i];
    if (s->index != FOLDER_NONE || s->shards.n == 0 || !shard_name_read(s->shards.p[0].name, &shard))
      continue;
    observe(f->obs, (struct observation){.kind = OBS_SHARD_NO_INDEX,
                                         .member = s->shards.p[0].file + 1,
                                         .subject = s->name,
                                         .got = s->shards.n});
    if (s->shards.n < shard.count)
      observe(f->obs, (struct observation){.kind = OBS_SHARD_NUMBERS,
                                           .member = s->shards.p[0].file + 1,
                                           .subject = s->name,
                                           .got = s->shards.n,
                                           .want = shard.count});
  }
}

bool sets_find(struct folder *f) {
  if (!find_indexes(f, &f->sets) || !find_files(f, &f->sets)) return false;
  note_unindexed(f, &f->sets);
  return true;
}
