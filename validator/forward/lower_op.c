/* Calls of operations: values of the language become arguments, the call a step of the graph. */
#include "forward/lower.h"

static bool to_floats(struct lowering *l, const struct value *tuple, struct op_value *out) {
  double *reals = arena_array(l->r->arena, tuple->n, double);
  if (!reals) return false;
  for (uint32_t i = 0; i < tuple->n; i++) {
    const struct value *v = &tuple->items[i];
    if (v->kind != VALUE_INT && v->kind != VALUE_FLOAT) return false;
    reals[i] = v->kind == VALUE_INT ? (double)v->number : v->real;
  }
  *out = (struct op_value){.kind = OPV_FLOATS, .reals = reals, .n = tuple->n};
  return true;
}

/* A tuple of ints, where None may stand for one. */
static bool to_ints(struct lowering *l, const struct value *tuple, struct op_value *out) {
  int64_t *ints = arena_array(l->r->arena, tuple->n, int64_t);
  if (!ints) return false;
  for (uint32_t i = 0; i < tuple->n; i++) {
    const struct value *v = &tuple->items[i];
    if (v->kind != VALUE_INT && v->kind != VALUE_NONE) return false;
    ints[i] = v->kind == VALUE_NONE ? OP_NONE_IN_INTS : v->number;
  }
  *out = (struct op_value){.kind = OPV_INTS, .ints = ints, .n = tuple->n};
  return true;
}

static bool to_tensors(struct lowering *l, const struct gval *tuple, struct op_value *out) {
  struct ftensor **tensors = arena_array(l->r->arena, tuple->n, struct ftensor *);
  if (!tensors) return false;
  for (uint32_t i = 0; i < tuple->n; i++) {
    struct fvalue *v = tuple->items[i].kind == GVAL_TENSOR ? lower_current(tuple->items[i].tensor) : NULL;
    if (!v) return false;
    tensors[i] = &v->t;
  }
  *out = (struct op_value){.kind = OPV_TENSORS, .tensors = tensors, .n = tuple->n};
  return true;
}

/* Numbers are float32 in every floating dtype. */
static bool to_dtype(enum dtype d, struct op_value *out) {
  enum ftype type = FT_F32;
  if (d != DTYPE_NONE && !ftype_of(d, &type)) return false;
  *out = (struct op_value){.kind = OPV_DTYPE, .i = type};
  return true;
}

struct fvalue *lower_current(struct fvalue *v) {
  struct fvalue *last = v;
  while (last->now) last = last->now;
  for (struct fvalue *next; v->now; v = next) { /* the next look-up is one step */
    next = v->now;
    v->now = last;
  }
  const struct fvalue *root = last->root;
  return root->overwritten || (root->part_of && root->part_of->overwritten) ? NULL : last;
}

/* NULL, or why no op takes such a value. */
static const char *to_op_value(struct lowering *l, const struct gval *g, struct op_value *out) {
  static const char *const no_kind = "an argument of a kind that no operation takes";
  if (g->kind == GVAL_TUPLE && g->beside) g = &g->items[0];
  if (g->kind == GVAL_TENSOR) {
    struct fvalue *v = lower_current(g->tensor);
    if (v) *out = (struct op_value){.kind = OPV_TENSOR, .tensor = &v->t};
    return v ? NULL : "a view of a tensor that was changed in place";
  }
  if (g->kind == GVAL_TUPLE) return to_tensors(l, g, out) ? NULL : no_kind;
  const struct value *v = &g->plain;
  switch (v->kind) {
  case VALUE_NONE: *out = (struct op_value){.kind = OPV_NONE}; return NULL;
  case VALUE_BOOL: *out = (struct op_value){.kind = OPV_BOOL, .i = v->truth}; return NULL;
  case VALUE_INT: *out = (struct op_value){.kind = OPV_INT, .i = v->number}; return NULL;
  case VALUE_FLOAT: *out = (struct op_value){.kind = OPV_FLOAT, .f = v->real}; return NULL;
  case VALUE_TEXT: *out = (struct op_value){.kind = OPV_TEXT, .text = v->text}; return NULL;
  case VALUE_TUPLE: return to_ints(l, v, out) || to_floats(l, v, out) ? NULL : no_kind;
  case VALUE_DTYPE: return to_dtype(v->dtype, out) ? NULL : no_kind;
  case VALUE_DICT:
  case VALUE_RANGE:
  case VALUE_PATTERN:
  case VALUE_MODULE:
  case VALUE_MISSING:
  case VALUE_PENDING: break;
  }
  return no_kind;
}

bool lower_is_argument(struct lowering *l, const struct gval *g) {
  struct op_value unused;
  return to_op_value(l, g, &unused) == NULL;
}

