#include "arch/lengths.h"

bool lengths_have(const struct lengths *l, int64_t n) {
  for (uint32_t i = 0; i < l->n; i++)
    if (l->list[i] == n) return true;
  return false;
}

static void add_length(struct lengths *l, int64_t n) {
  if (!lengths_have(l, n) && l->n < MAX_LENGTHS) l->list[l->n++] = n;
}

/* The number at the end of a key's part and one more; 0 if there is none. */
static int64_t length_by(struct span part) {
  int64_t n = 0;
  size_t digits = 0;
  while (digits < part.n && is_digit(part.p[part.n - digits - 1])) digits++;
  if (digits == 0 || digits > 8) return 0;
  for (size_t k = part.n - digits; k < part.n; k++) n = n * 10 + (part.p[k] - '0');
  return n + 1;
}

/* The list that is open at each level of dots in the keys read so far. */
struct open_lists {
  struct {
    struct span front;
    int64_t length;
    bool named;
  } last[8];
};

/* The greatest number behind one front is the length of the list there. "block11." may be the eleventh, or
 * the twelfth. An empty key ends what is open. */
static void read_key(struct lengths *out, struct open_lists *open, struct span key) {
  struct span rest = key;
  for (uint32_t level = 0; level < ARRAY_LEN(open->last); level++) {
    const uint8_t *dot = memchr(rest.p, '.', rest.n);
    struct span front = span_first(key, key.n - rest.n),
                part = dot ? span_first(rest, (size_t)(dot - rest.p)) : rest;
    int64_t length = length_by(part);
    bool same = span_eq(front, open->last[level].front);
    if (!same && open->last[level].length) add_length(out, open->last[level].length);
    if (!same && open->last[level].named) add_length(out, open->last[level].length - 1);
    if (!same || open->last[level].length < length) {
      open->last[level].length = length;
      open->last[level].named = length && (part.p[0] < '0' || part.p[0] > '9');
    }
    open->last[level].front = front;
    rest = span_from(rest, part.n + (dot != NULL));
  }
}

void lengths_found(struct lengths *out, const struct plan *plan, const struct plan_dict *dict) {
  struct open_lists open = {0};
  for (uint32_t i = 0; i < dict->num_entries; i++)
    read_key(out, &open, plan_span(plan, plan->entries[dict->first_entry + i].name));
  read_key(out, &open, SPAN(""));
}

void lengths_wanted(struct lengths *out, const struct model *model) {
  struct open_lists open = {0};
  for (uint32_t i = 0; i < model->num_expected; i++) read_key(out, &open, model->expected[i].key);
  read_key(out, &open, SPAN(""));
}
