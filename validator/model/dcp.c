/* The chunks of a distributed checkpoint against the tensors that its metadata lists. */
#include "model/dcp.h"

#include "model/plan_merge.h"

enum { GROUP_BYTES = 1024 };

struct box {
  uint64_t offsets[MAX_DIMS], sizes[MAX_DIMS];
  const struct dcp_slice *slice; /* NULL: not there */
};
struct tensor_claim {
  struct span fqn;
  enum dtype dtype;
  uint32_t ndim;
  uint64_t sizes[MAX_DIMS], numel;
};
struct merging {
  struct dcp *d;
  struct hash_index index; /* of d.slices */
  uint8_t *used;           /* by slice */
  uint64_t steps;          /* comparisons of chunks that are left */
  VEC(struct box) boxes;   /* of the tensor that is looked at */
  VEC(struct merge_part) parts;
};

/* ---- slices by name and place ---- */

static uint32_t hash_place(const struct merging *m, struct span fqn, uint32_t ndim, const uint64_t *offsets) {
  struct siphash h;
  siphash_init(&h, m->d->f->hash_seed);
  siphash_bytes(&h, fqn);
  for (uint32_t i = 0; i < ndim; i++) siphash_u64(&h, offsets[i]);
  return siphash_end32(&h);
}

/* The number of the slice of that name and place behind number `after` (from 1; 0: the first), or 0. */
static uint32_t next_slice(const struct merging *m, const struct dcp_slice *want, uint32_t after) {
  uint32_t hash = hash_place(m, want->fqn, want->ndim, want->offsets), n = after;
  while ((n = hash_find(&m->index, hash, n)) != 0) {
    const struct dcp_slice *s = &m->d->slices.p[n - 1];
    bool same = span_eq(s->fqn, want->fqn) && s->has_offsets == want->has_offsets && s->ndim == want->ndim;
    if (same && (s->ndim == 0 || memcmp(s->offsets, want->offsets, s->ndim * sizeof *s->offsets) == 0))
      return n;
  }
  return 0;
}

/* A MetadataIndex that equals another, whatever its `index` is, is one key to a loader. */
static bool index_slices(struct merging *m) {
  m->used = arena_array(m->d->f->arena, m->d->slices.n, uint8_t);
  for (uint32_t i = 0; m->used && i < m->d->slices.n; i++) {
    const struct dcp_slice *s = &m->d->slices.p[i];
    if (next_slice(m, s, 0)) {
      dcp_note(m->d, OBS_DCP_TWICE, s->fqn, SPAN(""), 0, 0);
      m->used[i] = 1;
    }
    if (!hash_add(m->d->f->arena, &m->index, hash_place(m, s->fqn, s->ndim, s->offsets), UINT32_MAX))
      return false;
  }
  return m->used != NULL;
}

static const struct dcp_slice *find_slice(struct merging *m, const struct dcp_slice *want) {
  uint32_t n = next_slice(m, want, 0);
  if (n) {
    m->used[n - 1] = 1;
    return &m->d->slices.p[n - 1];
  }
  if (!m->d->left_out) dcp_note(m->d, OBS_DCP_NO_PLACE, want->fqn, SPAN(""), 0, 0);
  return NULL;
}

/* What the scan of a slice said; NULL: it was not read to its end, which it said itself. */
static const struct plan *scanned(struct merging *m, const struct dcp_slice *s) {
  const struct plan *p = s ? s->plan : NULL;
  if (!p) m->d->whole = false;
  return p;
}

/* ---- a tensor ---- */

static bool read_claim(struct merging *m, uint32_t row, struct tensor_claim *t) {
  const struct plan *p = m->d->p;
  uint32_t properties = plan_resolve(p, dcp_field(p, row, "properties"));
  uint32_t dtype = properties == UINT32_MAX ? properties : dcp_field(p, properties, "0");
  if (dtype == UINT32_MAX || p->values[dtype].kind != PLAN_VAL_DTYPE) return false;
  t->dtype = dtype_by_name(plan_span(p, p->values[dtype].text));
  t->numel = 1;
  if (t->dtype == DTYPE_NONE || !dcp_sizes(p, dcp_field(p, row, "size"), t->sizes, &t->ndim)) return false;
  bool empty = false;
  for (uint32_t i = 0; i < t->ndim; i++) {
    empty = empty || t->sizes[i] == 0;
    if (t->sizes[i] && !try_mul(t->numel, t->sizes[i], &t->numel)) return false;
  }
  if (empty) t->numel = 0;
  return t->numel <= INT64_MAX;
}

