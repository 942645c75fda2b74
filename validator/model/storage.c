/* Persistent ids: ('storage', StorageClass, key, location, numel) in a zip, with view_metadata behind in a
 * legacy stream (format-spec D.1, C.2). Each names a run of bytes that must be in the file, whole. */
#include "base/hash.h"
#include "model/checkpoint.h"

enum { KEY_MAX = 64, RECORDS_MAX = 16 };

void storages_begin(struct checkpoint *cp, struct span records) {
  cp->names = (struct storage_names){.records = records};
}

static uint32_t refuse_persid(struct checkpoint *cp, uint32_t at, enum obs_kind kind, struct span subject,
                              uint64_t got, uint64_t want) {
  observe(cp->obs,
          (struct observation){
              .kind = kind, .member = cp->member, .at = at, .subject = subject, .got = got, .want = want});
  return 0;
}

static bool is_decimal(struct span s) {
  if (s.n == 0 || s.n >= KEY_MAX) return false;
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] < '0' || s.p[i] > '9') return false;
  return s.n == 1 || s.p[0] != '0';
}

/* torch looks at the class's name alone: the module may say anything (format-spec D.1). */
static bool storage_class(const struct machine *m, val_id v, struct storage_fact *out) {
  const struct global *g = value_global(m, v);
  if (!g) return false;
  struct span name = g->mapped_name;
  out->untyped = span_is(name, "UntypedStorage") || span_is(name, "_UntypedStorage");
  out->dtype = out->untyped ? DTYPE_U8 : dtype_by_storage(name);
  return out->dtype != DTYPE_NONE;
}

static uint32_t refuse_class(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at) {
  char text[DESCRIBE_MAX];
  struct span name = SPAN("");
  if (will_list(cp->obs, OBS_STORAGE_CLASS)) (void)!arena_copy(cp->arena, describe_value(m, v, text), &name);
  return refuse_persid(cp, at, OBS_STORAGE_CLASS, name, 0, 0);
}

/* torch writes records in the order of their first use: the next one is looked at before the table is asked.
 */
static struct member *record_of_key(struct checkpoint *cp, struct span key) {
  char text[KEY_MAX + RECORDS_MAX];
  size_t n = min_size(cp->names.records.n, RECORDS_MAX);
  memcpy(text, cp->names.records.p, n);
  memcpy(text + n, key.p, key.n);
  n += key.n;
  struct span ending = cp->ids == IDS_PACKAGE || cp->ids == IDS_SCRIPT ? SPAN(".storage") : SPAN("");
  if (ending.n) memcpy(text + n, ending.p, ending.n);
  struct span name = span_of(text, n + ending.n);
  struct member *next = &cp->container->members[cp->names.next_record];
  struct member *rec = cp->names.next_record < cp->container->num_members && span_eq(next->short_name, name)
                           ? next
                           : container_find(cp->container, name);
  if (rec) cp->names.next_record = (uint32_t)(rec - cp->container->members) + 1;
  return rec;
}

/* The bytes behind a key in a zip: record TOP/data/KEY, of exactly the declared length (threats H06, H07). */
static void find_record(struct checkpoint *cp, struct storage_fact *s) {
  struct member *rec = record_of_key(cp, s->key);
  bool meta = span_is(s->location, "meta");
  if (!rec) {
    if (!meta) (void)refuse_persid(cp, s->declared_at, OBS_STORAGE_MISSING, s->key, 0, s->bytes);
    s->bytes = 0;
    return;
  }
  rec->used = true;
  if (meta) /* whose bytes torch would not look at */
    (void)refuse_persid(cp, s->declared_at, OBS_STORAGE_LOCATION, s->location, 0, 0);
  if (rec->size != s->bytes) {
    enum obs_kind kind = rec->size < s->bytes ? OBS_STORAGE_SHORT : OBS_STORAGE_LONG;
    (void)refuse_persid(cp, s->declared_at, kind, s->key, rec->size, s->bytes);
    if (rec->size < s->bytes) s->bytes = 0; /* nothing may read it */
  }
  if (!member_is_plain(rec))
    s->bytes = 0;
  else if (s->bytes || rec->size == 0)
    s->member = member_number(cp->container, rec);
}

/* Are storages members of the archive? */
static bool has_records(const struct checkpoint *cp) {
  return cp->ids == IDS_ZIP || cp->ids == IDS_PACKAGE || cp->ids == IDS_SCRIPT;
}

