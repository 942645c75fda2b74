/* Parameter, Buffer and what quantised modules keep: one entry of the state dict. */
#include "arch/construct_parts.h"

bool(construct_bad_size)(struct eval *ev, uint32_t at, const struct value *v) {
  struct span s = value_show(ev->arena, v);
  ev->culprit = *v;
  return eval_error(ev, at, "a size is an integer of 0 or more, found %.*s", (int)s.n, (const char *)s.p);
}

static bool slot_sizes(struct builder *b, uint32_t at, const struct value *shape, struct slot *slot) {
  const struct value *dims = shape->kind == VALUE_TUPLE ? shape->items : shape;
  slot->ndim = shape->kind == VALUE_TUPLE ? shape->n : 1;
  if (slot->ndim > b->max->tensor_dims)
    return eval_error(b->eval, at, "a shape of %u dimensions", slot->ndim);
  uint64_t *sizes = arena_array(b->arena, slot->ndim, uint64_t);
  if (!sizes) return construct_memory(b->eval, at);
  uint64_t numel = 1, nonzero = 1;
  for (uint32_t i = 0; i < slot->ndim; i++) {
    if (dims[i].kind != VALUE_INT || dims[i].number < 0) return construct_bad_size(b->eval, at, &dims[i]);
    sizes[i] = (uint64_t)dims[i].number;
    numel = sizes[i] && numel ? numel : 0;
    /* The product without the zeros must fit too, as torch demands of strides. */
    if (sizes[i] && (!try_mul(nonzero, sizes[i], &nonzero) || nonzero > INT64_MAX))
      return eval_error(b->eval, at, "the number of elements does not fit 64 bits");
  }
  slot->sizes = sizes;
  slot->numel = numel ? nonzero : 0;
  return true;
}

static bool slot_dtype(struct builder *b, uint32_t at, const struct value *v, struct slot *slot) {
  if (v->kind == VALUE_NONE) {
    slot->rule = SLOT_ANY;
    return true;
  }
  if (v->kind != VALUE_DTYPE)
    return eval_error(b->eval, at, "expected a dtype, found %s", value_kind_name(v->kind));
  slot->rule = v->dtype == DTYPE_NONE ? SLOT_FLOAT : SLOT_EXACT;
  slot->dtype = v->dtype;
  return true;
}

/* (shape, dtype, optional, value), of a Buffer alone. */
static bool construct_tensor(struct builder *b, uint32_t at, const struct module *m, struct slot *slot) {
  slot->optional = value_truth(&m->args[2]);
  if (slot->buffer) slot->constant = m->args[3];
  if (slot->constant.kind != VALUE_NONE && slot->constant.kind != VALUE_RANGE &&
      slot->constant.kind != VALUE_PATTERN && !value_is_number(&slot->constant))
    return eval_error(b->eval, at,
                      "a buffer's value is a number, arange(…), causal_mask(n) or "
                      "relative_position_index(n), found %s",
                      value_kind_name(slot->constant.kind));
  return slot_sizes(b, at, &m->args[0], slot) && slot_dtype(b, at, &m->args[1], slot);
}

bool construct_slot(struct builder *b, uint32_t at, struct module *m) {
  struct slot *slot = arena_new(b->arena, struct slot);
  if (!slot) return construct_memory(b->eval, at);
  slot->buffer = m->type != TYPE_Parameter;
  slot->holds = m->type == TYPE_Packed ? HOLDS_PACKED : m->type == TYPE_Plain ? HOLDS_PLAIN : HOLDS_TENSOR;
  m->slots = slot;
  m->num_slots = 1;
  if (slot->holds == HOLDS_TENSOR) return construct_tensor(b, at, m, slot);
  slot->packs_bias = slot->holds == HOLDS_PACKED && value_truth(&m->args[1]);
  return slot->holds == HOLDS_PLAIN || slot_sizes(b, at, &m->args[0], slot);
}

bool module_is_slot(const struct module *m) {
  return m->kind == MODULE_TYPE && (m->type == TYPE_Parameter || m->type == TYPE_Buffer ||
                                    m->type == TYPE_Packed || m->type == TYPE_Plain);
}
