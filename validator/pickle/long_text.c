#include "base/utf8.h"
#include "pickle/op.h"

static uint32_t hash_place(const struct machine *m, uint8_t tag, struct span bytes) {
  struct siphash h;
  siphash_init(&h, m->hash_seed);
  siphash_u64(&h, (uintptr_t)bytes.p);
  siphash_u64(&h, (uint64_t)tag << 32 ^ bytes.n);
  return siphash_end32(&h);
}

static uint32_t hash_content(const struct machine *m, uint8_t tag, struct span bytes) {
  struct siphash h;
  siphash_init(&h, m->hash_seed);
  siphash_u64(&h, tag);
  siphash_bytes(&h, bytes);
  return siphash_end32(&h);
}

static const struct long_text *find_place(const struct machine *m, uint8_t tag, struct span bytes,
                                          uint32_t hash) {
  const struct hash_index *x = &m->keys->by_place;
  for (uint32_t i = hash_find(x, hash, 0); i; i = hash_find(x, hash, i)) {
    const struct long_text *t = &m->keys->texts.p[i - 1];
    if (t->tag == tag && t->bytes.p == bytes.p && t->bytes.n == bytes.n) return t;
  }
  return NULL;
}

static const struct long_text *find_content(const struct machine *m, uint8_t tag, struct span bytes,
                                            uint32_t hash) {
  const struct hash_index *x = &m->keys->by_content;
  for (uint32_t i = hash_find(x, hash, 0); i; i = hash_find(x, hash, i)) {
    const struct long_text *t = &m->keys->texts.p[i - 1];
    if (t->tag == tag && span_eq(t->bytes, bytes)) return t;
  }
  return NULL;
}

const struct long_text *long_text(struct machine *m, uint8_t tag, struct span bytes) {
  struct key_index *x = m->keys;
  uint32_t place = hash_place(m, tag, bytes);
  const struct long_text *known = find_place(m, tag, bytes, place);
  if (known) return known;
  uint32_t content = hash_content(m, tag, bytes);
  known = find_content(m, tag, bytes, content);
  uint32_t number = known ? known->number : x->texts.n + 1;
  struct long_text *t = vec_push(m->arena, &x->texts, UINT32_MAX);
  if (!t || !hash_add(m->arena, &x->by_place, place, UINT32_MAX) ||
      !hash_add(m->arena, &x->by_content, content, UINT32_MAX))
    return NULL;
  *t = (struct long_text){bytes, number, tag, .is_utf8 = utf8_valid(bytes, UTF8_STRICT)};
  return t;
}
