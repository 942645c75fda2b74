/* What is taken apart by which reader: zips by our own, zlib streams by libdeflate, the rest by libarchive.
 */
#include "container/unpack.h"

#include <libdeflate.h>

#include "container/detect.h"
#include "container/zip.h"

enum { RATIO_FREE = 1 << 20 }; /* so much may come out of however few bytes */

enum unpacking container_unpacking(enum container_kind kind) {
  switch (kind) {
  case CONTAINER_TAR:
  case CONTAINER_CPIO:
  case CONTAINER_SEVENZIP:
  case CONTAINER_OTHER_ZIP:
  case CONTAINER_NPZ:
  case CONTAINER_TORCH_ZIP:
  case CONTAINER_TORCH_TAR:
  case CONTAINER_TORCHSCRIPT: return UNPACK_ASKED;
  case CONTAINER_COMPRESSED:
  case CONTAINER_PT2:
  case CONTAINER_STABLE_BASELINES3: return UNPACK_BY_LOADER;
  default: return UNPACK_NEVER;
  }
}

/* ---- limits ---- */

uint8_t *unpack_room(const struct unpack *u, size_t *room) {
  uint8_t *at = inner_room(&u->out, room);
  *room = u->out.files_left ? (size_t)min_u64(*room, u->ratio_left) : 0;
  return at;
}

bool unpack_full(struct unpack *u, struct span name) {
  struct observation o = {.kind = OBS_LIMIT_NESTED_BYTES, .subject = name, .want = u->max->nested_bytes};
  if (u->out.files_left == 0) {
    o.kind = OBS_LIMIT_NESTED_MEMBERS;
    o.want = u->max->nested_files;
  } else if (u->ratio_left <= u->out.left) {
    o.kind = OBS_LIMIT_NESTED_RATIO;
    o.got = u->file.n;
    o.want = u->max->inflate_ratio;
  }
  return refuse(u->obs, o);
}

bool unpack_broken(struct unpack *u, struct span name, const char *what) {
  return refuse(u->obs,
                (struct observation){.kind = OBS_NESTED_BROKEN, .subject = name, .detail = span_str(what)});
}

bool unpack_hand_out(struct unpack *u, struct span name, size_t n) {
  size_t room;
  const uint8_t *at = unpack_room(u, &room);
  if (u->out.files_left == 0) return unpack_full(u, name);
  u->ratio_left -= min_u64(u->ratio_left, n);
  if (container_is_bystander(container_sniff(span_of(at, n)), name)) {
    u->out.left -= min_u64(u->out.left, n);
    inner_count(&u->out);
    return true;
  }
  return inner_add(&u->out, name, n) || unpack_full(u, name);
}

bool unpack_beginning(struct unpack *u, struct span name, size_t n) {
  enum { BEGINNING_BYTES = 64 << 20 };
  size_t room;
  const uint8_t *at = unpack_room(u, &room);
  n = min_size(n, BEGINNING_BYTES);
  u->ratio_left -= min_u64(u->ratio_left, n);
  if (!container_is_bystander(container_sniff(span_of(at, n)), name))
    (void)!inner_add_beginning(&u->out, name,
                               n); /* without room for it, the limit still says that it is missing */
  return false;
}

/* ---- zips, and the tar of old torch ---- */

static bool hand_out_stored(struct unpack *u, const struct container *c, const struct member *m) {
  struct span bytes = member_mapped(c, m);
  if (bytes.n != m->size) return false;
  bool sound = member_verify(c, m, u->obs); /* many a reader does not look */
  if (u->out.files_left == 0) return unpack_full(u, m->name);
  if (container_is_bystander(container_sniff(bytes), m->name)) {
    inner_count(&u->out);
    return sound;
  }
  return (inner_add_outer(&u->out, m->name, m->data_at, m->size) || unpack_full(u, m->name)) && sound;
}

/* Of a private copy of its beginning: it may be a mapping. */
static bool begins_with_call(struct span bytes) {
  uint8_t head[PROBE_BYTES];
  struct probe p = {.head = span_of(head, min_size(bytes.n, PROBE_BYTES)), .file = bytes};
  if (p.head.n) memcpy(head, bytes.p, p.head.n);
  return reaches_call(&p);
}

/* Weights of torch.export are bare numbers, which may look like anything, unless torch.save wrote them or
 * their config says use_pickle: then a program that calls something is no chance. */
