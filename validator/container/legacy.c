/* The storage blocks of a legacy stream (format-spec C.3): for each key of the fifth pickle an int64 count,
 * then the bytes. torch fills storages from what the list names and leaves the others uninitialised, so every
 * key must be declared once and listed once, and the blocks must fill the rest of the file. */
#include "base/reader.h"
#include "container/zip.h"

struct member *container_append(struct container *c, struct arena *a, const struct limits *max,
                                struct span name, uint64_t at, uint64_t len) {
  struct member *m = vec_push(a, &c->table, max->zip_members);
  if (!m) return NULL;
  *m = (struct member){
      .name = name, .short_name = name, .header_at = at, .data_at = at, .csize = len, .size = len};
  c->members = c->table.p;
  c->num_members = c->table.n;
  return index_add(c, a, m) ? m : NULL;
}

void member_becomes(struct member *m, const struct spelled *bytes) {
  m->data_at = bytes->at;
  m->csize = spelled_length(bytes);
  m->size = bytes->bytes.n;
  m->spelling = (uint8_t)bytes->how;
}

enum { COUNT_BYTES = 8 };

struct walk {
  struct container *c;
  struct arena *a;
  struct observations *o;
  const struct limits *max;
  struct legacy_storage *storages;
  struct hash_index by_key; /* entry i + 1 is storage i */
  bool big_endian;
};

static bool about(struct walk *w, enum obs_kind kind, uint64_t at, struct span key, uint64_t got,
                  uint64_t want) {
  return refuse(w->o, (struct observation){.kind = kind, .at = at, .got = got, .want = want, .subject = key});
}

static uint32_t hash_key(const struct walk *w, struct span key) {
  return (uint32_t)(siphash(w->c->hash_seed, key) & UINT32_MAX);
}

static struct legacy_storage *find_storage(const struct walk *w, struct span key) {
  uint32_t hash = hash_key(w, key), i = hash_find(&w->by_key, hash, 0);
  while (i && !span_eq(w->storages[i - 1].key, key)) i = hash_find(&w->by_key, hash, i);
  return i ? &w->storages[i - 1] : NULL;
}

static bool index_storages(struct walk *w, uint64_t at, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    struct legacy_storage *s = &w->storages[i];
    s->listed = false;
    s->member = 0;
    if (find_storage(w, s->key))
      observe(w->o, (struct observation){.kind = OBS_LEGACY_KEY_DECLARED_TWICE, .at = at, .subject = s->key});
    if (!hash_add(w->a, &w->by_key, hash_key(w, s->key), UINT32_MAX))
      return about(w, OBS_LIMIT_MEMORY, at, s->key, w->a->budget, 0);
  }
  return true;
}

/* False: the blocks can't be told apart, since the size of one is known to nobody or two are one storage's.
 */
static bool check_list(struct walk *w, uint64_t at, const struct span *keys, uint32_t n) {
  bool good = true;
  for (uint32_t i = 0; i < n; i++) {
    struct legacy_storage *s = find_storage(w, keys[i]);
    if (!s)
      good = about(w, OBS_LEGACY_KEY_UNDECLARED, at, keys[i], 0, 0);
    else if (s->listed)
      good = about(w, OBS_LEGACY_KEY_TWICE, at, keys[i], 0, 0);
    else
      s->listed = true;
  }
  return good;
}

static void check_unlisted(struct walk *w, uint64_t at, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (!w->storages[i].listed)
      observe(w->o,
              (struct observation){.kind = OBS_LEGACY_KEY_UNLISTED, .at = at, .subject = w->storages[i].key});
}

/* Blocks are called as in a zip: data/KEY. */
static bool block_name(struct walk *w, struct span key, struct span *out) {
  static const char folder[] = "data/";
  const size_t n = sizeof folder - 1;
  size_t len;
  uint8_t *p = try_add(key.n, n, &len) ? arena_array(w->a, len, uint8_t) : NULL;
  if (!p) return false;
  memcpy(p, folder, n);
  if (key.n) memcpy(p + n, key.p, key.n);
  *out = span_of(p, len);
  return true;
}

static bool add_block(struct walk *w, struct legacy_storage *s, const struct spelled *block) {
  const uint64_t at = block->at;
  struct span name;
  if (w->c->num_members >= w->max->zip_members)
    return about(w, OBS_LIMIT_MEMBERS, at, s->key, w->c->num_members, w->max->zip_members);
  struct member *m = block_name(w, s->key, &name) ? container_append(w->c, w->a, w->max, name, at, 0) : NULL;
  if (!m) return about(w, OBS_LIMIT_MEMORY, at, s->key, w->a->budget, 0);
  member_becomes(m, block);
  s->member = member_number(w->c, m);
  return true;
}

/* Big-endian hosts wrote the count in their own order and the elements in little-endian. */
static bool counts_agree(const struct walk *w, uint64_t count, uint64_t numel) {
  return count == numel || (w->big_endian && __builtin_bswap64(count) == numel);
}

static bool read_block(struct walk *w, struct spelled *rest, struct legacy_storage *s) {
  uint64_t at = rest->at, len;
  struct spelled count, block;
  if (!spelled_take(rest, COUNT_BYTES, &count))
    return about(w, OBS_LEGACY_BLOCK_SHORT, at, s->key, rest->bytes.n, COUNT_BYTES);
  uint64_t number = load_u64le(count.bytes.p);
  if (!counts_agree(w, number, s->numel)) return about(w, OBS_LEGACY_COUNT, at, s->key, number, s->numel);
  if (!try_mul(s->numel, s->item_size, &len)) len = UINT64_MAX;
  if (!spelled_take(rest, len, &block))
    return about(w, OBS_LEGACY_BLOCK_SHORT, rest->at, s->key, rest->bytes.n, len);
  return add_block(w, s, &block);
}

static bool read_blocks(struct walk *w, struct spelled *rest, const struct span *keys, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (!read_block(w, rest, find_storage(w, keys[i]))) return false;
  if (rest->bytes.n)
    observe(
        w->o,
        (struct observation){
            .kind = OBS_LEGACY_TRAILING, .at = rest->at, .len = spelled_length(rest), .got = rest->bytes.n});
  return true;
}

void legacy_blocks(struct container *c, struct arena *a, struct observations *o, const struct limits *max,
                   struct spelled *rest, const struct span *keys, uint32_t num_keys,
                   struct legacy_storage *storages, uint32_t num_storages, bool writer_big_endian) {
  struct walk w = {.c = c, .a = a, .o = o, .max = max, .storages = storages, .big_endian = writer_big_endian};
  if (!index_storages(&w, rest->at, num_storages)) return;
  bool known = check_list(&w, rest->at, keys, num_keys);
  check_unlisted(&w, rest->at, num_storages);
  if (known) c->usable = read_blocks(&w, rest, keys, num_keys);
}
