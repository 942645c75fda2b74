/* Members of an archive that its loader does not read: other readers may. */
#include "base/npy.h"

#include "model/call.h"

enum container_kind member_kind(const struct checkpoint *cp, const struct member *m) {
  struct arena scratch;
  struct observations ignored;
  struct span bytes;
  if (m->method == METHOD_STORED) return container_sniff(member_mapped(cp->container, m));
  arena_init(&scratch, cp->arena->budget - cp->arena->used);
  observations_init(&ignored, &scratch, 1);
  enum container_kind kind = CONTAINER_PICKLE;
  if (member_copy(cp->container, m, cp->max->pickle_bytes, &scratch, &ignored, &bytes))
    kind = container_sniff(bytes);
  else if (!member_is_plain(m))
    kind = CONTAINER_UNKNOWN;
  arena_free(&scratch);
  return kind;
}

bool judge_stray(struct checkpoint *cp, const struct member *m) {
  struct span bytes;
  enum container_kind kind = m->used ? CONTAINER_UNKNOWN : member_kind(cp, m);
  if (kind != CONTAINER_PICKLE) return !container_is_bystander(kind, SPAN(""));
  if (member_copy(cp->container, m, cp->max->pickle_bytes, cp->arena, cp->obs, &bytes))
    (void)judge_program(cp, member_number(cp->container, m), 0, bytes);
  else
    cp->unread = true;
  return false;
}

/* Does numpy.load, which looks at the bytes alone, find numbers in what begins as an array? */
static bool holds_numbers(struct checkpoint *cp, struct span bytes) {
  struct npy_place p;
  struct npy_error err;
  struct span head;
  return arena_copy(cp->arena, span_first(bytes, NPY_HEAD_MAX), &head) && npy_place(&p, head, &err) &&
         p.array.kind != 'O';
}

/* numpy.load takes any zip for an .npz, and unpickles arrays of objects: the bytes of a storage may be one.
 */
static void judge_as_array(struct checkpoint *cp, struct member *m) {
  struct span bytes = member_mapped(cp->container, m);
  bool stored = m->method == METHOD_STORED;
  if (!m->used || (stored ? !member_is_array(cp->container, m) : member_kind(cp, m) != CONTAINER_NPY)) return;
  if (!stored && !member_copy(cp->container, m, cp->max->pickle_bytes, cp->arena, cp->obs, &bytes)) return;
  if (holds_numbers(cp, bytes)) return;
  const struct call place = {.at = 0};
  cp->member = member_number(cp->container, m);
  observe(cp->obs, (struct observation){.kind = OBS_MEMBER_ARRAY, .at = m->header_at, .subject = m->name});
  (void)judge_file(cp, &place, bytes);
}

void judge_strays(struct checkpoint *cp) {
  bool inside = false;
  for (uint32_t i = 0; i < cp->container->num_members; i++) {
    judge_as_array(cp, &cp->container->members[i]);
    inside = judge_stray(cp, &cp->container->members[i]) || inside;
  }
  if (inside) note_inside(cp);
}

void note_inside(struct checkpoint *cp) {
  observe(cp->obs, (struct observation){
                       .kind = OBS_KIND_ARCHIVE,
                       .subject = span_str(container_kind_name(cp->container->kind)),
                       .detail = SPAN("it holds other checkpoints or archives; --nested looks inside")});
}
