/* torch before 0.1.10: a tar with two tables, of storages and of tensors, in which small pickles stand
 * between plain numbers, and the pickle of the object, whose persistent ids name them (format-spec C.5;
 * torch/serialization.py, legacy_load). torch reads them in that order, by name. */
#include "container/tar.h"

#include "base/reader.h"
#include "model/checkpoint.h"

/* A table on its way. The pickles in it have no length, and the numbers behind them may be large: each pickle
 * is copied for itself. */
struct table {
  struct checkpoint *cp;
  uint32_t member;
  uint64_t member_at; /* in the file */
  struct reader r;    /* of the mapping; offsets are the member's */
};

static bool refuse_table(const struct table *t, uint64_t at, const char *expected) {
  return refuse(t->cp->obs,
                (struct observation){
                    .kind = OBS_TAR_TABLE, .member = t->member, .at = at, .detail = span_str(expected)});
}

/* ---- the small pickles ---- */

/* One of them: run for its value, with nothing else kept of it. */
struct small {
  struct arena arena; /* of `own` */
  struct machine own;
  const struct machine *m; /* which holds the value: own, or that of a program */
  uint64_t at;
};

static void small_end(struct small *s) { arena_free(&s->arena); }

/* What is more than values and tags is judged as any program: a loader runs it. */
static const struct machine *run_judged(const struct table *t, uint64_t at, size_t n) {
  struct checkpoint *cp = t->cp;
  struct span bytes, name = arena_printf(cp->arena, "pickle+%#llx", (unsigned long long)t->member_at + at);
  if (!load_copy(cp, t->member_at + at, n, &bytes)) return NULL;
  const struct member *rec = load_section(cp, name, t->member_at + at, n);
  if (!rec) return NULL;
  const struct program *p = run_aside(cp, member_number(cp->container, rec), bytes);
  cp->member = t->member;
  return p && p->machine.stopped ? &p->machine : NULL;
}

/* The next pickle of the table. False (observed): it makes no sense. small_end in any case. */
static bool next_small(struct table *t, struct small *s) {
  struct checkpoint *cp = t->cp;
  struct span bytes;
  arena_init(&s->arena, cp->arena->budget - cp->arena->used);
  s->m = NULL;
  s->at = t->r.at;
  if (reader_done(&t->r)) return refuse_table(t, s->at, "a pickle");
  size_t n = pickles_extent(&s->arena, cp->max, span_first(t->r.left, (size_t)cp->max->pickle_bytes), 1);
  if (arena_copy(&s->arena, span_first(t->r.left, n), &bytes) && run_small(cp, &s->arena, &s->own, bytes))
    s->m = &s->own;
  else
    s->m = run_judged(t, s->at, n);
  return s->m && reader_skip(&t->r, s->m->in.at);
}

static bool is_count(const struct machine *m, val_id v) {
  return kind_of(m, v) == VAL_INT && value_of(m, v)->number >= 0;
}

/* How many entries follow. */
static bool read_count(struct table *t, uint64_t *n) {
  struct small s;
  bool fine = next_small(t, &s);
  if (fine && !is_count(s.m, s.m->result)) fine = refuse_table(t, s.at, "a count");
  *n = fine ? (uint64_t)value_of(s.m, s.m->result)->number : 0;
  small_end(&s);
  return fine;
}

/* Of the tuple that a small pickle made. */
static val_id item_of(const struct small *s, uint32_t i) { return value_item(s->m, s->m->result, i); }

/* The same as a key: decimal, as the ids write it. */
static struct span key_of(const struct table *t, const struct small *s, uint32_t i) {
  return arena_printf(t->cp->arena, "%lld", (long long)value_of(s->m, item_of(s, i))->number);
}

/* The pickle of an entry: a tuple of a key, what `second` says, and a class. */
static bool next_entry(struct table *t, struct small *s, bool (*second)(const struct machine *m, val_id v),
                       const char *expected) {
  if (!next_small(t, s)) return false;
  bool shaped = kind_of(s->m, s->m->result) == VAL_TUPLE && value_count(s->m, s->m->result) == 3;
  return (shaped && is_count(s->m, item_of(s, 0)) && second(s->m, item_of(s, 1))) ||
         refuse_table(t, s->at, expected);
}

static struct span class_name(const struct table *t, const struct small *s, uint32_t i) {
  const struct global *g = value_global(s->m, item_of(s, i));
  return g && is_class_tag(t->cp, g) ? g->mapped_name : SPAN("");
}

