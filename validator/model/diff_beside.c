/* What stands beside the weights: imports, and the values of the checkpoint by their paths. */
#include "model/diff_parts.h"

/* ---- imports ---- */

static uint32_t hash_global(const struct differ *d, const struct plan *p, const struct plan_global *g) {
  struct siphash h;
  siphash_init(&h, d->request->hash_seed);
  siphash_bytes(&h, plan_span(p, g->module));
  siphash_bytes(&h, SPAN("\0"));
  siphash_bytes(&h, plan_span(p, g->name));
  return siphash_end32(&h);
}

static bool global_is_in(const struct differ *d, const struct hash_index *x, uint32_t side, uint32_t i) {
  const struct plan *own = d->side[1 - side].plan, *other = d->side[side].plan;
  const struct plan_global *g = &own->globals[i];
  uint32_t hash = hash_global(d, own, g);
  for (uint32_t k = hash_find(x, hash, 0); k; k = hash_find(x, hash, k)) {
    const struct plan_global *o = &other->globals[k - 1];
    if (span_eq(plan_span(own, g->module), plan_span(other, o->module)) &&
        span_eq(plan_span(own, g->name), plan_span(other, o->name)))
      return true;
  }
  return false;
}

/* Rows for the globals of `side` that the other side does not name. */
static bool globals_of(struct differ *d, uint32_t side) {
  const struct plan *own = d->side[side].plan, *other = d->side[1 - side].plan;
  struct hash_index x = {0};
  for (uint32_t i = 0; i < other->num_globals; i++)
    if (!hash_append(d->arena, &x, hash_global(d, other, &other->globals[i]))) return false;
  if (!hash_hang(d->arena, &x)) return false;
  for (uint32_t i = 0; i < own->num_globals; i++) {
    if (global_is_in(d, &x, 1 - side, i)) continue;
    if (side)
      diff_add(d, DIFF_GLOBAL_ADDED, 0, i + 1);
    else
      diff_add(d, DIFF_GLOBAL_REMOVED, i + 1, 0);
  }
  return true;
}

/* A file without a program imports nothing. */
bool diff_globals(struct differ *d) {
  bool programs = d->side[0].plan->header->num_ops && d->side[1].plan->header->num_ops;
  return !programs || (globals_of(d, 0) && globals_of(d, 1));
}

/* ---- values ---- */

static uint32_t hash_child(const struct differ *d, uint32_t parent, struct span key) {
  struct siphash h;
  siphash_init(&h, d->request->hash_seed);
  siphash_u64(&h, parent);
  siphash_bytes(&h, key);
  return siphash_end32(&h);
}

/* Side 1's values by parent and key: entry i + 1 is value i. */
static bool index_values(struct differ *d, struct hash_index *out) {
  const struct plan *p = d->side[1].plan;
  for (uint32_t i = 0; i < p->num_values; i++)
    if (!hash_append(d->arena, out, hash_child(d, p->values[i].parent, plan_span(p, p->values[i].key))))
      return false;
  return hash_hang(d->arena, out);
}

static uint32_t find_child(const struct differ *d, const struct hash_index *x, uint32_t parent,
                           struct span key) {
  const struct plan *p = d->side[1].plan;
  uint32_t hash = hash_child(d, parent, key);
  for (uint32_t k = hash_find(x, hash, 0); k; k = hash_find(x, hash, k))
    if (k > 1 && p->values[k - 1].parent == parent && span_eq(plan_span(p, p->values[k - 1].key), key))
      return k;
  return 0;
}

static bool same_text(const struct differ *d, struct plan_text x, struct plan_text y) {
  return span_eq(plan_span(d->side[0].plan, x), plan_span(d->side[1].plan, y));
}

/* Two nodes, without what is below them. A value seen before is compared where it was seen: here, whether
 * that is the same place; inside the weights their names tell. */
