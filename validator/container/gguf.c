#include "container/gguf.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/reader.h"

enum {
  NAME_MAX_BYTES = 63, /* GGML_MAX_NAME, with its NUL */
  KEY_MAX_BYTES = 65535,
  MAX_DIMS = 4,
  ALIGNMENT = 32,
  SHOWN = 64
};

enum value_type { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, VALUE_TYPES };
static const struct {
  const char *name;
  uint8_t size; /* 0: it says so itself */
} value_types[VALUE_TYPES] = {
    [U8] = {"uint8", 1},      [I8] = {"int8", 1},     [U16] = {"uint16", 2},  [I16] = {"int16", 2},
    [U32] = {"uint32", 4},    [I32] = {"int32", 4},   [F32] = {"float32", 4}, [BOOL] = {"bool", 1},
    [STRING] = {"string", 0}, [ARRAY] = {"array", 0}, [U64] = {"uint64", 8},  [I64] = {"int64", 8},
    [F64] = {"float64", 8}};

static const struct tensor_type {
  uint32_t number;
  const char *dtype;
  uint64_t elements, bytes; /* of a block */
} tensor_types[] = {
#define TYPE(number, dtype, elements, bytes) {number, dtype, elements, bytes},
#include "container/gguf.def"
#undef TYPE
};

/* One reading. */
struct table {
  struct plain *out;
  struct arena *a;
  struct observations *o;
  const struct limits *max;
  struct reader r; /* of the mapping */
  bool big;        /* numbers have their highest byte first */
  bool narrow;     /* version 1: counts, lengths and sizes have 32 bits */
  uint64_t alignment;
  uint64_t data_bytes;    /* what the tensors so far take, padded */
  VEC(struct span) names; /* of values, then of tensors, to be compared */
};

/* ---- refusals ---- */

static bool refuse_at(const struct table *t, enum obs_kind kind, uint64_t at, struct span subject,
                      uint64_t got, uint64_t want) {
  return refuse(t->o,
                (struct observation){.kind = kind, .at = at, .got = got, .want = want, .subject = subject});
}

static bool refuse_value(const struct table *t, uint64_t at, struct span subject, const char *expected) {
  return refuse(t->o,
                (struct observation){
                    .kind = OBS_GGUF_VALUE, .at = at, .subject = subject, .detail = span_str(expected)});
}

static bool refuse_short(const struct table *t, struct span subject, uint64_t want) {
  return refuse_at(t, OBS_GGUF_SHORT, t->r.at, subject, t->r.left.n, want);
}

static bool refuse_memory(const struct table *t) {
  return refuse_at(t, OBS_LIMIT_MEMORY, t->r.at, SPAN(""), t->a->used, t->a->budget);
}

/* ---- fields ---- */

/* At most 8 bytes. */
static uint64_t number_of(const struct table *t, struct span bytes) {
  uint64_t n = 0;
  for (size_t i = 0; i < bytes.n; i++) n = n << 8 | bytes.p[t->big ? i : bytes.n - 1 - i];
  return n;
}

static bool read_bits(struct table *t, struct span of, size_t size, uint64_t *out) {
  struct span mapped;
  if (!reader_take(&t->r, size, &mapped)) return refuse_short(t, of, size);
  *out = number_of(t, mapped);
  return true;
}

static bool read_u32(struct table *t, struct span of, uint32_t *out) {
  uint64_t n;
  return read_bits(t, of, sizeof *out, &n) && try_cast(n, out);
}
static bool read_count(struct table *t, struct span of, uint64_t *out) {
  return read_bits(t, of, t->narrow ? sizeof(uint32_t) : sizeof *out, out);
}

/* A private copy. */
static bool read_string(struct table *t, struct span of, struct span *out) {
  uint64_t n;
  struct span mapped;
  if (!read_count(t, of, &n)) return false;
  if (!reader_take(&t->r, n, &mapped)) return refuse_short(t, of, n);
  return arena_copy(t->a, mapped, out) || refuse_memory(t);
}

/* What llama.cpp compares and prints as a C string. */
static bool read_name(struct table *t, struct span of, size_t longest, struct span *out) {
  uint64_t at = t->r.at;
  if (!read_string(t, of, out)) return false;
  if (out->n == 0 || out->n > longest || memchr(out->p, 0, out->n))
    return refuse_value(t, at, of, "1 to 63 bytes (65535 for a key) without a NUL");
  struct span *slot = vec_push(t->a, &t->names, t->max->tensors * 2);
  if (slot) *slot = *out;
  return slot || refuse_at(t, OBS_LIMIT_TENSORS, at, *out, t->names.n, t->max->tensors * 2);
}