static bool box_inside(const struct tensor_claim *t, const struct box *b) {
  for (uint32_t i = 0; i < t->ndim; i++)
    if (b->offsets[i] > t->sizes[i] || b->sizes[i] > t->sizes[i] - b->offsets[i]) return false;
  return true;
}

static uint64_t box_numel(const struct tensor_claim *t, const struct box *b) {
  uint64_t n = 1; /* at most the tensor's */
  for (uint32_t i = 0; i < t->ndim; i++) n *= b->sizes[i];
  return n;
}

static bool boxes_meet(const struct tensor_claim *t, const struct box *a, const struct box *b) {
  for (uint32_t i = 0; i < t->ndim; i++)
    if (a->offsets[i] >= b->offsets[i] + b->sizes[i] || b->offsets[i] >= a->offsets[i] + a->sizes[i])
      return false;
  return true;
}

/* The bytes of a chunk are a tensor of its sizes. */
static bool check_chunk(struct merging *m, const struct tensor_claim *t, const struct box *b) {
  const struct plan *p = scanned(m, b->slice);
  if (!p) return false;
  const struct plan_tensor *have = p->values->kind == PLAN_VAL_TENSOR ? &p->tensors[p->values->number] : NULL;
  bool same = have && have->dtype == t->dtype && have->ndim == t->ndim &&
              (t->ndim == 0 || memcmp(&p->dims[have->first_dim], b->sizes, t->ndim * sizeof *b->sizes) == 0);
  if (!same) dcp_note(m->d, OBS_DCP_CHUNK, t->fqn, b->slice->name, 0, 0);
  return same;
}

static bool read_boxes(struct merging *m, const struct tensor_claim *t, uint32_t list) {
  const struct plan *p = m->d->p;
  m->boxes.n = 0;
  if (list == UINT32_MAX || p->values[list].kind != PLAN_VAL_LIST) return false;
  for (uint32_t c = list + 1; c < p->values[list].end; c = p->values[c].end) {
    struct box *b = vec_push(m->d->f->arena, &m->boxes, UINT32_MAX);
    uint32_t places, sizes;
    if (!b || !dcp_is_record(p, c) || !dcp_sizes(p, dcp_field(p, c, "offsets"), b->offsets, &places) ||
        !dcp_sizes(p, dcp_field(p, c, "sizes"), b->sizes, &sizes) || places != t->ndim || sizes != t->ndim)
      return false;
    b->slice = NULL;
  }
  return true;
}

static int by_offset(const void *a, const void *b) {
  const struct box *x = *(const struct box *const *)a, *y = *(const struct box *const *)b;
  if (x->offsets[0] != y->offsets[0]) return x->offsets[0] < y->offsets[0] ? -1 : 1;
  return (x > y) - (x < y);
}

/* Chunks in the order of their first offset, so that each is compared only with those that begin before it
 * ends. */
static bool check_apart(struct merging *m, const struct tensor_claim *t) {
  const struct box **sorted = arena_array(m->d->f->arena, m->boxes.n, const struct box *), *all = m->boxes.p;
  if (!sorted) return false;
  for (uint32_t i = 0; i < m->boxes.n; i++) sorted[i] = &all[i];
  if (m->boxes.n && t->ndim) qsort(sorted, m->boxes.n, sizeof *sorted, by_offset);
  for (uint32_t i = 0; i < m->boxes.n; i++) {
    const struct box *b = sorted[i];
    for (uint32_t k = i + 1; k < m->boxes.n && box_numel(t, b); k++) {
      if (t->ndim && sorted[k]->offsets[0] >= b->offsets[0] + b->sizes[0]) break;
      if (m->steps == 0) {
        dcp_note(m->d, OBS_DCP_STEPS, t->fqn, SPAN(""), m->boxes.n, m->d->f->max->call_steps);
        return false;
      }
      m->steps--;
      if (!boxes_meet(t, b, sorted[k]) || box_numel(t, sorted[k]) == 0) continue;
      dcp_note(m->d, OBS_DCP_MEET, t->fqn, SPAN(""), (uint64_t)(sorted[k] - all), (uint64_t)(b - all));
      return false;
    }
  }
  return true;
}

