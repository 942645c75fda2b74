#include "base/reader.h"

bool reader_sub(struct reader *r, uint64_t n, struct reader *out) {
  uint64_t at = r->at;
  struct span s;
  if (!reader_take(r, n, &s)) return false;
  *out = (struct reader){s, at};
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
