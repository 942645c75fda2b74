/* The keys of an old tar file: storages and tensors, which the persistent ids of its pickles name
 * (format-spec C.5). */
#include "model/checkpoint.h"

static uint32_t hash_key(const struct checkpoint *cp, struct span key) {
  return (uint32_t)(siphash(cp->hash_seed, key) & UINT32_MAX);
}

struct tar_key *tar_key_find(const struct checkpoint *cp, struct span key) {
  uint32_t hash = hash_key(cp, key), i = hash_find(&cp->tar_keys.index, hash, 0);
  while (i && !span_eq(cp->tar_keys.list.p[i - 1].key, key)) i = hash_find(&cp->tar_keys.index, hash, i);
  return i ? &cp->tar_keys.list.p[i - 1] : NULL;
}

bool tar_key_add(struct checkpoint *cp, const struct tar_key *key) {
  struct tar_key *slot = vec_push(cp->arena, &cp->tar_keys.list, UINT32_MAX);
  if (!slot || !hash_add(cp->arena, &cp->tar_keys.index, hash_key(cp, key->key), UINT32_MAX)) return false;
  *slot = *key;
  return true;
}

/* int() of the text, which torch writes in decimal. */
uint32_t tar_persid(struct checkpoint *cp, struct machine *m, uint32_t persid_index) {
  const struct persid *p = &m->persids.p[persid_index];
  struct observation what = {.member = cp->member, .at = p->at};
  if (class_of_id(cp, m, p->id)) return 0;
  if (!value_is_string(m, p->id)) {
    what.kind = OBS_PERSID_KEY;
    observe(cp->obs, what);
    return 0;
  }
  struct tar_key *key = tar_key_find(cp, value_bytes(m, p->id));
  if (!key && cp->unread) return 0; /* of what a table lacks, it was said there */
  if (!key) {
    what.kind = OBS_TAR_KEY_UNKNOWN;
    what.subject = value_bytes(m, p->id);
    observe(cp->obs, what);
    return 0;
  }
  key->used = true;
  return key->tag;
}
