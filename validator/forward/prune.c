/* Steps whose result nobody reads are left out: the weights that an attention answers beside its output, the
 * positions beside a maximum. They were checked like all others. */
#include "forward/graph.h"

static void need_arguments(const struct fstep *step) {
  for (uint32_t i = 0; i < step->op->num_params; i++)
    for (uint32_t k = 0; k < op_value_tensors(&step->arg[i]); k++)
      graph_value(&step->arg[i], k)->root->needed = true;
}

static void use_arguments(const struct fstep *step, uint32_t index) {
  for (uint32_t i = 0; i < step->op->num_params; i++)
    for (uint32_t k = 0; k < op_value_tensors(&step->arg[i]); k++) {
      struct fvalue *root = graph_value(&step->arg[i], k)->root;
      if (root->last_use != GRAPH_KEEP) root->last_use = index;
    }
}

void graph_prune(struct graph *g) {
  for (uint32_t i = 0; i < g->results.n; i++) g->results.p[i]->root->needed = true;
  for (uint32_t s = g->steps.n; s > 0; s--)
    if (g->steps.p[s - 1].out->root->needed && !step_is_view(&g->steps.p[s - 1]))
      need_arguments(&g->steps.p[s - 1]);
  uint32_t left = 0;
  for (uint32_t s = 0; s < g->steps.n; s++) {
    const struct fstep *step = &g->steps.p[s];
    if (!step->out->root->needed || step_is_view(step)) continue; /* a view is found through its root */
    g->steps.p[left] = *step;
    g->steps.p[left].out->index = left;
    use_arguments(&g->steps.p[left], left);
    g->cost = saturating_add(g->cost, step->cost);
    left++;
  }
  g->steps.n = left;
}
