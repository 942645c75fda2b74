#include "arch/likely.h"

#include "arch/keys.h"

enum {
  MAX_KEYS = 512,  /* that are looked at, at equal distances */
  MAX_WORDS = 256, /* different ones */
};

/* A module's name between two dots of a key, and how many of the keys have it. */
struct word {
  struct span text;
  uint64_t weight;
};

struct words {
  struct key_table known;
  uint32_t n;
  struct word list[MAX_WORDS];
};

/* "layers", "q_proj", "encoder_layer_" of "encoder_layer_11"; empty: a number. */
static struct span without_number(struct span part) {
  while (part.n && is_digit(part.p[part.n - 1])) part.n--;
  return part;
}

static bool add_word(struct words *w, struct span text) {
  uint32_t known;
  if (text.n == 0 || text.n > 100) return true;
  if (w->n == MAX_WORDS && !keys_find(&w->known, 0, text)) return true;
  if (!keys_add_new(&w->known, 0, text, &known)) return false;
  if (known)
    w->list[known - 1].weight++;
  else
    w->list[w->n++] = (struct word){text, 1};
  return true;
}

/* The names of the modules; the last one is the tensor's, which module types give. */
static bool add_key(struct words *w, struct span key) {
  const uint8_t *dot;
  while (key.n && (dot = memchr(key.p, '.', key.n)) != NULL) {
    size_t n = (size_t)(dot - key.p);
    if (!add_word(w, without_number(span_first(key, n)))) return false;
    key = span_from(key, n + 1);
  }
  return true;
}

static bool read_words(struct words *w, const struct plan *p, const struct plan_dict *dict, struct arena *a) {
  uint32_t step = dict->num_entries / MAX_KEYS + 1;
  keys_init(&w->known, a);
  for (uint32_t i = 0; i < dict->num_entries; i += step)
    if (!add_key(w, plan_span(p, p->entries[dict->first_entry + i].name))) return false;
  return true;
}

static uint64_t weight_in(const struct words *w, struct span text) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < w->n; i++)
    if (text.n && memmem(text.p, text.n, w->list[i].text.p, w->list[i].text.n)) sum += w->list[i].weight;
  return sum;
}

bool likely_families(struct likely *out, const struct families *all, const struct plan *p,
                     const struct plan_dict *dict, struct arena *a) {
  struct words *words = arena_new(a, struct words);
  uint64_t *weights = arena_array(a, all->n, uint64_t), most = 0;
  *out = (struct likely){.list = arena_array(a, all->n, uint32_t)};
  if (!words || !weights || !out->list || !read_words(words, p, dict, a)) return false;
  for (uint32_t i = 0; i < all->n; i++) {
    weights[i] = weight_in(words, all->list[i].text);
    most = max_u64(most, weights[i]);
  }
  for (uint32_t i = 0; i < all->n; i++) {
    if (weights[i] < most - most / 2) continue;
    uint32_t at = out->n++;
    for (; at > 0 && weights[out->list[at - 1]] < weights[i]; at--) out->list[at] = out->list[at - 1];
    out->list[at] = i;
    out->first += weights[i] == most;
  }
  return true;
}
