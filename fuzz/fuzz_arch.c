/* Architecture files: read, built, matched with the state dict that they ask for, and run. What they ask for
 * they take; the forward's graph, shapes and results are ones that the broker believes. */
#include "fuzz/forwarded.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct planned planned;
  static struct forwarded forwarded;
  struct fuzz_input in = fuzz_open(data, size);
  struct modelled m;
  struct match match;
  arch_limits(&in.limits, in.knobs);
  model_open(&m, &in, in.bytes);
  if (m.built) check_model(&m);
  if (m.built && model_plan(&m, &planned) && model_matches(&m, &planned, &match))
    (void)!forwarded_run(&forwarded, &m, &planned, &match, NULL, 0, &in);
  model_shut(&m);
  fuzz_close(&in);
  return 0;
}