// NOLINTBEGIN(misc-no-recursion): lower_op asks for its arguments; those of a range are none
static bool to_op_arguments(struct lowering *l, struct frame *f, const struct call_args *args,
                            struct op_arguments *out) {
  struct op_value *positional = arena_array(l->r->arena, args->n, struct op_value);
  struct op_keyword *keywords = arena_array(l->r->arena, args->num_keywords, struct op_keyword);
  if (!positional || !keywords) return lower_memory(l);
  const char *why = NULL;
  for (uint32_t i = 0; i < args->n && !why; i++) {
    struct gval g = args->positional[i];
    if (!lower_range(l, f, args->at, &g)) return false;
    why = to_op_value(l, &g, &positional[i]);
  }
  for (uint32_t i = 0; i < args->num_keywords && !why; i++) {
    struct gval g = args->keywords[i].value;
    if (!lower_range(l, f, args->at, &g)) return false;
    keywords[i].name = args->keywords[i].name;
    why = to_op_value(l, &g, &keywords[i].value);
  }
  *out = (struct op_arguments){positional, args->n, keywords, args->num_keywords};
  return !why || lower_refuse(l, f, args->at, OBS_FWD_ARGUMENT, span_str(why));
}

static bool op_refused(struct lowering *l, struct frame *f, const struct op *op, const struct op_call *c,
                       uint32_t at) {
  if (l->r->arena->exhausted) return lower_memory(l);
  return lower_refuse(
      l, f, at, c->error,
      arena_printf(l->r->arena, "%s: %.*s", op->name, (int)min_size(c->why.n, 1000), (const char *)c->why.p));
}

/* A result that is another view of its first argument has that one's memory. */
static void link_output(const struct fstep *step, uint32_t index, bool dense, uint64_t offset) {
  step->out->from = FROM_STEP;
  step->out->index = index;
  step->out->root = step->out;
  if (!step->op->kernel || dense) {
    const struct fvalue *first = graph_value(&step->arg[0], 0);
    step->out->root = first->root;
    step->out->offset = first->offset + offset;
  }
  if (op_shares(step->op) && !step_is_view(step)) {
    struct fvalue *first = graph_value(&step->arg[0], 0)->root;
    step->out->part_of = first->part_of ? first->part_of : first;
  }
  for (uint32_t i = 0; i < step->op->num_params; i++) {
    for (uint32_t k = 0; k < op_value_tensors(&step->arg[i]); k++) {
      struct fvalue *read = graph_value(&step->arg[i], k);
      step->out->varies |= read->varies;
    }
  }
}

static bool flag_is_set(const struct op *op, const struct op_value *bound, const char *name) {
  for (uint32_t i = 0; i < op->num_params; i++)
    if (strcmp(op->params[i].name, name) == 0) return bound[i].i != 0;
  return false;
}

/* Everything that holds the first argument holds the result from here on. */
static void replace_in_place(struct fvalue *from, struct fvalue *to) {
  if (to->root == from->root) return; /* nothing was computed */
  from->root->overwritten = true;
  if (from->root->part_of) from->root->part_of->overwritten = true;
  from->now = to;
}

/* The tensors of an argument as float32; the others as they are. False: one was float32 already, or no
 * memory. */
static bool as_floats(struct lowering *l, struct op_value *v, bool *any) {
  const uint32_t n = op_value_tensors(v);
  if (n == 0) return true;
  struct ftensor *copies = arena_array(l->r->arena, n, struct ftensor);
  struct ftensor **list = arena_array(l->r->arena, n, struct ftensor *);
  if (!copies || !list) return false;
  for (uint32_t i = 0; i < n; i++) {
    copies[i] = *op_value_tensor(v, i);
    if (copies[i].type == FT_F32) return false;
    copies[i].type = FT_F32;
    list[i] = &copies[i];
  }
  if (v->kind == OPV_TENSOR)
    v->tensor = copies;
  else
    v->tensors = list;
  *any = true;
  return true;
}

/* Would the call do with float32 in the place of the integers and bools that it was given? */
static bool fits_as_floats(struct lowering *l, const struct op *op, const struct op_value *bound) {
  struct op_value *as = arena_array(l->r->arena, op->num_params, struct op_value);
  bool any = false;
  for (uint32_t i = 0; as && i < op->num_params; i++) {
    as[i] = bound[i];
    if (!as_floats(l, &as[i], &any)) return false;
  }
  struct ftensor out;
  struct op_call c = {.arena = l->r->arena, .arg = as, .out = &out};
  return any && op->shape(&c);
}

