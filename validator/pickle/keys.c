/* Which keys a dict holds: two that Python takes for one (1, 1.0 and True; equal tuples) give two readers two
 * views of a checkpoint. Keys are compared by their parts; a scalar has one, a tuple one more than its items
 * have. */
#include <math.h>

#include "base/utf8.h"
#include "pickle/op.h"

enum { MAX_KEY_PARTS = 64, SHORT_TEXT = 128 };

/* What is equal in Python has equal parts. */
enum part_tag {
  PART_NONE,
  PART_INT,      /* bits: the number */
  PART_FLOAT,    /* bits: its pattern */
  PART_TUPLE,    /* bits: how many items follow */
  PART_GLOBAL,   /* bits: which one */
  PART_IDENTITY, /* bits: which value */
  PART_BIGINT,   /* this and the rest: bytes; of long ones the number in bits, and no bytes */
  PART_TEXT,
  PART_PYSTRING,
  PART_BYTES,
};
struct part {
  enum part_tag tag;
  uint64_t bits;
  struct span bytes;
};
struct key {
  uint32_t n;
  bool unhashable, complex, has_object, has_surrogate, has_nan, has_bigint, special, no_memory;
  struct part parts[MAX_KEY_PARTS];
};

static struct part bits_part(enum part_tag tag, uint64_t bits) {
  return (struct part){.tag = tag, .bits = bits};
}

/* 1.0 is the key 1; NaN equals only itself, the very object. (A float beyond 64 bits may equal a BIGINT:
 * nobody writes either as a key, and here they differ.) */
static struct part float_part(double real, val_id v, struct key *k) {
  uint64_t bits;
  if (isnan(real)) {
    k->has_nan = true;
    return bits_part(PART_IDENTITY, v);
  }
  if (real >= -0x1p63 && real < 0x1p63 && trunc(real) == real)
    return bits_part(PART_INT, (uint64_t)(int64_t)real);
  memcpy(&bits, &real, sizeof bits);
  return bits_part(PART_FLOAT, bits);
}

static inline struct part bytes_part(struct machine *m, enum part_tag tag, val_id v, struct key *k) {
  struct span bytes = value_bytes(m, v);
  if (bytes.n <= SHORT_TEXT) {
    k->has_surrogate |= tag == PART_TEXT && !utf8_valid(bytes, UTF8_STRICT);
    return (struct part){.tag = tag, .bytes = bytes};
  }
  const struct long_text *t = long_text(m, (uint8_t)tag, bytes);
  k->no_memory |= !t;
  k->has_surrogate |= t && tag == PART_TEXT && !t->is_utf8;
  return bits_part(tag, t ? t->number : 0);
}

static struct part object_part(struct machine *m, val_id v, struct key *k);

/* One value without what it holds; notes what can't be a key, or can't be compared. */
// NOLINTNEXTLINE(misc-no-recursion): once, for what is equal to an object is none
static inline struct part part_of(struct machine *m, val_id v, struct key *k) {
  const struct value *x = value_of(m, v);
  switch ((enum value_kind)x->kind) {
  case VAL_NONE: return bits_part(PART_NONE, 0);
  case VAL_BOOL: return bits_part(PART_INT, x->truth);
  case VAL_INT: return bits_part(PART_INT, (uint64_t)x->number);
  case VAL_FLOAT: return float_part(x->real, v, k);
  case VAL_BIGINT:
    k->has_bigint |= value_bytes(m, v).n > sizeof(uint64_t) + 1; /* of sign */
    return bytes_part(m, PART_BIGINT, v, k);
  case VAL_TEXT: return bytes_part(m, PART_TEXT, v, k);
  case VAL_PYSTRING: return bytes_part(m, PART_PYSTRING, v, k);
  case VAL_BYTES: return bytes_part(m, PART_BYTES, v, k);
  case VAL_TUPLE: return bits_part(PART_TUPLE, x->seq.n);
  case VAL_GLOBAL: return bits_part(PART_GLOBAL, x->ref);
  case VAL_OBJECT: return object_part(m, v, k);
  case VAL_FROZENSET:
  case VAL_PERSID:
  case VAL_EXTENSION: k->has_object = true; break;
  case VAL_BYTEARRAY:
  case VAL_LIST:
  case VAL_SET:
  case VAL_DICT:
  case VAL_ABSENT: k->unhashable = true; break;
  }
  return bits_part(PART_IDENTITY, v);
}

// NOLINTNEXTLINE(misc-no-recursion): see part_of
static COLD struct part object_part(struct machine *m, val_id v, struct key *k) {
  val_id equal = m->hooks.equal ? m->hooks.equal(m->hooks.ctx, m, v) : 0;
  k->has_object = true;
  k->unhashable = k->unhashable || (m->hooks.unhashable && m->hooks.unhashable(m->hooks.ctx, m, v));
  return equal && kind_of(m, equal) != VAL_OBJECT ? part_of(m, equal, k) : bits_part(PART_IDENTITY, v);
}

/* A text that Python may take for the name of a method. */
static inline bool is_special(const struct machine *m, val_id v) {
  struct span text = value_bytes(m, v);
  return text.n > 2 && text.p[0] == '_' && text.p[1] == '_';
}

/* A key of too many parts is one part, its identity: hashing nested tuples must not take longer than reading
 * them. */
static void take_apart(struct machine *m, val_id v, struct key *k) {
  val_id todo[MAX_KEY_PARTS];
  uint32_t num_todo = 1;
  todo[0] = v;
  k->n = 0;
  k->unhashable = k->complex = k->has_object = k->has_surrogate = k->has_nan = k->has_bigint = k->special =
      k->no_memory = false;
  while (num_todo) {
    val_id next = todo[--num_todo];
    uint32_t items = kind_of(m, next) == VAL_TUPLE ? value_count(m, next) : 0;
    k->parts[k->n++] = part_of(m, next, k);
    if (items > MAX_KEY_PARTS - k->n - num_todo) {
      k->complex = true;
      k->parts[0] = bits_part(PART_IDENTITY, v);
      k->n = 1;
      return;
    }
    for (uint32_t i = items; i > 0; i--) todo[num_todo++] = value_item(m, next, i - 1);
  }
}

