/* A view: offset, sizes and strides over a storage, proved to stay inside it. view_prove is the only way to
 * get one; who holds one indexes without checks. Rules: format-spec D.4, threats H. */
#ifndef CKPTLINT_TENSOR_VIEW_H
#define CKPTLINT_TENSOR_VIEW_H

#include "base/limits.h"
#include "base/observe.h"
#include "tensor/dtype.h"

enum { MAX_DIMS = 64 };

/* What the file claims. Numbers are signed because the file may say so. */
struct view_claim {
  enum dtype dtype;       /* of an element */
  uint64_t storage_bytes; /* what the storage really has, proved against the file */
  int64_t offset;         /* in elements */
  uint32_t num_sizes, num_strides;
  const int64_t *sizes, *strides;
  uint32_t member, at; /* where, for observations */
  struct span subject; /* the tensor's name, or what is known of it */
};

struct view {
  enum dtype dtype;
  uint8_t ndim;
  bool contiguous; /* row-major, no gaps */
  bool expanded;   /* more logical elements than storage elements, so some are shared: stride 0 as a rule */
  uint64_t offset; /* in elements */
  uint64_t numel;
  uint64_t
      extent; /* one past the last element touched, in elements from the storage's start; 0 when numel is 0 */
  uint64_t size[MAX_DIMS], stride[MAX_DIMS];
};

/* False, observed with the exact reason, unless 0 ≤ offset, all sizes and strides ≥ 0 and as many of one as
 * of the other, the product of the non-zero sizes fits int64, and (if numel > 0) the last element lies inside
 * the storage; an empty view touches nothing, but its offset may not be behind the storage either. An
 * expanded view is observed and taken (torch.save writes them), unless copying it would take over
 * EXPANDED_BYTES and EXPANDED_TIMES its storage. */
NODISCARD bool view_prove(struct view *v, const struct view_claim *claim, struct observations *o);

/* 4 bytes can claim 2^40 elements: torch loads that, and .clone() or load_state_dict then takes the machine
 * down. What amplifies as little as deflate may (limits.def, inflate_ratio) or stays small is let through. */
enum { EXPANDED_TIMES = 1040, EXPANDED_BYTES = 1 << 30 };

/* Bytes from the storage's start that the view may touch. */
static inline uint64_t view_storage_bytes(const struct view *v) {
  return dtype_bytes_for(v->dtype, v->extent);
}

#endif
