/* Names that the program imports: the Python 2 → 3 mapping, and each distinct pair once. */
#include "pickle/op.h"

/* ---- the mapping ---- */

struct name_row {
  const char *module, *name; /* name is NULL in the rows of modules */
  const char *mapped_module, *mapped_name;
};

static const struct name_row pair_rows[] = {
#define PAIR(module, name, mapped_module, mapped_name) {module, name, mapped_module, mapped_name},
#define MODULE(module, mapped_module)
#include "pickle/names.def"
#undef PAIR
#undef MODULE
};
static const struct name_row module_rows[] = {
#define PAIR(module, name, mapped_module, mapped_name)
#define MODULE(module, mapped_module) {module, NULL, mapped_module, NULL},
#include "pickle/names.def"
#undef PAIR
#undef MODULE
};

static int compare(const struct name_row *row, struct span module, struct span name) {
  int c = span_cmp(span_str(row->module), module);
  return c || !row->name ? c : span_cmp(span_str(row->name), name);
}

static const struct name_row *bisect(const struct name_row *rows, size_t n, struct span module,
                                     struct span name) {
  size_t low = 0, high = n;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    int c = compare(&rows[mid], module, name);
    if (c == 0) return &rows[mid];
    if (c < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return NULL;
}

/* The Python 3 name of a Python 2 one, as find_class of _pickle.c has it: first the pair, then the module
 * alone. False: there is none, and both stay as they are. */
static bool map_name(struct span module, struct span name, struct span *mapped_module,
                     struct span *mapped_name) {
  const struct name_row *row = bisect(pair_rows, ARRAY_LEN(pair_rows), module, name);
  if (!row) row = bisect(module_rows, ARRAY_LEN(module_rows), module, name);
  *mapped_module = row ? span_str(row->mapped_module) : module;
  *mapped_name = row && row->mapped_name ? span_str(row->mapped_name) : name;
  return row != NULL;
}

/* ---- spelling ---- */

enum { LONG_NAME = 512 };

static bool is_letter(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/* ASCII identifiers joined by dots. Other letters are identifiers in Python too, but no framework uses them:
 * homoglyphs do. Nor are names this long. */
static bool is_plain(struct span name) {
  bool at_start = true;
  if (name.n > LONG_NAME) return false;
  for (size_t i = 0; i < name.n; i++) {
    uint8_t c = name.p[i];
    bool dot = c == '.' && !at_start;
    if (!dot && !is_letter(c) && (at_start || c < '0' || c > '9')) return false;
    at_start = dot;
  }
  return !at_start;
}

/* ---- each distinct pair once ---- */

/* STACK_GLOBAL can fetch the same megabyte from the memo again and again: long names are compared by place.
 */
static bool same_text(struct span a, struct span b) {
  return a.n == b.n && (a.p == b.p || (a.n <= LONG_NAME && span_eq(a, b)));
}

static bool same_global(const struct global *a, const struct global *b) {
  return a->was_mapped == b->was_mapped && a->computed == b->computed && same_text(a->module, b->module) &&
         same_text(a->name, b->name);
}

static void hash_text(struct siphash *h, struct span text) {
  if (text.n <= LONG_NAME)
    siphash_bytes(h, text);
  else
    siphash_u64(h, (uintptr_t)text.p);
}

static uint32_t hash_global(const struct machine *m, const struct global *g) {
  struct siphash h;
  siphash_init(&h, m->hash_seed);
  siphash_u64(&h, (uint64_t)g->module.n << 2 | (uint64_t)g->was_mapped << 1 | g->computed);
  hash_text(&h, g->module);
  hash_text(&h, g->name);
  return siphash_end32(&h);
}

/* Number of the pair in m->globals, or 0. */
static uint32_t find(const struct machine *m, const struct global *g, uint32_t hash) {
  uint32_t i = hash_find(&m->names->hash, hash, 0);
  while (i && !same_global(&m->globals.p[i - 1], g)) i = hash_find(&m->names->hash, hash, i);
  return i;
}

static uint32_t add(struct machine *m, const struct global *g, uint32_t hash, const struct arg *arg) {
  struct global *place = vec_push(m->arena, &m->globals, UINT32_MAX);
  if (!place || !hash_add(m->arena, &m->names->hash, hash, UINT32_MAX)) {
    refuse_memory(m);
    return 0;
  }
  *place = *g;
  place->first_at = arg->at;
  place->dotted = g->name.n && memchr(g->name.p, '.', min_size(g->name.n, LONG_NAME));
  place->odd = g->computed || !is_plain(g->module) || !is_plain(g->name);
  if (m->hooks.global)
    place->tag = m->hooks.global(m->hooks.ctx, m, place); /* m is const there: place stays */
  return m->globals.n;
}

val_id new_global(struct machine *m, struct span module, struct span name, bool computed,
                  const struct arg *arg) {
  struct global g = {
      .module = module, .name = name, .mapped_module = module, .mapped_name = name, .computed = computed};
  if (m->proto < 3) g.was_mapped = map_name(module, name, &g.mapped_module, &g.mapped_name);
  uint32_t hash = hash_global(m, &g), number = find(m, &g, hash);
  if (number == 0) number = add(m, &g, hash, arg);
  val_id v = number ? new_value(m, VAL_GLOBAL, arg->at) : 0;
  if (v == 0) return 0;
  m->globals.p[number - 1].count++;
  m->values.p[v].ref = number - 1;
  return v;
}
