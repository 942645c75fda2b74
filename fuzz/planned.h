/* A plan of tensors that a target makes up: one state dict at the root, its tensors over one stored member of
 * zeros. */
#ifndef CKPTLINT_FUZZ_PLANNED_H
#define CKPTLINT_FUZZ_PLANNED_H

#include "fuzz/fuzz.h"
#include "model/plan.h"

/* A region of PLAN_MIN_BYTES has room for all of these tensors, with names of this size. */
enum { PLANNED_TENSORS = 100, PLANNED_NAME = 200, PLANNED_DIMS = 6, PLANNED_FILE = 1 << 16 };

struct planned_tensor {
  struct span name;
  enum dtype dtype;
  uint32_t ndim;
  uint64_t sizes[PLANNED_DIMS], strides[PLANNED_DIMS], numel;
};

struct planned {
  struct planned_tensor tensors[PLANNED_TENSORS];
  uint32_t n;
  struct plan_writer writer;
  struct plan plan;
  struct span file;
  uint64_t region[PLAN_MIN_BYTES / sizeof(uint64_t)];
};

/* The next tensor, to be filled in; NULL: there are enough. */
static inline struct planned_tensor *planned_add(struct planned *p, struct span name) {
  if (p->n == PLANNED_TENSORS || name.n > PLANNED_NAME) return NULL;
  struct planned_tensor *t = &p->tensors[p->n++];
  *t = (struct planned_tensor){.name = name, .dtype = DTYPE_F32};
  return t;
}

/* Contiguous strides. False: nobody can count so many elements. */
static inline bool planned_strides(struct planned_tensor *t) {
  bool empty = false;
  t->numel = 1;
  for (uint32_t i = t->ndim; i > 0; i--) {
    t->strides[i - 1] = t->numel;
    empty = empty || t->sizes[i - 1] == 0;
    if (t->sizes[i - 1] && !try_mul(t->numel, t->sizes[i - 1], &t->numel)) return false;
    if (t->numel > INT64_MAX / 16) return false;
  }
  if (empty) t->numel = 0;
  return true;
}

static inline void *planned_row(struct planned *p, enum plan_table table, size_t size) {
  void *row = plan_row(&p->writer, table, size);
  FUZZ_CHECK(row);
  return row;
}
#define PLANNED_ROW(p, table, type) ((type *)planned_row(p, PLAN_##table, sizeof(type)))

static inline void planned_bytes(struct planned *p) {
  static uint8_t zeros[PLANNED_FILE];
  p->file = span_of(zeros, sizeof zeros);
  *PLANNED_ROW(p, members, struct plan_member) =
      (struct plan_member){.csize = sizeof zeros, .size = sizeof zeros};
  *PLANNED_ROW(p, storages, struct plan_storage) =
      (struct plan_storage){.member = 1, .dtype = DTYPE_U8, .bytes = sizeof zeros};
}

static inline void planned_values(struct planned *p) {
  *PLANNED_ROW(p, values, struct plan_value) = (struct plan_value){.kind = PLAN_VAL_DICT, .end = p->n + 1};
  for (uint32_t i = 0; i < p->n; i++)
    *PLANNED_ROW(p, values, struct plan_value) =
        (struct plan_value){.kind = PLAN_VAL_TENSOR,
                            .depth = 1,
                            .end = i + 2,
                            .number = i,
                            .key = plan_put(&p->writer, p->tensors[i].name, PLANNED_NAME)};
}

/* A tensor larger than the file is a meta tensor. */
static inline void planned_tensors(struct planned *p) {
  for (uint32_t i = 0, dims = 0; i < p->n; dims += 2 * p->tensors[i++].ndim) {
    const struct planned_tensor *t = &p->tensors[i];
    bool there = t->numel <= PLANNED_FILE / 16, quantized = dtype_table[t->dtype].cls == DT_QUANT;
    *PLANNED_ROW(p, tensors, struct plan_tensor) = (struct plan_tensor){
        .storage = there ? 1 : PLAN_NO_STORAGE,
        .first_dim = dims,
        .dtype = (uint8_t)t->dtype,
        .ndim = (uint8_t)t->ndim,
        .flags = (uint8_t)(PLAN_CONTIGUOUS | (there ? 0 : PLAN_META) | (quantized ? PLAN_QUANTIZED : 0)),
        .tied = i,
        .value = i + 1,
        .numel = t->numel};
  }
}

static inline void planned_dict(struct planned *p) {
  const struct plan_value *values = plan_row_at(&p->writer, PLAN_values, sizeof *values, 0);
  *PLANNED_ROW(p, dicts, struct plan_dict) = (struct plan_dict){.num_entries = p->n};
  for (uint32_t i = 0; i < p->n; i++)
    *PLANNED_ROW(p, entries, struct plan_entry) =
        (struct plan_entry){.name = values[i + 1].key, .tensor = i, .value = i + 1};
}

/* Tensors that can't be counted are left out. */
static inline void planned_finish(struct planned *p) {
  const char *why;
  uint32_t n = p->n;
  p->n = 0;
  for (uint32_t i = 0; i < n; i++)
    if (planned_strides(&p->tensors[i])) p->tensors[p->n++] = p->tensors[i];
  memset(p->region, 0, sizeof p->region);
  plan_begin(&p->writer, p->region, sizeof p->region);
  planned_bytes(p);
  for (uint32_t i = 0; i < p->n; i++)
    for (uint32_t k = 0; k < 2 * p->tensors[i].ndim; k++)
      *PLANNED_ROW(p, dims, uint64_t) =
          k < p->tensors[i].ndim ? p->tensors[i].sizes[k] : p->tensors[i].strides[k - p->tensors[i].ndim];
  planned_values(p);
  planned_tensors(p);
  planned_dict(p);
  plan_end(&p->writer, true);
  FUZZ_CHECK(plan_open(&p->plan, p->region, sizeof p->region, p->file.n, &why));
}

/* A word of "layer1.weight float32 4 3", and the blank behind it. */
static inline struct span planned_word(struct span *line) {
  const uint8_t *blank = line->n ? memchr(line->p, ' ', line->n) : NULL;
  struct span word = blank ? span_first(*line, (size_t)(blank - line->p)) : *line;
  *line = span_from(*line, word.n + 1);
  return word;
}

static inline void planned_read_line(struct planned *p, struct span line) {
  struct planned_tensor *t = planned_add(p, planned_word(&line));
  if (!t) return;
  enum dtype dtype = dtype_by_name(planned_word(&line));
  if (dtype != DTYPE_NONE) t->dtype = dtype;
  while (line.n && t->ndim < PLANNED_DIMS) {
    struct span word = planned_word(&line);
    uint64_t size = 0;
    for (size_t i = 0; i < min_size(word.n, 18); i++) size = size * 10 + word.p[i] % 16 % 10;
    t->sizes[t->ndim++] = size;
  }
}

/* A tensor a line; a name may be anything without blanks. */
static inline void planned_read(struct planned *p, struct span text) {
  while (text.n) {
    const uint8_t *end = memchr(text.p, '\n', text.n);
    struct span line = end ? span_first(text, (size_t)(end - text.p)) : text;
    planned_read_line(p, line);
    text = span_from(text, line.n + 1);
  }
}

#endif
