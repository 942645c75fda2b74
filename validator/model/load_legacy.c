/* The legacy stream, torch 0.1.10 to 1.5: five pickles and the storages behind them (format-spec C). */
#include "model/checkpoint.h"

/* A pickle has no length, so a section is what is left of the copy. */
struct stream {
  struct spelled rest; /* private copy: of a file the pickles, of a stream inside all */
  struct span inside;  /* what the names of sections begin with */
  struct arena small;  /* of the small pickles: there may be tens of thousands of streams in a file */
};

static void end_section(struct checkpoint *cp, uint32_t number, struct stream *s, uint64_t len) {
  struct spelled section;
  if (spelled_take(&s->rest, len, &section)) /* it ran on them */
    member_becomes(&cp->container->members[number - 1], &section);
}

static uint32_t begin_section(struct checkpoint *cp, const char *name, const struct stream *s) {
  struct span full = arena_printf(cp->arena, "%.*s%s", (int)s->inside.n, (const char *)s->inside.p, name);
  struct member *rec = load_section(cp, full, s->rest.at, 0);
  if (!rec) return 0;
  rec->spelling = (uint8_t)s->rest.how;
  return member_number(cp->container, rec);
}

/* One of the small pickles before or behind the object. Answers the machine that holds its value, NULL
 * (observed) if it breaks. What is more than values is judged as any program: a loader runs it. */
static const struct machine *small_pickle(struct checkpoint *cp, const char *name, struct stream *s) {
  uint32_t number = begin_section(cp, name, s);
  struct machine *own = arena_new(&s->small, struct machine);
  const struct machine *m = own;
  if (!number) return NULL;
  if (!own || !run_small(cp, &s->small, own, s->rest.bytes)) {
    const struct program *p = run_aside(cp, number, s->rest.bytes);
    if (!p || !p->machine.stopped) return NULL;
    m = &p->machine;
  }
  cp->member = number;
  end_section(cp, number, s, m->in.at);
  return m;
}

