/* Builds zip archives byte by byte as torch.save does (PyTorchStreamWriter, torch 1.6 and later), and
 * remembers where every record went, so that a test can bend one field and say at which offset that must be
 * seen. */
#ifndef CKPTLINT_TESTS_UNIT_ZIP_BUILDER_H
#define CKPTLINT_TESTS_UNIT_ZIP_BUILDER_H

#include <libdeflate.h>

#include "tests/unit/check.h"

struct zip_item {
  const char *name;
  const char *data;
  size_t size;
  uint16_t method;    /* 0 or 8 */
  uint16_t alignment; /* 0: 64 */
  const char *gap;    /* bytes before its local header */
  size_t gap_n;
  size_t inflated_claim; /* another size than the real one, for method 8 */
  size_t deflate_tail;   /* so many bytes 0 behind the compressed data, counted in */
  bool no_crc;
};

enum zip_place {
  AT_LOCAL,
  AT_DATA,
  AT_DESCRIPTOR,
  AT_CENTRAL,
  AT_DIRECTORY,
  AT_END64,
  AT_LOCATOR,
  AT_END,
  AT_EOF,
  AT_ZERO
};

struct zip_image {
  uint8_t p[3072];
  size_t n;
  uint32_t num;
  uint64_t local[8], data[8], descriptor[8], central[8];
  uint64_t directory, end64, locator, end;
};

static inline void zip_put(struct zip_image *z, const void *p, size_t n) {
  assert_true(n <= sizeof z->p - z->n);
  if (n) memcpy(z->p + z->n, p, n);
  z->n += n;
}
static inline void zip_number(struct zip_image *z, uint64_t value, size_t width) {
  uint8_t bytes[8];
  for (size_t i = 0; i < width; i++) bytes[i] = (uint8_t)(value >> (8 * i) & 0xff);
  zip_put(z, bytes, width);
}
static inline void zip_text(struct zip_image *z, const char *s) { zip_put(z, s, strlen(s)); }

struct zip_stored {
  char bytes[512];
  size_t n;
  uint32_t crc;
  size_t size;
};

static inline struct zip_stored zip_store(const struct zip_item *item) {
  struct zip_stored s = {.n = item->size, .size = item->size};
  s.crc = item->no_crc ? 0 : libdeflate_crc32(0, item->data, item->size);
  assert_true(item->size <= sizeof s.bytes);
  if (item->method == 0) {
    if (item->size) memcpy(s.bytes, item->data, item->size);
    return s;
  }
  struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
  s.n = libdeflate_deflate_compress(c, item->data, item->size, s.bytes, sizeof s.bytes);
  libdeflate_free_compressor(c);
  assert_true(s.n > 0 && s.n + item->deflate_tail <= sizeof s.bytes);
  s.n += item->deflate_tail;
  if (item->inflated_claim) s.size = item->inflated_claim;
  return s;
}

static inline void zip_add_record(struct zip_image *z, const struct zip_item *item,
                                  const struct zip_stored *s) {
  uint32_t i = z->num;
  size_t name_n = strlen(item->name), alignment = item->alignment ? item->alignment : 64;
  if (item->gap) zip_put(z, item->gap, item->gap_n);
  size_t padding = (alignment - (z->n + 30 + name_n + 4) % alignment) % alignment;
  z->local[i] = z->n;
  zip_text(z, "PK\3\4");
  zip_number(z, item->method ? 20 : 0, 2);
  zip_number(z, s->size ? 0x808 : 0x800, 2);
  zip_number(z, item->method, 2);
  zip_number(z, 0, 8); /* time, date, crc */
  zip_number(z, 0, 8); /* both sizes */
  zip_number(z, name_n, 2);
  zip_number(z, 4 + padding, 2);
  zip_text(z, item->name);
  zip_text(z, "FB");
  zip_number(z, padding, 2);
  for (size_t k = 0; k < padding; k++) zip_text(z, "Z");
  z->data[i] = z->n;
  zip_put(z, s->bytes, s->n);
  z->descriptor[i] = z->n;
  if (s->size) {
    zip_text(z, "PK\7\x08");
    zip_number(z, s->crc, 4);
    zip_number(z, s->n, 4);
    zip_number(z, s->size, 4);
  }
}

