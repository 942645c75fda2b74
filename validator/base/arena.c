#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 256 * 1024, BLOCK_MIN = 64 };

struct held {
  struct held *next;
  void *p;
};

struct chunk {
  struct chunk *next;
  size_t used, cap;
  alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *a, size_t budget) { *a = (struct arena){.budget = budget}; }

void arena_free(struct arena *a) {
  for (struct held *h = a->held; h; h = h->next) free(h->p); /* the notes themselves lie in chunks */
  for (struct chunk *c = a->chunks, *next; c; c = next) {
    next = c->next;
    free(c);
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

static struct chunk *new_chunk(struct arena *a, size_t need) {
  size_t cap = need > CHUNK_BYTES / 4 ? need : CHUNK_BYTES;
  size_t total;
  if (!try_add(cap, sizeof(struct chunk), &total) || !charge(a, total)) return NULL;
  struct chunk *c = calloc(1, total);
  if (!c) {
    a->exhausted = true;
    return NULL;
  }
  c->cap = cap;
  /* A piece with a chunk of its own goes behind the current one, whose rest stays in use. */
  if (a->chunks && need > CHUNK_BYTES / 4) {
    c->next = a->chunks->next;
    a->chunks->next = c;
  } else {
    c->next = a->chunks;
    a->chunks = c;
  }
  return c;
}

void *arena_alloc(struct arena *a, size_t count, size_t size, size_t align) {
  size_t bytes;
  if (!try_mul(count, size, &bytes)) {
    a->exhausted = true;
    return NULL;
  }
  if (bytes == 0) bytes = 1;
  struct chunk *c = a->chunks;
  size_t start = c ? (c->used + align - 1) / align * align : 0;
  if (!c || start > c->cap || bytes > c->cap - start) {
    c = new_chunk(a, bytes);
    if (!c) return NULL;
    start = 0;
  }
  c->used = start + bytes;
  return c->bytes + start;
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

bool vec_room(struct arena *a, struct block *b, uint32_t n, uint64_t extra, uint64_t max, size_t size) {
  uint64_t want;
  size_t bytes;
  if (!try_add(extra, (uint64_t)n, &want) || want > max || want > UINT32_MAX || !try_mul((size_t)want, size, &bytes))
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
  void *p = realloc(b->p, grown);
  if (!p) {
    a->exhausted = true;
    return false;
  }
  b->p = b->held->p = p;
  b->size = grown;
  return true;
}

bool vec_grow(struct arena *a, struct block *b, uint32_t n, uint64_t max, size_t size) {
  if (!vec_room(a, b, n, 1, max, size)) return false;
  memset((uint8_t *)b->p + (size_t)n * size, 0, size);
  return true;
}
