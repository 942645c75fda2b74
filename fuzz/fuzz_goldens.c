/* A recorded-goldens file for a model of one layer: refused means said why; what is read has tests about the
 * model's inputs and outputs, which are run and compared twice with the same answers. */
#include "arch/goldens.h"
#include "fuzz/forwarded.h"

static const char architecture[] =
    "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"fc\": \"Linear(3, 2)\"},"
    " \"forward(x, n, b)\": [\"where(b, fc(x), 0.0), n + 1\"],"
    " \"inputs\": {\"x\": \"float32[B, 3]\", \"n\": \"int64[B, T] < 7\", \"b\": \"bool[B, 1]\"},"
    " \"outputs\": {\"y\": \"float32[B, 2]\", \"m\": \"int64[B, T]\"}}";

static void check_tests(const struct arch *a) {
  FUZZ_CHECK(a->num_tests > 0);
  for (uint32_t i = 0; i < a->num_tests; i++) {
    const struct arch_test *t = &a->tests[i];
    for (uint32_t k = 0; k < t->num_inputs; k++) FUZZ_CHECK(t->inputs[k].port < a->inputs.n);
    for (uint32_t k = 0; k < t->num_expects; k++) FUZZ_CHECK(t->expects[k].name.n);
  }
}

/* The JSON is the caller's to close. */
static bool read_goldens(struct goldens *g, struct modelled *m, const struct fuzz_input *in) {
  const uint32_t said = m->obs.n;
  const struct text_file file = {SPAN("m.goldens.json"), in->bytes};
  const bool read = goldens_parse(g, &m->arch, file, &m->arena, &in->limits, &m->obs);
  FUZZ_CHECK(read || m->obs.n > said || m->obs.lost || m->arena.exhausted);
  if (!read) return false;
  FUZZ_CHECK(goldens_like(in->bytes));
  FUZZ_CHECK(g->tool.n && g->arch_sha256.n == 64 && g->weights_sha256.n == 64);
  check_tests(&g->arch);
  return true;
}

/* A test that was computed agrees only where it has the golden's shape. */
static void check_results(const struct result *r) {
  for (uint32_t i = 0; i < r->num_outputs; i++) {
    const struct result_output *o = &r->outputs[i];
    FUZZ_CHECK(!o->agrees || (o->same_shape && o->outside == 0));
  }
}

static void compare(struct modelled *m, const struct planned *p, const struct match *match,
                    const struct goldens *g, const struct fuzz_input *in) {
  static struct forwarded first, second;
  const bool done = forwarded_run(&first, m, p, match, g->arch.tests, g->arch.num_tests, in);
  if (first.result) check_results(first.result);
  if (!done || m->obs.lost || m->arena.exhausted) return;
  FUZZ_CHECK(forwarded_run(&second, m, p, match, g->arch.tests, g->arch.num_tests, in) || m->obs.lost ||
             m->arena.exhausted);
  FUZZ_CHECK(m->obs.lost || m->arena.exhausted ||
             memcmp(first.region, second.region, sizeof first.region) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct planned planned;
  struct fuzz_input in = fuzz_open(data, size);
  struct modelled m;
  struct match match;
  struct goldens goldens;
  arch_limits(&in.limits, in.knobs);
  model_open(&m, &in, span_of(architecture, sizeof architecture - 1));
  if (m.built && model_plan(&m, &planned) && model_matches(&m, &planned, &match)) {
    if (read_goldens(&goldens, &m, &in)) compare(&m, &planned, &match, &goldens, &in);
    arch_close(&goldens.arch);
  }
  model_shut(&m);
  fuzz_close(&in);
  return 0;
}
