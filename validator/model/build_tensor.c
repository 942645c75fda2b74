/* torch's own rebuilding functions, argument by argument (format-spec D.3, threats H). A tensor is built
 * only when its view is proved; a call that does not fit its form is refused, and the object stays a refused
 * one. */
#include "model/call.h"

bool int_tuple(const struct call *c, val_id v, int64_t out[MAX_DIMS], uint32_t *n) {
  const struct built *b = built_of(c->cp, c->m, v);
  if (b && b->kind == BUILT_SIZE) v = value_item(c->m, value_object(c->m, v)->args, 0);
  enum value_kind k = kind_of(c->m, v);
  *n = value_count(c->m, v);
  if (k != VAL_TUPLE && k != VAL_LIST) return false;
  for (uint32_t i = 0; i < *n && i < MAX_DIMS; i++) {
    val_id item = value_item(c->m, v, i);
    if (kind_of(c->m, item) != VAL_INT) return false;
    out[i] = value_of(c->m, item)->number;
  }
  return true;
}

static const struct persid *persid_arg(const struct call *c, uint32_t i) {
  return call_kind(c, i) == VAL_PERSID ? &c->m->persids.p[value_of(c->m, call_arg(c, i))->ref] : NULL;
}

/* 1-based; 0: the argument names none. */
static uint32_t storage_arg(const struct call *c, uint32_t i) {
  const struct built *b = built_of(c->cp, c->m, call_arg(c, i));
  if (b) return b->kind == BUILT_STORAGE ? b->index : 0;
  return persid_arg(c, i) ? persid_storage(persid_arg(c, i)) : 0;
}

/* The first argument is no storage; why a persistent id names none was said there. */
static uint32_t refuse_storage(const struct call *c) {
  const struct persid *p = persid_arg(c, 0);
  const struct built *b = built_of(c->cp, c->m, call_arg(c, 0));
  if ((p && !p->tag && !class_of_id(c->cp, c->m, p->id)) || (b && b->kind == BUILT_REFUSED))
    return refuse_silently(c);
  return refuse_arguments(c, "the first argument is not a storage that the file holds");
}

bool is_empty_dict(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  if (b && b->kind == BUILT_DICT) return value_count(m, value_object(m, v)->items) == 0;
  return kind_of(m, v) == VAL_DICT && value_count(m, v) == 0;
}

/* backward_hooks: an empty OrderedDict or None; a loader would call anything else later (threats H19), also
 * what comes in after this call. */
static bool no_hooks(const struct call *c, uint32_t i) {
  if (call_kind(c, i) == VAL_NONE) return true;
  machine_give(c->m, call_arg(c, i));
  return is_empty_dict(c->cp, c->m, call_arg(c, i));
}

/* metadata: absent, None, or a dict of conj and neg, as torch writes it. *turned: the values are not the
 * stored ones but their conjugates or negatives. */
static bool plain_metadata(const struct call *c, uint32_t i, enum dtype dtype, bool *turned) {
  *turned = false;
  if (i >= c->n || call_kind(c, i) == VAL_NONE) return true;
  if (call_kind(c, i) != VAL_DICT) return false;
  uint32_t n = value_count(c->m, call_arg(c, i));
  if (!spend(c->cp, n, c->at)) return false;
  for (uint32_t k = 0; k < n; k += 2) {
    struct span key = value_bytes(c->m, value_item(c->m, call_arg(c, i), k));
    const struct value *v = value_of(c->m, value_item(c->m, call_arg(c, i), k + 1));
    bool conj = span_is(key, "conj"), neg = span_is(key, "neg");
    if ((!conj && !neg) || v->kind != VAL_BOOL) return false;
    if (conj && v->truth && dtype_table[dtype].cls != DT_COMPLEX) return false;
    *turned = *turned || v->truth;
  }
  return true;
}

/* The dtype that a GLOBAL `torch.X` names, or DTYPE_NONE. */
enum dtype dtype_arg(const struct call *c, uint32_t i) {
  const struct global_row *row = call_row(c, i);
  return row && row->builder == BUILD_DTYPE ? dtype_by_name(span_str(row->name)) : DTYPE_NONE;
}

uint32_t add_tensor(const struct call *c, struct tensor_fact t, const int64_t *sizes,
                    const int64_t *strides) {
  if (dtype_table[t.dtype].cls == DT_QUANT) t.flags |= PLAN_QUANTIZED;
  uint32_t number = tensor_add(c->cp, t, sizes, strides);
  return number ? call_built(c, BUILT_TENSOR, number - 1) : 0;
}

