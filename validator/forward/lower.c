#include "forward/lower.h"

/* ---- messages ---- */

struct span place_text(struct arena *a, const struct model *m, const struct fplace *p) {
  struct span name =
      p->module->prefix.n > 1 ? span_first(p->module->prefix, p->module->prefix.n - 1) : m->root_name;
  if (!p->function || p->statement >= p->function->num_statements) return name;
  char index[24];
  (void)snprintf(index, sizeof index, "%u", p->statement);
  const struct place statement = {p->function->place, index};
  struct span where = arch_where(a, m->arch, &statement, p->at);
  struct span source = p->function->statements[p->statement].source;
  return arena_printf(a, "%.*s: `%.*s%s` (%.*s)", (int)min_size(name.n, SHOWN_SOURCE), (const char *)name.p,
                      (int)min_size(source.n, SHOWN_SOURCE), (const char *)source.p,
                      source.n > SHOWN_SOURCE ? "..." : "", (int)min_size(where.n, SHOWN_SOURCE),
                      (const char *)where.p);
}

bool(lower_refuse)(struct lowering *l, struct frame *f, uint32_t at, enum obs_kind kind, struct span detail) {
  frame_at(f, at);
  return refuse(l->r->obs,
                (struct observation){.kind = kind,
                                     .subject = place_text(l->r->arena, l->r->model, &f->place),
                                     .detail = detail,
                                     .want = kind == OBS_FWD_STEPS ? l->r->max->forward_steps : 0});
}

bool(lower_error)(struct lowering *l, struct frame *f) {
  if (l->r->arena->exhausted) return lower_memory(l);
  return lower_refuse(l, f, l->ev.error.at, l->ev.error.limit ? OBS_FWD_STEPS : OBS_FWD_EXPRESSION,
                      l->ev.error.what);
}

bool(lower_memory)(struct lowering *l) {
  return refuse(l->r->obs, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = l->r->arena->used});
}

/* ---- expressions ---- */

// NOLINTBEGIN(misc-no-recursion): over an expression, at most limits.expr_depth deep; see lower.h

static bool lower_tuple(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval *items = arena_array(l->r->arena, e->num_kids, struct gval);
  struct value *plain = arena_array(l->r->arena, e->num_kids, struct value);
  if (!items || !plain) return lower_memory(l);
  bool all_plain = true;
  for (uint32_t i = 0; i < e->num_kids; i++) {
    if (!lower_expr(l, f, e->kids[i], &items[i])) return false;
    all_plain = all_plain && items[i].kind == GVAL_PLAIN;
    if (all_plain) plain[i] = items[i].plain;
  }
  *out = all_plain ? gval_of(value_tuple(plain, e->num_kids))
                   : (struct gval){.kind = GVAL_TUPLE, .n = e->num_kids, .items = items};
  return true;
}

static bool lower_truth(struct lowering *l, struct frame *f, const struct gval *g, uint32_t at, bool *out) {
  switch (g->kind) {
  case GVAL_PLAIN: *out = g->plain.kind == VALUE_MODULE || value_truth(&g->plain); return true;
  case GVAL_TUPLE: *out = true; return true;
  case GVAL_TENSOR: break;
  }
  return lower_refuse(l, f, at, OBS_FWD_UNSUPPORTED, SPAN("a condition on the numbers of a tensor"));
}

static bool lower_choice(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval first = {.kind = GVAL_PLAIN};
  bool truth = false;
  if (!lower_expr(l, f, e->kids[0], &first) || !lower_truth(l, f, &first, e->kids[0]->at, &truth))
    return false;
  if (e->kind == EXPR_IF) return lower_expr(l, f, e->kids[truth ? 1 : 2], out);
  if (e->kind == EXPR_NOT)
    *out = gval_of(value_bool(!truth));
  else if (truth == (e->kind == EXPR_OR))
    *out = first;
  else
    return lower_expr(l, f, e->kids[1], out);
  return true;
}

/* The op of an operator between tensors; OP_COUNT: none. */
static enum op_id operator_op(enum expr_op op) {
  static const struct {
    enum expr_op op;
    enum op_id id;
  } table[] = {{BIN_ADD, OP_add},       {BIN_SUB, OP_sub},       {BIN_MUL, OP_mul},
               {BIN_DIV, OP_div},       {BIN_MATMUL, OP_matmul}, {BIN_FLOORDIV, OP_floor_divide},
               {BIN_MOD, OP_remainder}, {BIN_POW, OP_pow},       {BIN_EQ, OP_eq},
               {BIN_NE, OP_ne},         {BIN_LT, OP_lt},         {BIN_LE, OP_le},
               {BIN_GT, OP_gt},         {BIN_GE, OP_ge}};
  for (size_t i = 0; i < ARRAY_LEN(table); i++)
    if (table[i].op == op) return table[i].id;
  return OP_COUNT;
}

