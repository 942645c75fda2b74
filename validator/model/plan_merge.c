/* Tables are put one behind the other, and what refers to rows is moved by the rows before. The parts were
 * proved by plan_open, and so is the whole before anybody reads it. */
#include "model/plan_merge.h"

enum { NAME_BYTES = 4096 };

/* Where the rows of a part begin in the new tables. */
struct shift {
  uint32_t member, storage, dim, value, tensor;
};
struct merger {
  struct plan_writer *w;
  const struct merge_part *parts;
  uint32_t n, values;          /* values: of the whole tree */
  bool rooted, whole;          /* the trees stand below a new root; parts are entries */
  uint32_t *pools;             /* where the texts of each part stand in the new region */
  struct shift at;             /* of the part that is written */
  uint32_t old_text, new_text; /* of its pool */
};

static struct plan_text moved(const struct merger *m, struct plan_text t) {
  return t.n ? (struct plan_text){t.at - m->old_text + m->new_text, t.n} : t;
}

static void next_part(struct merger *m, const struct merge_part *part) {
  const struct plan *p = part->plan;
  if (!p) {
    m->at.dim += 2 * part->form.ndim;
    m->at.value++;
    m->at.tensor++;
    return;
  }
  m->at.member += p->num_members;
  m->at.storage += p->num_storages;
  m->at.dim += p->num_dims;
  m->at.value += p->num_values;
  m->at.tensor += p->num_tensors;
}

static size_t join_names(uint8_t out[NAME_BYTES], struct span first, char between, struct span second) {
  size_t n = min_size(first.n, NAME_BYTES / 2);
  if (n) memcpy(out, first.p, n);
  out[n++] = (uint8_t)between;
  size_t rest = min_size(second.n, NAME_BYTES - n);
  if (rest) memcpy(out + n, second.p, rest);
  return n + rest;
}

static struct plan_text member_name(const struct merger *m, const struct merge_part *part,
                                    struct plan_text name) {
  uint8_t text[NAME_BYTES];
  if (part->file.n == 0) return moved(m, name);
  size_t n = join_names(text, part->file, '!', plan_span(part->plan, name));
  return plan_put(m->w, span_of(text, n), NAME_BYTES);
}

static void put_members(struct merger *m, const struct merge_part *part) {
  for (uint32_t i = 0; part->plan && i < part->plan->num_members; i++) {
    struct plan_member *row = plan_row(m->w, PLAN_members, sizeof *row);
    if (!row) return;
    *row = part->plan->members[i];
    row->name = member_name(m, part, row->name);
    row->header_at += part->base;
    row->data_at += part->base;
  }
}

static void put_storages(struct merger *m, const struct merge_part *part) {
  for (uint32_t i = 0; part->plan && i < part->plan->num_storages; i++) {
    struct plan_storage *row = plan_row(m->w, PLAN_storages, sizeof *row);
    if (!row) return;
    *row = part->plan->storages[i];
    row->key = moved(m, row->key);
    row->location = moved(m, row->location);
    if (row->member) row->member += m->at.member;
  }
}

static void put_dim(struct merger *m, uint64_t n) {
  uint64_t *row = plan_row(m->w, PLAN_dims, sizeof *row);
  if (row) *row = n;
}

/* Sizes, and strides without gaps. */
static void put_form_dims(struct merger *m, const struct merge_form *f) {
  uint64_t stride = f->numel;
  for (uint32_t i = 0; i < f->ndim; i++) put_dim(m, f->sizes[i]);
  for (uint32_t i = 0; i < f->ndim; i++) put_dim(m, stride = f->sizes[i] ? stride / f->sizes[i] : 0);
}

static void put_dims(struct merger *m, const struct merge_part *part) {
  if (!part->plan) put_form_dims(m, &part->form);
  for (uint32_t i = 0; part->plan && i < part->plan->num_dims; i++) put_dim(m, part->plan->dims[i]);
}

/* A dict of the parts' trees. */
static void put_root(struct merger *m) {
  if (!m->rooted) return;
  struct plan_value *row = plan_row(m->w, PLAN_values, sizeof *row);
  if (row) *row = (struct plan_value){.kind = PLAN_VAL_DICT, .end = m->values};
}

static void put_form_value(struct merger *m, const struct merge_part *part) {
  struct plan_value *row = plan_row(m->w, PLAN_values, sizeof *row);
  if (!row) return;
  *row = (struct plan_value){.kind = PLAN_VAL_TENSOR,
                             .end = m->at.value + 1,
                             .depth = 1,
                             .key = plan_put(m->w, part->name, NAME_BYTES),
                             .number = m->at.tensor};
}

