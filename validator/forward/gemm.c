#include "forward/gemm.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The serial build first: it never starts a thread. Then whatever the system's alternative points to. */
static const char *const libraries[] = {
    "/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0",
    "/usr/lib/aarch64-linux-gnu/openblas-serial/libopenblas.so.0",
    "libopenblas.so.0",
};

static void *open_library(void) {
  for (size_t i = 0; i < ARRAY_LEN(libraries); i++) {
    void *lib = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
    if (lib) return lib;
  }
  return NULL;
}

/* ISO C has no conversion between object and function pointers; POSIX wants dlsym's answer to be copied like
 * this. */
static void resolve(void *lib, const char *name, void *slot) {
  void *symbol = dlsym(lib, name);
  memcpy(slot, &symbol, sizeof symbol);
}

/* Threads of this process: /proc/self/task has two links and one for each. 1 where /proc is not mounted. */
static uint64_t count_threads(void) {
  struct stat st;
  return stat("/proc/self/task", &st) == 0 && st.st_nlink > 2 ? st.st_nlink - 2 : 1;
}

/* The first products map the library's buffers (128 MiB and an mbind) and choose its kernels: let that happen
 * now. */
static bool warm_up(const struct gemm *g) {
  enum { N = 72 }; /* small products (up to 64³) take another path */
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
  void *lib = open_library();
  if (!lib) return load_error(g, "OpenBLAS is not installed (Debian: apt-get install libopenblas0-serial)");

  void (*set_threads)(int) = NULL;
  int (*get_threads)(void) = NULL;
  char *(*get_core)(void) = NULL;
  resolve(lib, "cblas_sgemm", &g->sgemm);
  resolve(lib, "cblas_sgemv", &g->sgemv);
  resolve(lib, "openblas_set_num_threads", &set_threads);
  resolve(lib, "openblas_get_num_threads", &get_threads);
  resolve(lib, "openblas_get_corename", &get_core);
  if (!g->sgemm || !g->sgemv || !set_threads || !get_threads)
    return load_error(g, "the OpenBLAS library has no CBLAS interface");
  set_threads(1);
  g->core = get_core ? get_core() : NULL;
  if (!warm_up(g)) return load_error(g, "OpenBLAS can't multiply two matrices here");
  if (get_threads() != 1 || count_threads() != threads) return load_error(g, "OpenBLAS started threads");
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
