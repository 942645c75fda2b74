/* NumPy's .npy and the .npz that holds several (format-spec G.3, G.4). An array of objects is a pickle behind
 * the header, which numpy.load(allow_pickle=True) runs. */
#include "base/npy.h"

#include "model/load_plain.h"

/* The bytes of one .npy: a private copy of its beginning, and of all where a pickle follows. */
struct npy_file {
  struct span key;
  uint32_t member;   /* 1-based */
  struct span bytes; /* as they lie, or inflated */
};

static bool leave(struct checkpoint *cp, struct observation what) {
  cp->unread = true;
  return refuse(cp->obs, what);
}

static bool add_numbers(struct checkpoint *cp, const struct npy_file *f, const struct npy_place *p) {
  uint64_t sizes[NPY_MAX_DIMS + 1];
  struct plain_claim claim = {.key = f->key,
                              .ndim = p->array.ndim,
                              .fortran_order = p->array.fortran_order,
                              .big_endian = p->big_endian,
                              .member = f->member,
                              .at = p->data_at,
                              .bytes = p->data_bytes};
  memcpy(sizes, p->array.shape, sizeof p->array.shape);
  plain_items(&claim, sizes, p->array.kind, p->item_size);
  return add_plain(cp, &claim);
}

/* A program at this offset of the array's bytes: a section of its own, whose name says where it begins. In an
 * inflated member no byte of the file is its own. */
static uint32_t program_section(struct checkpoint *cp, const struct npy_file *f, uint64_t at) {
  const struct container *c = cp->container;
  const struct member *in = &c->members[f->member - 1];
  bool mapped = member_mapped(c, in).p == f->bytes.p;
  struct span name = arena_printf(cp->arena, "%.*s+%#llx", (int)min_size(in->name.n, OBS_TEXT_MAX),
                                  (const char *)in->name.p, (unsigned long long)at);
  const struct member *rec = mapped ? load_section(cp, name, in->data_at + at, f->bytes.n - at)
                                    : load_section(cp, name, in->data_at, 0);
  return rec ? member_number(c, rec) : 0;
}

static bool copy_from(struct checkpoint *cp, const struct npy_file *f, uint64_t at, struct span *out) {
  bool fine = arena_copy(cp->arena, span_from(f->bytes, (size_t)at), out);
  cp->unread = cp->unread || !fine;
  return fine;
}

static void add_objects(struct checkpoint *cp, const struct npy_file *f, const struct npy_place *p) {
  struct span bytes;
  uint32_t member = program_section(cp, f, p->data_at);
  if (!member || !copy_from(cp, f, p->data_at, &bytes)) return;
  const struct program *program = run_program(cp, f->key, member, bytes);
  if (program) note_rest(cp, program, member);
}

/* Of the pickle that stands there, and of what is behind one that breaks. */
static bool copy_pickle(struct checkpoint *cp, const struct npy_file *f, uint64_t at, struct span *out) {
  struct span rest = span_from(f->bytes, (size_t)at);
  struct npy_file one = {.bytes =
                             span_first(f->bytes, (size_t)at + pickles_extent(cp->arena, cp->max, rest, 1))};
  return copy_from(cp, &one, at, out);
}

/* numpy.load reads one array after the other from an open file, and unpickles what is none. Answers where
 * something else stands; the end if nothing does. *more: behind so many in a row nothing was looked at. */
static uint64_t judge_behind(struct checkpoint *cp, const struct npy_file *f, uint64_t at, bool *more) {
  *more = false;
  for (uint64_t i = 0; at < f->bytes.n; i++) {
    struct npy_place p = {.data_at = 0};
    struct npy_error err;
    struct span rest = span_from(f->bytes, (size_t)at), bytes;
    if (i == cp->max->pickles) {
      *more = true;
      break;
    }
    if (span_starts(rest, SPAN("\x93NUMPY"))) {
      struct span head;
      if (!arena_copy(cp->arena, span_first(rest, NPY_HEAD_MAX), &head)) return at;
      if (npy_place(&p, head, &err) && p.array.kind != 'O') {
        at += min_u64(rest.n, p.data_at) + min_u64(rest.n, p.data_bytes);
        continue;
      }
      at += min_u64(rest.n, p.data_at);
      rest = span_from(f->bytes, (size_t)at);
    }
    if (container_sniff(rest) != CONTAINER_PICKLE) break;
    uint32_t member = program_section(cp, f, at);
    uint64_t end = member && copy_pickle(cp, f, at, &bytes) ? judge_program(cp, member, 0, bytes) : 0;
    if (end == 0) break;
    at += end;
  }
  return at;
}

