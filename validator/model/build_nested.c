/* A checkpoint inside bytes: a storage that is pickled by itself, as pickle.dump and joblib do with a tensor,
 * is a call of torch.storage._load_from_bytes with a whole legacy stream (format-spec D.3). It lies in the
 * file as it is, so it is read there, in the middle of the program that holds it. */
#include "model/call.h"

bool place_in_member(const struct checkpoint *cp, const struct machine *m, struct span bytes, uint64_t *at) {
  enum container_kind kind = cp->container->kind;
  const struct reader *in = &m->in;
  uintptr_t begin = (uintptr_t)in->left.p - in->at, p = (uintptr_t)bytes.p;
  if (kind != CONTAINER_PICKLE && kind != CONTAINER_TORCH_LEGACY)
    return false; /* other members have checksums */
  if (m->member == MEMBER_FILE || (bytes.n && (p < begin || p - begin > in->at))) return false;
  *at = bytes.n ? p - begin : 0;
  return true;
}

/* NULL, or why it is left unread. Picklers make the bytes anew for each storage, so those that are used twice
 * would only make work. */
static const char *unread_because(const struct call *c, struct span bytes, uint64_t *at) {
  const struct value *v = value_of(c->m, call_arg(c, 0));
  if (v->kind == VAL_OBJECT || v->computed || bytes.n == 0 || !place_in_member(c->cp, c->m, bytes, at))
    return "its bytes do not stand in a bare pickle as they are";
  *at += c->cp->container->members[c->m->member - 1].data_at;
  if (v->fetched) return "its bytes are used twice";
  if (span_starts(bytes, SPAN("PK"))) return "it is a zip archive, which torch does not write there";
  return c->cp->nesting < c->cp->max->nested_payloads ? NULL : "it lies too deep in others";
}

/* What the program of the stream left: a storage, as torch writes it, or any other value. */
static uint32_t built_from(const struct call *c, uint32_t program) {
  const struct machine *m = &c->cp->programs.p[program]->machine;
  const struct built *b = built_of(c->cp, m, m->result);
  uint32_t storage =
      kind_of(m, m->result) == VAL_PERSID ? persid_storage(&m->persids.p[value_of(m, m->result)->ref]) : 0;
  if (storage) return call_built(c, BUILT_STORAGE, storage);
  if (b && b->kind == BUILT_TENSOR) return call_built(c, BUILT_TENSOR, b->index);
  return call_built(c, BUILT_PROGRAM, program);
}

uint32_t build_LOAD_FROM_BYTES(const struct call *c) {
  struct span bytes;
  uint64_t at = 0;
  uint32_t program;
  if (c->n != 1 || !bytes_of(c->cp, c->m, call_arg(c, 0), &bytes)) return refuse_arguments(c, "not bytes");
  const char *why = unread_because(c, bytes, &at);
  if (!why) return load_nested(c->cp, bytes, at, &program) ? built_from(c, program) : refuse_silently(c);
  observe(c->cp->obs, (struct observation){.kind = OBS_NESTED_CHECKPOINT,
                                           .member = c->cp->member,
                                           .at = c->at,
                                           .got = bytes.n,
                                           .detail = span_str(why)});
  return call_built(c, BUILT_UNREAD, 0);
}
