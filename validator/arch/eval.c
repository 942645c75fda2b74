/* Evaluation of expressions over values: its errors, its budget, and what each node of the tree means.
 * Everything here is exact or refused; nothing takes longer than its steps. */
#include <stdarg.h>

#include "arch/eval_parts.h"
#include "base/near.h"

/* ---- errors and budget ---- */

bool(eval_error)(struct eval *ev, uint32_t at, const char *format, ...) {
  char text[256];
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  size_t len = n < 0 ? 0 : min_size((size_t)n, sizeof text - 1);
  ev->error = (struct expr_error){.at = at};
  if (!arena_copy(ev->arena, span_of(text, len), &ev->error.what)) {
    ev->error.what = SPAN("the memory budget is spent");
    ev->error.limit = true;
  }
  return false;
}

bool(eval_out_of_memory)(struct eval *ev, uint32_t at) {
  ev->error = (struct expr_error){.at = at, .what = SPAN("the memory budget is spent"), .limit = true};
  return false;
}

bool eval_charge(struct eval *ev, uint64_t n, uint32_t at) {
  if (n <= *ev->steps) {
    *ev->steps -= n;
    return true;
  }
  *ev->steps = 0;
  ev->error =
      (struct expr_error){.at = at, .what = SPAN("the budget of evaluation steps is spent"), .limit = true};
  return false;
}

bool(eval_unfit)(struct eval *ev, uint32_t at, const char *what, const struct value *v) {
  struct span shown = value_show(ev->arena, v);
  ev->culprit = *v;
  return eval_error(ev, at, "expected %s, found %.*s", what, (int)shown.n, (const char *)shown.p);
}

bool(eval_overflow)(struct eval *ev, uint32_t at) {
  return eval_error(ev, at, "the result does not fit 64 bits");
}

/* ---- expressions ---- */

/* NOLINTBEGIN(misc-no-recursion): over an expression, at most limits.expr_depth deep; see expr.h */

bool value_dtype(struct span name, struct value *out) {
  enum dtype d = span_is(name, "float") ? DTYPE_NONE : dtype_by_name(name);
  if (d == DTYPE_NONE && !span_is(name, "float")) return false;
  *out = (struct value){.kind = VALUE_DTYPE, .dtype = d};
  return true;
}

static bool unknown_name(struct eval *ev, const struct expr *e, const struct scope *scope) {
  struct nearest near = {.word = e->text};
  for (const struct scope *s = scope; s; s = s->up)
    for (uint32_t i = 0; i < s->n && i < MAX_ITEMS; i++) nearest_try(&near, s->names[i]);
  int n = (int)min_size(e->text.n, 60);
  if (near.best.n == 0) return eval_error(ev, e->at, "unknown name '%.*s'", n, (const char *)e->text.p);
  return eval_error(ev, e->at, "unknown name '%.*s', did you mean '%.*s'?", n, (const char *)e->text.p,
                    (int)near.best.n, (const char *)near.best.p);
}

static bool required_name(struct eval *ev, const struct expr *e) {
  struct nearest near = {.word = e->text};
  for (uint32_t i = 0; i < ev->num_undeclared; i++) nearest_try(&near, ev->undeclared[i]);
  bool ok = eval_error(ev, e->at, "config value '%.*s' is required and not given%s%.*s%s",
                       (int)min_size(e->text.n, 60), (const char *)e->text.p,
                       near.best.n ? "; is the config's '" : "", (int)near.best.n, (const char *)near.best.p,
                       near.best.n ? "' meant?" : "");
  ev->error.absent = true;
  return ok;
}

static bool eval_name(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  for (const struct scope *s = scope; s; s = s->up)
    if (!eval_charge(ev, s->n / 8, e->at)) return false;
  const struct value *v = scope_find(scope, e->text);
  if (!v) return value_dtype(e->text, out) || unknown_name(ev, e, scope);
  int n = (int)min_size(e->text.n, 60);
  if (v->kind == VALUE_MISSING) return required_name(ev, e);
  if (v->kind == VALUE_PENDING)
    return eval_error(ev, e->at, "'%.*s' is not known yet: this line or a later one computes it", n,
                      (const char *)e->text.p);
  *out = *v;
  return true;
}

static bool eval_tuple(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value *items = arena_array(ev->arena, e->num_kids, struct value);
  if (!items) return eval_out_of_memory(ev, e->at);
  for (uint32_t i = 0; i < e->num_kids; i++)
    if (!expr_eval(ev, e->kids[i], scope, &items[i])) return false;
  *out = value_tuple(items, e->num_kids);
  return true;
}

static bool eval_choice(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value condition;
  if (!expr_eval(ev, e->kids[0], scope, &condition)) return false;
  return expr_eval(ev, e->kids[value_truth(&condition) ? 1 : 2], scope, out);
}

