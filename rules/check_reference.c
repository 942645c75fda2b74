#include "rules/check_reference.h"

#include "base/hash.h"

/* Fine-tuning moves weights by a few per cent; a decade is another initialisation. A false bit in an exponent
 * is a factor of 4 at least and 2^128 at most. */
enum { FACTOR = 50, FEW = 16 };

struct side {
  const struct plan *plan;
  const struct plan_dict *dict; /* NULL: all tensors */
  uint32_t rows;
};

static struct side side_of(const struct plan *p) {
  const struct plan_dict *dict = p->num_dicts ? &p->dicts[0] : NULL;
  return (struct side){p, dict, dict ? dict->num_entries : p->num_tensors};
}

static uint32_t tensor_of(const struct side *s, uint32_t row) {
  return s->dict ? s->plan->entries[s->dict->first_entry + row].tensor : row;
}

static struct span name_of(const struct side *s, uint32_t row) {
  return plan_span(s->plan,
                   s->dict ? s->plan->entries[s->dict->first_entry + row].name : s->plan->tensors[row].key);
}

static bool same_shape(const struct plan *p, const struct plan_tensor *t, const struct plan *q,
                       const struct plan_tensor *u) {
  return t->ndim == u->ndim && (t->ndim == 0 || memcmp(&p->dims[t->first_dim], &q->dims[u->first_dim],
                                                       t->ndim * sizeof p->dims[0]) == 0);
}

/* Of float numbers, enough of them, both sides read. */
static bool comparable(const struct side *s, uint32_t tensor) {
  const struct plan *p = s->plan;
  return tensor != UINT32_MAX && p->num_stats && p->stats[tensor].done && p->stats[tensor].finite >= FEW &&
         dtype_table[p->tensors[tensor].dtype].cls == DT_FLOAT;
}

static bool apart(double x, double y) { return x >= FACTOR * y || y >= FACTOR * x; }

static void compare(const struct plan_stats *s, const struct plan_stats *r, struct span name, struct arena *a,
                    struct observations *o) {
  bool wide = (s->std > 0 || r->std > 0) && apart(s->std, r->std);
  bool large = (s->absmax > 0 || r->absmax > 0) && apart(s->absmax, r->absmax);
  if (!wide && !large) return;
  struct span detail = SPAN("");
  if (will_list(o, OBS_REFERENCE_OUTLIER))
    detail = arena_printf(a, "%s is %.4g, the reference's %.4g",
                          large ? "the largest magnitude" : "the standard deviation",
                          large ? s->absmax : s->std, large ? r->absmax : r->std);
  observe(o, (struct observation){.kind = OBS_REFERENCE_OUTLIER, .subject = name, .detail = detail});
}

bool check_reference(const struct plan *plan, const struct plan *reference, const uint64_t seed[2],
                     struct arena *a, struct observations *o) {
  const struct side is = side_of(plan), was = side_of(reference);
  struct hash_index index = {0};
  uint64_t compared = 0;
  for (uint32_t i = 0; i < was.rows; i++)
    if (!hash_append(a, &index, (uint32_t)siphash(seed, name_of(&was, i)))) return false;
  if (!hash_hang(a, &index)) return false;
  for (uint32_t i = 0; i < is.rows; i++) {
    struct span name = name_of(&is, i);
    uint32_t hash = (uint32_t)siphash(seed, name), row = hash_find(&index, hash, 0);
    while (row && !span_eq(name_of(&was, row - 1), name)) row = hash_find(&index, hash, row);
    if (!row) continue;
    uint32_t t = tensor_of(&is, i), u = tensor_of(&was, row - 1);
    if (!comparable(&is, t) || !comparable(&was, u) ||
        !same_shape(plan, &plan->tensors[t], reference, &reference->tensors[u]))
      continue;
    compared++;
    compare(&plan->stats[t], &reference->stats[u], name, a, o);
  }
  if (compared == 0) observe(o, (struct observation){.kind = OBS_REFERENCE_UNLIKE});
  return true;
}