/* Understood, its tensors proved; what only its numbers could prove is not read by this version. */
static void note_partly(const struct call *c, const char *what) {
  observe(c->cp->obs, (struct observation){.kind = OBS_TENSOR_PARTLY,
                                           .member = c->cp->member,
                                           .at = c->at,
                                           .subject = span_str(c->row->name),
                                           .detail = span_str(what)});
}

uint32_t partly_proved(const struct call *c, const char *what) {
  note_partly(c, what);
  return call_built(c, BUILT_UNREAD, 0);
}

static void note_meta(const struct call *c, uint64_t numel) {
  observe(c->cp->obs,
          (struct observation){.kind = OBS_TENSOR_META, .member = c->cp->member, .at = c->at, .got = numel});
}

/* torch raises on anything else; numbers packed in opaque bits are left to it (threats H19). */
static bool may_require_grad(enum dtype dtype) {
  enum dtype_class cls = dtype_table[dtype].cls;
  return cls == DT_FLOAT || cls == DT_COMPLEX || cls == DT_OPAQUE;
}

static uint32_t refuse_grad(const struct call *c) {
  return refuse_arguments(c, "only numbers with a fraction, and complex ones, can require gradients");
}

struct dense {
  uint32_t storage;
  enum dtype dtype;
  bool requires_grad;
  val_id quantizer; /* of a quantised dtype */
};

/* (storage, offset, sizes, strides) at arguments 0 … 3, proved. */
static uint32_t dense_tensor(const struct call *c, const struct dense *d) {
  int64_t sizes[MAX_DIMS], strides[MAX_DIMS];
  struct view_claim claim = {
      .dtype = d->dtype, .member = c->cp->member, .at = c->at, .sizes = sizes, .strides = strides};
  if (call_kind(c, 1) != VAL_INT) return refuse_arguments(c, "the storage offset is not an int");
  if (!int_tuple(c, call_arg(c, 2), sizes, &claim.num_sizes))
    return refuse_arguments(c, "the sizes are not a tuple of ints");
  if (!int_tuple(c, call_arg(c, 3), strides, &claim.num_strides))
    return refuse_arguments(c, "the strides are not a tuple of ints");
  const struct storage_fact *s = &c->cp->storages.p[d->storage - 1];
  bool meta = span_is(s->location, "meta") && s->member == 0;
  if (!meta && s->numel && s->bytes == 0)
    return refuse_silently(c); /* its record is missing or short: said there */
  claim.storage_bytes = meta ? INT64_MAX : s->bytes;
  claim.offset = value_of(c->m, call_arg(c, 1))->number;
  claim.subject = s->key;
  struct view v;
  if (!view_prove(&v, &claim, c->cp->obs)) return refuse_silently(c);
  if (meta) note_meta(c, v.numel);
  int flags = (d->requires_grad ? PLAN_REQUIRES_GRAD : 0) | (v.contiguous ? PLAN_CONTIGUOUS : 0) |
              (v.expanded ? PLAN_EXPANDED : 0) | (meta ? PLAN_META : 0);
  return add_tensor(c,
                    (struct tensor_fact){.storage = meta ? 0 : d->storage,
                                         .at = c->at,
                                         .dtype = (uint8_t)d->dtype,
                                         .ndim = v.ndim,
                                         .flags = (uint8_t)flags,
                                         .quantizer = d->quantizer,
                                         .offset = v.offset,
                                         .numel = v.numel,
                                         .extent = v.extent},
                    sizes, strides);
}

/* A tensor or storage that is kept unread: said where it was made. */
static bool is_unread(const struct call *c, uint32_t i) {
  const struct built *b = built_of(c->cp, c->m, call_arg(c, i));
  return b && b->kind == BUILT_UNREAD;
}

