/* RNN, LSTM and GRU: a step for each layer and direction, layers above the first read what all directions
 * below them give. Answers (output, h) or (output, (h, c)), as PyTorch does. */
#include "forward/lower.h"
#include "forward/params.h"

enum { INPUT, HX };

struct layers {
  struct lowering *l;
  struct frame *f;
  const struct module *m;
  uint32_t at;
  const char *kind; /* as the op recurrent calls it */
  bool lstm, bias, projects, batch_first, batched;
  uint64_t layers, directions, hidden, out;
  struct gval x;      /* [length, batch, size] */
  struct gval h0, c0; /* [layers * directions, batch, …], or plain None */
  struct gval *h, *c; /* last states, one for each layer and direction */
};

static bool apply(struct layers *s, enum op_id id, const struct gval *args, uint32_t n, struct gval *out) {
  return lower_op(s->l, s->f, &op_table[id], &(struct call_args){.at = s->at, .positional = args, .n = n},
                  out);
}
static struct gval number(uint64_t i) { return gval_of(value_int((int64_t)i)); }
static struct gval none(void) { return gval_of((struct value){.kind = VALUE_NONE}); }

static uint64_t size_argument(const struct module *m, const char *name) {
  const struct value *v = module_arg(m, name);
  return v && v->kind == VALUE_INT && v->number > 0 ? (uint64_t)v->number : 0;
}
static bool truth_argument(const struct module *m, const char *name) {
  const struct value *v = module_arg(m, name);
  return v && value_truth(v);
}

static bool read_module(struct layers *s, enum module_type type) {
  const struct value *nonlinearity = module_arg(s->m, "nonlinearity");
  s->lstm = type == TYPE_LSTM;
  s->kind = s->lstm ? "lstm" : type == TYPE_GRU ? "gru" : "tanh";
  if (nonlinearity && nonlinearity->kind == VALUE_TEXT && span_is(nonlinearity->text, "relu"))
    s->kind = "relu";
  s->bias = truth_argument(s->m, "bias");
  s->batch_first = truth_argument(s->m, "batch_first");
  s->directions = truth_argument(s->m, "bidirectional") ? 2 : 1;
  s->layers = size_argument(s->m, "num_layers");
  s->hidden = size_argument(s->m, "hidden_size");
  s->projects = s->lstm && size_argument(s->m, "proj_size");
  s->out = s->projects ? size_argument(s->m, "proj_size") : s->hidden;
  return s->layers && s->hidden;
}

/* Input and states with a batch, length first. */
static bool take_input(struct layers *s, const struct op_value *arg) {
  const struct op_value *hx = &arg[HX];
  const bool pair = hx->kind == OPV_TENSORS;
  s->x = gval_tensor(graph_value(&arg[INPUT], 0));
  s->batched = s->x.tensor->t.ndim == 3;
  s->h0 = s->c0 = none();
  if (hx->kind != OPV_NONE && (pair != s->lstm || (pair && hx->n != 2)))
    return lower_refuse(
        s->l, s->f, s->at, OBS_FWD_ARGUMENT,
        s->lstm ? SPAN("the states of an LSTM are a pair (h, c)") : SPAN("the state is one tensor"));
  if (hx->kind != OPV_NONE) s->h0 = gval_tensor(graph_value(hx, 0));
  if (pair) s->c0 = gval_tensor(graph_value(hx, 1));
  if (s->batched && !s->batch_first) return true;
  const struct gval turned[] = {s->x, number(0), number(1)}, one = number(1);
  if (s->batched) return apply(s, OP_transpose, turned, 3, &s->x);
  struct gval *all[] = {&s->x, &s->h0, &s->c0};
  for (uint32_t i = 0; i < ARRAY_LEN(all); i++)
    if (all[i]->kind == GVAL_TENSOR &&
        !apply(s, OP_unsqueeze, (const struct gval[]){*all[i], one}, 2, all[i]))
      return false;
  return true;
}

/* The weight of that name for layer k, or None where the module has none. */
static bool weight(struct layers *s, const char *name, uint64_t layer, bool reverse, bool there,
                   struct gval *out) {
  bool found = false;
  *out = none();
  if (!there) return true;
  struct span full =
      arena_printf(s->l->r->arena, "%s_l%llu%s", name, (unsigned long long)layer, reverse ? "_reverse" : "");
  return lower_member(s->l, s->f, s->m, full, s->at, out, &found) &&
         (found || lower_refuse(s->l, s->f, s->at, OBS_FWD_WEIGHT_MISSING, full));
}

static bool initial(struct layers *s, const struct gval *states, uint64_t k, struct gval *out) {
  *out = none();
  return states->kind != GVAL_TENSOR ||
         apply(s, OP_select, (const struct gval[]){*states, number(0), number(k)}, 3, out);
}

/* A part of the flat result as a tensor of the given sizes (0: not there). */
static bool part(struct layers *s, const struct gval *flat, uint64_t start, const uint64_t size[3],
                 struct gval *out) {
  const uint64_t first = size[0] ? size[0] : 1, n = first * size[1] * size[2]; /* inside the flat result */
  struct value *sizes = arena_array(s->l->r->arena, 3, struct value);
  if (!sizes) return lower_memory(s->l);
  uint32_t dims = 0;
  for (uint32_t i = 0; i < 3; i++)
    if (i || size[0]) sizes[dims++] = value_int((int64_t)size[i]);
  struct gval piece;
  return apply(s, OP_narrow, (const struct gval[]){*flat, number(0), number(start), number(n)}, 4, &piece) &&
         apply(s, OP_view, (const struct gval[]){piece, gval_of(value_tuple(sizes, dims))}, 2, out);
}

