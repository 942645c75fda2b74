#include "container/inner.h"

static const uint8_t inner_magic[8] = {'C', 'K', 'L', 'I', 'N', 'N', 'R', '1'};
enum { ALIGNMENT = 64 }; /* as torch places storages, so that tensors of inner files lie as in files */

_Static_assert(sizeof(struct inner_file) % 8 == 0, "rows stay aligned");
_Static_assert(sizeof(struct inner_header) <= ALIGNMENT, "the first bytes follow the header");

static struct inner_header *header_of(const struct inner_writer *w) {
  return (struct inner_header *)(void *)w->base;
}

/* ---- writing ---- */

void inner_begin(struct inner_writer *w, void *region, size_t size, uint64_t bytes, uint64_t files) {
  *w = (struct inner_writer){.base = region,
                             .low = ALIGNMENT,
                             .high = size / 8 * 8,
                             .size = size,
                             .left = bytes,
                             .files_left = files};
  memcpy(header_of(w)->magic, inner_magic, sizeof inner_magic);
}

uint8_t *inner_room(const struct inner_writer *w, size_t *room) {
  size_t table = sizeof(struct inner_file) + INNER_NAME_MAX + ALIGNMENT, between = w->high - w->low;
  *room = between > table ? (size_t)min_u64(between - table, w->left) : 0;
  return w->base + w->low;
}

static bool add_row(struct inner_writer *w, struct span name, struct inner_file row) {
  name = span_first(name, INNER_NAME_MAX);
  if (w->high - w->low < name.n + sizeof row + ALIGNMENT) return false;
  row.name_at = w->low;
  row.name_n = (uint32_t)name.n;
  if (name.n) memcpy(w->base + w->low, name.p, name.n);
  w->low = (w->low + name.n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  w->high -= sizeof row;
  memcpy(w->base + w->high, &row, sizeof row);
  header_of(w)->num_files++;
  w->files_left -= min_u64(w->files_left, 1);
  return true;
}

static bool add_unpacked(struct inner_writer *w, struct span name, size_t n, bool cut) {
  uint64_t at = w->low;
  w->low += n;
  w->left -= min_u64(w->left, n);
  return add_row(w, name, (struct inner_file){.at = at, .n = n, .cut = cut});
}

bool inner_add(struct inner_writer *w, struct span name, size_t n) { return add_unpacked(w, name, n, false); }

bool inner_add_beginning(struct inner_writer *w, struct span name, size_t n) {
  return add_unpacked(w, name, n, true);
}

bool inner_add_outer(struct inner_writer *w, struct span name, uint64_t at, uint64_t n) {
  return add_row(w, name, (struct inner_file){.at = at, .n = n, .in_outer = 1});
}

void inner_count(struct inner_writer *w) {
  header_of(w)->bystanders++;
  w->files_left -= min_u64(w->files_left, 1);
}

void inner_end(struct inner_writer *w, bool complete) { header_of(w)->complete = complete; }

/* ---- reading ---- */

static bool run_inside(uint64_t at, uint64_t n, uint64_t size) { return at <= size && n <= size - at; }

bool inner_open(struct inner *t, const void *region, size_t size, uint64_t outer_size) {
  const struct inner_header *h = region;
  size = size / 8 * 8;
  if (size < ALIGNMENT || memcmp(h->magic, inner_magic, sizeof inner_magic) != 0 || h->complete > 1)
    return false;
  if (h->num_files > (size - ALIGNMENT) / sizeof(struct inner_file)) return false;
  const uint8_t *base = region;
  uint64_t rows_at = size - h->num_files * sizeof(struct inner_file);
  *t = (struct inner){.header = h, .base = base};
  t->last = (const struct inner_file *)(const void *)(base + size) - 1;
  for (uint64_t i = 0; i < h->num_files; i++) {
    const struct inner_file *f = t->last - i;
    if (f->in_outer > 1 || f->cut > 1 || f->name_n > INNER_NAME_MAX ||
        !run_inside(f->name_at, f->name_n, rows_at) ||
        !run_inside(f->at, f->n, f->in_outer ? outer_size : rows_at))
      return false;
  }
  return true;
}

struct span inner_name(const struct inner *t, uint64_t i) {
  const struct inner_file *f = t->last - i;
  return span_of(t->base + f->name_at, f->name_n);
}

struct span inner_bytes(const struct inner *t, uint64_t i, struct span outer) {
  const struct inner_file *f = t->last - i;
  return span_of((f->in_outer ? outer.p : t->base) + f->at, (size_t)f->n);
}
