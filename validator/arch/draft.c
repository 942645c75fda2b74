#include "arch/draft.h"

#include <stdio.h>

#include "arch/config.h"
#include "base/json.h"

enum { MAX_FIELDS = 64, SMALLEST = 5, SMALLEST_COMPUTED = 16, MEMO = 64, STEPS = 1 << 24 };

struct size_field {
  struct span name;
  int64_t value;
  enum { WIDTH, HEADS, LAYERS } what; /* of a size, by its name: it makes a size, divides one, or is none */
  bool used;
};

struct drafter {
  struct draft *out;
  struct arena *arena;
  struct size_field field[MAX_FIELDS];
  uint32_t n;
  struct {
    int64_t value;
    struct span text;
  } memo[MEMO];  /* what was found for a number: a model has few of them */
  uint32_t left; /* steps of the search: behind them numbers stay numbers */
};

/* ---- the config's sizes, those first that most sizes of a model come from ---- */

static bool is_name(const char *text) {
  for (const char *p = text; *p; p++) {
    bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
    if (!letter && (p == text || *p < '0' || *p > '9')) return false;
  }
  return text[0] != 0;
}

static uint32_t rank_of(struct span name) {
  static const char *const first[] = {
      "vocab_size", "hidden_size", "d_model",           "n_embd",  "embed_dim", "dim", "intermediate_size",
      "ffn_dim",    "d_ff",        "num_hidden_layers", "n_layer", "num_layers"};
  uint32_t i = 0;
  while (i < ARRAY_LEN(first) && !span_is(name, first[i])) i++;
  return i;
}

static bool has(struct span name, const char *word) { return memmem(name.p, name.n, word, strlen(word)); }

static bool is_identity(struct span name) { return span_ends(name, SPAN("_id")) || span_is(name, "seed"); }

static bool list_fields(struct drafter *d, const cJSON *config) {
  const cJSON *item;
  cJSON_ArrayForEach(item, config) {
    int64_t value;
    if (d->n == MAX_FIELDS || !is_name(item->string) || !json_int(item, &value) || value < 2) continue;
    struct size_field f = {.value = value};
    if (!arena_copy(d->arena, span_str(item->string), &f.name)) return false;
    if (is_identity(f.name)) continue;
    f.what = has(f.name, "layer") ? LAYERS : has(f.name, "heads") || has(f.name, "n_head") ? HEADS : WIDTH;
    uint32_t at = d->n++;
    for (; at > 0 && rank_of(d->field[at - 1].name) > rank_of(f.name); at--) d->field[at] = d->field[at - 1];
    d->field[at] = f;
  }
  return true;
}

/* ---- a number in the words of the config ---- */

static struct span use(struct size_field *f) {
  f->used = true;
  return f->name;
}

static struct span width_of(struct drafter *d, int64_t value) {
  for (uint32_t i = 0; i < d->n; i++)
    if (d->field[i].value == value && d->field[i].what != LAYERS) return use(&d->field[i]);
  return SPAN("");
}

static struct span layers_of(struct drafter *d, int64_t value) {
  for (uint32_t i = 0; i < d->n; i++)
    if (d->field[i].value == value && d->field[i].what == LAYERS) return use(&d->field[i]);
  return SPAN("");
}

/* "3 * hidden_size" */
static struct span multiple_of(struct drafter *d, int64_t value) {
  for (uint32_t i = 0; i < d->n; i++)
    for (int64_t k = 2; k <= 4; k++) {
      struct size_field *x = &d->field[i];
      if (x->what != WIDTH || x->value > value / k || x->value * k != value) continue;
      struct span name = use(x);
      return arena_printf(d->arena, "%lld * %.*s", (long long)k, (int)name.n, (const char *)name.p);
    }
  return SPAN("");
}

static struct span two_words(struct drafter *d, struct size_field *x, const char *op, struct size_field *y) {
  struct span a = use(x), b = use(y);
  return arena_printf(d->arena, "%.*s %s %.*s", (int)a.n, (const char *)a.p, op, (int)b.n, (const char *)b.p);
}

/* "hidden_size // num_attention_heads", "num_key_value_heads * head_dim" */
static struct span computed(struct drafter *d, int64_t value) {
  for (uint32_t i = 0; i < d->n; i++)
    for (uint32_t k = 0; k < d->n; k++) {
      struct size_field *x = &d->field[i], *y = &d->field[k];
      if (x->what != WIDTH && y->what != WIDTH) continue;
      if (x->what == LAYERS || y->what == LAYERS) continue;
      if (x->what == WIDTH && x->value % y->value == 0 && x->value / y->value == value)
        return two_words(d, x, "//", y);
      if (i != k && value % x->value == 0 && value / x->value == y->value) return two_words(d, x, "*", y);
    }
  return SPAN("");
}

/* "num_key_value_heads * (hidden_size // num_attention_heads)" */
static struct span share_of(struct drafter *d, int64_t value) {
  for (uint32_t i = 0; i < d->n; i++)
    for (uint32_t k = 0; k < d->n; k++)
      for (uint32_t h = 0; h < d->n && d->left; h++) {
        d->left--;
        struct size_field *x = &d->field[i], *y = &d->field[k], *z = &d->field[h];
        if (x->what != HEADS || y->what != WIDTH || z->what != HEADS) continue;
        if (value % x->value || y->value % z->value || y->value / z->value != value / x->value) continue;
        struct span name = use(x), share = two_words(d, y, "//", z);
        return arena_printf(d->arena, "%.*s * (%.*s)", (int)name.n, (const char *)name.p, (int)share.n,
                            (const char *)share.p);
      }
  return SPAN("");
}

