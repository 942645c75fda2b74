/* The programs of a container, in the order in which a loader reads them. */
#include "model/checkpoint.h"
#include "pickle/disasm.h"

enum { BROKEN_TAIL = 65536 }; /* bytes copied behind the place where a pickle in a row makes no sense */

void note_load(struct checkpoint *cp, enum obs_kind kind, uint32_t member, uint64_t at, uint64_t got,
               uint64_t want) {
  observe(cp->obs, (struct observation){.kind = kind, .member = member, .at = at, .got = got, .want = want});
}

/* ---- one program ---- */

static bool run(struct checkpoint *cp, struct machine *m, uint32_t member, struct span bytes,
                const struct machine_hooks *hooks) {
  if (!machine_init(m, cp->arena, cp->obs, cp->max, member, hooks, bytes)) {
    note_load(cp, OBS_LIMIT_MEMORY, member, 0, cp->arena->used, cp->arena->budget);
    return false;
  }
  memcpy(m->hash_seed, cp->hash_seed, sizeof m->hash_seed);
  cp->member = member;
  bool ok = machine_run(m);
  cp->num_ops += m->num_ops;
  return ok;
}

bool is_class_tag(const struct checkpoint *cp, const struct global *g) {
  const struct global_row *row = cp->policy.lookup(cp->policy.ctx, g->mapped_module, g->mapped_name);
  return !g->odd && !g->dotted && !g->computed && row &&
         (row->builder == BUILD_STORAGE_CLASS || row->builder == BUILD_TENSOR_CLASS);
}

bool run_small(struct checkpoint *cp, struct arena *a, struct machine *m, struct span bytes) {
  struct observations seen;
  observations_init(&seen, a, 1);
  bool ran = machine_init(m, a, &seen, cp->max, MEMBER_FILE, NULL, bytes);
  memcpy(m->hash_seed, cp->hash_seed, sizeof m->hash_seed);
  ran = ran && machine_run(m);
  m->obs = cp->obs;
  cp->num_ops += m->num_ops;
  bool plain = ran && seen.n == 0 && m->objects.n == 0 && m->persids.n == 0;
  for (uint32_t i = 0; plain && i < m->globals.n; i++) plain = is_class_tag(cp, &m->globals.p[i]);
  return plain;
}

/* The table has no room for one more. Of spent memory checkpoint_load tells. */
static void leave_unread(struct checkpoint *cp, enum obs_kind limit, uint64_t n, uint64_t max) {
  cp->unread = true;
  if (n >= max) note_load(cp, limit, MEMBER_FILE, 0, n + 1, max);
}

bool add_root(struct checkpoint *cp, const struct root *root) {
  struct root *slot = vec_push(cp->arena, &cp->roots, cp->max->tensors);
  if (!slot) {
    leave_unread(cp, OBS_LIMIT_TENSORS, cp->roots.n, cp->max->tensors);
    return false;
  }
  *slot = *root;
  return true;
}

struct program *run_aside(struct checkpoint *cp, uint32_t member, struct span bytes) {
  struct program *p = arena_new(cp->arena, struct program);
  struct program **slot = p ? vec_push(cp->arena, &cp->programs, cp->max->zip_members) : NULL;
  struct machine_hooks hooks = checkpoint_hooks(cp);
  uint32_t refused = cp->num_refused;
  if (!slot) {
    leave_unread(cp, OBS_LIMIT_MEMBERS, cp->programs.n, cp->max->zip_members);
    return NULL;
  }
  *slot = p;
  p->bytes = bytes;
  p->ids = cp->ids;
  /* Payload before the error: loaders call first and fail later (threats D01). */
  if (!run(cp, &p->machine, member, bytes, &hooks) && !p->machine.limited && cp->num_refused > refused)
    note_load(cp, OBS_PAYLOAD_BEFORE_ERROR, member, cp->refused_at, cp->num_refused - refused, 0);
  return p;
}

struct program *run_program(struct checkpoint *cp, struct span key, uint32_t member, struct span bytes) {
  uint32_t index = cp->programs.n;
  struct program *p = run_aside(cp, member, bytes);
  return p && add_root(cp, &(struct root){.kind = ROOT_PROGRAM, .key = key, .index = index}) ? p : NULL;
}

void checkpoint_enter(struct checkpoint *cp, const struct program *p) {
  cp->ids = p->ids;
  cp->member = p->machine.member;
}

bool checkpoint_is_read(const struct checkpoint *cp) {
  bool read = cp->roots.n > 0 && !cp->unread;
  for (uint32_t i = 0; i < cp->programs.n; i++) read = read && cp->programs.p[i]->machine.stopped;
  return read;
}

/* ---- bytes of the file ---- */

struct member *load_section(struct checkpoint *cp, struct span name, uint64_t at, uint64_t len) {
  struct member *rec = name.n ? container_append(cp->container, cp->arena, cp->max, name, at, len)
                              : NULL; /* no name: no memory */
  if (rec)
    rec->used = true;
  else
    leave_unread(cp, OBS_LIMIT_MEMBERS, cp->container->num_members, cp->max->zip_members);
  return rec;
}

void load_section_end(struct checkpoint *cp, uint32_t number, uint64_t len) {
  struct member *rec = &cp->container->members[number - 1];
  rec->csize = rec->size = len;
}

/* Read from the mapping, so it only says how much to copy; the machine runs on the copy and sees for itself.
 * A program that makes no sense ends the count: what it is, the machine will say. */
