#include "model/lock.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"

struct locker {
  const struct lock_request *r;
  struct arena *arena;
  struct observations *o;
  const struct plan_dict *dict; /* NULL: all tensors of the file, by their keys */
  struct span here, there; /* what all names of the checkpoint, or of the lock file, have in front and the
                              others have not */
  uint32_t rows;
  struct hash_index index; /* of the names of the rows */
  bool *seen;              /* by row: the lock file names it */
  uint64_t equal, unread;
};

static void PRINTF_LIKE(4, 5)
    note(struct locker *l, enum obs_kind kind, struct span subject, const char *format, ...) {
  char text[256];
  va_list ap;
  va_start(ap, format);
  (void)vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  struct span detail = will_list(l->o, kind) ? arena_printf(l->arena, "%s", text) : SPAN("");
  observe(l->o, (struct observation){.kind = kind, .subject = subject, .detail = detail});
}

/* ---- the checkpoint's tensors by name ---- */

static uint32_t tensor_of(const struct locker *l, uint32_t row) {
  return l->dict ? l->r->plan->entries[l->dict->first_entry + row].tensor : row;
}

static struct span without(struct span name, struct span front) {
  return span_starts(name, front) ? span_from(name, front.n) : name;
}

static struct span name_of(const struct locker *l, uint32_t row) {
  const struct plan *p = l->r->plan;
  struct plan_text name = l->dict ? p->entries[l->dict->first_entry + row].name : p->tensors[row].key;
  return without(plan_span(p, name), l->here);
}

static bool index_rows(struct locker *l) {
  l->rows = l->dict ? l->dict->num_entries : l->r->plan->num_tensors;
  l->index = (struct hash_index){0};
  l->seen = arena_array(l->arena, l->rows, bool);
  if (!l->seen) return false;
  for (uint32_t i = 0; i < l->rows; i++)
    if (!hash_append(l->arena, &l->index, (uint32_t)siphash(l->r->hash_seed, name_of(l, i)))) return false;
  return hash_hang(l->arena, &l->index);
}

/* 1-based; 0: no tensor of that name. */
static uint32_t find_row(const struct locker *l, struct span name) {
  uint32_t hash = (uint32_t)siphash(l->r->hash_seed, name);
  for (uint32_t i = hash_find(&l->index, hash, 0); i; i = hash_find(&l->index, hash, i))
    if (span_eq(name_of(l, i - 1), name) && tensor_of(l, i - 1) != UINT32_MAX) return i;
  return 0;
}

/* ---- a prefix: module.fc.weight against fc.weight ---- */

static bool any_found(const struct locker *l, const cJSON *tensors) {
  const cJSON *want;
  cJSON_ArrayForEach(want, tensors) if (find_row(l, without(span_str(want->string), l->there))) return true;
  return false;
}

/* "module." of "module.fc.weight", where the other one is "fc.weight"; else empty. */
static struct span front_of(struct span longer, struct span shorter) {
  if (longer.n <= shorter.n || longer.p[longer.n - shorter.n - 1] != '.' || !span_ends(longer, shorter))
    return SPAN("");
  return span_first(longer, longer.n - shorter.n);
}

/* Where no name of the lock file is here, and would be without what stands in front of all of one side. */
static bool cut_prefix(struct locker *l, const cJSON *tensors) {
  if (!tensors->child || any_found(l, tensors)) return true;
  struct span first = span_str(tensors->child->string);
  for (uint32_t i = 0; i < l->rows && !l->here.n && !l->there.n; i++) {
    struct span here = front_of(name_of(l, i), first), there = front_of(first, name_of(l, i));
    if (there.n && !arena_copy(l->arena, there, &there)) return false;
    l->here = here;
    l->there = there;
  }
  if (l->here.n)
    note(l, OBS_LOCK_PREFIX, l->here, "here");
  else if (l->there.n)
    note(l, OBS_LOCK_PREFIX, l->there, "in the lock");
  return !l->here.n || index_rows(l);
}

/* ---- one tensor ---- */

static bool same_shape(const struct plan *p, const struct plan_tensor *t, const cJSON *shape) {
  const cJSON *size;
  uint32_t n = 0;
  int64_t want;
  cJSON_ArrayForEach(size, shape) {
    if (n == t->ndim || !json_int(size, &want) || want < 0 || (uint64_t)want != p->dims[t->first_dim + n])
      return false;
    n++;
  }
  return n == t->ndim;
}

enum { SHAPE_TEXT = 96 };

/* "[3, 4]", cut where it is long. */
static void shape_text(char out[SHAPE_TEXT], const struct plan *p, const struct plan_tensor *t) {
  int n = snprintf(out, SHAPE_TEXT, "[");
  for (uint32_t i = 0; i < t->ndim && n < SHAPE_TEXT - 24; i++)
    n += snprintf(out + n, SHAPE_TEXT - (size_t)n, "%s%llu", i ? ", " : "",
                  (unsigned long long)p->dims[t->first_dim + i]);
  (void)snprintf(out + n, SHAPE_TEXT - (size_t)n, "]");
}

static void wanted_text(char out[SHAPE_TEXT], const cJSON *shape) {
  const cJSON *size;
  const char *before = "";
  int n = snprintf(out, SHAPE_TEXT, "[");
  cJSON_ArrayForEach(size, shape) {
    if (n >= SHAPE_TEXT - 24) break;
    n += snprintf(out + n, SHAPE_TEXT - (size_t)n, "%s%.0f", before, cJSON_GetNumberValue(size));
    before = ", ";
  }
  (void)snprintf(out + n, SHAPE_TEXT - (size_t)n, "]");
}

