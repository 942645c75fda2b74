/* Keys that were renamed as a whole: what is missing and what is unexpected are tensors of the same shapes in
 * the same order. */
#include "arch/match_parts.h"

enum { LEAST = 2 };

/* "weight" of "layers.0.weight" */
static struct span last_part(struct span name) {
  size_t at = name.n;
  while (at > 0 && name.p[at - 1] != '.') at--;
  return span_from(name, at);
}

static struct span name_of(const struct matcher *m, const struct problem *p) {
  return m->names[p->entry - m->dict->first_entry];
}

static bool are_namesakes(const struct matcher *m, const struct problem *missing,
                          const struct problem *other) {
  const struct expected *e = &m->model->expected[missing->expected];
  const struct plan_tensor *t = match_found(m, other);
  if (!t || t->ndim != e->slot->ndim || !span_eq(last_part(e->key), last_part(name_of(m, other))))
    return false;
  return t->ndim == 0 ||
         memcmp(m->plan->dims + t->first_dim, e->slot->sizes, t->ndim * sizeof *e->slot->sizes) == 0;
}

/* The next problem of a kind from *at on, or NULL. */
static const struct problem *next_of(const struct matcher *m, enum obs_kind kind, uint32_t *at) {
  while (*at < m->problems.n)
    if (m->problems.p[(*at)++].kind == kind) return &m->problems.p[*at - 1];
  return NULL;
}

bool match_note_order(struct matcher *m) {
  const struct problem *first[2] = {NULL, NULL}, *x, *y;
  uint32_t i = 0, k = 0, pairs = 0;
  for (;; pairs++) {
    x = next_of(m, OBS_MATCH_MISSING, &i);
    y = next_of(m, OBS_MATCH_UNEXPECTED, &k);
    if (!x || !y || !are_namesakes(m, x, y)) break;
    if (pairs > 0) continue;
    first[0] = x;
    first[1] = y;
  }
  if (x || y || pairs < LEAST) return false;
  struct span was = name_of(m, first[1]), want = m->model->expected[first[0]->expected].key;
  const bool all = pairs == m->dict->num_entries && pairs == m->model->num_expected;
  match_note(m, OBS_MATCH_ORDER, was, pairs, "%.*s%s", (int)min_size(want.n, 200), (const char *)want.p,
             all ? ". If that is so: state_dict = dict(zip(model.state_dict(), state_dict.values()))" : "");
  return true;
}
