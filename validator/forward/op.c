#include "forward/op.h"

#include <stdarg.h>

#include "forward/families.h"
#include "forward/params.h"

/* clang-format off */
#define OP(id, parameters, ...) static const struct op_param params_of_##id[] = parameters;
#include "forward/ops.def"

/* clang-format on */

const struct op op_table[OP_COUNT] = {
#define OP(id, parameters, shape_rule, cost_rule, kernel_function, relative, absolute) \
  [OP_##id] = {.name = #id,                                                            \
               .params = params_of_##id,                                               \
               .num_params = ARRAY_LEN(params_of_##id),                                \
               .shape = shape_rule,                                                    \
               .cost = cost_rule,                                                      \
               .kernel = kernel_function,                                              \
               .rtol = relative,                                                       \
               .atol = absolute},
#include "forward/ops.def"
};

static const struct op_module op_modules[TYPE_COUNT] = {
#define MODULE(type, op, inputs) [TYPE_##type] = {OP_##op, inputs},
#include "forward/ops.def"
};

static const struct {
  const char *name;
  enum op_id op;
} op_aliases[] = {
#define ALIAS(alias, id) {#alias, OP_##id},
#include "forward/ops.def"
};

static const bool op_shares_table[OP_COUNT] = {
#define SHARES(id) [OP_##id] = true,
#include "forward/ops.def"
};

bool op_shares(const struct op *op) { return op_shares_table[op - op_table]; }

static const bool op_in_place_table[OP_COUNT] = {
#define IN_PLACE(id) [OP_##id] = true,
#include "forward/ops.def"
};

bool op_in_place(const struct op *op) { return op_in_place_table[op - op_table]; }

const struct op *op_by_name(struct span name) {
  for (size_t i = 0; i < OP_COUNT; i++)
    if (span_is(name, op_table[i].name)) return &op_table[i];
  for (size_t i = 0; i < ARRAY_LEN(op_aliases); i++)
    if (span_is(name, op_aliases[i].name)) return &op_table[op_aliases[i].op];
  return NULL;
}

const struct op_module *op_module_by_type(enum module_type type) {
  return op_modules[type].inputs ? &op_modules[type] : NULL;
}

bool op_run(const struct op *op, struct op_call *c) { return c->out->numel == 0 || op->kernel(c); }

/* ---- errors ---- */

static bool error_words(struct op_call *c, enum obs_kind kind, const char *format, va_list words)
    __attribute__((format(printf, 3, 0)));

static bool error_words(struct op_call *c, enum obs_kind kind, const char *format, va_list words) {
  char text[512];
  int n = vsnprintf(text, sizeof text, format, words);
  c->error = kind;
  size_t len = n < 0 ? 0 : min_size((size_t)n, sizeof text - 1);
  if (!arena_copy(c->arena, span_of(text, len), &c->why)) c->why = SPAN("");
  return false;
}

bool(op_error)(struct op_call *c, const char *format, ...) {
  va_list words;
  va_start(words, format);
  bool answer = error_words(c, OBS_FWD_SHAPE, format, words);
  va_end(words);
  return answer;
}

bool(op_unsupported)(struct op_call *c, const char *format, ...) {
  va_list words;
  va_start(words, format);
  bool answer = error_words(c, OBS_FWD_UNSUPPORTED, format, words);
  va_end(words);
  return answer;
}

bool(op_no_memory)(struct op_call *c) {
  c->error = OBS_FWD_MEMORY;
  c->why = SPAN("");
  return false;
}

/* ---- binding ---- */

static unsigned takes_of(enum op_value_kind kind) {
  static const unsigned takes[] = {
      [OPV_NONE] = TAKES_NONE,     [OPV_BOOL] = TAKES_BOOL,       [OPV_INT] = TAKES_INT | TAKES_INTS,
      [OPV_FLOAT] = TAKES_FLOAT,   [OPV_TEXT] = TAKES_TEXT,       [OPV_INTS] = TAKES_INTS,
      [OPV_TENSOR] = TAKES_TENSOR, [OPV_TENSORS] = TAKES_TENSORS, [OPV_DTYPE] = TAKES_DTYPE,
      [OPV_FLOATS] = TAKES_FLOATS};
  return takes[kind];
}

static const char *kind_name(enum op_value_kind kind) {
  static const char *const names[] = {[OPV_NONE] = "None",       [OPV_BOOL] = "a bool",
                                      [OPV_INT] = "an int",      [OPV_FLOAT] = "a float",
                                      [OPV_TEXT] = "a string",   [OPV_INTS] = "a tuple",
                                      [OPV_TENSOR] = "a tensor", [OPV_TENSORS] = "a tuple of tensors",
                                      [OPV_DTYPE] = "a dtype",   [OPV_FLOATS] = "a tuple of floats"};
  return names[kind];
}

static bool argument_error(struct op_call *c, const char *format, ...) PRINTF_LIKE(2, 3);
static bool argument_error(struct op_call *c, const char *format, ...) {
  va_list words;
  va_start(words, format);
  bool answer = error_words(c, OBS_FWD_ARGUMENT, format, words);
  va_end(words);
  return answer;
}

static bool set_argument(struct op_call *c, const struct op *op, uint32_t i, const struct op_value *v,
                         struct op_value *out) {
  if (!(takes_of(v->kind) & op->params[i].takes))
    return argument_error(c, "%s: argument '%s' can't be %s", op->name, op->params[i].name,
                          kind_name(v->kind));
  for (uint32_t k = 0; v->kind == OPV_INTS && k < v->n; k++)
    if (v->ints[k] == OP_NONE_IN_INTS && !(op->params[i].takes & TAKES_GAPS))
      return argument_error(c, "%s: argument '%s' can't be a tuple with None in it", op->name,
                            op->params[i].name);
  out[i] = *v;
  return true;
}

/* einsum('ij,jk', a, b): the tensors from position `from` on become one tuple. */
static bool gather_tensors(struct op_call *c, const struct op *op, const struct op_arguments *given,
                           uint32_t from, struct op_value *out) {
  struct ftensor **tensors = arena_array(c->arena, given->n - from, struct ftensor *);
  if (!tensors) return op_no_memory(c);
  for (uint32_t i = from; i < given->n; i++) {
    if (given->positional[i].kind != OPV_TENSOR)
      return argument_error(c, "%s: '%s' takes tensors, not %s", op->name, op->params[from].name,
                            kind_name(given->positional[i].kind));
    tensors[i - from] = given->positional[i].tensor;
  }
  out[from] = (struct op_value){.kind = OPV_TENSORS, .tensors = tensors, .n = given->n - from};
  return true;
}

/* view(x, 2, -1): the ints from position `from` on become one tuple. */
static bool gather_rest(struct op_call *c, const struct op *op, const struct op_arguments *given,
                        uint32_t from, struct op_value *out) {
  int64_t *ints = arena_array(c->arena, given->n - from, int64_t);
  if (!ints) return op_no_memory(c);
  for (uint32_t i = from; i < given->n; i++) {
    if (given->positional[i].kind != OPV_INT)
      return argument_error(c, "%s: '%s' takes ints, not %s", op->name, op->params[from].name,
                            kind_name(given->positional[i].kind));
    ints[i - from] = given->positional[i].i;
  }
  out[from] = (struct op_value){.kind = OPV_INTS, .ints = ints, .n = given->n - from};
  return true;
}

static bool bind_positional(struct op_call *c, const struct op *op, const struct op_arguments *given,
                            struct op_value *out, bool *bound) {
  for (uint32_t i = 0; i < given->n; i++) {
    if (i >= op->num_params)
      return argument_error(c, "%s takes at most %u arguments, %u were given", op->name, op->num_params,
                            given->n);
    bound[i] = true;
    const unsigned takes = op->params[i].takes;
    if (takes & TAKES_REST && takes & TAKES_INTS && given->positional[i].kind == OPV_INT)
      return gather_rest(c, op, given, i, out);
    if (takes & TAKES_REST && takes & TAKES_TENSORS && given->positional[i].kind == OPV_TENSOR)
      return gather_tensors(c, op, given, i, out);
    if (!set_argument(c, op, i, &given->positional[i], out)) return false;
  }
  return true;
}

static uint32_t param_index(const struct op *op, struct span name) {
  uint32_t i = 0;
  while (i < op->num_params && !span_is(name, op->params[i].name)) i++;
  return i;
}

static bool bind_keywords(struct op_call *c, const struct op *op, const struct op_arguments *given,
                          struct op_value *out, bool *bound) {
  for (uint32_t k = 0; k < given->num_keywords; k++) {
    uint32_t i = param_index(op, given->keywords[k].name);
    if (i == op->num_params) return argument_error(c, "%s has no argument of the name given", op->name);
    if (bound[i]) return argument_error(c, "%s: argument '%s' is given twice", op->name, op->params[i].name);
    bound[i] = true;
    if (!set_argument(c, op, i, &given->keywords[k].value, out)) return false;
  }
  return true;
}

bool op_bind(struct op_call *c, const struct op *op, const struct op_arguments *given, struct op_value *out) {
  bool bound[OP_PARAMS] = {false};
  for (uint32_t i = 0; i < op->num_params; i++) out[i] = op->params[i].fallback;
  if (!bind_positional(c, op, given, out, bound) || !bind_keywords(c, op, given, out, bound)) return false;
  for (uint32_t i = 0; i < op->num_params; i++)
    if (op->params[i].required && !bound[i])
      return argument_error(c, "%s needs argument '%s'", op->name, op->params[i].name);
  return true;
}

/* ---- shared rules ---- */

bool op_result(struct op_call *c, enum ftype type, const uint64_t *size, uint32_t ndim) {
  if (ndim > FT_DIMS)
    return op_unsupported(c, "a result of %u dimensions; at most %d are supported", ndim, FT_DIMS);
  if (!ft_shape(c->out, type, size, ndim)) return op_error(c, "the result has too many elements");
  return true;
}

bool op_wants_f32(struct op_call *c, const char *what, const struct ftensor *t) {
  return t->type == FT_F32 || op_error(c, "%s must be float32, it is %s", what, ft_name(t->type));
}

bool op_axis(struct op_call *c, int64_t axis, uint32_t ndim, uint32_t *out) {
  int64_t dims = ndim ? (int64_t)ndim : 1;
  if (axis < -dims || axis >= dims)
    return op_error(c, "dimension %lld of a tensor that has %u", (long long)axis, ndim);
  *out = (uint32_t)(axis < 0 ? axis + dims : axis);
  return true;
}

bool shape_like_input(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, 0);
  return op_result(c, x->type, x->size, x->ndim);
}
uint64_t cost_of_output(const struct op_call *c) { return c->out->numel; }
uint64_t cost_nothing(const struct op_call *c) {
  (void)c;
  return 0;
}
