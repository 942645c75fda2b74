/* A plan written by hand in a test: values in preorder, tensors over one stored member, one or more state
 * dicts. It goes through plan_writer and plan_open like a real one. */
#ifndef CKPTLINT_TESTS_UNIT_PLAN_BENCH_H
#define CKPTLINT_TESTS_UNIT_PLAN_BENCH_H

#include "container/container.h"
#include "model/plan.h"
#include "tests/unit/check.h"

enum { PLAN_BENCH_ROWS = 1 << 20 };

struct plan_bench {
  struct arena arena;
  uint8_t *region;
  size_t region_size;
  struct plan_writer w;
  struct plan plan;
  VEC(struct plan_value) values;
  VEC(struct plan_tensor) tensors;
  VEC(struct plan_stats) stats;
  VEC(struct plan_dict) dicts;
  VEC(struct plan_entry) entries;
  VEC(struct plan_storage) storages;
  VEC(uint64_t) dims;
  VEC(uint8_t) file;
};

static inline void plan_bench_open(struct plan_bench *p) {
  memset(p, 0, sizeof *p);
  arena_init(&p->arena, (size_t)1 << 30);
  p->region_size = (size_t)1 << 26;
  p->region = calloc(1, p->region_size);
  assert_non_null(p->region);
  plan_begin(&p->w, p->region, p->region_size);
}

static inline void plan_bench_close(struct plan_bench *p) {
  free(p->region);
  arena_free(&p->arena);
}

static inline struct plan_text plan_words(struct plan_bench *p, const char *text) {
  return text[0] ? plan_put(&p->w, span_str(text), 4096) : (struct plan_text){0};
}

/* The next value in preorder. */
static inline struct plan_value *plan_value(struct plan_bench *p, uint32_t depth, const char *key,
                                            enum plan_value_kind kind) {
  uint32_t row = p->values.n;
  struct plan_value *v = vec_push(&p->arena, &p->values, PLAN_BENCH_ROWS);
  assert_non_null(v);
  *v = (struct plan_value){.kind = kind, .depth = depth, .key = plan_words(p, key), .end = row + 1};
  for (uint32_t i = row; i > 0; i--)
    if (p->values.p[i - 1].depth < depth) {
      v->parent = i - 1;
      break;
    }
  for (uint32_t i = v->parent; depth > 0; i = p->values.p[i].parent) {
    p->values.p[i].end = row + 1;
    if (p->values.p[i].depth == 0) break;
  }
  return v;
}

/* A contiguous tensor of these bytes (NULL: zeros); its value row is the one made last. */
static inline struct plan_tensor *plan_bytes(struct plan_bench *p, enum dtype dtype, uint32_t ndim,
                                             const uint64_t *sizes, const void *bytes) {
  uint64_t numel = 1;
  for (uint32_t i = 0; i < ndim; i++) numel *= sizes[i];
  uint64_t n = numel * dtype_size(dtype), at = p->file.n;
  assert_true(vec_reserve(&p->arena, &p->file, n, (uint64_t)1 << 30));
  if (n) memset(p->file.p + at, 0, n);
  if (bytes && n) memcpy(p->file.p + at, bytes, n);
  p->file.n += (uint32_t)n;
  struct plan_storage *s = vec_push(&p->arena, &p->storages, PLAN_BENCH_ROWS);
  assert_non_null(s);
  *s = (struct plan_storage){.member = 1, .dtype = (uint8_t)dtype, .at = at, .bytes = n};
  uint32_t row = p->tensors.n;
  struct plan_tensor *t = vec_push(&p->arena, &p->tensors, PLAN_BENCH_ROWS);
  assert_non_null(t);
  *t = (struct plan_tensor){
      .storage = p->storages.n,
      .first_dim = p->dims.n,
      .dtype = (uint8_t)dtype,
      .ndim = (uint8_t)ndim,
      .flags = PLAN_CONTIGUOUS | (dtype_table[dtype].cls == DT_QUANT ? PLAN_QUANTIZED : 0),
      .tied = row,
      .value = p->values.n ? p->values.n - 1 : 0,
      .numel = numel};
  uint64_t stride = 1;
  assert_true(vec_reserve(&p->arena, &p->dims, 2 * (uint64_t)ndim, PLAN_BENCH_ROWS * 4u));
  for (uint32_t i = 0; i < ndim; i++) p->dims.p[t->first_dim + i] = sizes[i];
  for (uint32_t i = ndim; i > 0; i--) {
    p->dims.p[t->first_dim + ndim + i - 1] = stride;
    stride *= sizes[i - 1];
  }
  p->dims.n += 2 * ndim;
  struct plan_stats *stats = vec_push(&p->arena, &p->stats, PLAN_BENCH_ROWS);
  assert_non_null(stats);
  *stats = (struct plan_stats){.done = 1, .count = numel, .finite = numel};
  return t;
}

