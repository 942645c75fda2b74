/* Writes what was built as the plan: tables in the order of plan.h. The value graph becomes a tree in
 * preorder by an iterative walk. Shared containers without tensors are written once; those with tensors again
 * at every path, since each path is a key, within a budget that follows the size of the graph, so that a
 * doubling graph ends early. */
#include "model/checkpoint.h"

enum { PATH_MAX_BYTES = 4096, EXPAND_FACTOR = 16, EXPAND_FLOOR = 4096 };

struct frame {
  val_id v;
  uint32_t row, tensors_before;
  uint32_t segment, next; /* where the walk stands */
  size_t path_n;          /* of this value's path */
  uint32_t num_segments;
  struct segment segments[SEGMENTS_MAX];
};

struct seen_value {
  uint32_t row; /* 1 + row of the first appearance; 0: not yet */
  bool open;    /* on the path that is being walked */
  bool has_tensors;
};

/* A tensor row to be: rows stand behind the values, which must all be written first. */
struct tensor_path {
  uint32_t fact, value;
  struct plan_text key;
};

struct walk {
  struct checkpoint *cp;
  const struct machine *m;
  struct plan_writer *w;
  struct seen_value *seen; /* by val_id; of what may be shared alone, so that most of it is never touched */
  VEC(struct frame) frames;
  VEC(struct tensor_path) tensors;
  uint8_t path[PATH_MAX_BYTES];
  size_t path_n;
  uint64_t budget;
  bool cut;
};

/* ---- children ---- */

static void add_segment(const struct machine *m, struct frame *f, enum segment_kind kind, val_id v) {
  uint32_t n = value_count(m, v);
  if (kind == SEGMENT_PAIRS) n /= 2;
  if (v && n && f->num_segments < SEGMENTS_MAX) f->segments[f->num_segments++] = (struct segment){kind, v, n};
}

/* A list, tuple or dict as whatever it is. */
static void add_container(const struct machine *m, struct frame *f, val_id v) {
  enum value_kind k = kind_of(m, v);
  if (k == VAL_DICT) add_segment(m, f, SEGMENT_PAIRS, v);
  if (k == VAL_LIST || k == VAL_TUPLE || k == VAL_SET || k == VAL_FROZENSET)
    add_segment(m, f, SEGMENT_ITEMS, v);
}

/* A state: attributes, or (attributes, slots), or whatever __setstate__ of the class would take. */
static void add_state(const struct machine *m, struct frame *f, val_id state) {
  bool slots =
      kind_of(m, state) == VAL_TUPLE && value_count(m, state) == 2 &&
      kind_of(m, value_item(m, state, 1)) == VAL_DICT &&
      (kind_of(m, value_item(m, state, 0)) == VAL_DICT || kind_of(m, value_item(m, state, 0)) == VAL_NONE);
  if (!slots) {
    add_container(m, f, state);
    return;
  }
  add_container(m, f, value_item(m, state, 0));
  add_container(m, f, value_item(m, state, 1));
}

static void add_record(const struct machine *m, struct frame *f, const struct object *o, bool with_args) {
  if (with_args) add_segment(m, f, SEGMENT_ARGS, o->args);
  for (uint32_t i = 0; i < value_count(m, o->states); i++) add_state(m, f, value_item(m, o->states, i));
  add_segment(m, f, SEGMENT_PAIRS, o->items);
  add_segment(m, f, SEGMENT_ITEMS, o->appended);
}

static void add_object(const struct checkpoint *cp, const struct machine *m, struct frame *f, val_id v) {
  const struct object *o = value_object(m, v);
  const struct built *b = built_of(cp, m, v);
  switch (b ? (enum built_kind)b->kind : BUILT_NOTHING) {
  case BUILT_DICT: add_segment(m, f, SEGMENT_PAIRS, o->items); return;
  case BUILT_LIST:
  case BUILT_SET:
  case BUILT_SIZE:
    if (value_count(m, o->args)) add_container(m, f, value_item(m, o->args, 0));
    add_segment(m, f, SEGMENT_ITEMS, o->appended);
    return;
  case BUILT_NOTHING:
  case BUILT_UNREAD:
  case BUILT_REFUSED: add_record(m, f, o, true); return;
  case BUILT_RECORD: add_record(m, f, o, !b->row || b->row->builder != BUILD_RECONSTRUCTOR); return;
  case BUILT_NP_ARRAY: add_record(m, f, o, false); return;
  case BUILT_BYTES:
  case BUILT_COMPLEX:
  case BUILT_DEVICE:
  case BUILT_LAYOUT:
  case BUILT_TENSOR:
  case BUILT_NP_DTYPE:
  case BUILT_NP_SCALAR: return;
  }
}

