/* numpy's arrays, scalars and dtypes, as calls (format-spec D.8). */
#include "model/call.h"
#include "model/load_plain.h"

static bool is_int(const struct machine *m, val_id v, int64_t number) {
  return kind_of(m, v) == VAL_INT && value_of(m, v)->number == number;
}

bool is_array_class(const struct global_row *row) {
  static const char *const names[] = {"ndarray", "matrix", "recarray", "chararray"};
  for (size_t i = 0; row && span_starts(span_str(row->module), SPAN("numpy")) && i < ARRAY_LEN(names); i++)
    if (strcmp(row->name, names[i]) == 0) return true;
  return false;
}

uint32_t build_NP_RECONSTRUCT(const struct call *c) {
  const struct global *cls = value_global(c->m, call_arg(c, 0));
  val_id shape = call_arg(c, 1);
  struct span code;
  bool empty = kind_of(c->m, shape) == VAL_TUPLE && value_count(c->m, shape) == 1 &&
               is_int(c->m, value_item(c->m, shape, 0), 0);
  if (!bytes_of(c->cp, c->m, call_arg(c, 2), &code)) code = call_bytes(c, 2);
  if (c->n != 3 || !cls || !empty || !span_is(code, "b")) /* else it is memory that nobody filled */
    return refuse_arguments(c, "not (ndarray, (0,), b'b')");
  const struct global_row *cls_row = call_row(c, 0);
  if (!is_array_class(cls_row)) return refuse_arguments(c, "the class is not numpy.ndarray");
  return call_built(c, BUILT_NP_ARRAY, 0);
}

/* Extended precision is a number too, though its size and format are the machine's: kept, not read. */
static bool is_extended(const struct np_dtype *dt) {
  return !dt->plain && (dt->kind == 'f' || dt->kind == 'c');
}

static bool is_text(const struct np_dtype *dt) { return dt->kind == 'S' || dt->kind == 'U'; }

const struct np_dtype *np_dtype_of(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  return b && b->kind == BUILT_NP_DTYPE ? &cp->np_dtypes.p[b->index] : NULL;
}

const struct np_dtype *use_np_dtype(struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct np_dtype *dt = np_dtype_of(cp, m, v);
  if (dt) cp->np_dtypes.p[dt - cp->np_dtypes.p].used = true;
  return dt;
}

/* The product of a shape tuple times the item size; false when it is no shape or overflows. */
static bool np_bytes(const struct machine *m, val_id shape, uint64_t item, uint64_t *out) {
  enum { NP_DIMS = 32 };
  if (kind_of(m, shape) != VAL_TUPLE || value_count(m, shape) > NP_DIMS) return false;
  *out = item;
  for (uint32_t i = 0; i < value_count(m, shape); i++) {
    const struct value *v = value_of(m, value_item(m, shape, i));
    if (v->kind != VAL_INT || v->number < 0 || !try_mul(*out, (uint64_t)v->number, out)) return false;
  }
  return true;
}

/* 'f4', '<f4', 'U5': kind and item size. Unicode counts characters of 4 bytes. */
static bool parse_dtype_code(struct span s, struct np_dtype *out) {
  if (s.n && (s.p[0] == '<' || s.p[0] == '>' || s.p[0] == '=' || s.p[0] == '|')) {
    out->big_endian = s.p[0] == '>';
    s = span_from(s, 1);
  }
  if (s.n < 1 || !memchr("fiubcSUVOMm", s.p[0], 11)) return false;
  if (s.n > 8) return false;
  out->kind = (char)s.p[0];
  uint32_t size = 0;
  for (size_t i = 1; i < s.n; i++) {
    if (s.p[i] < '0' || s.p[i] > '9' || size > 1000) return false;
    size = size * 10 + (uint32_t)(s.p[i] - '0');
  }
  out->size = out->kind == 'U' ? size * 4 : size;
  static const char *const plain[] = {"f2", "f4", "f8", "i1", "i2", "i4",  "i8", "u1",
                                      "u2", "u4", "u8", "b1", "c8", "c16", "M8", "m8"};
  for (size_t i = 0; i < ARRAY_LEN(plain); i++) out->plain = out->plain || span_is(s, plain[i]);
  out->objects = out->kind == 'O';
  out->fixed = out->plain || is_extended(out) || is_text(out) || out->kind == 'V';
  return true;
}

/* numpy.record: the dtype of a recarray, whose state tells its size. */
static bool is_record_class(const struct global_row *row) {
  return row && strcmp(row->module, "numpy") == 0 && strcmp(row->name, "record") == 0;
}

