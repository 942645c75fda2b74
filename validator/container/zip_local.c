/* Local headers, wherever they stand: what tools see that read a zip from its beginning, or repair one. */
#include <libdeflate.h>

#include "container/zip.h"

/* The next place from *at on where this record begins, with its fixed part copied; *at is behind its
 * signature then. */
static bool find_record(struct span file, uint64_t *at, const char *signature, uint8_t *copy, size_t n,
                        struct reader *out) {
  struct span rest = span_from(file, (size_t)min_u64(*at, file.n));
  const uint8_t *p = rest.n ? memmem(rest.p, rest.n, signature, 4) : NULL;
  if (!p || (size_t)(file.p + file.n - p) < n) return false;
  memcpy(copy, p, n);
  *at = (uint64_t)(p - file.p) + 4;
  *out = reader_of(span_of(copy, n), (uint64_t)(p - file.p));
  return true;
}

bool zip_find_local(struct span file, uint64_t *at, struct zip_local *out) {
  uint8_t copy[ZIP_LOCAL_BYTES];
  struct reader r;
  while (find_record(file, at, "PK\3\4", copy, sizeof copy, &r))
    if (zip_read_local(&r, out) == ZIP_OK) return true;
  return false;
}

bool zip_find_unsigned(struct span file, uint64_t *at, struct zip_local *out) {
  uint8_t copy[ZIP_CENTRAL_BYTES];
  struct reader r;
  while (find_record(file, at, "PK\1\2", copy, sizeof copy, &r)) {
    uint64_t header_at = load_u32le(copy + 42);
    uint8_t local[ZIP_LOCAL_BYTES];
    if (header_at > file.n || file.n - header_at < sizeof local) continue;
    memcpy(local, file.p + header_at, sizeof local);
    if (memcmp(local, "PK\3\4", 4) == 0) continue;
    memcpy(local, "PK\3\4", 4);
    r = reader_of(span_of(local, sizeof local), header_at);
    if (zip_read_local(&r, out) != ZIP_OK) continue;
    out->method = load_u16le(copy + 10);
    out->csize = load_u32le(copy + 20);
    return true;
  }
  return false;
}

uint64_t zip_data_at(const struct zip_local *local) {
  return local->at + ZIP_LOCAL_BYTES + local->name_len + local->extra_len;
}

size_t zip_inflate_some(struct span packed, uint8_t *out, size_t room) {
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  size_t used = 0, n = 0;
  if (!d) return 0;
  memset(out, 0, room);
  bool whole =
      libdeflate_deflate_decompress_ex(d, packed.p, packed.n, out, room, &used, &n) == LIBDEFLATE_SUCCESS;
  libdeflate_free_decompressor(d);
  return whole ? n : room;
}