static bool add_step(struct lowering *l, struct frame *f, const struct op *op, const struct op_value *bound,
                     uint32_t at, struct gval *out) {
  struct fvalue *value = arena_new(l->r->arena, struct fvalue);
  if (!value) return lower_memory(l);
  struct op_call c = {.arena = l->r->arena, .arg = bound, .out = &value->t};
  if (!op->shape(&c)) { /* PyTorch computes many functions of integers that this pass has for float32 alone */
    if (c.error == OBS_FWD_SHAPE && fits_as_floats(l, op, bound)) c.error = OBS_FWD_UNSUPPORTED;
    return op_refused(l, f, op, &c, at);
  }
  struct fstep *step = vec_push(l->r->arena, &l->graph->steps, l->r->max->forward_steps);
  if (!step)
    return l->r->arena->exhausted ? lower_memory(l) : lower_refuse(l, f, at, OBS_FWD_STEPS, SPAN(""));
  frame_at(f, at);
  *step = (struct fstep){.op = op, .arg = bound, .out = value, .place = f->place};
  link_output(step, l->graph->steps.n - 1, c.dense, c.offset * ft_itemsize(value->t.type));
  if (flag_is_set(op, bound, "inplace")) replace_in_place(graph_value(&bound[0], 0), value);
  step->cost = step_is_view(step) ? 0 : op->cost(&c);
  *out = gval_tensor(value);
  return true;
}

/* return_indices=True: a tuple of the result and of what the op NAME_indices makes of the same arguments. */
static bool add_with_indices(struct lowering *l, struct frame *f, const struct op *op,
                             const struct op_value *bound, uint32_t at, struct gval *out) {
  const struct op *indices = op_by_name(arena_printf(l->r->arena, "%s_indices", op->name));
  struct gval *both = arena_array(l->r->arena, 2, struct gval);
  if (!both || !indices) return lower_memory(l);
  *out = (struct gval){.kind = GVAL_TUPLE, .n = 2, .items = both};
  return add_step(l, f, op, bound, at, &both[0]) && add_step(l, f, indices, bound, at, &both[1]);
}

static bool bind(struct lowering *l, struct frame *f, const struct op *op, const struct op_arguments *given,
                 uint32_t at, const struct op_value **out) {
  struct op_value *bound = arena_array(l->r->arena, op->num_params, struct op_value);
  if (!bound) return lower_memory(l);
  struct op_call c = {.arena = l->r->arena};
  *out = bound;
  return op_bind(&c, op, given, bound) || op_refused(l, f, op, &c, at);
}

bool lower_bind(struct lowering *l, struct frame *f, const struct op *op, const struct call_args *args,
                const struct op_value **bound) {
  struct op_arguments given = {.n = 0};
  return to_op_arguments(l, f, args, &given) && bind(l, f, op, &given, args->at, bound);
}

bool lower_op(struct lowering *l, struct frame *f, const struct op *op, const struct call_args *args,
              struct gval *out) {
  const struct op_value *bound;
  if (!lower_bind(l, f, op, args, &bound)) return false;
  return flag_is_set(op, bound, "return_indices") ? add_with_indices(l, f, op, bound, args->at, out)
                                                  : add_step(l, f, op, bound, args->at, out);
}

bool lower_in_place(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                    const struct gval *out) {
  struct fvalue *x =
      args->n && args->positional[0].kind == GVAL_TENSOR ? lower_current(args->positional[0].tensor) : NULL;
  if (!x || out->kind != GVAL_TENSOR)
    return lower_refuse(l, f, args->at, OBS_FWD_ARGUMENT, SPAN("only a tensor can be changed in place"));
  if (x->t.type != out->tensor->t.type || !ft_same_shape(&x->t, &out->tensor->t))
    return lower_refuse(l, f, args->at, OBS_FWD_SHAPE,
                        arena_printf(l->r->arena, "%.*s_: the result is %s %s, not the tensor's %s %s",
                                     (int)name.n, (const char *)name.p, ft_name(out->tensor->t.type),
                                     ft_shape_text(l->r->arena, &out->tensor->t), ft_name(x->t.type),
                                     ft_shape_text(l->r->arena, &x->t)));
  if (x != out->tensor) replace_in_place(x, out->tensor);
  return true;
}

bool lower_range(struct lowering *l, struct frame *f, uint32_t at, struct gval *g) {
  if (!gval_is(g, VALUE_RANGE)) return true;
  const struct gval bounds[] = {gval_of(value_int(g->plain.range.start)),
                                gval_of(value_int(g->plain.range.stop)),
                                gval_of(value_int(g->plain.range.step))};
  return lower_op(l, f, &op_table[OP_arange],
                  &(struct call_args){.at = at, .positional = bounds, .n = ARRAY_LEN(bounds)}, g);
}
// NOLINTEND(misc-no-recursion)
