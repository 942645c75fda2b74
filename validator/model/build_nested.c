/* A checkpoint inside bytes: a storage that is pickled by itself, as pickle.dump and joblib do with a tensor,
 * is a call of torch.storage._load_from_bytes with a whole legacy stream (format-spec D.3). It lies in the
 * file as it is, so it is read there, in the middle of the program that holds it. */
#include "model/call.h"

/* The text of _codecs.encode(text, 'latin1'), as protocols 0 to 2 write bytes; else the value itself. */
static val_id encoded_text(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  bool encoded = b && b->row && b->row->builder == BUILD_CODECS_ENCODE;
  return encoded ? value_item(m, value_object(m, v)->args, 0) : v;
}

bool bytes_are_shared(const struct checkpoint *cp, const struct machine *m, val_id v) {
  return value_of(m, v)->fetched || value_of(m, encoded_text(cp, m, v))->fetched;
}

/* The literal that is the value, or spells it: what stands behind its opcode in the program. */
static bool literal_of(const struct machine *m, struct span program, val_id v, struct spelled *out) {
  const struct value *made = value_of(m, v);
  struct reader in = reader_of(span_from(program, made->at), made->at);
  uint8_t opcode;
  if (made->computed || !kind_has_bytes(kind_of(m, v)) || !reader_u8(&in, &opcode)) return false;
  out->text = value_bytes(m, v);
  if (opcode == 'V') {
    out->how = SPELLED_RAW;
    return reader_line(&in, &out->text);
  }
  if (opcode == 'S') {
    out->how = SPELLED_REPR;
    if (!reader_line(&in, &out->text) || out->text.n < 2) return false;
    out->text = span_first(span_from(out->text, 1), out->text.n - 2); /* without the quotes */
    return true;
  }
  if (made->kind == VAL_TEXT) out->how = SPELLED_UTF8;
  return true;
}

bool bytes_in_file(const struct checkpoint *cp, const struct machine *m, val_id v, struct spelled *out) {
  enum container_kind kind = cp->container->kind;
  const struct reader *in = &m->in;
  struct span program = span_of(in->left.p - in->at, (size_t)in->at);
  if ((kind != CONTAINER_PICKLE && kind != CONTAINER_TORCH_LEGACY) || m->member == MEMBER_FILE)
    return false; /* other members have checksums */
  const struct member *holder = &cp->container->members[m->member - 1];
  if (holder->spelling || !literal_of(m, program, encoded_text(cp, m, v), out)) return false;
  uintptr_t begin = (uintptr_t)program.p, p = (uintptr_t)out->text.p;
  if (out->text.n && (p < begin || p - begin > program.n)) return false;
  out->at = holder->data_at + (out->text.n ? p - begin : 0);
  return spelled_agrees(out);
}

/* torch.load reads them as well. */
static bool is_archive(struct span bytes) {
  enum container_kind kind = container_sniff(bytes);
  return kind == CONTAINER_OTHER_ZIP || kind == CONTAINER_TORCH_TAR || kind == CONTAINER_TAR;
}

/* NULL, or why it is left unread. */
static const char *unread_because(const struct call *c, struct spelled *stream) {
  val_id bytes = call_arg(c, 0);
  if (bytes_are_shared(c->cp, c->m, bytes)) return "its bytes are used twice";
  if (stream->bytes.n == 0 || !bytes_in_file(c->cp, c->m, bytes, stream))
    return "its bytes do not stand in a bare pickle as they are";
  if (is_archive(stream->bytes)) return "it is an archive, which torch does not write there";
  return c->cp->nesting < c->cp->max->nested_payloads ? NULL : "it lies too deep in others";
}

/* What the program of the stream left: a storage, as torch writes it, or any other value. */
static uint32_t built_from(const struct call *c, uint32_t program) {
  const struct machine *m = &c->cp->programs.p[program]->machine;
  const struct built *b = built_of(c->cp, m, m->result);
  uint32_t storage =
      kind_of(m, m->result) == VAL_PERSID ? persid_storage(&m->persids.p[value_of(m, m->result)->ref]) : 0;
  if (storage) return call_built(c, BUILT_STORAGE, storage);
  if (b && (b->kind == BUILT_TENSOR || b->kind == BUILT_UNREAD))
    return call_built(c, (enum built_kind)b->kind, b->index);
  return call_built(c, BUILT_PROGRAM, program);
}

uint32_t build_LOAD_FROM_BYTES(const struct call *c) {
  struct spelled stream = {.how = SPELLED_NOT};
  uint32_t program;
  if (c->n != 1 || !bytes_of(c->cp, c->m, call_arg(c, 0), &stream.bytes))
    return refuse_arguments(c, "not bytes");
  const char *why = unread_because(c, &stream);
  if (!why) return load_nested(c->cp, &stream, &program) ? built_from(c, program) : refuse_silently(c);
  observe(c->cp->obs, (struct observation){.kind = OBS_NESTED_CHECKPOINT,
                                           .member = c->cp->member,
                                           .at = c->at,
                                           .got = stream.bytes.n,
                                           .detail = span_str(why)});
  judge_bytes(c, stream.bytes);
  return call_built(c, BUILT_UNREAD, 0);
}
