/* What a test was, so that somebody can run it again (`record`), and what each of its steps made (-v). */
#include "forward/testing.h"

#include <math.h>

static bool keep_input(struct testing *t, struct finput *in) {
  if (in->source == INPUT_ABSENT) return true;
  struct result_input *row = result_add_input(t->out, t->row);
  if (!row) return false;
  *row = (struct result_input){.name = result_put(t->out, in->port->name),
                               .generated = in->source == INPUT_GENERATED,
                               .generator = in->generator,
                               .seed = in->seed};
  result_shape(&row->array, &in->t);
  if (row->generated || in->t.numel == 0) return true;
  row->array.data_at = result_room(t->out, ft_bytes(&in->t)).at;
  if (!row->array.data_at) return false;
  struct ftensor kept = in->t;
  kept.data.out = t->out->base + row->array.data_at;
  input_numbers(in, &kept);
  return true;
}

bool keep_test(struct testing *t) {
  const struct names *symbols = &t->r->model->arch->symbols;
  bool room = true;
  for (uint32_t i = 0; room && i < t->graph.inputs.n; i++) room = keep_input(t, &t->inputs.list[i]);
  for (uint32_t i = 0; room && i < symbols->n; i++) {
    struct result_symbol *row = result_add_symbol(t->out, t->row);
    room = row != NULL;
    if (row)
      *row = (struct result_symbol){result_put(t->out, symbols->list[i]),
                                    (uint64_t)t->inputs.ports.symbol[i].number};
  }
  return room || refuse(t->obs, (struct observation){.kind = OBS_FWD_TESTS,
                                                     .subject = t->r->model->root_name,
                                                     .got = t->graph.inputs.n,
                                                     .want = RESULT_INPUTS});
}

struct result_figures figures_of(const struct ftensor *y) {
  struct result_figures f = {0};
  uint64_t finite = 0;
  double sum = 0;
  for (uint64_t i = 0; i < y->numel; i++) {
    double v = ft_real(y, i);
    if (!isfinite(v)) continue;
    f.min = finite == 0 || v < f.min ? v : f.min;
    f.max = finite == 0 || v > f.max ? v : f.max;
    sum += v;
    finite++;
  }
  f.mean = finite ? sum / (double)finite : 0;
  f.nonfinite = y->numel - finite;
  return f;
}

void keep_step(struct testing *t, const struct fstep *step) {
  struct result_step *row = result_add_step(t->out, t->row);
  if (!row) return;
  row->op = result_put(t->out, span_str(step->op->name));
  row->place = result_put(t->out, place_text(t->arena, t->r->model, &step->place));
  row->figures = figures_of(&step->out->t);
  result_shape(&row->array, &step->out->t);
}
