/* torch.package: modules as Python source, which importing one runs, and pickles of objects of whatever name
 * beside them (torch/package/package_exporter.py). The source is reported by the container, not read; the
 * pickles are run. */
#include "model/checkpoint.h"

/* Those that torch reads as text or as numbers. */
static bool is_of_package(const struct member *m) {
  return span_starts(m->short_name, SPAN(".data/")) || span_ends(m->short_name, SPAN(".py"));
}

void load_package(struct checkpoint *cp) {
  cp->ids = IDS_PACKAGE;
  storages_begin(cp, SPAN(".data/"));
  for (uint32_t i = 0; i < cp->container->num_members; i++) {
    struct member *rec = &cp->container->members[i];
    if (is_of_package(rec) || container_sniff(member_mapped(cp->container, rec)) != CONTAINER_PICKLE)
      continue;
    uint32_t index = cp->programs.n;
    load_member(cp, rec, true);
    if (cp->programs.n > index)
      (void)add_root(cp, &(struct root){.kind = ROOT_PROGRAM, .key = rec->short_name, .index = index});
  }
}
