/* Constructor calls: "Conv2d(3, 16, 3, padding=1)" to a module with its arguments, slots and parts. Nothing
 * of the tree is touched, so one result may stand in several places. */
#include "arch/construct_parts.h"
#include "base/near.h"

bool(construct_memory)(struct eval *ev, uint32_t at) {
  ev->error = (struct expr_error){.at = at, .what = SPAN("the memory budget is spent"), .limit = true};
  return false;
}

int construct_shown(struct span s) { return (int)min_size(s.n, 60); }

static struct module *new_module(struct builder *b, enum module_kind kind) {
  struct module *m = arena_new(b->arena, struct module);
  if (!m) {
    (void)construct_memory(b->eval, 0);
    return NULL;
  }
  m->kind = kind;
  m->place = b->place;
  return m;
}

static bool answer(struct value *out, const struct module *m) {
  *out = (struct value){.kind = VALUE_MODULE, .module = m};
  return true;
}

static bool construct_type(struct builder *b, enum module_type t, const struct expr *call,
                           const struct scope *scope, struct value *out) {
  const struct type_plan *plan = construct_plan(b, t);
  struct module *m = plan ? new_module(b, MODULE_TYPE) : NULL;
  if (!m) return false;
  m->type = t;
  m->signature = &plan->signature;
  m->num_args = plan->signature.num_params;
  m->args = construct_bind(b, call, scope, &plan->signature);
  if (!m->args) return false;
  bool ok = module_is_slot(m) ? construct_slot(b, call->at, m) : construct_state(b, plan, call->at, m);
  return ok && answer(out, m);
}

static bool construct_block(struct builder *b, const struct module_block *block, const struct expr *call,
                            const struct scope *scope, struct value *out) {
  struct module *m = new_module(b, MODULE_BLOCK);
  if (!m) return false;
  struct binding binding = {b->eval, call, scope, b->config, &block->signature};
  m->block = block;
  m->signature = &block->signature;
  m->num_args = block->signature.num_params;
  m->scope = b->config; /* around its own, which build.c makes */
  m->args = construct_bind_in(&binding);
  return m->args && answer(out, m);
}

bool construct_in_place(struct builder *b, const struct module_block *block, const struct scope *scope,
                        struct value *out) {
  struct module *m = new_module(b, MODULE_BLOCK);
  if (!m) return false;
  m->block = block;
  m->signature = &block->signature;
  m->scope = scope;
  return answer(out, m);
}

bool construct_sequential(struct builder *b, const struct value *items, uint32_t n, uint32_t at,
                          struct value *out) {
  struct module *m = new_module(b, MODULE_SEQUENTIAL);
  struct module_part *parts = m ? arena_array(b->arena, n, struct module_part) : NULL;
  if (!parts) return construct_memory(b->eval, at);
  for (uint32_t i = 0; i < n; i++) {
    if (items[i].kind == VALUE_NONE) continue; /* its number stays free, as in PyTorch */
    if (items[i].kind != VALUE_MODULE || module_is_slot(items[i].module))
      return eval_error(b->eval, at, "item %u of a Sequential is no module", i);
    struct module_part *part = &parts[m->num_parts++];
    *part = (struct module_part){.name = arena_printf(b->arena, "%u", i), .module = items[i].module};
    if (part->name.n == 0) return construct_memory(b->eval, at);
  }
  m->parts = parts;
  return answer(out, m);
}

static bool call_sequential(struct builder *b, const struct expr *call, const struct scope *scope,
                            struct value *out) {
  uint32_t n = call->num_kids - 1;
  struct value *items = arena_array(b->arena, n, struct value);
  if (!items) return construct_memory(b->eval, call->at);
  for (uint32_t i = 0; i < n; i++) {
    const struct expr *arg = call->kids[i + 1];
    if (arg->kind == EXPR_KEYWORD)
      return eval_error(b->eval, arg->at, "Sequential takes no keyword arguments");
    if (!expr_eval(b->eval, arg, scope, &items[i])) return false;
  }
  return construct_sequential(b, items, n, call->at, out);
}

static bool unknown_type(struct builder *b, const struct expr *call) {
  struct span name = call->kids[0]->text;
  struct nearest near = {.word = name};
  for (enum module_type t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
    nearest_try(&near, span_str(module_type_name(t)));
  for (uint32_t i = 0; i < b->arch->num_blocks; i++) nearest_try(&near, b->arch->blocks[i].signature.name);
  const char *hint = near.best.n ? ", did you mean " : "";
  return eval_error(b->eval, call->at, "no module type, block or function is named %.*s%s%.*s%s",
                    construct_shown(name), (const char *)name.p, hint, (int)near.best.n,
                    (const char *)near.best.p, near.best.n ? "?" : "");
}

bool construct_call(struct eval *ev, const struct expr *call, const struct scope *scope, struct value *out) {
  struct builder *b = ev->context;
  struct span name = call->kids[0]->text;
  if (reparam_is(call->kids[0])) return reparam_call(b, call, scope, out);
  enum module_type t = module_type_by_name(name);
  if (t == TYPE_Sequential) return call_sequential(b, call, scope, out);
  if (t != TYPE_NONE) return construct_type(b, t, call, scope, out);
  uint32_t block = keys_find(&b->blocks, 0, name);
  return block ? construct_block(b, &b->arch->blocks[block - 1], call, scope, out) : unknown_type(b, call);
}
