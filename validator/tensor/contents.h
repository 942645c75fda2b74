/* What the numbers inside index and quantiser tensors must be: the invariants of sparse, nested and quantised
 * tensors. torch does not check them when it loads (threats H09 to H11; format-spec D.4), and its kernels
 * then read and write where an index says. Each proof is one pass over proved views; the first number that is
 * wrong is observed, with its place in its member, and the answer is false. */
#ifndef CKPTLINT_TENSOR_CONTENTS_H
#define CKPTLINT_TENSOR_CONTENTS_H

#include "tensor/view.h"

/* A proved view with the real bytes of its storage: at least view_storage_bytes(&view) of them. */
struct numbers {
  struct view view;
  struct span bytes;
  bool big_endian;
  uint32_t member;     /* 1-based: where the bytes lie */
  uint64_t at;         /* offset of the first byte of the storage in it */
  const char *subject; /* what they are: "indices", "crow_indices" */
};

/* COO: indices int64 [sparse dims, nnz], 0 ≤ each < its size; is_coalesced claims columns in strictly
 * ascending order. */
bool coo_prove(const struct numbers *indices, const uint64_t *sizes, bool is_coalesced,
               struct observations *o);

/* CSR, CSC, BSR, BSC: compressed [batch…, n + 1] and plain [batch…, nnz], both of one integer dtype. In each
 * batch compressed begins with 0, never falls, ends with nnz; plain lies below plain_size and ascends
 * strictly between two of compressed (torch.sparse_compressed_tensor, check_invariants). */
bool compressed_prove(const struct numbers *compressed, const struct numbers *plain, uint64_t plain_size,
                      struct observations *o);

/* Strided nested tensors: sizes and strides int64 [n, d], offsets int64 [n]: each row a view of the buffer,
 * which has `elements` of `dtype`. member and at: of the call, for view_prove. */
struct nested_claim {
  struct numbers sizes, strides, offsets;
  enum dtype dtype;
  uint64_t elements;
  uint32_t member, at;
};
bool nested_prove(const struct nested_claim *c, struct observations *o);

/* Quantisers: every scale is finite and above 0; every zero point lies in low … high, or is any finite number
 * where the dtype is of floats. */
bool scales_prove(const struct numbers *scales, struct observations *o);
bool zero_points_prove(const struct numbers *points, int64_t low, int64_t high, struct observations *o);

#endif