static bool same_key(const struct key *a, const struct key *b) {
  if (a->n != b->n) return false;
  for (uint32_t i = 0; i < a->n; i++) {
    const struct part *p = &a->parts[i], *q = &b->parts[i];
    if (p->tag != q->tag || p->bits != q->bits || !span_eq(p->bytes, q->bytes)) return false;
  }
  return true;
}

static uint32_t hash_key(const struct machine *m, val_id container, const struct key *k) {
  struct siphash h;
  siphash_init(&h, m->hash_seed);
  siphash_u64(&h, container);
  for (uint32_t i = 0; i < k->n; i++) {
    const struct part *p = &k->parts[i];
    if (p->bytes.n) /* what is left out here same_key compares */
      siphash_bytes(&h, p->bytes);
    else
      siphash_u64(&h, (uint64_t)p->tag << 32 ^ p->bits);
  }
  return siphash_end32(&h);
}

void key_expect(struct machine *m, val_id container, val_id key) {
  struct key k;
  struct span text = value_bytes(m, key);
  if (kind_of(m, key) != VAL_TEXT || text.n > SHORT_TEXT) return;
  k.n = 1;
  k.parts[0] = (struct part){.tag = PART_TEXT, .bytes = text};
  uint32_t hash = hash_key(m, container, &k);
  hash_expect(&m->keys->hash, hash);
  m->keys->expected[key % ARRAY_LEN(m->keys->expected)] = (struct expected_key){container, key, hash};
}

static uint32_t expected_hash(const struct machine *m, val_id container, val_id key, const struct key *k) {
  const struct expected_key *e = &m->keys->expected[key % ARRAY_LEN(m->keys->expected)];
  return e->key == key && e->container == container ? e->hash : hash_key(m, container, k);
}

/* Number of the entry in m->keys with this container and key, or 0. */
static uint32_t find(struct machine *m, val_id container, const struct key *k, uint32_t hash) {
  struct key other;
  for (uint32_t i = hash_find(&m->keys->hash, hash, 0); i; i = hash_find(&m->keys->hash, hash, i)) {
    const struct key_entry *e = &m->keys->entries.p[i - 1];
    if (e->container != container) continue;
    take_apart(m, value_item(m, container, e->place), &other);
    if (same_key(k, &other)) return i;
  }
  return 0;
}

static COLD void note_oddities(struct machine *m, val_id key, const struct key *k, const struct arg *arg) {
  if (k->complex) {
    struct observation what = seen_at(m, OBS_PKL_KEY_COMPLEX, arg);
    what.want = MAX_KEY_PARTS;
    observe(m->obs, what);
  }
  if ((k->has_object || k->special) && m->hooks.key) m->hooks.key(m->hooks.ctx, m, key, arg->at);
  if (k->has_object && m->keys->object_noted != arg->at + 1) { /* once for a batch: optimizers write many */
    observe(m->obs, seen_at(m, OBS_PKL_KEY_OBJECT, arg));
    m->keys->object_noted = arg->at + 1;
  }
  if (k->has_nan) observe(m->obs, seen_at(m, OBS_PKL_KEY_NAN, arg));
  if (k->has_bigint) observe(m->obs, seen_at(m, OBS_PKL_KEY_BIGINT, arg));
  if (k->has_surrogate) {
    struct observation what = seen_at(m, OBS_PKL_KEY_SURROGATE, arg);
    what.detail = shown(value_bytes(m, key));
    observe(m->obs, what);
  }
}

/* Does the container hold the items of an instance of some class, whose __setitem__ may take what has no
 * hash? The loader goes on then, and so must we. */
static bool takes_any_key(const struct machine *m, val_id container) {
  val_id target = m->stack.n ? top(m) : 0;
  if (kind_of(m, target) != VAL_OBJECT || m->objects.p[value_of(m, target)->ref].items != container)
    return false;
  return !m->hooks.unhashable ||
         !m->hooks.unhashable(m->hooks.ctx, m, target); /* a dict of Python's is known */
}

static COLD bool unhashable_key(struct machine *m, val_id container, const struct arg *arg) {
  if (!takes_any_key(m, container)) return refuse_op(m, OBS_PKL_UNHASHABLE, arg);
  observe(m->obs, seen_at(m, OBS_PKL_UNHASHABLE, arg));
  return true;
}

bool key_place(struct machine *m, val_id container, val_id key, uint32_t place_if_new, uint32_t *place,
               const struct arg *arg) {
  struct key k;
  take_apart(m, key, &k);
  if (k.no_memory) return refuse_memory(m);
  *place = place_if_new;
  if (k.unhashable) return unhashable_key(m, container, arg);
  k.special = value_is_string(m, key) && is_special(m, key);
  if (k.complex || k.has_object || k.has_surrogate || k.has_nan || k.has_bigint || k.special)
    note_oddities(m, key, &k, arg);
  uint32_t hash = expected_hash(m, container, key, &k), found = find(m, container, &k, hash);
  *place = found ? m->keys->entries.p[found - 1].place : place_if_new;
  if (found) return true;
  struct key_entry *e = vec_push(m->arena, &m->keys->entries, UINT32_MAX);
  if (!e || !hash_add(m->arena, &m->keys->hash, hash, UINT32_MAX)) return refuse_memory(m);
  *e = (struct key_entry){container, place_if_new};
  return true;
}
