/* A container: which kind of file it is, by its bytes, and the byte ranges of its members.
 * This layer knows nothing of pickles or tensors. zip.c fills the members from the end records, the central
 * directory and every local header, tar.c from the headers of torch's old tar; a legacy stream has no table
 * of contents, so its members are appended by whoever runs its pickles (model/load.c), and legacy.c walks the
 * storage blocks behind them. */
#ifndef CKPTLINT_CONTAINER_CONTAINER_H
#define CKPTLINT_CONTAINER_CONTAINER_H

#include "base/hash.h"
#include "base/limits.h"
#include "base/observe.h"
#include "base/spelled.h"

/* kinds.def: KIND(id, "name shown", SUPPORT, "what to say"); SUPPORT is FULL, or NAMED for kinds that are
 * recognised and answered, not read. foreign.def: FOREIGN(id, "name shown", "what to say"), likewise, for
 * other frameworks'. */
enum container_kind {
#define KIND(id, name, support, says) CONTAINER_##id,
#include "container/kinds.def"
#undef KIND
#define FOREIGN(id, name, says) CONTAINER_##id,
#include "container/foreign.def"
#undef FOREIGN
  CONTAINER_KINDS
};

/* Does torch.load read such a container at all? */
static inline bool container_torch_loads(enum container_kind kind) {
  return kind == CONTAINER_TORCH_ZIP || kind == CONTAINER_TORCH_LEGACY || kind == CONTAINER_TORCH_TAR;
}

enum { METHOD_STORED = 0, METHOD_DEFLATED = 8 };

struct member {
  struct span name; /* as the central directory spells it, TOP/ included; borrowed from the private copy */
  struct span short_name; /* without TOP/: "data.pkl", "data/0"; the whole name where there is no TOP */
  uint64_t header_at;     /* local header, in the file */
  uint64_t data_at;       /* first byte of the stored bytes, in the file */
  uint64_t csize, size;   /* stored and real length */
  uint32_t crc;           /* as declared; meaningless when !crc_known */
  uint16_t method, flags;
  bool crc_known; /* false: 0 in the directory because torch computed none (zip_trust_checksums), or legacy */
  bool used;      /* some value of the checkpoint refers to it (set by model/) */
  uint8_t spelling; /* enum spelling: of the stored bytes, where they are text for the real ones */
};

struct container {
  enum container_kind kind;
  struct span file;       /* the mapping: bytes may change under us; copy before parsing (member_copy) */
  struct span top;        /* "archive" of "archive/data.pkl"; empty for legacy */
  struct member *members; /* in central-directory order */
  uint32_t num_members;
  bool usable; /* the table of contents was read to its end, so members may be believed */
  bool zip64;
  uint64_t directory_at, directory_bytes;
  VEC(struct member) table; /* behind members; private to container/, like the three below */
  struct hash_index index;  /* entry i + 1 is member i, by its name without regard to ASCII case */
  uint64_t hash_seed[2];
};

/* Tells the kind from the bytes and, for zip kinds, reads the table of contents. Never fails: what can't be
 * read is observed, and c->usable stays false. */
void container_open(struct container *c, struct arena *a, struct observations *o, const struct limits *max,
                    struct span file);
/* The kind alone, without a look at tables of contents: OTHER_ZIP for every zip. */
enum container_kind container_sniff(struct span file);
/* Not a checkpoint by its bytes nor by its name, such as a README: nobody needs a verdict on it that did not
 * name it. */
bool container_is_bystander(enum container_kind kind, struct span name);
/* The ending of a name that promises a format without a program, where the kind is one; else the empty span.
 */
struct span container_false_ending(enum container_kind kind, struct span name);
const char *container_kind_name(enum container_kind kind);
/* Is this kind read in full (true), or only recognised and named (false)? */
bool container_kind_read(enum container_kind kind);
const char *container_kind_says(enum container_kind kind);

/* The member called TOP/short_name, or NULL. Constant time. ASCII case does not matter, as it does not to
 * torch's reader; spellings that torch does not write, and names that differ in nothing else, have been
 * observed. */
struct member *container_find(const struct container *c, struct span short_name);

/* A private copy of a member's real bytes, inflated if need be, at most `max` bytes; false (observed) when
 * the length is over max, the inflated bytes do not fit the declared size, or the budget is spent. The bytes
 * are held against the declared CRC-32: a difference is observed, and the bytes are answered all the same, as
 * torch would load them. */
NODISCARD bool member_copy(const struct container *c, const struct member *m, uint64_t max, struct arena *a,
                           struct observations *o, struct span *out);
/* The same to `out`, which has room for m->size bytes. */
NODISCARD bool member_unpack(const struct container *c, const struct member *m, struct observations *o,
                             uint8_t *out);
/* Can its bytes be had as they are, or inflated? Encrypted members, other methods and stored members of two
 * lengths were observed when the directory was read. */
bool member_is_plain(const struct member *m);
/* Is it stored, and does it begin as an .npy? */
bool member_is_array(const struct container *c, const struct member *m);
/* The stored bytes where they lie in the mapping (method STORED: the real bytes). Proved inside the file. */
struct span member_mapped(const struct container *c, const struct member *m);
/* Holds the member's bytes against the declared CRC-32. False (observed once a member): they differ or can't
 * be read. Where no CRC is known there is nothing to compare: true. */
bool member_verify(const struct container *c, const struct member *m, struct observations *o);
/* 1-based number for observation.member. */
static inline uint32_t member_number(const struct container *c, const struct member *m) {
  return (uint32_t)(m - c->members) + 1;
}

/* ---- legacy stream (torch 0.1.10 … 1.5), format-spec C ---- */

/* Appends a section of a file without a table of contents as a member (name in static storage or the arena;
 * at and len inside the file). The answer, like c->members, holds until the next append. NULL: the budget or
 * the limit of members is spent, which the caller observes. */
struct member *container_append(struct container *c, struct arena *a, const struct limits *max,
                                struct span name, uint64_t at, uint64_t len);
/* It is these bytes, whatever it was. */
void member_becomes(struct member *m, const struct spelled *bytes);

struct legacy_storage {
  struct span key;
  uint64_t numel, item_size; /* as the persistent ids declare them */
  bool listed;               /* out: the fifth pickle names it */
  uint32_t member;           /* out: 1-based member of its block, 0 if its block was not reached */
};
/* Walks the storage blocks that follow the fifth pickle: for each key in file order an int64 count, then the
 * bytes. `keys` are the strings of that pickle, `rest` what stands behind it in the stream. Each key must be
 * declared once and listed once, its count equal to the declared one, its bytes inside the stream, and
 * nothing may follow the last block: then in *rest. */
void legacy_blocks(struct container *c, struct arena *a, struct observations *o, const struct limits *max,
                   struct spelled *rest, const struct span *keys, uint32_t num_keys,
                   struct legacy_storage *storages, uint32_t num_storages, bool writer_big_endian);

#endif
