/* torch.jit.save: data.pkl with the module's attributes, constants.pkl with the tensors that its code names,
 * and pickles beside the code (format-spec B.8). The code itself is reported by the container, not read. */
#include "model/checkpoint.h"

/* Is it `()`, as torch writes where the code names no tensor? */
static bool is_empty_tuple(const struct program *p) {
  const struct machine *m = &p->machine;
  return m->stopped && kind_of(m, m->result) == VAL_TUPLE && value_count(m, m->result) == 0;
}

static void load_constants(struct checkpoint *cp) {
  struct member *rec = container_find(cp->container, SPAN("constants.pkl"));
  uint32_t index = cp->programs.n;
  if (!rec) return;
  storages_begin(cp, SPAN("constants/"));
  load_member(cp, rec, true);
  if (cp->programs.n > index && !is_empty_tuple(cp->programs.p[index]))
    (void)add_root(cp, &(struct root){.kind = ROOT_PROGRAM, .key = SPAN("constants.pkl"), .index = index});
}

/* bytecode.pkl of the mobile interpreter, *.debug_pkl beside the code: torch reads them, so they are judged.
 */
static void load_others(struct checkpoint *cp) {
  for (uint32_t i = 0; i < cp->container->num_members; i++) {
    struct member *rec = &cp->container->members[i];
    bool pickle = span_ends(rec->short_name, SPAN(".pkl")) || span_ends(rec->short_name, SPAN(".debug_pkl"));
    if (pickle && !rec->used) load_member(cp, rec, true);
  }
}

void load_torchscript(struct checkpoint *cp) {
  struct member *rec = container_find(cp->container, SPAN("data.pkl"));
  if (rec) load_member(cp, rec, false);
  load_constants(cp);
  load_others(cp);
  judge_strays(cp);
}
