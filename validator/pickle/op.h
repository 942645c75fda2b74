/* What the files that run the opcodes share: observing, making values, containers, keys, names and the memo.
 * The dispatcher (machine.c) reads the argument, takes the operands and makes room for the result as the row
 * says; handlers check nothing of that again. */
#ifndef CKPTLINT_PICKLE_OP_H
#define CKPTLINT_PICKLE_OP_H

#include "base/hash.h"
#include "pickle/machine.h"
#include "pickle/opcode.h"

/* ---- one opcode, in two halves (machine.c) ---- */
/* Reads it and its argument, and takes its operands: they stay readable in arg->items, but for the first once
 * the opcode has pushed something. False: the program ends here (observed). */
NODISCARD bool machine_fetch(struct machine *m, struct arg *arg);
/* Does what it says. False: a loader fails, or a limit is hit (observed). */
NODISCARD bool machine_execute(struct machine *m, const struct arg *arg);

/* ---- observing ---- */
/* About this opcode: its offset, and its name as the subject. */
COLD struct observation seen_at(const struct machine *m, enum obs_kind kind, const struct arg *arg);
/* As much of a text as a report has use for: findings must not outgrow the program. */
static inline struct span shown(struct span text) { return span_first(text, 256); }
NODISCARD COLD bool refuse_op(struct machine *m, enum obs_kind kind, const struct arg *arg);
COLD bool refuse_memory(struct machine *m);
/* There is no room for n elements: because the limit is `max`, or else because the arena is spent. Observes
 * which. */
COLD bool refuse_room(struct machine *m, enum obs_kind limit, uint64_t n, uint64_t max, uint32_t at);

/* ---- values: 0 or false means a limit, observed ---- */
/* Shared constants, there from the start. */
enum { ID_NONE = 1, ID_FALSE, ID_TRUE, ID_EMPTY_TUPLE, NUM_CONSTANTS };
static inline val_id constant(struct machine *m, val_id id, uint32_t at) {
  if (m->values.p[id].at == 0) m->values.p[id].at = at;
  return id;
}
COLD val_id refuse_value(struct machine *m, uint32_t at); /* there is no room for one more; answers 0 */
/* Inline, as most opcodes make one. */
static inline val_id new_value(struct machine *m, enum value_kind kind, uint32_t at) {
  uint64_t max = min_u64(m->max->pickle_values, UINT32_MAX - NUM_CONSTANTS) + NUM_CONSTANTS;
  if (!vec_reserve(m->arena, &m->values, 1, max)) return refuse_value(m, at);
  m->values.p[m->values.n] = (struct value){.kind = (uint8_t)kind, .at = at};
  return m->values.n++;
}
val_id new_bytes(struct machine *m, enum value_kind kind, struct span bytes, uint32_t at);
val_id new_int(struct machine *m, int64_t number, uint32_t at);
/* An integer from two's complement, lowest byte first: INT if it fits, else BIGINT, which keeps the span. */
val_id new_long(struct machine *m, struct span bytes, uint32_t at);
/* TEXT if it is UTF-8, else PYSTRING (observed). */
val_id new_python2_string(struct machine *m, struct span bytes, const struct arg *arg);
val_id new_tuple(struct machine *m, const val_id *items, uint32_t n, uint32_t at);
/* The items of a LIST, SET or FROZENSET or the keys of a DICT, as a tuple; of anything else the empty one. */
val_id tuple_of(struct machine *m, val_id container, uint32_t at);
/* Room was made by the dispatcher: every row that gives has its place. */
static inline bool push(struct machine *m, val_id v) {
  if (v) m->stack.p[m->stack.n++] = v;
  return v != 0;
}
static inline val_id top(const struct machine *m) { return m->stack.p[m->stack.n - 1]; }
bool is_ascii(struct span text);
/* May it be anything once it is loaded? True for what an import, a call, a persistent id or the registry
 * gives. */
static inline bool is_symbolic(const struct machine *m, val_id v) {
  enum value_kind kind = kind_of(m, v);
  return kind == VAL_GLOBAL || kind == VAL_OBJECT || kind == VAL_PERSID || kind == VAL_EXTENSION;
}

