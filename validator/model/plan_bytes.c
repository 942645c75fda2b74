#include "model/plan_bytes.h"

#include <libdeflate.h>

#include "base/spelled.h"
#include "container/container.h"

static bool no_memory(const struct plan_bytes *b, uint64_t bytes) {
  return refuse(b->obs,
                (struct observation){.kind = OBS_LIMIT_MEMORY, .got = bytes, .want = b->arena->budget});
}

bool plan_bytes_open(struct plan_bytes *b, const struct plan *p, struct span file, struct arena *a,
                     struct observations *o) {
  *b = (struct plan_bytes){
      .plan = p, .file = file, .arena = a, .obs = o, .known = arena_array(a, p->num_storages, struct span)};
  return b->known || no_memory(b, a->used);
}

static bool missing(const struct plan_bytes *b, const struct plan_storage *s) {
  return refuse(b->obs,
                (struct observation){
                    .kind = OBS_STORAGE_MISSING, .member = s->member, .subject = plan_span(b->plan, s->key)});
}

static bool inflate(struct span stored, uint8_t *out, size_t size) {
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  if (!d) return false;
  enum libdeflate_result r = libdeflate_deflate_decompress(d, stored.p, stored.n, out, size, NULL);
  libdeflate_free_decompressor(d);
  return r == LIBDEFLATE_SUCCESS;
}

/* The real bytes of a member that does not lie in the file as it is. */
static bool unpacked(const struct plan_bytes *b, const struct plan_storage *s, struct span stored,
                     struct span *out) {
  const struct plan_member *m = &b->plan->members[s->member - 1];
  const size_t size = (size_t)m->size;
  uint8_t *real = arena_alloc(b->arena, size, 1, 1);
  if (!real) return no_memory(b, size);
  *out = span_of(real, size);
  bool fine = m->spelling ? spelled_bytes((enum spelling)m->spelling, stored, real, size) == size
                          : inflate(stored, real, size);
  return fine || missing(b, s);
}

bool plan_bytes_read(struct plan_bytes *b, uint32_t storage, struct span *out) {
  const struct plan_storage *s = &b->plan->storages[storage - 1];
  struct span *known = &b->known[storage - 1];
  if (known->n == 0) {
    if (s->member == 0) return missing(b, s);
    const struct plan_member *m = &b->plan->members[s->member - 1];
    struct span bytes = span_of(b->file.p + m->data_at, (size_t)m->csize);
    if ((m->method == METHOD_DEFLATED || m->spelling) && !unpacked(b, s, bytes, &bytes)) return false;
    *known = span_of(bytes.p + s->at, (size_t)s->bytes);
  }
  *out = *known;
  return true;
}
