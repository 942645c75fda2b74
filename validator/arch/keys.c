#include "arch/keys.h"

#include <sys/auxv.h>

#include "base/reader.h"

void keys_init(struct key_table *t, struct arena *a) {
  *t = (struct key_table){.arena = a};
  union {
    unsigned long address;
    const uint8_t *p;
  } random = {.address = getauxval(AT_RANDOM)}; /* 16 bytes that the kernel gives every program */
  if (!random.p) return;
  t->seed[0] = load_u64le(random.p);
  t->seed[1] = load_u64le(random.p + 8);
}

static uint32_t hash_of(const struct key_table *t, uint32_t owner, struct span name) {
  struct siphash h;
  siphash_init(&h, t->seed);
  siphash_u64(&h, owner);
  siphash_bytes(&h, name);
  return (uint32_t)(siphash_end(&h) & UINT32_MAX);
}

static uint32_t find(const struct key_table *t, uint32_t hash, uint32_t owner, struct span name) {
  for (uint32_t i = hash_find(&t->index, hash, 0); i; i = hash_find(&t->index, hash, i)) {
    const struct owned_name *known = &t->names.p[i - 1];
    if (known->owner == owner && span_eq(known->name, name)) return i;
  }
  return 0;
}

uint32_t keys_find(const struct key_table *t, uint32_t owner, struct span name) {
  return find(t, hash_of(t, owner, name), owner, name);
}

static bool note_name(struct key_table *t, uint32_t owner, struct span name) {
  struct owned_name *slot = vec_push(t->arena, &t->names, UINT32_MAX);
  if (slot) *slot = (struct owned_name){owner, name};
  return slot != NULL;
}

bool keys_add(struct key_table *t, uint32_t owner, struct span name) {
  return note_name(t, owner, name) && hash_add(t->arena, &t->index, hash_of(t, owner, name), UINT32_MAX);
}

bool keys_add_new(struct key_table *t, uint32_t owner, struct span name, uint32_t *known) {
  uint32_t hash = hash_of(t, owner, name);
  *known = find(t, hash, owner, name);
  return *known || (note_name(t, owner, name) && hash_add(t->arena, &t->index, hash, UINT32_MAX));
}

bool keys_append(struct key_table *t, uint32_t owner, struct span name) {
  return note_name(t, owner, name) && hash_append(t->arena, &t->index, hash_of(t, owner, name));
}

bool keys_index(struct key_table *t) { return hash_hang(t->arena, &t->index); }