static void note_shape(struct locker *l, struct span name, const struct plan_tensor *t, const char *dtype,
                       const cJSON *shape) {
  char found[SHAPE_TEXT], want[SHAPE_TEXT];
  shape_text(found, l->r->plan, t);
  wanted_text(want, shape);
  note(l, OBS_LOCK_SHAPE, name, "%s %s, the lock says %.32s %s", dtype_name((enum dtype)t->dtype), found,
       dtype, want);
}

static bool hex_digest(const char *text, uint8_t out[32]) {
  static const char digits[] = "0123456789abcdef";
  if (strlen(text) != 64) return false;
  for (size_t i = 0; i < 64; i++) {
    const char *digit = strchr(digits, text[i]);
    if (!digit) return false;
    unsigned half = (unsigned)(digit - digits);
    out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | half : half << 4);
  }
  return true;
}

static void compare_tensor(struct locker *l, uint32_t row, const cJSON *want) {
  const struct plan *p = l->r->plan;
  uint32_t tensor = tensor_of(l, row);
  const struct plan_tensor *t = &p->tensors[tensor];
  const struct digest *digest = &l->r->digests->tensor[tensor];
  const char *dtype = cJSON_GetStringValue(json_get(want, "dtype"));
  const cJSON *shape = json_get(want, "shape"), *sha256 = json_get(want, "sha256");
  struct span name = name_of(l, row);
  uint8_t bytes[32];
  bool digest_ok = cJSON_IsNull(sha256) || (cJSON_IsString(sha256) && hex_digest(sha256->valuestring, bytes));
  if (!dtype || !cJSON_IsArray(shape) || !digest_ok)
    note(l, OBS_LOCK_FORM, l->r->name, "\"%.*s\" must have dtype, shape and sha256",
         (int)min_size(name.n, 100), (const char *)name.p);
  else if (!same_shape(p, t, shape) || strcmp(dtype, dtype_name((enum dtype)t->dtype)) != 0)
    note_shape(l, name, t, dtype, shape);
  else if (!digest->known || cJSON_IsNull(sha256))
    l->unread++;
  else if (memcmp(digest->sha256, bytes, sizeof bytes) != 0)
    note(l, OBS_LOCK_BYTES, name, "%s", "");
  else
    l->equal++;
}

static void compare_all(struct locker *l, const cJSON *tensors) {
  const cJSON *want;
  cJSON_ArrayForEach(want, tensors) {
    struct span name = without(span_str(want->string), l->there);
    uint32_t row = find_row(l, name);
    if (row) {
      l->seen[row - 1] = true;
      compare_tensor(l, row - 1, want);
    } else {
      struct span kept;
      if (arena_copy(l->arena, name, &kept)) note(l, OBS_LOCK_MISSING, kept, "%s", "");
    }
  }
  for (uint32_t i = 0; i < l->rows; i++)
    if (!l->seen[i] && tensor_of(l, i) != UINT32_MAX) note(l, OBS_LOCK_UNEXPECTED, name_of(l, i), "%s", "");
}

/* ---- the file ---- */

static bool choose_dict(struct locker *l, const cJSON *root) {
  const struct plan *p = l->r->plan;
  const char *path = cJSON_GetStringValue(json_get(root, "state_dict"));
  struct span wanted = l->r->key.n ? l->r->key : path ? span_str(path) : SPAN("");
  l->dict = plan_dict_at(p, wanted);
  if (l->dict || !l->r->key.n) { /* another wrapper is no other model */
    if (!l->dict && p->num_dicts) l->dict = &p->dicts[0];
    return true;
  }
  note(l, OBS_LOCK_FORM, l->r->key, "the checkpoint has no state dict there");
  return false;
}

static bool read_lock(struct locker *l, const cJSON *root) {
  int64_t version;
  const cJSON *tensors = json_get(root, "tensors");
  if (!json_int(json_get(root, "lock"), &version) || version != 1 || !cJSON_IsObject(tensors)) {
    note(l, OBS_LOCK_FORM, l->r->name, "expected \"lock\": 1 and an object \"tensors\"");
    return true;
  }
  if (!choose_dict(l, root)) return true;
  if (!index_rows(l) || !cut_prefix(l, tensors)) return false;
  compare_all(l, tensors);
  if (l->unread) observe(l->o, (struct observation){.kind = OBS_LOCK_UNREAD, .got = l->unread});
  if (l->equal) observe(l->o, (struct observation){.kind = OBS_LOCK_EQUAL, .got = l->equal});
  return true;
}

bool lock_compare(const struct lock_request *request, struct arena *a, struct observations *o) {
  struct locker l = {.r = request, .arena = a, .o = o};
  struct json_error err;
  cJSON *root = json_parse(request->text, request->max, &err);
  if (!root) {
    observe(o, (struct observation){.kind = OBS_LOCK_JSON,
                                    .subject = request->name,
                                    .detail = span_str(err.what),
                                    .got = err.line,
                                    .want = err.column});
    return true;
  }
  bool fine = read_lock(&l, root);
  cJSON_Delete(root);
  return fine;
}
