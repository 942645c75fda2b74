#include "base/npy.h"

#include <inttypes.h>

#include "base/reader.h"

enum { HEADER_TEXT_MAX = 10000 }; /* NumPy's own max_header_size */

static bool reject(struct npy_error *err, uint64_t at, const char *what) {
  *err = (struct npy_error){at, what};
  return false;
}

/* ---- the literal ---- */

static bool next_is(const struct reader *r, uint8_t byte) { return r->left.n > 0 && r->left.p[0] == byte; }
static bool take(struct reader *r, uint8_t byte) { return next_is(r, byte) && reader_skip(r, 1); }
static bool digit_follows(const struct reader *r) {
  return r->left.n > 0 && r->left.p[0] >= '0' && r->left.p[0] <= '9';
}
static void skip_spaces(struct reader *r) {
  while (take(r, ' ')) continue;
}

static bool quoted(struct reader *r, struct span *out, struct npy_error *err) {
  uint64_t at = r->at;
  uint8_t quote = next_is(r, '"') ? '"' : '\'';
  if (!take(r, quote)) return reject(err, at, "a quoted text");
  const uint8_t *end = r->left.n ? memchr(r->left.p, quote, r->left.n) : NULL;
  if (!end || !reader_take(r, (uint64_t)(end - r->left.p), out)) return reject(err, at, "a closing quote");
  if (out->n && memchr(out->p, '\\', out->n)) return reject(err, at, "a text without escapes");
  return take(r, quote);
}

/* A size: at most 2^63 - 1, no leading zeros; 2L is how Python 2 spells it, which versions 1 and 2 may hold.
 */
static bool dimension(struct reader *r, uint8_t major, uint64_t *out, struct npy_error *err) {
  uint64_t at = r->at, n = 0;
  bool zero = next_is(r, '0');
  if (!digit_follows(r)) return reject(err, at, "a dimension, 0 or more");
  for (uint8_t byte; digit_follows(r);)
    if (!reader_u8(r, &byte) || !try_mul(n, UINT64_C(10), &n) || !try_add(n, byte - (uint64_t)'0', &n) ||
        n > INT64_MAX)
      return reject(err, at, "a dimension of at most 2^63 - 1");
  if (zero && r->at - at > 1) return reject(err, at, "a dimension without leading zeros");
  if (major < 3) (void)take(r, 'L');
  *out = n;
  return true;
}

/* (), (3,), (2, 3): a tuple as Python prints it; (3) would be a number. */
static bool shape(struct reader *r, uint8_t major, struct npy *out, struct npy_error *err) {
  bool comma = true;
  if (!take(r, '(')) return reject(err, r->at, "a tuple as shape");
  for (skip_spaces(r); !next_is(r, ')'); skip_spaces(r)) {
    if (!comma) return reject(err, r->at, "',' or ')'");
    if (out->ndim == NPY_MAX_DIMS) return reject(err, r->at, "at most 32 dimensions");
    if (!dimension(r, major, &out->shape[out->ndim], err)) return false;
    out->ndim++;
    skip_spaces(r);
    comma = take(r, ',');
  }
  if (out->ndim == 1 && !comma) return reject(err, r->at, "',' behind the only dimension");
  return take(r, ')');
}

/* The dtypes that are read, as NumPy spells them. */
static const struct {
  const char *descr;
  char kind;
  uint8_t size;
} descrs[] = {
    {"<f2", 'f', 2}, {"<f4", 'f', 4}, {"<f8", 'f', 8}, {"|i1", 'i', 1}, {"<i1", 'i', 1},
    {"<i2", 'i', 2}, {"<i4", 'i', 4}, {"<i8", 'i', 8}, {"|u1", 'u', 1}, {"<u1", 'u', 1},
    {"<u2", 'u', 2}, {"<u4", 'u', 4}, {"<u8", 'u', 8}, {"|b1", 'b', 1}, {"<b1", 'b', 1},
};

