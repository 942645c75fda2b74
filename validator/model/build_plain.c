/* Python's and numpy's own data types, as calls: dicts, sets, bytes, sizes, records, numpy scalars and
 * numeric arrays (format-spec D.6 to D.8). Arguments are typed; nothing is computed but bytes from
 * `_codecs.encode`. */
#include "base/utf8.h"
#include "model/checkpoint.h"

static uint32_t num_args(const struct machine *m, val_id object) {
  return value_count(m, value_object(m, object)->args);
}
static val_id arg(const struct machine *m, val_id object, uint32_t i) {
  return i < num_args(m, object) ? value_item(m, value_object(m, object)->args, i) : 0;
}
static enum value_kind arg_kind(const struct machine *m, val_id object, uint32_t i) {
  return kind_of(m, arg(m, object, i));
}

static bool is_dict(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  return kind_of(m, v) == VAL_DICT || (b && b->kind == BUILT_DICT);
}

/* [(key, value), …] or ((key, value), …), as Python 2 wrote an OrderedDict. */
static bool is_pairs(const struct machine *m, val_id v) {
  if (kind_of(m, v) != VAL_LIST && kind_of(m, v) != VAL_TUPLE) return false;
  for (uint32_t i = 0; i < value_count(m, v); i++) {
    val_id pair = value_item(m, v, i);
    if ((kind_of(m, pair) != VAL_TUPLE && kind_of(m, pair) != VAL_LIST) || value_count(m, pair) != 2)
      return false;
  }
  return true;
}

uint32_t build_ORDERED_DICT(struct checkpoint *cp, struct machine *m, val_id object,
                            const struct global_row *row) {
  uint32_t n = num_args(m, object);
  if (n > 1 || (n == 1 && !is_pairs(m, arg(m, object, 0))))
    return refuse_arguments(cp, m, object, row, "not a list of pairs");
  return built_new(cp, BUILT_DICT, 0, row);
}

uint32_t build_COUNTER(struct checkpoint *cp, struct machine *m, val_id object,
                       const struct global_row *row) {
  uint32_t n = num_args(m, object);
  if (n > 1 || (n == 1 && !is_dict(cp, m, arg(m, object, 0))))
    return refuse_arguments(cp, m, object, row, "not a dict");
  return built_new(cp, BUILT_DICT, 0, row);
}

uint32_t build_DEFAULTDICT(struct checkpoint *cp, struct machine *m, val_id object,
                           const struct global_row *row) {
  static const char *const factories[] = {"dict", "list", "int", "float", "str", "set", "tuple", "bool"};
  uint32_t n = num_args(m, object);
  if (n > 1) return refuse_arguments(cp, m, object, row, "more than a factory");
  if (n == 0 || arg_kind(m, object, 0) == VAL_NONE) return built_new(cp, BUILT_DICT, 0, row);
  const struct global_row *f = row_of(cp, m, arg(m, object, 0));
  for (size_t i = 0; f && strcmp(f->module, "builtins") == 0 && i < ARRAY_LEN(factories); i++)
    if (strcmp(f->name, factories[i]) == 0) return built_new(cp, BUILT_DICT, 0, row);
  if (f && f->builder == BUILD_ORDERED_DICT) return built_new(cp, BUILT_DICT, 0, row);
  return refuse_arguments(cp, m, object, row,
                          "the factory is not a plain built-in type: missing keys would call it");
}

uint32_t build_DEQUE(struct checkpoint *cp, struct machine *m, val_id object, const struct global_row *row) {
  uint32_t n = num_args(m, object);
  bool fine =
      n == 0 || (n <= 2 && (arg_kind(m, object, 0) == VAL_LIST || arg_kind(m, object, 0) == VAL_TUPLE));
  if (n == 2) fine = fine && (arg_kind(m, object, 1) == VAL_INT || arg_kind(m, object, 1) == VAL_NONE);
  return fine ? built_new(cp, BUILT_LIST, 0, row) : refuse_arguments(cp, m, object, row, "not a list");
}

uint32_t build_SET(struct checkpoint *cp, struct machine *m, val_id object, const struct global_row *row) {
  uint32_t n = num_args(m, object);
  bool fine =
      n == 0 || (n == 1 && (arg_kind(m, object, 0) == VAL_LIST || arg_kind(m, object, 0) == VAL_TUPLE));
  return fine ? built_new(cp, BUILT_SET, 0, row) : refuse_arguments(cp, m, object, row, "not a list");
}