static bool is_bare(const struct container *c, const struct member *m) {
  bool weight = span_starts(m->short_name, SPAN("data/weights/")) ||
                span_starts(m->short_name, SPAN("data/constants/tensor_"));
  if (c->kind != CONTAINER_PT2 || m->method != METHOD_STORED || !weight) return false;
  struct span bytes = member_mapped(c, m);
  enum container_kind kind = container_sniff(bytes);
  return kind != CONTAINER_OTHER_ZIP && kind != CONTAINER_TORCH_LEGACY && !begins_with_call(bytes);
}

static bool unpack_member(struct unpack *u, const struct container *c, const struct member *m) {
  size_t room, n = 0;
  if (span_ends(m->name, SPAN("/")) && m->size == 0) return true; /* a folder */
  if (is_bare(c, m)) {
    inner_count(&u->out);
    return true;
  }
  if (m->method == METHOD_STORED) return hand_out_stored(u, c, m);
  uint8_t *at = unpack_room(u, &room);
  if (m->size > room) {
    if (m->method == METHOD_DEFLATED) n = zip_inflate_some(member_mapped(c, m), at, room);
    return unpack_full(u, m->name) || (n && unpack_beginning(u, m->name, n));
  }
  return member_unpack(c, m, u->obs, at) && unpack_hand_out(u, m->name, (size_t)m->size);
}

/* The scan worker has told what is wrong with the table of contents. */
static bool unpack_members(struct unpack *u) {
  struct container c;
  struct observations told;
  observations_init(&told, u->arena, 0);
  container_open(&c, u->arena, &told, u->max, u->file);
  if (c.kind != u->kind || !c.usable) return false;
  bool whole = true;
  for (uint32_t i = 0; i < c.num_members; i++) {
    const struct member *m = &c.members[i];
    bool limits_hold = u->obs->seen[OBS_LIMIT_NESTED_BYTES] + u->obs->seen[OBS_LIMIT_NESTED_MEMBERS] +
                           u->obs->seen[OBS_LIMIT_NESTED_RATIO] ==
                       0;
    if (!limits_hold) return false;
    struct span text;
    if (u->read && i < u->num_read && u->read[i]) continue;
    if (c.kind == CONTAINER_STABLE_BASELINES3 && span_is(m->name, "data"))
      whole = member_copy(&c, m, u->max->json_bytes, u->arena, u->obs, &text) &&
              json_unpack(u, m->name, text) && whole;
    else
      whole = unpack_member(u, &c, m) && whole;
  }
  return whole;
}

/* ---- zlib streams, and those that joblib before 0.10 wrote ---- */

/* "ZF", then the length as Python's hex() writes it in a field of 19 bytes, then the stream
 * (joblib/numpy_pickle_compat.py, read_zfile, which passes over one more blank). */
static struct span zlib_stream(struct span file) {
  enum { PREFIX = 2, LENGTH = 19 };
  if (!span_starts(file, SPAN("ZF0x"))) return file;
  struct span rest = span_from(file, PREFIX + LENGTH);
  return span_starts(rest, SPAN(" ")) ? span_from(rest, 1) : rest;
}

/* A loader unpickles what comes before the break, or before what follows the stream. */
static bool is_program(struct span bytes) {
  return begins_with_call(bytes) ||
         (span_starts(bytes, SPAN("\x80")) && container_sniff(bytes) == CONTAINER_PICKLE);
}

static bool hand_out_prefix(struct unpack *u, const uint8_t *at, size_t n) {
  if (n && (u->asked || is_program(span_of(at, n)))) (void)!unpack_hand_out(u, SPAN("data"), n);
  return false;
}

/* By libarchive, and what it can't tell of a broken one. */
static bool unpack_stream(struct unpack *u) {
  uint64_t files_left = u->out.files_left;
  if (foreign_unpack(u)) return true;
  if (!u->obs->seen[OBS_NESTED_BROKEN] || u->out.files_left != files_left) return false;
  size_t room;
  uint8_t *at = unpack_room(u, &room);
  return hand_out_prefix(u, at, broken_prefix(u->file, at, room));
}

typedef enum libdeflate_result inflate_fn(struct libdeflate_decompressor *d, const void *in, size_t in_n,
                                          void *out, size_t room, size_t *used, size_t *n);
enum { HEAD = 65536 };

/* What the first bytes of a stream are: the kind of file that it holds. EMPTY: zeros, which libarchive takes
 * for an empty tar file; KINDS: nothing comes out. */
