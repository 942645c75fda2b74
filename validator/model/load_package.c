/* torch.package: modules as Python source, which importing one runs, and pickles of objects of whatever name
 * beside them (torch/package/package_exporter.py). The source is reported by the container, not read; the
 * pickles are run, and those of TorchScript modules too (torch/csrc/jit/serialization/export_module.cpp,
 * ScriptModuleSerializer::serialize_unified_format). */
#include "model/checkpoint.h"

static bool is_of_script(const struct member *m) {
  return span_starts(m->short_name, SPAN(".data/ts_code/"));
}

/* Those that torch reads as text or as numbers. */
static bool is_of_package(const struct member *m) {
  return span_starts(m->short_name, SPAN(".data/")) || span_ends(m->short_name, SPAN(".py"));
}

static void load_as_root(struct checkpoint *cp, struct member *rec) {
  uint32_t index = cp->programs.n;
  load_member(cp, rec, true);
  if (cp->programs.n > index)
    (void)add_root(cp, &(struct root){.kind = ROOT_PROGRAM, .key = rec->short_name, .index = index});
}

/* data.pkl of each module, its constants, and what stands beside the code. */
static void load_scripts(struct checkpoint *cp) {
  uint64_t modules = 0;
  cp->ids = IDS_SCRIPT;
  for (uint32_t i = 0; i < cp->container->num_members; i++) {
    struct member *rec = &cp->container->members[i];
    if (!is_of_script(rec) || !span_ends(rec->short_name, SPAN("pkl"))) continue;
    bool module = span_ends(rec->short_name, SPAN("/data.pkl"));
    modules += module;
    if (module)
      load_as_root(cp, rec);
    else
      load_member(cp, rec, true);
  }
  if (modules) note_load(cp, OBS_PACKAGE_SCRIPT, MEMBER_FILE, 0, modules, 0);
}

void load_package(struct checkpoint *cp) {
  cp->ids = IDS_PACKAGE;
  storages_begin(cp, SPAN(".data/"));
  for (uint32_t i = 0; i < cp->container->num_members; i++) {
    struct member *rec = &cp->container->members[i];
    if (!is_of_package(rec) && member_kind(cp, rec) == CONTAINER_PICKLE) load_as_root(cp, rec);
  }
  load_scripts(cp);
}
