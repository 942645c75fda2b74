/* torch.export and AOTInductor (format-spec B.8). Since 2.8 a config in JSON says which tensors the records
 * of bare numbers are: those are proved. What else is in the package is judged file by file
 * (container/unpack.c), the program in it not at all; which of it is native code is said. */
#include "base/json.h"

#include "model/checkpoint.h"
#include "model/folder.h"

enum { STRIDED = 7 };

static enum dtype dtype_of(int64_t number) {
  static const struct {
    uint8_t number;
    const char *name;
  } rows[] = {
#define DTYPE(number, name) {number, name},
#include "model/export_dtypes.def"
#undef DTYPE
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++)
    if (rows[i].number == number) return dtype_by_name(span_str(rows[i].name));
  return DTYPE_NONE;
}

/* One config. */
struct config {
  struct checkpoint *cp;
  const struct member *file;
  struct span folder; /* of its records: "data/weights/" */
  uint32_t *storages; /* by member: the storage that its record became last, or 0 */
};

static void leave(const struct config *c, enum obs_kind kind, const char *fqn, const char *what) {
  struct span name = {0};
  struct checkpoint *cp = c->cp;
  if (!arena_copy(cp->arena, span_first(span_str(fqn), OBS_TEXT_MAX), &name)) cp->obs->lost = true;
  observe(cp->obs, (struct observation){.kind = kind,
                                        .member = member_number(cp->container, c->file),
                                        .subject = name,
                                        .detail = span_str(what)});
}

/* {"as_int": 3}; an expression is no size of a weight. */
static bool sym_int(const cJSON *item, int64_t *out) { return json_int(json_get(item, "as_int"), out); }

static bool sym_ints(const cJSON *list, int64_t out[MAX_DIMS], uint32_t *n) {
  *n = 0;
  if (!cJSON_IsArray(list)) return false;
  for (const cJSON *item = list->child; item; item = item->next)
    if (*n == MAX_DIMS || !sym_int(item, &out[(*n)++])) return false;
  return true;
}

/* The record as a storage; the last one, if it was given the same dtype before. 0: a limit. */
static uint32_t storage_of(const struct config *c, const struct member *rec, enum dtype dtype) {
  struct checkpoint *cp = c->cp;
  uint32_t member = member_number(cp->container, rec), *last = &c->storages[member - 1];
  bool again = *last && cp->storages.p[*last - 1].dtype == dtype;
  if (again) return *last;
  struct storage_fact *s = vec_push(cp->arena, &cp->storages, cp->max->tensors);
  if (!s) return 0;
  *s = (struct storage_fact){.key = rec->short_name,
                             .location = SPAN("cpu"),
                             .dtype = dtype,
                             .big_endian = cp->big_endian,
                             .member = member,
                             .numel = dtype_elements_in(dtype, rec->size),
                             .bytes = rec->size};
  return *last = cp->storages.n;
}

/* What the config says of a tensor: NULL, or what is wrong with it. */
static const char *read_claim(const cJSON *meta, struct view_claim *claim, int64_t *sizes, int64_t *strides) {
  int64_t number = 0, layout = 0;
  if (!json_int(json_get(meta, "dtype"), &number) || !json_int(json_get(meta, "layout"), &layout) ||
      !sym_ints(json_get(meta, "sizes"), sizes, &claim->num_sizes) ||
      !sym_ints(json_get(meta, "strides"), strides, &claim->num_strides) ||
      !sym_int(json_get(meta, "storage_offset"), &claim->offset))
    return "its dtype, layout, sizes, strides or offset are no integers";
  claim->dtype = dtype_of(number);
  return claim->dtype == DTYPE_NONE || layout != STRIDED ? "its dtype or layout is not known here" : NULL;
}

