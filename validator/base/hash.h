/* Keyed hashing for tables whose keys the file chooses, and the index such tables share.
 * SipHash-1-3 (Aumasson, Bernstein 2012; the variant that CPython and Rust take for their tables): without
 * the seed nobody can write a file whose keys collide. */
#ifndef CKPTLINT_BASE_HASH_H
#define CKPTLINT_BASE_HASH_H

#include "base/arena.h"

struct siphash {
  uint64_t v[4];
  uint64_t tail;   /* bytes that do not fill a word yet, first byte lowest */
  uint32_t tail_n; /* 0 to 7 */
  uint64_t len;
};

void siphash_init(struct siphash *h, const uint64_t seed[2]);
void siphash_u64(struct siphash *h, uint64_t word); /* its eight bytes, lowest first */
void siphash_bytes(struct siphash *h, struct span bytes);
uint64_t siphash_end(struct siphash *h);
uint32_t siphash_end32(struct siphash *h); /* its low half, for a hash_index */
uint64_t siphash(const uint64_t seed[2], struct span bytes);

/* Finds entries by hash. Entries are numbered from 1 in the order they were added; what they are stands in
 * the caller's own table under the same number. Open addressing over the distinct hashes, so that a search
 * costs one cache miss where a chain costs three; entries of one hash hang together, so that a million equal
 * names are one slot and no search walks over them. */
struct hash_slot {
  uint32_t hash, newest; /* newest: number of the last entry with this hash, 0 if the slot is empty */
};
struct hash_link {
  uint32_t hash, older; /* older: the entry with the same hash before this one, or 0 */
};
struct hash_index {
  VEC(struct hash_slot) slots; /* a power of two of them */
  VEC(struct hash_link) links;
};

/* The next entry with this hash behind entry `after` (0: the first one), or 0. The caller compares and asks
 * again. */
uint32_t hash_find(const struct hash_index *x, uint32_t hash, uint32_t after);
/* A hash that will be looked for soon: its slot is fetched meanwhile, which else costs a cache miss. */
static inline void hash_expect(const struct hash_index *x, uint32_t hash) {
  if (x->slots.n) __builtin_prefetch(&x->slots.p[hash & (x->slots.n - 1)], 1);
}
/* Room for so many entries, so that adding them moves nothing. False: the budget is spent. */
NODISCARD bool hash_reserve(struct arena *a, struct hash_index *x, uint64_t entries);
/* Adds entry number x->links.n + 1. False: `max` entries are there, or the budget is spent. */
NODISCARD bool hash_add(struct arena *a, struct hash_index *x, uint32_t hash, uint64_t max);
/* Builds an index that is new: all entries first, none of which is found yet, then the slots for them in one
 * run, so that their cache misses overlap. */
NODISCARD bool hash_append(struct arena *a, struct hash_index *x, uint32_t hash);
NODISCARD bool hash_hang(struct arena *a, struct hash_index *x);

#endif
