/* Which tensor is whose namesake: names as the state dicts have them, but for one prefix that wrappers put
 * before all names of one side (module., _orig_mod., model.). */
#include "model/diff_parts.h"

enum { CANDIDATES = 16, TRIES = 64, INNER_NAME = 4096 };

static uint32_t hash_of(const struct differ *d, struct span name) {
  return (uint32_t)siphash(d->request->hash_seed, name);
}

uint32_t diff_find_name(const struct differ *d, uint32_t side, struct span name) {
  const struct diff_names *s = &d->side[side];
  uint32_t hash = hash_of(d, name);
  for (uint32_t i = hash_find(&s->index, hash, 0); i; i = hash_find(&s->index, hash, i))
    if (span_eq(s->name[i - 1], name)) return i;
  return 0;
}

static bool index_names(struct differ *d, struct diff_names *s) {
  s->index = (struct hash_index){0};
  for (uint32_t i = 0; i < s->n; i++)
    if (!hash_append(d->arena, &s->index, hash_of(d, s->name[i]))) return false;
  return hash_hang(d->arena, &s->index);
}

/* False: more than an honest plan names. */
static bool add_name(struct diff_names *s, struct span name, uint32_t tensor) {
  if (s->n == s->room) return false;
  s->name[s->n] = name;
  s->tensor[s->n++] = tensor;
  return true;
}

/* "fc._packed_params._packed_params/0": the keys from the entry's value down to the row, as far as there is
 * room. */
static bool inner_name(struct differ *d, const struct diff_names *s, const struct plan_entry *entry,
                       uint32_t row, struct span *out) {
  uint8_t text[INNER_NAME];
  size_t at = sizeof text;
  for (; row != entry->value; row = s->plan->values[row].parent) {
    const struct span key = plan_span(s->plan, s->plan->values[row].key);
    if (key.n >= at) break;
    at -= key.n;
    if (key.n) memcpy(text + at, key.p, key.n);
    text[--at] = '/';
  }
  const struct span outer = plan_span(s->plan, entry->name);
  *out = arena_printf(d->arena, "%.*s%.*s", (int)outer.n, (const char *)outer.p, (int)(sizeof text - at),
                      (const char *)text + at);
  return out->n != 0;
}

/* What stands inside an entry, as quantised modules pack their weights; the parts of a tensor are its own. */
static bool add_inner_names(struct differ *d, struct diff_names *s, const struct plan_entry *entry) {
  const struct plan_value *values = s->plan->values;
  for (uint32_t i = entry->value + 1; i < values[entry->value].end;) {
    struct span name;
    if (values[i].kind != PLAN_VAL_TENSOR) {
      i++;
      continue;
    }
    if (!inner_name(d, s, entry, i, &name) || !add_name(s, name, (uint32_t)values[i].number)) return false;
    i = values[i].end;
  }
  return true;
}

static bool list_entries(struct differ *d, struct diff_names *s) {
  for (uint32_t i = 0; i < s->dict->num_entries; i++) {
    const struct plan_entry *entry = &s->plan->entries[s->dict->first_entry + i];
    if (entry->tensor == UINT32_MAX ? !add_inner_names(d, s, entry)
                                    : !add_name(s, plan_span(s->plan, entry->name), entry->tensor))
      return false;
  }
  return true;
}

static bool list_names(struct differ *d, struct diff_names *s) {
  s->room = s->plan->num_tensors + (s->dict ? s->dict->num_entries : 0);
  s->name = arena_array(d->arena, s->room, struct span);
  s->tensor = arena_array(d->arena, s->room, uint32_t);
  if (!s->name || !s->tensor) return false;
  if (s->dict && !list_entries(d, s)) return false;
  for (uint32_t i = 0; !s->dict && i < s->plan->num_tensors; i++)
    if (!add_name(s, plan_span(s->plan, s->plan->tensors[i].key), i)) return false;
  return index_names(d, s);
}

/* ---- the prefix of one side ---- */

struct prefix {
  uint32_t side;
  struct span text;
  uint32_t fits; /* names of that side that have a namesake without it */
  uint32_t tries;
};

static uint32_t count_fits(const struct differ *d, const struct prefix *p) {
  const struct diff_names *s = &d->side[p->side];
  uint32_t fits = 0;
  for (uint32_t i = 0; i < s->n; i++)
    if (span_starts(s->name[i], p->text))
      fits += diff_find_name(d, 1 - p->side, span_from(s->name[i], p->text.n)) != 0;
  return fits;
}

/* "module." of "module.fc.weight", where the other side has "fc.weight". */
static bool front_of(struct span longer, struct span shorter, struct span *front) {
  if (longer.n <= shorter.n || longer.p[longer.n - shorter.n - 1] != '.' || !span_ends(longer, shorter))
    return false;
  *front = span_first(longer, longer.n - shorter.n);
  return true;
}

static void try_prefix(const struct differ *d, struct prefix *best, uint32_t side, struct span text) {
  struct prefix p = {.side = side, .text = text};
  bool known = best->side == side && span_eq(best->text, text);
  if (known || text.n > DIFF_PREFIX || best->tries++ == TRIES) return;
  p.fits = count_fits(d, &p);
  p.tries = best->tries;
  if (p.fits > best->fits) *best = p;
}

static struct prefix find_prefix(const struct differ *d) {
  struct prefix best = {.text = SPAN("")};
  struct span front;
  best.fits = count_fits(d, &best);
  for (uint32_t i = 0; i < d->side[0].n && i < CANDIDATES && best.tries < TRIES && best.fits < d->side[0].n;
       i++) {
    struct span x = d->side[0].name[i];
    for (uint32_t k = 0; k < d->side[1].n; k++) {
      struct span y = d->side[1].name[k];
      if (front_of(x, y, &front)) try_prefix(d, &best, 0, front);
      if (front_of(y, x, &front)) try_prefix(d, &best, 1, front);
    }
  }
  return best;
}

static bool cut_prefix(struct differ *d, const struct prefix *p) {
  struct diff_names *s = &d->side[p->side];
  if (p->text.n == 0) return true;
  d->report->prefix_of_b = p->side;
  d->report->prefix_n = (uint32_t)p->text.n;
  memcpy(d->report->prefix, p->text.p, p->text.n);
  for (uint32_t i = 0; i < s->n; i++)
    if (span_starts(s->name[i], p->text)) s->name[i] = span_from(s->name[i], p->text.n);
  return index_names(d, s);
}

bool diff_read_names(struct differ *d) {
  if (!list_names(d, &d->side[0]) || !list_names(d, &d->side[1])) return false;
  struct prefix p = find_prefix(d);
  d->pair = arena_array(d->arena, d->side[0].n, uint32_t);
  if (!cut_prefix(d, &p) || !d->pair) return false;
  for (uint32_t i = 0; i < d->side[0].n; i++) d->pair[i] = diff_find_name(d, 1, d->side[0].name[i]);
  return true;
}
