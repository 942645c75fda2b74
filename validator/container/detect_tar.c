/* Is this a tar archive, and is it torch's old one (format-spec C.5)? Only checksums, sizes and names are
 * looked at; a header with anything but plain octal numbers ends the walk. */
#include "base/reader.h"
#include "container/detect.h"

enum {
  BLOCK = 512,
  CHECKSUM_AT = 148,
  CHECKSUM_BYTES = 8,
  SIZE_AT = 124,
  SIZE_BYTES = 12,
  NAME_BYTES = 100,
  HEADERS_SEEN = 32
};

static bool octal(const uint8_t *p, size_t n, uint64_t *out) {
  size_t i = 0;
  uint64_t value = 0;
  while (i < n && p[i] == ' ') i++;
  size_t first = i;
  for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) value = value << 3 | (uint64_t)(p[i] - '0');
  if (i == first || (i < n && p[i] != ' ' && p[i] != 0)) return false;
  *out = value; /* at most 12 digits: 36 bits */
  return true;
}

/* The sum of the header's bytes, its own field counted as spaces. */
static bool is_header(const uint8_t block[BLOCK]) {
  uint64_t want, sum = 0;
  if (block[0] == 0 || !octal(block + CHECKSUM_AT, CHECKSUM_BYTES, &want)) return false;
  for (size_t i = 0; i < BLOCK; i++)
    sum += i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_BYTES ? (uint64_t)' ' : block[i];
  return sum == want;
}

bool looks_like_tar(const struct probe *p) { return p->head.n >= BLOCK && is_header(p->head.p); }

static bool is_torch_member(const uint8_t block[BLOCK]) {
  static const char *const names[] = {"sys_info", "pickle", "tensors", "storages"};
  struct span name = span_of(block, strnlen((const char *)block, NAME_BYTES));
  if (span_starts(name, SPAN("./"))) name = span_from(name, 2);
  for (size_t i = 0; i < ARRAY_LEN(names); i++)
    if (span_is(name, names[i])) return true;
  return false;
}

bool looks_like_torch_tar(const struct probe *p) {
  struct reader r = reader_of(p->file, 0);
  for (int i = 0; i < HEADERS_SEEN; i++) {
    uint8_t block[BLOCK];
    struct span mapped;
    uint64_t size;
    if (!reader_take(&r, BLOCK, &mapped)) return false;
    memcpy(block, mapped.p, BLOCK);
    if (!is_header(block) || !octal(block + SIZE_AT, SIZE_BYTES, &size)) return false;
    if (is_torch_member(block)) return true;
    if (!reader_skip(&r, (size + BLOCK - 1) / BLOCK * BLOCK)) return false; /* 36 bits: no overflow */
  }
  return false;
}