static uint32_t tensor_call(const struct call *c, uint32_t fewest, uint32_t most) {
  bool v3 = c->row->builder == BUILD_TENSOR_V3, turned;
  if (c->n < fewest || c->n > most) return refuse_arguments(c, "the number of arguments is not torch's");
  uint32_t storage = storage_arg(c, 0);
  if (is_unread(c, 0)) return call_built(c, BUILT_UNREAD, 0);
  if (!storage) return refuse_storage(c);
  const struct storage_fact *s = &c->cp->storages.p[storage - 1];
  struct dense d = {.storage = storage, .dtype = v3 ? dtype_arg(c, 6) : s->dtype};
  if (d.dtype == DTYPE_NONE) return refuse_arguments(c, "the dtype is not torch's");
  if (dtype_table[d.dtype].cls == DT_QUANT)
    return refuse_arguments(c, "the storage is of a quantised dtype: _rebuild_qtensor takes those");
  if (v3 && !s->untyped) return refuse_arguments(c, "_rebuild_tensor_v3 wants an untyped storage");
  if (c->n > 4 && call_kind(c, 4) != VAL_BOOL) return refuse_arguments(c, "requires_grad is not a bool");
  if (c->n > 5 && !no_hooks(c, 5))
    return refuse_arguments(c, "backward hooks are not empty: a loader would call them");
  if (!plain_metadata(c, v3 ? 7 : 6, d.dtype, &turned))
    return refuse_arguments(c, "the metadata is not torch's");
  if (turned)
    note_partly(c, "its values are the conjugates or negatives of what is stored, which this version reads");
  d.requires_grad = c->n > 4 && value_of(c->m, call_arg(c, 4))->truth;
  if (d.requires_grad && !may_require_grad(d.dtype)) return refuse_grad(c);
  return dense_tensor(c, &d);
}

uint32_t build_TENSOR(const struct call *c) { return tensor_call(c, 4, 4); }
uint32_t build_TENSOR_V2(const struct call *c) { return tensor_call(c, 6, 7); }
uint32_t build_TENSOR_V3(const struct call *c) { return tensor_call(c, 7, 8); }

/* A second name for the tensor at argument 0: the same row with other flags. */
static uint32_t same_tensor(const struct call *c, bool requires_grad, int more_flags) {
  const struct built *b = built_of(c->cp, c->m, call_arg(c, 0));
  if (is_unread(c, 0)) return call_built(c, BUILT_UNREAD, 0);
  if (b && b->kind == BUILT_REFUSED) return call_built(c, BUILT_REFUSED, 0); /* said already */
  if (!b || b->kind != BUILT_TENSOR) return refuse_arguments(c, "the data is not a tensor");
  struct tensor_fact t = c->cp->tensors.p[b->index];
  if (requires_grad && !may_require_grad(t.dtype)) return refuse_grad(c);
  int flags = (t.flags & ~PLAN_REQUIRES_GRAD) | more_flags | (requires_grad ? PLAN_REQUIRES_GRAD : 0);
  t.flags = (uint8_t)flags;
  uint32_t number = tensor_row(c->cp, &t);
  return number ? call_built(c, BUILT_TENSOR, number - 1) : 0;
}

static uint32_t parameter_call(const struct call *c, uint32_t n, bool with_state) {
  if (c->n != n) return refuse_arguments(c, "the number of arguments is not torch's");
  if (call_kind(c, 1) != VAL_BOOL) return refuse_arguments(c, "requires_grad is not a bool");
  if (!no_hooks(c, 2)) return refuse_arguments(c, "backward hooks are not empty: a loader would call them");
  if (with_state && !plain_attributes(c, 3))
    return refuse_arguments(c, "the state is not a dict of plain attributes or None");
  return same_tensor(c, value_of(c->m, call_arg(c, 1))->truth, PLAN_PARAMETER);
}

uint32_t build_PARAMETER(const struct call *c) { return parameter_call(c, 3, false); }
uint32_t build_PARAMETER_STATE(const struct call *c) { return parameter_call(c, 4, true); }

/* Parameter(tensor[, requires_grad]): torch 0.1 to 0.3 pickled parameters as a call of the class. */
uint32_t build_PARAMETER_CLASS(const struct call *c) {
  if (c->n == 0 && value_object(c->m, c->object)->origin == BY_NEWOBJ) return call_built(c, BUILT_RECORD, 0);
  if (c->n < 1 || c->n > 2) return refuse_arguments(c, "the number of arguments is not torch's");
  if (c->n == 2 && call_kind(c, 1) != VAL_BOOL) return refuse_arguments(c, "requires_grad is not a bool");
  return same_tensor(c, c->n < 2 || value_of(c->m, call_arg(c, 1))->truth, PLAN_PARAMETER);
}