/* An entry that is refused leaves the table unread, but not what follows it: a loader goes on. */
static void add_key(const struct table *t, uint64_t at, struct span key, uint32_t tag) {
  struct checkpoint *cp = t->cp;
  bool twice = tag && tar_key_find(cp, key);
  if (twice)
    observe(cp->obs,
            (struct observation){.kind = OBS_TAR_KEY_TWICE, .member = t->member, .at = at, .subject = key});
  if (!tag || twice || !tar_key_add(cp, &(struct tar_key){.key = key, .tag = tag})) cp->unread = true;
}

/* ---- storages ---- */

static uint32_t add_storage(const struct table *t, const struct storage_fact *s) {
  struct checkpoint *cp = t->cp;
  struct storage_fact *slot = vec_push(cp->arena, &cp->storages, cp->max->tensors);
  if (slot)
    *slot = *s;
  else
    (void)refuse_tensors(cp, cp->storages.n, s->declared_at);
  return slot ? cp->storages.n : 0;
}

static uint32_t place(uint64_t at) { return (uint32_t)min_u64(at, UINT32_MAX); }

/* The bytes of a storage: an int64 count of elements, then these, little-endian. */
static bool take_elements(struct table *t, struct storage_fact *s) {
  struct observation what = {.kind = OBS_LEGACY_BLOCK_SHORT,
                             .member = t->member,
                             .at = t->r.at,
                             .got = t->r.left.n,
                             .subject = s->key};
  what.want = sizeof s->numel;
  if (!reader_u64le(&t->r, &s->numel)) return refuse(t->cp->obs, what);
  if (!try_mul(s->numel, dtype_size(s->dtype), &s->bytes)) s->bytes = UINT64_MAX;
  s->at = what.at = t->r.at;
  what.got = t->r.left.n;
  what.want = s->bytes;
  return reader_skip(&t->r, s->bytes) || refuse(t->cp->obs, what);
}

/* (key, location, class), then its bytes. */
static bool read_storage(struct table *t) {
  struct small s;
  struct storage_fact fact = {.member = t->member, .declared_at = place(t->r.at)};
  bool fine = next_entry(t, &s, value_is_string, "(key, location, class of a storage)");
  if (fine) {
    fact.dtype = dtype_by_storage(class_name(t, &s, 2));
    fact.key = key_of(t, &s, 0);
    fine = arena_copy(t->cp->arena, value_bytes(s.m, item_of(&s, 1)), &fact.location);
  }
  uint64_t at = s.at;
  small_end(&s);
  if (fine && fact.dtype == DTYPE_NONE) fine = refuse_table(t, at, "a storage class of torch's");
  if (!fine || !storage_place(t->cp, &fact) || !take_elements(t, &fact)) return false;
  add_key(t, at, fact.key, add_storage(t, &fact));
  return true;
}

/* The storage whose bytes a storage is a part of, or itself. */
static uint32_t root_of(const struct checkpoint *cp, uint32_t storage) {
  uint32_t view = cp->storages.p[storage - 1].view;
  return view ? cp->views.p[view - 1].root : storage;
}

/* 1-based in checkpoint.views; 0: the budget is spent. */
static uint32_t view_of(struct checkpoint *cp, uint32_t storage, struct span key) {
  struct view_fact *slot = vec_push(cp->arena, &cp->views, cp->max->tensors);
  if (!slot) return 0;
  *slot = (struct view_fact){.key = key, .root = root_of(cp, storage)};
  return cp->views.n;
}

/* (key, key of its root, offset, elements): a part of a storage that is a storage. */
static bool add_view(struct table *t, const struct machine *m, val_id view, uint64_t at) {
  int64_t n[4] = {0};
  bool fine = kind_of(m, view) == VAL_TUPLE && value_count(m, view) == 4;
  for (uint32_t i = 0; fine && i < 4; i++) {
    fine = is_count(m, value_item(m, view, i));
    n[i] = value_of(m, value_item(m, view, i))->number;
  }
  if (!fine) return refuse_table(t, at, "views (key, key of the storage, offset, elements)");
  struct span key = arena_printf(t->cp->arena, "%lld", (long long)n[0]),
              of = arena_printf(t->cp->arena, "%lld", (long long)n[1]);
  const struct tar_key *root = tar_key_find(t->cp, of);
  if (!root) return refuse_table(t, at, "views of storages that are in the table");
  struct storage_fact s = t->cp->storages.p[root->tag - 1];
  uint64_t offset = (uint64_t)n[2], numel = (uint64_t)n[3];
  if (offset > s.numel || numel > s.numel - offset)
    return refuse(t->cp->obs, (struct observation){.kind = OBS_STORAGE_VIEW_OUTSIDE,
                                                   .member = t->member,
                                                   .at = at,
                                                   .subject = of,
                                                   .got = offset,
                                                   .want = s.numel});
  s.view = view_of(t->cp, root->tag, key);
  s.at += offset * dtype_size(s.dtype);
  s.numel = numel;
  s.bytes = numel * dtype_size(s.dtype);
  add_key(t, at, key, s.view ? add_storage(t, &s) : 0);
  return true;
}

