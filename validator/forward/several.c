/* Functions that give several tensors: each of them is a step of its own. */
#include "forward/broadcast.h"
#include "forward/lower.h"
#include "forward/params.h"

typedef bool several_fn(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                        struct gval *out);

static struct gval tensor_of(const struct op_value *arg) { return gval_tensor(graph_value(arg, 0)); }

/* The sizes and the axis of a function with parameters (input, …, dim). */
static bool axis_of(struct lowering *l, struct frame *f, const struct op_value *arg, const char *name,
                    uint32_t at, uint32_t *axis) {
  enum { INPUT, DIM = 2 };
  struct op_call c = {.arena = l->r->arena};
  const struct ftensor *x = arg[INPUT].tensor;
  if (x->ndim == 0 && op_error(&c, "a tensor of no dimensions can't be taken apart")) return false;
  if (x->ndim && op_axis(&c, arg[DIM].i, x->ndim, axis)) return true;
  return lower_refuse(l, f, at, c.error,
                      arena_printf(l->r->arena, "%s: %.*s", name, (int)c.why.n, (const char *)c.why.p));
}

static bool size_error(struct lowering *l, struct frame *f, const struct op_value *arg, const char *words,
                       uint32_t at) {
  const char *shape = ft_shape_text(l->r->arena, arg->tensor);
  return lower_refuse(l, f, at, OBS_FWD_SHAPE, arena_printf(l->r->arena, "%s: %s", shape, words));
}

/* Parts of the given sizes along an axis. */
static bool narrow_parts(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t axis,
                         const int64_t *size, uint32_t n, uint32_t at, struct gval *out) {
  struct gval *parts = arena_array(l->r->arena, n, struct gval);
  int64_t start = 0;
  if (!parts) return lower_memory(l);
  for (uint32_t i = 0; i < n; i++) {
    const struct gval args[] = {tensor_of(arg), gval_of(value_int(axis)), gval_of(value_int(start)),
                                gval_of(value_int(size[i]))};
    if (!lower_op(l, f, &op_table[OP_narrow],
                  &(struct call_args){.at = at, .positional = args, .n = ARRAY_LEN(args)}, &parts[i]))
      return false;
    start += size[i]; /* narrow has found the part inside the tensor */
  }
  *out = (struct gval){.kind = GVAL_TUPLE, .n = n, .items = parts};
  return true;
}

/* Parts of `each` elements, the last one with what is left. PyTorch gives one part of an empty dimension. */
static bool equal_parts(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t axis,
                        uint64_t each, uint32_t at, struct gval *out) {
  const uint64_t total = arg->tensor->size[axis], n = total ? (total - 1) / each + 1 : 1;
  if (n > l->r->max->forward_steps) return lower_refuse(l, f, at, OBS_FWD_STEPS, SPAN(""));
  int64_t *size = arena_array(l->r->arena, n, int64_t);
  if (!size) return lower_memory(l);
  for (uint64_t i = 0; i < n; i++) size[i] = (int64_t)min_u64(each, total - i * each);
  return narrow_parts(l, f, arg, axis, size, (uint32_t)n, at, out);
}

static bool several_split(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                          struct gval *out) {
  const struct op_value *sizes = &arg[1];
  uint32_t axis;
  uint64_t sum = 0;
  if (!axis_of(l, f, arg, "split", at, &axis)) return false;
  const uint64_t total = arg->tensor->size[axis];
  if (sizes->kind == OPV_INT) {
    if (sizes->i < 0 || (sizes->i == 0 && total)) return size_error(l, f, arg, "parts of no size", at);
    return equal_parts(l, f, arg, axis, sizes->i ? (uint64_t)sizes->i : 1, at, out);
  }
  for (uint32_t i = 0; i < sizes->n; i++)
    if (sizes->ints[i] < 0 || !try_add(sum, (uint64_t)sizes->ints[i], &sum))
      return size_error(l, f, arg, "a part of negative size", at);
  if (sum != total) return size_error(l, f, arg, "the parts don't add up to the dimension", at);
  return narrow_parts(l, f, arg, axis, sizes->ints, sizes->n, at, out);
}

static bool several_chunk(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                          struct gval *out) {
  uint32_t axis;
  if (!axis_of(l, f, arg, "chunk", at, &axis)) return false;
  if (arg[1].i <= 0) return size_error(l, f, arg, "no chunks", at);
  const uint64_t total = arg->tensor->size[axis], chunks = (uint64_t)arg[1].i;
  const uint64_t each = total ? (total - 1) / chunks + 1 : 1;
  if (total == 0) { /* as many empty chunks as were asked for */
    if (chunks > l->r->max->forward_steps) return lower_refuse(l, f, at, OBS_FWD_STEPS, SPAN(""));
    int64_t *size = arena_array(l->r->arena, chunks, int64_t);
    return size ? narrow_parts(l, f, arg, axis, size, (uint32_t)chunks, at, out) : lower_memory(l);
  }
  return equal_parts(l, f, arg, axis, each, at, out);
}