/* Arrays and pickles in a row are written so; a line end comes of editors. */
static void note_behind(struct checkpoint *cp, const struct npy_file *f, uint64_t at,
                        struct observation what) {
  bool more;
  uint64_t end = judge_behind(cp, f, at, &more);
  struct span rest = span_from(f->bytes, (size_t)min_u64(end, f->bytes.n));
  bool written = more || rest.n == 0 || (end == at && (span_is(rest, "\n") || span_is(rest, "\r\n")));
  cp->unread = cp->unread || more;
  if (more) note_load(cp, OBS_LIMIT_PICKLES, f->member, end, cp->max->pickles, cp->max->pickles);
  what.kind = written ? OBS_NPY_TRAILING : OBS_NPY_BEHIND;
  observe(cp->obs, what);
  if (!written) judge_tail(cp, f->member, end, rest);
}

static void add_npy(struct checkpoint *cp, const struct npy_file *f) {
  struct npy_place p;
  struct npy_error err;
  struct span head;
  if (!arena_copy(cp->arena, span_first(f->bytes, NPY_HEAD_MAX), &head)) {
    cp->unread = true; /* checkpoint_load says that the budget is spent */
    return;
  }
  if (!npy_place(&p, head, &err)) {
    (void)!leave(cp, (struct observation){.kind = p.fields ? OBS_NPY_FIELDS : OBS_NPY_HEADER,
                                          .member = f->member,
                                          .at = err.at,
                                          .detail = span_str(err.what)});
    bool more; /* it may be of objects all the same */
    if (p.data_at) (void)judge_behind(cp, f, p.data_at, &more);
    return;
  }
  struct span data = span_from(f->bytes, (size_t)p.data_at);
  if (p.array.kind == 'O') {
    add_objects(cp, f, &p);
    return;
  }
  struct span name = f->key.n ? f->key : SPAN("the array");
  struct observation what = {
      .member = f->member, .at = p.data_at, .got = data.n, .want = p.data_bytes, .subject = name};
  if (p.data_bytes > data.n) {
    what.kind = OBS_NPY_SHORT;
    (void)!leave(cp, what);
    return;
  }
  what.got = data.n - p.data_bytes;
  (void)add_numbers(cp, f, &p);
  if (what.got) note_behind(cp, f, p.data_at + p.data_bytes, what);
}

void load_npy(struct checkpoint *cp) {
  struct span file = cp->container->file;
  const struct member *rec = load_section(cp, SPAN("array"), 0, file.n);
  if (rec) add_npy(cp, &(struct npy_file){.member = member_number(cp->container, rec), .bytes = file});
}

/* numpy.load gives the bytes of a member that is no array. Answers whether it has an inside of its own that
 * is not judged here. */
static bool pass_by(struct checkpoint *cp, struct member *m) {
  if (m->size == 0 && span_ends(m->name, SPAN("/"))) { /* a folder */
    m->used = true;
    return false;
  }
  observe(cp->obs,
          (struct observation){
              .kind = OBS_NPZ_MEMBER, .member = member_number(cp->container, m), .subject = m->name});
  return judge_stray(cp, m);
}

/* numpy takes any member that begins as an array. Packed ones are unpacked only if they are called so. */
static bool is_array(const struct checkpoint *cp, const struct member *m) {
  bool stored = m->method == METHOD_STORED && member_is_plain(m);
  return member_is_array(cp->container, m) || (!stored && span_ends(m->name, SPAN(".npy")));
}

/* False: it is no array. */
static bool add_member(struct checkpoint *cp, struct member *m) {
  bool named = span_ends(m->name, SPAN(".npy"));
  struct npy_file f = {.key = span_first(m->name, m->name.n - (named ? 4 : 0)),
                       .member = member_number(cp->container, m)};
  if (!is_array(cp, m)) return false;
  if (m->method == METHOD_STORED && member_is_plain(m))
    f.bytes = member_mapped(cp->container, m);
  else if (!member_copy(cp->container, m, cp->max->inflate_bytes, cp->arena, cp->obs, &f.bytes)) {
    cp->unread = true;
    return true;
  }
  if (!span_starts(f.bytes, SPAN("\x93NUMPY"))) return false;
  m->used = true;
  add_npy(cp, &f);
  return true;
}

void load_npz(struct checkpoint *cp) {
  const uint32_t listed = cp->container->num_members; /* the pickles of arrays are appended */
  bool unjudged = false;
  for (uint32_t i = 0; i < listed; i++)
    if (!add_member(cp, &cp->container->members[i]))
      unjudged = pass_by(cp, &cp->container->members[i]) || unjudged;
  if (unjudged) note_inside(cp);
  if (cp->roots.n == 0 && !cp->unread) (void)add_root(cp, &(struct root){.kind = ROOT_EMPTY});
}