static bool read_views(struct table *t) {
  struct small s;
  bool fine = next_small(t, &s);
  if (fine && kind_of(s.m, s.m->result) != VAL_LIST) fine = refuse_table(t, s.at, "a list of views");
  for (uint32_t i = 0; fine && i < value_count(s.m, s.m->result); i++)
    fine = add_view(t, s.m, value_item(s.m, s.m->result, i), s.at);
  small_end(&s);
  return fine;
}

static bool read_storages(struct table *t) {
  uint64_t n;
  if (!read_count(t, &n)) return false;
  for (; n; n--)
    if (!read_storage(t)) return false;
  return read_views(t);
}

/* ---- tensors ---- */

/* int32 dimensions and four bytes of nothing, int64 sizes, strides, offset. */
static bool read_view(struct table *t, struct view_claim *claim, int64_t *sizes, int64_t *strides) {
  uint32_t ndim, ignored;
  uint64_t at = t->r.at;
  struct span lists[2], offset;
  if (!reader_u32le(&t->r, &ndim) || !reader_u32le(&t->r, &ignored) ||
      !reader_take(&t->r, (uint64_t)ndim * 8, &lists[0]) ||
      !reader_take(&t->r, (uint64_t)ndim * 8, &lists[1]) || !reader_take(&t->r, 8, &offset))
    return refuse_table(t, at, "a number of dimensions, sizes, strides and an offset");
  claim->num_sizes = claim->num_strides = ndim; /* those of more than MAX_DIMS are not looked at */
  for (uint32_t i = 0; i < ndim && i < MAX_DIMS; i++) {
    sizes[i] = (int64_t)load_u64le(lists[0].p + (size_t)i * 8);
    strides[i] = (int64_t)load_u64le(lists[1].p + (size_t)i * 8);
  }
  claim->offset = (int64_t)load_u64le(offset.p);
  return true;
}

/* "FloatTensor" for "FloatStorage". */
static enum dtype dtype_of_tensor(const struct table *t, struct span name) {
  if (!span_ends(name, SPAN("Tensor"))) return DTYPE_NONE;
  return dtype_by_storage(
      arena_printf(t->cp->arena, "%.*sStorage", (int)(name.n - strlen("Tensor")), (const char *)name.p));
}

/* What the pickle of an entry says. */
struct tensor_entry {
  uint64_t at;
  struct span storage; /* its key */
  enum dtype dtype;    /* of the class */
};

/* The tag of the tensor, once it is proved; 0, observed. */
static uint32_t prove_tensor(const struct table *t, const struct tensor_entry *e, struct view_claim *claim) {
  const struct tar_key *key = tar_key_find(t->cp, e->storage);
  struct view v;
  if (!key && t->cp->unread) return 0; /* said there */
  if (!key || key->tag & PERSID_TENSOR) return refuse_table(t, e->at, "a storage that is in its table");
  const struct storage_fact *s = &t->cp->storages.p[key->tag - 1];
  if (e->dtype != s->dtype) return refuse_table(t, e->at, "a tensor class of its storage's type");
  claim->dtype = s->dtype;
  claim->storage_bytes = s->bytes;
  if (!view_prove(&v, claim, t->cp->obs)) return 0;
  int flags = (v.contiguous ? PLAN_CONTIGUOUS : 0) | (v.expanded ? PLAN_EXPANDED : 0);
  uint32_t number = tensor_add(t->cp,
                               (struct tensor_fact){.storage = key->tag,
                                                    .at = claim->at,
                                                    .dtype = (uint8_t)claim->dtype,
                                                    .ndim = v.ndim,
                                                    .flags = (uint8_t)flags,
                                                    .offset = v.offset,
                                                    .numel = v.numel,
                                                    .extent = v.extent},
                               claim->sizes, claim->strides);
  return number ? PERSID_TENSOR | (number - 1) : 0;
}

