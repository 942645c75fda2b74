/* Passes that explain a doubtful answer. They cost as much as the first one, so they are run only where there
 * is a doubt, or where a pass is cheap. */
#include "forward/testing.h"

#include "forward/norm.h"

/* ---- a golden that is missed: were its numbers made in training mode? ---- */

static bool misses_a_golden(const struct testing *t) {
  const struct result_output *o = &result_of(t->out)->outputs[t->row->first_output];
  for (uint32_t i = 0; i < t->row->num_outputs; i++)
    if (o[i].golden == GOLDEN_VALUES && o[i].same_shape && !o[i].agrees) return true;
  return false;
}

static bool train_step(struct testing *t, struct fstep *step, bool *changed) {
  struct op_call call = {.arena = t->arena, .pool = &t->pool, .arg = step->arg, .out = &step->out->t};
  if (!norm_is_recorded(step->op, &call)) return true;
  struct op_value *arg = arena_array(t->arena, step->op->num_params, struct op_value);
  if (!arg) return testing_out_of_memory(t);
  memcpy(arg, step->arg, step->op->num_params * sizeof *arg);
  norm_use_batch(step->op, arg);
  step->arg = arg;
  *changed = true;
  return true;
}

/* Every norm with recorded statistics takes the batch's own, as model.train() makes it; nothing else that is
 * not random differs. False: none has any, or PyTorch would raise on a batch of one value. */
static bool train(struct testing *t) {
  bool changed = false;
  for (uint32_t i = 0; i < t->graph.steps.n; i++)
    if (!train_step(t, &t->graph.steps.p[i], &changed)) return false;
  return changed;
}

static bool fits_all(const struct testing *t) {
  for (uint32_t i = 0; i < t->graph.results.n; i++) {
    const struct golden *g = &t->golden[i];
    struct comparison c;
    if (g->kind != GOLDEN_VALUES) continue;
    compare_values(&c, &t->graph.results.p[i]->t, &g->array, g->rtol, g->atol);
    if (!c.same_shape || c.outside) return false;
  }
  return true;
}

static bool try_training(struct testing *t) {
  if (!train(t)) return !t->arena->exhausted;
  if (!run_pass(t, NULL, NULL)) return false;
  if (fits_all(t))
    observe(t->obs, (struct observation){.kind = OBS_FWD_TRAINING, .subject = t->r->model->root_name});
  return true;
}

/* ---- an answer without a golden: does the input matter? ---- */

/* Another seed for each input that has one. False: none has. */
static bool other_inputs(struct testing *t) {
  bool any = false;
  for (uint32_t i = 0; i < t->graph.inputs.n; i++) {
    struct finput *in = &t->inputs.list[i];
    bool seeded =
        in->source == INPUT_GENERATED && (in->generator == GEN_RAND || in->generator == GEN_RANDINT);
    if (seeded && in->t.numel && (in->generator == GEN_RAND || in->bound > 1)) {
      in->seed++;
      any = true;
    }
  }
  return any;
}

static const struct result_output *output_row(const struct testing *t, uint32_t i) {
  return &result_of(t->out)->outputs[t->row->first_output + i];
}

/* Worth another look: float numbers that differ among themselves, and that nothing was compared with. */
static bool is_in_doubt(const struct testing *t, uint32_t i) {
  const struct result_output *o = output_row(t, i);
  return o->golden == GOLDEN_NONE && o->varies && o->array.type == FT_F32 && o->array.data_at &&
         !o->figures.nonfinite && (o->array.numel == 1 || o->figures.min < o->figures.max);
}

static bool any_in_doubt(const struct testing *t) {
  for (uint32_t i = 0; i < t->row->num_outputs; i++)
    if (is_in_doubt(t, i)) return true;
  return false;
}

static bool try_other_input(struct testing *t) {
  if (t->graph.cost > t->r->max->forward_free || !any_in_doubt(t) || !other_inputs(t)) return true;
  if (!run_pass(t, NULL, NULL)) return false;
  for (uint32_t i = 0; i < t->row->num_outputs; i++) {
    const struct ftensor *y = &t->graph.results.p[i]->t;
    const uint8_t *before = t->out->base + output_row(t, i)->array.data_at;
    if (is_in_doubt(t, i) && memcmp(before, y->data.in, (size_t)ft_bytes(y)) == 0)
      observe(t->obs, (struct observation){.kind = OBS_FWD_SAME, .subject = t->name[i]});
  }
  return true;
}

/* One of the two: each leaves the test another one than it was. */
bool look_again(struct testing *t) { return misses_a_golden(t) ? try_training(t) : try_other_input(t); }
