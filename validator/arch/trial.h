/* A model built and matched to see what would come of it, with nobody to tell: of one root or another, one
 * config value or another. Private to arch/fit.c and hint.c. */
#ifndef CKPTLINT_ARCH_TRIAL_H
#define CKPTLINT_ARCH_TRIAL_H

#include "arch/match.h"

enum { MAX_PAIRS = 12, STEPS_PER_KEY = 50 };

/* Different sizes that were found where others were expected. */
struct pairs {
  uint32_t n;
  struct pair {
    uint64_t found, want;
    uint32_t tensor, dim; /* where first: of the plan, and in which of its dimensions */
  } list[MAX_PAIRS];
};

struct trial {
  const struct arch *arch;
  const struct config_sources *sources;
  struct span root;
  const struct plan *plan;
  const struct plan_dict *dict;
  const struct match *like; /* whose prefix counts; NULL: it is looked for */
  const struct pair *probe; /* where a size is asked for; NULL: nowhere */
  /* what came of it */
  uint64_t probed;    /* the size that is expected there; 0: there is none */
  uint64_t problems;  /* UINT64_MAX: can't be built */
  uint64_t misshapen; /* of these */
  uint64_t print;     /* of all keys and sizes */
  uint64_t hits;      /* keys of the checkpoint that are the model's, whatever their shapes */
  bool adapter;       /* the checkpoint is one of the model, and no model */
  bool changed;       /* not without a change of the keys */
  struct pairs pairs;
  uint64_t cost; /* in keys, about */
};

void trial_run(struct trial *x, const struct limits *max);

uint64_t match_problems(const struct match *m);
uint64_t model_print(const struct model *m);
void match_pairs(struct pairs *p, const struct model *model, const struct match *match,
                 const struct plan *plan);

#endif
