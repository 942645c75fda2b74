/* The bytes of a member: where they lie, copied out, held against their checksum. */
#include <libdeflate.h>

#include "container/container.h"
#include "container/zip.h"

struct span member_mapped(const struct container *c, const struct member *m) {
  if (m->data_at > c->file.n || m->csize > c->file.n - m->data_at) return (struct span){0};
  return span_of(c->file.p + m->data_at, (size_t)m->csize);
}

static bool about(const struct container *c, const struct member *m, struct observations *o,
                  enum obs_kind kind, uint64_t got, uint64_t want) {
  return refuse(
      o, (struct observation){
             .kind = kind, .member = member_number(c, m), .got = got, .want = want, .subject = m->name});
}

static bool seen_of(const struct observations *o, enum obs_kind kind, uint32_t member) {
  if (o->seen[kind] == 0) return false;
  for (uint32_t i = 0; i < o->n; i++)
    if (o->list[i].kind == kind && o->list[i].member == member) return true;
  return false;
}

static bool crc_agrees(const struct container *c, const struct member *m, struct observations *o,
                       struct span bytes) {
  if (!m->crc_known) return true;
  uint32_t crc = libdeflate_crc32(0, bytes.p, bytes.n);
  if (crc == m->crc) return true;
  if (seen_of(o, OBS_MEMBER_CRC, member_number(c, m))) return false;
  return about(c, m, o, OBS_MEMBER_CRC, crc, m->crc);
}

/* The compressed bytes are read where they lie: libdeflate keeps inside both buffers whatever it reads, and
 * what a change meanwhile spoils is a private copy. */
static bool inflate(const struct container *c, const struct member *m, struct observations *o,
                    struct span packed, uint8_t *out) {
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  if (!d) return about(c, m, o, OBS_LIMIT_MEMORY, 0, 0);
  size_t used = 0;
  enum libdeflate_result result =
      libdeflate_deflate_decompress_ex(d, packed.p, packed.n, out, (size_t)m->size, &used, NULL);
  libdeflate_free_decompressor(d);
  switch (result) {
  case LIBDEFLATE_SUCCESS:
    if (used != packed.n)
      observe(o, (struct observation){.kind = OBS_INFLATE_REST,
                                      .member = member_number(c, m),
                                      .got = packed.n - used,
                                      .subject = m->name});
    return true;
  case LIBDEFLATE_BAD_DATA: return about(c, m, o, OBS_INFLATE_BROKEN, 0, 0);
  case LIBDEFLATE_SHORT_OUTPUT:
  case LIBDEFLATE_INSUFFICIENT_SPACE: return about(c, m, o, OBS_INFLATE_SIZE, 0, m->size);
  }
  return about(c, m, o, OBS_INFLATE_BROKEN, 0, 0);
}

bool member_is_plain(const struct member *m) {
  if (m->flags & (ZIP_FLAG_ENCRYPTED | ZIP_FLAG_STRONG | ZIP_FLAG_MASKED)) return false;
  return m->spelling || m->method == METHOD_DEFLATED || (m->method == METHOD_STORED && m->csize == m->size);
}

bool member_is_array(const struct container *c, const struct member *m) {
  return m->method == METHOD_STORED && member_is_plain(m) &&
         span_starts(member_mapped(c, m), SPAN("\x93NUMPY"));
}

bool member_unpack(const struct container *c, const struct member *m, struct observations *o, uint8_t *out) {
  struct span stored = member_mapped(c, m);
  if (!member_is_plain(m)) return false;
  if (stored.n != m->csize) return about(c, m, o, OBS_ZIP_DATA_RANGE, m->csize, c->file.n);
  if (m->spelling) {
    if (spelled_bytes((enum spelling)m->spelling, stored, out, (size_t)m->size) != m->size)
      return about(c, m, o, OBS_INFLATE_SIZE, 0, m->size);
  } else if (m->method == METHOD_STORED && m->size)
    memcpy(out, stored.p, (size_t)m->size);
  else if (m->method == METHOD_DEFLATED && !inflate(c, m, o, stored, out))
    return false;
  (void)crc_agrees(c, m, o, span_of(out, (size_t)m->size));
  return true;
}

bool member_copy(const struct container *c, const struct member *m, uint64_t max, struct arena *a,
                 struct observations *o, struct span *out) {
  size_t size;
  if (!member_is_plain(m)) return false;
  if (m->size > max || !try_cast(m->size, &size)) return about(c, m, o, OBS_LIMIT_MEMBER_BYTES, m->size, max);
  uint8_t *copy = arena_array(a, size, uint8_t);
  if (!copy) return about(c, m, o, OBS_LIMIT_MEMORY, a->budget, 0);
  *out = span_of(copy, size);
  return member_unpack(c, m, o, copy);
}

bool member_verify(const struct container *c, const struct member *m, struct observations *o) {
  struct span copy = {0}, stored = member_mapped(c, m);
  if (!member_is_plain(m) || stored.n != m->csize)
    return false; /* observed when the table of contents was read */
  if (m->method == METHOD_STORED) return crc_agrees(c, m, o, stored);
  return member_copy(c, m, UINT64_MAX, o->arena, o, &copy) && crc_agrees(c, m, o, copy);
}
