#include "forward/gemm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/library.h"

/* The serial build first: it never starts a thread. Then whatever the system's alternative points to. */
static const char *const libraries[] = {
    "/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0",
    "/usr/lib/aarch64-linux-gnu/openblas-serial/libopenblas.so.0",
    "libopenblas.so.0",
};

enum { BUFFER_BYTES = 144 << 20 }; /* that of x86-64, 32 << 22, and what rounds it up */

struct blas {
  cblas_sgemm_fn *sgemm;
  cblas_sgemv_fn *sgemv;
  void (*set_threads)(int);
  int (*get_threads)(void);
  char *(*get_core)(void);
};
static const char *const names[] = {"cblas_sgemm", "cblas_sgemv", "openblas_set_num_threads",
                                    "openblas_get_num_threads", "openblas_get_corename"};

static bool load_first(struct blas *blas) {
  for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
    if (library_load(libraries[i], names, ARRAY_LEN(names), blas)) return true;
  return false;
}

/* Threads of this process: /proc/self/task has two links and one for each. 1 where /proc is not mounted. */
static uint64_t count_threads(void) {
  struct stat st;
  return stat("/proc/self/task", &st) == 0 && st.st_nlink > 2 ? st.st_nlink - 2 : 1;
}

/* OpenBLAS asks for its buffer until it gets it: without room it would never come back. */
static bool has_room(void) {
  void *p = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p != MAP_FAILED && munmap(p, BUFFER_BYTES) == 0;
}

/* The first products map the library's buffer (an mmap and an mbind) and choose its kernels: let that happen
 * now. */
static bool warm_up(const struct gemm *g) {
  enum { N = 128 }; /* small products (up to 64³, on machines with AVX-512 up to 100³) take another path */
  float *m = calloc((size_t)3 * N * N, sizeof *m);
  if (!m) return false;
  m[0] = m[(size_t)N * N] = 2;
  const struct gemm_operand a = {m, N, false}, b = {m + (size_t)N * N, N, false};
  float *c = m + (size_t)2 * N * N;
  bool done = gemm_multiply(g, N, N, N, a, b, c, N) && c[0] > 3.5f && c[0] < 4.5f;
  done = done && gemm_multiply(g, 1, N, N, a, b, c, N) && c[0] > 3.5f && c[0] < 4.5f;
  free(m);
  return done;
}

static bool load_error(struct gemm *g, const char *why) {
  g->error = why;
  return false;
}

bool gemm_load(struct gemm *g) {
  *g = (struct gemm){.error = NULL};
  /* Read by the library while it is being loaded: later is too late, its threads would run. */
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the process has one thread, which is the point
  if (setenv("OPENBLAS_NUM_THREADS", "1", 1) != 0 || setenv("OMP_NUM_THREADS", "1", 1) != 0)
    return load_error(g, "the environment can't be set");
  uint64_t threads = count_threads();
  struct blas blas;
  if (!load_first(&blas))
    return load_error(g, "OpenBLAS is not installed (Debian: apt-get install libopenblas0-serial)");
  blas.set_threads(1);
  if (!has_room()) return load_error(g, "there is no memory for OpenBLAS");
  g->sgemm = blas.sgemm;
  g->sgemv = blas.sgemv;
  g->core = blas.get_core();
  if (!warm_up(g)) return load_error(g, "OpenBLAS can't multiply two matrices here");
  if (blas.get_threads() != 1 || count_threads() != threads) return load_error(g, "OpenBLAS started threads");
  return true;
}

struct blas_sizes {
  int m, n, k, lda, ldb, ldc;
};

static bool to_blas(struct blas_sizes *s, const uint64_t in[6]) {
  return try_cast(in[0], &s->m) && try_cast(in[1], &s->n) && try_cast(in[2], &s->k) &&
         try_cast(in[3], &s->lda) && try_cast(in[4], &s->ldb) && try_cast(in[5], &s->ldc);
}

bool gemm_multiply(const struct gemm *g, uint64_t m, uint64_t n, uint64_t k, struct gemm_operand a,
                   struct gemm_operand b, float *c, uint64_t ldc) {
  if (m == 0 || n == 0) return true;
  if (k == 0) { /* an empty sum; CBLAS refuses leading dimensions of 0 */
    for (uint64_t i = 0; i < m; i++) memset(c + i * ldc, 0, n * sizeof *c);
    return true;
  }
  struct blas_sizes s;
  if (!to_blas(&s, (const uint64_t[]){m, n, k, a.ld, b.ld, ldc})) return false;
  const bool row = m == 1 && !a.transposed;
  if (row && b.transposed) { /* memory-bound: four times as fast as the product with one row */
    g->sgemv(CBLAS_ROW_MAJOR, CBLAS_NO_TRANS, s.n, s.k, 1, b.p, s.ldb, a.p, 1, 0, c, 1);
  } else if (row) {
    g->sgemv(CBLAS_ROW_MAJOR, CBLAS_TRANS, s.k, s.n, 1, b.p, s.ldb, a.p, 1, 0, c, 1);
  } else {
    g->sgemm(CBLAS_ROW_MAJOR, a.transposed ? CBLAS_TRANS : CBLAS_NO_TRANS,
             b.transposed ? CBLAS_TRANS : CBLAS_NO_TRANS, s.m, s.n, s.k, 1, a.p, s.lda, b.p, s.ldb, 0, c,
             s.ldc);
  }
  return true;
}