static const uint8_t magic_bytes[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

/* The constants must be literals, not computed: a scanner that looks for them would be fooled (threats F02).
 */
static bool check_preamble(struct checkpoint *cp, struct stream *s) {
  const struct machine *magic = small_pickle(cp, "magic", s);
  if (!magic) return false;
  if (kind_of(magic, magic->result) != VAL_BIGINT ||
      !span_eq(value_bytes(magic, magic->result), span_of(magic_bytes, sizeof magic_bytes)) ||
      magic->objects.n) {
    note_load(cp, OBS_LEGACY_MAGIC, cp->member, 0, 0, 0);
    return false;
  }
  const struct machine *protocol = small_pickle(cp, "protocol", s);
  if (!protocol) return false;
  const struct value *v = value_of(protocol, protocol->result);
  int64_t number = v->kind == VAL_INT ? v->number : 0; /* of other kinds it is an address */
  if (number != 1001)
    return refuse(cp->obs, (struct observation){.kind = OBS_LEGACY_PROTOCOL,
                                                .member = cp->member,
                                                .got = number > 0 ? (uint64_t)number : 0,
                                                .want = 1001});
  const struct machine *info = small_pickle(cp, "sys_info", s);
  if (!info) return false;
  val_id little = kind_of(info, info->result) == VAL_DICT ? dict_get(info, info->result, "little_endian") : 0;
  cp->big_endian = little && kind_of(info, little) == VAL_BOOL && !value_of(info, little)->truth;
  uint32_t calls = protocol->objects.n + info->objects.n + protocol->globals.n + info->globals.n +
                   magic->globals.n + magic->persids.n + protocol->persids.n + info->persids.n;
  if (calls) note_load(cp, OBS_LEGACY_PREAMBLE_CALLS, cp->member, 0, calls, 0);
  return true;
}

/* The object of the file is the tree; that of a stream inside is a value somewhere in it. */
static bool object_pickle(struct checkpoint *cp, struct stream *s) {
  uint32_t number = begin_section(cp, "data.pkl", s);
  if (!number) return false;
  const struct program *p =
      s->inside.n ? run_aside(cp, number, s->rest.bytes) : run_program(cp, SPAN(""), number, s->rest.bytes);
  if (!p) return false;
  bool stopped = p->machine.stopped;
  end_section(cp, number, s, p->machine.in.at);
  return stopped;
}

/* The fifth pickle: the list of storage keys in file order. */
static bool key_list(struct checkpoint *cp, struct stream *s, struct span **keys, uint32_t *num_keys) {
  const struct machine *m = small_pickle(cp, "keys", s);
  if (!m) return false;
  enum value_kind k = kind_of(m, m->result);
  *num_keys = value_count(m, m->result);
  *keys = arena_array(&s->small, *num_keys, struct span);
  bool fine = (k == VAL_LIST || k == VAL_TUPLE) && m->globals.n == 0;
  if (!*keys) return false;
  for (uint32_t i = 0; fine && i < *num_keys; i++) {
    fine = value_is_string(m, value_item(m, m->result, i));
    (*keys)[i] = value_bytes(m, value_item(m, m->result, i));
  }
  if (!fine) note_load(cp, OBS_LEGACY_KEYS, cp->member, 0, 0, 0);
  return fine;
}

/* Of a file they stay in the mapping. */
static struct spelled blocks_of(const struct checkpoint *cp, const struct stream *s) {
  if (s->inside.n) return s->rest;
  return (struct spelled){.bytes = span_from(cp->container->file, (size_t)s->rest.at), .at = s->rest.at};
}

static void attach_blocks(struct checkpoint *cp, struct stream *stream, const struct span *keys,
                          uint32_t num_keys) {
  struct legacy_storage *list = arena_array(&stream->small, cp->names.root_storages.n, struct legacy_storage);
  if (!list) return;
  for (uint32_t i = 0; i < cp->names.root_storages.n; i++) {
    const struct storage_fact *s = &cp->storages.p[cp->names.root_storages.p[i] - 1];
    list[i] = (struct legacy_storage){.key = s->key, .numel = s->numel, .item_size = dtype_size(s->dtype)};
  }
  struct spelled rest = blocks_of(cp, stream);
  legacy_blocks(cp->container, cp->arena, cp->obs, cp->max, &rest, keys, num_keys, list,
                cp->names.root_storages.n, cp->big_endian);
  for (uint32_t i = 0; i < cp->names.root_storages.n; i++) {
    cp->storages.p[cp->names.root_storages.p[i] - 1].member = list[i].member;
    if (list[i].member) cp->container->members[list[i].member - 1].used = true;
  }
  for (uint32_t i = 0; i < cp->storages.n; i++) {
    struct storage_fact *s = &cp->storages.p[i];
    if (s->view) s->member = cp->storages.p[cp->views.p[s->view - 1].root - 1].member;
  }
  stream->rest = rest;
}

static bool read_sections(struct checkpoint *cp, struct stream *s) {
  struct span *keys;
  uint32_t num_keys;
  if (!check_preamble(cp, s)) return false;
  cp->ids = IDS_LEGACY;
  if (!object_pickle(cp, s) || !key_list(cp, s, &keys, &num_keys)) return false;
  attach_blocks(cp, s, keys, num_keys);
  return true;
}

/* torch.load reads no further; a loop that unpickles does. */
static void judge_behind(struct checkpoint *cp, const struct stream *s) {
  enum { BEHIND_BYTES = 16 << 20 };
  struct span rest;
  if (begins_pickle(s->rest.bytes) && arena_copy(cp->arena, span_first(s->rest.bytes, BEHIND_BYTES), &rest))
    judge_rest(cp, MEMBER_FILE, s->rest.at, rest);
}

static bool read_stream(struct checkpoint *cp, struct stream *s) {
  arena_init(&s->small, cp->arena->budget - cp->arena->used);
  bool fine = read_sections(cp, s);
  arena_free(&s->small);
  judge_behind(cp, s);
  return fine;
}

void load_legacy(struct checkpoint *cp) {
  struct stream s = {.inside = SPAN("")};
  if (load_copy(cp, 0, pickles_extent(cp->arena, cp->max, cp->container->file, 5), &s.rest.bytes))
    (void)read_stream(cp, &s);
}

bool load_nested(struct checkpoint *cp, const struct spelled *stream, uint32_t *program) {
  const struct storage_names names = cp->names;
  enum ids ids = cp->ids;
  bool big_endian = cp->big_endian, raw_arrays = cp->raw_arrays;
  uint32_t member = cp->member;
  struct stream s = {.rest = *stream};
  s.inside = arena_printf(cp->arena, "bytes+%#llx/", (unsigned long long)stream->at);
  *program = cp->programs.n;
  storages_begin(cp, SPAN(""));
  cp->ids = IDS_ZIP;
  cp->raw_arrays = false;
  cp->nesting++;
  bool fine = s.inside.n && read_stream(cp, &s);
  cp->nesting--;
  cp->names = names;
  cp->ids = ids;
  cp->big_endian = big_endian;
  cp->raw_arrays = raw_arrays;
  cp->member = member;
  return fine;
}