static int by_bytes(const void *x, const void *y) {
  return span_cmp(*(const struct span *)x, *(const struct span *)y);
}

/* Of the names since the last call none stands twice: of two some readers take the first, others the last. */
static bool check_twins(struct table *t) {
  uint32_t n = t->names.n;
  if (n > 1) qsort(t->names.p, n, sizeof *t->names.p, by_bytes);
  t->names.n = 0;
  for (uint32_t i = 1; i < n; i++)
    if (span_eq(t->names.p[i - 1], t->names.p[i]))
      return refuse_at(t, OBS_GGUF_TWICE, 0, t->names.p[i], 0, 0);
  return true;
}

/* ---- values ---- */

/* Of 1 to 8 bytes. */
static int64_t signed_number(uint64_t bits, size_t size) {
  uint64_t top = UINT64_C(0x80) << (size * 8 - 8) % 64;
  return bits & top ? -(int64_t)(~bits & (top - 1)) - 1 : (int64_t)bits;
}

static struct span float_text(const struct table *t, enum value_type type, uint64_t bits) {
  float f;
  double d;
  uint32_t low = (uint32_t)(bits & UINT32_MAX);
  memcpy(&f, &low, sizeof f);
  memcpy(&d, &bits, sizeof d);
  return type == F32 ? arena_printf(t->a, "%.9g", (double)f) : arena_printf(t->a, "%.17g", d);
}

static bool read_number(struct table *t, struct span key, enum value_type type, struct span *text) {
  uint64_t bits = 0, at = t->r.at;
  if (!read_bits(t, key, value_types[type].size, &bits)) return false;
  if (type == BOOL && bits > 1) return refuse_value(t, at, key, "a bool, 0 or 1");
  if (type == BOOL)
    *text = bits ? SPAN("true") : SPAN("false");
  else if (type == F32 || type == F64)
    *text = float_text(t, type, bits);
  else if (type == I8 || type == I16 || type == I32 || type == I64)
    *text = arena_printf(t->a, "%" PRId64, signed_number(bits, value_types[type].size));
  else
    *text = arena_printf(t->a, "%" PRIu64, bits);
  if (!span_is(key, "general.alignment")) return true;
  t->alignment = bits;
  bool power = bits != 0 && (bits & (bits - 1)) == 0;
  return power || refuse_value(t, at, key, "a power of two");
}

/* Vocabularies have a hundred thousand items, which say nothing of the weights: they are counted. */
static bool read_array(struct table *t, struct span key, struct span *text) {
  uint32_t type;
  uint64_t n, bytes, at = t->r.at;
  if (!read_u32(t, key, &type) || !read_count(t, key, &n)) return false;
  if (type >= VALUE_TYPES || type == ARRAY)
    return refuse_value(t, at, key, "an array of values that are no arrays");
  *text = arena_printf(t->a, "%" PRIu64 " x %s", n, value_types[type].name);
  if (type != STRING) {
    if (!try_mul(n, value_types[type].size, &bytes)) bytes = UINT64_MAX;
    return reader_skip(&t->r, bytes) || refuse_short(t, key, bytes);
  }
  for (; n; n--) {
    if (!read_count(t, key, &bytes)) return false;
    if (!reader_skip(&t->r, bytes)) return refuse_short(t, key, bytes);
  }
  return true;
}

/* What loaders give to Jinja, which is Python: these names lead from any value to every class and module
 * (CVE-2024-34359). No template of a model has a use for them. */
static void check_template(const struct table *t, uint64_t at, struct span key, struct span text) {
  static const char *const ways[] = {
      "__class__",  "__base",     "__mro__",  "__subclasses__", "__globals__", "__builtins",  "__import__",
      "__init__",   "__getattr",  "__dict__", "__code__",       "__reduce",    "__getitem__", "__self__",
      "__module__", "__loader__", "\\x5f",    "\\137",          "\\u005f",     "|attr("};
  if (!span_starts(key, SPAN("tokenizer.chat_template"))) return;
  for (size_t i = 0; i < ARRAY_LEN(ways); i++)
    if (text.n && memmem(text.p, text.n, ways[i], strlen(ways[i]))) {
      observe(t->o, (struct observation){
                        .kind = OBS_GGUF_TEMPLATE, .at = at, .subject = key, .detail = span_str(ways[i])});
      return;
    }
}

