/* The names that the program pushes. Calls were judged when they happened (model/build.c); here is what a
 * loader imports without calling it, and what torch.load(weights_only=True) would stop at. */
#include "rules/facts.h"

static enum obs_kind unlisted(uint32_t uses) {
  if (uses & USED_REFUSED) return OBS_NONE; /* the call is the finding */
  return uses & USED_INSTANCE ? OBS_GLOBAL_UNKNOWN : OBS_GLOBAL_NAMED;
}

static enum obs_kind obs_of(const struct global *g, const struct global_row *row, uint32_t uses,
                            torch_version torch) {
  if (g->odd || (g->dotted && !global_is_path(row))) return global_refused(g, row, uses);
  if (!row) return unlisted(uses);
  if (uses & USED_AS_VALUE) return global_refused(g, row, uses);
  if (row->reviewed && !(uses & USED_REFUSED) && !global_is_listed(row, torch)) return OBS_GLOBAL_REVIEWED;
  switch (row->cls) {
  case GLOBAL_CORE: return global_is_listed(row, torch) ? OBS_NONE : OBS_GLOBAL_LATER;
  case GLOBAL_MODELLED:
    if (global_is_listed(row, torch)) return OBS_NONE;
    return OBS_GLOBAL_BLOCKS;
  case GLOBAL_RECORD:
  case GLOBAL_DCP: return OBS_GLOBAL_BLOCKS;
  case GLOBAL_MODULE: return OBS_GLOBAL_MODULE;
  case GLOBAL_DANGEROUS:
  case GLOBAL_INDIRECT:
  case GLOBAL_GADGET: return global_refused(g, row, uses);
  case GLOBAL_UNKNOWN:
  case GLOBAL_CLASSES: break;
  }
  return unlisted(uses);
}

/* What is one answer, however many names it is made of: a whole module, what the policy names. */
struct together {
  struct span names; /* at most eight of them */
  uint32_t n, first_at;
};

static void add_name(struct checkpoint *cp, struct together *t, struct span name, uint32_t at) {
  enum { NAMED = 8 };
  if (t->n == 0) t->first_at = at;
  if (t->n < NAMED)
    t->names = arena_printf(cp->arena, "%.*s%s%.*s", (int)t->names.n, (const char *)t->names.p,
                            t->n ? ", " : "", (int)name.n, (const char *)name.p);
  else if (t->n == NAMED)
    t->names = arena_printf(cp->arena, "%.*s, …", (int)t->names.n, (const char *)t->names.p);
  t->n++;
}

static void observe_together(const struct machine *m, enum obs_kind kind, const struct together *t,
                             const char *detail, struct observations *o) {
  if (t->n)
    observe(o, (struct observation){.kind = kind,
                                    .member = m->member,
                                    .at = t->first_at,
                                    .subject = t->names,
                                    .detail = span_str(detail),
                                    .got = t->n});
}

/* What loads a file that no torch.load reads, whatever it names; NULL: torch.load, or nothing of the kind. */
static const char *loader_without_list(enum container_kind kind) {
  switch (kind) {
  case CONTAINER_PICKLE: return "pickle.load or joblib.load";
  case CONTAINER_NPY:
  case CONTAINER_NPZ: return "numpy.load with allow_pickle=True";
  default: return NULL;
  }
}

/* "2.4: its list has it since 2.6" */
static struct span later(const struct checkpoint *cp, const struct global_row *row) {
  torch_version v = cp->policy.torch;
  return arena_printf(cp->arena, "%d.%d: the list has it since %d.%d", v >> 8, v & 0xff, row->since >> 8,
                      row->since & 0xff);
}

/* Does the program make the metadata of a distributed checkpoint? torch.load never reads it, and the reader
 * that does is torch.distributed.checkpoint's own. */
static bool makes_dcp_metadata(const struct checkpoint *cp, const struct machine *m) {
  const struct object *o = m->stopped ? value_object(m, m->result) : NULL;
  const struct global_row *row = o ? row_of_global(cp, value_global(m, callee_global(cp, m, o))) : NULL;
  return row && row->cls == GLOBAL_DCP && strcmp(row->name, "Metadata") == 0;
}

static void check_program(struct checkpoint *cp, const struct machine *m, struct observations *o) {
  struct together modules = {.n = 0}, reviewed = {.n = 0}, metadata = {.n = 0}, data = {.n = 0};
  const char *loader = loader_without_list(cp->container->kind);
  bool dcp = makes_dcp_metadata(cp, m);
  bool whole = runs_script(cp) || cp->container->kind == CONTAINER_TORCH_PACKAGE; /* torch.load refuses it */
  const uint32_t *uses = global_uses(cp, m);
  if (!uses) return;
  for (uint32_t i = 0; i < m->globals.n; i++) {
    const struct global *g = &m->globals.p[i];
    const struct global_row *row = row_of_global(cp, g);
    if (g->computed) continue; /* PKL204 already: it has no name to speak of */
    enum obs_kind kind = obs_of(g, row, uses[i], cp->policy.torch);
    if (kind == OBS_NONE || (whole && kind == OBS_GLOBAL_BLOCKS)) continue;
    if (dcp && kind == OBS_GLOBAL_BLOCKS && row->cls == GLOBAL_DCP)
      add_name(cp, &metadata, g->mapped_name, g->first_at);
    else if (kind == OBS_GLOBAL_MODULE)
      add_name(cp, &modules, g->mapped_name, g->first_at);
    else if (kind == OBS_GLOBAL_REVIEWED)
      add_name(cp, &reviewed, global_name(cp->arena, g), g->first_at);
    else if (loader && (kind == OBS_GLOBAL_BLOCKS || kind == OBS_GLOBAL_LATER))
      add_name(cp, &data, global_name(cp->arena, g), g->first_at);
    else
      observe(o, (struct observation){.kind = kind,
                                      .member = m->member,
                                      .at = g->first_at,
                                      .subject = global_name(cp->arena, g),
                                      .got = g->count,
                                      .detail = !row                       ? SPAN("")
                                                : kind == OBS_GLOBAL_LATER ? later(cp, row)
                                                                           : span_str(row->why)});
  }
  observe_together(m, OBS_GLOBAL_MODULE, &modules, "", o);
  observe_together(m, OBS_GLOBAL_REVIEWED, &reviewed, "", o);
  observe_together(m, OBS_GLOBAL_DCP, &metadata, "", o);
  observe_together(m, OBS_GLOBAL_DATA, &data, loader, o);
  if (loader) observations_withdraw(o, OBS_PKL_PROTOCOL, m->member);
  if (loader || metadata.n) observations_withdraw(o, OBS_PKL_WEIGHTS_ONLY, m->member);
  if (metadata.n == 0) return;
  observations_withdraw(o, OBS_PKL_KEY_OBJECT,
                        m->member); /* MetadataIndex, by which its reader looks chunks up */
}

void check_globals(const struct facts *f, struct observations *o) {
  struct checkpoint *cp = f->checkpoint;
  for (uint32_t i = 0; i < cp->programs.n; i++) {
    checkpoint_enter(cp, cp->programs.p[i]);
    check_program(cp, &cp->programs.p[i]->machine, o);
  }
}