/* (key, key of its storage, class), then the view. */
static bool read_tensor(struct table *t) {
  struct small s;
  struct tensor_entry e = {.at = t->r.at};
  int64_t sizes[MAX_DIMS], strides[MAX_DIMS];
  struct view_claim claim = {.member = t->member, .at = place(e.at), .sizes = sizes, .strides = strides};
  bool fine = next_entry(t, &s, is_count, "(key, key of a storage, class of a tensor)");
  if (fine) {
    claim.subject = key_of(t, &s, 0);
    e.storage = key_of(t, &s, 1);
    e.dtype = dtype_of_tensor(t, class_name(t, &s, 2));
  }
  small_end(&s);
  if (!fine || !read_view(t, &claim, sizes, strides)) return false;
  add_key(t, e.at, claim.subject, prove_tensor(t, &e, &claim));
  return true;
}

static bool read_tensors(struct table *t) {
  uint64_t n;
  if (!read_count(t, &n)) return false;
  for (; n; n--)
    if (!read_tensor(t)) return false;
  return true;
}

/* ---- the archive ---- */

/* Of two members of one name (observed) both are read. None (observed): what it would name is unknown. */
static void read_tables(struct checkpoint *cp, uint32_t members, enum tar_name name,
                        bool (*read)(struct table *t)) {
  bool found = false;
  for (uint32_t i = 0; i < members; i++) {
    struct member *rec = &cp->container->members[i];
    if (tar_name_of(rec->name) != name) continue;
    rec->used = found = true;
    cp->member = i + 1;
    struct table t = {.cp = cp,
                      .member = i + 1,
                      .member_at = rec->data_at,
                      .r = reader_of(member_mapped(cp->container, rec), 0)};
    if (!read(&t))
      cp->unread = true;
    else if (!reader_done(&t.r))
      note_load(cp, OBS_PKL_TRAILING, i + 1, t.r.at, t.r.left.n, 0);
  }
  if (!found && name != TAR_SYS_INFO) cp->unread = true;
}

/* torch writes plain values there, and does not look at them. */
static bool read_info(struct table *t) {
  struct small s;
  bool fine = next_small(t, &s);
  uint32_t calls = fine ? s.m->globals.n + s.m->objects.n + s.m->persids.n : 0;
  if (calls) note_load(t->cp, OBS_LEGACY_PREAMBLE_CALLS, t->member, s.at, calls, 0);
  small_end(&s);
  return fine;
}

static void run_objects(struct checkpoint *cp, uint32_t members) {
  uint32_t last = 0;
  for (uint32_t i = 0; i < members; i++)
    if (tar_name_of(cp->container->members[i].name) == TAR_PICKLE) last = i;
  for (uint32_t i = 0; i < members; i++) {
    struct member *rec = &cp->container->members[i];
    if (tar_name_of(rec->name) == TAR_PICKLE) load_member(cp, rec, i != last);
  }
}

/* What no id leads to: a storage alone, or by a tensor of it. */
static void check_unused(struct checkpoint *cp) {
  bool *used = arena_array(cp->arena, (size_t)cp->storages.n + 1, bool);
  if (!used) return;
  for (uint32_t i = 0; i < cp->tar_keys.list.n; i++) {
    const struct tar_key *key = &cp->tar_keys.list.p[i];
    uint32_t storage = key->tag & PERSID_TENSOR ? cp->tensors.p[key->tag & ~PERSID_TENSOR].storage : key->tag;
    if (!key->used) continue;
    used[storage] = true;
    used[root_of(cp, storage)] = true;
  }
  for (uint32_t i = 0; i < cp->storages.n; i++) {
    const struct storage_fact *s = &cp->storages.p[i];
    if (!used[i + 1] && !s->view)
      observe(cp->obs, (struct observation){.kind = OBS_STORAGE_ORPHAN,
                                            .member = s->member,
                                            .at = s->declared_at,
                                            .subject = s->key,
                                            .got = s->bytes});
  }
}

void load_tar(struct checkpoint *cp) {
  uint32_t members = cp->container->num_members; /* more come behind them */
  cp->ids = IDS_TAR;
  cp->unread = cp->unread || !cp->container->usable;
  read_tables(cp, members, TAR_STORAGES, read_storages);
  read_tables(cp, members, TAR_TENSORS, read_tensors);
  read_tables(cp, members, TAR_SYS_INFO, read_info);
  run_objects(cp, members);
  bool inside = false;
  for (uint32_t i = 0; i < members; i++) /* a link may lead there */
    inside = judge_stray(cp, &cp->container->members[i]) || inside;
  if (inside) note_inside(cp);
  if (checkpoint_is_read(cp)) check_unused(cp);
}