static void open_frame(const struct walk *k, struct frame *f, val_id v) {
  f->num_segments = 0;
  if (kind_of(k->m, v) == VAL_OBJECT)
    add_object(k->cp, k->m, f, v);
  else
    add_container(k->m, f, v);
}

/* ---- keys ---- */

static struct span decimal(char out[32], const char *prefix, int64_t n) {
  int len = snprintf(out, 32, "%s%lld", prefix, (long long)n);
  return span_of(out, len > 0 ? (size_t)len : 0);
}

/* A dict key as text. */
static struct span key_text(const struct walk *k, val_id key, char scratch[32]) {
  const struct value *x = value_of(k->m, key);
  if (value_is_string(k->m, key)) return value_bytes(k->m, key);
  if (x->kind == VAL_INT) return decimal(scratch, "", x->number);
  if (x->kind == VAL_BOOL) return x->truth ? SPAN("True") : SPAN("False");
  return describe_value(k->cp, k->m, key); /* Python's notation of anything else */
}

static struct plan_value *row_at(const struct walk *k, uint32_t i) {
  return plan_row_at(k->w, PLAN_values, sizeof(struct plan_value), i);
}

static val_id child_at(const struct walk *k, const struct frame *f, char scratch[32], struct span *key) {
  const struct segment *s = &f->segments[f->segment];
  struct plan_value *row = row_at(k, f->row);
  switch (s->kind) {
  case SEGMENT_ITEMS: *key = decimal(scratch, "", f->next); return value_item(k->m, s->v, f->next);
  case SEGMENT_ARGS: *key = decimal(scratch, "__arg", f->next); return value_item(k->m, s->v, f->next);
  case SEGMENT_PAIRS:
    if (row->kind == PLAN_VAL_DICT && !value_is_string(k->m, value_item(k->m, s->v, 2 * f->next)))
      row->number |= PLAN_DICT_OTHER_KEYS;
    *key = key_text(k, value_item(k->m, s->v, 2 * f->next), scratch);
    return value_item(k->m, s->v, 2 * f->next + 1);
  }
  *key = SPAN("?");
  return 0;
}

/* ---- one row ---- */

static void set_class(const struct walk *k, struct plan_value *row, val_id global) {
  const struct global *g = value_global(k->m, global);
  if (!g) return;
  struct span name = arena_printf(k->cp->arena, "%.*s.%.*s", (int)min_size(g->mapped_module.n, 512),
                                  (const char *)g->mapped_module.p, (int)min_size(g->mapped_name.n, 512),
                                  (const char *)g->mapped_name.p);
  row->cls = plan_put(k->w, name, 1024);
}

/* The path of the value that is being visited; below the root its key is the path, and stands in the pool
 * already. */
static struct plan_text path_text(const struct walk *k, uint32_t value_row) {
  struct plan_value *row = row_at(k, value_row);
  if (row->depth == 1 && row->key.n == k->path_n) return row->key;
  return plan_put(k->w, span_of(k->path, k->path_n), PATH_MAX_BYTES);
}

static uint32_t put_tensor(struct walk *k, uint32_t value_row, uint32_t fact) {
  struct tensor_path *t = vec_push(k->cp->arena, &k->tensors, k->cp->max->tensors);
  if (!t) {
    k->cut = true;
    return 0;
  }
  *t = (struct tensor_path){.fact = fact, .value = value_row, .key = path_text(k, value_row)};
  return k->tensors.n - 1;
}

static int64_t little_int(struct span s, bool is_signed) {
  uint64_t v = is_signed && s.n && (s.p[s.n - 1] & 0x80) ? UINT64_MAX : 0;
  for (size_t i = s.n; i > 0; i--) v = v << 8 | s.p[i - 1];
  return (int64_t)v;
}