/* ---- containers (op_build.c) ---- */
/* Appends n values to a LIST, keeping `depth`. */
NODISCARD bool list_extend(struct machine *m, val_id list, const val_id *items, uint32_t n,
                           const struct arg *arg);
/* Do values of this kind hold others, for note_ways? */
static inline bool may_hold(enum value_kind kind) { return kind_has_items(kind) || kind == VAL_OBJECT; }
COLD void note_ways(struct machine *m); /* at the end (ways.c) */
COLD void note_depth(struct machine *m, uint32_t depth, uint64_t limit, uint32_t at);
/* A container is at least one level deeper than what it holds. */
static inline void deepen(struct machine *m, val_id container, val_id item, uint32_t at) {
  struct value *c = &m->values.p[container];
  uint32_t depth = (uint32_t)value_of(m, item)->depth + 1;
  if (depth <= c->depth || depth > UINT16_MAX) return;
  c->depth = (uint16_t)depth;
  uint64_t limit = min_u64(m->max->value_depth, UINT16_MAX - 1);
  if (depth > limit && !m->too_deep) note_depth(m, depth, limit, at);
}

/* ---- keys of dicts and elements of sets (keys.c, long_text.c) ---- */
/* A key can be a megabyte that two bytes of program fetch from the memo, again and again. So a long text is
 * hashed and compared once, where it lies, and is a number from then on. */
struct long_text {
  struct span bytes;
  uint32_t number; /* of the first text with the same tag and bytes */
  uint8_t tag;     /* tells kinds apart whose bytes do not make them equal */
  bool is_utf8;    /* strictly */
};
const struct long_text *long_text(struct machine *m, uint8_t tag, struct span bytes); /* NULL: budget spent */
struct key_entry {
  val_id container;
  uint32_t place;
};
struct expected_key {
  val_id container, key;
  uint32_t hash;
};
struct key_index {
  struct hash_index hash;
  struct expected_key expected[61]; /* the hash of a text that comes soon, by its number; a prime */
  VEC(struct key_entry) entries;    /* of `hash`, by its numbers */
  uint32_t object_noted;            /* 1 + offset of the instruction whose object key was noted last */
  struct hash_index by_place, by_content;
  VEC(struct long_text) texts; /* of both, by their numbers */
};
/* This key will be asked for soon: those of a large dict are a cache miss each, which can be waited for
 * together. */
void key_expect(struct machine *m, val_id container, val_id key);
/* Where the key equal to `key` stands in the container, counted in links from the start of its run, in
 * *place; or notes that it will stand at `place_if_new`, and answers that. False: unhashable, or a limit
 * (observed). */
NODISCARD bool key_place(struct machine *m, val_id container, val_id key, uint32_t place_if_new,
                         uint32_t *place, const struct arg *arg);

/* ---- names (names.c) ---- */
struct name_index {
  struct hash_index hash; /* of m->globals, by its numbers */
};
/* A GLOBAL value for a (module, name) pair; the hook is asked when the pair is new. */
val_id new_global(struct machine *m, struct span module, struct span name, bool computed,
                  const struct arg *arg);

/* ---- the memo (op_memo.c) ---- */
/* Index → value. Dense indices stand in an array, others are hashed: no allocation follows an index. */
struct memo_entry {
  uint32_t index;
  val_id v;
};
struct memo {
  VEC(val_id) dense;
  struct hash_index sparse;
  VEC(struct memo_entry) entries; /* of `sparse`, by its numbers */
  uint32_t n;                     /* distinct indices: the one that MEMOIZE takes next */
};
val_id memo_get(const struct memo *memo, const uint64_t seed[2], uint32_t index); /* 0: unset */
NODISCARD bool memo_put(struct memo *memo, struct arena *a, const uint64_t seed[2], uint32_t index, val_id v);
/* The index text of GET and PUT, as CPython's int(text, 10) reads it. *odd: not what a pickler writes. */
bool memo_index_text(struct span text, int64_t *index, bool *odd);

#define OP(byte, name, proto, arg, takes, below, gives, weights_only, handler) op_fn handler;
#include "base/opcodes.def"
#undef OP

#endif
