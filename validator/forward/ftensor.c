#include "forward/ftensor.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>

const char *ft_name(enum ftype type) {
  static const char *const names[] = {[FT_F32] = "float32", [FT_I64] = "int64", [FT_BOOL] = "bool"};
  return names[type];
}

bool ftype_of(enum dtype d, enum ftype *out) {
  switch (dtype_table[d].cls) {
  case DT_FLOAT: *out = FT_F32; return true;
  case DT_INT:
  case DT_UINT: *out = FT_I64; return d != DTYPE_U64;
  case DT_BOOL: *out = FT_BOOL; return true;
  case DT_COMPLEX:
  case DT_QUANT:
  case DT_OPAQUE: return false;
  }
  return false;
}

enum dtype ftype_dtype(enum ftype type) {
  return type == FT_F32 ? DTYPE_F32 : type == FT_I64 ? DTYPE_I64 : DTYPE_BOOL;
}

bool ft_shape(struct ftensor *t, enum ftype type, const uint64_t *size, uint32_t ndim) {
  if (ndim > FT_DIMS) return false;
  /* The product of the sizes that are not 0: an empty tensor must not hide a product that overflows. */
  uint64_t product = 1, numel = 1;
  for (uint32_t i = 0; i < ndim; i++) {
    if (!try_mul(product, size[i] ? size[i] : 1, &product) || product > UINT64_MAX / 32) return false;
    numel = size[i] ? numel * size[i] : 0;
  }
  *t = (struct ftensor){.type = type, .ndim = ndim, .numel = numel};
  for (uint32_t i = 0; i < ndim; i++) t->size[i] = size[i];
  return true;
}

bool ft_same_shape(const struct ftensor *a, const struct ftensor *b) {
  return a->ndim == b->ndim && memcmp(a->size, b->size, a->ndim * sizeof a->size[0]) == 0;
}

const char *ft_shape_text(struct arena *a, const struct ftensor *t) {
  enum { MAX_TEXT = FT_DIMS * 22 + 3 };
  char *text = arena_array(a, MAX_TEXT, char);
  if (!text) return "[...]";
  size_t n = 0;
  text[n++] = '[';
  for (uint32_t i = 0; i < t->ndim; i++) {
    int len = snprintf(text + n, MAX_TEXT - n, "%s%llu", i ? ", " : "", (unsigned long long)t->size[i]);
    n += len > 0 ? (size_t)len : 0;
  }
  text[n++] = ']';
  return text;
}

enum { BLOCK_ALIGN = 64 };

struct fpool_block {
  alignas(BLOCK_ALIGN) struct fpool_block *next;
  struct fpool_block *prev;
  uint64_t bytes; /* header and rounding included */
};
static_assert(sizeof(struct fpool_block) == BLOCK_ALIGN, "data follows the header at its alignment");

void fpool_init(struct fpool *pool, uint64_t budget) {
  /* Activations come and go. What is given back stays with the process, or the kernel would clear the same
   * pages again and again: a fifth of the time of a small network. */
  // NOLINTBEGIN(concurrency-mt-unsafe): the process has one thread
  (void)mallopt(M_MMAP_THRESHOLD, INT32_MAX);
  (void)mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  // NOLINTEND(concurrency-mt-unsafe)
  *pool = (struct fpool){.budget = budget};
}

void *fpool_take(struct fpool *pool, uint64_t bytes) {
  uint64_t total;
  if (!try_add(bytes, (uint64_t)2 * BLOCK_ALIGN - 1, &total)) return NULL;
  total -= total % BLOCK_ALIGN;
  if (total > pool->budget - pool->used) return NULL;
  struct fpool_block *b = aligned_alloc(BLOCK_ALIGN, total);
  if (!b) return NULL;
  *b = (struct fpool_block){.next = pool->blocks, .bytes = total};
  if (b->next) b->next->prev = b;
  pool->blocks = b;
  pool->used += total;
  pool->peak = max_u64(pool->peak, pool->used);
  return b + 1;
}

void fpool_give(struct fpool *pool, void *p) {
  if (!p) return;
  struct fpool_block *b = (struct fpool_block *)p - 1;
  if (b->next) b->next->prev = b->prev;
  if (b->prev) b->prev->next = b->next;
  if (pool->blocks == b) pool->blocks = b->next;
  pool->used -= b->bytes;
  free(b);
}

void fpool_free(struct fpool *pool) {
  while (pool->blocks) fpool_give(pool, pool->blocks + 1);
}
