/* Which kind of file it is: by its bytes, never by its name. The table is signatures.def; a file that several
 * rows of loadable kinds recognise is a polyglot, and one that ends as a zip archive may be one. */
#include "container/detect.h"

#include <sys/auxv.h>

#include "base/utf8.h"
#include "container/safetensors.h"
#include "container/tar.h"
#include "container/zip.h"

/* Two hits of one family are one format. Kinds that no loader looks for have none. */
enum family { NO_FAMILY, ZIP, TAR, PICKLES, SAFETENSORS, NPY, GGUF, MOBILE, PACKED };

struct recogniser {
  enum container_kind kind;
  enum family family;
  size_t at; /* of the magic */
  const char *magic;
  size_t magic_len;
  bool (*also)(const struct probe *p); /* NULL: the magic is enough */
};

static bool two_digits(const struct probe *p) {
  return p->head.n >= 8 && p->head.p[6] >= '0' && p->head.p[6] <= '9' && p->head.p[7] >= '0' &&
         p->head.p[7] <= '9';
}

static bool safetensors_header(const struct probe *p) {
  if (p->head.n < 9) return false;
  uint64_t n = load_u64le(p->head.p);
  return n >= 2 && n <= SAFETENSORS_HEADER_MAX && p->head.p[8] == '{' && n <= p->file.n - 8;
}

/* A table of 93, 376, 40,056 or some other bytes makes a file begin as a stream of zlib or lzma-alone does.
 * Below 2^24 bytes its length goes on with five zeros, behind which no stream has a second byte: a block of
 * deflate is stored without the complement of its length, ends at once or has no codes; the range coder of
 * lzma wants a zero where JSON has none. */
static bool is_short_safetensors(const struct probe *p) {
  return safetensors_header(p) && load_u64le(p->head.p) < 1u << 24;
}

/* RFC 1950: the header is a multiple of 31, no preset dictionary; RFC 1951: no block of type 3. */
static bool zlib_header(const struct probe *p) {
  return p->head.n >= 6 && !is_short_safetensors(p) && (p->head.p[0] << 8 | p->head.p[1]) % 31 == 0 &&
         !(p->head.p[1] & 0x20) && (p->head.p[2] & 6) != 6;
}

/* A length of 130, 131 or 132 is the opcode of an extension, whose code is followed by zeros; they are none.
 * In msgpack it is a table of 2, 3 or 4, and the code, which no pickler gives out, the first letters of a
 * key. A length of 88, or of 88 and a multiple of 256, is that of a text, behind which the JSON may have a
 * STOP. */
static bool begins_as_pickle(const struct probe *p) {
  bool extension = p->head.n && is_one_of(p->head.p[0], SPAN("\x82\x83\x84"));
  bool by_chance = (is_short_safetensors(p) && (extension || loads_plain_value(p))) ||
                   (extension && looks_like_msgpack(p));
  return !by_chance && looks_like_pickle(p);
}

static bool lzma_alone(const struct probe *p) { return !is_short_safetensors(p); }
static bool gzip_deflate(const struct probe *p) { return p->head.n >= 3 && p->head.p[2] == 8; }
static bool bzip2_level(const struct probe *p) {
  return p->head.n >= 4 && p->head.p[3] >= '1' && p->head.p[3] <= '9';
}
/* PROTO 0 to 5. Safetensors headers of 384, 640, … bytes begin with the same two bytes; 0 is no opcode. */
static bool known_protocol(const struct probe *p) {
  return p->head.n >= 2 && p->head.p[1] <= 5 && !safetensors_header(p);
}
/* A Git-LFS pointer is at most so long. */
static bool short_text(const struct probe *p) { return p->file.n <= 1024; }
static bool is_empty(const struct probe *p) { return p->file.n == 0; }

static bool starts_without_case(struct span text, struct span prefix) {
  return text.n >= prefix.n && names_equal_folded(span_first(text, prefix.n), prefix);
}

static bool is_html(const struct probe *p) {
  static const char *const tags[] = {"<!doctype html", "<html", "<head", "<body", "<?xml"};
  struct span text = p->head;
  if (span_starts(text, SPAN("\xEF\xBB\xBF"))) text = span_from(text, 3);
  while (text.n && is_one_of(text.p[0], SPAN(" \t\r\n"))) text = span_from(text, 1);
  for (size_t i = 0; i < ARRAY_LEN(tags); i++)
    if (starts_without_case(text, span_str(tags[i]))) return true;
  return false;
}

/* Printable UTF-8 as far as it was copied; the cut may fall into a character. */
static bool is_text(const struct probe *p) {
  for (size_t i = 0; i < p->head.n; i++)
    if ((p->head.p[i] < 0x20 && !is_one_of(p->head.p[i], SPAN("\t\n\r\f"))) || p->head.p[i] == 0x7f)
      return false;
  return p->head.n - utf8_valid_prefix(p->head, UTF8_STRICT) < UTF8_MAX;
}