uint32_t build_NP_DTYPE(const struct call *c) {
  struct np_dtype dt = {0};
  uint32_t n = c->n;
  bool record = n > 0 && is_record_class(call_row(c, 0));
  if (record) dt = (struct np_dtype){.kind = 'V', .fixed = true, .sized_by_state = true};
  if (n < 1 || n > 3 ||
      (!record && (!value_is_string(c->m, call_arg(c, 0)) || !parse_dtype_code(call_bytes(c, 0), &dt))))
    return refuse_arguments(c, "not a dtype code");
  struct np_dtype *slot = vec_push(c->cp->arena, &c->cp->np_dtypes, c->cp->max->pickle_values);
  if (!slot) return 0;
  *slot = dt;
  return call_built(c, BUILT_NP_DTYPE, c->cp->np_dtypes.n - 1);
}

/* ---- records: a dtype of bytes (V) with fields, or the items of a small array ---- */

static const struct np_dtype *use_part(struct checkpoint *cp, const struct machine *m, val_id v,
                                       struct np_dtype *whole) {
  const struct np_dtype *part = use_np_dtype(cp, m, v);
  whole->objects = whole->objects || (part && part->objects);
  whole->fixed = whole->fixed && part && part->fixed;
  return part;
}

/* (dtype, shape): as many bytes as the items have. */
static bool is_subarray(struct checkpoint *cp, const struct machine *m, val_id v, struct np_dtype *whole) {
  uint64_t bytes;
  if (kind_of(m, v) != VAL_TUPLE || value_count(m, v) != 2) return false;
  const struct np_dtype *part = use_part(cp, m, value_item(m, v, 0), whole);
  return part && np_bytes(m, value_item(m, v, 1), part->size, &bytes) && bytes == whole->size;
}

/* (dtype, offset[, title]), which ends inside the record. */
static bool is_field(struct checkpoint *cp, const struct machine *m, val_id v, struct np_dtype *whole) {
  uint32_t n = kind_of(m, v) == VAL_TUPLE ? value_count(m, v) : 0;
  const struct np_dtype *part = n == 2 || n == 3 ? use_part(cp, m, value_item(m, v, 0), whole) : NULL;
  const struct value *offset = value_of(m, part ? value_item(m, v, 1) : 0);
  return part && offset->kind == VAL_INT && offset->number >= 0 && part->size <= whole->size &&
         (uint64_t)offset->number <= whole->size - part->size;
}

/* numpy looks each name up, and does not expect to find none. */
static bool are_fields(struct checkpoint *cp, const struct machine *m, val_id names, val_id fields,
                       struct np_dtype *whole, uint32_t at) {
  uint64_t n = value_count(m, names), links = value_count(m, fields);
  bool fine = kind_of(m, names) == VAL_TUPLE && kind_of(m, fields) == VAL_DICT && n <= links &&
              spend(cp, n * links, at);
  for (uint32_t i = 0; fine && i < n; i++) {
    struct span name = value_bytes(m, value_item(m, names, i));
    bool found = false;
    for (uint32_t k = 0; k < links && !found; k += 2)
      found = value_is_string(m, value_item(m, fields, k)) &&
              span_eq(value_bytes(m, value_item(m, fields, k)), name);
    fine = found;
  }
  for (uint32_t k = 1; fine && k < links; k += 2) fine = is_field(cp, m, value_item(m, fields, k), whole);
  return fine;
}

static bool is_none(const struct machine *m, val_id v) { return kind_of(m, v) == VAL_NONE; }

static bool is_record(struct checkpoint *cp, const struct machine *m, struct np_dtype *dt, val_id state,
                      uint32_t at) {
  enum { REFERENCES = 1, LIST_PICKLE = 2, POINTER = 4 };
  val_id items = value_item(m, state, 2), names = value_item(m, state, 3), fields = value_item(m, state, 4);
  bool whole = is_none(m, names) && is_none(m, fields);
  if (!is_none(m, items) && (!whole || !is_subarray(cp, m, items, dt))) return false;
  if (!whole && !are_fields(cp, m, names, fields, dt, at)) return false;
  const struct value *flags = value_of(m, value_item(m, state, 7));
  uint64_t held =
      flags->kind == VAL_INT ? (uint64_t)flags->number & (REFERENCES | LIST_PICKLE | POINTER) : POINTER;
  return is_int(m, value_item(m, state, 5), dt->size) && held == (dt->objects ? REFERENCES | LIST_PICKLE : 0);
}