static bool lower_operator(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval kid[2] = {{.kind = GVAL_PLAIN}};
  const uint32_t n = e->kind == EXPR_NEG ? 1 : 2;
  for (uint32_t i = 0; i < n; i++)
    if (!lower_expr(l, f, e->kids[i], &kid[i])) return false;
  for (uint32_t i = 0; i < n; i++) kid[i] = gval_output(&kid[i]);
  if (!lower_range(l, f, e->at, &kid[0]) || (n == 2 && !lower_range(l, f, e->at, &kid[1]))) return false;
  if (kid[0].kind == GVAL_PLAIN && (n == 1 || kid[1].kind == GVAL_PLAIN)) {
    struct value v;
    if (n == 1 ? !value_negate(&l->ev, &kid[0].plain, e->at, &v)
               : !value_binary(&l->ev, e->op, &kid[0].plain, &kid[1].plain, e->at, &v))
      return lower_error(l, f);
    *out = gval_of(v);
    return true;
  }
  if ((e->op == BIN_EQ || e->op == BIN_NE) &&
      (gval_is(&kid[0], VALUE_NONE) || gval_is(&kid[1], VALUE_NONE))) {
    *out = gval_of(value_bool(e->op == BIN_NE)); /* mask == None, where mask is a tensor */
    return true;
  }
  enum op_id id = n == 1 ? OP_neg : operator_op(e->op);
  if (id == OP_COUNT) return lower_refuse(l, f, e->at, OBS_FWD_UNKNOWN_OP, span_str(expr_op_text(e->op)));
  return lower_op(l, f, &op_table[id], &(struct call_args){.at = e->at, .positional = kid, .n = n}, out);
}

static bool lower_attr(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval object = {.kind = GVAL_PLAIN};
  bool found = false;
  if (!lower_expr(l, f, e->kids[0], &object)) return false;
  object = gval_output(&object);
  if (object.kind == GVAL_TENSOR) {
    const struct call_args self = {.at = e->at, .positional = &object, .n = 1};
    if (!lower_property(l, f, e->text, &self, out, &found)) return false;
    return found || lower_refuse(l, f, e->at, OBS_FWD_UNKNOWN_OP, e->text);
  }
  if (gval_is(&object, VALUE_MODULE)) {
    if (!lower_member(l, f, object.plain.module, e->text, e->at, out, &found)) return false;
    return found || lower_name_error(l, f, e, "the module has no child, parameter or buffer of this name");
  }
  struct value v;
  if (object.kind == GVAL_TUPLE && object.n == 2 &&
      (span_is(e->text, "values") || span_is(e->text, "indices"))) {
    *out = object.items[span_is(e->text, "indices")]; /* of max(x, dim) */
    return true;
  }
  if (object.kind == GVAL_TUPLE)
    return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION, SPAN("a tuple has no attributes"));
  if (!value_attr(&l->ev, &object.plain, e->text, e->at, &v)) return lower_error(l, f);
  *out = gval_of(v);
  return true;
}

bool lower_expr(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  if (!eval_charge(&l->ev, 1 + f->locals.n / 16, e->at)) return lower_error(l, f);
  switch (e->kind) {
  case EXPR_NONE: *out = gval_of((struct value){.kind = VALUE_NONE}); return true;
  case EXPR_TRUE:
  case EXPR_FALSE: *out = gval_of(value_bool(e->kind == EXPR_TRUE)); return true;
  case EXPR_INT: *out = gval_of(value_int(e->number)); return true;
  case EXPR_FLOAT: *out = gval_of(value_real(e->real)); return true;
  case EXPR_TEXT: *out = gval_of(value_text(e->text)); return true;
  case EXPR_NAME: return lower_name(l, f, e, out);
  case EXPR_TUPLE: return lower_tuple(l, f, e, out);
  case EXPR_IF:
  case EXPR_OR:
  case EXPR_AND:
  case EXPR_NOT: return lower_choice(l, f, e, out);
  case EXPR_NEG:
  case EXPR_BINARY: return lower_operator(l, f, e, out);
  case EXPR_ATTR: return lower_attr(l, f, e, out);
  case EXPR_CALL: return lower_call(l, f, e, out);
  case EXPR_INDEX: return lower_index(l, f, e, out);
  case EXPR_KEYWORD:
  case EXPR_SLICE:
  case EXPR_ELLIPSIS: break; /* the parser leaves these only inside a call or an index */
  }
  return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION, SPAN("this stands only inside a call or an index"));
}

// NOLINTEND(misc-no-recursion)