static bool same_value(struct differ *d, const struct plan_value *x, const struct plan_value *y,
                       const uint32_t *twin) {
  struct diff_row unused = {0};
  if (x->kind != y->kind) return false;
  switch ((enum plan_value_kind)x->kind) {
  case PLAN_VAL_BOOL:
  case PLAN_VAL_INT: return x->number == y->number;
  // By its bits: NaN is itself, -0 is not 0.
  // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c)
  case PLAN_VAL_FLOAT: return memcmp(&x->real, &y->real, sizeof x->real) == 0;
  case PLAN_VAL_TEXT:
  case PLAN_VAL_BYTES: return x->number == y->number && same_text(d, x->text, y->text);
  case PLAN_VAL_BIGINT:
  case PLAN_VAL_ARRAY:
  case PLAN_VAL_DTYPE:
  case PLAN_VAL_DEVICE: return same_text(d, x->text, y->text);
  case PLAN_VAL_RECORD:
  case PLAN_VAL_GLOBAL: return same_text(d, x->cls, y->cls);
  case PLAN_VAL_TENSOR:
    return diff_tensors(d, (uint32_t)x->number, (uint32_t)y->number, &unused) <= DIFF_WITHIN;
  case PLAN_VAL_SHARED: return twin[x->number] == 0 || twin[x->number] == (uint64_t)y->number + 1;
  case PLAN_VAL_NONE:
  case PLAN_VAL_TUPLE:
  case PLAN_VAL_LIST:
  case PLAN_VAL_DICT:
  case PLAN_VAL_SET:
  case PLAN_VAL_STORAGE:
  case PLAN_VAL_SIZE:
  case PLAN_VAL_CUT:
  case PLAN_VAL_KINDS: return true;
  }
  return true;
}

/* The state dict itself is compared by the names of its tensors; tensors of a file without one likewise. */
static bool is_weights(const struct diff_names *s, uint32_t value) {
  return s->dict ? s->dict->value == value : s->plan->values[value].kind == PLAN_VAL_TENSOR;
}

/* Both trees' nodes in preorder; `twin` of a node is the other tree's node at the same path. */
static void removed_and_changed(struct differ *d, const struct hash_index *x, uint32_t *twin, bool *known) {
  const struct plan *p = d->side[0].plan;
  uint32_t next;
  for (uint32_t i = 1; i < p->num_values; i = next) {
    const struct plan_value *v = &p->values[i];
    next = v->end;
    if (is_weights(&d->side[0], i)) continue;
    uint32_t there = find_child(d, x, twin[v->parent] - 1, plan_span(p, v->key));
    if (!there) {
      diff_add(d, DIFF_VALUE_REMOVED, i + 1, 0);
      continue;
    }
    known[there - 1] = true;
    twin[i] = there;
    if (is_weights(&d->side[1], there - 1)) continue;
    if (!same_value(d, v, &d->side[1].plan->values[there - 1], twin))
      diff_add(d, DIFF_VALUE_CHANGED, i + 1, there);
    else
      next = i + 1;
  }
}

static void added(struct differ *d, const bool *known) {
  const struct plan *p = d->side[1].plan;
  uint32_t next;
  for (uint32_t i = 1; i < p->num_values; i = next) {
    next = p->values[i].end;
    if (is_weights(&d->side[1], i)) continue;
    if (known[i])
      next = i + 1;
    else
      diff_add(d, DIFF_VALUE_ADDED, 0, i + 1);
  }
}

bool diff_values(struct differ *d) {
  const struct plan *a = d->side[0].plan, *b = d->side[1].plan;
  struct hash_index x = {0};
  uint32_t *twin = arena_array(d->arena, a->num_values, uint32_t);
  bool *known = arena_array(d->arena, b->num_values, bool);
  if (!twin || !known) return false;
  if (a->num_values == 0 || b->num_values == 0) return true;
  bool beside_a = !is_weights(&d->side[0], 0), beside_b = !is_weights(&d->side[1], 0);
  twin[0] = 1;
  if (beside_b && !index_values(d, &x)) return false;
  if (beside_a) removed_and_changed(d, &x, twin, known);
  if (beside_b) added(d, known);
  return true;
}
