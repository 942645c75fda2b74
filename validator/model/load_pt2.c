/* torch.export and AOTInductor (format-spec B.8): what is in such a package is judged file by file
 * (container/unpack.c). Here it is said which of it is native code. */
#include "model/checkpoint.h"

void load_pt2(struct checkpoint *cp) {
  const struct container *c = cp->container;
  for (uint32_t i = 0; i < c->num_members; i++) {
    const struct member *m = &c->members[i];
    bool library = span_ends(m->name, SPAN(".so")) || span_starts(member_mapped(c, m), SPAN("\x7f"
                                                                                            "ELF"));
    if (library)
      observe(cp->obs, (struct observation){.kind = OBS_NATIVE_CODE, .member = i + 1, .subject = m->name});
  }
}
