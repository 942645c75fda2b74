/* The arguments of a call put in the order of a signature, defaults filled in. */
#include "arch/construct_parts.h"
#include "base/near.h"

static bool find_param(const struct binding *b, const struct expr *arg, uint32_t *index) {
  struct nearest near = {.word = arg->text};
  struct span type = b->signature->name;
  for (*index = 0; *index < b->signature->num_params; ++*index) {
    if (span_eq(b->signature->params[*index].name, arg->text)) return true;
    nearest_try(&near, b->signature->params[*index].name);
  }
  const char *hint = near.best.n ? ", did you mean '" : "";
  return eval_error(b->ev, arg->at, "%.*s has no argument '%.*s'%s%.*s%s", construct_shown(type),
                    (const char *)type.p, construct_shown(arg->text), (const char *)arg->text.p, hint,
                    (int)near.best.n, (const char *)near.best.p, near.best.n ? "'?" : "");
}

static bool bind_given(const struct binding *b, struct value *args) {
  struct span type = b->signature->name;
  for (uint32_t i = 1; i < b->call->num_kids; i++) {
    const struct expr *arg = b->call->kids[i];
    bool keyword = arg->kind == EXPR_KEYWORD;
    uint32_t index = i - 1;
    if (keyword && !find_param(b, arg, &index)) return false;
    if (index >= b->signature->num_params)
      return eval_error(b->ev, arg->at, "%.*s takes at most %u arguments", construct_shown(type),
                        (const char *)type.p, b->signature->num_params);
    if (args[index].kind != VALUE_PENDING)
      return eval_error(b->ev, arg->at, "argument '%.*s' is given twice", construct_shown(arg->text),
                        (const char *)arg->text.p);
    if (!expr_eval(b->ev, keyword ? arg->kids[0] : arg, b->scope, &args[index])) return false;
  }
  return true;
}

static bool bind_defaults(const struct binding *b, struct value *args) {
  for (uint32_t i = 0; i < b->signature->num_params; i++) {
    const struct param *p = &b->signature->params[i];
    struct span type = b->signature->name;
    if (args[i].kind != VALUE_PENDING) continue;
    if (!p->fallback)
      return eval_error(b->ev, b->call->at, "%.*s needs the argument '%.*s'", construct_shown(type),
                        (const char *)type.p, construct_shown(p->name), (const char *)p->name.p);
    if (!expr_eval(b->ev, p->fallback, b->defaults, &args[i])) return false;
  }
  return true;
}

struct value *construct_bind_in(const struct binding *b) {
  struct value *args = arena_array(b->ev->arena, b->signature->num_params, struct value);
  if (!args) {
    (void)construct_memory(b->ev, b->call->at);
    return NULL;
  }
  for (uint32_t i = 0; i < b->signature->num_params; i++) args[i].kind = VALUE_PENDING;
  return bind_given(b, args) && bind_defaults(b, args) ? args : NULL;
}

struct value *construct_bind(struct builder *b, const struct expr *call, const struct scope *scope,
                             const struct signature *signature) {
  return construct_bind_in(&(struct binding){b->eval, call, scope, NULL, signature});
}