static bool eval_logic(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  if (!expr_eval(ev, e->kids[0], scope, out)) return false;
  if (value_truth(out) == (e->kind == EXPR_OR)) return true;
  return expr_eval(ev, e->kids[1], scope, out);
}

static bool eval_binary(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value a, b;
  return expr_eval(ev, e->kids[0], scope, &a) && expr_eval(ev, e->kids[1], scope, &b) &&
         value_binary(ev, e->op, &a, &b, e->at, out);
}

static bool eval_unary(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value v;
  if (!expr_eval(ev, e->kids[0], scope, &v)) return false;
  if (e->kind == EXPR_NEG) return value_negate(ev, &v, e->at, out);
  *out = value_bool(!value_truth(&v));
  return true;
}

static bool eval_attr(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value v;
  return expr_eval(ev, e->kids[0], scope, &v) && value_attr(ev, &v, e->text, e->at, out);
}

static bool eval_slice(struct eval *ev, const struct expr *e, const struct value *v,
                       const struct scope *scope, struct value *out) {
  struct value part[3] = {{.kind = VALUE_NONE}, {.kind = VALUE_NONE}, {.kind = VALUE_NONE}};
  for (uint32_t i = 0; i < 3; i++)
    if (e->kids[i] && !expr_eval(ev, e->kids[i], scope, &part[i])) return false;
  return value_slice(ev, v, &part[0], &part[1], &part[2], e->at, out);
}

static bool eval_index(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  struct value v, index;
  if (!expr_eval(ev, e->kids[0], scope, &v)) return false;
  const struct expr *i = e->kids[1];
  if (e->num_kids != 2 || i->kind == EXPR_ELLIPSIS)
    return eval_error(ev, e->at, "a list or dict takes one index");
  if (i->kind == EXPR_SLICE) return eval_slice(ev, i, &v, scope, out);
  return expr_eval(ev, i, scope, &index) && value_index(ev, &v, &index, e->at, out);
}

static bool eval_builtin(struct eval *ev, const struct expr *e, const struct scope *scope,
                         struct value *out) {
  const struct expr *f = e->kids[0];
  uint32_t n = e->num_kids - 1;
  struct value *args = arena_array(ev->arena, n, struct value);
  if (!args) return eval_out_of_memory(ev, e->at);
  for (uint32_t i = 0; i < n; i++) {
    const struct expr *arg = e->kids[i + 1];
    if (arg->kind == EXPR_KEYWORD)
      return eval_error(ev, arg->at, "%.*s takes no keyword arguments", (int)f->text.n,
                        (const char *)f->text.p);
    if (!expr_eval(ev, arg, scope, &args[i])) return false;
  }
  return builtin_call(ev, f->text, args, n, e->at, out);
}

static bool eval_call(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  const struct expr *f = e->kids[0];
  if (ev->call && f->kind == EXPR_ATTR && f->kids[0]->kind == EXPR_NAME &&
      span_is(f->kids[0]->text, "parametrizations"))
    return ev->call(ev, e, scope, out);
  if (f->kind != EXPR_NAME)
    return eval_error(ev, e->at, "only a function, a module type or a block is called here");
  if (builtin_is(f->text)) return eval_builtin(ev, e, scope, out);
  if (ev->call) return ev->call(ev, e, scope, out);
  return eval_error(ev, e->at, "there is no function '%.*s'", (int)min_size(f->text.n, 60),
                    (const char *)f->text.p);
}

bool expr_eval(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out) {
  if (!eval_charge(ev, 1, e->at)) return false;
  *out = (struct value){.kind = VALUE_NONE};
  switch (e->kind) {
  case EXPR_NONE: return true;
  case EXPR_TRUE:
  case EXPR_FALSE: *out = value_bool(e->kind == EXPR_TRUE); return true;
  case EXPR_INT: *out = value_int(e->number); return true;
  case EXPR_FLOAT: *out = value_real(e->real); return true;
  case EXPR_TEXT: *out = value_text(e->text); return true;
  case EXPR_NAME: return eval_name(ev, e, scope, out);
  case EXPR_TUPLE: return eval_tuple(ev, e, scope, out);
  case EXPR_IF: return eval_choice(ev, e, scope, out);
  case EXPR_OR:
  case EXPR_AND: return eval_logic(ev, e, scope, out);
  case EXPR_NOT:
  case EXPR_NEG: return eval_unary(ev, e, scope, out);
  case EXPR_BINARY: return eval_binary(ev, e, scope, out);
  case EXPR_ATTR: return eval_attr(ev, e, scope, out);
  case EXPR_CALL: return eval_call(ev, e, scope, out);
  case EXPR_INDEX: return eval_index(ev, e, scope, out);
  case EXPR_KEYWORD:
  case EXPR_SLICE:
  case EXPR_ELLIPSIS: break; /* only inside calls and indices */
  }
  return eval_error(ev, e->at, "no value can stand here");
}

/* NOLINTEND(misc-no-recursion) */
