#include "arch/trial.h"

uint64_t model_print(const struct model *m) {
  static const uint64_t seed[2] = {1, 2}; /* only compared with its like, in this process */
  uint64_t sum = 0;
  for (uint32_t i = 0; i < m->num_expected; i++) {
    struct siphash h;
    siphash_init(&h, seed);
    siphash_bytes(&h, m->expected[i].key);
    for (uint32_t d = 0; d < m->expected[i].slot->ndim; d++) siphash_u64(&h, m->expected[i].slot->sizes[d]);
    sum ^= siphash_end(&h);
  }
  return sum;
}

uint64_t match_problems(const struct match *m) { return (uint64_t)m->missing + m->unexpected + m->misshapen; }

static void add_pair(struct pairs *p, struct pair new) {
  uint32_t i = 0;
  while (i < p->n && (p->list[i].found != new.found || p->list[i].want != new.want)) i++;
  if (i == MAX_PAIRS) return;
  if (i == p->n) p->list[p->n++] = new;
}

void match_pairs(struct pairs *p, const struct model *model, const struct match *match,
                 const struct plan *plan) {
  p->n = 0;
  for (uint32_t i = 0; i < model->num_expected; i++) {
    const struct slot *slot = model->expected[i].slot;
    if (match->tensor[i] == MATCH_NO_TENSOR) continue;
    const struct plan_tensor *t = &plan->tensors[match->tensor[i]];
    const uint64_t *found = plan->dims + t->first_dim;
    for (uint32_t d = 0; t->ndim == slot->ndim && d < t->ndim; d++)
      if (found[d] != slot->sizes[d])
        add_pair(p, (struct pair){found[d], slot->sizes[d], match->tensor[i], d});
  }
}

static uint64_t probe(const struct model *model, const struct match *match, const struct pair *at) {
  for (uint32_t i = 0; at && i < model->num_expected; i++) {
    const struct slot *slot = model->expected[i].slot;
    if (match->tensor[i] == at->tensor) return at->dim < slot->ndim ? slot->sizes[at->dim] : 0;
  }
  return 0;
}

enum { TRIAL_BYTES = 1 << 28 };

static uint64_t steps_left(const struct model *m) { return m->eval ? *m->eval->steps : 0; }

/* In memory of its own, with nobody to tell. */
void trial_run(struct trial *x, const struct limits *max) {
  struct arena own;
  struct observations silent;
  struct model model;
  struct match match;
  const struct match_options how = {.counts_only = true, .like = x->like};
  arena_init(&own, TRIAL_BYTES);
  observations_init(&silent, &own, 1);
  x->problems = UINT64_MAX;
  bool built = model_build(&model, x->arch, x->sources, x->root, x->plan->num_tensors, &own, max, &silent);
  if (built && match_run(&match, &model, x->plan, x->dict, &how, &own, &silent)) {
    x->problems = match_problems(&match);
    x->misshapen = match.misshapen;
    x->print = model_print(&model);
    x->hits = (uint64_t)match.matched + match.misshapen;
    x->adapter = match.adapter;
    x->changed = match.unwrapped || match.prefix_added.n || match.prefix_removed.n;
    x->probed = probe(&model, &match, x->probe);
    match_pairs(&x->pairs, &model, &match, x->plan);
  }
  uint64_t steps = max->arch_steps + 64 * min_u64(4 * (uint64_t)x->plan->num_tensors + 1024, max->tensors);
  x->cost = (steps - min_u64(steps, steps_left(&model))) / STEPS_PER_KEY + model.num_expected +
            x->dict->num_entries + x->sources->file.text.n / STEPS_PER_KEY;
  model_close(&model);
  arena_free(&own);
}
