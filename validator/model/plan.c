#include "model/plan.h"

#include "container/container.h"
#include "model/policy.h"
#include "model/quantizer.h"
#include "pickle/decompile.h"

static const uint8_t plan_magic[8] = {'C', 'K', 'L', 'P', 'L', 'A', 'N', '1'};
_Static_assert(PLAN_TABLE_COUNT <= ARRAY_LEN(((struct plan_header *)0)->table),
               "the header has room for every table");

#define ROW_IS_ALIGNED(field, type) _Static_assert(sizeof(type) % 8 == 0, "rows of " #field " stay aligned");
PLAN_TABLES(ROW_IS_ALIGNED)
#undef ROW_IS_ALIGNED

static struct plan_header *header_of(const struct plan_writer *w) {
  return (struct plan_header *)(void *)w->base;
}

/* ---- writing ---- */

void plan_begin(struct plan_writer *w, void *region, size_t size) {
  *w = (struct plan_writer){
      .base = region, .cap = min_size(size, UINT32_MAX), .low = sizeof(struct plan_header)};
  w->high = w->cap;
  memcpy(header_of(w)->magic, plan_magic, sizeof plan_magic);
}

void *plan_row(struct plan_writer *w, enum plan_table table, size_t size) {
  struct plan_extent *t = &header_of(w)->table[table];
  if (!w->full) w->table = (uint8_t)table;
  if (w->full || size > w->high - w->low) {
    w->full = true;
    return NULL;
  }
  if (t->n++ == 0) t->at = w->low;
  void *row = w->base + w->low;
  w->low += size;
  return row;
}

void *plan_row_at(struct plan_writer *w, enum plan_table table, size_t size, uint32_t i) {
  return w->base + header_of(w)->table[table].at + (size_t)i * size;
}

uint32_t plan_rows(const struct plan_writer *w, enum plan_table table) {
  return (uint32_t)header_of(w)->table[table].n;
}

struct plan_text plan_put(struct plan_writer *w, struct span text, size_t max) {
  size_t n = min_size(text.n, max);
  if (w->full || n > w->high - w->low) {
    w->full = true;
    return (struct plan_text){0, 0};
  }
  w->high -= n;
  if (n) memcpy(w->base + w->high, text.p, n);
  return (struct plan_text){(uint32_t)w->high, (uint32_t)n};
}

/* A table that was cut drops out with all behind it, and with those before it that refer to its rows;
 * instructions and lines are referred to by nobody and stand alone. */
void plan_settle(struct plan_writer *w) {
  enum plan_table from = (enum plan_table)w->table;
  if (!w->full || from >= PLAN_insns) return;
  if (from == PLAN_tensors) from = PLAN_values;
  if (from == PLAN_entries) from = PLAN_dicts;
  for (uint32_t t = from; t < PLAN_TABLE_COUNT; t++) header_of(w)->table[t].n = 0;
}

void plan_end(struct plan_writer *w, bool complete) {
  struct plan_header *h = header_of(w);
  h->text_at = w->high;
  h->text_bytes = w->cap - w->high;
  h->complete = complete && !w->full;
}

/* ---- reading ---- */

static void attach(struct plan *p, const uint8_t *base) {
  p->header = (const struct plan_header *)(const void *)base;
  p->text = base; /* texts are offsets in the region */
#define ATTACH(field, type)                                                          \
  p->field = (const type *)(const void *)(base + p->header->table[PLAN_##field].at); \
  p->num_##field = (uint32_t)p->header->table[PLAN_##field].n;
  PLAN_TABLES(ATTACH)
#undef ATTACH
}

void plan_peek(struct plan *p, const struct plan_writer *w) {
  *p = (struct plan){.text_bytes = w->cap};
  attach(p, w->base);
}

static bool text_ok(const struct plan *p, struct plan_text t) {
  return t.n == 0 || (t.at >= p->header->text_at && t.at - p->header->text_at <= p->header->text_bytes &&
                      t.n <= p->header->text_bytes - (t.at - p->header->text_at));
}

/* What readers compare, hash or print whole is as long as a writer makes it: rows may have their texts in
 * common, so that the pool alone would be no bound. */
enum { NAME_BYTES = 4096, PLACE_BYTES = 128 };

static bool name_ok(const struct plan *p, struct plan_text t) { return t.n <= NAME_BYTES && text_ok(p, t); }

static bool extent_ok(const struct plan_header *h, size_t size, enum plan_table table, size_t row) {
  const struct plan_extent *t = &h->table[table];
  uint64_t bytes;
  if (t->n == 0) return t->at <= size; /* a pointer is made of it all the same */
  return t->at >= sizeof *h && t->at % 8 == 0 && t->n < UINT32_MAX && try_mul(t->n, (uint64_t)row, &bytes) &&
         t->at <= size && bytes <= size - t->at;
}

static bool members_ok(const struct plan *p, uint64_t file_size) {
  for (uint32_t i = 0; i < p->num_members; i++) {
    const struct plan_member *m = &p->members[i];
    if (!name_ok(p, m->name) || m->data_at > file_size || m->csize > file_size - m->data_at) return false;
  }
  return true;
}

static bool globals_ok(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_globals; i++) {
    const struct plan_global *g = &p->globals[i];
    if (!name_ok(p, g->module) || !name_ok(p, g->name) || !name_ok(p, g->codes) || g->cls >= GLOBAL_CLASSES ||
        g->uses > USED_ALL || g->member > p->num_members)
      return false;
  }
  return true;
}

static bool storages_ok(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_storages; i++) {
    const struct plan_storage *s = &p->storages[i];
    if (!name_ok(p, s->key) || s->location.n > PLACE_BYTES || !name_ok(p, s->location) ||
        s->dtype == DTYPE_NONE || s->dtype >= DTYPE_COUNT)
      return false;
    if (s->member > p->num_members || (s->member == 0 && s->bytes != 0)) return false;
    if (s->member == 0) continue;
    const struct plan_member *m = &p->members[s->member - 1];
    if (m->method != METHOD_STORED && m->method != METHOD_DEFLATED) return false;
    if (m->spelling >= SPELLINGS) return false;
    if (m->spelling && (m->method != METHOD_STORED || m->size > m->csize)) return false;
    if (m->method == METHOD_STORED && !m->spelling && m->size != m->csize) return false;
    uint64_t room = m->size;
    if (s->at > room || s->bytes > room - s->at) return false;
  }
  return true;
}

