/* Expected state dict against the checkpoint's: missing, unexpected, shapes, dtypes; and what else the
 * architecture file says about the checkpoint (checks, ties, fields, optimizer). Linear in the number of
 * keys. */
#ifndef CKPTLINT_ARCH_MATCH_H
#define CKPTLINT_ARCH_MATCH_H

#include "arch/modules.h"

struct match_options {
  struct span key;  /* --key: where the state dict is; empty: checkpoint.state_dict, else the best one */
  struct span file; /* the checkpoint's bytes, for constants and ties; empty: these are not compared */
  struct names ignore_missing, ignore_unexpected; /* globs of keys that are no finding */
  bool metadata_only;       /* no tensor bytes are read: what they would tell is counted and said */
  bool counts_only;         /* nothing but what stands in struct match: no words, no values */
  const struct match *like; /* whose prefix is taken for this one's; NULL: it is looked for */
};

#define MATCH_NO_TENSOR UINT32_MAX

struct match {
  bool found; /* there was a state dict to compare */
  const struct plan_dict *dict;
  uint32_t num_expected;
  const uint32_t *tensor; /* for each expected key: its tensor in the plan, or MATCH_NO_TENSOR. A tied
                             alias that is absent has its target's */
  uint32_t keys, matched, missing, unexpected, misshapen; /* keys of the dict; matched has the right shape */
  bool adapter;     /* it changes a model and is none: keys are the weights that it has factors for, … */
  uint32_t adapted; /* … and these fit them. It has no tensor above */
  uint32_t packed;  /* matched weights that a quantiser has packed; they have no tensor above */
  uint32_t waived;  /* missing or unexpected keys that the options ignore */
  uint64_t params_loaded, params_missing; /* elements; missing: of another shape too */
  uint64_t params_ignored;                /* elements of unexpected keys */
  uint32_t forgiven;  /* absent aliases of ties and ignored keys, over which strict=True raises */
  uint32_t renamed;   /* keys that the architecture file renames */
  uint32_t unwrapped; /* keys that held the names of wrappers: "_fsdp_wrapped_module." */
  struct span prefix_removed, prefix_added; /* what was done to the checkpoint's keys; empty: nothing */
  bool loads_strict;                        /* load_state_dict(strict=True) on the keys as they are */
  bool loads_loose;                         /* strict=False raises nothing, and no prefix stands in the way */
  bool loads_after_fix;                     /* strict, after the prefix is fixed */
};

/* Picks the state dict: the one asked for, else `best`, else (NULL) the likeliest. NULL, observed, when the
 * one asked for is not there and no other is the only one. */
const struct plan_dict *match_choose(const struct arch *arch, const struct plan *plan,
                                     const struct match_options *options, const struct plan_dict *best,
                                     struct arena *a, struct observations *o);
/* False only when memory is spent; what differs is observed. */
NODISCARD bool match_run(struct match *out, const struct model *model, const struct plan *plan,
                         const struct plan_dict *dict, const struct match_options *options, struct arena *a,
                         struct observations *o);

/* The state dicts of a plan but for one (or NULL), in words. */
struct span match_dicts(struct arena *a, const struct plan *plan, const struct plan_dict *but);

#endif