static uint32_t bytes_object(struct checkpoint *cp, struct machine *m, val_id object,
                             const struct global_row *row, struct span s) {
  val_id v = machine_new_bytes(m, VAL_BYTES, s, value_object(m, object)->at);
  return v ? built_new(cp, BUILT_BYTES, v, row) : 0;
}

/* str → bytes, one byte a code point; false when a code point is above 0xff. */
static bool latin1(struct checkpoint *cp, struct span text, struct span *out) {
  uint8_t *p = arena_alloc(cp->arena, text.n, 1, 1);
  size_t n = 0;
  while (p && text.n) {
    uint32_t c;
    size_t len = utf8_decode(text, UTF8_SURROGATEPASS, &c);
    if (len == 0 || c > 0xff) return false;
    p[n++] = (uint8_t)c;
    text = span_from(text, len);
  }
  *out = span_of(p, n);
  return p != NULL;
}

static bool names_latin1(struct span s) { return span_is(s, "latin1") || span_is(s, "latin-1"); }

uint32_t build_CODECS_ENCODE(struct checkpoint *cp, struct machine *m, val_id object,
                             const struct global_row *row) {
  struct span out;
  if (num_args(m, object) != 2 || !value_is_string(m, arg(m, object, 0)) ||
      !names_latin1(value_bytes(m, arg(m, object, 1))))
    return refuse_arguments(cp, m, object, row, "not a str and 'latin1'");
  if (arg_kind(m, object, 0) != VAL_TEXT)
    return bytes_object(cp, m, object, row, value_bytes(m, arg(m, object, 0)));
  if (!latin1(cp, value_bytes(m, arg(m, object, 0)), &out))
    return refuse_arguments(cp, m, object, row, "a code point above 255");
  return bytes_object(cp, m, object, row, out);
}

/* BYTES, or an object that is one: the span. */
static bool bytes_of(const struct checkpoint *cp, const struct machine *m, val_id v, struct span *out) {
  const struct built *b = built_of(cp, m, v);
  if (b && b->kind == BUILT_BYTES) v = b->index;
  enum value_kind k = kind_of(m, v);
  *out = value_bytes(m, v);
  return k == VAL_BYTES || k == VAL_BYTEARRAY || k == VAL_PYSTRING;
}

uint32_t build_BYTES(struct checkpoint *cp, struct machine *m, val_id object, const struct global_row *row) {
  struct span s = SPAN("");
  uint32_t n = num_args(m, object);
  if (n > 1 || (n == 1 && !bytes_of(cp, m, arg(m, object, 0), &s)))
    return refuse_arguments(cp, m, object, row, "not bytes");
  return bytes_object(cp, m, object, row, s);
}

uint32_t build_BYTEARRAY(struct checkpoint *cp, struct machine *m, val_id object,
                         const struct global_row *row) {
  struct span s = SPAN("");
  uint32_t n = num_args(m, object);
  if (n == 2 && arg_kind(m, object, 0) == VAL_TEXT && names_latin1(value_bytes(m, arg(m, object, 1))) &&
      latin1(cp, value_bytes(m, arg(m, object, 0)), &s))
    return bytes_object(cp, m, object, row, s);
  if (n > 1 || (n == 1 && !bytes_of(cp, m, arg(m, object, 0), &s)))
    return refuse_arguments(cp, m, object, row, "not bytes (a count would allocate that many)");
  return bytes_object(cp, m, object, row, s);
}

uint32_t build_COMPLEX(struct checkpoint *cp, struct machine *m, val_id object,
                       const struct global_row *row) {
  bool fine = num_args(m, object) == 2;
  for (uint32_t i = 0; fine && i < 2; i++)
    fine = arg_kind(m, object, i) == VAL_FLOAT || arg_kind(m, object, i) == VAL_INT;
  return fine ? built_new(cp, BUILT_COMPLEX, 0, row)
              : refuse_arguments(cp, m, object, row, "not two numbers");
}

/* A class or type as a value: harmless where nothing calls it but the modelled callee. */
static bool is_data_class(const struct global_row *row) {
  return row && (row->cls == GLOBAL_CORE || row->cls == GLOBAL_MODELLED || row->cls == GLOBAL_RECORD ||
                 row->cls == GLOBAL_MODULE);
}

