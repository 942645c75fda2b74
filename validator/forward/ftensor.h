/* The values of a forward pass: dense row-major tensors of float32, int64 or bool.
 *
 * The memory of activations, upcast weights and scratch comes from one pool with a budget
 * (limits.forward_bytes), because an arena frees nothing before its end and a forward pass must free each
 * activation after its last use. There are no reference counts: the graph (graph.h) knows the last use of
 * every value. */
#ifndef CKPTLINT_FORWARD_FTENSOR_H
#define CKPTLINT_FORWARD_FTENSOR_H

#include "base/arena.h"
#include "base/ints.h"
#include "tensor/dtype.h"

enum { FT_DIMS = 16 }; /* the graph refuses tensors of more dimensions (FWD704) */

enum ftype { FT_F32, FT_I64, FT_BOOL };

struct ftensor {
  enum ftype type;
  uint32_t ndim;
  uint64_t numel;
  uint64_t size[FT_DIMS];
  union {
    const void *in; /* may be the read-only mapping of the file */
    void *out;
  } data; /* NULL while only shapes are known */
};

static inline uint64_t ft_itemsize(enum ftype type) { return type == FT_F32 ? 4 : type == FT_I64 ? 8 : 1; }
/* float32 for every floating dtype, int64 for every other integer. False: there is none. */
NODISCARD bool ftype_of(enum dtype d, enum ftype *out);
enum dtype ftype_dtype(enum ftype type);
const char *ft_name(enum ftype type); /* torch's name: "float32", "int64", "bool" */

static inline const float *ft_f32(const struct ftensor *t) { return t->data.in; }
static inline const int64_t *ft_i64(const struct ftensor *t) { return t->data.in; }
static inline const uint8_t *ft_bool(const struct ftensor *t) { return t->data.in; }
static inline float *ft_f32_out(struct ftensor *t) { return t->data.out; }
static inline int64_t *ft_i64_out(struct ftensor *t) { return t->data.out; }
static inline uint8_t *ft_bool_out(struct ftensor *t) { return t->data.out; }

/* Sets the shape. False when there are more than FT_DIMS dims or the bytes of the tensor don't fit 2^62:
 * later arithmetic on sizes and byte counts of a tensor needs no checks of its own. */
NODISCARD bool ft_shape(struct ftensor *t, enum ftype type, const uint64_t *size, uint32_t ndim);
static inline uint64_t ft_bytes(const struct ftensor *t) { return t->numel * ft_itemsize(t->type); }
bool ft_same_shape(const struct ftensor *a, const struct ftensor *b);
/* "[1, 3, 28, 28]", in the arena; a literal "[...]" when that is spent. */
const char *ft_shape_text(struct arena *a, const struct ftensor *t);

/* ---- the pool ---- */
struct fpool_block;
struct fpool {
  uint64_t budget, used, peak;
  struct fpool_block *blocks; /* all that is out */
};
void fpool_init(struct fpool *pool, uint64_t budget);
/* Aligned to 64 bytes, not zeroed. NULL: over the budget, or the kernel refused. */
NODISCARD void *fpool_take(struct fpool *pool, uint64_t bytes);
void fpool_give(struct fpool *pool, void *p); /* NULL is fine */
void fpool_free(struct fpool *pool);

#endif