static bool descr(struct reader *r, struct npy *out, struct npy_error *err) {
  struct span text;
  uint64_t at = r->at;
  if (next_is(r, '[')) return reject(err, at, "a plain dtype, not a record of fields");
  if (!quoted(r, &text, err)) return false;
  for (size_t i = 0; i < ARRAY_LEN(descrs); i++) {
    if (!span_is(text, descrs[i].descr)) continue;
    out->kind = descrs[i].kind;
    out->size = descrs[i].size;
    return true;
  }
  if (span_ends(text, SPAN("O"))) return reject(err, at, "numbers: an array of Python objects is a pickle");
  if (span_starts(text, SPAN(">"))) return reject(err, at, "little-endian numbers");
  if (span_ends(text, SPAN("c8")) || span_ends(text, SPAN("c16")))
    return reject(err, at, "real numbers, and these are complex");
  return reject(err, at, "a dtype of f2 f4 f8, i1 to i8, u1 to u8 or b1");
}

static bool order(struct reader *r, struct npy *out, struct npy_error *err) {
  out->fortran_order = span_starts(r->left, SPAN("True"));
  if (!out->fortran_order && !span_starts(r->left, SPAN("False"))) return reject(err, r->at, "True or False");
  return reader_skip(r, out->fortran_order ? 4 : 5);
}

enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };

static unsigned field_named(struct span name) {
  if (span_is(name, "descr")) return DESCR;
  if (span_is(name, "fortran_order")) return ORDER;
  return span_is(name, "shape") ? SHAPE : 0;
}

enum { ITEM_MAX = 1 << 28, RECORD_DEPTH = 16 };

/* '<f4', '>c16', '|S5', '<M8[ns]': byte order, kind, size, and for times a unit. Numbers and times have a
 * size: without one NumPy takes the letter for C's type, '<f' for a float, '|b' for a signed char. */
static bool item(struct reader *r, struct npy_place *out, struct npy_error *err) {
  struct span text;
  uint64_t at = r->at, size = 0;
  size_t i = 2;
  if (!quoted(r, &text, err)) return false;
  if (text.n < 2 || !memchr("<>|=", text.p[0], 4) || !memchr("fiubcSUVMmO", text.p[1], 11))
    return reject(err, at, "byte order, kind and size of a dtype");
  for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && size < ITEM_MAX; i++)
    size = size * 10 + (uint64_t)(text.p[i] - '0');
  bool unit = (text.p[1] == 'M' || text.p[1] == 'm') && i < text.n && text.p[i] == '[';
  bool sized = size > 0 || !memchr("fiubcMm", text.p[1], 7);
  if (size >= ITEM_MAX || !sized || (i < text.n && !unit)) return reject(err, at, "a size of a dtype");
  out->array.kind = (char)text.p[1];
  out->big_endian = text.p[0] == '>';
  out->item_size = text.p[1] == 'U' ? 4 * size : size;
  return true;
}

/* Records in a record, and what the fields of each take together so far. */
struct record {
  uint64_t bytes[RECORD_DEPTH];
  uint32_t depth;
  bool objects;
};

/* ('name', or (('title', 'name'), and the comma behind. */
static bool field_name(struct reader *r, struct npy_error *err) {
  struct span name;
  skip_spaces(r);
  bool titled = take(r, '(');
  for (int i = 0; i < (titled ? 2 : 1); i++) {
    skip_spaces(r);
    if (!quoted(r, &name, err)) return false;
    skip_spaces(r);
    if (i < titled && !take(r, ',')) return reject(err, r->at, "',' between title and name");
  }
  if (titled && !take(r, ')')) return reject(err, r->at, "')' behind title and name");
  skip_spaces(r);
  return take(r, ',') || reject(err, r->at, "',' behind the name of a field");
}

/* A shape, if it has one, and the end of the field, whose items have so many bytes. */
static bool field_end(struct reader *r, uint8_t major, struct record *rec, uint64_t bytes,
                      struct npy_error *err) {
  struct npy part = {0};
  uint64_t *sum = &rec->bytes[rec->depth], at = r->at;
  skip_spaces(r);
  if (take(r, ',')) {
    skip_spaces(r);
    if (!shape(r, major, &part, err)) return false;
    skip_spaces(r);
  }
  for (uint32_t i = 0; i < part.ndim; i++)
    if (!try_mul(bytes, part.shape[i], &bytes)) bytes = ITEM_MAX;
  if (!try_add(*sum, bytes, sum) || *sum >= ITEM_MAX) return reject(err, at, "a size of a record");
  if (!take(r, ')')) return reject(err, r->at, "')' behind a field");
  skip_spaces(r);
  return take(r, ',') || next_is(r, ']') || reject(err, r->at, "',' or ']'");
}

