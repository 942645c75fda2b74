#include "pickle/op.h"

/* ---- making ---- */

val_id refuse_value(struct machine *m, uint32_t at) {
  uint64_t made = m->values.n - NUM_CONSTANTS,
           max = min_u64(m->max->pickle_values, UINT32_MAX - NUM_CONSTANTS);
  refuse_room(m, OBS_LIMIT_PICKLE_VALUES, made + 1, max, at);
  return 0;
}

/* Their offset in the program, if they stand there. */
static inline bool place_in_program(const struct machine *m, struct span bytes, uint32_t *from) {
  uintptr_t begin = (uintptr_t)m->program.p, p = (uintptr_t)bytes.p;
  if (p < begin || p - begin > m->in.at) return false;
  *from = (uint32_t)(p - begin); /* machine_init: a program is shorter than 2^32 bytes */
  return true;
}

static COLD val_id new_apart(struct machine *m, val_id v, struct span bytes) {
  struct span *place = vec_push(m->arena, &m->apart, UINT32_MAX);
  if (!place) {
    refuse_memory(m);
    return 0;
  }
  *place = bytes;
  m->values.p[v].apart = true;
  m->values.p[v].ref = m->apart.n - 1;
  return v;
}

val_id new_bytes(struct machine *m, enum value_kind kind, struct span bytes, uint32_t at) {
  val_id v = new_value(m, kind, at);
  uint32_t from;
  if (v == 0) return 0;
  if (!place_in_program(m, bytes, &from)) return new_apart(m, v, bytes);
  m->values.p[v].bytes.from = from;
  m->values.p[v].bytes.n = (uint32_t)bytes.n;
  return v;
}

/* A state dict repeats a few sizes and strides some million times. */
val_id new_int(struct machine *m, int64_t number, uint32_t at) {
  val_id *recent = &m->recent_ints[(uint64_t)number % ARRAY_LEN(m->recent_ints)];
  if (*recent && value_of(m, *recent)->number == number) return *recent;
  val_id v = new_value(m, VAL_INT, at);
  if (v == 0) return 0;
  m->values.p[v].number = number;
  return *recent = v;
}

val_id machine_new_bytes(struct machine *m, enum value_kind kind, struct span bytes, uint32_t at) {
  if (bytes.n > UINT32_MAX) return 0;
  val_id v = new_bytes(m, kind, bytes, at);
  if (v) m->values.p[v].computed = 1;
  return v;
}

/* ---- reading ---- */

val_id dict_get(const struct machine *m, val_id dict, const char *key) {
  uint32_t n = kind_of(m, dict) == VAL_DICT ? value_count(m, dict) : 0;
  for (uint32_t i = 0; i < n; i += 2) {
    val_id k = value_item(m, dict, i);
    bool text = kind_of(m, k) == VAL_TEXT || kind_of(m, k) == VAL_PYSTRING; /* bytes are another key */
    if (text && span_is(value_bytes(m, k), key)) return value_item(m, dict, i + 1);
  }
  return 0;
}

/* Values are made in the order of the program, so their offsets rise; of those that one opcode makes (an
 * instance and its class, its arguments and itself) the last is what it pushes. */
val_id value_made_at(const struct machine *m, uint32_t at) {
  uint32_t low = NUM_CONSTANTS, high = m->values.n;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (m->values.p[mid].at <= at)
      low = mid + 1;
    else
      high = mid;
  }
  return low > NUM_CONSTANTS && m->values.p[low - 1].at == at ? low - 1 : 0;
}
