/* Where torch.load takes the bytes of storages when it maps the file (torch/serialization.py, load_tensor):
 * it looks at no method, and since 2.7 it may compute the places, from the first storage on, instead of
 * asking the headers (_get_offset; getPadding of caffe2/serialize/inline_container.cc). */
#include "model/checkpoint.h"

/* getPadding: behind the fields that the header calls for the extra field's own four bytes are always there.
 */
static uint64_t computed_place(uint64_t header_at, const struct member *m, uint64_t alignment) {
  enum { HEADER = 30, FIELD = 4, NUMBER = 8 };
  bool long_size = m->size >= UINT32_MAX, far = header_at >= UINT32_MAX;
  uint64_t at = header_at + HEADER + m->name.n + FIELD;
  if (long_size || far) at += FIELD;
  if (long_size) at += UINT64_C(2) * NUMBER;
  if (far) at += NUMBER;
  return at % alignment ? at + alignment - at % alignment : at;
}

static uint64_t descriptor_bytes(uint64_t header_at, const struct member *m) {
  if (m->size == 0) return 0;
  return header_at >= UINT32_MAX || m->size >= UINT32_MAX ? 24 : 16;
}

/* The number that a record is, up to 2^32; 0: none. */
static uint64_t number_in(struct checkpoint *cp, const char *record) {
  enum { DIGITS = 10 };
  const struct member *m = container_find(cp->container, span_str(record));
  struct span text;
  uint64_t n = 0;
  if (!m || m->size > DIGITS || !member_copy(cp->container, m, DIGITS, cp->arena, cp->obs, &text)) return 0;
  for (size_t i = 0; i < text.n; i++) {
    if (!is_digit(text.p[i])) return 0;
    n = n * 10 + (uint64_t)(text.p[i] - '0');
  }
  return n;
}

/* In the order in which the program names them, which is the order of the loader. The first that lies
 * elsewhere is said: what follows is moved, too. */
static void check_computed(struct checkpoint *cp) {
  uint64_t said = number_in(cp, ".storage_alignment"), alignment = said ? said : 64, header_at = 0;
  if (!number_in(cp, ".format_version") || cp->obs->seen[OBS_MEMBER_ALIGNMENT]) return;
  for (uint32_t i = 0; i < cp->names.root_storages.n; i++) {
    const struct storage_fact *s = &cp->storages.p[cp->names.root_storages.p[i] - 1];
    if (!s->member) return;
    const struct member *m = &cp->container->members[s->member - 1];
    if (i == 0) header_at = m->header_at;
    uint64_t at = i == 0 ? m->data_at : computed_place(header_at, m, alignment);
    if (at != m->data_at) {
      observe(cp->obs, (struct observation){
                           .kind = OBS_MEMBER_COMPUTED, .at = m->data_at, .want = at, .subject = m->name});
      return;
    }
    header_at = at + m->size + descriptor_bytes(header_at, m);
  }
}

static void check_methods(struct checkpoint *cp) {
  for (uint32_t i = 0; i < cp->names.root_storages.n; i++) {
    uint32_t member = cp->storages.p[cp->names.root_storages.p[i] - 1].member;
    const struct member *m = member ? &cp->container->members[member - 1] : NULL;
    if (m && m->method == METHOD_DEFLATED && m->size)
      observe(cp->obs,
              (struct observation){.kind = OBS_MEMBER_MAPPED_DEFLATED, .at = m->data_at, .subject = m->name});
  }
}

void check_mapped(struct checkpoint *cp) {
  check_methods(cp);
  check_computed(cp);
}
