#include "forward/symbolic.h"
#include "forward/testing.h"

/* ---- the files that tests name ---- */

static bool add_name(struct arena *a, struct names *out, struct span *list, struct span name) {
  for (uint32_t i = 0; i < out->n; i++)
    if (span_eq(list[i], name)) return true;
  return arena_copy(a, name, &list[out->n++]);
}

bool forward_needs(const struct arch *arch, struct arena *a, struct names *out) {
  const uint32_t tests =
      arch->num_tests < RESULT_TESTS ? arch->num_tests : RESULT_TESTS; /* no others are run */
  uint64_t most = 0;
  for (uint32_t t = 0; t < tests; t++) most += arch->tests[t].num_inputs + arch->tests[t].num_expects;
  struct span *list = arena_array(a, most, struct span);
  *out = (struct names){.list = list};
  for (uint32_t t = 0; list && t < tests; t++) {
    const struct arch_test *test = &arch->tests[t];
    for (uint32_t i = 0; i < test->num_inputs; i++)
      if (test->inputs[i].kind == GEN_FILE && !add_name(a, out, list, test->inputs[i].file)) return false;
    for (uint32_t i = 0; i < test->num_expects; i++)
      if (test->expects[i].kind == EXPECT_FILE && !add_name(a, out, list, test->expects[i].file))
        return false;
  }
  return list != NULL;
}

/* ---- one test ---- */

/* Inputs as values of the graph: shapes, and numbers only later. */
static bool build(struct testing *t) {
  const struct forward_request *r = t->r;
  for (uint32_t i = 0; i < r->model->arch->inputs.n; i++) {
    const struct finput *in = &t->inputs.list[i];
    struct fvalue **slot = vec_push(t->arena, &t->graph.inputs, UINT32_MAX);
    struct fvalue *v = arena_new(t->arena, struct fvalue);
    if (!slot || !v) return testing_out_of_memory(t);
    *slot = in->source == INPUT_ABSENT ? NULL : v;
    *v = (struct fvalue){.t = in->t, .from = FROM_INPUT, .index = i, .root = v, .varies = true};
    t->graph.cost = saturating_add(t->graph.cost, in->t.numel);
  }
  return graph_build(&t->graph, &(struct lower_request){.model = r->model,
                                                        .match = r->match,
                                                        .plan = r->plan,
                                                        .max = r->max,
                                                        .arena = t->arena,
                                                        .obs = t->obs});
}

/* ---- running ---- */

static bool affordable(struct testing *t) {
  const struct limits *max = t->r->max;
  const uint64_t peak = graph_peak(&t->graph, t->r->plan);
  t->row->cost = t->graph.cost;
  if (!t->r->asked && t->graph.cost > max->forward_free) {
    t->row->status = RESULT_TOO_COSTLY;
    return false;
  }
  if (t->graph.cost > max->forward_flops)
    return refuse(t->obs, (struct observation){
                              .kind = OBS_FWD_FLOPS, .got = t->graph.cost, .want = max->forward_flops});
  return peak <= max->forward_bytes || refuse(t->obs, (struct observation){.kind = OBS_FWD_MEMORY,
                                                                           .subject = t->r->model->root_name,
                                                                           .want = max->forward_bytes});
}

static bool fill_inputs(struct testing *t) {
  for (uint32_t i = 0; i < t->graph.inputs.n; i++) {
    struct fvalue *v = t->graph.inputs.p[i];
    if (!v) continue;
    if (!input_fill(&t->inputs.list[i], &t->pool))
      return refuse(t->obs, (struct observation){.kind = OBS_FWD_MEMORY,
                                                 .subject = t->inputs.list[i].port->name,
                                                 .want = t->pool.budget});
    v->t.data = t->inputs.list[i].t.data;
  }
  return true;
}

bool run_pass(struct testing *t, step_seen *seen, void *ctx) {
  struct run run = {.graph = &t->graph,
                    .model = t->r->model,
                    .gemm = t->r->gemm,
                    .weights = &t->weights,
                    .seen = seen,
                    .ctx = ctx};
  fpool_free(&t->pool);
  for (uint32_t i = 0; i < t->graph.results.n; i++)
    t->graph.results.p[i]->root->t.data.in = NULL; /* it was in the pool, or is found in the file again */
  bool done = fill_inputs(t) && graph_run(&run);
  t->row->peak_bytes = max_u64(t->row->peak_bytes, t->pool.peak);
  return done;
}

/* ---- looking at every value ---- */

struct search {
  const struct fstep *found;
};

static void find_step(void *ctx, const struct fstep *step) {
  struct search *search = ctx;
  if (!search->found && count_nonfinite(&step->out->t)) search->found = step;
}

static struct span input_not_finite(struct testing *t) {
  for (uint32_t i = 0; i < t->graph.inputs.n; i++)
    if (t->graph.inputs.p[i] && count_nonfinite(&t->inputs.list[i].t)) return t->inputs.list[i].port->name;
  return SPAN("");
}

/* The pass again, now looking at every value, because looking costs time that a healthy model need not pay.
 */