static bool numel_ok(const struct plan_tensor *t, const uint64_t *size) {
  uint64_t numel = 1;
  bool empty = false;
  for (uint32_t i = 0; i < t->ndim; i++) {
    if (size[i] == 0)
      empty = true;
    else if (!try_mul(numel, size[i], &numel))
      return false;
  }
  return t->numel == (empty ? 0 : numel);
}

/* offset + Σ (size - 1) * stride inside the storage, as tensor/view.h proves it: done again, on what the
 * worker says. What touches nothing may have any strides. */
static bool tensor_inside(const struct plan *p, const struct plan_tensor *t, const uint64_t *size,
                          const uint64_t *stride) {
  uint64_t last = t->offset, reach;
  if (t->numel == 0 || t->storage == PLAN_NO_STORAGE) return true;
  for (uint32_t i = 0; i < t->ndim; i++)
    if (!try_mul(size[i] - 1, stride[i], &reach) || !try_add(last, reach, &last)) return false;
  return last < dtype_elements_in((enum dtype)t->dtype, p->storages[t->storage - 1].bytes);
}

/* Readers take the whole run of a contiguous tensor at once. */
static bool rows_follow(const struct plan_tensor *t, const uint64_t *size, const uint64_t *stride) {
  uint64_t expected = 1;
  for (uint32_t i = t->ndim; t->numel && i > 0; i--) {
    if (size[i - 1] == 1) continue;
    if (stride[i - 1] != expected) return false;
    expected *= size[i - 1]; /* at most numel */
  }
  return true;
}

/* Readers believe the flags: they choose how bytes are read, or that they are not. */
static bool flags_ok(const struct plan_tensor *t, const uint64_t *size, const uint64_t *stride) {
  bool no_bytes = t->flags & (PLAN_META | PLAN_UNPROVED | PLAN_SPARSE), sparse = t->flags & PLAN_SPARSE;
  bool quantized = t->flags & PLAN_QUANTIZED;
  return (!(t->flags & PLAN_CONTIGUOUS) || rows_follow(t, size, stride)) &&
         !(no_bytes && t->storage != PLAN_NO_STORAGE) &&
         quantized == (dtype_table[t->dtype].cls == DT_QUANT) && t->layout < LAYOUT_COUNT &&
         sparse == (t->layout != LAYOUT_STRIDED);
}

static bool tensors_ok(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_tensors; i++) {
    const struct plan_tensor *t = &p->tensors[i];
    if (!name_ok(p, t->key) || !name_ok(p, t->state_key) || t->dtype == DTYPE_NONE || t->dtype >= DTYPE_COUNT)
      return false;
    if (t->ndim > 64 || t->first_dim > p->num_dims || 2 * t->ndim > p->num_dims - t->first_dim) return false;
    if (t->storage > p->num_storages || t->tied > i || t->value >= p->num_values) return false;
    const uint64_t *size = &p->dims[t->first_dim], *stride = size + t->ndim;
    if (!numel_ok(t, size) || !tensor_inside(p, t, size, stride) || !flags_ok(t, size, stride)) return false;
  }
  return true;
}

static bool value_number_ok(const struct plan *p, const struct plan_value *v) {
  if (v->kind == PLAN_VAL_TENSOR) return v->number >= 0 && v->number < (int64_t)p->num_tensors;
  if (v->kind == PLAN_VAL_STORAGE) return v->number > 0 && v->number <= (int64_t)p->num_storages;
  if (v->kind == PLAN_VAL_SHARED)
    return v->number >= 0 && v->number < (int64_t)p->num_values &&
           p->values[v->number].kind != PLAN_VAL_SHARED;
  return true;
}

/* Preorder: the parent of a row is the innermost of the rows before it that have not ended, and encloses it.
 */
