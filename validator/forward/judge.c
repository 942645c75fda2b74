/* What the numbers of the outputs say. */
#include "forward/testing.h"

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

/* A single number is always equal to itself. */
static bool is_uniform(const struct ftensor *y, const struct result_figures *f) {
  return y->type == FT_F32 && y->numel > 1 && !f->nonfinite && f->min >= f->max;
}

static struct span real_text(struct testing *t, double x) { return arena_printf(t->arena, "%.4g", x); }

static bool judge_output(struct testing *t, uint32_t i, struct span nonfinite_place) {
  const struct fvalue *v = t->graph.results.p[i];
  const struct ftensor *y = &v->t;
  struct result_output *o = result_add_output(t->out, t->row);
  if (!o)
    return refuse(t->obs, (struct observation){.kind = OBS_FWD_TESTS,
                                               .subject = t->r->model->root_name,
                                               .got = t->graph.results.n,
                                               .want = RESULT_OUTPUTS});
  *o = (struct result_output){.varies = v->varies};
  result_shape(&o->array, y);
  o->name = result_put(t->out, t->name[i]);
  o->array.data_at = result_put(t->out, span_of(y->data.in, ft_bytes(y))).at;
  o->figures = figures_of(y);
  if (o->figures.nonfinite) note(t, OBS_FWD_NONFINITE, t->name[i], nonfinite_place, o->figures.nonfinite);
  if (!v->varies) note(t, OBS_FWD_CONSTANT, t->name[i], SPAN(""), 0);
  if (y->numel == 0) note(t, OBS_FWD_EMPTY, t->name[i], span_str(ft_shape_text(t->arena, y)), 0);
  if (v->varies && is_uniform(y, &o->figures))
    note(t, OBS_FWD_UNIFORM, t->name[i], real_text(t, o->figures.min), 0);
  judge_golden(t, y, &t->golden[i], t->name[i], o);
  return true;
}

bool judge_outputs(struct testing *t, struct span place) {
  for (uint32_t i = 0; i < t->graph.results.n; i++)
    if (!judge_output(t, i, place)) return false;
  return true;
}
