#include "forward/lower.h"

/* ---- the root's forward ---- */

static bool add_result(struct lowering *l, const struct fplace *place, const struct gval *g) {
  if (g->kind != GVAL_TENSOR) {
    struct frame f = {.place = *place};
    return lower_refuse(l, &f, 0, OBS_FWD_EXPRESSION,
                        SPAN("the result is neither a tensor nor a tuple of tensors"));
  }
  struct fvalue *value = lower_current(g->tensor);
  if (!value) {
    struct frame f = {.place = *place};
    return lower_refuse(l, &f, 0, OBS_FWD_UNSUPPORTED, SPAN("a view of a tensor that was changed in place"));
  }
  struct fvalue **slot = vec_push(l->r->arena, &l->graph->results, UINT32_MAX);
  if (!slot) return lower_memory(l);
  *slot = value;
  value->root->last_use = GRAPH_KEEP;
  return true;
}

/* The tensors of the result in order; what a module answers beside its output, one tuple deeper, too. */
static bool add_results(struct lowering *l, const struct fplace *place, const struct gval *g) {
  if (g->kind != GVAL_TUPLE) return add_result(l, place, g);
  for (uint32_t i = 0; i < g->n; i++) {
    const struct gval *item = &g->items[i];
    if (item->kind != GVAL_TUPLE && !(g->beside && gval_is(item, VALUE_NONE)) && !add_result(l, place, item))
      return false;
    for (uint32_t k = 0; item->kind == GVAL_TUPLE && k < item->n; k++)
      if (!add_result(l, place, &item->items[k])) return false;
  }
  return true;
}

/* The inputs that there are, as keyword arguments of the root: names and defaults are then its signature's
 * affair. */
static bool input_keywords(struct lowering *l, struct call_args *args) {
  const struct ports *ports = &l->r->model->arch->inputs;
  struct local *keywords = arena_array(l->r->arena, ports->n, struct local);
  if (!keywords) return lower_memory(l);
  uint32_t n = 0;
  for (uint32_t i = 0; i < ports->n; i++)
    if (l->graph->inputs.p[i])
      keywords[n++] = (struct local){ports->list[i].name, gval_tensor(l->graph->inputs.p[i])};
  *args = (struct call_args){.keywords = keywords, .num_keywords = n};
  return true;
}

bool graph_build(struct graph *g, const struct lower_request *r) {
  const struct module *root = r->model->root;
  struct lowering l = {.graph = g, .r = r, .steps_left = r->max->forward_evals};
  l.ev = (struct eval){.arena = r->arena, .max = r->max, .steps = &l.steps_left};
  struct frame f = {.place = {.module = root}, .self = root};
  struct call_args args;
  struct gval result;
  if (!lower_index_slots(&l) || !input_keywords(&l, &args) ||
      !lower_module_call(&l, &f, root, &args, &result))
    return false;
  const struct function *forward = root->block->forward;
  const struct fplace end = {root, forward, forward->num_statements ? forward->num_statements - 1 : 0, 0};
  if (!add_results(&l, &end, &result)) return false;
  graph_prune(g);
  return true;
}

/* ---- memory ---- */

/* Does another argument lie in the memory of the first, not as the same value? */
static bool is_read_twice(const struct fstep *step, const struct fvalue *first) {
  for (uint32_t i = 1; i < step->op->num_params; i++)
    for (uint32_t k = 0; k < op_value_tensors(&step->arg[i]); k++) {
      const struct fvalue *other = graph_value(&step->arg[i], k);
      if (other->root == first->root && other != first) return true;
    }
  return false;
}

bool step_in_place(const struct fstep *step, uint32_t index) {
  if (!op_in_place(step->op) || step_is_view(step) || step->arg[0].kind != OPV_TENSOR) return false;
  const struct fvalue *first = graph_value(&step->arg[0], 0), *root = first->root;
  if (is_read_twice(step, first)) return false;
  return root->from == FROM_STEP && root->last_use == index && root->t.type == step->out->t.type &&
         root->t.numel == step->out->t.numel;
}

uint64_t graph_peak(const struct graph *g, const struct plan *plan) {
  uint64_t now = 0;
  for (uint32_t i = 0; i < g->inputs.n; i++)
    if (g->inputs.p[i]) now = saturating_add(now, ft_bytes(&g->inputs.p[i]->t));
  uint64_t peak = now;
  for (uint32_t s = 0; s < g->steps.n; s++) {
    const struct fstep *step = &g->steps.p[s];
    uint64_t weights = 0, freed = 0;
    for (uint32_t i = 0; i < step->op->num_params; i++) {
      for (uint32_t k = 0; k < op_value_tensors(&step->arg[i]); k++) {
        const struct fvalue *root = graph_value(&step->arg[i], k)->root;
        if (root->from == FROM_WEIGHT)
          weights = saturating_add(weights, weight_bytes(plan, root));
        else if (root->last_use == s)
          freed = saturating_add(freed, ft_bytes(&root->t));
      }
    }
    if (step_in_place(step, s))
      freed -= ft_bytes(&step->out->t); /* the first argument becomes the result */
    else
      now = saturating_add(now, ft_bytes(&step->out->t));
    peak = max_u64(peak, saturating_add(now, weights));
    now -= min_u64(now, freed);
  }
  return peak;
}
