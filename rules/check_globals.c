/* The names that the program pushes. Calls were judged when they happened (model/build.c); here is what a
 * loader imports without calling it, and what torch.load(weights_only=True) would stop at. */
#include "rules/facts.h"

static enum obs_kind unlisted(uint32_t uses) {
  if (uses & USED_REFUSED) return OBS_NONE; /* the call is the finding */
  return uses & USED_INSTANCE ? OBS_GLOBAL_UNKNOWN : OBS_GLOBAL_NAMED;
}

static enum obs_kind obs_of(const struct global *g, const struct global_row *row, uint32_t uses,
                            torch_version torch) {
  bool refused = uses & USED_REFUSED;
  if (g->odd || g->dotted) return refused ? OBS_NONE : OBS_GLOBAL_ODD;
  if (!row) return unlisted(uses);
  switch (row->cls) {
  case GLOBAL_CORE: return global_is_listed(row, torch) ? OBS_NONE : OBS_GLOBAL_LATER;
  case GLOBAL_MODELLED:
    if (global_is_listed(row, torch)) return OBS_NONE;
    return OBS_GLOBAL_BLOCKS;
  case GLOBAL_RECORD: return OBS_GLOBAL_BLOCKS;
  case GLOBAL_MODULE: return OBS_GLOBAL_MODULE;
  case GLOBAL_DANGEROUS: return refused ? OBS_NONE : OBS_GLOBAL_DANGEROUS;
  case GLOBAL_INDIRECT:
    /* An attribute of a record was worded when it was taken (model/build.c). */
    return refused || uses & USED_INSTANCE ? OBS_NONE : OBS_GLOBAL_INDIRECT;
  case GLOBAL_GADGET: return refused ? OBS_NONE : OBS_GLOBAL_GADGET;
  case GLOBAL_UNKNOWN:
  case GLOBAL_CLASSES: break;
  }
  return unlisted(uses);
}

/* One answer for a whole module, however many classes it is made of. */
static void observe_modules(uint32_t member, struct span names, uint32_t first_at, uint32_t n,
                            struct observations *o) {
  if (n == 0) return;
  observe(o, (struct observation){
                 .kind = OBS_GLOBAL_MODULE, .member = member, .at = first_at, .subject = names, .got = n});
}

/* "torch.nn.modules.conv.Conv2d, …": at most eight by name. */
static struct span add_name(struct checkpoint *cp, struct span names, struct span name, uint32_t n) {
  enum { NAMED = 8 };
  if (n > NAMED) return names;
  if (n == NAMED) return arena_printf(cp->arena, "%.*s, …", (int)names.n, (const char *)names.p);
  return arena_printf(cp->arena, "%.*s%s%.*s", (int)names.n, (const char *)names.p, n ? ", " : "",
                      (int)name.n, (const char *)name.p);
}

/* "2.4: its list has it since 2.6" */
static struct span later(const struct checkpoint *cp, const struct global_row *row) {
  torch_version v = cp->policy.torch;
  return arena_printf(cp->arena, "%u.%u: the list has it since %u.%u", v >> 8, v & 0xffu, row->since >> 8,
                      row->since & 0xffu);
}

static void check_program(struct checkpoint *cp, const struct machine *m, struct observations *o) {
  struct span modules = SPAN("");
  uint32_t num_modules = 0, first_module = 0;
  bool script = cp->container->kind == CONTAINER_TORCHSCRIPT; /* which weights_only refuses as a whole */
  const uint32_t *uses = global_uses(cp, m);
  if (!uses) return;
  for (uint32_t i = 0; i < m->globals.n; i++) {
    const struct global *g = &m->globals.p[i];
    const struct global_row *row = row_of_global(cp, g);
    if (g->computed) continue; /* PKL204 already: it has no name to speak of */
    enum obs_kind kind = obs_of(g, row, uses[i], cp->policy.torch);
    if (kind == OBS_NONE || (script && kind == OBS_GLOBAL_BLOCKS)) continue;
    if (kind == OBS_GLOBAL_MODULE) {
      modules = add_name(cp, modules, g->mapped_name, num_modules);
      if (num_modules++ == 0) first_module = g->first_at;
      continue;
    }
    struct span name = arena_printf(cp->arena, "%.*s.%.*s", (int)min_size(g->mapped_module.n, 512),
                                    (const char *)g->mapped_module.p, (int)min_size(g->mapped_name.n, 512),
                                    (const char *)g->mapped_name.p);
    observe(o, (struct observation){
                   .kind = kind,
                   .member = m->member,
                   .at = g->first_at,
                   .subject = name,
                   .got = g->count,
                   .detail = kind == OBS_GLOBAL_LATER ? later(cp, row) : span_str(row ? row->why : "")});
  }
  observe_modules(m->member, modules, first_module, num_modules, o);
}

void check_globals(const struct facts *f, struct observations *o) {
  struct checkpoint *cp = f->checkpoint;
  for (uint32_t i = 0; i < cp->programs.n; i++) {
    checkpoint_enter(cp, cp->programs.p[i]);
    check_program(cp, &cp->programs.p[i]->machine, o);
  }
}