/* The dict that the last value row is; entries follow. */
static inline struct plan_dict *plan_dict_here(struct plan_bench *p, const char *path) {
  struct plan_dict *d = vec_push(&p->arena, &p->dicts, PLAN_BENCH_ROWS);
  assert_non_null(d);
  *d = (struct plan_dict){.path = plan_words(p, path), .value = p->values.n - 1, .first_entry = p->entries.n};
  return d;
}

/* An entry of the last dict: a value row and, unless ndim is negative, its tensor of zeros. */
static inline void plan_entry(struct plan_bench *p, uint32_t depth, const char *name, enum dtype dtype,
                              int ndim, const uint64_t *sizes, const void *bytes) {
  struct plan_value *v = plan_value(p, depth, name, ndim < 0 ? PLAN_VAL_TEXT : PLAN_VAL_TENSOR);
  struct plan_entry *e = vec_push(&p->arena, &p->entries, PLAN_BENCH_ROWS);
  assert_non_null(e);
  *e = (struct plan_entry){.name = v->key, .tensor = UINT32_MAX, .value = p->values.n - 1};
  if (ndim >= 0) {
    v->number = p->tensors.n;
    e->tensor = p->tensors.n;
    plan_bytes(p, dtype, (uint32_t)ndim, sizes, bytes);
  }
  p->dicts.p[p->dicts.n - 1].num_entries++;
}

/* The same of a tensor without bytes: models of any size. */
static inline void plan_claim(struct plan_bench *p, uint32_t depth, const char *name, enum dtype dtype,
                              uint32_t ndim, const uint64_t *sizes) {
  static const uint64_t none[1] = {0};
  plan_entry(p, depth, name, dtype, 1, none, NULL);
  struct plan_tensor *t = &p->tensors.p[p->tensors.n - 1];
  uint64_t stride = 1;
  p->dims.n -= 2;
  assert_true(vec_reserve(&p->arena, &p->dims, 2 * (uint64_t)ndim, PLAN_BENCH_ROWS * 4u));
  t->ndim = (uint8_t)ndim;
  t->numel = 1;
  t->storage = PLAN_NO_STORAGE;
  t->flags = PLAN_META | PLAN_CONTIGUOUS;
  for (uint32_t i = ndim; i > 0; i--) {
    p->dims.p[t->first_dim + i - 1] = sizes[i - 1];
    p->dims.p[t->first_dim + ndim + i - 1] = stride;
    stride *= sizes[i - 1];
    t->numel *= sizes[i - 1];
  }
  p->dims.n += 2 * ndim;
}

#define PLAN_COPY(p, field)                                            \
  for (uint32_t i = 0; i < (p)->field.n; i++) {                        \
    void *row = plan_row(&(p)->w, PLAN_##field, sizeof *(p)->field.p); \
    assert_non_null(row);                                              \
    memcpy(row, &(p)->field.p[i], sizeof *(p)->field.p);               \
  }

/* The plan as a reader gets it. */
static inline const struct plan *plan_bench_done(struct plan_bench *p) {
  const char *why = "";
  struct plan_member *m = plan_row(&p->w, PLAN_members, sizeof *m);
  assert_non_null(m);
  *m = (struct plan_member){.csize = p->file.n, .size = p->file.n};
  PLAN_COPY(p, storages)
  PLAN_COPY(p, dims)
  PLAN_COPY(p, values)
  PLAN_COPY(p, tensors)
  PLAN_COPY(p, stats)
  PLAN_COPY(p, dicts)
  PLAN_COPY(p, entries)
  plan_end(&p->w, true);
  struct plan_header *h = (void *)p->w.base;
  h->kind = CONTAINER_TORCH_ZIP;
  if (!plan_open(&p->plan, p->region, p->region_size, p->file.n, &why))
    fail_msg("the test's plan has wrong %s", why);
  return &p->plan;
}

static inline struct span plan_bench_file(const struct plan_bench *p) {
  return span_of(p->file.p, p->file.n);
}

#endif