static bool in_preorder(const struct plan *p, uint32_t i) {
  const struct plan_value *v = &p->values[i];
  if (i == 0) return v->parent == 0 && v->depth == 0 && v->end == p->num_values;
  uint32_t parent = i - 1;
  while (p->values[parent].end <= i) parent = p->values[parent].parent; /* the root ends behind all */
  return v->parent == parent && v->end <= p->values[parent].end && v->depth == p->values[parent].depth + 1;
}

static bool values_ok(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_values; i++) {
    const struct plan_value *v = &p->values[i];
    if (v->kind >= PLAN_VAL_KINDS || !name_ok(p, v->key) || !text_ok(p, v->text) || !name_ok(p, v->cls))
      return false;
    if (v->end <= i || v->end > p->num_values || !value_number_ok(p, v) || !in_preorder(p, i)) return false;
  }
  return true;
}

static bool dicts_ok(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_dicts; i++) {
    const struct plan_dict *d = &p->dicts[i];
    if (!name_ok(p, d->path) || d->joined > 1 || d->value >= p->num_values ||
        d->first_entry > p->num_entries || d->num_entries > p->num_entries - d->first_entry)
      return false;
  }
  for (uint32_t i = 0; i < p->num_entries; i++) {
    const struct plan_entry *e = &p->entries[i];
    if (!name_ok(p, e->name) || e->value >= p->num_values ||
        (e->tensor != UINT32_MAX && e->tensor >= p->num_tensors))
      return false;
  }
  return true;
}

static bool insns_ok(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_insns; i++)
    if (!name_ok(p, p->insns[i].text) || p->insns[i].opcode > 255 || p->insns[i].member > p->num_members)
      return false;
  return true;
}

static bool lines_ok(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_lines; i++) {
    const struct plan_line *l = &p->lines[i];
    if (!text_ok(p, l->code) || !text_ok(p, l->comment) || l->kind >= STATEMENT_KINDS ||
        l->reason >= OBS_COUNT || l->member > p->num_members)
      return false;
  }
  return true;
}

bool plan_open(struct plan *p, const void *region, size_t size, uint64_t file_size, const char **why) {
  const struct plan_header *h = region;
  size = min_size(size, UINT32_MAX);
  *why = "header";
  if (size < sizeof *h || memcmp(h->magic, plan_magic, sizeof plan_magic) != 0 || h->kind >= CONTAINER_KINDS)
    return false;
  *why = "text pool";
  if (h->text_at < sizeof *h || h->text_at > size || h->text_bytes > size - h->text_at) return false;
  *why = "table extents";
#define CHECK_EXTENT(field, type) \
  if (!extent_ok(h, size, PLAN_##field, sizeof(type))) return false;
  PLAN_TABLES(CHECK_EXTENT)
#undef CHECK_EXTENT
  *p = (struct plan){.text_bytes = size};
  attach(p, region);
  static const char *const names[] = {"members", "globals", "storages",     "values", "tensors",
                                      "stats",   "dicts",   "instructions", "lines",  "quantizers"};
  bool ok[ARRAY_LEN(names)] = {members_ok(p, file_size), globals_ok(p)};
  ok[2] = ok[0] && storages_ok(p);
  ok[3] = values_ok(p);
  ok[4] = ok[2] && tensors_ok(p);
  ok[5] = p->num_stats == 0 || p->num_stats == p->num_tensors;
  ok[6] = dicts_ok(p);
  ok[7] = insns_ok(p);
  ok[8] = lines_ok(p);
  ok[9] = ok[3] && ok[4] && quantizers_ok(p);
  for (size_t i = 0; i < ARRAY_LEN(ok); i++) {
    *why = names[i];
    if (!ok[i]) return false;
  }
  return true;
}

uint32_t plan_resolve(const struct plan *p, uint32_t i) {
  return i < p->num_values && p->values[i].kind == PLAN_VAL_SHARED ? (uint32_t)p->values[i].number : i;
}

uint32_t plan_child(const struct plan *p, uint32_t i, struct span key) {
  i = plan_resolve(p, i);
  if (i >= p->num_values) return UINT32_MAX;
  for (uint32_t c = i + 1; c < p->values[i].end; c = p->values[c].end)
    if (span_eq(plan_span(p, p->values[c].key), key)) return c;
  return UINT32_MAX;
}

uint32_t plan_find(const struct plan *p, struct span path) {
  uint32_t i = p->num_values ? 0 : UINT32_MAX;
  while (path.n && i != UINT32_MAX) {
    const uint8_t *slash = memchr(path.p, '/', path.n);
    struct span key = slash ? span_first(path, (size_t)(slash - path.p)) : path;
    i = plan_child(p, i, key);
    path = span_from(path, slash ? key.n + 1 : key.n);
  }
  return i;
}

const struct plan_dict *plan_dict_at(const struct plan *p, struct span path) {
  for (uint32_t i = 0; i < p->num_dicts; i++)
    if (span_eq(plan_span(p, p->dicts[i].path), path)) return &p->dicts[i];
  return NULL;
}
