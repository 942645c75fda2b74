#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/memory.h"

enum {
  CHUNK_MIN = 16 << 10,
  CHUNK_MAX = 256 << 10,
  BLOCK_MIN = 64,
  SLICE_FROM = 128 << 10,
  HUGE_PAGE = 2 << 20
};

struct held {
  struct held *next;
  void *p;
};

struct chunk {
  struct chunk *next;
  size_t used, cap;
  bool clear;  /* its bytes are */
  bool sliced; /* not to be freed by itself */
  alignas(max_align_t) uint8_t bytes[];
};

bool slices_map(struct slices *s, uint32_t n, size_t size) {
  size_t total;
  *s = (struct slices){.n = n, .size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE};
  if (n == 0 || !try_mul(s->size, (size_t)n, &total)) return false;
  void *p = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return false;
  s->base = p;
  (void)!madvise(p, total, MADV_HUGEPAGE);
  return true;
}

void slices_unmap(struct slices *s) {
  if (s->base) munmap(s->base, s->n * s->size);
  *s = (struct slices){0};
}

/* Zeroed, never given back: one scan is all there is. NULL: too small, too large, or none left. */
static void *take_slice(struct slices *s, size_t bytes) {
  if (!s || !s->base || bytes < SLICE_FROM || bytes > s->size || s->used == s->n) return NULL;
  return s->base + s->size * s->used++;
}

void arena_init(struct arena *a, size_t budget) { *a = (struct arena){.budget = budget}; }

void arena_free(struct arena *a) {
  for (struct held *h = a->held; h; h = h->next) free(h->p); /* the notes themselves lie in chunks */
  for (struct chunk *c = a->chunks, *next; c; c = next) {
    next = c->next;
    if (!c->sliced) free(c);
  }
  *a = (struct arena){.budget = a->budget};
}

static bool charge(struct arena *a, size_t bytes) {
  if (bytes > a->budget - a->used) {
    a->exhausted = true;
    return false;
  }
  a->used += bytes;
  return true;
}

/* Is there room for a large piece behind the last one, or in a slice of its own? */
static bool slice_room(struct arena *a, size_t bytes) {
  if (bytes <= a->rest_n) return true;
  uint8_t *slice = take_slice(a->slices, bytes);
  if (!slice) return false;
  a->rest = slice;
  a->rest_n = a->slices->size;
  return true;
}

/* The next bytes of the slice, in which they are whole multiples of the largest alignment. */
static void *cut_slice(struct arena *a, size_t bytes) {
  uint8_t *p = a->rest;
  a->rest += bytes;
  a->rest_n -= bytes;
  return p;
}

/* A piece gets a chunk of its own, and cleared by calloc, which need not touch fresh pages; or its share of
 * one that is cleared piece by piece, for most of a forked process's heap is not fresh, unless it is cut from
 * a slice. Chunks grow with the arena. */
static struct chunk *new_chunk(struct arena *a, size_t need) {
  size_t usual = min_size(CHUNK_MAX, a->used < CHUNK_MIN ? CHUNK_MIN : a->used);
  bool own = need > usual / 4;
  size_t cap = own ? need : usual;
  size_t total;
  if (!try_add(cap, sizeof(struct chunk), &total) || !charge(a, total)) return NULL;
  bool sliced = cap == CHUNK_MAX && slice_room(a, total);
  struct chunk *c = sliced ? cut_slice(a, total) : own ? memory_calloc(1, total) : memory_malloc(total);
  if (!c) {
    a->exhausted = true;
    return NULL;
  }
  *c = (struct chunk){.cap = cap, .clear = own || sliced, .sliced = sliced};
  /* A piece with a chunk of its own goes behind the current one, whose rest stays in use. */
  if (a->chunks && own) {
    c->next = a->chunks->next;
    a->chunks->next = c;
  } else {
    c->next = a->chunks;
    a->chunks = c;
  }
  return c;
}

static void *large_piece(struct arena *a, size_t bytes) {
  bytes = (bytes + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
  return charge(a, bytes) ? cut_slice(a, bytes) : NULL;
}

void *arena_alloc(struct arena *a, size_t count, size_t size, size_t align) {
  size_t bytes;
  if (!try_mul(count, size, &bytes)) {
    a->exhausted = true;
    return NULL;
  }
  if (bytes == 0) bytes = 1;
  if (bytes >= SLICE_FROM && slice_room(a, bytes)) return large_piece(a, bytes);
  struct chunk *c = a->chunks;
  size_t start = c ? (c->used + align - 1) / align * align : 0;
  if (!c || start > c->cap || bytes > c->cap - start) {
    c = new_chunk(a, bytes);
    if (!c) return NULL;
    start = 0;
  }
  c->used = start + bytes;
  return c->clear ? c->bytes + start : memset(c->bytes + start, 0, bytes);
}

bool arena_copy(struct arena *a, struct span in, struct span *out) {
  uint8_t *p = arena_alloc(a, in.n, 1, 1);
  if (!p) return false;
  if (in.n) memcpy(p, in.p, in.n);
  *out = (struct span){p, in.n};
  return true;
}

struct span arena_printf(struct arena *a, const char *format, ...) {
  va_list ap, again;
  va_start(ap, format);
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, format, ap);
  va_end(ap);
  char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1, 1, 1);
  if (p) n = vsnprintf(p, (size_t)n + 1, format, again);
  va_end(again);
  return p ? span_of(p, (size_t)n) : (struct span){(const uint8_t *)"", 0};
}

/* In its slice, into a slice, or by realloc, which moves pages and copies nothing. */
static bool grow_block(struct arena *a, struct block *b, size_t grown) {
  if (b->sliced && grown <= a->slices->size) return true;
  void *p = b->sliced ? NULL : take_slice(a->slices, grown);
  bool sliced = p != NULL;
  if (!p) p = memory_realloc(b->held->p, grown);
  if (!p) return false;
  if (sliced || b->sliced) memcpy(p, b->p, b->size);
  if (sliced) free(b->held->p);
  b->held->p = sliced ? NULL : p;
  b->sliced = sliced;
  b->p = p;
  return true;
}

bool vec_enlarge(struct arena *a, struct block *b, uint32_t n, uint64_t extra, uint64_t max, size_t size) {
  uint64_t want;
  size_t bytes;
  if (!try_add(extra, (uint64_t)n, &want) || want > max || want > UINT32_MAX ||
      !try_mul((size_t)want, size, &bytes))
    return false;
  if (bytes <= b->size) return true;
  size_t grown = b->size < BLOCK_MIN ? BLOCK_MIN : b->size + b->size / 2;
  if (grown < bytes) grown = bytes;
  if (!b->held) {
    b->held = arena_new(a, struct held);
    if (!b->held) return false;
    b->held->next = a->held;
    a->held = b->held;
  }
  if (!charge(a, grown - b->size)) return false;
  if (!grow_block(a, b, grown)) {
    a->exhausted = true;
    return false;
  }
  b->size = grown;
  return true;
}
