/* NumPy's .npy: one array, as inputs and goldens of a forward pass come and as outputs are saved (format-spec
 * G.3).
 *
 *   93 'NUMPY' | major, minor | header length: u16 in 1.0, u32 in 2.0 and 3.0 | header | data
 *
 * The header is a Python literal. Read is what NumPy's own writer makes: a dict of exactly descr,
 * fortran_order and shape, plain quotes, decimal numbers; little-endian numbers and bool; data of exactly the
 * length that they say. Stricter than NumPy, which takes any literal and ignores bytes behind the data. */
#ifndef CKPTLINT_BASE_NPY_H
#define CKPTLINT_BASE_NPY_H

#include "base/span.h"

enum { NPY_MAX_DIMS = 32, NPY_HEADER_SIZE = 128 }; /* NumPy 1.x has at most 32 dimensions */

struct npy {
  char kind;          /* 'f', 'i', 'u' or 'b' (bool) */
  uint8_t size;       /* bytes of an element: f 2 4 8, i and u 1 2 4 8, b 1 */
  bool fortran_order; /* first index varies fastest */
  uint32_t ndim;
  uint64_t shape[NPY_MAX_DIMS];
  uint64_t numel;   /* product of the shape; times size it is data.n */
  struct span data; /* borrowed from the file's bytes */
};

/* What stands in front of an array, of any dtype with a fixed size. */
struct npy_place {
  struct npy array;        /* kind also 'c', 'S', 'U', 'V', 'M', 'm' and 'O'; size and data are not set */
  bool big_endian, fields; /* fields: a record of them, kind 'V', or 'O' if there is an object among them */
  uint64_t item_size;      /* bytes of an element */
  uint64_t data_at;        /* behind the header, also of one that is rejected; 0: it has no end */
  uint64_t data_bytes;     /* 0 for 'O', where a pickle follows */
};

struct npy_error {
  uint64_t at;      /* offset in the file of what does not fit */
  const char *what; /* a literal: what was expected there, to stand behind the word "expected" */
};

NODISCARD bool npy_read(struct npy *out, struct span file, struct npy_error *err);

/* The same grammar with all dtypes of a fixed size, of a file whose first bytes are `head` (NPY_HEAD_MAX of
 * them, or all): what its data should be, not whether they are there. */
enum { NPY_HEAD_MAX = 12 + 10000 };
NODISCARD bool npy_place(struct npy_place *out, struct span head, struct npy_error *err);

/* The bytes that stand before the data of a C-order array, for descr "<f4" and the like: always
 * NPY_HEADER_SIZE of them, byte for byte what NumPy 1.24 writes. 0 when the shape's text does not fit (more
 * than about ten long dimensions). */
size_t npy_header(uint8_t out[NPY_HEADER_SIZE], const char *descr, const uint64_t *shape, uint32_t ndim);

#endif
