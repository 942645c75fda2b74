/* What fits the checkpoint best, where nobody has chosen: the root of the architecture, the state dict. */
#ifndef CKPTLINT_ARCH_FIT_H
#define CKPTLINT_ARCH_FIT_H

#include "arch/match.h"

/* The root that the keys of `dict` fit best, for files with several when none was named. */
struct span fit_root(const struct arch *arch, const struct config_sources *sources, const struct plan *plan,
                     const struct plan_dict *dict, const struct limits *max);

/* The state dict with most keys of the model, of the first of the plan; the likelier place of two alike. */
const struct plan_dict *fit_dict(const struct arch *arch, const struct config_sources *sources,
                                 struct span root, const struct plan *plan, const struct limits *max);

#endif
