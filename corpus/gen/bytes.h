/* A growing run of bytes, and how a generator gives up. Generators run on a developer's own text, so that
 * whatever is wrong with it ends the program with the place: nothing here is for untrusted input. */
#ifndef CKPTLINT_CORPUS_GEN_BYTES_H
#define CKPTLINT_CORPUS_GEN_BYTES_H

#include "base/span.h"

struct bytes {
  uint8_t *p;
  size_t n, room;
};

/* Ends the program: "FILE:LINE: …", exit 1. A line of 0 is left out. */
_Noreturn void give_up(const char *file, unsigned line, const char *format, ...) PRINTF_LIKE(3, 4);

void put(struct bytes *b, const void *p, size_t n);
void put_span(struct bytes *b, struct span s);
void put_text(struct bytes *b, const char *s);
void put_repeated(struct bytes *b, uint8_t byte, size_t n);
/* The lowest `width` bytes of a number, little-endian; and over what is there. */
void put_number(struct bytes *b, uint64_t number, size_t width);
void put_double_be(struct bytes *b, double number);
void patch_number(struct bytes *b, size_t at, uint64_t number, size_t width);
static inline struct span bytes_span(const struct bytes *b) { return span_of(b->p, b->n); }
void bytes_free(struct bytes *b);

/* The CRC-32 of zip archives, bit by bit: these files are small. */
uint32_t crc32_of(struct span s);

#endif