/* A numpy scalar is shown as the Python number it stands for. */
static void put_np_scalar(const struct walk *k, struct plan_value *row, const struct built *b) {
  const struct np_dtype *dt = &k->cp->np_dtypes.p[b->np];
  struct span s = value_bytes(k->m, b->index);
  uint8_t turned[16];
  if (dt->big_endian && s.n <= sizeof turned) {
    for (size_t i = 0; i < s.n; i++) turned[i] = s.p[s.n - 1 - i];
    s = span_of(turned, s.n);
  }
  enum dtype f = s.n == 8 ? DTYPE_F64 : s.n == 4 ? DTYPE_F32 : DTYPE_F16;
  if (dt->plain && dt->kind == 'f') {
    row->kind = PLAN_VAL_FLOAT;
    row->real = dtype_load(f, s.p);
  } else if (dt->plain && dt->kind != 'c') {
    row->kind = dt->kind == 'b' ? PLAN_VAL_BOOL : PLAN_VAL_INT;
    row->number = dt->kind == 'b' ? s.p[0] != 0 : little_int(s, dt->kind != 'u');
  } else {
    row->kind = PLAN_VAL_BYTES;
    row->text = plan_put(k->w, s, (size_t)k->cp->max->plan_text_bytes);
    row->number = (int64_t)s.n;
  }
}

static void put_text(const struct walk *k, struct plan_value *row, enum plan_value_kind kind, struct span s) {
  row->kind = kind;
  row->text = plan_put(k->w, s, (size_t)k->cp->max->plan_text_bytes);
  row->number = (int64_t)s.n;
}

static struct span device_text(const struct walk *k, const struct object *o) {
  struct span name = value_bytes(k->m, value_item(k->m, o->args, 0));
  if (value_count(k->m, o->args) < 2) return name;
  return arena_printf(k->cp->arena, "%.*s:%lld", (int)min_size(name.n, 64), (const char *)name.p,
                      (long long)value_of(k->m, value_item(k->m, o->args, 1))->number);
}

/* The attribute `_metadata`, which Module.state_dict() sets on what it returns (format-spec D.7). */
static bool has_metadata(const struct machine *m, const struct object *o) {
  enum { LINKS_MOST = 128 }; /* of a dict of attributes: what many objects share is not searched for each */
  val_id state = value_count(m, o->states) ? value_item(m, o->states, 0) : 0;
  return value_count(m, state) <= LINKS_MOST && dict_get(m, state, "_metadata");
}

static void put_object(struct walk *k, struct plan_value *row, uint32_t row_index, val_id v) {
  const struct object *o = value_object(k->m, v);
  const struct built *b = built_of(k->cp, k->m, v);
  val_id callee = callee_global(k->cp, k->m, o);
  bool reconstructed = b && value_count(k->m, o->args) && callee &&
                       span_is(value_global(k->m, callee)->mapped_name, "_reconstructor");
  if (!b || b->kind != BUILT_TENSOR) set_class(k, row, reconstructed ? value_item(k->m, o->args, 0) : callee);
  switch (b ? (enum built_kind)b->kind : BUILT_NOTHING) {
  case BUILT_DICT:
    row->kind = PLAN_VAL_DICT;
    if (has_metadata(k->m, o)) row->number |= PLAN_DICT_METADATA;
    return;
  case BUILT_LIST: row->kind = PLAN_VAL_LIST; return;
  case BUILT_SET: row->kind = PLAN_VAL_SET; return;
  case BUILT_SIZE: row->kind = PLAN_VAL_SIZE; return;
  case BUILT_DEVICE: put_text(k, row, PLAN_VAL_DEVICE, device_text(k, o)); return;
  case BUILT_LAYOUT: put_text(k, row, PLAN_VAL_TEXT, value_bytes(k->m, value_item(k->m, o->args, 0))); return;
  case BUILT_BYTES: put_text(k, row, PLAN_VAL_BYTES, value_bytes(k->m, b->index)); return;
  case BUILT_NP_SCALAR: put_np_scalar(k, row, b); return;
  case BUILT_TENSOR:
    row->kind = PLAN_VAL_TENSOR;
    row->number = put_tensor(k, row_index, b->index);
    return;
  case BUILT_NOTHING:
  case BUILT_REFUSED:
  case BUILT_UNREAD:
  case BUILT_RECORD:
  case BUILT_COMPLEX:
  case BUILT_NP_DTYPE:
  case BUILT_NP_ARRAY: row->kind = PLAN_VAL_RECORD; return;
  }
}