/* [('a', '<i4'), ('b', '<f8', (2, 3)), ('c', [('d', '|u1')])] behind its first bracket: as many bytes as the
 * fields have, which follow each other without gaps (numpy writes gaps as fields of kind V). */
static bool fields(struct reader *r, uint8_t major, struct npy_place *out, struct npy_error *err) {
  struct record rec = {.depth = 0};
  for (;;) {
    skip_spaces(r);
    if (take(r, ']')) {
      if (rec.depth == 0) break;
      uint64_t bytes = rec.bytes[rec.depth--];
      if (!field_end(r, major, &rec, bytes, err)) return false;
      continue;
    }
    if (!take(r, '(')) return reject(err, r->at, "a field");
    if (!field_name(r, err)) return false;
    skip_spaces(r);
    if (take(r, '[')) {
      if (rec.depth + 1 == RECORD_DEPTH) return reject(err, r->at, "records in records at most 16 deep");
      rec.bytes[++rec.depth] = 0;
      continue;
    }
    if (!item(r, out, err) || !field_end(r, major, &rec, out->item_size, err)) return false;
    rec.objects = rec.objects || out->array.kind == 'O';
  }
  out->array.kind = rec.objects ? 'O' : 'V';
  out->big_endian = false;
  out->item_size = rec.bytes[0];
  return true;
}

static bool any_descr(struct reader *r, uint8_t major, struct npy_place *out, struct npy_error *err) {
  out->fields = take(r, '[');
  return out->fields ? fields(r, major, out, err) : item(r, out, err);
}

static bool entry(struct reader *r, uint8_t major, struct npy *out, struct npy_place *any, unsigned *have,
                  struct npy_error *err) {
  struct span name;
  uint64_t at = r->at;
  if (!quoted(r, &name, err)) return false;
  unsigned field = field_named(name);
  if (field == 0) return reject(err, at, "'descr', 'fortran_order' or 'shape'");
  if (*have & field) return reject(err, at, "each key once");
  *have |= field;
  skip_spaces(r);
  if (!take(r, ':')) return reject(err, r->at, "':'");
  skip_spaces(r);
  if (field == DESCR) return any ? any_descr(r, major, any, err) : descr(r, out, err);
  return field == ORDER ? order(r, out, err) : shape(r, major, out, err);
}

/* `any`: the place whose array `out` is, if all dtypes are taken. */
static bool header_dict(struct reader *r, uint8_t major, struct npy *out, struct npy_place *any,
                        struct npy_error *err) {
  unsigned have = 0;
  bool comma = true;
  skip_spaces(r);
  if (!take(r, '{')) return reject(err, r->at, "a dict");
  for (skip_spaces(r); !next_is(r, '}'); skip_spaces(r)) {
    if (!comma) return reject(err, r->at, "',' or '}'");
    if (!entry(r, major, out, any, &have, err)) return false;
    skip_spaces(r);
    comma = take(r, ',');
  }
  if (have != ALL) return reject(err, r->at, "the keys 'descr', 'fortran_order' and 'shape'");
  if (!take(r, '}')) return false;
  while (next_is(r, ' ') || next_is(r, '\n'))
    if (!reader_skip(r, 1)) return false;
  return reader_done(r) || reject(err, r->at, "nothing but spaces behind the dict");
}

/* ---- the file ---- */