size_t pickles_extent(struct arena *scratch, const struct limits *max, struct span bytes, uint32_t count) {
  size_t end = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct disasm d;
    struct instruction insn;
    disasm_init(&d, scratch, max, span_from(bytes, end));
    while (disasm_next(&d, &insn)) {
    }
    end += (size_t)d.in.at;
    if (d.end != DISASM_STOP) return bytes.n - end > BROKEN_TAIL ? end + BROKEN_TAIL : bytes.n;
  }
  return end;
}

bool load_copy(struct checkpoint *cp, uint64_t at, size_t n, struct span *out) {
  if (n > cp->max->pickle_bytes)
    return refuse(cp->obs, (struct observation){
                               .kind = OBS_LIMIT_PICKLE_BYTES, .got = n, .want = cp->max->pickle_bytes});
  if (arena_copy(cp->arena, span_first(span_from(cp->container->file, (size_t)at), n), out)) return true;
  return refuse(cp->obs, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = n, .want = cp->arena->budget});
}

void note_rest(struct checkpoint *cp, const struct program *p, uint32_t member) {
  const struct reader *in = &p->machine.in;
  enum container_kind kind = cp->container->kind;
  bool text = kind == CONTAINER_PICKLE || kind == CONTAINER_NPY; /* a file that went through an editor */
  bool line_end = text && (span_is(in->left, "\n") || span_is(in->left, "\r\n"));
  if (p->machine.stopped && in->left.n)
    note_load(cp, line_end ? OBS_PKL_LINE_END : OBS_PKL_TRAILING, member, in->at, in->left.n, 0);
  if (p->machine.stopped && !begins_pickle(in->left)) judge_tail(cp, member, in->at, in->left);
  if (p->machine.stopped) judge_rest(cp, member, in->at, in->left);
}

/* ---- torch zip ---- */

/* "byteorder" (2.1 and later) says little or big, checked by the container; absent means little (format-spec
 * B.6). */
static void read_byteorder(struct checkpoint *cp) {
  const struct member *rec = container_find(cp->container, SPAN("byteorder"));
  struct span text;
  if (!rec || rec->size != 3 || !member_copy(cp->container, rec, 3, cp->arena, cp->obs, &text) ||
      !span_is(text, "big"))
    return;
  cp->big_endian = true;
  note_load(cp, OBS_BIG_ENDIAN, member_number(cp->container, rec), 0, 0, 0);
}

/* Records that a loader reads or torch writes beside the pickle and the storages: a few letters or digits. */
static void use_records(const struct checkpoint *cp) {
  const struct container *c = cp->container;
  static const char *const names[] = {"version",         "byteorder",
                                      ".format_version", ".storage_alignment",
                                      ".data/version",   ".data/serialization_id"};
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    struct member *rec = container_find(c, span_str(names[i]));
    if (rec && container_is_bystander(member_kind(cp, rec), SPAN(""))) rec->used = true;
  }
}

void load_member(struct checkpoint *cp, struct member *rec, bool aside) {
  struct span bytes;
  uint32_t member = member_number(cp->container, rec);
  rec->used = true;
  if (!member_copy(cp->container, rec, cp->max->pickle_bytes, cp->arena, cp->obs, &bytes)) {
    cp->unread = true;
    return;
  }
  const struct program *p = aside ? run_aside(cp, member, bytes) : run_program(cp, SPAN(""), member, bytes);
  if (p) note_rest(cp, p, member);
}

static void load_zip(struct checkpoint *cp) {
  struct member *rec = container_find(cp->container, SPAN("data.pkl"));
  if (rec) load_member(cp, rec, false); /* the container has said if there is none */
  check_mapped(cp);
  judge_strays(cp);
}

void checkpoint_load(struct checkpoint *cp) {
  enum container_kind kind = cp->container->kind;
  bool torch = kind == CONTAINER_TORCH_ZIP || kind == CONTAINER_TORCHSCRIPT;
  torch = torch && cp->container->usable;
  bool export = kind == CONTAINER_PT2 && cp->container->usable;
  if (torch || export) {
    use_records(cp);
    read_byteorder(cp);
  }
  if (torch && kind == CONTAINER_TORCH_ZIP) load_zip(cp);
  if (torch && kind == CONTAINER_TORCHSCRIPT) load_torchscript(cp);
  if (kind == CONTAINER_TORCH_PACKAGE && cp->container->usable) load_package(cp);
  if (export) load_pt2(cp);
  if (cp->container->kind == CONTAINER_TORCH_LEGACY) load_legacy(cp);
  if (cp->container->kind == CONTAINER_TORCH_TAR) load_tar(cp);
  if (cp->container->kind == CONTAINER_PICKLE) load_pickles(cp);
  if (cp->container->kind == CONTAINER_SAFETENSORS) load_safetensors(cp);
  if (cp->container->kind == CONTAINER_GGUF) load_gguf(cp);
  if (cp->container->kind == CONTAINER_NPY) load_npy(cp);
  if (cp->container->kind == CONTAINER_NPZ && cp->container->usable) load_npz(cp);
  judge_locals(cp);
  judge_tails(cp);
  if (cp->arena->exhausted)
    note_load(cp, OBS_LIMIT_MEMORY, MEMBER_FILE, 0, cp->arena->used, cp->arena->budget);
}