static void put_global_value(const struct walk *k, struct plan_value *row, val_id v) {
  const struct global_row *g = row_of(k->cp, k->m, v);
  set_class(k, row, v);
  row->kind = PLAN_VAL_GLOBAL;
  if (g && g->builder == BUILD_DTYPE) put_text(k, row, PLAN_VAL_DTYPE, span_str(g->name));
}

static void put_persid(const struct walk *k, struct plan_value *row, val_id v) {
  const struct persid *p = &k->m->persids.p[value_of(k->m, v)->ref];
  row->kind = PLAN_VAL_STORAGE;
  row->number = p->tag;
  if (p->tag == 0) row->kind = PLAN_VAL_CUT;
  if (k->cp->running_legacy && is_module_id(k->m, p->id)) {
    row->kind = PLAN_VAL_GLOBAL;
    set_class(k, row, value_item(k->m, p->id, 1));
  }
}

static void put_value(struct walk *k, struct plan_value *row, uint32_t row_index, val_id v) {
  const struct value *x = value_of(k->m, v);
  switch ((enum value_kind)x->kind) {
  case VAL_ABSENT:
  case VAL_EXTENSION: row->kind = PLAN_VAL_CUT; return;
  case VAL_NONE: row->kind = PLAN_VAL_NONE; return;
  case VAL_BOOL:
    row->kind = PLAN_VAL_BOOL;
    row->number = x->truth;
    return;
  case VAL_INT:
    row->kind = PLAN_VAL_INT;
    row->number = x->number;
    return;
  case VAL_FLOAT:
    row->kind = PLAN_VAL_FLOAT;
    row->real = x->real;
    return;
  case VAL_BIGINT: put_text(k, row, PLAN_VAL_BIGINT, value_bytes(k->m, v)); return;
  case VAL_TEXT: put_text(k, row, PLAN_VAL_TEXT, value_bytes(k->m, v)); return;
  case VAL_BYTES:
  case VAL_BYTEARRAY:
  case VAL_PYSTRING: put_text(k, row, PLAN_VAL_BYTES, value_bytes(k->m, v)); return;
  case VAL_TUPLE: row->kind = PLAN_VAL_TUPLE; return;
  case VAL_LIST: row->kind = PLAN_VAL_LIST; return;
  case VAL_SET:
  case VAL_FROZENSET: row->kind = PLAN_VAL_SET; return;
  case VAL_DICT: row->kind = PLAN_VAL_DICT; return;
  case VAL_GLOBAL: put_global_value(k, row, v); return;
  case VAL_PERSID: put_persid(k, row, v); return;
  case VAL_OBJECT: put_object(k, row, row_index, v); return;
  }
}

/* ---- the walk ---- */

/* Has it children, and may other values hold the same? Not so a tensor, which is a row of its own at every
 * path. */
static bool is_container(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  if (b && b->kind == BUILT_TENSOR) return false;
  return kind_of(m, v) == VAL_OBJECT || value_count(m, v) > 0;
}

/* Written before and not to be walked again: its row becomes a reference. */
static bool shared(const struct walk *k, val_id v) {
  const struct seen_value *s = &k->seen[v];
  return s->row && (s->open || !s->has_tensors);
}

static uint32_t new_row(struct walk *k, uint32_t parent, uint32_t depth, struct span key) {
  struct plan_value *row = k->budget ? plan_row(k->w, PLAN_values, sizeof *row) : NULL;
  if (!row) {
    k->cut = true;
    return UINT32_MAX;
  }
  k->budget--;
  uint32_t index = plan_rows(k->w, PLAN_values) - 1;
  *row = (struct plan_value){
      .parent = parent, .end = index + 1, .depth = depth, .key = plan_put(k->w, key, PATH_MAX_BYTES)};
  return index;
}

static void extend_path(struct walk *k, size_t base, struct span key) {
  k->path_n = base;
  if (base && base < PATH_MAX_BYTES) k->path[k->path_n++] = '/';
  size_t n = min_size(key.n, PATH_MAX_BYTES - k->path_n);
  if (n < key.n) k->cut = true; /* a key that is cut names nothing any more */
  if (n) memcpy(k->path + k->path_n, key.p, n);
  k->path_n += n;
}

