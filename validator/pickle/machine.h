/* The pickle machine: runs a pickle program of protocol 0–5 with the semantics of CPython's C unpickler
 * (Modules/_pickle.c), on symbolic values. It imports and calls nothing; at each GLOBAL, call, BUILD and
 * persistent id it asks its hooks what that means and goes on. Iterative, linear in the program, bounded in
 * every dimension. */
#ifndef CKPTLINT_PICKLE_MACHINE_H
#define CKPTLINT_PICKLE_MACHINE_H

#include "base/limits.h"
#include "base/observe.h"
#include "base/reader.h"
#include "base/torch_version.h"
#include "pickle/value.h"

struct machine;

/* Mechanism below, policy above: model/ fills these. All are called at the moment of execution, so that they
 * see what a loader would pass, whatever the program does to its lists afterwards. Any may be NULL. */
struct machine_hooks {
  void *ctx;
  /* A (module, name) pair is pushed for the first time. The answer is kept in global.tag. Odd and dotted
   * names are for the hook to judge; computed ones are observed already. */
  uint32_t (*global)(void *ctx, const struct machine *m, const struct global *g);
  /* A call: the object is complete but for its tag, which the answer becomes. */
  uint32_t (*call)(void *ctx, struct machine *m, val_id object);
  /* BUILD: `state` is about to be added to target's states (target is an OBJECT). The answer stands on the
   * stack then: the target, or what a loader puts in its place. 0: the loader fails (observed). */
  val_id (*build)(void *ctx, struct machine *m, val_id target, val_id state, uint32_t at);
  /* Items are about to be set on (VAL_DICT), appended (VAL_LIST) or added (VAL_SET) to an OBJECT; they come
   * to its `items` or `appended`. */
  void (*extend)(void *ctx, struct machine *m, val_id target, enum value_kind how, uint32_t at);
  uint32_t (*persid)(void *ctx, struct machine *m, uint32_t persid_index);
  /* Is an OBJECT, once it is loaded, known to be no key of a dict and no element of a set? */
  bool (*unhashable)(void *ctx, const struct machine *m, val_id object);
  /* The plain value that an OBJECT equals, and has the hash of, as an instance of a subclass of str; or 0. */
  val_id (*equal)(void *ctx, const struct machine *m, val_id object);
  /* A key of a dict, or an element of a set, that is an OBJECT or a tuple with one. */
  void (*key)(void *ctx, const struct machine *m, val_id key, uint32_t at);
  torch_version torch; /* whose weights_only unpickler counts; 0: the newest */
};

/* Bytes in the program that are no opcodes: what stood behind a BUILD was taken by its hook. */
struct raw_run {
  uint32_t at;
  uint64_t n;
};

struct memo;
struct key_index;
struct name_index;

struct machine {
  struct arena *arena;
  struct observations *obs;
  const struct limits *max;
  struct machine_hooks hooks;
  uint32_t member; /* for observations */
  struct span program;
  struct reader in; /* the rest of it */
  VEC(struct value) values;
  VEC(struct span) apart; /* bytes of values that do not stand in the program */
  VEC(val_id) links;
  VEC(val_id) stack;
  VEC(uint32_t) marks; /* stack depths */
  VEC(struct global) globals;
  VEC(struct object) objects;
  VEC(struct persid) persids;
  VEC(struct raw_run) raw;  /* in order, with opcodes between any two */
  uint8_t proto;            /* of the last PROTO; 0 before */
  uint8_t highest_op_proto; /* of the newest opcode met */
  uint64_t num_ops;
  uint64_t frame_end;       /* private: where the open FRAME ends, 0 if none is open */
  bool proto_declared;      /* a PROTO was met */
  bool beyond_weights_only; /* an opcode was met that weights_only of hooks.torch does not know */
  bool too_deep;            /* private: the depth was said */
  uint32_t num_shared;      /* GETs and DUPs of values that hold others */
  bool stopped;             /* STOP was reached: result is valid */
  bool limited;             /* a limit ended the program: a loader would go on */
  bool failed;              /* an error ended the program; everything made so far stays readable */
  val_id result;
  struct memo *memo;        /* private: index → val_id, by hash, and the count of distinct indices */
  struct key_index *keys;   /* private: (dict, key) → link, for repeated keys */
  struct name_index *names; /* private: (module, name) → global */
  val_id recent_ints[509];  /* private: one value for what repeats. A prime, as sizes are powers of two */
  uint64_t hash_seed[2]; /* machine_init sets a fixed one; who has random bytes sets it before machine_run */
};

/* `program` must outlive the machine: strings are spans of it. It is the private copy of a member, or of the
 * rest of a legacy stream: bytes after STOP are the caller's business. False: budget spent. */
