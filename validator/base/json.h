/* The one way that JSON comes in: architecture files, configs, indexes, our own configuration. A strict
 * validator of our own (RFC 8259, of which cJSON takes much more) reads the text first, then cJSON
 * builds the tree, so that two readers of one file can't see two contents. Nobody else calls cJSON's parser.
 *
 * Refused: text that is not UTF-8, a byte order mark, text behind the value, a key that stands twice in an
 * object (compared after unescaping), "\u0000", half surrogate pairs, raw control characters, numbers that no
 * double holds, integers beyond 2^53 in either direction (a double would round them silently), number tokens
 * longer than cJSON reads (63 characters). */
#ifndef CKPTLINT_BASE_JSON_H
#define CKPTLINT_BASE_JSON_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"

enum json_fault { JSON_MALFORMED, JSON_LIMIT_BYTES, JSON_LIMIT_DEPTH, JSON_LIMIT_MEMORY };

struct json_error {
  enum json_fault fault; /* a limit is ours (LIM8xx), never "malformed" */
  uint32_t line, column; /* from 1; columns count characters */
  uint64_t offset;       /* of the byte that does not fit */
  const char *what;      /* a literal: what was expected there, to stand behind the word "expected" */
};

/* Caps what cJSON's trees and the validator's tables hold together; to be called once, in the worker, before
 * any parse. cJSON's hooks are global and know no context: hence once, and hence one thread. */
void json_budget(size_t bytes);

/* The tree, which the caller frees by cJSON_Delete; NULL with *err filled. Limits: json_bytes, json_depth.
 * Linear in the text. Object members keep the order of the file. */
NODISCARD cJSON *json_parse(struct span text, const struct limits *max, struct json_error *err);
/* The same for an event of ours, whose integers go up to 2^64 - 1: those beyond 2^53 are rounded, and no
 * integers for json_int. */
NODISCARD cJSON *json_parse_event(struct span text, const struct limits *max, struct json_error *err);

/* The members of the object that a text is, or (inside) of the one under that key of it, one after the other,
 * each parsed when its turn comes and freed behind it: a table of a million entries takes the memory of one.
 * Nothing is called unless all of the text is JSON; of another value than an object nothing is called either.
 * False: *err is filled, or `each` said so, and err->what is NULL then. */
typedef bool json_member_fn(void *ctx, const cJSON *member);
NODISCARD bool json_members(struct span text, const char *inside, const struct limits *max,
                            struct json_error *err, json_member_fn *each, void *ctx);

/* The member with exactly this key (cJSON's own lookups ignore case), NULL if there is none or `object` is
 * none. Linear in the number of members: for many lookups in one large object build a json_index. */
const cJSON *json_get(const cJSON *object, const char *key);
/* True for a number that was written as an integer (no fraction, no exponent), exactly. Only for trees of
 * this parser, which marks such numbers by a bit of cJSON's type field above those that cJSON uses. */
NODISCARD bool json_int(const cJSON *item, int64_t *out);

/* Members of one object by key in constant time. Keys are borrowed from the tree. */
struct json_member {
  const cJSON *item;
};
struct json_index {
  VEC(struct json_member) members; /* private, as is the rest */
  struct hash_index hashes;
};
/* False when the arena is spent; zero members for what is not an object. `x` must be zeroed. */
NODISCARD bool json_index(struct json_index *x, struct arena *a, const cJSON *object);
const cJSON *json_find(const struct json_index *x, struct span key);

/* Line and column (both from 1, columns in characters) of an offset in a text; an offset behind the end
 * counts as the end. */
void json_line_column(struct span text, uint64_t offset, uint32_t *line, uint32_t *column);
/* Where the value at a path stands: n object keys (UTF-8) and decimal list indices from the root down, none
 * for the root itself. False when there is no such value. For texts that json_parse took; re-reads the text
 * up to there. */
NODISCARD bool json_offset(struct span text, const char *const *path, size_t n, uint64_t *offset);
/* The value that stands there, as it is spelled. */
struct span json_text_at(struct span text, uint64_t offset);
/* The same as json_offset, as line and column. */
NODISCARD bool json_locate(struct span text, const char *const *path, size_t n, uint32_t *line,
                           uint32_t *column);

#endif
