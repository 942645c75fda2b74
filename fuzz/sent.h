/* What a sealed stage sends to the broker: written to a file in memory and read as the broker reads it. */
#ifndef CKPTLINT_FUZZ_SENT_H
#define CKPTLINT_FUZZ_SENT_H

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "sandbox/wire.h"

struct sent {
  struct wire_out out;
  struct wire_in in;
  struct arena arena;
  uint8_t *bytes;
  size_t n;
};

/* The file is made once and emptied for every input. */
static inline void sent_begin(struct sent *s) {
  static int fd = -1;
  if (fd < 0) fd = memfd_create("fuzz", MFD_CLOEXEC);
  FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
  *s = (struct sent){.out = {.fd = fd}};
  arena_init(&s->arena, 64 << 20);
}

/* After wire_end. */
static inline enum wire_status sent_read(struct sent *s, uint64_t file_size) {
  FUZZ_CHECK(!s->out.broken);
  s->n = (size_t)lseek(s->out.fd, 0, SEEK_CUR);
  s->bytes = malloc(s->n);
  FUZZ_CHECK(s->bytes && pread(s->out.fd, s->bytes, s->n, 0) == (ssize_t)s->n);
  return wire_parse(&s->in, &s->arena, span_of(s->bytes, s->n), file_size);
}

static inline void sent_free(struct sent *s) {
  arena_free(&s->arena);
  free(s->bytes);
}

#endif