static bool read_value(struct table *t) {
  struct span key, text = SPAN("");
  uint32_t type;
  if (!read_name(t, SPAN("the key of a value"), KEY_MAX_BYTES, &key)) return false;
  uint64_t at = t->r.at;
  if (!read_u32(t, key, &type)) return false;
  if (type >= VALUE_TYPES) return refuse_value(t, at, key, "a type of value from 0 to 12");
  if (type != U32 && span_is(key, "general.alignment")) return refuse_value(t, at, key, "a uint32");
  at = t->r.at;
  bool fine = type == STRING  ? read_string(t, key, &text)
              : type == ARRAY ? read_array(t, key, &text)
                              : read_number(t, key, (enum value_type)type, &text);
  if (!fine) return false;
  if (type == STRING) check_template(t, at, key, text);
  struct plain_text *row = vec_push(t->a, &t->out->texts, t->max->tensors);
  if (row) *row = (struct plain_text){.key = key, .value = text};
  return row || refuse_at(t, OBS_LIMIT_TENSORS, at, key, t->out->texts.n, t->max->tensors);
}

/* ---- tensors ---- */

static uint64_t padded(const struct table *t, uint64_t n) { /* UINT64_MAX: it overflows */
  uint64_t up;
  return try_add(n, t->alignment - 1, &up) ? up - up % t->alignment : UINT64_MAX;
}

/* The sizes, slowest first, and the product of those that are not 0. */
static bool read_dims(struct table *t, struct plain_array *array, uint64_t *elements) {
  uint64_t at = t->r.at;
  int64_t product = 1;
  if (!read_u32(t, array->name, &array->ndim)) return false;
  if (array->ndim > MAX_DIMS) return refuse_value(t, at, array->name, "at most 4 dimensions");
  uint64_t *dims = arena_array(t->a, array->ndim, uint64_t);
  if (!dims) return refuse_memory(t);
  bool empty = false;
  for (uint32_t i = array->ndim; i > 0; i--) {
    at = t->r.at;
    if (!read_count(t, array->name, &dims[i - 1])) return false;
    empty = empty || dims[i - 1] == 0;
    if (dims[i - 1] && !try_mul(product, dims[i - 1], &product))
      return refuse_value(t, at, array->name, "sizes whose product 63 bits hold");
  }
  array->dims = dims;
  *elements = empty ? 0 : (uint64_t)product;
  return true;
}

static const struct tensor_type *type_of(uint32_t number) {
  for (size_t i = 0; i < ARRAY_LEN(tensor_types); i++)
    if (tensor_types[i].number == number) return &tensor_types[i];
  return NULL;
}

/* Its bytes follow those of the tensor before. */
static bool read_place(struct table *t, struct plain_array *array, const struct tensor_type *type,
                       uint64_t elements) {
  uint64_t offset, end, at = t->r.at;
  if (!read_bits(t, array->name, sizeof offset, &offset)) return false;
  if (offset != t->data_bytes) {
    enum obs_kind kind = offset < t->data_bytes ? OBS_GGUF_OVERLAP : OBS_GGUF_HOLE;
    return refuse_at(t, kind, at, array->name, offset, t->data_bytes);
  }
  if (!try_mul(elements / type->elements, type->bytes, &array->bytes) ||
      !try_add(offset, array->bytes, &end) || padded(t, end) == UINT64_MAX)
    return refuse_value(t, at, array->name, "bytes whose number 64 bits hold");
  array->at = offset;
  t->data_bytes = padded(t, end);
  return true;
}

static bool read_tensor(struct table *t) {
  uint64_t elements = 0, at;
  uint32_t number;
  struct plain_array *array = vec_push(t->a, &t->out->arrays, t->max->tensors);
  if (!array) return refuse_at(t, OBS_LIMIT_TENSORS, t->r.at, SPAN(""), t->out->arrays.n, t->max->tensors);
  if (!read_name(t, SPAN("the name of a tensor"), NAME_MAX_BYTES, &array->name) ||
      !read_dims(t, array, &elements))
    return false;
  at = t->r.at;
  if (!read_u32(t, array->name, &number)) return false;
  const struct tensor_type *type = type_of(number);
  if (!type) return refuse_at(t, OBS_GGUF_TYPE, at, array->name, number, 0);
  uint64_t row = array->ndim ? array->dims[array->ndim - 1] : 1;
  if (row % type->elements != 0) return refuse_value(t, at, array->name, "rows of whole blocks of its type");
  array->dtype = type->dtype;
  array->type = span_str(type->dtype);
  return read_place(t, array, type, elements);
}

