/* The programs of a container, in the order in which a loader reads them. */
#include "model/checkpoint.h"
#include "pickle/disasm.h"

enum { BROKEN_TAIL = 65536 }; /* bytes copied behind the place where a legacy pickle makes no sense */

static void note(struct checkpoint *cp, enum obs_kind kind, uint32_t member, uint64_t at, uint64_t got,
                 uint64_t want) {
  observe(cp->obs, (struct observation){.kind = kind, .member = member, .at = at, .got = got, .want = want});
}

static bool run_program(struct checkpoint *cp, struct machine *m, uint32_t member, struct span program,
                        bool hooked) {
  struct machine_hooks hooks = hooked ? checkpoint_hooks(cp) : (struct machine_hooks){0};
  if (!machine_init(m, cp->arena, cp->obs, cp->max, member, &hooks, program)) {
    note(cp, OBS_LIMIT_MEMORY, member, 0, cp->arena->used, cp->arena->budget);
    return false;
  }
  memcpy(m->hash_seed, cp->hash_seed, sizeof m->hash_seed);
  cp->member = member;
  bool ok = machine_run(m);
  cp->num_ops += m->num_ops;
  return ok;
}

/* Payload before the error: loaders call first and fail later (threats D01). */
static void judge_failure(struct checkpoint *cp, uint32_t member) {
  if (cp->num_refused)
    observe(cp->obs, (struct observation){.kind = OBS_PAYLOAD_BEFORE_ERROR,
                                          .member = member,
                                          .at = cp->refused_at,
                                          .got = cp->num_refused});
}

static void run_object_pickle(struct checkpoint *cp, uint32_t member, struct span program) {
  cp->have_machine = true;
  cp->program = program;
  if (!run_program(cp, &cp->machine, member, program, true)) judge_failure(cp, member);
}

/* ---- torch zip ---- */

/* "byteorder" (2.1 and later) says little or big, checked by the container; absent means little (format-spec
 * B.6). */
static void read_byteorder(struct checkpoint *cp) {
  struct member *rec = container_find(cp->container, SPAN("byteorder"));
  if (!rec || rec->size != 3) return;
  cp->big_endian = true;
  note(cp, OBS_BIG_ENDIAN, member_number(cp->container, rec), 0, 0, 0);
}

/* Records that a loader reads or torch writes beside the pickle and the storages. */
static void use_records(const struct container *c) {
  static const char *const names[] = {"version",         "byteorder",
                                      ".format_version", ".storage_alignment",
                                      ".data/version",   ".data/serialization_id"};
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    struct member *rec = container_find(c, span_str(names[i]));
    if (rec) rec->used = true;
  }
}

static void load_zip(struct checkpoint *cp) {
  use_records(cp->container);
  read_byteorder(cp);
  struct member *rec = container_find(cp->container, SPAN("data.pkl"));
  struct span program;
  if (!rec) return; /* the container has said so */
  rec->used = true;
  if (!member_copy(cp->container, rec, cp->max->pickle_bytes, cp->arena, cp->obs, &program)) return;
  run_object_pickle(cp, member_number(cp->container, rec), program);
  if (cp->machine.stopped && cp->machine.in.left.n)
    note(cp, OBS_PKL_TRAILING, member_number(cp->container, rec), cp->machine.in.at, cp->machine.in.left.n,
         0);
}

/* ---- legacy stream (format-spec C) ---- */

/* A section of the stream as a private copy: a pickle has no length, so it is what is left, at most
 * pickle_bytes. */
struct stream {
  struct span rest; /* private copy of the object part; the storages behind stay in the mapping */
  uint64_t at;
};

static struct member *section(struct checkpoint *cp, const char *name, uint64_t at, uint64_t len) {
  struct member *rec = container_append(cp->container, cp->arena, cp->max, span_str(name), at, len);
  if (rec) rec->used = true;
  return rec;
}

