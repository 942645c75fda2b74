/* The dtypes that a checkpoint can hold: one row each in dtype.def (format-spec D.2) or blocks.def (G.6). */
#ifndef CKPTLINT_TENSOR_DTYPE_H
#define CKPTLINT_TENSOR_DTYPE_H

#include "base/span.h"

enum dtype_class { DT_FLOAT, DT_INT, DT_UINT, DT_BOOL, DT_COMPLEX, DT_QUANT, DT_OPAQUE };

enum dtype {
  DTYPE_NONE,
#define DTYPE(id, name, size, cls, storage, alias) DTYPE_##id,
#include "tensor/dtype.def"
#undef DTYPE
#define BLOCK(id, name, elements, bytes) DTYPE_##id,
#include "tensor/blocks.def"
#undef BLOCK
  DTYPE_COUNT
};

struct dtype_row {
  const char *name; /* torch.NAME, canonical */
  uint16_t size;    /* bytes of one storage element */
  uint16_t block;   /* elements that are coded together in it; 0: it stands for itself */
  enum dtype_class cls;
  const char *storage; /* typed storage class, "FloatStorage", or NULL */
  const char *alias;   /* "float", or NULL */
};
extern const struct dtype_row dtype_table[DTYPE_COUNT];

static inline const char *dtype_name(enum dtype d) { return dtype_table[d].name; }
static inline uint64_t dtype_size(enum dtype d) { return dtype_table[d].size; }
/* Coded in blocks of a format of ggml's: no element has bits of its own. */
static inline bool dtype_is_block(enum dtype d) { return dtype_table[d].block != 0; }
/* Elements in one storage element: 2 in quint4x2, 4 in quint2x4 (low bits first, packed flat: format-spec
 * D.2), those of a block, else 1. */
uint64_t dtype_packing(enum dtype d);
/* Whole elements that n bytes hold, and the bytes that n elements take (UINT64_MAX when that overflows). */
uint64_t dtype_elements_in(enum dtype d, uint64_t bytes);
uint64_t dtype_bytes_for(enum dtype d, uint64_t elements);
/* By torch's name or alias ("float32", "half"); DTYPE_NONE if there is none. */
enum dtype dtype_by_name(struct span name);
/* By the storage class's name ("FloatStorage"); DTYPE_NONE if there is none. UntypedStorage is uint8. */
enum dtype dtype_by_storage(struct span name);

/* The storage element at p (little-endian) as a double; complex: the real part; quantized and opaque: the
 * bits as an integer. Exact but for integers beyond 2^53. */
double dtype_load(enum dtype d, const uint8_t *p);

#endif