static const struct recogniser recognisers[] = {
#define SIGNATURE(kind, family, at, magic, also) \
  {CONTAINER_##kind, family, at, magic, sizeof(magic) - 1, also},
#include "container/signatures.def"
#undef SIGNATURE
};

static bool recognises(const struct recogniser *row, const struct probe *p) {
  struct span magic = span_of(row->magic, row->magic_len);
  return span_starts(span_from(p->head, row->at), magic) && (!row->also || row->also(p));
}

/* ---- kinds ---- */

static const struct {
  const char *name, *says;
  bool read, foreign;
} kinds[] = {
#define FULL                          true
#define NAMED                         false
#define KIND(id, name, support, says) {name, says, support, false},
#include "container/kinds.def"
#undef KIND
#undef NAMED
#undef FULL
#define FOREIGN(id, name, says) {name, says, false, true},
#include "container/foreign.def"
#undef FOREIGN
};

const char *container_kind_name(enum container_kind kind) { return kinds[kind].name; }
const char *container_kind_says(enum container_kind kind) { return kinds[kind].says; }
bool container_kind_read(enum container_kind kind) { return kinds[kind].read; }

static struct observation about_kind(enum obs_kind what, enum container_kind kind, const char *detail) {
  return (struct observation){
      .kind = what, .subject = span_str(container_kind_name(kind)), .detail = span_str(detail)};
}

static enum obs_kind kind_observation(enum container_kind kind) {
  switch (kind) {
  case CONTAINER_TORCH_ZIP:
  case CONTAINER_SAFETENSORS:
  case CONTAINER_GGUF:
  case CONTAINER_NPZ:
  case CONTAINER_NPY:
  case CONTAINER_PICKLE:
  case CONTAINER_FOLDER: return OBS_NONE;
  case CONTAINER_TORCH_LEGACY: return OBS_KIND_LEGACY;
  case CONTAINER_TORCHSCRIPT: return OBS_KIND_TORCHSCRIPT;
  case CONTAINER_LFS_POINTER: return OBS_KIND_LFS_POINTER;
  case CONTAINER_TORCH_TAR: return OBS_KIND_TORCH_TAR;
  case CONTAINER_TAR:
  case CONTAINER_OTHER_ZIP:
  case CONTAINER_STABLE_BASELINES3:
  case CONTAINER_SEVENZIP:
  case CONTAINER_CPIO:
  case CONTAINER_RAR:
  case CONTAINER_COMPRESSED: return OBS_KIND_ARCHIVE;
  case CONTAINER_UNKNOWN: return OBS_KIND_UNKNOWN;
  case CONTAINER_EMPTY:
  case CONTAINER_TORCH_PACKAGE:
  case CONTAINER_PT2:
  case CONTAINER_PYTORCH1:
  case CONTAINER_MOBILE:
  case CONTAINER_EXECUTORCH:
  case CONTAINER_HTML:
  case CONTAINER_TEXT:
#define FOREIGN(id, name, says) case CONTAINER_##id:
#include "container/foreign.def"
#undef FOREIGN
  case CONTAINER_KINDS: return OBS_KIND_UNSUPPORTED;
  }
  return OBS_KIND_UNSUPPORTED;
}

/* The first row that hits; but of a polyglot the pickle, so that its program is judged as well. */
static const struct recogniser *recognise(const struct probe *p, struct observations *o) {
  const struct recogniser *best = NULL;
  for (size_t i = 0; i < ARRAY_LEN(recognisers); i++) {
    const struct recogniser *row = &recognisers[i];
    if ((best && row->family == NO_FAMILY) || !recognises(row, p)) continue;
    if (!best) best = row;
    if (!best->family || !row->family || best->family == row->family) continue;
    observe(o, about_kind(OBS_KIND_POLYGLOT, best->kind, container_kind_name(row->kind)));
    if (row->family == PICKLES && best->family != ZIP) best = row;
  }
  return best;
}

static bool is_directory(struct span file, uint64_t at, uint64_t end_at) {
  uint8_t signature[4];
  if (at > end_at || end_at - at < ZIP_CENTRAL_BYTES) return false;
  memcpy(signature, file.p + at, sizeof signature);
  return memcmp(signature, "PK\1\2", sizeof signature) == 0;
}

/* miniz, with which torch.jit.load reads, minds neither the file's beginning nor what follows the end record:
 * the directory is where that says, or its zip64 record. */
static bool torch_reads(struct span file, const struct zip_end *end) {
  struct zip_end wide;
  return is_directory(file, end->directory_at, end->at) ||
         (zip_find_end64(file, end->at, &wide) && is_directory(file, wide.directory_at, end->at));
}

/* unzip tools look for an end record first, whatever the file begins with. One that is believed has its
 * directory where it says, or right before the end records. */
static bool directory_is_there(struct span file, const struct zip_end *end) {
  enum { WIDE_BYTES = ZIP_END64_BYTES + ZIP_LOCATOR_BYTES };
  struct zip_end wide;
  uint64_t before = end->at - min_u64(end->at, end->directory_bytes);
  if (torch_reads(file, end) || is_directory(file, before, end->at) ||
      is_directory(file, before - min_u64(before, WIDE_BYTES), end->at))
    return true;
  if (!zip_find_end64(file, end->at, &wide)) return false;
  before = end->at - min_u64(end->at, WIDE_BYTES);
  return is_directory(file, before - min_u64(before, wide.directory_bytes), end->at);
}

static void look_for_zip_behind(struct container *c, enum family family, struct observations *o) {
  struct zip_end last, fitting;
  if (!zip_find_end(c->file, &last, &fitting)) return;
  bool whole = fitting.at < c->file.n && directory_is_there(c->file, &fitting);
  if (!whole && (family == NO_FAMILY || !directory_is_there(c->file, &last))) return;
  enum obs_kind kind = family == NO_FAMILY                    ? OBS_KIND_PREFIXED_ZIP
                       : whole || torch_reads(c->file, &last) ? OBS_KIND_ZIP_BEHIND
                                                              : OBS_KIND_ZIP_INSIDE;
  struct observation what = about_kind(kind, c->kind, "");
  what.at = whole ? fitting.at : last.at;
  what.got = c->file.n - what.at;
  observe(o, what);
  if (family == NO_FAMILY) c->kind = CONTAINER_OTHER_ZIP;
}

/* The kernel's sixteen random bytes of this process image: nobody who wrote the file knows them, and reading
 * them takes no system call. */
static void seed_hash(struct container *c) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel hands the address over as a number
  const void *random = (const void *)getauxval(AT_RANDOM);
  if (random) memcpy(c->hash_seed, random, sizeof c->hash_seed);
}