/* elsize, alignment and flags, which numpy takes as they come: with the flags of an object dtype it reads a
 * pointer, or what lies behind one, where the number should stand; without them an object is a number.
 * Numbers and objects leave the first two open, text states its size. */
static bool np_layout(struct checkpoint *cp, const struct machine *m, struct np_dtype *dt, val_id state,
                      uint32_t at) {
  enum { NEEDS_INIT = 8, OBJECTS = 63 };
  val_id size = value_item(m, state, 5), flags = value_item(m, state, 7);
  if (dt->kind == 'V') return is_record(cp, m, dt, state, at);
  if (is_text(dt)) return is_int(m, size, dt->size) && (is_int(m, flags, 0) || is_int(m, flags, NEEDS_INIT));
  return is_int(m, size, -1) && is_int(m, value_item(m, state, 6), -1) &&
         is_int(m, flags, dt->kind == 'O' ? OBJECTS : 0);
}

static void take_size(const struct machine *m, struct np_dtype *dt, val_id state) {
  enum { MOST = 1 << 20 };
  const struct value *size = kind_of(m, state) == VAL_TUPLE ? value_of(m, value_item(m, state, 5)) : NULL;
  if (size && size->kind == VAL_INT && size->number >= 0 && size->number <= MOST)
    dt->size = (uint32_t)size->number;
}

/* (3, byteorder, subdtype, names, fields, elsize, alignment, flags). */
void build_np_dtype_state(struct checkpoint *cp, struct machine *m, val_id target, val_id state,
                          uint32_t at) {
  struct np_dtype *dt = &cp->np_dtypes.p[built_of(cp, m, target)->index];
  if (dt->sized_by_state) take_size(m, dt, state);
  if (kind_of(m, state) != VAL_TUPLE || value_count(m, state) < 8 ||
      !value_is_string(m, value_item(m, state, 1)) || !np_layout(cp, m, dt, state, at)) {
    refuse_build(cp, at, "a numpy dtype", "not the tuple that numpy writes");
    return;
  }
  if (dt->used) refuse_build(cp, at, "a numpy dtype", "a state behind its use");
  struct span order = value_bytes(m, value_item(m, state, 1));
  dt->big_endian = span_is(order, ">");
  for (uint32_t i = 2; dt->kind != 'V' && i < 5; i++)
    if (!is_none(m, value_item(m, state, i)))
      dt->plain = dt->fixed = false; /* fields of a number: not read */
}

static void note_partly(struct checkpoint *cp, uint32_t at) {
  observe(cp->obs, (struct observation){.kind = OBS_NUMPY_PARTLY, .member = cp->member, .at = at});
}

void note_np_dtype(const struct call *c, uint32_t i) {
  const struct np_dtype *dt = use_np_dtype(c->cp, c->m, call_arg(c, i));
  if (dt && !dt->fixed) note_partly(c->cp, c->at);
}

/* bytes; or a str of Python 2, which has as many bytes as characters while it is ASCII. */
static bool np_data(const struct checkpoint *cp, const struct machine *m, val_id v, struct span *out) {
  if (bytes_of(cp, m, v, out)) return true;
  *out = value_bytes(m, v);
  for (size_t i = 0; i < out->n; i++)
    if (out->p[i] >= 0x80) return false;
  return kind_of(m, v) == VAL_TEXT;
}

/* ---- arrays ---- */

/* An array, and the bytes of its data: as many as the product of the shape, np_bytes said so. */
struct np_claim {
  struct np_array is;
  struct span bytes;
};

/* Picklers write bytes anew for each array, but for the few that Python keeps one of: more than those would
 * make the same bytes work again for each array. */
static bool is_written_once(const struct checkpoint *cp, const struct machine *m,
                            const struct np_claim *array) {
  enum { KEPT_BYTES = 1 };
  return array->bytes.n <= KEPT_BYTES || !bytes_are_shared(cp, m, array->is.data);
}

/* Arrays beside the tensors of a torch file are no weights; those of a bare pickle are all that it has. What
 * is spelled as text is a member of its own, from which the bytes are made again. */