static inline void zip_add_entry(struct zip_image *z, uint32_t i, const struct zip_item *item,
                                 const struct zip_stored *s) {
  z->central[i] = z->n;
  zip_text(z, "PK\1\2");
  zip_number(z, 0, 2);
  zip_number(z, item->method ? 20 : 0, 2);
  zip_number(z, s->size ? 0x808 : 0x800, 2);
  zip_number(z, item->method, 2);
  zip_number(z, 0, 4); /* time, date */
  zip_number(z, s->crc, 4);
  zip_number(z, s->n, 4);
  zip_number(z, s->size, 4);
  zip_number(z, strlen(item->name), 2);
  zip_number(z, 0, 8); /* extra, comment, disk, internal attributes */
  zip_number(z, 0, 4); /* external attributes */
  zip_number(z, z->local[i], 4);
  zip_text(z, item->name);
}

static inline void zip_add_ends(struct zip_image *z) {
  uint64_t bytes = z->n - z->directory;
  z->end64 = z->n;
  zip_text(z, "PK\6\6");
  zip_number(z, 44, 8);
  zip_number(z, 0x031E, 2);
  zip_number(z, 0x002D, 2);
  zip_number(z, 0, 8); /* disks */
  zip_number(z, z->num, 8);
  zip_number(z, z->num, 8);
  zip_number(z, bytes, 8);
  zip_number(z, z->directory, 8);
  z->locator = z->n;
  zip_text(z, "PK\6\7");
  zip_number(z, 0, 4);
  zip_number(z, z->end64, 8);
  zip_number(z, 1, 4);
  z->end = z->n;
  zip_text(z, "PK\5\6");
  zip_number(z, 0, 4);
  zip_number(z, z->num, 2);
  zip_number(z, z->num, 2);
  zip_number(z, bytes, 4);
  zip_number(z, z->directory, 4);
  zip_number(z, 0, 2);
}

/* A whole archive of at most 8 items; those with a NULL name end the list. */
static inline void zip_build(struct zip_image *z, const struct zip_item *items) {
  static struct zip_stored stored[8];
  *z = (struct zip_image){0};
  for (; z->num < 8 && items[z->num].name; z->num++) {
    stored[z->num] = zip_store(&items[z->num]);
    zip_add_record(z, &items[z->num], &stored[z->num]);
  }
  z->directory = z->n;
  for (uint32_t i = 0; i < z->num; i++) zip_add_entry(z, i, &items[i], &stored[i]);
  zip_add_ends(z);
}

static inline uint64_t zip_offset(const struct zip_image *z, enum zip_place place, uint32_t i) {
  switch (place) {
  case AT_LOCAL: return z->local[i];
  case AT_DATA: return z->data[i];
  case AT_DESCRIPTOR: return z->descriptor[i];
  case AT_CENTRAL: return z->central[i];
  case AT_DIRECTORY: return z->directory;
  case AT_END64: return z->end64;
  case AT_LOCATOR: return z->locator;
  case AT_END: return z->end;
  case AT_EOF: return z->n;
  case AT_ZERO: return 0;
  }
  return 0;
}

static inline void zip_patch(struct zip_image *z, uint64_t at, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; i++) z->p[at + i] = (uint8_t)(value >> (8 * i) & 0xff);
}

/* What torch.save({'w': torch.tensor([1.])}) would hold: enough for the container layer. */
#define ZIP_PICKLE "\x80\2}q\0."
#define ZIP_TORCH_ITEMS                                                      \
  {.name = "a/data.pkl", .data = ZIP_PICKLE, .size = sizeof ZIP_PICKLE - 1}, \
      {.name = "a/data/00", .data = "\0\0\x80\x3f\0\0", .size = 6}, {        \
    .name = "a/version", .data = "10\n", .size = 3                           \
  }

#endif
