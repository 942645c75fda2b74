/* What can go wrong while modules are made, told at its place. */
#include "arch/build_tree.h"

bool(build_memory)(struct builder *b) {
  return refuse(b->o, (struct observation){
                          .kind = OBS_LIMIT_MEMORY, .got = b->arena->budget, .subject = b->arch->file.name});
}

void *build_none(bool refused) {
  (void)refused;
  return NULL;
}

bool(build_reject)(struct builder *b, const struct place *where, const char *what, struct span name) {
  b->eval->error = (struct expr_error){
      .what = arena_printf(b->arena, "'%.*s' %s", (int)min_size(name.n, 100), (const char *)name.p, what)};
  return config_reject(b->o, b->arch, where, b->eval);
}

/* "model.json, line 3, column 14: …", of the line that is carried out. */
static struct span at_place(struct builder *b, struct span what) {
  struct span file = b->arch->file.name, where = arch_where(b->arena, b->arch, b->place, 0);
  return arena_printf(b->arena, "%.*s, %.*s: %.*s", (int)min_size(file.n, 200), (const char *)file.p,
                      (int)where.n, (const char *)where.p, (int)what.n, (const char *)what.p);
}

bool(build_too_large)(struct builder *b, struct span what) {
  return refuse(b->o, (struct observation){.kind = OBS_ARCH_TOO_LARGE,
                                           .subject = b->arch->file.name,
                                           .detail = at_place(b, what),
                                           .got = b->num_keys,
                                           .want = b->max_tensors});
}

/* The first name of a line whose value is the one that did not fit: "(hidden_dim is 20.5)". */
/* NOLINTNEXTLINE(misc-no-recursion): at most limits.expr_depth deep */
static const struct expr *find_culprit(const struct expr *e, const struct scope *scope,
                                       const struct value *culprit) {
  const struct value *v = e->kind == EXPR_NAME ? scope_find(scope, e->text) : NULL;
  if (v && v->kind == culprit->kind && value_equal(v, culprit)) return e;
  for (uint32_t i = 0; i < e->num_kids; i++) {
    const struct expr *found = e->kids[i] ? find_culprit(e->kids[i], scope, culprit) : NULL;
    if (found) return found;
  }
  return NULL;
}

bool(build_eval_failed)(struct builder *b, const struct place *where, const struct expr *line,
                        const struct scope *scope) {
  struct eval *ev = b->eval;
  const struct expr *name =
      ev->culprit.kind == VALUE_PENDING ? NULL : find_culprit(line, scope, &ev->culprit);
  if (name && !ev->error.limit) {
    struct span v = value_show(b->arena, &ev->culprit), what = ev->error.what;
    ev->error.what = arena_printf(b->arena, "%.*s (%.*s is %.*s)", (int)what.n, (const char *)what.p,
                                  (int)min_size(name->text.n, 60), (const char *)name->text.p, (int)v.n,
                                  (const char *)v.p);
  }
  return config_reject(b->o, b->arch, where, ev);
}

bool build_eval_line(struct builder *b, const struct place *where, const struct expr *e,
                     const struct scope *scope, struct value *out) {
  b->place = where;
  b->eval->culprit.kind = VALUE_PENDING;
  return expr_eval(b->eval, e, scope, out) || build_eval_failed(b, where, e, scope);
}
