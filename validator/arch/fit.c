#include "arch/fit.h"

#include "arch/trial.h"

/* By names first: a wrong size in the config is in all of them. Of two that fit alike, the one whose keys
 * need no change. */
static bool fits_better(const struct trial *x, const struct trial *than) {
  uint64_t names = x->problems - x->misshapen, others = than->problems - than->misshapen;
  if (x->problems == UINT64_MAX || than->problems == UINT64_MAX) return x->problems < than->problems;
  if (names != others) return names < others;
  return x->problems != than->problems ? x->problems < than->problems : !x->changed && than->changed;
}

struct span fit_root(const struct arch *arch, const struct config_sources *sources, const struct plan *plan,
                     const struct plan_dict *dict, const struct limits *max) {
  enum { MAX_ROOTS = 32 };
  struct limits own = *max;
  struct trial best = {.root = SPAN(""), .problems = UINT64_MAX};
  own.arch_steps /= MAX_ROOTS;
  for (uint32_t i = 0; i < arch->num_roots && i < MAX_ROOTS; i++) {
    struct trial x = {
        .arch = arch, .sources = sources, .root = arch->roots[i].name, .plan = plan, .dict = dict};
    trial_run(&x, &own);
    if (fits_better(&x, &best)) best = x;
  }
  return best.root;
}

const struct plan_dict *fit_dict(const struct arch *arch, const struct config_sources *sources,
                                 struct span root, const struct plan *plan, const struct limits *max) {
  enum { MAX_DICTS = 8 };
  const struct plan_dict *best = plan->dicts;
  uint64_t hits = 0;
  for (uint32_t i = 0; i < plan->num_dicts; i++) {
    if (i >= MAX_DICTS && !plan->dicts[i].joined) continue; /* those come last, and may be the whole */
    struct trial x = {.arch = arch, .sources = sources, .root = root, .plan = plan, .dict = &plan->dicts[i]};
    trial_run(&x, max);
    if (x.problems == UINT64_MAX || x.hits <= hits) continue;
    hits = x.hits;
    best = x.dict;
  }
  return best;
}
