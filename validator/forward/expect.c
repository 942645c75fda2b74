/* The outputs of a test: their names, what is declared of them, what is recorded for them. */
#include "forward/testing.h"

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

bool name_outputs(struct testing *t) {
  const struct ports *declared = &t->r->model->arch->outputs;
  const uint32_t n = t->graph.results.n;
  t->name = arena_array(t->arena, n, struct span);
  if (!t->name) return testing_out_of_memory(t);
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

static bool open_recorded(struct testing *t, const struct test_expect *e, struct farray *out) {
  switch (e->kind) {
  case EXPECT_FILE: return request_file(t->r, e->file, t->obs, out);
  case EXPECT_NPY: return farray_open(out, e->name, e->npy, t->obs);
  case EXPECT_INLINE:
  case EXPECT_ARGMAX: break;
  }
  return farray_inline(out, &e->numbers, t->obs);
}

static bool take_recorded(struct testing *t, struct golden *golden) {
  for (uint32_t k = 0; t->test && k < t->test->num_expects; k++) {
    const struct test_expect *e = &t->test->expects[k];
    uint32_t i = 0;
    while (i < t->graph.results.n && !span_eq(t->name[i], e->name)) i++;
    if (i == t->graph.results.n) return unknown_expect(t, &(struct forward_choice){.name = e->name});
    if (golden[i].kind != GOLDEN_NONE) continue; /* the user's comes first */
    struct golden *g = &golden[i];
    *g = golden_of(t, e->kind == EXPECT_ARGMAX ? GOLDEN_ARGMAX : GOLDEN_VALUES);
    if (e->rtol >= 0) g->rtol = e->rtol;
    if (e->atol >= 0) g->atol = e->atol;
    if (!open_recorded(t, e, &g->array)) return false;
  }
  return true;
}

bool open_goldens(struct testing *t) {
  struct golden *golden = arena_array(t->arena, t->graph.results.n, struct golden);
  if (!golden) return testing_out_of_memory(t);
  if (!take_expects(t, golden) || !take_recorded(t, golden)) return false;
  for (uint32_t i = 0; i < t->graph.results.n; i++) {
    if (t->r->rtol >= 0) golden[i].rtol = t->r->rtol;
    if (t->r->atol >= 0) golden[i].atol = t->r->atol;
  }
  t->golden = golden;
  return true;
}
