/* x[…]: children of modules by position or name, items of tuples, parts of tensors. */
#include "forward/lower.h"

// NOLINTBEGIN(misc-no-recursion): over an expression, at most limits.expr_depth deep; see lower.h

/* ---- modules and tuples ---- */

/* start, stop and step of a slice, plain values; NULL where absent. */
static bool slice_bounds(struct lowering *l, struct frame *f, const struct expr *slice,
                         struct gval bound[3]) {
  for (uint32_t i = 0; i < 3; i++) {
    bound[i] = gval_of((struct value){.kind = VALUE_NONE});
    if (!slice->kids[i]) continue;
    if (!lower_expr(l, f, slice->kids[i], &bound[i])) return false;
    if (!gval_is(&bound[i], VALUE_INT) && !gval_is(&bound[i], VALUE_NONE))
      return lower_refuse(l, f, slice->at, OBS_FWD_EXPRESSION, SPAN("a bound of a slice that is no integer"));
  }
  return true;
}

static bool slice_plain(struct lowering *l, struct frame *f, const struct value *object,
                        const struct expr *slice, uint32_t at, struct gval *out) {
  struct gval bound[3];
  struct value v;
  if (!slice_bounds(l, f, slice, bound)) return false;
  if (!value_slice(&l->ev, object, &bound[0].plain, &bound[1].plain, &bound[2].plain, at, &v))
    return lower_error(l, f);
  *out = gval_of(v);
  return true;
}

/* The slice's positions are those of a tuple of integers. */
static bool slice_tuple(struct lowering *l, struct frame *f, const struct gval *tuple,
                        const struct expr *slice, uint32_t at, struct gval *out) {
  struct value *positions = arena_array(l->r->arena, tuple->n, struct value);
  struct gval chosen;
  if (!positions) return lower_memory(l);
  for (uint32_t i = 0; i < tuple->n; i++) positions[i] = value_int(i);
  const struct value all = value_tuple(positions, tuple->n);
  if (!slice_plain(l, f, &all, slice, at, &chosen)) return false;
  struct gval *items = arena_array(l->r->arena, chosen.plain.n, struct gval);
  if (!items) return lower_memory(l);
  for (uint32_t i = 0; i < chosen.plain.n; i++) items[i] = tuple->items[chosen.plain.items[i].number];
  *out = (struct gval){.kind = GVAL_TUPLE, .n = chosen.plain.n, .items = items};
  return true;
}

static bool index_module(struct lowering *l, struct frame *f, const struct module *m,
                         const struct value *index, uint32_t at, struct gval *out) {
  struct span name = index->kind == VALUE_TEXT ? index->text : SPAN("");
  const bool from_end = index->kind == VALUE_INT && index->number < 0;
  if (index->kind == VALUE_INT)
    name = arena_printf(l->r->arena, "%lld", (long long)index->number + (from_end ? m->num_children : 0));
  bool found;
  if (!lower_member(l, f, m, name, at, out, &found)) return false;
  return found || lower_refuse(l, f, at, OBS_FWD_EXPRESSION, SPAN("the module has no child of this index"));
}

static bool index_tuple(struct lowering *l, struct frame *f, const struct gval *tuple,
                        const struct gval *index, uint32_t at, struct gval *out) {
  int64_t i = gval_is(index, VALUE_INT) ? index->plain.number : INT64_MAX;
  if (i < 0) i += tuple->n;
  if (i < 0 || i >= tuple->n)
    return lower_refuse(l, f, at, OBS_FWD_EXPRESSION, SPAN("the tuple has no such item"));
  *out = tuple->items[i];
  return true;
}

/* ---- tensors: one op for each index, as PyTorch does it; tensors as indices are collected for the last ----
 */

enum { MOST_TENSORS = 4 };
struct parts {
  struct gval x; /* what the indices so far have made of it */
  uint32_t axis; /* of the next index */
  uint32_t rest; /* dimensions that the ellipsis, or the end, stands for */
  uint32_t n;    /* tensors as indices */
  struct value axes[MOST_TENSORS];
  struct gval index[MOST_TENSORS];
};

static bool too_many(struct lowering *l, struct frame *f, const struct gval *object, uint32_t at) {
  return lower_refuse(
      l, f, at, OBS_FWD_SHAPE,
      arena_printf(l->r->arena, "too many indices for a tensor of %u dimensions", object->tensor->t.ndim));
}

/* The dimensions that no index stands for. */
static bool count_dimensions(struct lowering *l, struct frame *f, const struct gval *object,
                             const struct expr *e, const struct gval *index, uint32_t *rest) {
  uint32_t used = 0, ellipses = 0;
  for (uint32_t i = 1; i < e->num_kids; i++) {
    ellipses += e->kids[i]->kind == EXPR_ELLIPSIS;
    used += e->kids[i]->kind == EXPR_SLICE ||
            (e->kids[i]->kind != EXPR_ELLIPSIS && !gval_is(&index[i], VALUE_NONE));
  }
  if (ellipses > 1) return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION, SPAN("... twice in one index"));
  if (used > object->tensor->t.ndim) return too_many(l, f, object, e->at);
  *rest = object->tensor->t.ndim - used;
  return true;
}

static bool part_op(struct lowering *l, struct frame *f, struct parts *p, enum op_id id,
                    const struct gval *more, uint32_t n, uint32_t at) {
  struct gval args[5] = {p->x, gval_of(value_int(p->axis))};
  for (uint32_t i = 0; i < n; i++) args[2 + i] = more[i];
  return lower_op(l, f, &op_table[id], &(struct call_args){.at = at, .positional = args, .n = 2 + n}, &p->x);
}