static void put_values(struct merger *m, const struct merge_part *part) {
  if (!part->plan) put_form_value(m, part);
  for (uint32_t i = 0; part->plan && i < part->plan->num_values; i++) {
    struct plan_value *row = plan_row(m->w, PLAN_values, sizeof *row);
    if (!row) return;
    *row = part->plan->values[i];
    row->parent = i ? row->parent + m->at.value : 0;
    row->end += m->at.value;
    if (m->rooted) row->depth++;
    row->key = i || !m->rooted ? moved(m, row->key) : plan_put(m->w, part->name, NAME_BYTES);
    row->text = moved(m, row->text);
    row->cls = moved(m, row->cls);
    if (row->kind == PLAN_VAL_TENSOR) row->number += m->at.tensor;
    if (row->kind == PLAN_VAL_STORAGE) row->number += m->at.storage;
    if (row->kind == PLAN_VAL_SHARED) row->number += m->at.value;
  }
}

static void put_form_tensor(struct merger *m, const struct merge_part *part) {
  struct plan_tensor *row = plan_row(m->w, PLAN_tensors, sizeof *row);
  if (!row) return;
  *row = (struct plan_tensor){.key = plan_put(m->w, part->name, NAME_BYTES),
                              .state_key = plan_put(m->w, part->entry, NAME_BYTES),
                              .first_dim = m->at.dim,
                              .dtype = (uint8_t)part->form.dtype,
                              .ndim = (uint8_t)part->form.ndim,
                              .flags = PLAN_META,
                              .tied = m->at.tensor,
                              .value = m->at.value,
                              .numel = part->form.numel};
}

/* The path of a tensor below an entry. */
static struct plan_text key_below(const struct merger *m, const struct merge_part *part,
                                  struct plan_text key) {
  uint8_t text[NAME_BYTES];
  struct span own = plan_span(part->plan, key);
  if (own.n == 0) return plan_put(m->w, part->name, NAME_BYTES);
  size_t n = join_names(text, part->name, '/', own);
  return plan_put(m->w, span_of(text, n), NAME_BYTES);
}

static void put_tensors(struct merger *m, const struct merge_part *part) {
  if (!part->plan) put_form_tensor(m, part);
  for (uint32_t i = 0; part->plan && i < part->plan->num_tensors; i++) {
    struct plan_tensor *row = plan_row(m->w, PLAN_tensors, sizeof *row);
    if (!row) return;
    *row = part->plan->tensors[i];
    row->key = m->whole ? key_below(m, part, row->key) : moved(m, row->key);
    row->state_key = m->whole && row->value == 0 ? plan_put(m->w, part->entry, NAME_BYTES)
                     : m->whole                  ? (struct plan_text){0, 0}
                                                 : moved(m, row->state_key);
    if (row->storage) row->storage += m->at.storage;
    row->first_dim += m->at.dim;
    row->tied += m->at.tensor;
    row->value += m->at.value;
  }
}

static void put_stats(struct merger *m, const struct merge_part *part) {
  static const struct plan_stats none = {.done = 0};
  for (uint32_t i = 0; i < (part->plan ? part->plan->num_stats : 1); i++) {
    struct plan_stats *row = plan_row(m->w, PLAN_stats, sizeof *row);
    if (!row) return;
    *row = part->plan ? part->plan->stats[i] : none;
  }
}

static void put_own_dicts(struct merger *m, const struct merge_part *part) {
  for (uint32_t i = 0; i < part->plan->num_dicts; i++) {
    struct plan_dict *row = plan_row(m->w, PLAN_dicts, sizeof *row);
    if (!row) return;
    *row = part->plan->dicts[i];
    row->path = moved(m, row->path);
  }
}

/* The one state dict of several parts. */
static void put_dict(struct merger *m) {
  struct plan_dict *row = plan_row(m->w, PLAN_dicts, sizeof *row);
  if (!row) return;
  *row = (struct plan_dict){.metadata = 1};
  for (uint32_t i = 0; i < m->n; i++) {
    const struct plan_dict *d = m->parts[i].plan->dicts;
    row->num_entries += d->num_entries;
    row->metadata = row->metadata && d->metadata;
    row->module = row->module || d->module;
    if (!try_add(row->bytes, d->bytes, &row->bytes)) row->bytes = UINT64_MAX;
    if (!try_add(row->numel, d->numel, &row->numel)) row->numel = UINT64_MAX;
  }
}

static void put_entries(struct merger *m, const struct merge_part *part) {
  const struct plan_dict *d = part->plan->dicts;
  uint32_t first = m->n > 1 ? d->first_entry : 0, n = m->n > 1 ? d->num_entries : part->plan->num_entries;
  for (uint32_t i = 0; i < n; i++) {
    struct plan_entry *row = plan_row(m->w, PLAN_entries, sizeof *row);
    if (!row) return;
    *row = part->plan->entries[first + i];
    row->name = moved(m, row->name);
    if (row->tensor != UINT32_MAX) row->tensor += m->at.tensor;
    row->value += m->at.value;
  }
}

