/* The container readers: whatever the bytes are, a member that is believed lies in the file. */
#include "fuzz/opened.h"

static bool inside(struct span part, struct span whole) {
  return part.n == 0 ||
         (part.p >= whole.p && part.n <= whole.n && (size_t)(part.p - whole.p) <= whole.n - part.n);
}

static void check_member(struct opened *o, const struct member *m, const struct fuzz_input *in) {
  struct span bytes;
  const struct container *c = &o->container;
  FUZZ_CHECK(m->header_at <= c->file.n && m->data_at <= c->file.n && m->csize <= c->file.n - m->data_at);
  FUZZ_CHECK(inside(member_mapped(c, m), c->file));
  FUZZ_CHECK(m->name.n >= m->short_name.n);
  /* Names that differ in case alone are one name: the one that is found has it too, below the top folder in
   * whatever case that is spelled. */
  const struct member *found = container_find(c, m->short_name);
  FUZZ_CHECK(found || m->short_name.n == m->name.n); /* it lies below the top folder */
  FUZZ_CHECK(!found || found->name.n == m->short_name.n + (c->top.n ? c->top.n + 1 : 0));
  if (member_copy(c, m, in->limits.inflate_bytes, &o->arena, &o->obs, &bytes)) FUZZ_CHECK(bytes.n == m->size);
  (void)member_verify(c, m, &o->obs);
}

static void check(struct opened *o, const struct fuzz_input *in) {
  for (uint32_t i = 0; i < o->obs.n; i++)
    FUZZ_CHECK(o->obs.list[i].member != MEMBER_FILE || o->obs.list[i].at <= in->bytes.n);
  if (!o->container.usable) return;
  for (uint32_t i = 0; i < o->container.num_members; i++) {
    FUZZ_CHECK(member_number(&o->container, &o->container.members[i]) == i + 1);
    check_member(o, &o->container.members[i], in);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct opened first, second;
  open_twice(&first, &second, &in);
  check(&first, &in);
  arena_free(&first.arena);
  arena_free(&second.arena);
  fuzz_close(&in);
  return 0;
}
