/* Another order of a tensor's elements: what PyTorch calls a view with strides. Values of the graph are
 * dense, so an op that only picks or reorders elements describes its result as a view and copies once. */
#ifndef CKPTLINT_FORWARD_STRIDED_H
#define CKPTLINT_FORWARD_STRIDED_H

#include "forward/op.h"

enum { STRIDED_DIMS = 2 * FT_DIMS }; /* repeat: two for each dimension */

/* In elements of the tensor viewed; a stride may be 0 (expand) or negative (flip). Every element lies in it.
 */
struct strided {
  uint32_t ndim;
  uint64_t size[STRIDED_DIMS];
  int64_t stride[STRIDED_DIMS];
  int64_t offset;
};

/* The tensor as it lies. */
void strided_dense(struct strided *v, const struct ftensor *t);
/* Dimension `from` is taken out and put in at `to`. */
void strided_move(struct strided *v, uint32_t from, uint32_t to);
/* A dimension put in at `at`. The caller has made sure that there is room. */
void strided_insert(struct strided *v, uint32_t at, uint64_t size, int64_t stride);
/* Copies the elements of `in` that the view names, in its order, to `out`. */
void strided_copy(void *out, const struct ftensor *in, const struct strided *v);
/* Do the elements lie one behind the other, in this order? */
bool strided_is_dense(const struct strided *v);
/* The elements that the view names. */
uint64_t strided_count(const struct strided *v);

/* For ops whose kernel is one copy: the view of the first argument, or false with the error set. */
typedef bool strided_fn(struct op_call *c, struct strided *v);
NODISCARD bool strided_shape(struct op_call *c, strided_fn *view);
NODISCARD bool strided_run(struct op_call *c, strided_fn *view);

#endif