static bool find_nonfinite(struct testing *t, struct span *place) {
  struct search search = {NULL};
  fpool_free(&t->pool);
  if (!fill_inputs(t)) return false;
  struct span input = input_not_finite(t);
  if (!run_pass(t, find_step, &search)) return false;
  *place = input.n ? arena_printf(t->arena, "input %.*s", (int)min_size(input.n, 100), (const char *)input.p)
           : search.found ? place_text(t->arena, t->r->model, &search.found->place)
                          : SPAN("the weights");
  t->row->nonfinite_place = result_put(t->out, *place);
  return true;
}

/* A healthy value shows its first element that is not zero at once. */
static bool all_zero(const struct ftensor *t) {
  uint64_t i = 0;
  while (i < t->numel && ft_f32(t)[i] == 0) i++;
  return i == t->numel;
}

/* The memory of a first argument may be the result's by now (step_in_place): then what was seen of it counts.
 */
static bool was_zero(const struct fvalue *v) {
  return v->root->t.data.in ? all_zero(&v->t) : v->root->was_zero;
}

/* What a layer with weights, or a ReLU behind it, makes of an input that is not zero. */
static bool is_dead(const struct fstep *step) {
  enum { FEW = 16 };
  const struct ftensor *y = &step->out->t;
  const struct fvalue *x = NULL;
  bool layer = span_starts(span_str(step->op->name), SPAN("relu"));
  if (y->type != FT_F32 || y->numel < FEW || !step->out->varies || step_is_view(step)) return false;
  for (uint32_t i = 0; i < step->op->num_params; i++) {
    if (step->arg[i].kind != OPV_TENSOR) continue;
    const struct fvalue *v = graph_value(&step->arg[i], 0);
    layer = layer || v->root->from == FROM_WEIGHT;
    if (!x && v->varies && v->t.type == FT_F32) x = v;
  }
  return layer && x && all_zero(y) && !was_zero(x);
}

static void look_at_step(void *ctx, const struct fstep *step) {
  struct testing *t = ctx;
  const struct ftensor *y = &step->out->t;
  step->out->was_zero = !step_is_view(step) && y->type == FT_F32 && all_zero(y);
  if (is_dead(step))
    observe(t->obs, (struct observation){.kind = OBS_FWD_DEAD,
                                         .subject = place_text(t->arena, t->r->model, &step->place),
                                         .detail = span_str(step->op->name),
                                         .got = step->out->t.numel});
  if (t->r->trace) keep_step(t, step);
}

static bool compute_and_judge(struct testing *t) {
  uint64_t nonfinite = 0;
  struct span place = SPAN("");
  t->weights.pool = &t->pool;
  if (!plan_bytes_open(&t->weights.bytes, t->r->plan, t->r->file, t->arena, t->obs) ||
      !run_pass(t, look_at_step, t))
    return false;
  for (uint32_t i = 0; i < t->graph.results.n; i++) nonfinite += count_nonfinite(&t->graph.results.p[i]->t);
  if (nonfinite && !find_nonfinite(t, &place)) return false;
  if (t->r->record && !keep_test(t)) return false;
  t->row->status = RESULT_COMPUTED;
  return judge_outputs(t, place) && look_again(t);
}

/* Answers whether the stage can go on; what is wrong with this test is observed. */
static bool run_test(const struct forward_request *r, const struct arch_test *test, struct arena *a,
                     struct observations *o, struct result_writer *out) {
  struct testing t = {.r = r, .test = test, .arena = a, .obs = o, .out = out, .row = result_add_test(out)};
  if (!t.row)
    return refuse(o, (struct observation){.kind = OBS_FWD_TESTS,
                                          .subject = r->model->root_name,
                                          .got = r->num_tests,
                                          .want = RESULT_TESTS});
  fpool_init(&t.pool, r->max->forward_bytes);
  t.row->status = RESULT_REFUSED;
  if (inputs_resolve(&t.inputs, r, test, a, o)) {
    t.row->generated = t.inputs.generated;
    (void)(build(&t) && name_outputs(&t) && open_goldens(&t) && affordable(&t) && compute_and_judge(&t));
  }
  fpool_free(&t.pool);
  return !a->exhausted;
}

bool forward_run(const struct forward_request *r, struct arena *a, struct observations *o,
                 struct result_writer *out) {
  if (!r->gemm || r->gemm->error)
    return refuse(
        o, (struct observation){.kind = OBS_FWD_NO_BLAS,
                                .detail = span_str(r->gemm ? r->gemm->error : "the library was not loaded")});
  if (r->gemm->core) result_of(out)->core = result_put(out, span_str(r->gemm->core));
  bool done = true;
  if (r->num_inputs || r->num_tests == 0)
    done = run_test(r, NULL, a, o, out);
  else /* the user's golden belongs to one test: the first */
    for (uint32_t i = 0; done && i < (r->num_expects ? 1 : r->num_tests); i++)
      done = run_test(r, &r->tests[i], a, o, out);
  if (done) forward_symbolic(r, a, o);
  result_of(out)->complete = done;
  return done;
}