/* Do the chunks fill the tensor, each element once? */
static bool check_tiling(struct merging *m, const struct tensor_claim *t) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < m->boxes.n; i++) {
    const struct box *b = &m->boxes.p[i];
    if (!box_inside(t, b)) {
      dcp_note(m->d, OBS_DCP_OUTSIDE, t->fqn, SPAN(""), i, 0);
      return false;
    }
    if (!try_add(sum, box_numel(t, b), &sum)) sum = UINT64_MAX;
  }
  if (!check_apart(m, t)) return false;
  if (sum != t->numel) dcp_note(m->d, OBS_DCP_HOLES, t->fqn, SPAN(""), sum, t->numel);
  return sum == t->numel;
}

static struct merge_part *add_part(struct merging *m, struct span fqn, const struct plan *p) {
  struct merge_part *part = vec_push(m->d->f->arena, &m->parts, UINT32_MAX);
  if (part) *part = (struct merge_part){.name = fqn, .whole = true, .entry = fqn, .plan = p};
  return part;
}

/* Of one chunk its own bytes, of more the form alone. False: memory is spent. */
static bool add_tensor(struct merging *m, const struct tensor_claim *t) {
  const struct plan *p = m->boxes.n == 1 ? scanned(m, m->boxes.p[0].slice) : NULL;
  struct merge_part *part = add_part(m, t->fqn, p);
  uint64_t *sizes = arena_array(m->d->f->arena, t->ndim, uint64_t);
  if (!part || !sizes) return false;
  if (t->ndim) memcpy(sizes, t->sizes, t->ndim * sizeof *sizes);
  part->form = (struct merge_form){t->dtype, t->ndim, sizes, t->numel};
  return true;
}

static bool read_tensor(struct merging *m, struct span fqn, uint32_t row) {
  struct tensor_claim t = {.fqn = fqn};
  if (!read_claim(m, row, &t) || !read_boxes(m, &t, dcp_field(m->d->p, row, "chunks"))) {
    dcp_note(m->d, OBS_DCP_FORM, fqn, SPAN("its dtype, size or chunks are not those of a tensor"), 0, 0);
    return !m->d->f->arena->exhausted;
  }
  bool fine = check_tiling(m, &t);
  for (uint32_t i = 0; i < m->boxes.n; i++) {
    struct box *b = &m->boxes.p[i];
    struct dcp_slice want = {.fqn = fqn, .has_offsets = true, .ndim = t.ndim};
    memcpy(want.offsets, b->offsets, sizeof want.offsets);
    b->slice = find_slice(m, &want);
    fine = check_chunk(m, &t, b) && fine;
  }
  return !fine || add_tensor(m, &t);
}

/* ---- the rest ---- */

static bool read_bytes(struct merging *m, struct span fqn) {
  const struct plan *p = scanned(m, find_slice(m, &(struct dcp_slice){.fqn = fqn}));
  return !p || add_part(m, fqn, p);
}

/* Its bytes were judged as the others', and nothing is missing: the merged plan is whole. */
static void note_unlisted(const struct dcp *d, struct span fqn) {
  observe(d->f->obs, (struct observation){.kind = OBS_DCP_UNLISTED, .member = d->file + 1, .subject = fqn});
}

