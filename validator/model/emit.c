/* Writes what was built as the plan: tables in the order of plan.h. */
#include "model/checkpoint.h"

enum { NAME_BYTES = 4096 };

/* A directory that was not read to its end may claim places outside the file: those are left out. */
static void put_members(struct checkpoint *cp, struct plan_writer *w) {
  for (uint32_t i = 0; i < cp->container->num_members; i++) {
    const struct member *m = &cp->container->members[i];
    bool inside = m->data_at <= cp->container->file.n && m->csize <= cp->container->file.n - m->data_at;
    struct plan_member *row = plan_row(w, PLAN_members, sizeof *row);
    if (!row) return;
    *row = (struct plan_member){.name = plan_put(w, m->name, NAME_BYTES),
                                .header_at = m->header_at,
                                .data_at = inside ? m->data_at : 0,
                                .csize = inside ? m->csize : 0,
                                .size = m->size,
                                .crc = m->crc,
                                .method = m->method,
                                .crc_known = m->crc_known,
                                .used = m->used,
                                .spelling = m->spelling};
  }
}

static bool is_numpy_dtype(const struct global_row *row) { return row && row->builder == BUILD_NP_DTYPE; }

static void put_globals(struct checkpoint *cp, struct plan_writer *w, const struct machine *m) {
  const uint32_t *uses = global_uses(cp, m);
  for (uint32_t i = 0; i < m->globals.n; i++) {
    const struct global *g = &m->globals.p[i];
    const struct global_row *known = row_of_global(cp, g);
    struct plan_global *row = plan_row(w, PLAN_globals, sizeof *row);
    if (!row) return;
    *row = (struct plan_global){
        .module = plan_put(w, g->mapped_module, 1024),
        .name = plan_put(w, g->mapped_name, 1024),
        .codes = is_numpy_dtype(known) ? plan_put(w, numpy_codes(cp, m), 256) : (struct plan_text){0},
        .uses = (uint16_t)(uses ? uses[i] : 0),
        .first_at = g->first_at,
        .count = g->count,
        .member = m->member,
        .cls = (uint16_t)(known ? known->cls : GLOBAL_UNKNOWN)};
  }
}

/* The key of a record stands in the pool already: it is the end of its member's name. */
static struct plan_text put_key(struct checkpoint *cp, struct plan_writer *w, const struct storage_fact *s) {
  if (s->member && span_ends(cp->container->members[s->member - 1].name, s->key)) {
    const struct plan_member *m = plan_row_at(w, PLAN_members, sizeof *m, s->member - 1);
    if (m->name.n < NAME_BYTES)
      return (struct plan_text){m->name.at + m->name.n - (uint32_t)s->key.n, (uint32_t)s->key.n};
  }
  return plan_put(w, s->key, 128);
}

/* Most storages are where the one before them is. */
static void put_storages(struct checkpoint *cp, struct plan_writer *w) {
  struct plan_text location = {0, 0};
  for (uint32_t i = 0; i < cp->storages.n; i++) {
    const struct storage_fact *s = &cp->storages.p[i];
    struct plan_storage *row = plan_row(w, PLAN_storages, sizeof *row);
    if (!row) return;
    if (i == 0 || !span_eq(s->location, cp->storages.p[i - 1].location))
      location = plan_put(w, s->location, 128);
    *row = (struct plan_storage){.key = put_key(cp, w, s),
                                 .location = location,
                                 .member = s->member,
                                 .dtype = (uint8_t)s->dtype,
                                 .at = s->at,
                                 .bytes = s->member ? s->bytes : 0,
                                 .big_endian = s->big_endian};
  }
}

static void put_dims(struct checkpoint *cp, struct plan_writer *w) {
  for (uint32_t i = 0; i < cp->dims.n; i++) {
    uint64_t *row = plan_row(w, PLAN_dims, sizeof *row);
    if (!row) return;
    *row = cp->dims.p[i];
  }
}

static bool same_view(const struct checkpoint *cp, const struct tensor_fact *x, const struct tensor_fact *y) {
  if (x->storage != y->storage || x->offset != y->offset || x->ndim != y->ndim || x->dtype != y->dtype)
    return false;
  return x->ndim == 0 ||
         memcmp(&cp->dims.p[x->first_dim], &cp->dims.p[y->first_dim], sizeof(uint64_t) * 2 * x->ndim) == 0;
}

static uint32_t hash_view(const struct checkpoint *cp, const struct tensor_fact *t) {
  struct siphash h;
  siphash_init(&h, cp->hash_seed);
  siphash_u64(&h, (uint64_t)t->storage << 32 | (uint64_t)t->dtype << 8 | t->ndim);
  siphash_u64(&h, t->offset);
  for (uint32_t i = 0; i < 2u * t->ndim; i++) siphash_u64(&h, cp->dims.p[t->first_dim + i]);
  return siphash_end32(&h);
}

/* Which tensors are the same view of the same storage. Most storages have one tensor: the first of each
 * stands here by its storage, and only the views of the others are hashed. */
struct ties {
  const struct tensor_paths *tensors;
  uint32_t *first; /* by storage: 1 + its first tensor */
  struct hash_index views;
  VEC(uint32_t) hashed; /* tensors, by the numbers of `views` */
};

static const struct tensor_fact *fact_of(const struct checkpoint *cp, const struct ties *x, uint32_t tensor) {
  return &cp->tensors.p[x->tensors->p[tensor].fact];
}