static bool one_direction(struct layers *s, uint64_t layer, bool reverse, struct gval *y) {
  const uint64_t k = layer * s->directions + reverse;
  struct gval arg[] = {s->x,
                       none(),
                       none(),
                       none(),
                       none(),
                       none(),
                       none(),
                       none(),
                       gval_of(value_text(span_str(s->kind))),
                       gval_of(value_bool(reverse))};
  struct gval flat;
  if (!weight(s, "weight_ih", layer, reverse, true, &arg[1]) ||
      !weight(s, "weight_hh", layer, reverse, true, &arg[2]) ||
      !weight(s, "bias_ih", layer, reverse, s->bias, &arg[3]) ||
      !weight(s, "bias_hh", layer, reverse, s->bias, &arg[4]) ||
      !weight(s, "weight_hr", layer, reverse, s->projects, &arg[5]) || !initial(s, &s->h0, k, &arg[6]) ||
      !initial(s, &s->c0, k, &arg[7]) || !apply(s, OP_recurrent, arg, ARRAY_LEN(arg), &flat))
    return false;
  const uint64_t length = s->x.tensor->t.size[0], batch = s->x.tensor->t.size[1], state = batch * s->out;
  return part(s, &flat, 0, (const uint64_t[]){length, batch, s->out}, y) &&
         part(s, &flat, length * state, (const uint64_t[]){0, batch, s->out}, &s->h[k]) &&
         (!s->lstm ||
          part(s, &flat, (length + 1) * state, (const uint64_t[]){0, batch, s->hidden}, &s->c[k]));
}

static bool one_layer(struct layers *s, uint64_t layer) {
  struct gval *both = arena_array(s->l->r->arena, 2, struct gval);
  if (!both) return lower_memory(s->l);
  for (uint32_t d = 0; d < s->directions; d++)
    if (!one_direction(s, layer, d != 0, &both[d])) return false;
  if (s->directions == 1) {
    s->x = both[0];
    return true;
  }
  const struct gval pair = {.kind = GVAL_TUPLE, .n = 2, .items = both};
  return apply(s, OP_cat, (const struct gval[]){pair, number(2)}, 2, &s->x);
}

static bool stacked(struct layers *s, const struct gval *states, struct gval *out) {
  const struct gval list = {.kind = GVAL_TUPLE, .n = (uint32_t)(s->layers * s->directions), .items = states};
  if (!apply(s, OP_stack, &list, 1, out)) return false;
  return s->batched || apply(s, OP_squeeze, (const struct gval[]){*out, number(1)}, 2, out);
}

static bool answer(struct layers *s, struct gval *out) {
  struct gval *items = arena_array(s->l->r->arena, 2, struct gval),
              *states = arena_array(s->l->r->arena, 2, struct gval);
  if (!items || !states) return lower_memory(s->l);
  if (!stacked(s, s->h, &states[0]) || (s->lstm && !stacked(s, s->c, &states[1]))) return false;
  items[0] = s->x;
  items[1] = s->lstm ? (struct gval){.kind = GVAL_TUPLE, .n = 2, .items = states} : states[0];
  if (s->batched && s->batch_first &&
      !apply(s, OP_transpose, (const struct gval[]){s->x, number(0), number(1)}, 3, &items[0]))
    return false;
  if (!s->batched && !apply(s, OP_squeeze, (const struct gval[]){s->x, number(1)}, 2, &items[0]))
    return false;
  *out = (struct gval){.kind = GVAL_TUPLE, .beside = true, .n = 2, .items = items};
  return true;
}

static const struct op_param forward_params[] = {
    TENSOR("input"), {"hx", TAKES_TENSOR | TAKES_TENSORS | TAKES_NONE, false, {.kind = OPV_NONE}}};

bool lower_recurrent(struct lowering *l, struct frame *f, const struct module *m,
                     const struct call_args *args, struct gval *out, bool *found) {
  const struct op signature = {
      .name = module_type_name(m->type), .params = forward_params, .num_params = ARRAY_LEN(forward_params)};
  const struct op_value *bound;
  struct layers s = {.l = l, .f = f, .m = m, .at = args->at};
  *found = m->type == TYPE_RNN || m->type == TYPE_LSTM || m->type == TYPE_GRU;
  if (!*found) return true;
  if (!read_module(&s, m->type))
    return lower_refuse(l, f, args->at, OBS_FWD_SHAPE, SPAN("a recurrent layer of no size"));
  if (s.layers > l->r->max->forward_steps) return lower_refuse(l, f, args->at, OBS_FWD_STEPS, SPAN(""));
  if (!lower_bind(l, f, &signature, args, &bound)) return false;
  if (bound[INPUT].tensor->ndim != 2 && bound[INPUT].tensor->ndim != 3)
    return lower_refuse(l, f, args->at, OBS_FWD_SHAPE,
                        SPAN("the input of a recurrent layer has 2 or 3 dimensions"));
  s.h = arena_array(l->r->arena, s.layers * s.directions, struct gval);
  s.c = arena_array(l->r->arena, s.layers * s.directions, struct gval);
  if (!s.h || !s.c) return lower_memory(l);
  if (!take_input(&s, bound)) return false;
  for (uint64_t layer = 0; layer < s.layers; layer++)
    if (!one_layer(&s, layer)) return false;
  return answer(&s, out);
}