static uint32_t declare_root(struct checkpoint *cp, struct storage_fact *s) {
  if (!try_mul(s->numel, dtype_size(s->dtype), &s->bytes) || s->bytes > INT64_MAX)
    return refuse_persid(cp, s->declared_at, OBS_STORAGE_OVERFLOW, s->key, s->numel, 0);
  if (has_records(cp)) find_record(cp, s);
  /* Older formats have little-endian numbers always (format-spec C.3). */
  s->big_endian = cp->big_endian && cp->ids == IDS_ZIP;
  struct storage_fact *slot = vec_push(cp->arena, &cp->storages, cp->max->tensors);
  if (!slot)
    return refuse_persid(cp, s->declared_at, OBS_LIMIT_TENSORS, s->key, cp->storages.n, cp->max->tensors);
  *slot = *s;
  return cp->storages.n;
}

/* One key, one dtype, one length, one place: torch would silently keep the first (threats H12). */
static uint32_t same_root(struct checkpoint *cp, uint32_t number, const struct storage_fact *s) {
  const struct storage_fact *first = &cp->storages.p[number - 1];
  if (first->dtype != s->dtype || first->untyped != s->untyped)
    return refuse_persid(cp, s->declared_at, OBS_STORAGE_TWO_TYPES, s->key, 0, 0);
  if (first->numel != s->numel)
    return refuse_persid(cp, s->declared_at, OBS_STORAGE_TWO_SIZES, s->key, s->numel, first->numel);
  if (!span_eq(first->location, s->location))
    return refuse_persid(cp, s->declared_at, OBS_STORAGE_TWO_PLACES, s->location, 0, 0);
  return number;
}

/* A spent budget is observed once, by the stage. */
static uint32_t new_root(struct checkpoint *cp, const struct storage_fact *s) {
  struct storage_fact fact = *s;
  uint32_t number = declare_root(cp, &fact);
  uint32_t *root = number ? vec_push(cp->arena, &cp->names.root_storages, cp->max->tensors) : NULL;
  if (!root) return 0;
  *root = number;
  return number;
}

/* torch 1.9 and later count keys from 0: those stand in an array, so that no hash is needed. The array grows
 * with the keys seen, never by what a key says. */
static bool small_key(const struct checkpoint *cp, struct span key, uint32_t *number) {
  *number = 0;
  if (key.n > 8) return false;
  for (size_t i = 0; i < key.n; i++) *number = *number * 10 + (uint32_t)(key.p[i] - '0');
  return *number <= cp->names.by_number.n;
}

static uint32_t by_number(struct checkpoint *cp, const struct storage_fact *s, uint32_t key) {
  if (key == cp->names.by_number.n && !vec_push(cp->arena, &cp->names.by_number, cp->max->tensors)) return 0;
  uint32_t root = cp->names.by_number.p[key];
  if (root) return same_root(cp, root, s);
  return cp->names.by_number.p[key] = new_root(cp, s);
}

static struct span key_of(const struct checkpoint *cp, const struct storage_fact *s) {
  return s->view ? cp->views.p[s->view - 1].key : s->key;
}

/* The storage, root or view, that was hashed under this key, or 0. */
static uint32_t hashed_storage(const struct checkpoint *cp, struct span key) {
  uint32_t h = cp->names.hashed.n ? (uint32_t)siphash(cp->hash_seed, key) : 0;
  for (uint32_t i = hash_find(&cp->names.by_key, h, 0); i; i = hash_find(&cp->names.by_key, h, i)) {
    if (span_eq(key_of(cp, &cp->storages.p[cp->names.hashed.p[i - 1] - 1]), key))
      return cp->names.hashed.p[i - 1];
  }
  return 0;
}

static bool add_hashed(struct checkpoint *cp, struct span key, uint32_t storage) {
  uint32_t *hashed = storage ? vec_push(cp->arena, &cp->names.hashed, cp->max->tensors) : NULL;
  uint32_t h = (uint32_t)siphash(cp->hash_seed, key);
  if (!hashed || !hash_add(cp->arena, &cp->names.by_key, h, cp->max->tensors)) return false;
  *hashed = storage;
  return true;
}

static uint32_t root_storage(struct checkpoint *cp, struct storage_fact *s) {
  uint32_t number, known = hashed_storage(cp, s->key);
  if (known && cp->storages.p[known - 1].view)
    return refuse_persid(cp, s->declared_at, OBS_STORAGE_VIEW_KEY, s->key, 0, 0);
  if (known) return same_root(cp, known, s);
  if (small_key(cp, s->key, &number)) return by_number(cp, s, number);
  number = new_root(cp, s);
  return add_hashed(cp, s->key, number) ? number : 0;
}

/* torch keeps roots and views under their keys in one table, and takes what is there, whatever a second
 * declaration says. */
