/* Numbers that tell how much a class allocates or reads: what goes through values without an end, or believes
 * a count, uses up the memory of whoever loads it (threats G14). */
#include "model/call.h"

enum { NUM_LISTED = 1 << 24, NUM_LAYERS = 1 << 12, NUM_OUTPUTS = 1 << 16, NUM_ROWS = 1 << 28 };

bool is_int_within(const struct machine *m, val_id v, int64_t least, int64_t most) {
  const struct value *x = value_of(m, v);
  return x->kind == VAL_INT && x->number >= least && x->number <= most;
}

/* range(…), itertools.count and itertools.repeat are values while nothing goes through them. Between bounds
 * there are no more numbers than their distance, whatever the step is. */
uint32_t build_COUNTED(const struct call *c) {
  bool ends = false;
  uint32_t most = strcmp(c->row->name, "range") == 0 ? 2 : 0; /* arguments that bound it, from the first */
  if (!plain_arguments(c)) return refuse_arguments(c, "not a plain value");
  if (strcmp(c->row->name, "repeat") == 0 && c->n == 2)
    ends = is_int_within(c->m, call_arg(c, 1), INT64_MIN, NUM_LISTED);
  for (uint32_t i = 0; i < most && i < c->n; i++)
    ends = (i == 0 || ends) && is_int_within(c->m, call_arg(c, i), -NUM_LISTED, NUM_LISTED);
  if (ends) return call_built(c, BUILT_RECORD, 0);
  c->cp->kept.n++;
  return call_built(c, BUILT_RECORD, ENDLESS);
}

/* (class, class of the data, (0,), b'b'), as numpy writes it: of another shape it is memory that nobody
 * filled. */
uint32_t build_NP_MASKED(const struct call *c) {
  val_id shape = call_arg(c, 2);
  struct span code;
  bool empty = kind_of(c->m, shape) == VAL_TUPLE && value_count(c->m, shape) == 1 &&
               is_int_within(c->m, value_item(c->m, shape, 0), 0, 0);
  if (!bytes_of(c->cp, c->m, call_arg(c, 3), &code)) code = call_bytes(c, 3);
  bool classes = call_kind(c, 0) == VAL_GLOBAL && call_kind(c, 1) == VAL_GLOBAL && plain_arguments(c);
  if (c->n != 4 || !classes || !empty || !span_is(code, "b"))
    return refuse_arguments(c, "not (MaskedArray, ndarray, (0,), b'b')");
  return call_built(c, BUILT_RECORD, 0);
}

/* Is it an array of so many numbers? In a pickle of its own an array is a tensor. */
static bool has_numbers(const struct call *c, val_id v, uint64_t numbers) {
  const struct built *b = built_of(c->cp, c->m, v);
  if (b && b->kind == BUILT_TENSOR) return c->cp->tensors.p[b->index].numel == numbers;
  if (!b || b->kind != BUILT_NP_ARRAY || b->index == 0) return false;
  val_id shape = c->cp->np_arrays.p[b->index - 1].shape;
  return value_count(c->m, shape) == 1 &&
         is_int_within(c->m, value_item(c->m, shape, 0), (int64_t)numbers, (int64_t)numbers);
}

/* (outputs, samples), or (outputs, classes of each): scikit-learn reads as many numbers of the array as there
 * are outputs, however many it has. */
uint32_t build_CRITERION(const struct call *c) {
  bool fine = c->n == 0;
  if (c->n == 2 && is_int_within(c->m, call_arg(c, 0), 0, NUM_OUTPUTS)) {
    uint64_t outputs = (uint64_t)value_of(c->m, call_arg(c, 0))->number;
    fine = call_kind(c, 1) == VAL_INT || has_numbers(c, call_arg(c, 1), outputs);
  }
  return fine ? call_built(c, BUILT_RECORD, 0)
              : refuse_arguments(c, "not a number of outputs, and the classes of each or the samples");
}

/* torch.nn.RNNBase.__setstate__ makes the names of its weights anew, layer by layer, unless there are some.
 * What its state lacks it finds in the parts of the module, where torch puts none of it. */
bool names_layers(const struct machine *m, val_id fields) {
  val_id weights = dict_get(m, fields, "_all_weights");
  for (uint32_t i = 0; i < MODULE_PARTS; i++)
    if (dict_get(m, module_part(m, fields, i), "_all_weights")) return false;
  if (!weights) weights = dict_get(m, fields, "all_weights");
  if (!weights) return true;
  for (uint32_t depth = 0; depth < 2 && weights; depth++)
    weights = kind_of(m, weights) == VAL_LIST && value_count(m, weights) ? value_item(m, weights, 0) : 0;
  return value_is_string(m, weights) || is_int_within(m, dict_get(m, fields, "num_layers"), 0, NUM_LAYERS);
}

/* _new_Index(RangeIndex, {start, stop, step}): a table has a number for each of its columns, which are as
 * many as such an index says. */
bool counts_rows(const struct call *c) {
  const struct value *of[2];
  static const char *const keys[] = {"start", "stop"};
  if (strcmp(c->row->name, "_new_Index") != 0 || !dict_get(c->m, call_arg(c, 1), keys[1])) return true;
  for (size_t i = 0; i < 2; i++) {
    of[i] = value_of(c->m, dict_get(c->m, call_arg(c, 1), keys[i]));
    if (of[i]->kind != VAL_INT) return false;
  }
  uint64_t from = (uint64_t)of[0]->number, to = (uint64_t)of[1]->number;
  uint64_t apart = of[0]->number < of[1]->number ? to - from : from - to;
  const struct value *step = value_of(c->m, dict_get(c->m, call_arg(c, 1), "step"));
  uint64_t each = step->kind == VAL_INT && step->number > 0 ? (uint64_t)step->number : 1;
  return apart / each <= NUM_ROWS;
}
