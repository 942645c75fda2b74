/* Memory with a budget. One arena serves one scan; everything in it lives until arena_free.
 * Small pieces come zeroed from chunks; a table that grows is a `struct block` of its own, so that growing it
 * copies nothing (realloc moves pages) and the budget counts what is really held. A NULL or false answer
 * means that the budget (a limit of ours, reported as LIM805) or the kernel refused: the caller gives up its
 * stage. */
#ifndef CKPTLINT_BASE_ARENA_H
#define CKPTLINT_BASE_ARENA_H

#include <stdalign.h>

#include "base/span.h"

struct chunk;
struct held; /* the arena's note of a block, so that arena_free finds it wherever the table's struct went */
struct block {
  void *p;
  size_t size; /* bytes held */
  bool sliced; /* p is a slice */
  struct held *held;
};

/* Address space for large tables, mapped before the sandbox closes because a sealed process may not ask for
 * huge pages: a table in a slice grows in place, and 2 MiB of it cost one page fault instead of 512.
 * Optional. */
struct slices {
  uint8_t *base;
  size_t size; /* of one slice */
  uint32_t n, used;
};
/* n slices of at least `size` bytes. False: no such mapping; an arena without slices works all the same. */
NODISCARD bool slices_map(struct slices *s, uint32_t n, size_t size);
void slices_unmap(struct slices *s);

struct arena {
  struct slices *slices; /* NULL: none. Set between arena_init and the first allocation */
  uint8_t *rest;         /* of the slice that large pieces are cut from, and its length */
  size_t rest_n;
  size_t budget, used;
  bool exhausted; /* some call was refused: stays true */
  struct chunk *chunks;
  struct held *held;
};

void arena_init(struct arena *a, size_t budget);
void arena_free(struct arena *a);

/* count * size zeroed bytes; NULL when the product overflows or the budget is spent. */
NODISCARD void *arena_alloc(struct arena *a, size_t count, size_t size, size_t align);
#define arena_new(a, T)      ((T *)arena_alloc((a), 1, sizeof(T), alignof(T)))
#define arena_array(a, n, T) ((T *)arena_alloc((a), (n), sizeof(T), alignof(T)))
NODISCARD bool arena_copy(struct arena *a, struct span in, struct span *out);
/* printf into the arena; the empty span when the budget is spent. For messages about our own names and
 * numbers. */
struct span arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

/* A growing table. VEC(T) declares one, vec_push answers the new element (zeroed) or NULL. `max` counts
 * elements. */
#define VEC(T)                                                  \
  struct {                                                      \
    struct block b;                                             \
    T *p; /* NOLINT(bugprone-macro-parentheses): T is a type */ \
    uint32_t n;                                                 \
  }
#define vec_push(a, v, max) \
  (vec_grow((a), &(v)->b, (v)->n, (max), sizeof *(v)->p) ? ((v)->p = (v)->b.p, &(v)->p[(v)->n++]) : NULL)
/* Room for `extra` elements behind v->n in one run, without moving n; what is there is not zeroed. */
#define vec_reserve(a, v, extra, max) \
  (vec_room((a), &(v)->b, (v)->n, (extra), (max), sizeof *(v)->p) ? ((v)->p = (v)->b.p, true) : false)

NODISCARD COLD bool vec_enlarge(struct arena *a, struct block *b, uint32_t n, uint64_t extra, uint64_t max,
                                size_t size);

/* Inline for the common case, that there is room already: a tensor's opcodes push some fifty elements. */
NODISCARD static inline bool vec_room(struct arena *a, struct block *b, uint32_t n, uint64_t extra,
                                      uint64_t max, size_t size) {
  max = min_u64(max, UINT32_MAX); /* so the product below stays below 2^64 */
  if (n <= max && extra <= max - n && (n + extra) * size <= b->size) return true;
  return vec_enlarge(a, b, n, extra, max, size);
}
NODISCARD static inline bool vec_grow(struct arena *a, struct block *b, uint32_t n, uint64_t max,
                                      size_t size) {
  if (!vec_room(a, b, n, 1, max, size)) return false;
  /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): where there is room, there is memory */
  memset((uint8_t *)b->p + (size_t)n * size, 0, size);
  return true;
}

#endif
