/* A forward pass over a plan that a model fits exactly, as the model stage runs it. */
#ifndef CKPTLINT_FUZZ_FORWARDED_H
#define CKPTLINT_FUZZ_FORWARDED_H

#include "forward/forward.h"
#include "fuzz/modelled.h"

enum { FORWARDED_BYTES = sizeof(struct result) + (1 << 16) };

struct forwarded {
  uint64_t region[FORWARDED_BYTES / sizeof(uint64_t)];
  const struct result *result; /* NULL: not one that the broker believes */
};

/* The state dict that was asked for is the one that is taken. */
static inline bool model_matches(struct modelled *m, const struct planned *p, struct match *match) {
  const struct match_options how = {.file = p->file};
  const struct plan_dict *dict = &p->plan.dicts[0];
  if (!match_run(match, &m->model, &p->plan, dict, &how, &m->arena, &m->obs)) return false;
  FUZZ_CHECK(match->num_expected == m->model.num_expected && match->keys == p->n);
  FUZZ_CHECK(match->matched + match->misshapen <= match->keys);
  return match->found && !match->missing && !match->misshapen;
}

/* False: it said why. What is done is a result that the broker believes. */
static inline bool forwarded_run(struct forwarded *f, struct modelled *m, const struct planned *p,
                                 const struct match *match, const struct arch_test *tests, uint32_t num_tests,
                                 const struct fuzz_input *in) {
  static struct gemm gemm;
  struct result_writer w;
  const char *why;
  struct limits max = in->limits;
  if (!gemm.sgemm && !gemm.error) (void)!gemm_load(&gemm);
  max.forward_bytes = 1 << 22;
  max.forward_flops = max.forward_free = 1 << 20;
  const struct forward_request r = {.model = &m->model,
                                    .match = match,
                                    .plan = &p->plan,
                                    .file = p->file,
                                    .gemm = &gemm,
                                    .rtol = -1,
                                    .atol = -1,
                                    .tests = tests,
                                    .num_tests = num_tests,
                                    .asked = true,
                                    .max = &max};
  memset(f->region, 0, sizeof f->region);
  FUZZ_CHECK(result_begin(&w, f->region, sizeof f->region));
  uint32_t said = m->obs.n;
  bool done = forward_run(&r, &m->arena, &m->obs, &w);
  FUZZ_CHECK(done || m->obs.n > said || m->obs.lost || m->arena.exhausted);
  f->result = result_open(f->region, sizeof f->region, &why);
  FUZZ_CHECK(!done || f->result);
  return done;
}

#endif
