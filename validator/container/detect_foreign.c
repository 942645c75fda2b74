/* Which other framework's file it is, where a few fixed bytes don't say (signatures.def has the sources).
 * Only names hang on it: none of these kinds is read, and none is clean. */
#include "base/reader.h"
#include "container/detect.h"

static bool is_word(struct span s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] <= 0x20 || s.p[i] >= 0x7f) return false;
  return s.n > 0;
}

/* The next key of a msgpack map: a short text. False: none. */
static bool take_key(struct reader *r, struct span *key) {
  enum { FIXSTR = 0xa0, STR8 = 0xd9 };
  uint8_t tag, n;
  if (!reader_u8(r, &tag)) return false;
  if (tag > FIXSTR && tag < FIXSTR + 32)
    n = tag & 0x1f;
  else if (tag != STR8 || !reader_u8(r, &n))
    return false;
  return reader_take(r, n, key);
}

/* A map that is not empty, the first key a word, behind it a value: a table of parameters. */
bool looks_like_msgpack(const struct probe *p) {
  enum { FIXMAP = 0x80, MAP16 = 0xde, MAP32 = 0xdf, NEVER_USED = 0xc1 };
  struct reader r = reader_of(p->head, 0);
  struct span key, length;
  uint8_t tag;
  if (!reader_u8(&r, &tag)) return false;
  bool map = (tag > FIXMAP && tag < FIXMAP + 16) || (tag == MAP16 && reader_take(&r, 2, &length)) ||
             (tag == MAP32 && reader_take(&r, 4, &length));
  return map && take_key(&r, &key) && is_word(key) && reader_u8(&r, &tag) && tag != NEVER_USED;
}

/* ---- protobuf: fields of a number and a wire type, of which varints and lengths are met here ---- */

enum { WIRE_VARINT = 0, WIRE_LEN = 2 };

static bool take_varint(struct reader *r, uint64_t *out) {
  uint8_t byte = 0x80;
  *out = 0;
  for (unsigned shift = 0; shift < 63 && byte & 0x80; shift += 7) {
    if (!reader_u8(r, &byte)) return false;
    *out |= (uint64_t)(byte & 0x7f) << shift;
  }
  return !(byte & 0x80);
}

struct field {
  uint64_t number, value; /* of LEN its length */
  unsigned wire;
};

static bool take_field(struct reader *r, struct field *f) {
  uint64_t tag;
  if (!take_varint(r, &tag)) return false;
  f->number = tag >> 3;
  f->wire = tag & 7;
  return (f->wire == WIRE_VARINT || f->wire == WIRE_LEN) && take_varint(r, &f->value);
}

/* Field 1 is a small number, as the version in ONNX, Core ML and SavedModel; behind it stands *next. */
static bool is_versioned(const struct probe *p, struct reader *r, struct field *next) {
  enum { NEWEST = 31 };
  struct field version;
  *r = reader_of(p->head, 0);
  return take_field(r, &version) && version.number == 1 && version.wire == WIRE_VARINT &&
         version.value >= 1 && version.value <= NEWEST && take_field(r, next) && next->wire == WIRE_LEN &&
         next->value <= p->file.n - r->at;
}

/* saved_model_schema_version 1, then the graphs, which are nearly all of it; of these, meta_info_def first.
 */
bool is_saved_model(const struct probe *p) {
  struct reader r;
  struct field graph, first;
  return is_versioned(p, &r, &graph) && graph.number == 2 && graph.value >= (p->file.n - r.at) / 2 &&
         take_field(&r, &first) && first.number == 1 && first.wire == WIRE_LEN && first.value < graph.value;
}

/* ir_version, then a producer's name (2), or the graph (7) or its operators (8) at once. */
bool is_onnx(const struct probe *p) {
  struct reader r;
  struct field next, inner;
  struct span name;
  if (!is_versioned(p, &r, &next)) return false;
  if (next.number == 2) return next.value < 64 && reader_take(&r, (size_t)next.value, &name) && is_word(name);
  return (next.number == 7 || next.number == 8) && next.value > 0 && take_field(&r, &inner) &&
         inner.number >= 1 && inner.number <= 16;
}