/* Writes the row of v; opens a frame when it has children. */
static void visit(struct walk *k, val_id v, uint32_t parent, uint32_t depth, struct span key) {
  uint32_t i = new_row(k, parent, depth, key);
  if (i == UINT32_MAX) return;
  if (!is_container(k->cp, k->m, v)) {
    put_value(k, row_at(k, i), i, v);
    return;
  }
  if (shared(k, v)) {
    row_at(k, i)->kind = PLAN_VAL_SHARED;
    row_at(k, i)->number = k->seen[v].row - 1;
    return;
  }
  uint32_t before = k->tensors.n;
  put_value(k, row_at(k, i), i, v);
  struct frame f = {.v = v, .row = i, .tensors_before = before, .path_n = k->path_n};
  open_frame(k, &f, v);
  if (depth >= k->cp->max->value_depth) f.num_segments = 0; /* LIM807 already: the machine measures nesting */
  struct frame *slot = vec_push(k->cp->arena, &k->frames, UINT32_MAX);
  if (!slot) {
    k->cut = true;
    return;
  }
  *slot = f;
  if (!k->seen[v].row) k->seen[v].row = i + 1;
  k->seen[v].open = true;
}

static void close_frame(struct walk *k) {
  const struct frame *f = &k->frames.p[--k->frames.n];
  row_at(k, f->row)->end = plan_rows(k->w, PLAN_values);
  k->seen[f->v].open = false;
  k->seen[f->v].has_tensors = k->tensors.n > f->tensors_before;
}

static void walk_values(struct walk *k, val_id root) {
  visit(k, root, 0, 0, SPAN(""));
  while (k->frames.n && !k->cut) {
    struct frame *f = &k->frames.p[k->frames.n - 1];
    if (f->segment == f->num_segments) {
      close_frame(k);
      continue;
    }
    char scratch[32];
    struct span key;
    uint32_t depth = row_at(k, f->row)->depth + 1, parent = f->row;
    val_id child = child_at(k, f, scratch, &key);
    extend_path(k, f->path_n, key);
    if (++f->next == f->segments[f->segment].n) {
      f->segment++;
      f->next = 0;
    }
    visit(k, child, parent, depth, key);
  }
  while (k->frames.n) close_frame(k); /* after a cut: what is open ends here */
}

/* ---- tables ---- */

/* A directory that was not read to its end may claim places outside the file: those are left out. */
static void put_members(struct checkpoint *cp, struct plan_writer *w) {
  for (uint32_t i = 0; i < cp->container->num_members; i++) {
    const struct member *m = &cp->container->members[i];
    bool inside = m->data_at <= cp->container->file.n && m->csize <= cp->container->file.n - m->data_at;
    struct plan_member *row = plan_row(w, PLAN_members, sizeof *row);
    if (!row) return;
    *row = (struct plan_member){.name = plan_put(w, m->name, PATH_MAX_BYTES),
                                .header_at = m->header_at,
                                .data_at = inside ? m->data_at : 0,
                                .csize = inside ? m->csize : 0,
                                .size = m->size,
                                .crc = m->crc,
                                .method = m->method,
                                .crc_known = m->crc_known,
                                .used = m->used};
  }
}

static void put_globals(struct checkpoint *cp, struct plan_writer *w) {
  for (uint32_t i = 0; cp->have_machine && i < cp->machine.globals.n; i++) {
    const struct global *g = &cp->machine.globals.p[i];
    struct plan_global *row = plan_row(w, PLAN_globals, sizeof *row);
    if (!row) return;
    const struct global_row *known = cp->rows.p[g->tag];
    *row = (struct plan_global){.module = plan_put(w, g->mapped_module, 1024),
                                .name = plan_put(w, g->mapped_name, 1024),
                                .first_at = g->first_at,
                                .count = g->count,
                                .member = cp->machine.member,
                                .cls = known ? known->cls : GLOBAL_UNKNOWN};
  }
}