uint32_t build_QTENSOR(const struct call *c) {
  if (c->n != 7) return refuse_arguments(c, "the number of arguments is not torch's");
  uint32_t storage = storage_arg(c, 0);
  if (is_unread(c, 0)) return call_built(c, BUILT_UNREAD, 0);
  if (!storage) return refuse_storage(c);
  struct dense d = {
      .storage = storage, .dtype = c->cp->storages.p[storage - 1].dtype, .quantizer = call_arg(c, 4)};
  if (dtype_table[d.dtype].cls != DT_QUANT)
    return refuse_arguments(c, "the storage is not of a quantised dtype");
  const char *what = quantizer_wrong(c, d.dtype, call_arg(c, 4));
  if (what) return refuse_arguments(c, what);
  if (call_kind(c, 5) != VAL_BOOL || !no_hooks(c, 6))
    return refuse_arguments(c, "requires_grad or hooks are not torch's");
  if (value_of(c->m, call_arg(c, 5))->truth) return refuse_grad(c);
  return dense_tensor(c, &d);
}

uint32_t build_META(const struct call *c) {
  int64_t sizes[MAX_DIMS], strides[MAX_DIMS];
  struct view_claim claim = {.dtype = dtype_arg(c, 0),
                             .storage_bytes = INT64_MAX,
                             .member = c->cp->member,
                             .at = c->at,
                             .sizes = sizes,
                             .strides = strides,
                             .subject = SPAN("meta tensor")};
  if (c->n != 4 || claim.dtype == DTYPE_NONE || call_kind(c, 3) != VAL_BOOL)
    return refuse_arguments(c, "the arguments are not torch's");
  if (!int_tuple(c, call_arg(c, 1), sizes, &claim.num_sizes) ||
      !int_tuple(c, call_arg(c, 2), strides, &claim.num_strides))
    return refuse_arguments(c, "sizes or strides are not tuples of ints");
  struct view v;
  if (!view_prove(&v, &claim, c->cp->obs)) return refuse_silently(c);
  note_meta(c, v.numel);
  return add_tensor(c,
                    (struct tensor_fact){.at = c->at,
                                         .dtype = (uint8_t)claim.dtype,
                                         .ndim = v.ndim,
                                         .flags = PLAN_META,
                                         .offset = 0,
                                         .numel = v.numel},
                    sizes, strides);
}

static bool is_numpy_array(const struct built *b) {
  return b->row && (b->row->builder == BUILD_NP_RECONSTRUCT || b->row->builder == BUILD_NP_FROMBUFFER);
}

/* Its storage is the CPU's. */
static void note_device(const struct call *c, struct span device) {
  if (span_is(device, "cpu")) return;
  observe(c->cp->obs,
          (struct observation){
              .kind = OBS_STORAGE_DEVICE, .member = c->cp->member, .at = c->at, .subject = device, .got = 1});
}

/* All functions but the newest take a numpy array, which torch.from_numpy reads; of bfloat16 numbers it has
 * them as float32. */
uint32_t build_DEVICE_TENSOR(const struct call *c) {
  const struct built *data = built_of(c->cp, c->m, call_arg(c, 0));
  bool through_numpy = strcmp(c->row->name, "_rebuild_device_tensor_from_cpu_tensor") != 0;
  if (c->n != 4 || dtype_arg(c, 1) == DTYPE_NONE || !value_is_string(c->m, call_arg(c, 2)) ||
      call_kind(c, 3) != VAL_BOOL)
    return refuse_arguments(c, "the arguments are not (data, dtype, device, requires_grad)");
  if (is_unread(c, 0)) return call_built(c, BUILT_UNREAD, 0);
  if (data && data->kind == BUILT_REFUSED) return call_built(c, BUILT_REFUSED, 0); /* said already */
  if (!data || is_numpy_array(data) != through_numpy)
    return refuse_arguments(c, through_numpy ? "the data is not a numpy array" : "the data is not a tensor");
  bool read = data->kind == BUILT_TENSOR;
  if (read && c->cp->tensors.p[data->index].dtype == dtype_arg(c, 1)) {
    note_device(c, value_bytes(c->m, call_arg(c, 2)));
    return same_tensor(c, value_of(c->m, call_arg(c, 3))->truth, 0);
  }
  if (read && !through_numpy) return refuse_arguments(c, "the dtype is not the data's");
  return partly_proved(c, "a device tensor saved through numpy is not read by this version");
}
