/* Takes an archive apart into the files that are inside (inner.h). Runs in the unpack worker. What a loader
 * unpacks by itself (a compressed pickle, the members of a stable-baselines3 zip) is always handed out, any
 * other archive where the user asks for it. */
#ifndef CKPTLINT_CONTAINER_UNPACK_H
#define CKPTLINT_CONTAINER_UNPACK_H

#include "container/container.h"
#include "container/inner.h"

enum unpacking {
  UNPACK_NEVER,    /* holds no files, or none that are read here */
  UNPACK_ASKED,    /* with --nested */
  UNPACK_BY_LOADER /* loaders do it: always */
};
enum unpacking container_unpacking(enum container_kind kind);

struct unpack {
  struct span file; /* the outer file */
  enum container_kind kind;
  bool asked;          /* --nested */
  const uint8_t *read; /* by member: the scan has read it, so it is not handed out */
  uint32_t num_read;
  const struct limits *max;
  struct arena *arena;
  struct observations *obs;
  struct inner_writer out;
  uint64_t ratio_left; /* bytes that may still be unpacked by limits.inflate_ratio */
};

/* Loads what unpack needs for this kind, before the seal. What is missing is observed by unpack. */
void unpack_prepare(enum container_kind kind);
/* True: everything that is inside was handed out or counted. What was not is observed; and so is a limit that
 * was hit, behind which nothing is unpacked. u->out was begun; the caller ends it. */
NODISCARD bool unpack(struct unpack *u);

/* ---- shared by unpack*.c ---- */

/* Room for the next file: what the region, the budget and the ratio leave. */
uint8_t *unpack_room(const struct unpack *u, size_t *room);
/* Observes which limit a file that does not fit has hit; answers false. */
NODISCARD bool unpack_full(struct unpack *u, struct span name);
/* Hands out, or counts, what stands in unpack_room. False: a limit was hit. */
NODISCARD bool unpack_hand_out(struct unpack *u, struct span name, size_t n);
/* Hands out the n bytes that stand in unpack_room as the beginning of a file whose rest is not there, as was
 * observed; answers false. */
NODISCARD bool unpack_beginning(struct unpack *u, struct span name, size_t n);
/* Observes why the rest can't be unpacked; answers false. */
NODISCARD bool unpack_broken(struct unpack *u, struct span name, const char *what);

/* unpack_foreign.c: what libarchive reads. */
bool foreign_load(void);
NODISCARD bool foreign_unpack(struct unpack *u);
/* unpack_broken.c: what comes out of a damaged stream of gzip, zlib, bzip2, xz or lzma before the break: the
 * number of bytes, written to `at`; 0 of other streams. */
void codecs_load(void); /* before the seal */
size_t broken_prefix(struct span stream, uint8_t *at, size_t room);
static inline bool is_gzip(struct span stream) { return span_starts(stream, SPAN("\x1f\x8b")); }
bool breaks_by_codec(struct span stream); /* one that broken_prefix reads, but for zlib */
/* unpack_json.c: the pickles in base64 of a stable-baselines3 `data` member. */
NODISCARD bool json_unpack(struct unpack *u, struct span member, struct span text);

#endif