/* One of the small pickles before the object: run without hooks, its value left in *m. */
static bool small_pickle(struct checkpoint *cp, struct machine *m, const char *name, struct stream *s) {
  struct member *rec = section(cp, name, s->at, 0);
  if (!rec) return false;
  uint32_t number = member_number(cp->container, rec);
  if (!run_program(cp, m, number, s->rest, false)) return false;
  uint64_t len = m->in.at;
  cp->container->members[number - 1].csize = cp->container->members[number - 1].size = len;
  s->rest = span_from(s->rest, (size_t)len);
  s->at += len;
  return true;
}

static const uint8_t magic_bytes[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

/* The constants must be literals, not computed: a scanner that looks for them would be fooled (threats F02).
 */
static bool check_preamble(struct checkpoint *cp, struct stream *s) {
  struct machine magic, protocol, info;
  if (!small_pickle(cp, &magic, "magic", s)) return false;
  if (kind_of(&magic, magic.result) != VAL_BIGINT ||
      !span_eq(value_bytes(&magic, magic.result), span_of(magic_bytes, sizeof magic_bytes)) ||
      magic.objects.n) {
    note(cp, OBS_LEGACY_MAGIC, cp->member, 0, 0, 0);
    return false;
  }
  if (!small_pickle(cp, &protocol, "protocol", s)) return false;
  const struct value *v = value_of(&protocol, protocol.result);
  int64_t number = v->kind == VAL_INT ? v->number : 0; /* of other kinds it is an address */
  if (number != 1001)
    return refuse(cp->obs, (struct observation){.kind = OBS_LEGACY_PROTOCOL,
                                                .member = cp->member,
                                                .got = number > 0 ? (uint64_t)number : 0,
                                                .want = 1001});
  if (!small_pickle(cp, &info, "sys_info", s)) return false;
  val_id little = kind_of(&info, info.result) == VAL_DICT ? dict_get(&info, info.result, "little_endian") : 0;
  cp->big_endian = little && kind_of(&info, little) == VAL_BOOL && !value_of(&info, little)->truth;
  uint32_t calls = protocol.objects.n + info.objects.n + protocol.globals.n + info.globals.n +
                   magic.globals.n + magic.persids.n + protocol.persids.n + info.persids.n;
  if (calls) note(cp, OBS_LEGACY_PREAMBLE_CALLS, cp->member, 0, calls, 0);
  return true;
}

static bool object_pickle(struct checkpoint *cp, struct stream *s) {
  struct member *rec = section(cp, "data.pkl", s->at, 0);
  if (!rec) return false;
  uint32_t number = member_number(cp->container, rec);
  run_object_pickle(cp, number, s->rest);
  uint64_t len = cp->machine.in.at;
  cp->container->members[number - 1].csize = cp->container->members[number - 1].size = len;
  if (!cp->machine.stopped) return false;
  s->rest = span_from(s->rest, (size_t)len);
  s->at += len;
  return true;
}

/* The fifth pickle: the list of storage keys in file order. */
static bool key_list(struct checkpoint *cp, struct stream *s, struct span **keys, uint32_t *num_keys) {
  struct machine m;
  if (!small_pickle(cp, &m, "keys", s)) return false;
  enum value_kind k = kind_of(&m, m.result);
  *num_keys = value_count(&m, m.result);
  *keys = arena_array(cp->arena, *num_keys, struct span);
  bool fine = (k == VAL_LIST || k == VAL_TUPLE) && m.globals.n == 0;
  if (!*keys) return false;
  for (uint32_t i = 0; fine && i < *num_keys; i++) {
    fine = value_is_string(&m, value_item(&m, m.result, i));
    (*keys)[i] = value_bytes(&m, value_item(&m, m.result, i));
  }
  if (!fine) note(cp, OBS_LEGACY_KEYS, cp->member, 0, 0, 0);
  return fine;
}

static void attach_blocks(struct checkpoint *cp, uint64_t at, const struct span *keys, uint32_t num_keys) {
  struct legacy_storage *list = arena_array(cp->arena, cp->roots.n, struct legacy_storage);
  if (!list) return;
  for (uint32_t i = 0; i < cp->roots.n; i++) {
    const struct storage_fact *s = &cp->storages.p[cp->roots.p[i] - 1];
    list[i] = (struct legacy_storage){.key = s->key, .numel = s->numel, .item_size = dtype_size(s->dtype)};
  }
  legacy_blocks(cp->container, cp->arena, cp->obs, cp->max, at, keys, num_keys, list, cp->roots.n,
                cp->big_endian);
  for (uint32_t i = 0; i < cp->roots.n; i++) {
    cp->storages.p[cp->roots.p[i] - 1].member = list[i].member;
    if (list[i].member) cp->container->members[list[i].member - 1].used = true;
  }
  for (uint32_t i = 0; i < cp->storages.n; i++) {
    struct storage_fact *s = &cp->storages.p[i];
    if (s->root) s->member = cp->storages.p[s->root - 1].member;
  }
}

/* Where `count` pickles in a row end, by their own lengths: how much of the file is metadata. Read from the
 * mapping, so it only says how much to copy; the machine runs on the copy and sees for itself. A program that
 * makes no sense ends the count: what it is, the machine will say. */
static size_t pickles_extent(struct checkpoint *cp, struct span file, uint32_t count) {
  size_t end = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct disasm d;
    struct instruction insn;
    disasm_init(&d, cp->arena, cp->max, span_from(file, end));
    while (disasm_next(&d, &insn)) {
    }
    end += (size_t)d.in.at;
    if (d.end != DISASM_STOP) return file.n - end > BROKEN_TAIL ? end + BROKEN_TAIL : file.n;
  }
  return end;
}

