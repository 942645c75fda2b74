/* GET and PUT in their three widths, and MEMOIZE. */
#include "pickle/number_text.h"
#include "pickle/op.h"

static uint32_t index_hash(const uint64_t seed[2], uint32_t index) {
  struct siphash h;
  siphash_init(&h, seed);
  siphash_u64(&h, index);
  return siphash_end32(&h);
}

static COLD struct memo_entry *sparse_entry(const struct memo *memo, const uint64_t seed[2], uint32_t index) {
  uint32_t hash = index_hash(seed, index);
  for (uint32_t i = hash_find(&memo->sparse, hash, 0); i; i = hash_find(&memo->sparse, hash, i))
    if (memo->entries.p[i - 1].index == index) return &memo->entries.p[i - 1];
  return NULL;
}

/* A sparse index may come into reach of the array later: it stays where it is, and its slot stays 0. */
HOT val_id *slot(const struct memo *memo, const uint64_t seed[2], uint32_t index) {
  if (index < memo->dense.n && memo->dense.p[index]) return &memo->dense.p[index];
  struct memo_entry *e = memo->entries.n ? sparse_entry(memo, seed, index) : NULL;
  return e ? &e->v : NULL;
}

val_id memo_get(const struct memo *memo, const uint64_t seed[2], uint32_t index) {
  const val_id *v = slot(memo, seed, index);
  return v ? *v : 0;
}

/* The array never has more than twice the slots that are in use, whatever the index is. */
HOT bool is_dense(const struct memo *memo, uint32_t index) {
  enum { HEAD_START = 256 };
  return index < (uint64_t)memo->n * 2 + HEAD_START;
}

HOT bool add_dense(struct memo *memo, struct arena *a, uint32_t index, val_id v) {
  if (index >= memo->dense.n) {
    uint32_t extra = index - memo->dense.n + 1;
    if (!vec_reserve(a, &memo->dense, extra, UINT32_MAX)) return false;
    while (memo->dense.n <= index) memo->dense.p[memo->dense.n++] = 0; /* mostly one */
  }
  memo->dense.p[index] = v;
  return true;
}

static COLD bool add_sparse(struct memo *memo, struct arena *a, const uint64_t seed[2], uint32_t index,
                            val_id v) {
  struct memo_entry *e = vec_push(a, &memo->entries, UINT32_MAX);
  if (!e || !hash_add(a, &memo->sparse, index_hash(seed, index), UINT32_MAX)) return false;
  *e = (struct memo_entry){index, v};
  return true;
}

HOT bool add(struct memo *memo, struct arena *a, const uint64_t seed[2], uint32_t index, val_id v) {
  if (!(is_dense(memo, index) ? add_dense(memo, a, index, v) : add_sparse(memo, a, seed, index, v)))
    return false;
  memo->n++;
  return true;
}

bool memo_put(struct memo *memo, struct arena *a, const uint64_t seed[2], uint32_t index, val_id v) {
  val_id *there = slot(memo, seed, index);
  if (!there) return add(memo, a, seed, index, v);
  *there = v;
  return true;
}

/* ---- the opcodes ---- */

static COLD struct observation seen_index(const struct machine *m, enum obs_kind kind, const struct arg *arg,
                                          uint64_t i) {
  struct observation what = seen_at(m, kind, arg);
  what.detail = shown(arg->text);
  what.got = i;
  return what;
}

/* The index that every pickler takes: the one behind the last. */
static inline bool is_next(const struct machine *m, uint32_t index) {
  const struct memo *memo = m->memo;
  return index == memo->dense.n && index <= m->num_ops && memo->entries.n == 0 &&
         memo->n < m->max->pickle_memo && is_dense(memo, index);
}

HOT bool put(struct machine *m, const struct arg *arg, uint32_t index) {
  if (is_next(m, index)) {
    val_id *next = vec_push(m->arena, &m->memo->dense, UINT32_MAX);
    if (!next) return refuse_memory(m);
    *next = top(m);
    m->memo->n++;
    return true;
  }
  val_id *there = slot(m->memo, m->hash_seed, index);
  if (there && *there != top(m)) observe(m->obs, seen_index(m, OBS_PKL_MEMO_OVERWRITE, arg, index));
  if (index > m->num_ops) { /* C's memo is an array of twice the index: 64 GiB for LONG_BINPUT 0xfffffff0 */
    struct observation what = seen_index(m, OBS_PKL_MEMO_SPARSE, arg, index);
    what.want = m->num_ops;
    observe(m->obs, what);
  }
  if (there) {
    *there = top(m);
    return true;
  }
  bool full = m->memo->n >= m->max->pickle_memo;
  if (!full && add(m->memo, m->arena, m->hash_seed, index, top(m))) return true;
  return refuse_room(m, OBS_LIMIT_PICKLE_MEMO, (uint64_t)m->memo->n + 1, m->max->pickle_memo, arg->at);
}

HOT bool get(struct machine *m, const struct arg *arg, uint32_t index) {
  val_id v = memo_get(m->memo, m->hash_seed, index);
  if (v == 0) return refuse(m->obs, seen_index(m, OBS_PKL_MEMO_UNSET, arg, index));
  m->values.p[v].fetched = true;
  m->num_shared += may_hold(kind_of(m, v));
  return push(m, v);
}

bool op_put(struct machine *m, const struct arg *arg) { return put(m, arg, (uint32_t)arg->number); }
bool op_get(struct machine *m, const struct arg *arg) { return get(m, arg, (uint32_t)arg->number); }

/* The index is the number of indices in use, not of PUTs (_Unpickler_MemoPut). */
bool op_memoize(struct machine *m, const struct arg *arg) { return put(m, arg, m->memo->n); }

bool memo_index_text(struct span line, int64_t *index, bool *odd) {
  struct int_text t;
  *odd = !int_text_is_plain(line);
  if (!int_text_parse(number_text(line), 10, &t)) return false;
  if (t.num_digits > MAX_DIGITS || !int_text_small(&t, index)) *index = t.negative ? INT64_MIN : INT64_MAX;
  return true;
}

static bool text_index(struct machine *m, const struct arg *arg, uint32_t *index) {
  int64_t i;
  bool odd;
  if (!memo_index_text(arg->text, &i, &odd)) return refuse(m->obs, seen_index(m, OBS_PKL_MEMO_TEXT, arg, 0));
  if (!try_cast(i, index)) return refuse(m->obs, seen_index(m, OBS_PKL_MEMO_RANGE, arg, 0));
  if (odd) observe(m->obs, seen_index(m, OBS_PKL_MEMO_ODD, arg, *index));
  return true;
}

bool op_put_text(struct machine *m, const struct arg *arg) {
  uint32_t index = 0;
  return text_index(m, arg, &index) && put(m, arg, index);
}

bool op_get_text(struct machine *m, const struct arg *arg) {
  uint32_t index = 0;
  return text_index(m, arg, &index) && get(m, arg, index);
}
