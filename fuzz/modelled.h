/* An architecture file as the model stage takes it: read, its model built, a plan that it fits exactly. */
#ifndef CKPTLINT_FUZZ_MODELLED_H
#define CKPTLINT_FUZZ_MODELLED_H

#include "arch/match.h"
#include "base/json.h"
#include "fuzz/planned.h"

struct modelled {
  struct arena arena;
  struct observations obs;
  struct arch arch;
  struct config_sources sources;
  struct model model;
  bool built;
};

static inline void arch_limits(struct limits *max, uint8_t knobs) {
  max->arch_steps = max->hint_keys = max->forward_evals = 20000;
  max->forward_steps = 500;
  if (knobs & KNOB_SHRUNK) {
    max->arch_depth = max->expr_depth = 4;
    max->arch_steps = max->hint_keys = max->forward_evals = 300;
    max->forward_steps = 10;
  }
}

/* Refused means said why; all that is said of a file has a place in it. */
static inline void model_open(struct modelled *m, const struct fuzz_input *in, struct span text) {
  *m = (struct modelled){0};
  arena_init(&m->arena, in->arena_bytes);
  observations_init(&m->obs, &m->arena, (uint32_t)in->limits.report_findings);
  json_budget(in->arena_bytes);
  bool parsed =
      arch_parse(&m->arch, (struct text_file){SPAN("m.json"), text}, &m->arena, &in->limits, &m->obs);
  FUZZ_CHECK(parsed || m->obs.n || m->obs.lost);
  if (!parsed) return;
  uint32_t said = m->obs.n;
  m->built = model_build(&m->model, &m->arch, &m->sources, SPAN(""), PLANNED_TENSORS, &m->arena, &in->limits,
                         &m->obs);
  FUZZ_CHECK(m->built || m->obs.n > said || m->obs.lost);
}

static inline void model_shut(struct modelled *m) {
  if (m->built) model_close(&m->model);
  arch_close(&m->arch);
  arena_free(&m->arena);
}

/* The tensors that the model expects, of the dtypes that it expects. False: they are too many or too odd. */
static inline bool model_plan(const struct modelled *m, struct planned *p) {
  p->n = 0;
  for (uint32_t i = 0; i < m->model.num_expected; i++) {
    const struct expected *e = &m->model.expected[i];
    struct planned_tensor *t = e->slot->ndim <= PLANNED_DIMS ? planned_add(p, e->key) : NULL;
    if (!t) return false;
    t->dtype = e->slot->rule == SLOT_EXACT ? e->slot->dtype : DTYPE_F32;
    t->ndim = e->slot->ndim;
    if (t->ndim) memcpy(t->sizes, e->slot->sizes, t->ndim * sizeof *t->sizes);
  }
  uint32_t n = p->n;
  planned_finish(p);
  return p->n == n;
}

#endif