/* The first tensor that i is another name of, or i. False: the budget is spent. */
static bool tie(struct checkpoint *cp, struct ties *x, uint32_t i, uint32_t *tied) {
  const struct tensor_fact *t = fact_of(cp, x, i);
  *tied = i;
  if (!t->storage) return true;
  uint32_t *first = &x->first[t->storage];
  if (*first == 0) *first = i + 1;
  *tied = *first - 1;
  if (same_view(cp, fact_of(cp, x, *tied), t)) return true;
  uint32_t hash = hash_view(cp, t), found = hash_find(&x->views, hash, 0);
  // NOLINTBEGIN(clang-analyzer-core.NullDereference): what is found was hashed
  while (found && !same_view(cp, fact_of(cp, x, x->hashed.p[found - 1]), t))
    found = hash_find(&x->views, hash, found);
  *tied = found ? x->hashed.p[found - 1] : i;
  // NOLINTEND(clang-analyzer-core.NullDereference)
  if (found) return true;
  uint32_t *slot = vec_push(cp->arena, &x->hashed, UINT32_MAX);
  if (slot) *slot = i;
  return slot && hash_add(cp->arena, &x->views, hash, UINT32_MAX);
}

static bool put_tensors(struct checkpoint *cp, struct plan_writer *w, const struct tensor_paths *tensors) {
  struct ties ties = {.tensors = tensors,
                      .first = arena_array(cp->arena, (size_t)cp->storages.n + 1, uint32_t)};
  for (uint32_t i = 0; i < tensors->n; i++) {
    const struct tensor_path *path = &tensors->p[i];
    const struct tensor_fact *t = &cp->tensors.p[path->fact];
    struct plan_tensor *row = plan_row(w, PLAN_tensors, sizeof *row);
    bool absent = t->storage && cp->storages.p[t->storage - 1].member == 0;
    uint32_t tied;
    const struct sparse_fact *sparse = t->flags & PLAN_SPARSE ? &cp->sparse.p[t->sparse - 1] : NULL;
    if (!row || !ties.first || !tie(cp, &ties, i, &tied)) return false;
    *row = (struct plan_tensor){.key = path->key,
                                .storage = absent ? PLAN_NO_STORAGE : t->storage,
                                .first_dim = t->first_dim,
                                .tied = tied,
                                .value = path->value,
                                .at = t->at,
                                .dtype = t->dtype,
                                .ndim = t->ndim,
                                .flags = (uint8_t)(t->flags | (absent ? PLAN_UNPROVED : 0)),
                                .layout = sparse ? sparse->layout : (uint8_t)LAYOUT_STRIDED,
                                .offset = sparse ? sparse->nnz : t->offset,
                                .numel = t->numel};
  }
  return true;
}

static void put_stats(struct plan_writer *w, const struct tensor_paths *tensors,
                      const struct tensor_stats *stats) {
  for (uint32_t i = 0; stats && i < tensors->n; i++) {
    const struct tensor_stats *s = &stats[tensors->p[i].fact];
    struct plan_stats *row = plan_row(w, PLAN_stats, sizeof *row);
    if (!row) return;
    *row = (struct plan_stats){.done = s->done,
                               .hashed = s->hashed,
                               .count = s->count,
                               .nan_count = s->nan_count,
                               .inf_count = s->inf_count,
                               .zero_count = s->zero_count,
                               .subnormal_count = s->subnormal_count,
                               .zero_rows = s->zero_rows,
                               .finite = s->finite,
                               .min = s->min,
                               .max = s->max,
                               .mean = s->mean,
                               .absmax = s->absmax,
                               .std = s->std};
    _Static_assert(sizeof row->bars == sizeof s->bars, "one histogram");
    memcpy(row->bars, s->bars, sizeof row->bars);
    memcpy(row->sha256, s->sha256, sizeof row->sha256);
  }
}

/* What hangs on the values; false when some of it is missing. Where a table is full, later ones name rows
 * that are not there, and the search for state dicts would follow them. */
static bool put_values(struct checkpoint *cp, struct plan_writer *w, const struct tensor_stats *stats) {
  struct tensor_paths tensors = {.n = 0};
  bool whole = plan_emit_values(cp, w, &tensors);
  whole = put_tensors(cp, w, &tensors) && whole;
  put_stats(w, &tensors, stats);
  return !w->full && plan_emit_dicts(cp, w) && whole;
}

/* Not all of it is there, because the region is full, or there is no memory for the walk. */
static void note_cut(const struct checkpoint *cp, const struct plan_writer *w) {
  struct observation what = {.kind = OBS_LIMIT_PLAN, .got = plan_rows(w, PLAN_values), .want = w->cap};
  if (cp->arena->exhausted && !w->full)
    what = (struct observation){.kind = OBS_LIMIT_MEMORY, .got = cp->arena->used, .want = cp->arena->budget};
  observe(cp->obs, what);
}

bool plan_emit(struct checkpoint *cp, struct plan_writer *w, const struct tensor_stats *stats,
               unsigned program_views) {
  struct plan_header *h = (struct plan_header *)(void *)w->base;
  h->kind = cp->container->kind;
  h->num_ops = cp->num_ops;
  h->protocol = cp->programs.n ? cp->programs.p[0]->machine.proto : 0;
  put_members(cp, w);
  for (uint32_t i = 0; i < cp->programs.n; i++) put_globals(cp, w, &cp->programs.p[i]->machine);
  put_storages(cp, w);
  put_dims(cp, w);
  bool whole = put_values(cp, w, stats);
  if (program_views & WITH_INSNS) plan_emit_insns(cp, w);
  if (program_views & WITH_LINES) plan_emit_lines(cp, w);
  whole = whole && !w->full;
  if (!whole) note_cut(cp, w);
  plan_settle(w);
  return whole;
}
