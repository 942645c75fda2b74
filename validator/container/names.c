/* The index of member names. miniz, which torch reads with, compares names without regard to ASCII case, so
 * two names that differ in nothing else are one name here as well. */
#include "container/zip.h"

static uint8_t fold(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte; }

bool names_equal_folded(struct span a, struct span b) {
  if (a.n != b.n) return false;
  for (size_t i = 0; i < a.n; i++)
    if (fold(a.p[i]) != fold(b.p[i])) return false;
  return true;
}

static void hash_folded(struct siphash *h, struct span name) {
  uint8_t piece[64];
  while (name.n) {
    struct span now = span_first(name, sizeof piece);
    for (size_t i = 0; i < now.n; i++) piece[i] = fold(now.p[i]);
    siphash_bytes(h, span_of(piece, now.n));
    name = span_from(name, now.n);
  }
}

static uint32_t hash_name(const struct container *c, struct span folder, struct span name) {
  struct siphash h;
  siphash_init(&h, c->hash_seed);
  hash_folded(&h, folder);
  hash_folded(&h, name);
  return (uint32_t)(siphash_end(&h) & UINT32_MAX);
}

bool index_add(struct container *c, struct arena *a, const struct member *m) {
  return hash_add(a, &c->index, hash_name(c, (struct span){0}, m->name), UINT32_MAX);
}

bool index_all(struct container *c, struct arena *a) {
  for (uint32_t i = 0; i < c->num_members; i++)
    if (!hash_append(a, &c->index, hash_name(c, (struct span){0}, c->members[i].name))) return false;
  return hash_hang(a, &c->index);
}

/* Namesakes hang together, newest first: one comparison, however many there are. */
const struct member *index_twin(const struct container *c, const struct member *m) {
  uint32_t found = hash_find(&c->index, 0, member_number(c, m));
  while (found && !names_equal_folded(c->members[found - 1].name, m->name))
    found = hash_find(&c->index, 0, found);
  return found ? &c->members[found - 1] : NULL;
}

/* Is `name` the folder, a slash and the short name? */
static bool spells(struct span name, struct span folder, struct span short_name) {
  return name.n >= short_name.n && name.n - short_name.n == folder.n &&
         names_equal_folded(span_first(name, folder.n), folder) &&
         names_equal_folded(span_from(name, folder.n), short_name);
}

struct member *container_find(const struct container *c, struct span short_name) {
  struct span folder =
      c->top.n ? span_of(c->top.p, c->top.n + 1) : c->top; /* a slash follows the first name's TOP */
  uint32_t hash = hash_name(c, folder, short_name);
  for (uint32_t i = hash_find(&c->index, hash, 0); i; i = hash_find(&c->index, hash, i)) {
    struct member *m = &c->members[i - 1];
    if (spells(m->name, folder, short_name)) return m;
  }
  return NULL;
}
