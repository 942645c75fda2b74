/* What is inside an archive, as the unpack worker hands it out: one region of shared memory that holds the
 * unpacked bytes and a table of them. The sealed worker writes it; the broker reads it only after the
 * worker's death, and inner_open proves every row again. Nothing in it is a pointer.
 *
 *   header | bytes and names, growing up … … rows, growing down |
 *
 * Files that are no checkpoints are only counted. */
#ifndef CKPTLINT_CONTAINER_INNER_H
#define CKPTLINT_CONTAINER_INNER_H

#include "base/span.h"

enum { INNER_NAME_MAX = 4096 };

struct inner_file {
  uint64_t at, n;   /* its bytes: in the region, or in the outer file */
  uint64_t name_at; /* in the region */
  uint32_t name_n;
  uint16_t in_outer; /* 1: stored in the outer file as it is, and read there */
  uint16_t cut;      /* 1: only the beginning of a file */
};

struct inner_header {
  uint8_t magic[8];
  uint64_t num_files, bystanders;
  uint32_t complete, unused; /* complete: nothing that is inside was left out */
};

/* ---- writing ---- */
struct inner_writer {
  uint8_t *base;
  size_t low, high; /* bytes grow up from low, rows down from high */
  size_t size;
  uint64_t left;       /* bytes that may still be unpacked */
  uint64_t files_left; /* files that may still be handed out or counted */
};
enum { INNER_SLACK = 1 << 20 }; /* of a region, for the table, beyond the bytes */
/* The region: zeroed, larger than INNER_SLACK. */
void inner_begin(struct inner_writer *w, void *region, size_t size, uint64_t bytes, uint64_t files);
/* Where the bytes of the next file go, and how many there may be. */
uint8_t *inner_room(const struct inner_writer *w, size_t *room);
/* The next file, whose n bytes stand at inner_room. False: no room for its row or name. */
NODISCARD bool inner_add(struct inner_writer *w, struct span name, size_t n);
/* The same of a file of which these are only the first. */
NODISCARD bool inner_add_beginning(struct inner_writer *w, struct span name, size_t n);
/* One whose bytes are read in the outer file. */
NODISCARD bool inner_add_outer(struct inner_writer *w, struct span name, uint64_t at, uint64_t n);
/* One that is only counted. */
void inner_count(struct inner_writer *w);
void inner_end(struct inner_writer *w, bool complete);

/* ---- reading ---- */
struct inner {
  const struct inner_header *header;
  const uint8_t *base;
  const struct inner_file *last; /* row i is last[-i] */
};
/* False unless the rows lie in the region, every name in it, every run of bytes in it or in the outer file.
 */
NODISCARD bool inner_open(struct inner *t, const void *region, size_t size, uint64_t outer_size);
struct span inner_name(const struct inner *t, uint64_t i);
struct span inner_bytes(const struct inner *t, uint64_t i, struct span outer);

#endif
