#include "forward/run.h"

#include <math.h>

uint64_t count_nonfinite(const struct ftensor *t) {
  uint64_t n = 0;
  for (uint64_t i = 0; t->type == FT_F32 && i < t->numel; i++)
    if (!isfinite(ft_f32(t)[i])) n++;
  return n;
}

static bool step_refused(const struct run *r, const struct fstep *step, enum obs_kind kind, struct span why) {
  struct weights *w = r->weights;
  return refuse(w->bytes.obs,
                (struct observation){.kind = kind,
                                     .subject = place_text(w->bytes.arena, r->model, &step->place),
                                     .detail = why,
                                     .want = w->pool->budget});
}

/* Calls `each` for every tensor that the step reads; false as soon as it answers false. */
typedef bool each_argument(struct run *r, struct fvalue *v, uint32_t index);
static bool for_arguments(struct run *r, const struct fstep *step, uint32_t index, each_argument *each) {
  for (uint32_t i = 0; i < step->op->num_params; i++)
    for (uint32_t k = 0; k < op_value_tensors(&step->arg[i]); k++)
      if (!each(r, graph_value(&step->arg[i], k), index)) return false;
  return true;
}

static bool load_argument(struct run *r, struct fvalue *v, uint32_t index) {
  (void)index;
  struct fvalue *root = v->root;
  if (root->from == FROM_WEIGHT && !root->t.data.in && !weights_load(r->weights, root, &root->owned))
    return false;
  v->t.data.in = fvalue_data(v);
  return true;
}

/* Weights that were converted for the step. */
static bool unload_argument(struct run *r, struct fvalue *v, uint32_t index) {
  (void)index;
  if (v->root->from != FROM_WEIGHT) return true;
  fpool_give(r->weights->pool, v->root->owned);
  v->root->owned = NULL;
  v->root->t.data.in = NULL;
  return true;
}

static void free_value(struct fpool *pool, struct fvalue *root) {
  if (root->from == FROM_WEIGHT || !root->t.data.in) return;
  fpool_give(pool, root->t.data.out);
  root->t.data.in = NULL;
}

static bool free_argument(struct run *r, struct fvalue *v, uint32_t index) {
  if (v->root->last_use == index) free_value(r->weights->pool, v->root);
  return true;
}

static void free_last_used(struct run *r, const struct fstep *step, uint32_t index) {
  (void)for_arguments(r, step, index, free_argument);
}

/* The result takes the place of the first argument, which is read for the last time. */
static bool compute_in_place(struct op_call *c, const struct fstep *step) {
  struct fvalue *root = graph_value(&step->arg[0], 0)->root;
  c->out->data.out = root->t.data.out;
  bool done = op_run(step->op, c);
  root->t.data.in = NULL; /* the memory is the result's from here on */
  return done;
}

static bool compute(struct run *r, const struct fstep *step, uint32_t index) {
  struct weights *w = r->weights;
  struct op_call c = {
      .arena = w->bytes.arena, .pool = w->pool, .gemm = r->gemm, .arg = step->arg, .out = &step->out->t};
  if (step_in_place(step, index)) return compute_in_place(&c, step) || step_refused(r, step, c.error, c.why);
  c.out->data.out = fpool_take(w->pool, ft_bytes(c.out));
  if (!c.out->data.out) return step_refused(r, step, OBS_FWD_MEMORY, SPAN(""));
  return op_run(step->op, &c) || step_refused(r, step, c.error, c.why);
}

static bool run_step(struct run *r, const struct fstep *step, uint32_t index) {
  bool done = for_arguments(r, step, index, load_argument) && compute(r, step, index);
  if (done && r->seen) r->seen(r->ctx, step);
  if (done) free_last_used(r, step, index);
  (void)for_arguments(r, step, index, unload_argument);
  return done;
}

/* A result may be another view of an input or weight, or be asked for twice: each gets the memory of its
 * root. */
static bool settle_results(struct run *r) {
  for (uint32_t i = 0; i < r->graph->results.n; i++) {
    struct fvalue *v = r->graph->results.p[i];
    void *owned; /* stays in the pool until that is freed: there is no later step */
    if (v->root->from == FROM_WEIGHT && !v->root->t.data.in && !weights_load(r->weights, v->root, &owned))
      return false;
    v->t.data.in = fvalue_data(v);
  }
  return true;
}

bool graph_run(struct run *r) {
  for (uint32_t i = 0; i < r->graph->steps.n; i++)
    if (!run_step(r, &r->graph->steps.p[i], i)) return false;
  return settle_results(r);
}
