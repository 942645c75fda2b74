/* The programs of a container, in the order in which a loader reads them. */
#include "model/model.h"

static void note(struct model *md, enum obs_kind kind, uint32_t member, uint64_t at, uint64_t got, uint64_t want) {
  observe(md->obs, (struct observation){.kind = kind, .member = member, .at = at, .got = got, .want = want});
}

static bool run_program(struct model *md, struct machine *m, uint32_t member, struct span program, bool hooked) {
  struct machine_hooks hooks = hooked ? model_hooks(md) : (struct machine_hooks){0};
  if (!machine_init(m, md->arena, md->obs, md->max, member, &hooks, program)) {
    note(md, OBS_LIMIT_MEMORY, member, 0, md->arena->used, md->arena->budget);
    return false;
  }
  md->member = member;
  bool ok = machine_run(m);
  md->num_ops += m->num_ops;
  return ok;
}

/* Payload before the error: loaders call first and fail later (threats D01). */
static void judge_failure(struct model *md, uint32_t member) {
  if (md->num_refused)
    observe(md->obs, (struct observation){.kind = OBS_PAYLOAD_BEFORE_ERROR, .member = member, .at = md->refused_at,
                                          .got = md->num_refused});
}

static void run_object_pickle(struct model *md, uint32_t member, struct span program) {
  md->have_machine = true;
  if (!run_program(md, &md->machine, member, program, true)) judge_failure(md, member);
}

/* ---- torch zip ---- */

/* "byteorder" (2.1 and later) says little or big, checked by the container; absent means little (format-spec B.6). */
static void read_byteorder(struct model *md) {
  struct member *rec = container_find(md->container, SPAN("byteorder"));
  if (!rec || rec->size != 3) return;
  md->big_endian = true;
  note(md, OBS_BIG_ENDIAN, member_number(md->container, rec), 0, 0, 0);
}

static void load_zip(struct model *md) {
  read_byteorder(md);
  struct member *rec = container_find(md->container, SPAN("data.pkl"));
  struct span program;
  if (!rec) return; /* the container has said so */
  rec->used = true;
  if (!member_copy(md->container, rec, md->max->pickle_bytes, md->arena, md->obs, &program)) return;
  run_object_pickle(md, member_number(md->container, rec), program);
  if (md->machine.stopped && md->machine.in.left.n)
    note(md, OBS_PKL_TRAILING, member_number(md->container, rec), md->machine.in.at, md->machine.in.left.n, 0);
}

/* ---- legacy stream (format-spec C) ---- */

/* A section of the stream as a private copy: a pickle has no length, so it is what is left, at most pickle_bytes. */
struct stream {
  struct span rest; /* private copy of the object part; the storages behind stay in the mapping */
  uint64_t at;
};

static struct member *section(struct model *md, const char *name, uint64_t at, uint64_t len) {
  struct member *rec = container_append(md->container, md->arena, md->max, span_str(name), at, len);
  if (rec) rec->used = true;
  return rec;
}

/* One of the small pickles before the object: run without hooks, its value left in *m. */
static bool small_pickle(struct model *md, struct machine *m, const char *name, struct stream *s) {
  struct member *rec = section(md, name, s->at, 0);
  if (!rec) return false;
  uint32_t number = member_number(md->container, rec);
  if (!run_program(md, m, number, s->rest, false)) return false;
  uint64_t len = m->in.at;
  md->container->members[number - 1].csize = md->container->members[number - 1].size = len;
  s->rest = span_from(s->rest, (size_t)len);
  s->at += len;
  return true;
}

