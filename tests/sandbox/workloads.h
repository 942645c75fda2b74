/* What libraries do by the way, each in a sealed worker, and how the worker must end. tests/ablation.sh
 * compares the same list with and without each row of the policy. */
#ifndef CKPTLINT_TESTS_SANDBOX_WORKLOADS_H
#define CKPTLINT_TESTS_SANDBOX_WORKLOADS_H

#include <errno.h>
#include <libdeflate.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/sandbox/try.h"

static int by_value(const void *a, const void *b) {
  const unsigned *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static bool use_the_heap(void) {
  uint8_t *p = NULL;
  for (size_t n = 1; n <= 48u << 20; n *= 2) {
    uint8_t *grown = realloc(p, n);
    if (!grown) return false;
    p = grown;
    p[n - 1] = 1;
  }
  void *aligned = NULL;
  bool done = p[0] == 1 && posix_memalign(&aligned, 4096, 1 << 20) == 0;
  free(aligned);
  free(p);
  return done;
}

static bool sort_a_million(void) {
  enum { N = 1000000 };
  unsigned *p = calloc(N, sizeof *p);
  if (!p) return false;
  for (unsigned i = 0; i < N; i++) p[i] = (unsigned)((uint64_t)i * 7919 % N);
  qsort(p, N, sizeof *p, by_value);
  bool sorted = p[0] == 0 && p[N - 1] == N - 1;
  free(p);
  return sorted;
}

static bool count_and_tell_time(void) {
  char text[64];
  volatile double x = 0.1;
  (void)snprintf(text, sizeof text, "%.17g", x);
  bool same = strtod(text, NULL) == x;
  volatile double sum = exp(x) + tanh(x) + erf(x) + pow(x, x);
  struct timespec t;
  return same && sum > 2 && time(NULL) > 0 && clock_gettime(CLOCK_MONOTONIC, &t) == 0;
}

static bool deflate_and_inflate(void) {
  enum { N = 1 << 20 };
  uint8_t *in = calloc(3, N), *packed = in ? in + N : NULL, *back = packed ? packed + N : NULL;
  if (!in) return false;
  for (size_t i = 0; i < N; i++) in[i] = (uint8_t)(i / 100);
  struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  size_t n = libdeflate_deflate_compress(c, in, N, packed, N);
  bool done = n && libdeflate_deflate_decompress(d, packed, n, back, N, NULL) == LIBDEFLATE_SUCCESS &&
              memcmp(in, back, N) == 0;
  libdeflate_free_compressor(c);
  libdeflate_free_decompressor(d);
  free(in);
  return done;
}

/* ---- surprises: a crash must look like one, not like an attack ---- */

static bool call_abort(void) { abort(); }
static bool free_what_is_not_its_own(void) {
  char block[64] = {0};
  char *volatile p = block + 16;
  void (*volatile give_back)(void *) = free;
  give_back(p);
  return true;
}
static bool print_to_nobody(void) {
  printf("%d\n", 1);
  return fflush(stdout) != 0; /* there is no descriptor 1 */
}
static void *nobody(void *ctx) { return ctx; }
static bool start_a_thread_in_vain(void) {
  pthread_t t;
  return pthread_create(&t, NULL, nobody, NULL) == EAGAIN;
}

static bool once_done;
static void set_done(void) { once_done = true; }
static bool run_once(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  return pthread_once(&once, set_done) == 0 && once_done;
}

struct workload {
  const char *name;
  bool (*run)(void);
  enum worker_end end;
};
static const struct workload workloads[] = {
    {"heap", use_the_heap, WORKER_OK},
    {"qsort", sort_a_million, WORKER_OK},
    {"numbers and time", count_and_tell_time, WORKER_OK},
    {"deflate", deflate_and_inflate, WORKER_OK},
    {"printf", print_to_nobody, WORKER_OK},
    {"pthread_create", start_a_thread_in_vain, WORKER_OK},
    {"pthread_once", run_once, WORKER_OK},
    {"abort", call_abort, WORKER_CRASH},
    {"free of another's", free_what_is_not_its_own, WORKER_CRASH},
};

static inline bool do_workload(void *ctx, struct wire_out *out) {
  const struct workload *w = ctx;
  (void)out;
  return w->run();
}

static inline struct worker_result try_workload(const struct sandbox *s, const struct workload *w,
                                                struct arena *a) {
  struct worker_limits limits = small_limits();
  limits.memory_bytes = 256 << 20;
  return try_worker(s, &limits, do_workload, (void *)(uintptr_t)w, a);
}

#endif
