#include "base/reader.h"

bool reader_take(struct reader *r, uint64_t n, struct span *out) {
  if (n > r->left.n) return false;
  size_t len = (size_t)n; /* fits: it is at most left.n */
  *out = (struct span){r->left.p, len};
  r->left = (struct span){r->left.p + len, r->left.n - len};
  r->at += n;
  return true;
}

bool reader_skip(struct reader *r, uint64_t n) {
  struct span ignored;
  return reader_take(r, n, &ignored);
}

bool reader_sub(struct reader *r, uint64_t n, struct reader *out) {
  uint64_t at = r->at;
  struct span s;
  if (!reader_take(r, n, &s)) return false;
  *out = (struct reader){s, at};
  return true;
}

uint16_t load_u16le(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
uint32_t load_u32le(const uint8_t *p) { return load_u16le(p) | (uint32_t)load_u16le(p + 2) << 16; }
uint64_t load_u64le(const uint8_t *p) { return load_u32le(p) | (uint64_t)load_u32le(p + 4) << 32; }

bool reader_u8(struct reader *r, uint8_t *out) {
  struct span s;
  if (!reader_take(r, 1, &s)) return false;
  *out = s.p[0];
  return true;
}

bool reader_u16le(struct reader *r, uint16_t *out) {
  struct span s;
  if (!reader_take(r, 2, &s)) return false;
  *out = load_u16le(s.p);
  return true;
}

bool reader_u32le(struct reader *r, uint32_t *out) {
  struct span s;
  if (!reader_take(r, 4, &s)) return false;
  *out = load_u32le(s.p);
  return true;
}

bool reader_u64le(struct reader *r, uint64_t *out) {
  struct span s;
  if (!reader_take(r, 8, &s)) return false;
  *out = load_u64le(s.p);
  return true;
}

bool reader_f64be(struct reader *r, double *out) {
  struct span s;
  if (!reader_take(r, 8, &s)) return false;
  uint64_t bits = 0;
  for (size_t i = 0; i < 8; i++) bits = bits << 8 | s.p[i];
  memcpy(out, &bits, sizeof *out);
  return true;
}

bool reader_line(struct reader *r, struct span *out) {
  const uint8_t *nl = r->left.n ? memchr(r->left.p, '\n', r->left.n) : NULL;
  if (!nl) return false;
  size_t len = (size_t)(nl - r->left.p);
  return reader_take(r, len, out) && reader_skip(r, 1);
}
