/* An architecture file in a test: parsed, with its config resolved and its modules made. */
#ifndef CKPTLINT_TESTS_UNIT_ARCH_BENCH_H
#define CKPTLINT_TESTS_UNIT_ARCH_BENCH_H

#include <stdio.h>
#include <time.h>

#include "arch/match.h"
#include "tests/unit/check.h"

struct arch_bench {
  struct arena arena;
  struct limits max;
  struct observations o;
  struct arch arch;
  struct model model;
  struct config_sources sources;
  struct span text; /* exact copy of the file */
};

static inline void arch_bench_open(struct arch_bench *b) {
  memset(b, 0, sizeof *b);
  b->max = limits_default();
  arena_init(&b->arena, (size_t)1 << 30);
  observations_init(&b->o, &b->arena, 50);
}

static inline void arch_bench_close(struct arch_bench *b) {
  model_close(&b->model);
  arch_close(&b->arch);
  arena_free(&b->arena);
  if (b->text.p) exact_free(b->text);
}

static inline bool arch_bench_parse(struct arch_bench *b, struct span json) {
  b->text = exact_copy(json.p, json.n);
  return arch_parse(&b->arch, (struct text_file){SPAN("m.json"), b->text}, &b->arena, &b->max, &b->o);
}

/* JSON in these tests is written with ' for ": texts of the language, which need ' themselves, write ` for
 * it. */
static inline struct span as_json(struct arena *a, const char *text) {
  size_t n = strlen(text);
  uint8_t *p = arena_alloc(a, n, 1, 1);
  assert_non_null(p);
  for (size_t i = 0; i < n; i++) p[i] = text[i] == '\'' ? '"' : text[i] == '`' ? '\'' : (uint8_t)text[i];
  return span_of(p, n);
}

static inline bool arch_bench_build(struct arch_bench *b, const char *root, uint32_t num_keys) {
  return model_build(&b->model, &b->arch, &b->sources, span_str(root), num_keys, &b->arena, &b->max, &b->o);
}

/* "{'arch': 1, …}" to a model; false when something was refused. */
static inline bool arch_bench_load(struct arch_bench *b, const char *text) {
  arch_bench_open(b);
  return arch_bench_parse(b, as_json(&b->arena, text)) && arch_bench_build(b, "", 100);
}

static inline struct span read_whole(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) fail_msg("%s can't be opened: tests run from the top folder", path);
  uint8_t *p = malloc(1 << 16);
  size_t n = fread(p, 1, 1 << 16, f);
  fclose(f);
  return span_of(p, n);
}

/* "weight[4,3] ~running_mean[4]": the expected state dict, buffers marked, without `skip` bytes of each key.
 */
static inline struct span keys_text(struct arena *a, const struct model *m, size_t skip) {
  size_t cap = 1 << 20, n = 0;
  char *p = arena_alloc(a, cap, 1, 1);
  assert_non_null(p);
  for (uint32_t i = 0; i < m->num_expected; i++) {
    const struct expected *e = &m->expected[i];
    struct span key = span_from(e->key, skip);
    n += (size_t)snprintf(p + n, cap - n, "%s%s%.*s[", i ? " " : "", e->slot->buffer ? "~" : "", (int)key.n,
                          (const char *)key.p);
    for (uint32_t d = 0; d < e->slot->ndim; d++)
      n += (size_t)snprintf(p + n, cap - n, d ? ",%llu" : "%llu", (unsigned long long)e->slot->sizes[d]);
    n += (size_t)snprintf(p + n, cap - n, "]");
    assert_true(n < cap);
  }
  return span_of(p, n);
}

static inline bool says(struct span what, const char *part) {
  return !part[0] || memmem(what.p, what.n, part, strlen(part)) != NULL;
}

static inline double milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Sanitizers take their time. */
#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__) /* one that counts what runs has no optimizer */
enum { SLOWER = 20 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
enum { SLOWER = 20 };
#else
enum { SLOWER = 1 };
#endif
#else
enum { SLOWER = 1 };
#endif

/* Of this process: others may be at work too. */
static inline double cpu_milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#endif
