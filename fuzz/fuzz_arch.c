/* Architecture files: read, built, matched with the state dict that they ask for, and run. What they ask for
 * they take; the forward's graph, shapes and results are ones that the broker believes. */
#include "forward/forward.h"
#include "fuzz/modelled.h"

enum { REGION = sizeof(struct result) + (1 << 16) };

static void check_model(const struct modelled *m) {
  const struct model *x = &m->model;
  for (uint32_t i = 0; i < x->num_expected; i++) {
    const struct expected *e = &x->expected[i];
    FUZZ_CHECK(span_ends(e->key, e->slot->name) && span_starts(e->key, e->module->prefix));
    FUZZ_CHECK(e->key.n == e->module->prefix.n + e->slot->name.n);
  }
  uint32_t modules = 0;
  for (const struct module *at = x->root; at; at = module_next(at)) {
    FUZZ_CHECK(modules++ < 1 << 20 && (at->parent || at == x->root));
    if (!at->parent || at->kind == MODULE_ABSENT) continue;
    const struct module *found = module_child(x, at->parent, at->name);
    FUZZ_CHECK(!found || span_eq(found->name, at->name));
  }
}

/* The state dict that was asked for is the one that is taken. */
static bool matches(struct modelled *m, const struct planned *p, struct match *match) {
  const struct match_options how = {.file = p->file};
  const struct plan_dict *dict = &p->plan.dicts[0];
  if (!match_run(match, &m->model, &p->plan, dict, &how, &m->arena, &m->obs)) return false;
  FUZZ_CHECK(match->num_expected == m->model.num_expected && match->keys == p->n);
  FUZZ_CHECK(match->matched + match->misshapen <= match->keys);
  return match->found && !match->missing && !match->misshapen;
}

static void run_forward(struct modelled *m, const struct planned *p, const struct match *match,
                        const struct fuzz_input *in) {
  static struct gemm gemm;
  static uint64_t region[REGION / sizeof(uint64_t)];
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
                                    .asked = true,
                                    .max = &max};
  memset(region, 0, sizeof(struct result));
  FUZZ_CHECK(result_begin(&w, region, sizeof region));
  uint32_t said = m->obs.n;
  bool done = forward_run(&r, &m->arena, &m->obs, &w);
  FUZZ_CHECK(done || m->obs.n > said || m->obs.lost || m->arena.exhausted);
  const struct result *result = result_open(region, sizeof region, &why);
  FUZZ_CHECK(!done || result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct planned planned;
  struct fuzz_input in = fuzz_open(data, size);
  struct modelled m;
  struct match match;
  arch_limits(&in.limits, in.knobs);
  model_open(&m, &in, in.bytes);
  if (m.built) check_model(&m);
  if (m.built && model_plan(&m, &planned) && matches(&m, &planned, &match))
    run_forward(&m, &planned, &match, &in);
  model_shut(&m);
  fuzz_close(&in);
  return 0;
}