static struct span words_of(struct drafter *d, int64_t value) {
  const size_t slot = (size_t)value % MEMO;
  if (d->memo[slot].value == value) return d->memo[slot].text;
  struct span text = value >= SMALLEST ? width_of(d, value) : SPAN("");
  if (text.n == 0 && value >= SMALLEST_COMPUTED) text = multiple_of(d, value);
  if (text.n == 0 && value >= SMALLEST_COMPUTED) text = computed(d, value);
  if (text.n == 0 && value >= SMALLEST_COMPUTED) text = share_of(d, value);
  d->memo[slot].value = value;
  d->memo[slot].text = text;
  return text;
}

static bool is_word(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* Each integer of "Linear(64, 192, bias=False)" that a field explains. */
static struct span reword(struct drafter *d, struct span line) {
  struct span out = SPAN("");
  for (size_t at = 0; at < line.n;) {
    size_t n = 0;
    int64_t value = 0;
    while (at + n < line.n && is_word(line.p[at + n])) n++;
    for (size_t i = at; i < at + n && n < 18 && value >= 0; i++)
      value = line.p[i] >= '0' && line.p[i] <= '9' ? value * 10 + (line.p[i] - '0') : -1;
    struct span text = n && n < 18 && value > 0 ? words_of(d, value) : SPAN("");
    if (n == 0) n = 1;
    if (text.n == 0) text = span_of(line.p + at, n);
    out = arena_printf(d->arena, "%.*s%.*s", (int)out.n, (const char *)out.p, (int)text.n,
                       (const char *)text.p);
    at += n;
  }
  return out;
}

/* ---- layers that are alike ---- */

static uint32_t subtree_end(const struct description *d, uint32_t at) {
  uint32_t end = at + 1;
  while (end < d->rows.n && d->rows.p[end].depth > d->rows.p[at].depth) end++;
  return end;
}

static bool alike(const struct description *d, uint32_t x, uint32_t y, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    const struct described *a = &d->rows.p[x + i], *b = &d->rows.p[y + i];
    if (a->depth != b->depth || a->leaf != b->leaf || !span_eq(a->line, b->line) ||
        (i && !span_eq(a->name, b->name)))
      return false;
  }
  return true;
}

/* How many children from row `at` on are named 0, 1, … and alike; 0 where there are others beside them. */
static uint32_t count_alike(const struct description *d, uint32_t at) {
  char name[16];
  uint32_t size = subtree_end(d, at) - at, n = 1;
  if (!span_is(d->rows.p[at].name, "0")) return 0;
  for (uint32_t next = at + size;; next += size, n++) {
    if (next >= d->rows.n || d->rows.p[next].depth < d->rows.p[at].depth) return n;
    (void)snprintf(name, sizeof name, "%u", n);
    if (subtree_end(d, next) - next != size || !alike(d, at, next, size) ||
        !span_is(d->rows.p[next].name, name))
      return 0;
  }
}

/* One row "{i < num_hidden_layers}" and what is in it for all of them. */
static bool fold_at(struct drafter *d, struct description *all, uint32_t at, bool *gone) {
  static const char letters[] = "ijklmn";
  struct described *row = &all->rows.p[at];
  uint32_t n = count_alike(all, at), size = subtree_end(all, at) - at;
  if (n < 2) return true;
  struct span count = layers_of(d, n);
  char letter = letters[row->depth % (sizeof letters - 1)];
  row->repeated = true;
  row->name = count.n ? arena_printf(d->arena, "{%c < %.*s}", letter, (int)count.n, (const char *)count.p)
                      : arena_printf(d->arena, "{%c < %u}", letter, n);
  for (uint32_t i = at; i < at + size; i++) all->rows.p[i].params *= n; /* of tensors that are there */
  memset(gone + at + size, true, (size_t)size * (n - 1));
  return row->name.n != 0;
}

static bool fold(struct drafter *d, struct description *all) {
  uint32_t kept = 0;
  bool *gone = arena_array(d->arena, all->rows.n, bool);
  if (!gone) return false;
  for (uint32_t at = 0; at < all->rows.n; at++)
    if (!gone[at] && !fold_at(d, all, at, gone)) return false;
  for (uint32_t at = 0; at < all->rows.n; at++)
    if (!gone[at]) all->rows.p[kept++] = all->rows.p[at];
  all->rows.n = kept;
  return true;
}

/* ---- the whole ---- */

static bool text_of(struct drafter *d, const cJSON *item, struct span *out) {
  if (cJSON_IsArray(item)) item = item->child;
  return !cJSON_IsString(item) || arena_copy(d->arena, span_str(item->valuestring), out);
}

static bool list_used(struct drafter *d) {
  for (uint32_t i = 0; i < d->n; i++) {
    struct span *slot = d->field[i].used ? vec_push(d->arena, &d->out->fields, MAX_FIELDS) : NULL;
    if (slot) *slot = d->field[i].name;
    if (d->field[i].used && !slot) return false;
  }
  return true;
}

static bool reword_all(struct drafter *d, struct description *all) {
  for (uint32_t i = 0; i < all->rows.n; i++) {
    struct described *row = &all->rows.p[i];
    if (row->leaf) row->line = reword(d, row->line);
    if (row->leaf && row->line.n == 0) return false;
  }
  return true;
}

bool draft_family(struct draft *out, struct description *all, struct text_file config, struct arena *a,
                  const struct limits *max, struct observations *o) {
  struct drafter d = {.out = out, .arena = a, .left = STEPS};
  *out = (struct draft){0};
  cJSON *json = config_parse(config, max, o);
  if (!json) return false;
  bool fine = text_of(&d, json_get(json, "model_type"), &out->model_type) &&
              text_of(&d, json_get(json, "architectures"), &out->architecture) && list_fields(&d, json);
  cJSON_Delete(json);
  return fine && reword_all(&d, all) && fold(&d, all) && list_used(&d);
}