/* Parts before the given positions; or so many parts, the first ones with one element more. */
static bool several_tensor_split(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                                 struct gval *out) {
  const struct op_value *where = &arg[1];
  uint32_t axis;
  if (!axis_of(l, f, arg, "tensor_split", at, &axis)) return false;
  const int64_t total = (int64_t)arg->tensor->size[axis],
                parts = where->kind == OPV_INT ? where->i : (int64_t)where->n + 1;
  if (parts <= 0) return size_error(l, f, arg, "no parts", at);
  if ((uint64_t)parts > l->r->max->forward_steps) return lower_refuse(l, f, at, OBS_FWD_STEPS, SPAN(""));
  struct gval *items = arena_array(l->r->arena, (uint64_t)parts, struct gval);
  if (!items) return lower_memory(l);
  int64_t start = 0;
  for (int64_t i = 0; i < parts; i++) {
    int64_t end = i + 1 == parts           ? total
                  : where->kind == OPV_INT ? start + total / parts + (i < total % parts)
                                           : where->ints[i];
    const struct gval args[] = {tensor_of(arg), gval_of(value_int(axis)), gval_of(value_int(start)),
                                gval_of(value_int(end))};
    if (!lower_op(l, f, &op_table[OP_slice],
                  &(struct call_args){.at = at, .positional = args, .n = ARRAY_LEN(args)}, &items[i]))
      return false;
    start = end;
  }
  *out = (struct gval){.kind = GVAL_TUPLE, .n = (uint32_t)parts, .items = items};
  return true;
}

static bool several_unbind(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                           struct gval *out) {
  enum { DIM = 1 };
  const struct op_value with_axis[] = {arg[0], {.kind = OPV_NONE}, arg[DIM]};
  uint32_t axis;
  if (!axis_of(l, f, with_axis, "unbind", at, &axis)) return false;
  const uint64_t n = arg->tensor->size[axis];
  if (n > l->r->max->forward_steps) return lower_refuse(l, f, at, OBS_FWD_STEPS, SPAN(""));
  struct gval *parts = arena_array(l->r->arena, n, struct gval);
  if (!parts) return lower_memory(l);
  for (uint64_t i = 0; i < n; i++) {
    const struct gval args[] = {tensor_of(arg), gval_of(value_int(axis)), gval_of(value_int((int64_t)i))};
    if (!lower_op(l, f, &op_table[OP_select],
                  &(struct call_args){.at = at, .positional = args, .n = ARRAY_LEN(args)}, &parts[i]))
      return false;
  }
  *out = (struct gval){.kind = GVAL_TUPLE, .n = (uint32_t)n, .items = parts};
  return true;
}

/* ---- meshgrid: each tensor along an axis of its own, the same along the others ---- */

static bool several_meshgrid(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                             struct gval *out) {
  enum { TENSORS, INDEXING };
  const struct op_value *list = &arg[TENSORS];
  const bool swapped = span_is(arg[INDEXING].text, "xy");
  if (list->kind != OPV_TENSORS || list->n == 0 || list->n > FT_DIMS ||
      (!swapped && !span_is(arg[INDEXING].text, "ij")))
    return lower_refuse(l, f, at, OBS_FWD_SHAPE, SPAN("meshgrid takes tensors, and indexing 'ij' or 'xy'"));
  struct gval *parts = arena_array(l->r->arena, list->n, struct gval);
  struct value *sizes = arena_array(l->r->arena, list->n, struct value);
  if (!parts || !sizes) return lower_memory(l);
  for (uint32_t i = 0; i < list->n; i++) {
    const uint32_t axis = swapped && list->n > 1 && i < 2 ? 1 - i : i;
    if (list->tensors[i]->ndim > 1)
      return lower_refuse(l, f, at, OBS_FWD_SHAPE, SPAN("meshgrid takes tensors of one dimension"));
    sizes[axis] = value_int((int64_t)list->tensors[i]->numel);
    struct value *own = arena_array(l->r->arena, list->n, struct value);
    if (!own) return lower_memory(l);
    for (uint32_t k = 0; k < list->n; k++) own[k] = value_int(k == axis ? -1 : 1);
    const struct gval view[] = {gval_tensor(graph_value(list, i)), gval_of(value_tuple(own, list->n))};
    if (!lower_op(l, f, &op_table[OP_view], &(struct call_args){.at = at, .positional = view, .n = 2},
                  &parts[i]))
      return false;
  }
  for (uint32_t i = 0; i < list->n; i++) {
    const struct gval expand[] = {parts[i], gval_of(value_tuple(sizes, list->n))};
    if (!lower_op(l, f, &op_table[OP_expand], &(struct call_args){.at = at, .positional = expand, .n = 2},
                  &parts[i]))
      return false;
  }
  *out = (struct gval){.kind = GVAL_TUPLE, .n = list->n, .items = parts};
  return true;
}

