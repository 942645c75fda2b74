/* Members of an archive that its loader does not read: other readers may. */
#include "model/checkpoint.h"

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

void judge_strays(struct checkpoint *cp) {
  bool inside = false;
  for (uint32_t i = 0; i < cp->container->num_members; i++)
    inside = judge_stray(cp, &cp->container->members[i]) || inside;
  if (inside) note_inside(cp);
}

void note_inside(struct checkpoint *cp) {
  observe(cp->obs, (struct observation){
                       .kind = OBS_KIND_ARCHIVE,
                       .subject = span_str(container_kind_name(cp->container->kind)),
                       .detail = SPAN("it holds other checkpoints or archives; --nested looks inside")});
}
