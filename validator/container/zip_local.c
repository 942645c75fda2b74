/* Local headers, wherever they stand: what tools see that read a zip from its beginning, or repair one. */
#include <libdeflate.h>

#include "container/zip.h"

bool zip_find_local(struct span file, uint64_t *at, struct zip_local *out) {
  static const uint8_t signature[] = {'P', 'K', 3, 4};
  for (;;) {
    struct span rest = span_from(file, (size_t)min_u64(*at, file.n));
    const uint8_t *p = rest.n ? memmem(rest.p, rest.n, signature, sizeof signature) : NULL;
    if (!p || (size_t)(file.p + file.n - p) < ZIP_LOCAL_BYTES) return false;
    uint8_t copy[ZIP_LOCAL_BYTES];
    memcpy(copy, p, sizeof copy);
    *at = (uint64_t)(p - file.p) + sizeof signature;
    struct reader r = reader_of(span_of(copy, sizeof copy), (uint64_t)(p - file.p));
    if (zip_read_local(&r, out) == ZIP_OK) return true;
  }
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
