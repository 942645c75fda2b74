/* Names found in constant time: pairs of an owner and a name, numbered from 1 in the order they are added. */
#ifndef CKPTLINT_ARCH_KEYS_H
#define CKPTLINT_ARCH_KEYS_H

#include "base/hash.h"

struct owned_name {
  uint32_t owner;
  struct span name;
};

struct key_table {
  struct arena *arena;
  uint64_t seed[2]; /* the process's own random bytes: nobody can write colliding names */
  struct hash_index index;
  VEC(struct owned_name) names;
};

void keys_init(struct key_table *t, struct arena *a);
/* The number of the pair, 0 if it is not there. */
uint32_t keys_find(const struct key_table *t, uint32_t owner, struct span name);
/* Adds the pair, which borrows the name. False: memory is spent. */
NODISCARD bool keys_add(struct key_table *t, uint32_t owner, struct span name);
/* The same unless it is there: *known is its number then, else 0. */
NODISCARD bool keys_add_new(struct key_table *t, uint32_t owner, struct span name, uint32_t *known);
/* A table that is filled before it is asked: all keys first, then the index of them in one run. */
NODISCARD bool keys_append(struct key_table *t, uint32_t owner, struct span name);
NODISCARD bool keys_index(struct key_table *t);

#endif
