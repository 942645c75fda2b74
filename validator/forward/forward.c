#include "forward/forward.h"

#include <math.h>

#include "forward/inputs.h"
#include "forward/run.h"
#include "forward/symbolic.h"

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

struct golden {
  enum result_golden kind;
  struct farray array;
  double rtol, atol;
};

struct testing {
  const struct forward_request *r;
  const struct arch_test *test; /* NULL: the user's files, or made-up inputs */
  struct arena *arena;
  struct observations *obs;
  struct result_writer *out;
  struct result_test *row;
  struct finputs inputs;
  struct graph graph;
  struct fpool pool;
  struct weights weights;
  const struct golden *golden; /* one for each result */
  struct span *name;           /* likewise */
};

static bool out_of_memory(struct testing *t) {
  return refuse(t->obs, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = t->arena->used});
}

/* Inputs as values of the graph: shapes, and numbers only later. */
static bool build(struct testing *t) {
  const struct forward_request *r = t->r;
  for (uint32_t i = 0; i < r->model->arch->inputs.n; i++) {
    const struct finput *in = &t->inputs.list[i];
    // NOLINTNEXTLINE(bugprone-sizeof-expression): a table of pointers
    struct fvalue **slot = vec_push(t->arena, &t->graph.inputs, UINT32_MAX);
    struct fvalue *v = arena_new(t->arena, struct fvalue);
    if (!slot || !v) return out_of_memory(t);
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

/* ---- outputs: their names, what is declared of them, what is recorded for them ---- */

static bool check_output(struct testing *t, const struct port *p, const struct ftensor *y) {
  bool fits;
  const bool type_fits = p->dtype == DTYPE_NONE || dtype_table[p->dtype].cls == DT_FLOAT
                             ? y->type == FT_F32
                             : y->type == (p->dtype == DTYPE_BOOL ? FT_BOOL : FT_I64);
  if (!port_fits(&t->inputs.ports, p, y, &fits)) return false;
  if (fits && type_fits) return true;
  struct span text = port_contradiction(&t->inputs.ports, p, y, ft_name(y->type));
  return refuse(t->obs,
                (struct observation){.kind = OBS_FWD_OUTPUT_SHAPE, .subject = p->name, .detail = text});
}

static bool name_outputs(struct testing *t) {
  const struct ports *declared = &t->r->model->arch->outputs;
  const uint32_t n = t->graph.results.n;
  t->name = arena_array(t->arena, n, struct span);
  if (!t->name) return out_of_memory(t);
  if (declared->n && declared->n != n)
    return refuse(
        t->obs,
        (struct observation){
            .kind = OBS_FWD_OUTPUT_COUNT, .subject = t->r->model->root_name, .got = n, .want = declared->n});
  for (uint32_t i = 0; i < n; i++) {
    t->name[i] = declared->n ? declared->list[i].name
                 : n == 1    ? SPAN("output")
                             : arena_printf(t->arena, "output%u", i);
    if (declared->n && !check_output(t, &declared->list[i], &t->graph.results.p[i]->t)) return false;
  }
  return true;
}

static bool unknown_expect(struct testing *t, const struct forward_choice *c) {
  return refuse(t->obs,
                (struct observation){.kind = OBS_FWD_EXPECT_UNKNOWN,
                                     .subject = c->name.n ? c->name : c->file,
                                     .detail = c->name.n ? SPAN("there is no output of this name")
                                                         : SPAN("which output is it? (--expect NAME=FILE)")});
}

/* Before its numbers are read, with the tolerances where nobody gives others. */
static struct golden golden_of(const struct testing *t, enum result_golden kind) {
  const bool quantized = t->graph.quantized;
  return (struct golden){.kind = kind,
                         .rtol = quantized ? QUANTIZED_RTOL : DEFAULT_RTOL,
                         .atol = quantized ? QUANTIZED_ATOL : DEFAULT_ATOL};
}

static bool take_expects(struct testing *t, struct golden *golden) {
  for (size_t k = 0; k < t->r->num_expects; k++) {
    const struct forward_choice *c = &t->r->expects[k];
    const uint32_t n = t->graph.results.n;
    uint32_t i = 0;
    while (i < n && !(c->name.n ? span_eq(t->name[i], c->name) : n == 1)) i++;
    if (i == n) return unknown_expect(t, c);
    golden[i] = golden_of(t, GOLDEN_VALUES);
    if (!request_file(t->r, c->file, t->obs, &golden[i].array)) return false;
  }
  return true;
}

static bool take_recorded(struct testing *t, struct golden *golden) {
  for (uint32_t k = 0; t->test && k < t->test->num_expects; k++) {
    const struct test_expect *e = &t->test->expects[k];
    if (e->port >= t->graph.results.n || golden[e->port].kind != GOLDEN_NONE)
      continue; /* the user's comes first */
    struct golden *g = &golden[e->port];
    *g = golden_of(t, e->kind == EXPECT_ARGMAX ? GOLDEN_ARGMAX : GOLDEN_VALUES);
    if (e->rtol >= 0) g->rtol = e->rtol;
    if (e->atol >= 0) g->atol = e->atol;
    if (e->kind == EXPECT_FILE ? !request_file(t->r, e->file, t->obs, &g->array)
                               : !farray_inline(&g->array, &e->numbers, t->obs))
      return false;
  }
  return true;
}

static bool open_goldens(struct testing *t) {
  struct golden *golden = arena_array(t->arena, t->graph.results.n, struct golden);
  if (!golden) return out_of_memory(t);
  if (!take_expects(t, golden) || !take_recorded(t, golden)) return false;
  for (uint32_t i = 0; i < t->graph.results.n; i++) {
    if (t->r->rtol >= 0) golden[i].rtol = t->r->rtol;
    if (t->r->atol >= 0) golden[i].atol = t->r->atol;
  }
  t->golden = golden;
  return true;
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

static bool run_graph(struct testing *t, bool look, const struct fstep **nonfinite) {
  struct run run = {.graph = &t->graph,
                    .model = t->r->model,
                    .gemm = t->r->gemm,
                    .weights = &t->weights,
                    .look_for_nonfinite = look};
  bool done = fill_inputs(t) && graph_run(&run);
  t->row->peak_bytes = max_u64(t->row->peak_bytes, t->pool.peak);
  *nonfinite = run.nonfinite;
  return done;
}

static struct span input_not_finite(struct testing *t) {
  for (uint32_t i = 0; i < t->graph.inputs.n; i++)
    if (t->graph.inputs.p[i] && count_nonfinite(&t->inputs.list[i].t)) return t->inputs.list[i].port->name;
  return SPAN("");
}

/* The pass again, now looking at every value, because looking costs time that a healthy model need not pay.
 */
static bool find_nonfinite(struct testing *t, struct span *place) {
  const struct fstep *step;
  fpool_free(&t->pool);
  for (uint32_t i = 0; i < t->graph.results.n; i++)
    t->graph.results.p[i]->root->t.data.in = NULL; /* it was in the pool, or is found in the file again */
  if (!fill_inputs(t)) return false;
  struct span input = input_not_finite(t);
  fpool_free(&t->pool);
  if (!run_graph(t, true, &step)) return false;
  *place = input.n ? arena_printf(t->arena, "input %.*s", (int)min_size(input.n, 100), (const char *)input.p)
           : step  ? place_text(t->arena, t->r->model, &step->place)
                   : SPAN("the weights");
  t->row->nonfinite_place = result_put(t->out, *place);
  return true;
}

/* ---- judging ---- */

static struct span index_text(struct arena *a, const struct ftensor *y, uint64_t flat) {
  struct ftensor at = *y; /* its sizes replaced by the index: the same text */
  for (uint32_t i = y->ndim; i > 0; i--) {
    at.size[i - 1] = y->size[i - 1] ? flat % y->size[i - 1] : 0;
    flat = y->size[i - 1] ? flat / y->size[i - 1] : 0;
  }
  return span_str(ft_shape_text(a, &at));
}

static void fill_comparison(struct result_output *o, const struct comparison *c) {
  o->same_shape = c->same_shape;
  o->agrees = c->same_shape && c->outside == 0;
  o->outside = c->outside;
  o->rtol = c->rtol;
  o->atol = c->atol;
  o->max_abs = c->max_abs;
  o->max_rel = c->max_rel;
  o->worst = c->worst;
  o->worst_got = c->worst_got;
  o->worst_want = c->worst_want;
  o->rows = c->rows;
  o->rows_agree = c->rows_agree;
}

static struct span drift_text(struct testing *t, const struct ftensor *y, const struct comparison *c) {
  struct span where = index_text(t->arena, y, c->worst);
  return arena_printf(
      t->arena,
      "%llu of %llu values are outside atol %.4g + rtol %.4g; worst at %.*s: %.4g, recorded %.4g; "
      "max abs %.4g, max rel %.4g; argmax agrees in %llu of %llu rows",
      (unsigned long long)c->outside, (unsigned long long)c->count, c->atol, c->rtol, (int)where.n,
      (const char *)where.p, c->worst_got, c->worst_want, c->max_abs, c->max_rel,
      (unsigned long long)c->rows_agree, (unsigned long long)c->rows);
}

static void note(struct testing *t, enum obs_kind kind, struct span name, struct span detail, uint64_t got) {
  observe(t->obs, (struct observation){.kind = kind, .subject = name, .detail = detail, .got = got});
}

static void judge_golden(struct testing *t, const struct ftensor *y, const struct golden *g, struct span name,
                         struct result_output *o) {
  struct comparison c;
  o->golden = g->kind;
  if (g->kind == GOLDEN_NONE) return; /* it computes; the report says that its correctness is unknown */
  if (g->kind == GOLDEN_VALUES)
    compare_values(&c, y, &g->array, g->rtol, g->atol);
  else
    compare_argmax(&c, y, &g->array);
  fill_comparison(o, &c);
  if (!c.same_shape)
    note(t, OBS_FWD_GOLDEN_SHAPE, name,
         arena_printf(t->arena, "%s, the output is %s", ft_shape_text(t->arena, &g->array.shape),
                      ft_shape_text(t->arena, y)),
         0);
  else if (c.outside && g->kind == GOLDEN_VALUES)
    note(t, OBS_FWD_DRIFT, name, drift_text(t, y, &c), 0);
  else if (c.outside)
    note(t, OBS_FWD_ARGMAX, name,
         arena_printf(t->arena,
                      "row %llu has its largest value at %.0f, recorded is %.0f; %llu of %llu rows agree",
                      (unsigned long long)c.worst, c.worst_got, c.worst_want,
                      (unsigned long long)c.rows_agree, (unsigned long long)c.rows),
         0);
}

static void summarize(struct result_output *o, const struct ftensor *y) {
  uint64_t finite = 0;
  double sum = 0;
  for (uint64_t i = 0; i < y->numel; i++) {
    double v = ft_real(y, i);
    if (!isfinite(v)) continue;
    o->min = finite == 0 || v < o->min ? v : o->min;
    o->max = finite == 0 || v > o->max ? v : o->max;
    sum += v;
    finite++;
  }
  o->mean = finite ? sum / (double)finite : 0;
  o->nonfinite = y->numel - finite;
}

static bool judge_output(struct testing *t, uint32_t i, struct span nonfinite_place) {
  const struct fvalue *v = t->graph.results.p[i];
  const struct ftensor *y = &v->t;
  struct result_output *o = result_add_output(t->out, t->row);
  if (!o)
    return refuse(t->obs, (struct observation){.kind = OBS_FWD_TESTS,
                                               .subject = t->r->model->root_name,
                                               .got = t->graph.results.n,
                                               .want = RESULT_OUTPUTS});
  *o = (struct result_output){.type = y->type, .ndim = y->ndim, .numel = y->numel, .varies = v->varies};
  memcpy(o->size, y->size, sizeof o->size);
  o->name = result_put(t->out, t->name[i]);
  o->data_at = result_put(t->out, span_of(y->data.in, ft_bytes(y))).at;
  summarize(o, y);
  if (o->nonfinite) note(t, OBS_FWD_NONFINITE, t->name[i], nonfinite_place, o->nonfinite);
  if (!v->varies) note(t, OBS_FWD_CONSTANT, t->name[i], SPAN(""), 0);
  judge_golden(t, y, &t->golden[i], t->name[i], o);
  return true;
}

static bool compute_and_judge(struct testing *t) {
  const struct fstep *step;
  uint64_t nonfinite = 0;
  struct span place = SPAN("");
  t->weights.pool = &t->pool;
  if (!plan_bytes_open(&t->weights.bytes, t->r->plan, t->r->file, t->arena, t->obs) ||
      !run_graph(t, false, &step))
    return false;
  for (uint32_t i = 0; i < t->graph.results.n; i++) nonfinite += count_nonfinite(&t->graph.results.p[i]->t);
  if (nonfinite && !find_nonfinite(t, &place)) return false;
  t->row->status = RESULT_COMPUTED;
  for (uint32_t i = 0; i < t->graph.results.n; i++)
    if (!judge_output(t, i, place)) return false;
  return true;
}

/* Answers whether the stage can go on; what is wrong with this test is observed. */
static bool run_test(const struct forward_request *r, const struct arch_test *test, struct arena *a,
                     struct observations *o, struct result_writer *out) {
  struct testing t = {.r = r, .test = test, .arena = a, .obs = o, .out = out, .row = result_add_test(out)};
  if (!t.row)
    return refuse(o, (struct observation){.kind = OBS_FWD_TESTS,
                                          .subject = r->model->root_name,
                                          .got = r->model->arch->num_tests,
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
  const struct arch *arch = r->model->arch;
  if (!r->gemm || r->gemm->error)
    return refuse(
        o, (struct observation){.kind = OBS_FWD_NO_BLAS,
                                .detail = span_str(r->gemm ? r->gemm->error : "the library was not loaded")});
  if (r->gemm->core) result_of(out)->core = result_put(out, span_str(r->gemm->core));
  bool done = true;
  if (r->num_inputs || arch->num_tests == 0)
    done = run_test(r, NULL, a, o, out);
  else /* the user's golden belongs to one test: the first */
    for (uint32_t i = 0; done && i < (r->num_expects ? 1 : arch->num_tests); i++)
      done = run_test(r, &arch->tests[i], a, o, out);
  if (done) forward_symbolic(r, a, o);
  result_of(out)->complete = done;
  return done;
}
