/* What is taken apart by which reader: zips by our own, zlib streams by libdeflate, the rest by libarchive.
 */
#include "container/unpack.h"

#include <libdeflate.h>

enum { RATIO_FREE = 1 << 20 }; /* so much may come out of however few bytes */

enum unpacking container_unpacking(enum container_kind kind) {
  switch (kind) {
  case CONTAINER_TAR:
  case CONTAINER_CPIO:
  case CONTAINER_SEVENZIP:
  case CONTAINER_OTHER_ZIP:
  case CONTAINER_PT2:
  case CONTAINER_TORCH_ZIP:
  case CONTAINER_TORCH_TAR:
  case CONTAINER_TORCHSCRIPT: return UNPACK_ASKED;
  case CONTAINER_COMPRESSED:
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

static bool unpack_member(struct unpack *u, const struct container *c, const struct member *m) {
  size_t room;
  if (span_ends(m->name, SPAN("/")) && m->size == 0) return true; /* a folder */
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
  libdeflate_free_decompressor(d);
  if (r == LIBDEFLATE_INSUFFICIENT_SPACE) return unpack_full(u, SPAN("the stream"));
  if (r != LIBDEFLATE_SUCCESS) return unpack_broken(u, SPAN(""), "the zlib stream is damaged");
  if (used != stream.n) return unpack_broken(u, SPAN(""), "bytes follow the zlib stream");
  if (!u->asked && container_sniff(span_of(at, n)) != CONTAINER_PICKLE) return false;
  return unpack_hand_out(u, SPAN("data"), n);
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
  return foreign_unpack(u);
}