enum container_kind container_sniff(struct span file) {
  uint8_t head[PROBE_BYTES];
  size_t n = min_size(file.n, sizeof head);
  if (n) memcpy(head, file.p, n);
  struct probe probe = {.head = span_of(head, n), .file = file};
  struct container c = {.file = file};
  struct observations ignored = {.per_kind_max = 0};
  const struct recogniser *row = recognise(&probe, &ignored);
  c.kind = row->kind;
  if (row->family != ZIP) look_for_zip_behind(&c, row->family, &ignored);
  return c.kind;
}

bool container_is_bystander(enum container_kind kind, struct span name) {
  static const char *const endings[] = {".pt",  ".pth",   ".bin", ".ckpt",        ".pkl",    ".pickle",
                                        ".th",  ".model", ".t7",  ".safetensors", ".joblib", ".npy",
                                        ".npz", ".pt2",   ".ptl", ".tar"};
  if (kind == CONTAINER_SENTENCEPIECE) return true;
  bool plain = kind == CONTAINER_TEXT || kind == CONTAINER_HTML || kind == CONTAINER_UNKNOWN ||
               kind == CONTAINER_EMPTY || kinds[kind].foreign;
  for (size_t i = 0; i < ARRAY_LEN(endings); i++) plain = plain && !span_ends(name, span_str(endings[i]));
  return plain;
}

struct span container_false_ending(enum container_kind kind, struct span name) {
  static const char *const endings[] = {".safetensors", ".npy", ".npz", ".gguf", ".json", ".txt"};
  bool program = kind == CONTAINER_TORCH_ZIP || kind == CONTAINER_TORCH_LEGACY ||
                 kind == CONTAINER_TORCHSCRIPT || kind == CONTAINER_TORCH_TAR || kind == CONTAINER_PICKLE;
  for (size_t i = 0; program && i < ARRAY_LEN(endings); i++)
    if (span_ends(name, span_str(endings[i]))) return span_str(endings[i]);
  return SPAN("");
}

static void note_kind(const struct container *c, struct arena *a, struct observations *o, struct span head) {
  enum obs_kind kind = kind_observation(c->kind);
  if (kind == OBS_NONE) return;
  struct observation what = about_kind(kind, c->kind, container_kind_says(c->kind));
  if (kind == OBS_KIND_UNKNOWN && !arena_copy(a, span_first(head, 16), &what.detail)) o->lost = true;
  observe(o, what);
}

void container_open(struct container *c, struct arena *a, struct observations *o, const struct limits *max,
                    struct span file) {
  uint8_t head[PROBE_BYTES];
  size_t n = min_size(file.n, sizeof head);
  if (n) memcpy(head, file.p, n);
  struct probe probe = {.head = span_of(head, n), .file = file};
  *c = (struct container){.file = file};
  seed_hash(c);
  const struct recogniser *row = recognise(&probe, o);
  c->kind = row->kind;
  if (row->family == ZIP)
    zip_open(c, a, o, max);
  else
    look_for_zip_behind(c, row->family, o);
  if (c->kind == CONTAINER_TORCH_TAR) tar_open(c, a, o, max);
  note_kind(c, a, o, probe.head);
}
