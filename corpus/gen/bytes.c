#include "corpus/gen/bytes.h"

#include <stdarg.h>

void give_up(const char *file, unsigned line, const char *format, ...) {
  va_list args;
  fprintf(stderr, "%s", file);
  if (line) fprintf(stderr, ":%u", line);
  fputs(": ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

static uint8_t *grow(struct bytes *b, size_t n) {
  if (n > b->room - b->n) {
    b->room = (b->n + n) * 2;
    b->p = realloc(b->p, b->room);
    if (!b->p) give_up("gen", 0, "out of memory");
  }
  uint8_t *end = b->p + b->n;
  b->n += n;
  return end;
}

void put(struct bytes *b, const void *p, size_t n) {
  if (n) memcpy(grow(b, n), p, n);
}
void put_span(struct bytes *b, struct span s) { put(b, s.p, s.n); }
void put_text(struct bytes *b, const char *s) { put(b, s, strlen(s)); }
void put_repeated(struct bytes *b, uint8_t byte, size_t n) {
  if (n) memset(grow(b, n), byte, n);
}

void put_number(struct bytes *b, uint64_t number, size_t width) {
  (void)grow(b, width);
  patch_number(b, b->n - width, number, width);
}

void put_double_be(struct bytes *b, double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  put_number(b, __builtin_bswap64(bits), sizeof bits);
}

void patch_number(struct bytes *b, size_t at, uint64_t number, size_t width) {
  if (at > b->n || width > b->n - at) give_up("gen", 0, "a patch at %zu is outside the file", at);
  for (size_t i = 0; i < width; i++) b->p[at + i] = (uint8_t)(number >> (8 * i) & 0xff);
}

void bytes_free(struct bytes *b) {
  free(b->p);
  *b = (struct bytes){0};
}

uint32_t crc32_of(struct span s) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < s.n; i++) {
    crc ^= s.p[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
  }
  return ~crc;
}