NODISCARD bool machine_init(struct machine *m, struct arena *a, struct observations *o,
                            const struct limits *max, uint32_t member, const struct machine_hooks *hooks,
                            struct span program);
/* Runs to STOP. False when the program is malformed or a limit is hit (observed, with the offset). m->in.at
 * is then the offset of the offending opcode's argument, otherwise the offset behind STOP. */
NODISCARD bool machine_run(struct machine *m);

/* ---- reading values ---- */
static inline const struct value *value_of(const struct machine *m, val_id v) { return &m->values.p[v]; }
static inline enum value_kind kind_of(const struct machine *m, val_id v) {
  return (enum value_kind)m->values.p[v].kind;
}
static inline bool kind_has_bytes(enum value_kind kind) {
  return kind == VAL_TEXT || kind == VAL_BYTES || kind == VAL_BYTEARRAY || kind == VAL_PYSTRING ||
         kind == VAL_BIGINT;
}
static inline bool kind_has_items(enum value_kind kind) {
  return kind == VAL_TUPLE || kind == VAL_LIST || kind == VAL_SET || kind == VAL_FROZENSET ||
         kind == VAL_DICT;
}
/* TEXT, BYTES, BYTEARRAY, PYSTRING, BIGINT; the empty span for other kinds. */
static inline struct span value_bytes(const struct machine *m, val_id v) {
  const struct value *x = value_of(m, v);
  if (!kind_has_bytes(kind_of(m, v))) return span_of(NULL, 0);
  return x->apart ? m->apart.p[x->ref] : span_of(m->program.p + x->bytes.from, x->bytes.n);
}
/* Number of items of TUPLE, LIST, SET, FROZENSET; of links (2 × pairs) for DICT; 0 for other kinds. */
static inline uint32_t value_count(const struct machine *m, val_id v) {
  return kind_has_items(kind_of(m, v)) ? value_of(m, v)->seq.n : 0;
}
/* Item i < value_count. */
static inline val_id value_item(const struct machine *m, val_id v, uint32_t i) {
  return m->links.p[value_of(m, v)->seq.first + i];
}
/* A Python 2 str or str as text: TEXT, PYSTRING or BYTES. */
static inline bool value_is_string(const struct machine *m, val_id v) {
  enum value_kind kind = kind_of(m, v);
  return kind == VAL_TEXT || kind == VAL_PYSTRING || kind == VAL_BYTES;
}
/* The value for a str key in a DICT, or 0. Linear in the dict. */
val_id dict_get(const struct machine *m, val_id dict, const char *key);
/* NULL unless GLOBAL. */
static inline const struct global *value_global(const struct machine *m, val_id v) {
  return kind_of(m, v) == VAL_GLOBAL ? &m->globals.p[value_of(m, v)->ref] : NULL;
}
/* NULL unless OBJECT. */
static inline const struct object *value_object(const struct machine *m, val_id v) {
  return kind_of(m, v) == VAL_OBJECT ? &m->objects.p[value_of(m, v)->ref] : NULL;
}

/* The value that the opcode at this offset of the program made, or 0 (it made none, or a shared constant). */
val_id value_made_at(const struct machine *m, uint32_t at);

/* Makes a value for the hooks' use (e.g. the bytes of `_codecs.encode`). 0: budget spent. */
val_id machine_new_bytes(struct machine *m, enum value_kind kind, struct span bytes, uint32_t at);
/* A DICT of the items of a DICT, or of the pairs in a LIST or TUPLE of pairs, as they are now. 0: a limit or
 * an unhashable key (observed). */
val_id machine_new_dict(struct machine *m, val_id from, uint32_t at);
/* A SET of the items of a LIST or TUPLE. 0: a limit, or an item that can't be an element (observed). */
val_id machine_new_set(struct machine *m, val_id from, uint32_t at);
/* For hooks.build: the next n bytes of the program are no opcodes, and are taken. False (observed): so many
 * are not left, or a FRAME is open, whose bytes the unpickler has read already; or the budget is spent. */
NODISCARD bool machine_take_raw(struct machine *m, uint64_t n, uint32_t at, struct span *out);
/* What stands in the place of an object: another with its callee and arguments, the one that `tag` names for
 * the hooks. 0: a limit (observed). */
val_id machine_new_object(struct machine *m, val_id like, uint32_t tag, uint32_t at);
/* What a loader has copied or looked at for good: items that are added later (observed) change what the
 * values here say, not what the loader made of them. */
static inline void machine_give(struct machine *m, val_id v) { m->values.p[v].given = true; }

#endif
