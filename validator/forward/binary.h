/* Elementwise functions of two operands, tensors or numbers, with broadcasting. Operands are brought to one
 * type, by PyTorch's promotion the highest of bool < int64 < float32 among them, numbers included; for these
 * three types it needs no more. */
#ifndef CKPTLINT_FORWARD_BINARY_H
#define CKPTLINT_FORWARD_BINARY_H

#include "forward/broadcast.h"

enum ftype operand_type(const struct op_value *v);
enum ftype operands_type(const struct op_value *a, const struct op_value *b); /* the common one */
/* The result has the shape of arguments 0 and 1 broadcast. */
NODISCARD bool binary_shape(struct op_call *c, enum ftype result);

/* An operand in the type that is computed in: as it lies, or converted. A number becomes a tensor of no
 * dimensions. */
struct operand {
  struct ftensor t;
  void *scratch; /* given back with operand_give */
};
NODISCARD bool operand_take(struct op_call *c, const struct op_value *v, enum ftype type,
                            struct operand *out);
void operand_give(struct op_call *c, struct operand *o);
/* n elements of `from` in another type; float to int64 as PyTorch on x86 does it. */
void ft_convert(struct ftensor *to, const struct ftensor *from);

/* One row of the result, n elements; an operand's step is 0 (the same element all along) or 1. */
typedef void row_fn(void *out, const void *a, uint64_t step_a, const void *b, uint64_t step_b, uint64_t n);
/* Computes arguments 0 and 1 in `type`, row by row. */
NODISCARD bool binary_run(struct op_call *c, enum ftype type, row_fn *row);

/* Defines a row_fn: result of type R from x and y of type T. Loops of constant steps, for the compiler. */
#define ROW(name, T, R, result)                                                                             \
  static void name(void *out, const void *a, uint64_t step_a, const void *b, uint64_t step_b, uint64_t n) { \
    const T *left = a, *right = b;                                                                          \
    R *to = out;                                                                                            \
    if (step_a && step_b) {                                                                                 \
      for (uint64_t i = 0; i < n; i++) {                                                                    \
        const T x = left[i], y = right[i];                                                                  \
        to[i] = (R)(result);                                                                                \
      }                                                                                                     \
    } else if (step_b) {                                                                                    \
      const T x = left[0];                                                                                  \
      for (uint64_t i = 0; i < n; i++) {                                                                    \
        const T y = right[i];                                                                               \
        to[i] = (R)(result);                                                                                \
      }                                                                                                     \
    } else {                                                                                                \
      const T y = right[0];                                                                                 \
      for (uint64_t i = 0; i < n; i++) {                                                                    \
        const T x = left[i * step_a];                                                                       \
        to[i] = (R)(result);                                                                                \
      }                                                                                                     \
    }                                                                                                       \
  }

/* int64 wraps around, as PyTorch's does. */
static inline int64_t wrapping_add(int64_t x, int64_t y) {
  int64_t r;
  (void)__builtin_add_overflow(x, y, &r);
  return r;
}
static inline int64_t wrapping_sub(int64_t x, int64_t y) {
  int64_t r;
  (void)__builtin_sub_overflow(x, y, &r);
  return r;
}
static inline int64_t wrapping_mul(int64_t x, int64_t y) {
  int64_t r;
  (void)__builtin_mul_overflow(x, y, &r);
  return r;
}

#endif