/* ---- parts that are entries ---- */

static uint64_t numel_of(const struct merge_part *part) {
  if (!part->plan) return part->form.numel;
  return part->plan->values->kind == PLAN_VAL_TENSOR ? part->plan->tensors[part->plan->values->number].numel
                                                     : 0;
}

static uint64_t bytes_of(const struct merge_part *part) {
  if (part->plan && part->plan->values->kind != PLAN_VAL_TENSOR) return 0;
  enum dtype d =
      part->plan ? (enum dtype)part->plan->tensors[part->plan->values->number].dtype : part->form.dtype;
  return dtype_bytes_for(d, numel_of(part));
}

static void put_groups(struct merger *m) {
  struct plan_dict *row = NULL;
  for (uint32_t i = 0; i < m->n; i++) {
    const struct merge_part *part = &m->parts[i];
    if (i == 0 || !span_eq(part->group, m->parts[i - 1].group)) {
      row = plan_row(m->w, PLAN_dicts, sizeof *row);
      if (!row) return;
      *row = (struct plan_dict){.path = plan_put(m->w, part->group, NAME_BYTES), .first_entry = i};
    }
    if (!row) return;
    row->num_entries++;
    if (!try_add(row->bytes, bytes_of(part), &row->bytes)) row->bytes = UINT64_MAX;
    if (!try_add(row->numel, numel_of(part), &row->numel)) row->numel = UINT64_MAX;
  }
}

static void put_whole_entry(struct merger *m, const struct merge_part *part) {
  struct plan_entry *row = plan_row(m->w, PLAN_entries, sizeof *row);
  bool tensor = !part->plan || part->plan->values->kind == PLAN_VAL_TENSOR;
  if (!row) return;
  *row = (struct plan_entry){
      .name = plan_put(m->w, part->entry, NAME_BYTES), .tensor = UINT32_MAX, .value = m->at.value};
  if (tensor) row->tensor = m->at.tensor + (part->plan ? (uint32_t)part->plan->values->number : 0);
}

/* ---- all together ---- */

typedef void put_rows(struct merger *m, const struct merge_part *part);

static void put_all(struct merger *m, put_rows *put) {
  m->at = (struct shift){.value = m->rooted}; /* behind the new root */
  for (uint32_t i = 0; i < m->n && !m->w->full; i++) {
    const struct plan *p = m->parts[i].plan;
    m->old_text = p ? (uint32_t)p->header->text_at : 0;
    m->new_text = m->pools[i];
    put(m, &m->parts[i]);
    next_part(m, &m->parts[i]);
  }
}

/* All texts of a part as one block. */
static bool put_pools(struct merger *m) {
  for (uint32_t i = 0; i < m->n; i++) {
    const struct plan *p = m->parts[i].plan;
    if (!p) continue;
    struct span pool = span_of(p->text + p->header->text_at, (size_t)p->header->text_bytes);
    m->pools[i] = plan_put(m->w, pool, pool.n).at;
  }
  return !m->w->full;
}

static bool all_have_stats(const struct merger *m) {
  for (uint32_t i = 0; i < m->n; i++)
    if (m->parts[i].plan && m->parts[i].plan->num_stats != m->parts[i].plan->num_tensors) return false;
  return true;
}

static bool count_values(struct merger *m) {
  uint64_t values = m->rooted;
  for (uint32_t i = 0; i < m->n; i++) values += m->parts[i].plan ? m->parts[i].plan->num_values : 1;
  return try_cast(values, &m->values);
}

bool plan_merge(struct plan_writer *w, struct arena *a, const struct merge_part *parts, uint32_t n) {
  struct merger m = {.w = w, .parts = parts, .n = n, .pools = arena_array(a, n, uint32_t)};
  m.whole = n && parts->whole;
  m.rooted = n > 1 || m.whole;
  if (!m.pools || !count_values(&m) || !put_pools(&m)) return false;
  put_all(&m, put_members);
  put_all(&m, put_storages);
  put_all(&m, put_dims);
  put_root(&m);
  put_all(&m, put_values);
  put_all(&m, put_tensors);
  if (all_have_stats(&m)) put_all(&m, put_stats);
  if (m.whole)
    put_groups(&m);
  else if (n == 1)
    put_all(&m, put_own_dicts);
  else
    put_dict(&m);
  put_all(&m, m.whole ? put_whole_entry : put_entries);
  return !w->full;
}
