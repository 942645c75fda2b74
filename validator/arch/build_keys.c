/* What the tree comes to: the expected state dict, the ties that hold, the number of parameters. */
#include "arch/build_tree.h"

/* ---- the list of expected keys ---- */

/* The slots that lines registered, as a table: parameters, then buffers, each in their order. */
static bool settle_slots(struct builder *b, struct node *node) {
  if (node->num_registered == 0) return true;
  struct slot *slots = arena_array(b->arena, node->num_registered, struct slot);
  if (!slots) return build_memory(b);
  uint32_t i = node->num_registered;
  for (const struct slot_link *l = node->buffers; l; l = l->next) slots[--i] = l->slot;
  for (const struct slot_link *l = node->params; l; l = l->next) slots[--i] = l->slot;
  node->m.slots = slots;
  node->m.num_slots = node->num_registered;
  return true;
}

static bool list_key(struct builder *b, struct expected *e, const struct module *m, const struct slot *slot) {
  *e = (struct expected){build_joined(b, m->prefix, slot->name, (struct span){0}), m, slot};
  return (e->key.p && keys_append(&b->model->keys, 0, e->key)) || build_memory(b);
}

bool build_list_keys(struct builder *b) {
  struct expected *list = arena_array(b->arena, b->tensors, struct expected);
  if (!list) return build_memory(b);
  keys_init(&b->model->keys, b->arena);
  for (const struct module *m = b->model->root; m; m = module_next(m)) {
    if (!settle_slots(b, tree_node(m))) return false;
    for (uint32_t i = 0; i < m->num_slots; i++)
      if (!list_key(b, &list[b->model->num_expected++], m, &m->slots[i])) return false;
  }
  b->model->expected = list;
  return keys_index(&b->model->keys) || build_memory(b);
}

/* ---- ties and totals ---- */

static bool tie_is_active(struct builder *b, const struct tie_line *tie, bool *out) {
  struct value v = value_bool(true);
  if (tie->condition && !build_eval_line(b, tie->place, tie->condition, b->config, &v)) return false;
  *out = value_truth(&v);
  return true;
}

/* A key of the model is tied to the first target that this model has too: with a decoder alone an output
 * layer is tied to another table than with both halves. */
static bool tie_binds(const struct model *m, const struct model_tie *before, const struct model_tie *tie) {
  if (tie->alias == 0) return true; /* the module lines leave it out */
  if (keys_find(&m->keys, 0, tie->line->target) == 0) return false;
  for (uint32_t i = 0; i < m->num_ties; i++)
    if (before[i].alias == tie->alias) return false;
  return true;
}

bool build_resolve_ties(struct builder *b) {
  struct model_tie *ties = arena_array(b->arena, b->arch->num_ties, struct model_tie);
  if (!ties) return build_memory(b);
  for (uint32_t i = 0; i < b->arch->num_ties; i++) {
    const struct tie_line *line = &b->arch->ties[i];
    struct model_tie tie = {line, keys_find(&b->model->keys, 0, line->alias)};
    bool active;
    if (!tie_is_active(b, line, &active)) return false;
    if (active && tie_binds(b->model, ties, &tie)) ties[b->model->num_ties++] = tie;
  }
  b->model->ties = ties;
  return true;
}

void build_count_parameters(struct builder *b) {
  struct model *m = b->model;
  uint64_t total = 0;
  for (uint32_t i = 0; i < m->num_expected; i++)
    if (!m->expected[i].slot->buffer && !try_add(total, m->expected[i].slot->numel, &total))
      total = UINT64_MAX;
  for (uint32_t i = 0; i < m->num_ties; i++) {
    const struct slot *alias = m->ties[i].alias ? m->expected[m->ties[i].alias - 1].slot : NULL;
    if (alias && !alias->buffer && total != UINT64_MAX) total -= alias->numel;
  }
  m->parameters = total;
}