static const uint8_t magic_bytes[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

/* The constants must be literals, not computed: a scanner that looks for them would be fooled (threats F02). */
static bool check_preamble(struct model *md, struct stream *s) {
  struct machine magic, protocol, info;
  if (!small_pickle(md, &magic, "magic", s)) return false;
  if (kind_of(&magic, magic.result) != VAL_BIGINT || !span_eq(value_bytes(&magic, magic.result), span_of(magic_bytes, sizeof magic_bytes)) || magic.objects.n) {
    note(md, OBS_LEGACY_MAGIC, md->member, 0, 0, 0);
    return false;
  }
  if (!small_pickle(md, &protocol, "protocol", s)) return false;
  const struct value *v = value_of(&protocol, protocol.result);
  if (v->kind != VAL_INT || v->number != 1001)
    return refuse(md->obs, (struct observation){.kind = OBS_LEGACY_PROTOCOL, .member = md->member, .got = (uint64_t)v->number, .want = 1001});
  if (!small_pickle(md, &info, "sys_info", s)) return false;
  val_id little = kind_of(&info, info.result) == VAL_DICT ? dict_get(&info, info.result, "little_endian") : 0;
  md->big_endian = little && kind_of(&info, little) == VAL_BOOL && !value_of(&info, little)->truth;
  uint32_t calls = protocol.objects.n + info.objects.n + protocol.globals.n + info.globals.n + magic.globals.n;
  if (calls) note(md, OBS_LEGACY_PREAMBLE_CALLS, md->member, 0, calls, 0);
  return true;
}

static bool object_pickle(struct model *md, struct stream *s) {
  struct member *rec = section(md, "data.pkl", s->at, 0);
  if (!rec) return false;
  uint32_t number = member_number(md->container, rec);
  run_object_pickle(md, number, s->rest);
  uint64_t len = md->machine.in.at;
  md->container->members[number - 1].csize = md->container->members[number - 1].size = len;
  if (!md->machine.stopped) return false;
  s->rest = span_from(s->rest, (size_t)len);
  s->at += len;
  return true;
}

/* The fifth pickle: the list of storage keys in file order. */
static bool key_list(struct model *md, struct stream *s, struct span **keys, uint32_t *num_keys) {
  struct machine m;
  if (!small_pickle(md, &m, "keys", s)) return false;
  enum value_kind k = kind_of(&m, m.result);
  *num_keys = value_count(&m, m.result);
  *keys = arena_array(md->arena, *num_keys, struct span);
  bool fine = (k == VAL_LIST || k == VAL_TUPLE) && *keys && m.globals.n == 0;
  for (uint32_t i = 0; fine && i < *num_keys; i++) {
    fine = value_is_string(&m, value_item(&m, m.result, i));
    (*keys)[i] = value_bytes(&m, value_item(&m, m.result, i));
  }
  if (!fine) note(md, OBS_LEGACY_KEYS, md->member, 0, 0, 0);
  return fine;
}

static void attach_blocks(struct model *md, uint64_t at, const struct span *keys, uint32_t num_keys) {
  struct legacy_storage *list = arena_array(md->arena, md->roots.n, struct legacy_storage);
  if (!list) return;
  for (uint32_t i = 0; i < md->roots.n; i++) {
    const struct storage_fact *s = &md->storages.p[md->roots.p[i] - 1];
    list[i] = (struct legacy_storage){.key = s->key, .numel = s->numel, .item_size = dtype_size(s->dtype)};
  }
  legacy_blocks(md->container, md->arena, md->obs, md->max, at, keys, num_keys, list, md->roots.n, md->big_endian);
  for (uint32_t i = 0; i < md->roots.n; i++) md->storages.p[md->roots.p[i] - 1].member = list[i].member;
  for (uint32_t i = 0; i < md->storages.n; i++) {
    struct storage_fact *s = &md->storages.p[i];
    if (s->root) s->member = md->storages.p[s->root - 1].member;
  }
}

static void load_legacy(struct model *md) {
  struct stream s = {.at = 0};
  struct span head = span_first(md->container->file, (size_t)min_u64(md->max->pickle_bytes, SIZE_MAX));
  if (!arena_copy(md->arena, head, &s.rest)) {
    note(md, OBS_LIMIT_MEMORY, MEMBER_FILE, 0, head.n, md->arena->budget);
    return;
  }
  struct span *keys;
  uint32_t num_keys;
  if (!check_preamble(md, &s)) return;
  md->running_legacy = true;
  if (!object_pickle(md, &s) || !key_list(md, &s, &keys, &num_keys)) return;
  attach_blocks(md, s.at, keys, num_keys);
}

/* ---- bare pickles, one or several in a row (format-spec G.7) ---- */

static void load_pickle(struct model *md) {
  struct span program;
  struct span head = span_first(md->container->file, (size_t)min_u64(md->max->pickle_bytes, SIZE_MAX));
  if (!arena_copy(md->arena, head, &program)) {
    note(md, OBS_LIMIT_MEMORY, MEMBER_FILE, 0, head.n, md->arena->budget);
    return;
  }
  struct member *rec = section(md, "pickle", 0, program.n);
  if (!rec) return;
  run_object_pickle(md, member_number(md->container, rec), program);
  if (md->machine.stopped && md->machine.in.left.n)
    note(md, OBS_PKL_TRAILING, member_number(md->container, rec), md->machine.in.at, md->machine.in.left.n, 0);
}

void model_load(struct model *md) {
  if (md->container->kind == CONTAINER_TORCH_ZIP && md->container->usable) load_zip(md);
  if (md->container->kind == CONTAINER_TORCH_LEGACY) load_legacy(md);
  if (md->container->kind == CONTAINER_PICKLE) load_pickle(md);
  if (md->arena->exhausted) note(md, OBS_LIMIT_MEMORY, MEMBER_FILE, 0, md->arena->used, md->arena->budget);
}