static bool place_array(struct checkpoint *cp, const struct machine *m, const struct np_claim *array,
                        struct plain_claim *claim) {
  struct spelled there = {.bytes = array->bytes};
  if (cp->container->kind != CONTAINER_PICKLE || m->member == MEMBER_FILE) return false;
  if (claim->bytes == 0) return true;
  if (!is_written_once(cp, m, array) || !bytes_in_file(cp, m, array->is.data, &there)) return false;
  claim->at = there.at - cp->container->members[m->member - 1].data_at;
  if (there.how == SPELLED_NOT) return true;
  struct member *rec = load_section(cp, claim->key, there.at, 0);
  if (!rec) return false;
  member_becomes(rec, &there);
  claim->member = member_number(cp->container, rec);
  claim->at = 0;
  return true;
}

/* Numbers whose bytes can be found in the file are a tensor, as in detectron2's zoo: 1 + its row. 0: others
 * stay arrays. */
static uint32_t array_tensor(struct checkpoint *cp, const struct machine *m, const struct np_claim *array,
                             uint32_t at) {
  const struct np_dtype *dt = &cp->np_dtypes.p[array->is.dtype];
  uint64_t sizes[MAX_DIMS];
  struct plain_claim claim = {.ndim = value_count(m, array->is.shape),
                              .fortran_order = array->is.fortran_order,
                              .big_endian = dt->big_endian,
                              .member = m->member,
                              .bytes = array->bytes.n,
                              .said_at = at};
  if (claim.ndim >= MAX_DIMS) return 0;
  for (uint32_t i = 0; i < claim.ndim; i++)
    sizes[i] = (uint64_t)value_of(m, value_item(m, array->is.shape, i))->number;
  plain_items(&claim, sizes, dt->kind, dt->size);
  claim.key = arena_printf(cp->arena, "array+%#x", at);
  if (claim.dtype == DTYPE_BITS8 || !place_array(cp, m, array, &claim)) return 0;
  return plain_tensor(cp, &claim);
}

/* 1 + its row; 0: the budget is spent. */
static uint32_t array_fact(struct checkpoint *cp, const struct np_array *array) {
  struct np_array *slot = vec_push(cp->arena, &cp->np_arrays, cp->max->pickle_values);
  if (slot) *slot = *array;
  return slot ? cp->np_arrays.n : 0;
}

static void fill_array(struct checkpoint *cp, const struct machine *m, const struct np_claim *array,
                       uint32_t at, struct built *b) {
  uint32_t number = array_tensor(cp, m, array, at);
  b->kind = number ? BUILT_TENSOR : BUILT_NP_ARRAY;
  b->index = number ? number - 1 : array_fact(cp, &array->is);
}

/* Objects were judged when they were made; numpy wants a list of as many as the shape says. */
static void fill_objects(struct checkpoint *cp, struct machine *m, const struct np_array *array, uint32_t at,
                         struct built *b) {
  uint64_t want;
  if (kind_of(m, array->data) != VAL_LIST || !np_bytes(m, array->shape, 1, &want) ||
      want != value_count(m, array->data))
    refuse_build(cp, at, "a numpy array", "no list of as many objects as its shape says");
  else
    b->index = array_fact(cp, array);
  machine_give(m, array->data);
}

/* (1, shape, dtype, is_fortran, data), or without the 1 as before numpy 1.1. As many bytes as the shape says;
 * what has objects holds a list. */
void fill_np_array(struct checkpoint *cp, struct machine *m, uint32_t tag, val_id state, uint32_t at) {
  uint64_t want;
  uint32_t n = kind_of(m, state) == VAL_TUPLE ? value_count(m, state) : 0, first = n == 5;
  struct built *b = &cp->built.p[tag];
  const struct value *order = value_of(m, n > 3 ? value_item(m, state, first + 2) : 0);
  if ((n != 4 && n != 5) || (first && !is_int(m, value_item(m, state, 0), 1)) ||
      (order->kind != VAL_BOOL && order->kind != VAL_INT)) {
    refuse_build(cp, at, "a numpy array", "not the tuple that numpy writes");
    return;
  }
  const struct np_dtype *dt = use_np_dtype(cp, m, value_item(m, state, first + 1));
  struct np_claim array = {
      .is = {.shape = value_item(m, state, first),
             .data = value_item(m, state, first + 3),
             .dtype = dt ? (uint32_t)(dt - cp->np_dtypes.p) : 0,
             .fortran_order = order->kind == VAL_INT ? order->number != 0 : order->truth}};
  if (dt && dt->objects) {
    fill_objects(cp, m, &array.is, at, b);
    return;
  }
  if (!dt || !dt->fixed || !spend(cp, value_bytes(m, array.is.data).n, at) ||
      !np_data(cp, m, array.is.data, &array.bytes)) {
    note_partly(cp, at);
    return;
  }
  if (!np_bytes(m, array.is.shape, dt->size, &want) || want != array.bytes.n)
    refuse_build(cp, at, "a numpy array", "its bytes are not shape times item size");
  else
    fill_array(cp, m, &array, at, b);
}