static bool read_entries(struct merging *m) {
  const struct plan *p = m->d->p;
  uint32_t table = dcp_field(p, 0, "state_dict_metadata");
  if (table == UINT32_MAX || p->values[table].kind != PLAN_VAL_DICT) {
    dcp_note(m->d, OBS_DCP_FORM, m->d->f->files[m->d->file].name, SPAN("it has no state_dict_metadata"), 0,
             0);
    return true;
  }
  for (uint32_t c = table + 1; c < p->values[table].end; c = p->values[c].end) {
    struct span fqn = plan_span(p, p->values[c].key);
    bool fine = true;
    if (dcp_class_is(p, c, "TensorStorageMetadata"))
      fine = read_tensor(m, fqn, c);
    else if (dcp_class_is(p, c, "BytesStorageMetadata") || p->values[c].kind == PLAN_VAL_SHARED)
      fine = read_bytes(m, fqn); /* one object may stand for all that is no tensor */
    else
      dcp_note(m->d, OBS_DCP_FORM, fqn, SPAN("it is neither a tensor nor bytes"), 0, 0);
    if (!fine) return false;
  }
  for (uint32_t i = 0; i < m->d->slices.n; i++)
    if (!m->used[i]) note_unlisted(m->d, m->d->slices.p[i].fqn);
  return true;
}

/* ---- the dicts that were flattened ---- */

/* planner_data: where an entry stood, as a tuple of keys. False: it says nothing of this one. */
static bool read_path(struct merging *m, uint32_t row, struct merge_part *part) {
  const struct plan *p = m->d->p;
  struct span group = SPAN(""), last = SPAN("");
  if (p->values[row].kind != PLAN_VAL_TUPLE) return false;
  for (uint32_t c = row + 1; c < p->values[row].end; c = p->values[c].end) {
    if (last.n)
      group = arena_printf(m->d->f->arena, "%.*s%s%.*s", (int)min_size(group.n, GROUP_BYTES),
                           (const char *)group.p, group.n ? "/" : "", (int)min_size(last.n, GROUP_BYTES),
                           (const char *)last.p);
    if (!dcp_text(p, c, &last)) return false; /* an item of a list */
  }
  if (last.n == 0) return false;
  part->group = group;
  part->entry = last;
  return true;
}

static bool is_optimizer(struct span group) { return group.n && memmem(group.p, group.n, "optim", 5); }

/* Those of one dict together; what belongs to an optimizer last. */
static int by_group(const void *a, const void *b) {
  const struct merge_part *x = a, *y = b;
  if (is_optimizer(x->group) != is_optimizer(y->group)) return is_optimizer(x->group) ? 1 : -1;
  int groups = span_cmp(x->group, y->group);
  return groups ? groups : (x->order > y->order) - (x->order < y->order);
}

static void group_parts(struct merging *m) {
  const struct plan *p = m->d->p;
  uint32_t table = dcp_field(p, 0, "planner_data");
  if (table == UINT32_MAX || p->values[table].kind != PLAN_VAL_DICT) return;
  uint32_t row = table + 1; /* its rows are in the order of the entries, as a rule */
  for (uint32_t i = 0; i < m->parts.n; i++) {
    struct merge_part *part = &m->parts.p[i];
    while (row < p->values[table].end && !span_eq(plan_span(p, p->values[row].key), part->name))
      row = p->values[row].end;
    if (row == p->values[table].end) break;
    (void)read_path(m, row, part);
  }
  for (uint32_t i = 0; i < m->parts.n; i++) m->parts.p[i].order = i;
  if (m->parts.n) qsort(m->parts.p, m->parts.n, sizeof *m->parts.p, by_group);
}

bool dcp_merge(struct dcp *d, struct plan_writer *w) {
  struct folder *f = d->f;
  struct merging m = {.d = d, .steps = f->max->call_steps};
  if (!index_slices(&m) || !read_entries(&m)) return folder_no_memory(f);
  group_parts(&m);
  if (w && m.parts.n && !plan_merge(w, f->arena, m.parts.p, m.parts.n))
    return refuse(f->obs, (struct observation){
                              .kind = OBS_LIMIT_PLAN, .got = plan_rows(w, PLAN_values), .want = w->cap});
  return d->whole;
}
