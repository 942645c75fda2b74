#include "base/hash.h"

#include "base/reader.h"

enum { FIRST_SLOTS = 64, MOST_ENTRIES = 1 << 30 };

/* Arithmetic modulo 2^64 is meant here; these two spell it so that a sanitizer sees no accident. */
static inline uint64_t add(uint64_t a, uint64_t b) {
  uint64_t sum;
  (void)__builtin_add_overflow(a, b, &sum);
  return sum;
}
static inline uint64_t rotate(uint64_t x, unsigned by) {
  return (x & UINT64_MAX >> by) << by | x >> (64 - by);
}

static inline void round_once(uint64_t v[4]) {
  v[0] = add(v[0], v[1]);
  v[2] = add(v[2], v[3]);
  v[1] = rotate(v[1], 13) ^ v[0];
  v[3] = rotate(v[3], 16) ^ v[2];
  v[0] = rotate(v[0], 32);
  v[2] = add(v[2], v[1]);
  v[0] = add(v[0], v[3]);
  v[1] = rotate(v[1], 17) ^ v[2];
  v[3] = rotate(v[3], 21) ^ v[0];
  v[2] = rotate(v[2], 32);
}

static inline void compress(struct siphash *h, uint64_t word) {
  h->v[3] ^= word;
  round_once(h->v);
  h->v[0] ^= word;
}

void siphash_init(struct siphash *h, const uint64_t seed[2]) {
  *h =
      (struct siphash){.v = {seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
                             seed[0] ^ UINT64_C(0x6c7967656e657261), seed[1] ^ UINT64_C(0x7465646279746573)}};
}

static void put_byte(struct siphash *h, uint8_t byte) {
  h->tail |= (uint64_t)byte << (8 * h->tail_n);
  if (++h->tail_n < 8) return;
  compress(h, h->tail);
  h->tail = 0;
  h->tail_n = 0;
}

void siphash_bytes(struct siphash *h, struct span bytes) {
  size_t i = 0;
  h->len += bytes.n;
  while (i < bytes.n && h->tail_n) put_byte(h, bytes.p[i++]);
  for (; bytes.n - i >= 8; i += 8) compress(h, load_u64le(bytes.p + i));
  while (i < bytes.n) put_byte(h, bytes.p[i++]);
}

void siphash_u64(struct siphash *h, uint64_t word) {
  if (h->tail_n == 0) {
    h->len += 8;
    compress(h, word);
    return;
  }
  uint8_t bytes[8];
  for (unsigned i = 0; i < 8; i++) bytes[i] = (uint8_t)(word >> (8 * i) & 0xff);
  siphash_bytes(h, span_of(bytes, sizeof bytes));
}

uint64_t siphash_end(struct siphash *h) {
  compress(h, h->tail | (h->len & 0xff) << 56);
  h->v[2] ^= 0xff;
  for (int i = 0; i < 3; i++) round_once(h->v);
  return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}

uint32_t siphash_end32(struct siphash *h) { return (uint32_t)(siphash_end(h) & UINT32_MAX); }

uint64_t siphash(const uint64_t seed[2], struct span bytes) {
  struct siphash h;
  siphash_init(&h, seed);
  siphash_bytes(&h, bytes);
  return siphash_end(&h);
}

/* The slot of this hash, or the empty one where it belongs. One is found: at most half of them are taken. */
static inline struct hash_slot *slot_of(const struct hash_index *x, uint32_t hash) {
  uint32_t mask = x->slots.n - 1, i = hash & mask;
  while (x->slots.p[i].newest && x->slots.p[i].hash != hash) i = (i + 1) & mask;
  return &x->slots.p[i];
}

uint32_t hash_find(const struct hash_index *x, uint32_t hash, uint32_t after) {
  if (after) return x->links.p[after - 1].older;
  return x->slots.n ? slot_of(x, hash)->newest : 0;
}

static void link_entry(struct hash_index *x, uint32_t number) {
  struct hash_link *l = &x->links.p[number - 1];
  struct hash_slot *slot = slot_of(x, l->hash);
  l->older = slot->newest;
  *slot = (struct hash_slot){l->hash, number};
}

/* Makes num_slots of them and hangs every entry in anew. */
static bool set_slots(struct arena *a, struct hash_index *x, uint32_t num_slots) {
  if (!vec_reserve(a, &x->slots, num_slots - x->slots.n, UINT32_MAX)) return false;
  x->slots.n = num_slots;
  memset(x->slots.p, 0, x->slots.n * sizeof *x->slots.p);
  for (uint32_t i = 1; i <= x->links.n; i++) link_entry(x, i);
  return true;
}

bool hash_reserve(struct arena *a, struct hash_index *x, uint64_t entries) {
  uint32_t num_slots = FIRST_SLOTS;
  if (entries > MOST_ENTRIES) return false;
  while (num_slots / 2 < entries) num_slots *= 2; /* half of the slots stay empty */
  return num_slots <= x->slots.n || set_slots(a, x, num_slots);
}

bool hash_append(struct arena *a, struct hash_index *x, uint32_t hash) {
  struct hash_link *l = vec_push(a, &x->links, UINT32_MAX);
  if (l) l->hash = hash;
  return l != NULL;
}

bool hash_hang(struct arena *a, struct hash_index *x) { return hash_reserve(a, x, x->links.n); }

bool hash_add(struct arena *a, struct hash_index *x, uint32_t hash, uint64_t max) {
  if (x->links.n >= x->slots.n / 2 && !hash_reserve(a, x, x->links.n + UINT64_C(1))) return false;
  struct hash_link *l = vec_push(a, &x->links, max);
  if (!l) return false;
  l->hash = hash;
  link_entry(x, x->links.n);
  return true;
}