/* ---- max, min: of all, of two tensors, or along a dimension with the positions ---- */

static bool extreme(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                    struct gval *out, enum op_id pick, enum op_id position, enum op_id of_two) {
  enum { DIM = 1, KEEPDIM };
  const struct gval x = tensor_of(arg);
  if (arg[DIM].kind == OPV_TENSOR) {
    const struct gval two[] = {x, tensor_of(&arg[DIM])};
    return lower_op(l, f, &op_table[of_two], &(struct call_args){.at = at, .positional = two, .n = 2}, out);
  }
  struct gval one[] = {x, gval_of(value_int(arg[DIM].i)), gval_of(value_bool(arg[KEEPDIM].i != 0))};
  if (arg[DIM].kind == OPV_NONE)
    return lower_op(l, f, &op_table[pick], &(struct call_args){.at = at, .positional = one, .n = 1}, out);
  struct gval *both = arena_array(l->r->arena, 2, struct gval);
  if (!both) return lower_memory(l);
  *out = (struct gval){.kind = GVAL_TUPLE, .n = 2, .items = both};
  if (!lower_op(l, f, &op_table[pick], &(struct call_args){.at = at, .positional = one, .n = 3}, &both[0]))
    return false;
  /* argmax alone refuses bools, as in PyTorch */
  if (arg->tensor->type == FT_BOOL &&
      !lower_op(l, f, &op_table[OP_long], &(struct call_args){.at = at, .positional = &x, .n = 1}, &one[0]))
    return false;
  return lower_op(l, f, &op_table[position], &(struct call_args){.at = at, .positional = one, .n = 3},
                  &both[1]);
}

static bool several_max(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                        struct gval *out) {
  return extreme(l, f, arg, at, out, OP_amax, OP_argmax, OP_maximum);
}
static bool several_min(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                        struct gval *out) {
  return extreme(l, f, arg, at, out, OP_amin, OP_argmin, OP_minimum);
}

/* ---- sort, topk: values, and where they stood ---- */

struct sorting {
  int64_t dim;
  bool descending;
  const int64_t *first; /* how many are kept; NULL: all */
};

static bool sorted(struct lowering *l, struct frame *f, const struct op_value *arg, const struct sorting *how,
                   uint32_t at, struct gval *out) {
  struct gval *both = arena_array(l->r->arena, 2, struct gval);
  if (!both) return lower_memory(l);
  const struct gval x = tensor_of(arg), dim = gval_of(value_int(how->dim));
  const struct gval order[] = {x, dim, gval_of(value_bool(how->descending))};
  if (!lower_op(l, f, &op_table[OP_argsort], &(struct call_args){.at = at, .positional = order, .n = 3},
                &both[1]))
    return false;
  const bool one_of_one = arg->tensor->ndim == 0 && how->first && *how->first == 1;
  const struct gval part[] = {both[1], dim, gval_of(value_int(0)),
                              gval_of(value_int(how->first ? *how->first : 0))};
  if (how->first && !one_of_one &&
      !lower_op(l, f, &op_table[OP_narrow], &(struct call_args){.at = at, .positional = part, .n = 4},
                &both[1]))
    return false;
  const struct gval pick[] = {x, dim, both[1]};
  *out = (struct gval){.kind = GVAL_TUPLE, .n = 2, .items = both};
  return lower_op(l, f, &op_table[OP_gather], &(struct call_args){.at = at, .positional = pick, .n = 3},
                  &both[0]);
}

static bool several_sort(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                         struct gval *out) {
  enum { DIM = 1, DESCENDING };
  return sorted(l, f, arg, &(struct sorting){arg[DIM].i, arg[DESCENDING].i != 0, NULL}, at, out);
}
static bool several_topk(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                         struct gval *out) {
  enum { K = 1, DIM, LARGEST };
  return sorted(l, f, arg, &(struct sorting){arg[DIM].i, arg[LARGEST].i != 0, &arg[K].i}, at, out);
}

/* ---- cummax, cummin: the extreme so far, and where it stood ---- */