static void add_weight(const struct config *c, const char *fqn, const cJSON *meta, struct member *rec) {
  struct checkpoint *cp = c->cp;
  int64_t sizes[MAX_DIMS], strides[MAX_DIMS];
  struct view_claim claim = {.sizes = sizes, .strides = strides, .storage_bytes = rec->size};
  struct view v;
  const char *wrong = read_claim(meta, &claim, sizes, strides);
  if (wrong) {
    leave(c, OBS_PT2_WEIGHT, fqn, wrong);
    return;
  }
  claim.member = member_number(cp->container, rec);
  rec->used = true;
  if (!arena_copy(cp->arena, span_str(fqn), &claim.subject) || !view_prove(&v, &claim, cp->obs)) return;
  uint32_t storage = storage_of(c, rec, claim.dtype), tensor = 0;
  if (storage)
    tensor = tensor_add(cp,
                        (struct tensor_fact){.storage = storage,
                                             .dtype = (uint8_t)claim.dtype,
                                             .ndim = v.ndim,
                                             .flags = v.contiguous ? PLAN_CONTIGUOUS : 0,
                                             .offset = v.offset,
                                             .numel = v.numel,
                                             .extent = v.extent},
                        sizes, strides);
  if (tensor)
    (void)add_root(cp, &(struct root){.kind = ROOT_TENSOR, .key = claim.subject, .index = tensor - 1});
}

/* FQN: {"path_name": "weight_0", "use_pickle": false, "tensor_meta": {…}}. With use_pickle the record is what
 * torch.save wrote, a file of its own; without tensor_meta it is no tensor. */
static void read_row(const struct config *c, const cJSON *row) {
  struct checkpoint *cp = c->cp;
  const cJSON *path = json_get(row, "path_name"), *meta = json_get(row, "tensor_meta");
  if (cJSON_IsTrue(json_get(row, "use_pickle")) || !cJSON_IsObject(meta)) return;
  if (!cJSON_IsString(path) || !folder_plain_name(span_str(path->valuestring))) {
    leave(c, OBS_PT2_PATH, row->string, "");
    return;
  }
  struct span name =
      arena_printf(cp->arena, "%.*s%s", (int)c->folder.n, (const char *)c->folder.p, path->valuestring);
  struct member *rec = container_find(cp->container, name);
  if (!rec)
    leave(c, OBS_PT2_RECORD, row->string, "");
  else if (!member_is_plain(rec))
    rec->used = true; /* why it can't be read was observed with the directory */
  else if (rec->size) /* an empty one: of a fake or an empty tensor */
    add_weight(c, row->string, meta, rec);
}

static bool read_member(void *ctx, const cJSON *row) {
  read_row(ctx, row);
  return true;
}

static bool is_object(struct span text, const char *key) {
  uint64_t at;
  return json_offset(text, &key, 1, &at) && span_starts(json_text_at(text, at), SPAN("{"));
}

static void read_config(struct config *c, struct member *m) {
  struct checkpoint *cp = c->cp;
  struct json_error err;
  struct span text;
  c->file = m;
  m->used = container_is_bystander(member_kind(cp, m), SPAN(""));
  if (!member_copy(cp->container, m, cp->max->json_bytes, cp->arena, cp->obs, &text)) return;
  if (!json_members(text, "config", cp->max, &err, read_member, c))
    leave(c, OBS_PT2_CONFIG, "config", err.what);
  else if (!is_object(text, "config"))
    leave(c, OBS_PT2_CONFIG, "config", "an object");
}

static void read_configs(struct checkpoint *cp) {
  static const struct {
    const char *folder, *ending;
  } rows[] = {{"data/weights/", "_weights_config.json"}, {"data/constants/", "_constants_config.json"}};
  uint32_t *storages = arena_array(cp->arena, cp->container->num_members, uint32_t);
  for (size_t k = 0; storages && k < ARRAY_LEN(rows); k++)
    for (uint32_t i = 0; i < cp->container->num_members; i++) {
      struct config c = {.cp = cp, .folder = span_str(rows[k].folder), .storages = storages};
      struct member *m = &cp->container->members[i];
      if (span_starts(m->short_name, c.folder) && span_ends(m->short_name, span_str(rows[k].ending)))
        read_config(&c, m);
    }
}

static void note_libraries(struct checkpoint *cp) {
  const struct container *c = cp->container;
  for (uint32_t i = 0; i < c->num_members; i++) {
    const struct member *m = &c->members[i];
    bool library = span_ends(m->name, SPAN(".so")) || span_starts(member_mapped(c, m), SPAN("\x7f"
                                                                                            "ELF"));
    if (library)
      observe(cp->obs, (struct observation){.kind = OBS_NATIVE_CODE, .member = i + 1, .subject = m->name});
  }
}

void load_pt2(struct checkpoint *cp) {
  read_configs(cp);
  note_libraries(cp);
}