static bool same_view(struct checkpoint *cp, uint32_t known, const struct storage_fact *s,
                      const struct view_fact *view) {
  const struct storage_fact *first = &cp->storages.p[known - 1];
  bool same_root = first->view && cp->views.p[first->view - 1].root == view->root;
  if (same_root && first->at == s->at && first->numel == s->numel) return true;
  return refuse_persid(cp, s->declared_at, OBS_STORAGE_VIEW_KEY, view->key, 0, 0) != 0;
}

static uint32_t new_view(struct checkpoint *cp, const struct storage_fact *s, const struct view_fact *view) {
  struct storage_fact *slot = vec_push(cp->arena, &cp->storages, cp->max->tensors);
  struct view_fact *behind = slot ? vec_push(cp->arena, &cp->views, cp->max->tensors) : NULL;
  if (!behind)
    return refuse_persid(cp, s->declared_at, OBS_LIMIT_TENSORS, s->key, cp->storages.n, cp->max->tensors);
  *slot = *s;
  *behind = *view;
  slot->view = cp->views.n;
  return add_hashed(cp, view->key, cp->storages.n) ? cp->storages.n : 0;
}

/* f'data/{key}' of bytes is another name: "data/b'0'". */
static bool is_key(const struct machine *m, val_id v) {
  return value_is_string(m, v) && kind_of(m, v) != VAL_BYTES;
}

/* view_metadata (view_key, offset, size), in elements of the root (format-spec C.2, threats H23). */
static uint32_t view_storage(struct checkpoint *cp, struct machine *m, uint32_t root, val_id view,
                             uint32_t at) {
  if (kind_of(m, view) == VAL_NONE) return root;
  struct storage_fact s = cp->storages.p[root - 1];
  bool shaped = kind_of(m, view) == VAL_TUPLE && value_count(m, view) == 3 &&
                is_key(m, value_item(m, view, 0)) && kind_of(m, value_item(m, view, 1)) == VAL_INT &&
                kind_of(m, value_item(m, view, 2)) == VAL_INT;
  if (!shaped) return refuse_persid(cp, at, OBS_PERSID_SHAPE, s.key, value_count(m, view), 3);
  int64_t offset = value_of(m, value_item(m, view, 1))->number,
          size = value_of(m, value_item(m, view, 2))->number;
  if (offset < 0 || size < 0 || (uint64_t)offset > s.numel || (uint64_t)size > s.numel - (uint64_t)offset)
    return refuse_persid(cp, at, OBS_STORAGE_VIEW_OUTSIDE, s.key, (uint64_t)offset, s.numel);
  const struct view_fact fact = {.key = value_bytes(m, value_item(m, view, 0)), .root = root};
  s.at = (uint64_t)offset * dtype_size(s.dtype); /* inside the root's bytes, which fit int64 */
  s.numel = (uint64_t)size;
  s.bytes = s.numel * dtype_size(s.dtype);
  s.users = 0;
  s.declared_at = at;
  if (!is_decimal(fact.key)) return refuse_persid(cp, at, OBS_STORAGE_KEY, fact.key, 0, 0);
  uint32_t number = 0, known = hashed_storage(cp, fact.key);
  if (!known && small_key(cp, fact.key, &number) && number < cp->names.by_number.n)
    known = cp->names.by_number.p[number];
  if (known) return same_view(cp, known, &s, &fact) ? known : 0;
  return new_view(cp, &s, &fact);
}

/* What torch calls a device has a dozen letters; longer ones would be compared again with each storage. */
enum { PLACE_MAX = 64 };

/* cpu and meta have no number (torch/serialization.py, _cpu_deserialize and _meta_deserialize). */
static bool known_location(struct span s) {
  static const char *const known[] = {"cuda", "mps", "xpu", "hpu",  "npu",
                                      "mtia", "xla", "ipu", "lazy", "vulkan"};
  const uint8_t *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
  struct span device = colon ? span_first(s, (size_t)(colon - s.p)) : s;
  struct span number = colon ? span_from(s, device.n + 1) : SPAN("0");
  bool counted = number.n > 0 && number.n <= 2;
  if (span_is(s, "cpu") || span_is(s, "meta")) return true;
  for (size_t i = 0; i < number.n; i++) counted = counted && number.p[i] >= '0' && number.p[i] <= '9';
  for (size_t i = 0; i < ARRAY_LEN(known); i++)
    if (span_is(device, known[i])) return counted;
  return false;
}

bool storage_place(struct checkpoint *cp, const struct storage_fact *s) {
  if (s->location.n > PLACE_MAX)
    return refuse_persid(cp, s->declared_at, OBS_STORAGE_PLACE_LONG, s->key, s->location.n, PLACE_MAX) != 0;
  if (!known_location(s->location))
    (void)refuse_persid(cp, s->declared_at, OBS_STORAGE_LOCATION, s->location, 0, 0);
  return true;
}