static bool so_far(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                   struct gval *out, enum op_id values, enum op_id positions) {
  const struct gval args[] = {tensor_of(arg), gval_of(value_int(arg[1].i))};
  const struct call_args call = {.at = at, .positional = args, .n = ARRAY_LEN(args)};
  struct gval *both = arena_array(l->r->arena, 2, struct gval);
  if (!both) return lower_memory(l);
  *out = (struct gval){.kind = GVAL_TUPLE, .n = 2, .items = both};
  return lower_op(l, f, &op_table[values], &call, &both[0]) &&
         lower_op(l, f, &op_table[positions], &call, &both[1]);
}
static bool several_cummax(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                           struct gval *out) {
  return so_far(l, f, arg, at, out, OP_cummax, OP_cummax_indices);
}
static bool several_cummin(struct lowering *l, struct frame *f, const struct op_value *arg, uint32_t at,
                           struct gval *out) {
  return so_far(l, f, arg, at, out, OP_cummin, OP_cummin_indices);
}

/* ---- broadcast_tensors ---- */

static bool several_broadcast_tensors(struct lowering *l, struct frame *f, const struct op_value *arg,
                                      uint32_t at, struct gval *out) {
  struct op_call c = {.arena = l->r->arena};
  struct broadcast b = {0};
  struct gval *parts = arena_array(l->r->arena, arg->n, struct gval);
  struct value *sizes = arena_array(l->r->arena, FT_DIMS, struct value);
  if (!parts || !sizes) return lower_memory(l);
  for (uint32_t i = 0; i < arg->n; i++)
    if (!broadcast_with(&c, &b, arg->tensors[i])) return lower_refuse(l, f, at, c.error, c.why);
  for (uint32_t i = 0; i < b.ndim; i++) sizes[i] = value_int((int64_t)b.size[i]);
  for (uint32_t i = 0; i < arg->n; i++) {
    const struct gval expand[] = {gval_tensor(graph_value(arg, i)), gval_of(value_tuple(sizes, b.ndim))};
    if (!lower_op(l, f, &op_table[OP_expand], &(struct call_args){.at = at, .positional = expand, .n = 2},
                  &parts[i]))
      return false;
  }
  *out = (struct gval){.kind = GVAL_TUPLE, .n = arg->n, .items = parts};
  return true;
}

/* ---- the table ---- */

static const struct op_param split_params[] = {TENSOR("input"), NEEDED("split_size", TAKES_INTS),
                                               INT("dim", 0)};
static const struct op_param chunk_params[] = {TENSOR("input"), NEEDED("chunks", TAKES_INT), INT("dim", 0)};
static const struct op_param max_params[] = {
    TENSOR("input"),
    {"dim", TAKES_INT | TAKES_TENSOR | TAKES_NONE, false, {.kind = OPV_NONE}},
    BOOL("keepdim", 0)};
#define min_params max_params
static const struct op_param sort_params[] = {TENSOR("input"), INT("dim", -1), BOOL("descending", 0),
                                              BOOL("stable", 0)};
static const struct op_param topk_params[] = {TENSOR("input"), NEEDED("k", TAKES_INT), INT("dim", -1),
                                              BOOL("largest", 1), BOOL("sorted", 1)};
static const struct op_param meshgrid_params[] = {NEEDED("tensors", TAKES_TENSORS | TAKES_REST),
                                                  TEXT("indexing", "ij")};
static const struct op_param cummax_params[] = {TENSOR("input"), NEEDED("dim", TAKES_INT)};
#define cummin_params cummax_params
static const struct op_param broadcast_tensors_params[] = {NEEDED("tensors", TAKES_TENSORS | TAKES_REST)};
static const struct op_param tensor_split_params[] = {
    TENSOR("input"), NEEDED("indices_or_sections", TAKES_INTS), INT("dim", 0)};
static const struct op_param unbind_params[] = {TENSOR("input"), INT("dim", 0)};

static const struct several {
  struct op signature; /* name and parameters only */
  several_fn *expand;
} several_table[] = {
#define SEVERAL(id) \
  { {.name = #id, .params = id##_params, .num_params = ARRAY_LEN(id##_params)}, several_##id }
    SEVERAL(split),
    SEVERAL(chunk),
    SEVERAL(unbind),
    SEVERAL(meshgrid),
    SEVERAL(max),
    SEVERAL(min),
    SEVERAL(sort),
    SEVERAL(topk),
    SEVERAL(cummax),
    SEVERAL(cummin),
    SEVERAL(broadcast_tensors),
    SEVERAL(tensor_split),
#undef SEVERAL
};

bool lower_several(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                   struct gval *out, bool *found) {
  const struct several *row = NULL;
  for (size_t i = 0; i < ARRAY_LEN(several_table); i++)
    if (span_is(name, several_table[i].signature.name)) row = &several_table[i];
  *found = row != NULL;
  if (!row) return true;
  const struct op_value *bound;
  return lower_bind(l, f, &row->signature, args, &bound) && row->expand(l, f, bound, args->at, out);
}