static enum container_kind sniff_stream(const struct unpack *u, struct libdeflate_decompressor *d,
                                        inflate_fn *inflate, struct span stream) {
  size_t room, used, n = 0;
  uint8_t *at = unpack_room(u, &room);
  enum libdeflate_result r = inflate(d, stream.p, stream.n, at, min_size(room, HEAD), &used, &n);
  if (r == LIBDEFLATE_INSUFFICIENT_SPACE) n = min_size(room, HEAD);
  if (r == LIBDEFLATE_BAD_DATA || n == 0) return CONTAINER_KINDS;
  return span_is_zero(span_of(at, n)) ? CONTAINER_EMPTY : container_sniff(span_of(at, n));
}

/* Members of gzip in a row are one stream, behind which zeros may stand. */
static bool inflate_stream(struct unpack *u, struct libdeflate_decompressor *d, inflate_fn *inflate,
                           struct span stream) {
  size_t room, used, n, done = 0;
  uint8_t *at = unpack_room(u, &room);
  struct span rest = stream;
  enum libdeflate_result r;
  do {
    r = inflate(d, rest.p, rest.n, at + done, room - done, &used, &n);
    if (r == LIBDEFLATE_SUCCESS) done += n;
    if (r == LIBDEFLATE_SUCCESS) rest = span_from(rest, used);
  } while (r == LIBDEFLATE_SUCCESS && is_gzip(rest));
  if (r == LIBDEFLATE_INSUFFICIENT_SPACE)
    return unpack_full(u, SPAN("the stream")) || unpack_beginning(u, SPAN("data"), room);
  bool ended = rest.n == 0 || (is_gzip(stream) && span_is_zero(rest));
  if (r == LIBDEFLATE_SUCCESS && ended) return unpack_hand_out(u, SPAN("data"), done);
  (void)!unpack_broken(u, SPAN(""), r ? "the stream is damaged" : "bytes follow the stream");
  return hand_out_prefix(u, at, broken_prefix(stream, at, room));
}

static bool unpack_zlib(struct unpack *u, struct libdeflate_decompressor *d) {
  struct span stream = zlib_stream(u->file);
  enum container_kind kind = sniff_stream(u, d, libdeflate_zlib_decompress_ex, stream);
  bool wanted = u->asked || kind == CONTAINER_PICKLE || kind == CONTAINER_KINDS;
  return wanted && inflate_stream(u, d, libdeflate_zlib_decompress_ex, stream);
}

/* What is no archive needs no libarchive, which is slower. */
static bool unpack_gzip(struct unpack *u, struct libdeflate_decompressor *d) {
  enum container_kind kind = sniff_stream(u, d, libdeflate_gzip_decompress_ex, u->file);
  if (kind == CONTAINER_PICKLE || (u->asked && kind == CONTAINER_EMPTY))
    return inflate_stream(u, d, libdeflate_gzip_decompress_ex, u->file);
  return unpack_stream(u);
}

static bool unpack_compressed(struct unpack *u) {
  bool zlib = span_starts(u->file, SPAN("x")) || span_starts(u->file, SPAN("ZF"));
  if (!zlib && !is_gzip(u->file)) return unpack_stream(u);
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  if (!d) return unpack_broken(u, SPAN(""), "out of memory");
  bool whole = zlib ? unpack_zlib(u, d) : unpack_gzip(u, d);
  libdeflate_free_decompressor(d);
  return whole;
}

/* ---- all ---- */

/* Is the table of contents read here, or by a library? */
static bool is_own(enum container_kind kind) {
  return kind != CONTAINER_TAR && kind != CONTAINER_CPIO && kind != CONTAINER_SEVENZIP &&
         kind != CONTAINER_COMPRESSED;
}

void unpack_prepare(enum container_kind kind) {
  if (is_own(kind)) return;
  (void)foreign_load();
  if (kind == CONTAINER_COMPRESSED) codecs_load();
}

bool unpack(struct unpack *u) {
  if (!try_mul(u->file.n, u->max->inflate_ratio, &u->ratio_left) ||
      !try_add(u->ratio_left, (uint64_t)RATIO_FREE, &u->ratio_left))
    u->ratio_left = UINT64_MAX;
  if (is_own(u->kind)) return unpack_members(u);
  return u->kind == CONTAINER_COMPRESSED ? unpack_compressed(u) : foreign_unpack(u);
}