static bool prelude(struct reader *r, uint8_t *major, struct reader *header, struct npy_error *err) {
  struct span magic;
  uint8_t minor;
  uint32_t len = 0;
  uint16_t short_len = 0;
  if (!reader_take(r, 6, &magic) || !span_eq(magic, SPAN("\x93NUMPY")))
    return reject(err, 0, "the .npy signature");
  if (!reader_u8(r, major) || !reader_u8(r, &minor)) return reject(err, r->at, "a version");
  if (*major < 1 || *major > 3 || minor != 0) return reject(err, r->at - 2, "version 1.0, 2.0 or 3.0");
  if (*major == 1 ? !reader_u16le(r, &short_len) : !reader_u32le(r, &len))
    return reject(err, r->at, "a header length");
  if (*major == 1) len = short_len;
  if (len > HEADER_TEXT_MAX) return reject(err, r->at, "a header of at most 10,000 bytes");
  return reader_sub(r, len, header) || reject(err, r->at, "the whole header");
}

/* As with torch's views, a zero dimension must not hide that the others overflow. */
static bool data_length(struct npy *out, uint64_t item_size, uint64_t *bytes) {
  uint64_t product = item_size ? item_size : 1;
  bool empty = false;
  for (uint32_t i = 0; i < out->ndim; i++) {
    if (out->shape[i] == 0)
      empty = true;
    else if (!try_mul(product, out->shape[i], &product) || product > INT64_MAX)
      return false;
  }
  out->numel = empty ? 0 : product / (item_size ? item_size : 1);
  *bytes = out->numel * item_size;
  return true;
}

bool npy_read(struct npy *out, struct span file, struct npy_error *err) {
  struct reader r = reader_of(file, 0), header = {0};
  uint8_t major;
  uint64_t bytes;
  *out = (struct npy){0};
  *err = (struct npy_error){0, "a .npy file"};
  if (!prelude(&r, &major, &header, err) || !header_dict(&header, major, out, NULL, err)) return false;
  if (!data_length(out, out->size, &bytes)) return reject(err, r.at, "a shape that fits memory");
  if (!reader_take(&r, bytes, &out->data)) return reject(err, file.n, "as many bytes as shape and dtype say");
  return reader_done(&r) || reject(err, r.at, "nothing behind the data");
}

bool npy_place(struct npy_place *out, struct span head, struct npy_error *err) {
  struct reader r = reader_of(head, 0), header = {0};
  uint8_t major;
  *out = (struct npy_place){.big_endian = false};
  *err = (struct npy_error){0, "a .npy file"};
  if (!prelude(&r, &major, &header, err)) return false;
  out->data_at = r.at;
  if (!header_dict(&header, major, &out->array, out, err)) return false;
  if (out->array.kind == 'O') return true;
  return data_length(&out->array, out->item_size, &out->data_bytes) ||
         reject(err, r.at, "a shape that fits memory");
}

/* ---- writing ---- */

struct text {
  char p[NPY_HEADER_SIZE];
  size_t n; /* sizeof p: it did not fit */
};

static void append(struct text *t, const char *piece) {
  size_t n = strlen(piece), room = sizeof t->p - t->n;
  memcpy(t->p + t->n, piece, min_size(n, room));
  t->n += min_size(n, room);
}

static void append_number(struct text *t, uint64_t number) {
  char digits[24];
  (void)snprintf(digits, sizeof digits, "%" PRIu64, number);
  append(t, digits);
}

size_t npy_header(uint8_t out[NPY_HEADER_SIZE], const char *descr, const uint64_t *shape, uint32_t ndim) {
  enum { LENGTH = NPY_HEADER_SIZE - 10 }; /* behind magic, version and this length */
  static const uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, LENGTH, 0};
  struct text t = {.n = 0};
  append(&t, "{'descr': '");
  append(&t, descr);
  append(&t, "', 'fortran_order': False, 'shape': (");
  for (uint32_t i = 0; i < ndim; i++) {
    if (i > 0) append(&t, ", ");
    append_number(&t, shape[i]);
  }
  append(&t, ndim == 1 ? ",), }" : "), }");
  if (t.n >= LENGTH) return 0; /* the line feed needs a place too */
  memcpy(out, start, sizeof start);
  memset(out + sizeof start, ' ', LENGTH);
  memcpy(out + sizeof start, t.p, t.n);
  out[NPY_HEADER_SIZE - 1] = '\n';
  return NPY_HEADER_SIZE;
}
