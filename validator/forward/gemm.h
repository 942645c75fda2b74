/* Matrix products: OpenBLAS through its CBLAS interface, loaded by dlopen in the forward worker only and
 * before the sandbox closes, so that no other process pays for it and nothing is opened afterwards. There is
 * no second implementation behind it: without the library a forward pass is *not checked*. */
#ifndef CKPTLINT_FORWARD_GEMM_H
#define CKPTLINT_FORWARD_GEMM_H

#include "base/ints.h"

/* CBLAS enumerations, by hand: cblas.h belongs to a development package that users don't have. */
enum cblas_order { CBLAS_ROW_MAJOR = 101 };
enum cblas_transpose { CBLAS_NO_TRANS = 111, CBLAS_TRANS = 112 };

typedef void cblas_sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                            const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void cblas_sgemv_fn(int order, int trans, int m, int n, float alpha, const float *a, int lda,
                            const float *x, int incx, float beta, float *y, int incy);

struct gemm {
  cblas_sgemm_fn *sgemm;
  cblas_sgemv_fn *sgemv;
  const char
      *core; /* name of the kernel that the library chose ("SkylakeX"), for the report's timing; or NULL */
  const char *error; /* why gemm_load failed: a literal */
};

/* Loads the serial build if it is there, else the threaded one held to one thread, multiplies once so that
 * its buffers exist, and asserts that the process still has one thread. To be called before the seal: sets
 * environment variables, opens files, maps executable memory. False: g->error. */
NODISCARD bool gemm_load(struct gemm *g);

/* An operand: rows of `ld` floats in memory, used as it lies or transposed. */
struct gemm_operand {
  const float *p;
  uint64_t ld;
  bool transposed;
};

/* c (m × n, rows of ldc floats) = a (m × k) · b (k × n). False when a dimension is
 * beyond CBLAS's 32-bit int. */
NODISCARD bool gemm_multiply(const struct gemm *g, uint64_t m, uint64_t n, uint64_t k, struct gemm_operand a,
                             struct gemm_operand b, float *c, uint64_t ldc);

#endif