/* specificationVersion, then the description: what goes in comes first, features with their names. */
bool is_coreml(const struct probe *p) {
  struct reader r;
  struct field description, input, name;
  struct span text;
  return is_versioned(p, &r, &description) && description.number == 2 && take_field(&r, &input) &&
         input.number == 1 && input.wire == WIRE_LEN && take_field(&r, &name) && name.number == 1 &&
         name.wire == WIRE_LEN && name.value < input.value && name.value < 256 &&
         reader_take(&r, (size_t)name.value, &text) && is_word(text);
}

/* The network's name, then its layers: 100, or 2 before Caffe's third format. */
bool is_caffe(const struct probe *p) {
  struct reader r = reader_of(p->head, 0);
  struct field name, layer;
  struct span text;
  return take_field(&r, &name) && name.number == 1 && name.wire == WIRE_LEN && name.value > 0 &&
         name.value < 256 && reader_take(&r, (size_t)name.value, &text) && is_word(text) &&
         take_field(&r, &layer) && layer.wire == WIRE_LEN && (layer.number == 100 || layer.number == 2) &&
         layer.value <= p->file.n - r.at;
}

/* Pieces, each of a text and a score, a float. */
bool is_sentencepiece(const struct probe *p) {
  enum { FLOAT_OF_FIELD_2 = 2 << 3 | 5 };
  struct reader r = reader_of(p->head, 0);
  struct field piece, text;
  struct span skipped;
  uint8_t tag;
  return take_field(&r, &piece) && piece.number == 1 && piece.wire == WIRE_LEN && piece.value <= 512 &&
         take_field(&r, &text) && text.number == 1 && text.wire == WIRE_LEN && text.value < piece.value &&
         reader_take(&r, (size_t)text.value, &skipped) && reader_u8(&r, &tag) && tag == FLOAT_OF_FIELD_2;
}

/* ---- others ---- */

/* A table of LevelDB's kind: its magic number ends the file. */
bool is_tf_checkpoint(const struct probe *p) {
  static const char magic[] = "\x57\xfb\x80\x8b\x24\x75\x47\xdb";
  enum { MAGIC_BYTES = sizeof magic - 1, FOOTER_BYTES = 48 };
  uint8_t end[MAGIC_BYTES];
  if (p->file.n < FOOTER_BYTES) return false;
  memcpy(end, p->file.p + p->file.n - MAGIC_BYTES, sizeof end);
  return memcmp(end, magic, sizeof end) == 0;
}

/* Versions and levels, all 0, then a tensor's description as protobuf: its length, and field 1, the type. */
bool is_paddle(const struct probe *p) {
  enum { ZEROS = 16, DESCRIPTION_MOST = 256 };
  if (p->head.n < ZEROS + 8) return false;
  uint32_t length = load_u32le(p->head.p + ZEROS);
  return length >= 2 && length <= DESCRIPTION_MOST && p->head.p[ZEROS + 4] == (1 << 3 | WIRE_VARINT);
}

/* Major 0, minor 1 or 2, a small revision, the images that it has seen; then floats to the end. */
bool is_darknet(const struct probe *p) {
  enum { HEADER_BYTES = 20, REVISIONS = 10 };
  if (p->head.n < HEADER_BYTES || p->file.n == HEADER_BYTES || p->file.n % 4 != 0) return false;
  uint32_t minor = load_u32le(p->head.p + 4);
  return (minor == 1 || minor == 2) && load_u32le(p->head.p + 8) < REVISIONS;
}

static bool take_digits(struct reader *r, uint8_t end) {
  enum { DIGITS = 12 };
  for (unsigned i = 0; i <= DIGITS; i++) {
    uint8_t byte;
    if (!reader_u8(r, &byte)) return false;
    if (!is_digit(byte)) return i > 0 && byte == end;
  }
  return false;
}

/* "400000 300\n", then a word, a space and the floats: no text, as the other form of it is. */
bool is_word2vec(const struct probe *p) {
  struct reader r = reader_of(p->head, 0);
  return take_digits(&r, ' ') && take_digits(&r, '\n');
}
