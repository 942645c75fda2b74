/* Tensors of a class of their own (format-spec D.3): a call of one of torch's rebuilding functions, the
 * class, and attributes. What holds its data in attributes is a record here: its shape is a claim that
 * nothing backs (threats H17), and its tensors are proved each by itself. */
#include "model/call.h"

static bool is_own_type(const struct global_row *type) {
  return type && (type->builder == BUILD_TENSOR_CLASS || type->builder == BUILD_PARAMETER_CLASS);
}

/* A framework's, or one that the user allows. Of a class on no list nobody knows what its state does. */
static bool is_subclass(const struct global_row *type) { return type && type->cls == GLOBAL_RECORD; }

uint32_t build_WRAPPER(const struct call *c) {
  return refuse_arguments(c, "a tensor subclass without data of its own claims a shape that nothing backs");
}

static bool is_built(const struct call *c, uint32_t i, enum built_kind kind) {
  const struct built *b = built_of(c->cp, c->m, call_arg(c, i));
  return b && b->kind == kind;
}

static bool is_sizes(const struct call *c, uint32_t i) {
  int64_t dims[MAX_DIMS];
  uint32_t n;
  if (!int_tuple(c, call_arg(c, i), dims, &n) || n > MAX_DIMS) return false;
  for (uint32_t d = 0; d < n; d++)
    if (dims[d] < 0) return false;
  return true;
}

/* (cls, dtype, sizes, strides, offset, layout, device, requires_grad) of the very class that the call names.
 */
static uint32_t wrapped(const struct call *c, const struct call *outer) {
  const struct global *type = value_global(c->m, call_arg(outer, 1)),
                      *again = value_global(c->m, call_arg(c, 0));
  if (c->n != 8 || !again || !span_eq(type->mapped_module, again->mapped_module) ||
      !span_eq(type->mapped_name, again->mapped_name))
    return refuse_arguments(c, "the class is not the one that the tensor is given");
  if (dtype_arg(c, 1) == DTYPE_NONE || !is_sizes(c, 2) || !is_sizes(c, 3) || call_kind(c, 4) != VAL_INT ||
      !is_built(c, 5, BUILT_LAYOUT) || !is_built(c, 6, BUILT_DEVICE) || call_kind(c, 7) != VAL_BOOL)
    return refuse_arguments(c, "the arguments are not torch's");
  return call_built(outer, BUILT_RECORD, 0);
}

uint32_t build_NJT(const struct call *c) {
  return refuse_arguments(c, "only _rebuild_from_type_v2 calls it");
}

/* ({values, offsets, …}): the keyword arguments of NestedTensor. */
static uint32_t jagged(const struct call *c, const struct call *outer) {
  static const char *const names[] = {"values",      "offsets",         "lengths",
                                      "_ragged_idx", "_metadata_cache", "requires_grad"};
  val_id dict = call_arg(c, 0);
  if (c->n != 1 || kind_of(c->m, dict) != VAL_DICT || value_count(c->m, dict) > 2 * ARRAY_LEN(names))
    return refuse_arguments(c, "the argument is not the dict that torch writes");
  for (uint32_t i = 0; i < value_count(c->m, dict); i += 2) {
    bool known = false;
    struct span key = value_bytes(c->m, value_item(c->m, dict, i));
    for (size_t k = 0; k < ARRAY_LEN(names); k++) known = known || span_is(key, names[k]);
    if (!known) return refuse_arguments(c, "a keyword that torch does not write");
  }
  machine_give(c->m, dict);
  return call_built(outer, BUILT_RECORD, 0);
}

/* fastai's _fa_rebuild_tensor calls the class with the tensor: only classes that keep it and no more. */
uint32_t build_CLASS_TENSOR(const struct call *c) {
  const struct global_row *cls = call_row(c, 0);
  if (c->n != 7 || !is_subclass(cls) || !span_starts(span_str(cls->module), SPAN("fastai.")) ||
      !span_starts(span_str(cls->name), SPAN("Tensor")))
    return refuse_arguments(c, "the class is no tensor class of fastai's, or the arguments are not its own");
  struct call inner = *c;
  inner.first = 1;
  inner.n = c->n - 1;
  return build_TENSOR_V2(&inner);
}

/* func(*args) given a type: only torch's own rebuilding functions (threats H20). */
uint32_t build_FROM_TYPE_V2(const struct call *c) {
  static builder_fn *const functions[BUILDERS] = {[BUILD_TENSOR_V2] = build_TENSOR_V2,
                                                  [BUILD_TENSOR_V3] = build_TENSOR_V3,
                                                  [BUILD_CLASS_TENSOR] = build_CLASS_TENSOR,
                                                  [BUILD_PARAMETER] = build_PARAMETER,
                                                  [BUILD_PARAMETER_STATE] = build_PARAMETER_STATE,
                                                  [BUILD_QTENSOR] = build_QTENSOR,
                                                  [BUILD_SPARSE] = build_SPARSE,
                                                  [BUILD_META] = build_META,
                                                  [BUILD_NESTED] = build_NESTED,
                                                  [BUILD_DEVICE_TENSOR] = build_DEVICE_TENSOR};
  if (c->n != 4 || call_kind(c, 2) != VAL_TUPLE)
    return refuse_arguments(c, "the arguments are not (func, type, args, state)");
  const struct global_row *func = call_row(c, 0), *type = call_row(c, 1);
  if (!is_own_type(type) && !is_subclass(type))
    return refuse_arguments(
        c, "the type is no tensor class on a list; if it is a class that is yours, --allow it");
  if (!plain_attributes(c, 3))
    return refuse_arguments(c, "the state is not a dict of plain attributes or None");
  struct call inner = *c;
  inner.args = call_arg(c, 2);
  inner.n = value_count(c->m, inner.args);
  inner.row = func;
  if (func && is_subclass(type) && func->builder == BUILD_WRAPPER) return wrapped(&inner, c);
  if (func && is_subclass(type) && func->builder == BUILD_NJT) return jagged(&inner, c);
  if (!func || !functions[func->builder])
    return refuse_arguments(c, "the function is not one of torch's rebuilding functions");
  return functions[func->builder](&inner);
}
