/* What is taken apart by which reader: zips by our own, zlib streams by libdeflate, the rest by libarchive.
 */
#include "container/unpack.h"

#include <libdeflate.h>

#include "container/detect.h"

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

/* ---- zips, and the tar of old torch ---- */

static bool hand_out_stored(struct unpack *u, const struct container *c, const struct member *m) {
  struct span bytes = member_mapped(c, m);
  if (bytes.n != m->size || !member_verify(c, m, u->obs)) return false;
  if (u->out.files_left == 0) return unpack_full(u, m->name);
  if (container_is_bystander(container_sniff(bytes), m->name)) {
    inner_count(&u->out);
    return true;
  }
  return inner_add_outer(&u->out, m->name, m->data_at, m->size) || unpack_full(u, m->name);
}

/* Weights of torch.export are bare numbers, which may look like anything, unless torch.save wrote them. */
static bool is_bare(const struct container *c, const struct member *m) {
  bool weight = span_starts(m->short_name, SPAN("data/weights/")) ||
                span_starts(m->short_name, SPAN("data/constants/tensor_"));
  if (c->kind != CONTAINER_PT2 || m->method != METHOD_STORED || !weight) return false;
  enum container_kind kind = container_sniff(member_mapped(c, m));
  return kind != CONTAINER_OTHER_ZIP && kind != CONTAINER_TORCH_LEGACY;
}