/* Objects among the arguments were judged when they were made. */
uint32_t build_PLAIN(struct checkpoint *cp, struct machine *m, val_id object, const struct global_row *row) {
  for (uint32_t i = 0; i < num_args(m, object); i++) {
    if (arg_kind(m, object, i) == VAL_GLOBAL && !is_data_class(row_of(cp, m, arg(m, object, i))))
      return refuse_arguments(cp, m, object, row, "not a plain value");
  }
  return built_new(cp, BUILT_RECORD, 0, row);
}

uint32_t build_NAMESPACE(struct checkpoint *cp, struct machine *m, val_id object,
                         const struct global_row *row) {
  if (num_args(m, object) != 0)
    return refuse_arguments(cp, m, object, row, "arguments where none are written");
  return built_new(cp, BUILT_RECORD, 0, row);
}

/* copyreg._reconstructor(class, object, None): protocols 0 and 1 instantiate so, and so do some C types. The
 * instance is judged as NEWOBJ of its class would be. */
uint32_t build_RECONSTRUCTOR(struct checkpoint *cp, struct machine *m, val_id object,
                             const struct global_row *row) {
  const struct global *base = value_global(m, arg(m, object, 1));
  bool plain_base = base && span_is(base->mapped_module, "builtins") &&
                    (span_is(base->mapped_name, "object") || span_is(base->mapped_name, "dict") ||
                     span_is(base->mapped_name, "list"));
  if (num_args(m, object) != 3 || arg_kind(m, object, 0) != VAL_GLOBAL || !plain_base)
    return refuse_arguments(cp, m, object, row, "not (class, object, None)");
  const struct global_row *cls = row_of(cp, m, arg(m, object, 0));
  if (cls && cls->cls != GLOBAL_RECORD && cls->cls != GLOBAL_MODULE && cls->cls != GLOBAL_MODELLED)
    return refuse_arguments(cp, m, object, row, "the class is no plain class");
  return built_new(cp, BUILT_RECORD, 0, cls);
}

uint32_t build_SIZE(struct checkpoint *cp, struct machine *m, val_id object, const struct global_row *row) {
  val_id dims = arg(m, object, 0);
  bool fine = num_args(m, object) == 1 && (kind_of(m, dims) == VAL_TUPLE || kind_of(m, dims) == VAL_LIST);
  for (uint32_t i = 0; fine && i < value_count(m, dims); i++) {
    const struct value *v = value_of(m, value_item(m, dims, i));
    fine = v->kind == VAL_INT && v->number >= 0;
  }
  return fine ? built_new(cp, BUILT_SIZE, 0, row)
              : refuse_arguments(cp, m, object, row, "not a tuple of sizes");
}

uint32_t build_DEVICE(struct checkpoint *cp, struct machine *m, val_id object, const struct global_row *row) {
  uint32_t n = num_args(m, object);
  bool fine = (n == 1 || n == 2) && value_is_string(m, arg(m, object, 0)) &&
              (n == 1 || arg_kind(m, object, 1) == VAL_INT);
  return fine ? built_new(cp, BUILT_DEVICE, 0, row)
              : refuse_arguments(cp, m, object, row, "not a device name");
}

uint32_t build_LAYOUT(struct checkpoint *cp, struct machine *m, val_id object, const struct global_row *row) {
  static const char *const layouts[] = {"torch.strided",    "torch.sparse_coo", "torch.sparse_csr",
                                        "torch.sparse_csc", "torch.sparse_bsr", "torch.sparse_bsc",
                                        "torch._mkldnn",    "torch.jagged"};
  for (size_t i = 0; num_args(m, object) == 1 && i < ARRAY_LEN(layouts); i++)
    if (value_is_string(m, arg(m, object, 0)) && span_is(value_bytes(m, arg(m, object, 0)), layouts[i]))
      return built_new(cp, BUILT_LAYOUT, (uint32_t)i, row);
  return refuse_arguments(cp, m, object, row, "not a layout of torch's");
}

