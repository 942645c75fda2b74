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
  return refuse(w->obs, (struct observation){.kind = kind,
                                             .subject = place_text(w->arena, r->model, &step->place),
                                             .detail = why,
                                             .want = w->pool->budget});
}

/* Weights of one step that were converted for it. */
struct loaded {
  struct fvalue *value[OP_PARAMS];
  void *owned[OP_PARAMS];
  uint32_t n;
};

static bool load_arguments(struct run *r, const struct fstep *step, struct loaded *l) {
  for (uint32_t i = 0; i < step->op->num_params; i++) {
    if (step->arg[i].kind != OPV_TENSOR) continue;
    struct fvalue *v = graph_value(&step->arg[i]), *root = v->root;
    if (root->from == FROM_WEIGHT && !root->t.data.in) {
      l->value[l->n] = root;
      if (!weights_load(r->weights, root, &l->owned[l->n])) return false;
      l->n++;
    }
    v->t.data = root->t.data;
  }
  return true;
}

static void unload(struct run *r, struct loaded *l) {
  for (uint32_t i = 0; i < l->n; i++) {
    fpool_give(r->weights->pool, l->owned[i]);
    l->value[i]->t.data.in = NULL;
  }
}

static void free_value(struct fpool *pool, struct fvalue *root) {
  if (root->from == FROM_WEIGHT || !root->t.data.in) return;
  fpool_give(pool, root->t.data.out);
  root->t.data.in = NULL;
}

static void free_last_used(struct run *r, const struct fstep *step, uint32_t index) {
  for (uint32_t i = 0; i < step->op->num_params; i++) {
    if (step->arg[i].kind != OPV_TENSOR) continue;
    struct fvalue *root = graph_value(&step->arg[i])->root;
    if (root->last_use == index) free_value(r->weights->pool, root);
  }
  /* A value that no later step reads: a statement whose result is dropped. */
  if (step->out->root == step->out && step->out->last_use == 0) free_value(r->weights->pool, step->out);
}

static bool compute(struct run *r, const struct fstep *step) {
  struct weights *w = r->weights;
  struct op_call c = {
      .arena = w->arena, .pool = w->pool, .gemm = r->gemm, .arg = step->arg, .out = &step->out->t};
  c.out->data.out = fpool_take(w->pool, ft_bytes(c.out));
  if (!c.out->data.out) return step_refused(r, step, OBS_FWD_MEMORY, SPAN(""));
  return step->op->kernel(&c) || step_refused(r, step, c.error, c.why);
}

static bool run_step(struct run *r, const struct fstep *step, uint32_t index) {
  struct loaded loaded = {.n = 0};
  bool done = load_arguments(r, step, &loaded) && compute(r, step);
  if (done && r->look_for_nonfinite && !r->nonfinite && count_nonfinite(&step->out->t)) r->nonfinite = step;
  if (done) free_last_used(r, step, index);
  unload(r, &loaded);
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
    v->t.data = v->root->t.data;
  }
  return true;
}

bool graph_run(struct run *r) {
  for (uint32_t i = 0; i < r->graph->steps.n; i++) {
    const struct fstep *step = &r->graph->steps.p[i];
    if (!step->op->kernel)
      free_last_used(r, step, i); /* moves nothing, but may be the last to ask */
    else if (!run_step(r, step, i))
      return false;
  }
  return settle_results(r);
}