/* ---- the data ---- */

/* Zeros up to a place that is at most so far away. */
static bool skip_zeros(struct table *t, uint64_t to, struct span behind) {
  struct span zeros;
  uint64_t at = t->r.at;
  if (!reader_take(&t->r, to - at, &zeros)) return refuse_short(t, behind, to - at);
  if (!span_is_zero(zeros)) return refuse_at(t, OBS_GGUF_PADDING, at, behind, zeros.n, 0);
  return true;
}

/* Writers pad the last tensor too; readers do not ask for it. */
static bool skip_end(struct table *t, uint64_t to, struct span behind) {
  if (!skip_zeros(t, min_u64(to, t->r.at + t->r.left.n), behind)) return false;
  return reader_done(&t->r) || refuse_at(t, OBS_GGUF_TRAILING, t->r.at, SPAN(""), t->r.left.n, 0);
}

static bool place_data(struct table *t) {
  struct span behind = SPAN("the table");
  uint64_t start = padded(t, t->r.at);
  if (start == UINT64_MAX) return refuse_short(t, behind, start);
  t->out->data_at = start;
  if (t->out->arrays.n == 0) {
    t->out->data_at = min_u64(start, t->r.at + t->r.left.n);
    return skip_end(t, start, behind);
  }
  for (uint32_t i = 0; i < t->out->arrays.n; i++) {
    struct plain_array *array = &t->out->arrays.p[i];
    if (!try_add(array->at, start, &array->at)) return refuse_short(t, array->name, array->bytes);
    if (array->at - t->r.at > t->r.left.n) return refuse_short(t, behind, array->at - t->r.at);
    if (!skip_zeros(t, array->at, behind)) return false;
    if (!reader_skip(&t->r, array->bytes)) return refuse_short(t, array->name, array->bytes);
    behind = array->name;
  }
  uint64_t end;
  return skip_end(t, try_add(start, t->data_bytes, &end) ? end : UINT64_MAX, behind);
}

/* ---- the file ---- */

static void note(const struct table *t, enum obs_kind kind, uint32_t version) {
  observe(t->o, (struct observation){.kind = kind, .at = 4, .got = version});
}

/* Big-endian files have the version in its upper half, and their magic may be turned around. */
static bool read_head(struct table *t) {
  struct span of = SPAN("the header"), magic;
  uint32_t version;
  if (!reader_take(&t->r, 4, &magic)) return refuse_short(t, of, 4);
  if (!read_u32(t, of, &version)) return false;
  t->big = version != 0 && (version & UINT16_MAX) == 0;
  if (t->big) version = __builtin_bswap32(version);
  if (version < 1 || version > 3 || (!t->big && !span_is(magic, "GGUF")))
    return refuse_at(t, OBS_GGUF_VERSION, 4, SPAN("GGUF"), version, 3);
  t->narrow = version == 1;
  t->out->big_endian = t->big;
  if (t->big) note(t, OBS_GGUF_BIG_ENDIAN, version);
  if (t->narrow) note(t, OBS_GGUF_OLD, version);
  return true;
}

static bool read_counts(struct table *t, uint64_t *tensors, uint64_t *values) {
  struct span of = SPAN("the header");
  return read_head(t) && read_count(t, of, tensors) && read_count(t, of, values);
}

bool gguf_read(struct plain *out, struct arena *a, struct observations *o, const struct limits *max,
               struct span file) {
  struct table t = {.out = out, .a = a, .o = o, .max = max, .r = reader_of(file, 0), .alignment = ALIGNMENT};
  uint64_t tensors, values;
  *out = (struct plain){.big_endian = false};
  if (!read_counts(&t, &tensors, &values)) return false;
  for (; values; values--)
    if (!read_value(&t)) return false;
  if (!check_twins(&t)) return false;
  for (; tensors; tensors--)
    if (!read_tensor(&t)) return false;
  return check_twins(&t) && place_data(&t);
}