static uint32_t only_a_value(struct checkpoint *cp, struct machine *m, val_id object,
                             const struct global_row *row, const char *what) {
  return refuse_arguments(cp, m, object, row, what);
}
uint32_t build_DTYPE(struct checkpoint *cp, struct machine *m, val_id object, const struct global_row *row) {
  return only_a_value(cp, m, object, row, "a dtype is a value");
}
uint32_t build_QSCHEME(struct checkpoint *cp, struct machine *m, val_id object,
                       const struct global_row *row) {
  return only_a_value(cp, m, object, row, "a quantisation scheme is a value");
}
uint32_t build_STORAGE_CLASS(struct checkpoint *cp, struct machine *m, val_id object,
                             const struct global_row *row) {
  return only_a_value(cp, m, object, row, "calling a storage class allocates memory that nobody filled");
}
uint32_t build_TENSOR_CLASS(struct checkpoint *cp, struct machine *m, val_id object,
                            const struct global_row *row) {
  return only_a_value(cp, m, object, row, "calling a tensor class allocates memory that nobody filled");
}

uint32_t build_LOAD_FROM_BYTES(struct checkpoint *cp, struct machine *m, val_id object,
                               const struct global_row *row) {
  struct span s;
  if (num_args(m, object) != 1 || !bytes_of(cp, m, arg(m, object, 0), &s))
    return refuse_arguments(cp, m, object, row, "not bytes");
  observe(cp->obs, (struct observation){.kind = OBS_NESTED_CHECKPOINT,
                                        .member = cp->member,
                                        .at = value_object(m, object)->at,
                                        .got = s.n});
  return built_new(cp, BUILT_RECORD, 0, row);
}

/* ---- numpy ---- */

uint32_t build_NP_RECONSTRUCT(struct checkpoint *cp, struct machine *m, val_id object,
                              const struct global_row *row) {
  const struct global *cls = value_global(m, arg(m, object, 0));
  if (num_args(m, object) != 3 || !cls || arg_kind(m, object, 1) != VAL_TUPLE)
    return refuse_arguments(cp, m, object, row, "not (ndarray, (0,), b'b')");
  const struct global_row *cls_row = row_of(cp, m, arg(m, object, 0));
  if (!cls_row || strcmp(cls_row->name, "ndarray") != 0)
    return refuse_arguments(cp, m, object, row, "the class is not numpy.ndarray");
  return built_new(cp, BUILT_NP_ARRAY, 0, row);
}

/* 'f4', '<f4', 'U5': kind and item size. Unicode counts characters of 4 bytes. */
static bool parse_dtype_code(struct span s, struct np_dtype *out) {
  if (s.n && (s.p[0] == '<' || s.p[0] == '>' || s.p[0] == '=' || s.p[0] == '|')) {
    out->big_endian = s.p[0] == '>';
    s = span_from(s, 1);
  }
  if (s.n < 1 || !memchr("fiubcSUVOMm", s.p[0], 11)) return false;
  out->kind = (char)s.p[0];
  uint32_t size = 0;
  for (size_t i = 1; i < s.n; i++) {
    if (s.p[i] < '0' || s.p[i] > '9' || size > 1000) return false;
    size = size * 10 + (uint32_t)(s.p[i] - '0');
  }
  out->size = size <= UINT8_MAX ? (uint8_t)size : 0;
  static const char *const plain[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8",
                                      "u1", "u2", "u4", "u8", "b1", "c8", "c16"};
  for (size_t i = 0; i < ARRAY_LEN(plain); i++) out->plain = out->plain || span_is(s, plain[i]);
  return true;
}

uint32_t build_NP_DTYPE(struct checkpoint *cp, struct machine *m, val_id object,
                        const struct global_row *row) {
  struct np_dtype dt = {0};
  uint32_t n = num_args(m, object);
  if (n < 1 || n > 3 || !value_is_string(m, arg(m, object, 0)) ||
      !parse_dtype_code(value_bytes(m, arg(m, object, 0)), &dt))
    return refuse_arguments(cp, m, object, row, "not a dtype code");
  struct np_dtype *slot = vec_push(cp->arena, &cp->np_dtypes, UINT8_MAX); /* each file has a handful */
  if (!slot) return refuse_arguments(cp, m, object, row, "more than 255 numpy dtypes");
  *slot = dt;
  return built_new(cp, BUILT_NP_DTYPE, cp->np_dtypes.n - 1, row);
}

static void refuse_state(struct checkpoint *cp, uint32_t at, const char *target, const char *why) {
  observe(cp->obs, (struct observation){.kind = OBS_BUILD_REFUSED,
                                        .member = cp->member,
                                        .at = at,
                                        .subject = span_str(target),
                                        .detail = span_str(why)});
}

