/* A parameter that is computed from others: the step that does it. */
#include "forward/lower.h"

/* The tensor that the parameter's sources hold under this ending. */
static bool source(struct lowering *l, struct frame *f, const struct module *holder, const struct reparam *r,
                   const char *ending, uint32_t at, struct gval *out) {
  const struct span name =
      r->parametrized ? span_str(ending)
                      : arena_printf(l->r->arena, "%.*s%s", (int)r->name.n, (const char *)r->name.p, ending);
  bool found = false;
  if (holder && !lower_member(l, f, holder, name, at, out, &found)) return false;
  return found || lower_refuse(l, f, at, OBS_FWD_WEIGHT_MISSING, name);
}

/* What holds the sources: the module itself, or parametrizations.NAME and the module 0 in it. */
static const struct module *list_of(const struct lowering *l, const struct module *m,
                                    const struct reparam *r) {
  const struct module *group = module_child(l->r->model, m, SPAN("parametrizations"));
  return group ? module_child(l->r->model, group, r->name) : NULL;
}

bool lower_reparam(struct lowering *l, struct frame *f, const struct module *m, const struct reparam *r,
                   uint32_t at, struct gval *out) {
  const struct module *list = r->parametrized ? list_of(l, m, r) : m;
  const struct module *first = !r->parametrized ? m
                               : list           ? module_child(l->r->model, list, SPAN("0"))
                                                : NULL;
  const char *whole = r->parametrized ? "original" : "_orig";
  struct gval args[4] = {{.kind = GVAL_PLAIN}};
  switch (r->kind) {
  case REPARAM_WEIGHT_NORM:
    args[2] = gval_of(value_int(r->dim));
    return source(l, f, list, r, r->parametrized ? "original1" : "_v", at, &args[0]) &&
           source(l, f, list, r, r->parametrized ? "original0" : "_g", at, &args[1]) &&
           lower_op(l, f, &op_table[OP__weight_norm],
                    &(struct call_args){.at = at, .positional = args, .n = 3}, out);
  case REPARAM_SPECTRAL_NORM:
    args[3] = gval_of(value_int(r->dim));
    return source(l, f, list, r, whole, at, &args[0]) && source(l, f, first, r, "_u", at, &args[1]) &&
           source(l, f, first, r, "_v", at, &args[2]) &&
           lower_op(l, f, &op_table[OP__spectral_norm],
                    &(struct call_args){.at = at, .positional = args, .n = 4}, out);
  case REPARAM_MASK:
    return source(l, f, list, r, whole, at, &args[0]) && source(l, f, list, r, "_mask", at, &args[1]) &&
           lower_op(l, f, &op_table[OP_mul], &(struct call_args){.at = at, .positional = args, .n = 2}, out);
  }
  return false;
}