val_id class_of_id(const struct checkpoint *cp, const struct machine *m, val_id id) {
  uint32_t first = cp->ids == IDS_LEGACY; /* part that is the class */
  if (has_records(cp) || kind_of(m, id) != VAL_TUPLE || value_count(m, id) != first + 3) return 0;
  if (first &&
      (!value_is_string(m, value_item(m, id, 0)) || !span_is(value_bytes(m, value_item(m, id, 0)), "module")))
    return 0;
  val_id named = value_item(m, id, first);
  return kind_of(m, named) == VAL_GLOBAL ? named : 0;
}

static bool storage_key(struct checkpoint *cp, const struct machine *m, val_id v, struct span *out) {
  if (cp->ids == IDS_SCRIPT) {
    struct span record = value_bytes(m, v), ending = SPAN(".storage");
    *out = span_ends(record, ending) ? span_first(record, record.n - ending.n) : SPAN("");
    return is_key(m, v);
  }
  bool number = cp->ids == IDS_PACKAGE && kind_of(m, v) == VAL_INT && value_of(m, v)->number >= 0;
  *out = number ? arena_printf(cp->arena, "%lld", (long long)value_of(m, v)->number) : value_bytes(m, v);
  return number || (cp->ids != IDS_PACKAGE && is_key(m, v));
}

/* ('reduce_package', number, function, arguments), or without the number as before torch 1.11: the importer
 * calls the function with itself and the arguments (torch/package/package_importer.py). torch's own makes a
 * TorchScript module of the code and pickles below .data/ts_code. */
static bool package_call(struct checkpoint *cp, const struct machine *m, val_id id, uint32_t at) {
  uint32_t n = value_count(m, id);
  char text[DESCRIBE_MAX];
  struct span name = SPAN("");
  if (cp->ids != IDS_PACKAGE || n < 3 || n > 4 || !value_is_string(m, value_item(m, id, 0)) ||
      !span_is(value_bytes(m, value_item(m, id, 0)), "reduce_package"))
    return false;
  val_id function = value_item(m, id, n - 2), args = value_item(m, id, n - 1);
  const struct global_row *row = row_of(cp, m, function);
  bool script = row && row->builder == BUILD_PACKAGE_SCRIPT && kind_of(m, args) == VAL_TUPLE &&
                value_count(m, args) == 1 && is_decimal(value_bytes(m, value_item(m, args, 0)));
  if (script) return true;
  if (will_list(cp->obs, OBS_PERSID_CALL))
    (void)!arena_copy(cp->arena, describe_value(m, function, text), &name);
  (void)refuse_persid(cp, at, OBS_PERSID_CALL, name, 0, 0);
  return true;
}

uint32_t storage_of_persid(struct checkpoint *cp, struct machine *m, uint32_t persid_index) {
  const struct persid *p = &m->persids.p[persid_index];
  uint32_t parts = cp->ids == IDS_LEGACY ? 6 : 5, n = value_count(m, p->id);
  if (kind_of(m, p->id) != VAL_TUPLE) return refuse_persid(cp, p->at, OBS_PERSID_KIND, SPAN(""), 0, 0);
  if (class_of_id(cp, m, p->id) || package_call(cp, m, p->id, p->at)) return 0;
  val_id part[6] = {0};
  for (uint32_t i = 0; i < n && i < 6; i++) part[i] = value_item(m, p->id, i);
  /* The C++ pickler of torch 1.1 to 1.3 wrote the view_metadata of the legacy stream, always None. */
  bool script = cp->container->kind == CONTAINER_TORCHSCRIPT && n == 6 && kind_of(m, part[5]) == VAL_NONE;
  struct span key;
  bool shaped = (n == parts || script) && value_is_string(m, part[0]) &&
                span_is(value_bytes(m, part[0]), "storage") && storage_key(cp, m, part[2], &key) &&
                value_is_string(m, part[3]) && kind_of(m, part[4]) == VAL_INT &&
                value_of(m, part[4])->number >= 0;
  if (!shaped) return refuse_persid(cp, p->at, OBS_PERSID_SHAPE, SPAN("storage"), n, parts);
  struct storage_fact s = {.key = key,
                           .location = value_bytes(m, part[3]),
                           .numel = (uint64_t)value_of(m, part[4])->number,
                           .declared_at = p->at};
  if (!storage_class(m, part[1], &s)) return refuse_class(cp, m, part[1], p->at);
  if (!is_decimal(s.key)) return refuse_persid(cp, p->at, OBS_STORAGE_KEY, s.key, 0, 0);
  uint32_t root = storage_place(cp, &s) ? root_storage(cp, &s) : 0;
  return root && cp->ids == IDS_LEGACY ? view_storage(cp, m, root, part[5], p->at) : root;
}