static void put_storages(struct checkpoint *cp, struct plan_writer *w) {
  for (uint32_t i = 0; i < cp->storages.n; i++) {
    const struct storage_fact *s = &cp->storages.p[i];
    struct plan_storage *row = plan_row(w, PLAN_storages, sizeof *row);
    if (!row) return;
    *row = (struct plan_storage){.key = plan_put(w, s->key, 128),
                                 .location = plan_put(w, s->location, 128),
                                 .member = s->member,
                                 .dtype = s->dtype,
                                 .at = s->at,
                                 .bytes = s->member ? s->bytes : 0,
                                 .declared_by = s->users,
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

static bool same_view(const struct checkpoint *cp, uint32_t a, uint32_t b) {
  const struct tensor_fact *x = &cp->tensors.p[a], *y = &cp->tensors.p[b];
  if (x->storage != y->storage || x->storage == 0 || x->offset != y->offset || x->ndim != y->ndim ||
      x->dtype != y->dtype)
    return false;
  return x->ndim == 0 ||
         memcmp(&cp->dims.p[x->first_dim], &cp->dims.p[y->first_dim], 2u * x->ndim * sizeof(uint64_t)) == 0;
}

/* The tensor that this one is tied to, or itself. `first` holds the first tensor of each storage, 1-based:
 * who has the same view as that one is tied to it. */
static uint32_t tied_to(const struct walk *k, uint32_t *first, uint32_t i) {
  uint32_t storage = k->cp->tensors.p[k->tensors.p[i].fact].storage;
  if (!first || !storage) return i;
  if (!first[storage]) first[storage] = i + 1;
  uint32_t other = first[storage] - 1;
  return same_view(k->cp, k->tensors.p[other].fact, k->tensors.p[i].fact) ? other : i;
}

static void put_tensors(struct walk *k) {
  uint32_t *first = arena_array(k->cp->arena, (size_t)k->cp->storages.n + 1, uint32_t);
  if (!first) k->cut = true;
  for (uint32_t i = 0; i < k->tensors.n; i++) {
    const struct tensor_path *path = &k->tensors.p[i];
    const struct tensor_fact *t = &k->cp->tensors.p[path->fact];
    struct plan_tensor *row = plan_row(k->w, PLAN_tensors, sizeof *row);
    if (!row) return;
    bool absent = t->storage && k->cp->storages.p[t->storage - 1].member == 0;
    *row = (struct plan_tensor){.key = path->key,
                                .storage = absent ? PLAN_NO_STORAGE : t->storage,
                                .first_dim = t->first_dim,
                                .dtype = t->dtype,
                                .ndim = t->ndim,
                                .flags = t->flags | (absent ? (uint32_t)PLAN_UNPROVED : 0),
                                .tied = tied_to(k, first, i),
                                .value = path->value,
                                .at = t->at,
                                .offset = t->offset,
                                .numel = t->numel};
  }
}

static void put_stats(struct walk *k, const struct tensor_stats *stats) {
  for (uint32_t i = 0; stats && i < k->tensors.n; i++) {
    const struct tensor_stats *s = &stats[k->tensors.p[i].fact];
    struct plan_stats *row = plan_row(k->w, PLAN_stats, sizeof *row);
    if (!row) return;
    *row = (struct plan_stats){.done = s->done,
                               .hashed = s->hashed,
                               .count = s->count,
                               .nan_count = s->nan_count,
                               .inf_count = s->inf_count,
                               .zero_count = s->zero_count,
                               .finite = s->finite,
                               .min = s->min,
                               .max = s->max,
                               .mean = s->mean,
                               .absmax = s->absmax};
    memcpy(row->sha256, s->sha256, sizeof row->sha256);
  }
}

void plan_emit(struct checkpoint *cp, struct plan_writer *w, const struct tensor_stats *stats,
               bool with_program) {
  struct walk k = {.cp = cp, .m = &cp->machine, .w = w};
  struct plan_header *h = (struct plan_header *)(void *)w->base;
  h->kind = cp->container->kind;
  h->num_ops = cp->num_ops;
  h->protocol = cp->have_machine ? cp->machine.proto : 0;
  put_members(cp, w);
  put_globals(cp, w);
  put_storages(cp, w);
  put_dims(cp, w);
  bool values = cp->have_machine && cp->machine.stopped;
  if (values) k.seen = arena_array(cp->arena, cp->machine.values.n, struct seen_value);
  if (k.seen) {
    k.budget = EXPAND_FLOOR + EXPAND_FACTOR * (uint64_t)cp->machine.values.n;
    walk_values(&k, cp->machine.result);
    put_tensors(&k);
    put_stats(&k, stats);
    if (!w->full && !plan_emit_dicts(cp, w)) k.cut = true; /* a full table has fewer rows than others name */
  }
  if (with_program) plan_emit_insns(cp, w);
  if (w->full || k.cut || (values && !k.seen))
    observe(cp->obs,
            (struct observation){.kind = OBS_LIMIT_PLAN, .got = plan_rows(w, PLAN_values), .want = w->cap});
  plan_settle(w);
}