void build_np_array_state(struct checkpoint *cp, struct machine *m, val_id target, val_id state,
                          uint32_t at) {
  fill_np_array(cp, m, value_object(m, target)->tag, state, at);
}

/* (bytes, dtype, shape, 'C' or 'F'): a contiguous array under protocol 5. */
uint32_t build_NP_FROMBUFFER(const struct call *c) {
  struct span order = call_bytes(c, 3);
  uint64_t want;
  const struct np_dtype *dt = use_np_dtype(c->cp, c->m, call_arg(c, 1));
  struct np_claim array = {.is = {.data = call_arg(c, 0),
                                  .dtype = dt ? (uint32_t)(dt - c->cp->np_dtypes.p) : 0,
                                  .shape = call_arg(c, 2),
                                  .fortran_order = span_is(order, "F")}};
  bool shaped = c->n == 4 && dt && bytes_of(c->cp, c->m, array.is.data, &array.bytes) &&
                call_kind(c, 3) == VAL_TEXT && (array.is.fortran_order || span_is(order, "C"));
  if (!shaped) return refuse_arguments(c, "not (bytes, dtype, shape, order)");
  if (!dt->fixed) {
    note_partly(c->cp, c->at);
    return call_built(c, BUILT_UNREAD, 0);
  }
  if (!np_bytes(c->m, array.is.shape, dt->size, &want) || want != array.bytes.n)
    return refuse_arguments(c, "its bytes are not shape times item size");
  struct built made = {.kind = BUILT_NOTHING};
  fill_array(c->cp, c->m, &array, c->at, &made);
  return call_built(c, (enum built_kind)made.kind, made.index);
}

/* numpy unpickles the bytes of an object scalar again: only plain numbers may pass (threats I03). */
uint32_t build_NP_SCALAR(const struct call *c) {
  const struct np_dtype *dt = use_np_dtype(c->cp, c->m, call_arg(c, 0));
  struct span s;
  if (c->n != 2 || !dt) return refuse_arguments(c, "not (dtype, bytes)");
  bool raw = bytes_of(c->cp, c->m, call_arg(c, 1), &s);
  if (!raw && call_kind(c, 1) == VAL_TEXT) raw = latin1(c, call_bytes(c, 1), &s);
  if (raw && is_extended(dt) && s.n == dt->size) {
    note_np_dtype(c, 0);
    return call_built(c, BUILT_UNREAD, 0);
  }
  if (raw && dt->objects) judge_bytes(c, s);
  bool record = dt->kind == 'V' && dt->fixed && !dt->objects;
  if (!raw || (!dt->plain && !is_text(dt) && !record) || s.n != dt->size)
    return refuse_arguments(c, "not a plain number of the dtype's size");
  val_id v = machine_new_bytes(c->m, VAL_BYTES, s, c->at);
  if (v && dt->kind == 'U' && machine_new_bytes(c->m, VAL_TEXT, np_utf8(c, dt, s), c->at) != v + 1) return 0;
  return v ? call_built(c, BUILT_NP_SCALAR, v) : 0;
}

static bool is_bit_generator(const struct call *c, uint32_t i) {
  const struct built *b = built_of(c->cp, c->m, call_arg(c, i));
  const struct global_row *cls = call_row(c, i);
  if (b) return b->kind == BUILT_RECORD && b->row && b->row->builder == BUILD_NP_RANDOM;
  return cls && cls->builder == BUILD_NONE && span_starts(span_str(cls->module), SPAN("numpy.random."));
}

/* The second argument is a function that numpy calls with the first: with torch.storage._load_from_bytes it
 * would unpickle it. numpy writes its own, up to 1.25; since then the generator itself, or its class. */
uint32_t build_NP_RANDOM(const struct call *c) {
  const struct global_row *ctor = call_row(c, 1);
  bool named = c->n > 0 && call_kind(c, 0) == VAL_TEXT;
  bool fine = c->n == 0 || (c->n == 1 && (named || is_bit_generator(c, 0))) ||
              (c->n == 2 && named && ctor && ctor->builder == BUILD_NP_RANDOM);
  return fine ? call_built(c, BUILT_RECORD, 0) : refuse_arguments(c, "not the name of a bit generator");
}