/* (3, byteorder, subdtype, names, fields, elsize, alignment, flags). */
void build_np_dtype_state(struct checkpoint *cp, struct machine *m, struct built *b, val_id state,
                          uint32_t at) {
  struct np_dtype *dt = &cp->np_dtypes.p[b->index];
  if (kind_of(m, state) != VAL_TUPLE || value_count(m, state) < 8 ||
      !value_is_string(m, value_item(m, state, 1))) {
    refuse_state(cp, at, "a numpy dtype", "not the tuple that numpy writes");
    return;
  }
  struct span order = value_bytes(m, value_item(m, state, 1));
  dt->big_endian = span_is(order, ">");
  for (uint32_t i = 2; i < 5; i++)
    if (kind_of(m, value_item(m, state, i)) != VAL_NONE) dt->plain = false; /* fields or a subdtype */
}

static const struct np_dtype *np_dtype_of(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  return b && b->kind == BUILT_NP_DTYPE ? &cp->np_dtypes.p[b->index] : NULL;
}

/* The product of a shape tuple times the item size; false when it is no shape or overflows. */
static bool np_bytes(const struct machine *m, val_id shape, uint64_t item, uint64_t *out) {
  if (kind_of(m, shape) != VAL_TUPLE) return false;
  *out = item;
  for (uint32_t i = 0; i < value_count(m, shape); i++) {
    const struct value *v = value_of(m, value_item(m, shape, i));
    if (v->kind != VAL_INT || v->number < 0 || !try_mul(*out, (uint64_t)v->number, out)) return false;
  }
  return true;
}

/* (1, shape, dtype, is_fortran, data). Numeric dtypes: as many bytes as the shape says. Object arrays hold a
 * list. */
void build_np_array_state(struct checkpoint *cp, struct machine *m, struct built *b, val_id state,
                          uint32_t at) {
  (void)b;
  struct span data;
  uint64_t want;
  if (kind_of(m, state) != VAL_TUPLE || value_count(m, state) != 5) {
    refuse_state(cp, at, "a numpy array", "not the tuple that numpy writes");
    return;
  }
  const struct np_dtype *dt = np_dtype_of(cp, m, value_item(m, state, 2));
  if (!dt || !dt->plain) {
    observe(cp->obs, (struct observation){.kind = OBS_NUMPY_PARTLY, .member = cp->member, .at = at});
    return;
  }
  bool fits =
      bytes_of(cp, m, value_item(m, state, 4), &data) || kind_of(m, value_item(m, state, 4)) == VAL_TEXT;
  if (kind_of(m, value_item(m, state, 4)) == VAL_TEXT)
    return; /* a Python 2 str that is UTF-8: length in bytes unknown */
  if (!fits || !np_bytes(m, value_item(m, state, 1), dt->size, &want) || want != data.n)
    refuse_state(cp, at, "a numpy array", "its bytes are not shape times item size");
}

/* numpy unpickles the bytes of an object scalar again: only plain numbers may pass (threats I03). */
uint32_t build_NP_SCALAR(struct checkpoint *cp, struct machine *m, val_id object,
                         const struct global_row *row) {
  const struct np_dtype *dt = np_dtype_of(cp, m, arg(m, object, 0));
  struct span s;
  if (num_args(m, object) != 2 || !dt) return refuse_arguments(cp, m, object, row, "not (dtype, bytes)");
  bool raw = bytes_of(cp, m, arg(m, object, 1), &s);
  if (!raw && arg_kind(m, object, 1) == VAL_TEXT) raw = latin1(cp, value_bytes(m, arg(m, object, 1)), &s);
  bool text = dt->kind == 'S' || dt->kind == 'U';
  if (!raw || (!dt->plain && !text) || (dt->plain && s.n != dt->size))
    return refuse_arguments(cp, m, object, row, "not a plain number of the dtype's size");
  val_id v = machine_new_bytes(m, VAL_BYTES, s, value_object(m, object)->at);
  uint32_t tag = v ? built_new(cp, BUILT_NP_SCALAR, v, row) : 0;
  if (tag) cp->built.p[tag].np = (uint8_t)(dt - cp->np_dtypes.p);
  return tag;
}
