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

static void add_objects(struct checkpoint *cp, const struct npy_file *f, const struct npy_place *p) {
  struct span bytes;
  if (!arena_copy(cp->arena, span_from(f->bytes, (size_t)p->data_at), &bytes)) {
    cp->unread = true;
    return;
  }
  const struct program *program = run_program(cp, f->key, f->member, bytes);
  if (program) note_rest(cp, program, f->member);
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
    return;
  }
  struct span data = span_from(f->bytes, (size_t)p.data_at);
  if (p.array.kind == 'O') {
    add_objects(cp, f, &p);
    return;
  }
  struct observation what = {
      .member = f->member, .at = p.data_at, .got = data.n, .want = p.data_bytes, .subject = f->key};
  if (p.data_bytes > data.n) {
    what.kind = OBS_NPY_SHORT;
    (void)!leave(cp, what);
    return;
  }
  what.kind = OBS_NPY_TRAILING;
  what.got = data.n - p.data_bytes;
  if (what.got) observe(cp->obs, what);
  (void)add_numbers(cp, f, &p);
}

void load_npy(struct checkpoint *cp) {
  struct span file = cp->container->file;
  const struct member *rec = load_section(cp, SPAN("array"), 0, file.n);
  if (rec) add_npy(cp, &(struct npy_file){.member = member_number(cp->container, rec), .bytes = file});
}

void load_npz(struct checkpoint *cp) {
  for (uint32_t i = 0; i < cp->container->num_members; i++) {
    struct member *m = &cp->container->members[i];
    struct npy_file f = {.key = span_first(m->name, m->name.n - 4), .member = i + 1};
    m->used = true;
    if (m->method == METHOD_STORED && member_is_plain(m))
      f.bytes = member_mapped(cp->container, m);
    else if (!member_copy(cp->container, m, cp->max->inflate_bytes, cp->arena, cp->obs, &f.bytes)) {
      cp->unread = true;
      continue;
    }
    if (span_starts(f.bytes, SPAN("\x93NUMPY")))
      add_npy(cp, &f);
    else
      observe(cp->obs, (struct observation){.kind = OBS_NPZ_MEMBER, .member = f.member, .subject = m->name});
  }
  if (cp->roots.n == 0 && !cp->unread) (void)add_root(cp, &(struct root){.kind = ROOT_EMPTY});
}
