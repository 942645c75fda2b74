/* Bytes that belong to nobody, and where the others came from. */
#include "rules/facts.h"

/* One observation a place: `got` is the number of storages there. */
void check_devices(const struct facts *f, struct observations *o) {
  enum { PLACES = 16 };
  struct span places[PLACES];
  uint64_t tensors[PLACES] = {0};
  size_t n = 0;
  for (uint32_t i = 0; i < f->checkpoint->storages.n; i++) {
    struct span at = f->checkpoint->storages.p[i].location;
    size_t k = 0;
    while (k < n && !span_eq(places[k], at)) k++;
    if (k == n && n < PLACES) places[n++] = at;
    if (k < PLACES) tensors[k] += f->checkpoint->storages.p[i].users;
  }
  for (size_t k = 0; k < n; k++)
    if (!span_is(places[k], "cpu") && !span_is(places[k], "meta"))
      observe(o, (struct observation){.kind = OBS_STORAGE_DEVICE, .subject = places[k], .got = tensors[k]});
}

static void check_orphans(const struct facts *f, struct observations *o) {
  for (uint32_t i = 0; i < f->container->num_members; i++) {
    const struct member *m = &f->container->members[i];
    if (!m->used && span_starts(m->short_name, SPAN("data/")))
      observe(o, (struct observation){
                     .kind = OBS_STORAGE_ORPHAN, .member = i + 1, .subject = m->short_name, .got = m->size});
  }
}

/* From the first to the last byte that a tensor of the storage has. */
struct reach {
  uint64_t from, to;
};

void check_storages(const struct facts *f, struct observations *o) {
  const struct checkpoint *cp = f->checkpoint;
  if (checkpoint_is_read(cp) && f->container->kind == CONTAINER_TORCH_ZIP) check_orphans(f, o);
  struct reach *reach = arena_array(cp->arena, (size_t)cp->storages.n + 1, struct reach);
  if (!reach) return;
  for (uint32_t i = 0; i < cp->tensors.n; i++) {
    const struct tensor_fact *t = &cp->tensors.p[i];
    struct reach *r = &reach[t->storage];
    if (!t->storage || t->extent == 0) continue;
    uint64_t from = dtype_bytes_for((enum dtype)t->dtype, t->offset);
    r->from = r->to ? min_u64(r->from, from) : from;
    r->to = max_u64(r->to, dtype_bytes_for((enum dtype)t->dtype, t->extent));
  }
  for (uint32_t i = 0; i < cp->storages.n; i++) {
    const struct storage_fact *s = &cp->storages.p[i];
    uint64_t used = reach[i + 1].to - min_u64(reach[i + 1].from, reach[i + 1].to);
    if (s->users && s->bytes > 65536 && used < s->bytes / 4)
      observe(o, (struct observation){
                     .kind = OBS_STORAGE_OVERSIZED, .subject = s->key, .got = s->bytes, .want = used});
  }
}
