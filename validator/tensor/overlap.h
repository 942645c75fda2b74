/* Do views of one storage share elements without being the same elements (threats H13)? Tied weights do not,
 * in whatever shape they are looked at, nor do slices beside each other, as the flattened weights of an RNN
 * or the columns of a fused query, key and value. */
#ifndef CKPTLINT_TENSOR_OVERLAP_H
#define CKPTLINT_TENSOR_OVERLAP_H

#include "base/arena.h"

/* A proved view that has elements. */
struct overlap_view {
  uint64_t group;      /* views of one group are compared */
  uint64_t first;      /* offset of its first byte in what the group shares */
  uint32_t unit, ndim; /* bytes of an element, a power of two; dimensions */
  const uint64_t *size, *stride;
  uint32_t who; /* the caller's name for it */
};

/* The bytes of a view: its dimensions by falling stride, those with one place left out, those that go on in
 * each other made one. Two views with the same bytes in the same nesting have the same footprint, whatever
 * their shapes. */
struct footprint {
  uint64_t group, first, end; /* end: behind its last byte */
  uint32_t unit, who;
  uint32_t first_dim, ndim; /* in `dims`: sizes and strides by turns, in elements */
  bool nested; /* no element has the place of another: each stride leads over all that is inside it */
};

struct overlaps {
  struct arena *arena;
  VEC(struct footprint) list;
  VEC(uint64_t) dims;
  VEC(uint64_t) bits; /* one an element of the views that are compared */
  uint64_t steps;     /* that may still be made */
};

enum overlap_answer { OVERLAP_NONE, OVERLAP_SELF, OVERLAP_OTHER, OVERLAP_UNKNOWN };
struct overlap {
  enum overlap_answer answer;
  uint32_t who, other; /* OTHER: both. SELF: elements of `who` lie in each other's place. UNKNOWN: steps or
                          memory are spent, and those beside `who` were not compared */
  uint32_t views;      /* that lie over each other there, or between each other */
};

enum { OVERLAP_STEPS = 1 << 26 };
void overlaps_init(struct overlaps *o, struct arena *a);
/* False: memory is spent. */
NODISCARD bool overlaps_add(struct overlaps *o, const struct overlap_view *v);
/* Calls `found` for each run of views whose bytes lie over each other or between each other, if the answer is
 * not NONE. In a time that grows with the views and with the elements that they have. */
void overlaps_find(struct overlaps *o, void (*found)(void *ctx, const struct overlap *what), void *ctx);

#endif