static bool part_slice(struct lowering *l, struct frame *f, struct parts *p, const struct expr *slice) {
  struct gval bound[3];
  if (!slice_bounds(l, f, slice, bound)) return false;
  bool whole = true;
  for (uint32_t i = 0; i < 3; i++) whole = whole && gval_is(&bound[i], VALUE_NONE);
  if (!whole && !part_op(l, f, p, OP_slice, bound, 3, slice->at)) return false;
  p->axis++;
  return true;
}

static bool part_tensor(struct lowering *l, struct frame *f, struct parts *p, const struct gval *index,
                        uint32_t at) {
  if (p->n == MOST_TENSORS)
    return lower_refuse(l, f, at, OBS_FWD_UNSUPPORTED, SPAN("more than 4 tensors as indices"));
  p->axes[p->n] = value_int(p->axis++);
  p->index[p->n++] = *index;
  return true;
}

/* [0, 2] as an index: a tensor of these numbers. */
static bool part_list(struct lowering *l, struct frame *f, struct parts *p, const struct gval *list,
                      uint32_t at) {
  struct gval tensor;
  return lower_op(l, f, &op_table[OP_tensor], &(struct call_args){.at = at, .positional = list, .n = 1},
                  &tensor) &&
         part_tensor(l, f, p, &tensor, at);
}

static bool part_value(struct lowering *l, struct frame *f, struct parts *p, const struct gval *index,
                       uint32_t at) {
  if (index->kind == GVAL_TENSOR) return part_tensor(l, f, p, index, at);
  if (gval_is(index, VALUE_INT)) return part_op(l, f, p, OP_select, index, 1, at);
  if (gval_is(index, VALUE_TUPLE)) return part_list(l, f, p, index, at);
  if (!gval_is(index, VALUE_NONE))
    return lower_refuse(l, f, at, OBS_FWD_EXPRESSION,
                        SPAN("an index that is neither an integer nor a tensor"));
  if (!part_op(l, f, p, OP_unsqueeze, NULL, 0, at)) return false;
  p->axis++;
  return true;
}

static bool index_by_tensors(struct lowering *l, struct frame *f, struct parts *p, uint32_t at,
                             struct gval *out) {
  struct gval args[2 + MOST_TENSORS] = {p->x, gval_of(value_tuple(p->axes, p->n))};
  for (uint32_t i = 0; i < p->n; i++) args[2 + i] = p->index[i];
  return lower_op(l, f, &op_table[OP_index], &(struct call_args){.at = at, .positional = args, .n = 2 + p->n},
                  out);
}

static bool index_tensor(struct lowering *l, struct frame *f, const struct gval *object, const struct expr *e,
                         struct gval *out) {
  struct gval *index = arena_array(l->r->arena, e->num_kids, struct gval);
  struct parts *p = arena_new(l->r->arena, struct parts);
  if (!index || !p) return lower_memory(l);
  for (uint32_t i = 1; i < e->num_kids; i++) {
    if (e->kids[i]->kind == EXPR_SLICE || e->kids[i]->kind == EXPR_ELLIPSIS) continue;
    if (!lower_expr(l, f, e->kids[i], &index[i]) || !lower_range(l, f, e->kids[i]->at, &index[i]))
      return false;
  }
  *p = (struct parts){.x = *object};
  if (!count_dimensions(l, f, object, e, index, &p->rest)) return false;
  for (uint32_t i = 1; i < e->num_kids; i++) {
    const struct expr *kid = e->kids[i];
    if (kid->kind == EXPR_ELLIPSIS)
      p->axis += p->rest;
    else if (kid->kind == EXPR_SLICE ? !part_slice(l, f, p, kid) : !part_value(l, f, p, &index[i], kid->at))
      return false;
  }
  *out = p->x;
  return p->n == 0 || index_by_tensors(l, f, p, e->at, out);
}

/* ---- x[…] ---- */

bool lower_index(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out) {
  struct gval object = {.kind = GVAL_PLAIN}, index = object;
  if (!lower_expr(l, f, e->kids[0], &object) || !lower_range(l, f, e->at, &object)) return false;
  if (e->num_kids > 2 || e->kids[1]->kind == EXPR_SLICE || e->kids[1]->kind == EXPR_ELLIPSIS)
    object = gval_output(&object);
  if (object.kind == GVAL_TENSOR) return index_tensor(l, f, &object, e, out);
  const struct expr *first = e->num_kids == 2 ? e->kids[1] : NULL;
  if (!first || first->kind == EXPR_ELLIPSIS)
    return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION, SPAN("this kind of index is for tensors"));
  if (first->kind == EXPR_SLICE)
    return object.kind == GVAL_TUPLE ? slice_tuple(l, f, &object, first, e->at, out)
                                     : slice_plain(l, f, &object.plain, first, e->at, out);
  if (!lower_expr(l, f, first, &index)) return false;
  if (object.kind == GVAL_TUPLE) return index_tuple(l, f, &object, &index, e->at, out);
  if (index.kind != GVAL_PLAIN)
    return lower_refuse(l, f, e->at, OBS_FWD_EXPRESSION, SPAN("a tensor as an index"));
  if (object.plain.kind == VALUE_MODULE)
    return index_module(l, f, object.plain.module, &index.plain, e->at, out);
  struct value v;
  if (!value_index(&l->ev, &object.plain, &index.plain, e->at, &v)) return lower_error(l, f);
  *out = gval_of(v);
  return true;
}

// NOLINTEND(misc-no-recursion)
