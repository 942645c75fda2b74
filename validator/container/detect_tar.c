/* Is this a tar archive, and is it torch's old one (format-spec C.5)? Here a header is one as soon as its
 * checksum is right to any reader, so that nothing that torch opens as a tar goes by another name; what is
 * wrong with it, tar.c says. */
#include "base/reader.h"
#include "container/detect.h"
#include "container/tar.h"

enum { HEADERS_SEEN = 32 };

/* The number as the most lenient of readers has it, Python's tarfile: base 256, or whatever int(text, 8)
 * takes, which knows spaces, signs, "0o" and underscores; it does not mind here where they stand. */
static bool loose_number(const uint8_t *p, size_t n, int64_t *out) {
  bool minus = false;
  uint64_t value = 0;
  if (p[0] == 0x80 || p[0] == 0xff) {
    for (size_t i = n - 4; i < n; i++) value = value << 8 | p[i]; /* a sum of 512 bytes is short */
    *out = (int64_t)value - (p[0] == 0xff ? INT64_C(1) << 32 : 0);
    return true;
  }
  for (size_t i = 0; i < n && p[i]; i++) {
    if (p[i] >= '0' && p[i] <= '7')
      value = value << 3 | (uint64_t)(p[i] - '0');
    else if (p[i] == '-')
      minus = true;
    else if (!is_one_of(p[i], SPAN(" \t\n\v\f\r\x1c\x1d\x1e\x1f+_oO")))
      return false;
  }
  *out = minus ? -(int64_t)value : (int64_t)value;
  return true;
}

static bool is_header(const uint8_t block[TAR_BLOCK]) {
  int64_t want;
  return loose_number(block + TAR_CHECKSUM_AT, TAR_CHECKSUM_BYTES, &want) &&
         (tar_sum(block, false) == want || tar_sum(block, true) == want);
}

bool looks_like_tar(const struct probe *p) { return p->head.n >= TAR_BLOCK && is_header(p->head.p); }

static bool is_torch_member(const uint8_t block[TAR_BLOCK]) {
  struct span name = span_of(block, strnlen((const char *)block, TAR_NAME_BYTES));
  if (span_starts(name, SPAN("./"))) name = span_from(name, 2);
  return tar_name_of(name) != TAR_NAMES;
}

bool looks_like_torch_tar(const struct probe *p) {
  struct reader r = reader_of(p->file, 0);
  for (int i = 0; i < HEADERS_SEEN; i++) {
    uint8_t block[TAR_BLOCK];
    struct span mapped;
    uint64_t size;
    if (!reader_take(&r, TAR_BLOCK, &mapped)) return false;
    memcpy(block, mapped.p, TAR_BLOCK);
    if (!is_header(block)) return false;
    if (is_torch_member(block)) return true;
    if (!tar_octal(block + TAR_SIZE_AT, TAR_SIZE_BYTES, &size)) return false;
    if (!reader_skip(&r, (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK)) return false; /* 36 bits */
  }
  return false;
}