/* A private copy of the first n bytes of the file; false (observed) when they are too many. */
static bool copy_head(struct checkpoint *cp, size_t n, struct span *out) {
  if (n > cp->max->pickle_bytes)
    return refuse(cp->obs, (struct observation){
                               .kind = OBS_LIMIT_PICKLE_BYTES, .got = n, .want = cp->max->pickle_bytes});
  if (arena_copy(cp->arena, span_first(cp->container->file, n), out)) return true;
  return refuse(cp->obs, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = n, .want = cp->arena->budget});
}

static void load_legacy(struct checkpoint *cp) {
  struct stream s = {.at = 0};
  if (!copy_head(cp, pickles_extent(cp, cp->container->file, 5), &s.rest)) return;
  struct span *keys;
  uint32_t num_keys;
  if (!check_preamble(cp, &s)) return;
  cp->running_legacy = true;
  if (!object_pickle(cp, &s) || !key_list(cp, &s, &keys, &num_keys)) return;
  attach_blocks(cp, s.at, keys, num_keys);
}

/* ---- bare pickles, one or several in a row (format-spec G.7) ---- */

static void load_pickle(struct checkpoint *cp) {
  struct span program;
  if (!copy_head(cp, cp->container->file.n, &program)) return;
  struct member *rec = section(cp, "pickle", 0, program.n);
  if (!rec) return;
  run_object_pickle(cp, member_number(cp->container, rec), program);
  if (cp->machine.stopped && cp->machine.in.left.n)
    note(cp, OBS_PKL_TRAILING, member_number(cp->container, rec), cp->machine.in.at, cp->machine.in.left.n,
         0);
}

void checkpoint_load(struct checkpoint *cp) {
  if (cp->container->kind == CONTAINER_TORCH_ZIP && cp->container->usable) load_zip(cp);
  if (cp->container->kind == CONTAINER_TORCH_LEGACY) load_legacy(cp);
  if (cp->container->kind == CONTAINER_PICKLE) load_pickle(cp);
  if (cp->arena->exhausted) note(cp, OBS_LIMIT_MEMORY, MEMBER_FILE, 0, cp->arena->used, cp->arena->budget);
}
