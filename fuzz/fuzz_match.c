/* The matcher: an architecture file, a NUL, then the tensors of a checkpoint, a line each (planned.h). Counts
 * agree with each other, and hints, torch's words and descriptions end within their budgets. */
#include "arch/describe.h"
#include "arch/hint.h"
#include "arch/torch_message.h"
#include "fuzz/modelled.h"

static void check_counts(const struct match *x, const struct planned *p) {
  uint32_t there = 0;
  FUZZ_CHECK(x->keys == p->n && x->matched + x->misshapen + x->unexpected <= x->keys + x->waived);
  for (uint32_t i = 0; i < x->num_expected; i++) {
    FUZZ_CHECK(x->tensor[i] == MATCH_NO_TENSOR || x->tensor[i] < p->n);
    there += x->tensor[i] != MATCH_NO_TENSOR;
  }
  FUZZ_CHECK(there >= x->matched);
  if (x->loads_strict) FUZZ_CHECK(x->loads_loose && x->loads_after_fix && !x->missing && !x->misshapen);
}

static void match(struct modelled *m, const struct planned *p, const struct fuzz_input *in) {
  struct match out;
  struct names lines;
  const struct plan *plan = &p->plan;
  const struct match_options how = {.file = p->file};
  const struct plan_dict *dict = match_choose(&m->arch, plan, &how, NULL, &m->arena, &m->obs);
  if (!dict) FUZZ_CHECK(m->obs.n || m->obs.lost);
  if (!dict || !match_run(&out, &m->model, plan, dict, &how, &m->arena, &m->obs)) return;
  if (out.found) check_counts(&out, p);
  const struct hint_request hint = {.arch = &m->arch,
                                    .sources = &m->sources,
                                    .model = &m->model,
                                    .root = m->arch.num_roots ? m->model.root_name : SPAN(""),
                                    .match = &out,
                                    .plan = plan,
                                    .max = &in->limits};
  if (!hint_run(&hint, &m->arena, &m->obs)) return;
  enum { ROOM = 4096 };
  if (!torch_message(&lines, &m->model, plan, dict, in->knobs & KNOB_OTHER, ROOM, &m->arena)) return;
  size_t bytes = 0;
  for (uint32_t i = 0; i < lines.n; i++) bytes += lines.list[i].n;
  FUZZ_CHECK(bytes <= ROOM + 200);
}

static void describe(const struct planned *p, const struct fuzz_input *in) {
  struct arena arena;
  struct description d = {0};
  arena_init(&arena, in->arena_bytes);
  if (describe_run(&d, &p->plan, &p->plan.dicts[0], &arena, &in->limits)) {
    uint64_t params = 0, all = 0;
    for (uint32_t i = 0; i < d.rows.n; i++) {
      FUZZ_CHECK(d.rows.p[i].mode < MODE_COUNT && d.rows.p[i].depth <= (i ? d.rows.p[i - 1].depth + 1 : 0));
      params += d.rows.p[i].params;
    }
    for (uint32_t i = 0; i < p->n; i++) all += p->tensors[i].numel;
    FUZZ_CHECK(params <= all);
  }
  arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct planned planned;
  struct fuzz_input in = fuzz_open(data, size);
  struct modelled m;
  const uint8_t *end = in.bytes.n ? memchr(in.bytes.p, 0, in.bytes.n) : NULL;
  size_t n = end ? (size_t)(end - in.bytes.p) : in.bytes.n;
  arch_limits(&in.limits, in.knobs);
  planned.n = 0;
  planned_read(&planned, span_from(in.bytes, n + 1));
  planned_finish(&planned);
  model_open(&m, &in, span_first(in.bytes, n));
  m.sources.plan = &planned.plan;
  if (m.built) match(&m, &planned, &in);
  model_shut(&m);
  describe(&planned, &in);
  fuzz_close(&in);
  return 0;
}
