/* The tar archives of old torch: the members that are believed lie in the file and apart from each other, and
 * an archive that nothing is said of has the same members for the simplest of readers. */
#include "fuzz/opened.h"

static uint64_t octal(const uint8_t *p) {
  uint64_t n = 0;
  for (; *p >= '0' && *p <= '7'; p++) n = n * 8 + (uint64_t)(*p - '0');
  return n;
}

/* Name, size and type of each header are all that it reads: the old tar's. */
static void check_simply(const struct container *c) {
  enum { BLOCK = 512, NAME_BYTES = 100, SIZE_AT = 124, TYPE_AT = 156 };
  uint32_t found = 0;
  for (uint64_t at = 0; at + BLOCK <= c->file.n && c->file.p[at];) {
    const uint8_t *header = c->file.p + at;
    uint64_t size = octal(header + SIZE_AT);
    if (header[TYPE_AT] == '0') {
      FUZZ_CHECK(found < c->num_members);
      const struct member *m = &c->members[found++];
      FUZZ_CHECK(m->header_at == at && m->data_at == at + BLOCK && m->size == size);
      FUZZ_CHECK(span_eq(m->name, span_of(header, strnlen((const char *)header, NAME_BYTES))));
    }
    at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
  }
  FUZZ_CHECK(found == c->num_members);
}

static void check(const struct opened *o, const struct fuzz_input *in) {
  const struct container *c = &o->container;
  uint64_t end = 0;
  for (uint32_t i = 0; i < c->num_members; i++) {
    const struct member *m = &c->members[i];
    FUZZ_CHECK(m->header_at >= end && m->data_at > m->header_at && m->size == m->csize);
    FUZZ_CHECK(m->data_at <= in->bytes.n && m->size <= in->bytes.n - m->data_at);
    end = m->data_at + m->size;
  }
  uint32_t said = 0; /* but that it is old, and what else is in it */
  for (uint32_t kind = 0; kind < OBS_COUNT; kind++)
    if (kind != OBS_KIND_TORCH_TAR && kind != OBS_MEMBER_UNEXPECTED) said += o->obs.seen[kind];
  if (said == 0 && !o->obs.lost) FUZZ_CHECK(c->usable);
  if (said == 0 && !o->obs.lost) check_simply(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct opened first, second;
  open_twice(&first, &second, &in);
  if (first.container.kind == CONTAINER_TORCH_TAR) check(&first, &in);
  arena_free(&first.arena);
  arena_free(&second.arena);
  fuzz_close(&in);
  return 0;
}