static bool unpack_member(struct unpack *u, const struct container *c, const struct member *m) {
  size_t room;
  if (span_ends(m->name, SPAN("/")) && m->size == 0) return true; /* a folder */
  if (is_bare(c, m)) {
    inner_count(&u->out);
    return true;
  }
  if (m->method == METHOD_STORED) return hand_out_stored(u, c, m);
  uint8_t *at = unpack_room(u, &room);
  if (m->size > room) return unpack_full(u, m->name);
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

enum { PREFIX_MAX = 4 << 20 };
typedef enum libdeflate_result inflate_fn(struct libdeflate_decompressor *d, const void *in, size_t in_n,
                                          void *out, size_t room, size_t *used, size_t *n);

/* How many bytes come out of a damaged stream before the break, at most PREFIX_MAX: so many as would overrun
 * less room; or all of them, if it is only the checksum that does not fit. */
static size_t inflate_prefix(struct libdeflate_decompressor *d, inflate_fn *inflate, struct span stream,
                             uint8_t *at, size_t room) {
  size_t low = 0, high = min_size(room, PREFIX_MAX), used, n;
  while (low < high) {
    size_t mid = high - (high - low) / 2;
    enum libdeflate_result r = inflate(d, stream.p, stream.n, at, mid, &used, &n);
    if (r == LIBDEFLATE_SUCCESS) return n;
    if (r == LIBDEFLATE_INSUFFICIENT_SPACE)
      low = mid;
    else
      high = mid - 1;
  }
  return low;
}

/* A loader unpickles what comes before the break, or before what follows the stream. */
static bool is_program(struct span bytes) {
  struct probe p = {.head = span_first(bytes, PROBE_BYTES), .file = bytes};
  return reaches_call(&p) || (span_starts(bytes, SPAN("\x80")) && container_sniff(bytes) == CONTAINER_PICKLE);
}

static bool hand_out_prefix(struct unpack *u, const uint8_t *at, size_t n) {
  if (n && (u->asked || is_program(span_of(at, n)))) (void)!unpack_hand_out(u, SPAN("data"), n);
  return false;
}

static bool unpack_zlib(struct unpack *u, struct span stream) {
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  size_t room, used = 0, n = 0;
  if (!d) return unpack_broken(u, SPAN(""), "out of memory");
  uint8_t *at = unpack_room(u, &room);
  enum { HEAD = 65536 };
  /* A first look at a stream that nobody may want: what it begins with tells. */
  bool wanted = u->asked ||
                libdeflate_zlib_decompress_ex(d, stream.p, stream.n, at, min_size(room, HEAD), &used, &n) !=
                    LIBDEFLATE_INSUFFICIENT_SPACE ||
                container_sniff(span_of(at, min_size(room, HEAD))) == CONTAINER_PICKLE;
  if (!wanted) {
    libdeflate_free_decompressor(d);
    return false;
  }
  enum libdeflate_result r = libdeflate_zlib_decompress_ex(d, stream.p, stream.n, at, room, &used, &n);
  bool damaged = r != LIBDEFLATE_SUCCESS && r != LIBDEFLATE_INSUFFICIENT_SPACE;
  if (damaged) /* behind its header of two bytes: the sum at the end may be cut */
    n = inflate_prefix(d, libdeflate_deflate_decompress_ex, span_from(stream, 2), at, room);
  libdeflate_free_decompressor(d);
  if (damaged) (void)!unpack_broken(u, SPAN(""), "the zlib stream is damaged");
  if (damaged) return hand_out_prefix(u, at, n);
  if (r == LIBDEFLATE_INSUFFICIENT_SPACE) return unpack_full(u, SPAN("the stream"));
  if (used != stream.n) (void)!unpack_broken(u, SPAN(""), "bytes follow the zlib stream");
  if (used != stream.n) return hand_out_prefix(u, at, n);
  if (!u->asked && container_sniff(span_of(at, n)) != CONTAINER_PICKLE) return false;
  return unpack_hand_out(u, SPAN("data"), n);
}

/* libarchive reads ahead, and gives nothing of a gzip stream that breaks soon. */
static bool rescue_gzip(struct unpack *u) {
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  size_t room;
  uint8_t *at = unpack_room(u, &room);
  size_t n = d ? inflate_prefix(d, libdeflate_gzip_decompress_ex, u->file, at, room) : 0;
  libdeflate_free_decompressor(d);
  return hand_out_prefix(u, at, n);
}

/* Nor of an xz stream that other bytes follow: it is read up to where one may end. */
static bool rescue_xz(struct unpack *u) {
  struct span file = u->file;
  for (size_t end = file.n & ~(size_t)3; end >= 4; end -= 4) {
    if (memcmp(file.p + end - 2, "YZ", 2) != 0) continue;
    u->file = span_first(file, end);
    if (end < file.n) (void)!foreign_unpack(u);
    u->file = file;
    return false;
  }
  return false;
}

static bool rescue(struct unpack *u) {
  if (span_starts(u->file, SPAN("\x1f\x8b"))) return rescue_gzip(u);
  return span_starts(u->file, SPAN("\xfd"
                                   "7zXZ")) &&
         rescue_xz(u);
}

/* ---- all ---- */

/* Is the table of contents read here, or by a library? */
static bool is_own(enum container_kind kind) {
  return kind != CONTAINER_TAR && kind != CONTAINER_CPIO && kind != CONTAINER_SEVENZIP &&
         kind != CONTAINER_COMPRESSED;
}

void unpack_prepare(enum container_kind kind) {
  if (!is_own(kind)) (void)foreign_load();
}

bool unpack(struct unpack *u) {
  if (!try_mul(u->file.n, u->max->inflate_ratio, &u->ratio_left) ||
      !try_add(u->ratio_left, (uint64_t)RATIO_FREE, &u->ratio_left))
    u->ratio_left = UINT64_MAX;
  if (is_own(u->kind)) return unpack_members(u);
  bool zlib = span_starts(u->file, SPAN("x")) || span_starts(u->file, SPAN("ZF"));
  if (u->kind == CONTAINER_COMPRESSED && zlib) return unpack_zlib(u, zlib_stream(u->file));
  uint64_t files_left = u->out.files_left;
  if (foreign_unpack(u)) return true;
  bool broken = u->obs->seen[OBS_NESTED_BROKEN] && u->out.files_left == files_left;
  return broken && rescue(u);
}
