/* From the names and shapes of a state dict to module lines. What torch registers under the same names and
 * shapes can't be told apart, and what no shape depends on can't be known: `open` says so. */
#include "arch/describe.h"

enum { GROUP_MAX = 64 };

/* The tensors of one module, which stand together. */
struct group {
  struct span path; /* "layer1.0.conv1" */
  uint32_t first, n;
  const struct plan *p;
  const struct plan_entry *entries; /* n of them */
};

struct naming {
  struct description *out;
  const struct plan *p;
  const struct plan_dict *dict;
  struct arena *a;
  const struct limits *max;
  struct span above; /* path of the module whose rows were written last */
};

static size_t last_dot(struct span name) {
  for (size_t i = name.n; i > 0; i--)
    if (name.p[i - 1] == '.') return i;
  return 0;
}

static struct span path_of(struct span name) {
  size_t dot = last_dot(name);
  return span_first(name, dot ? dot - 1 : 0);
}

/* ---- tensors of a group ---- */

static const struct plan_tensor *find(const struct group *g, const char *name) {
  for (uint32_t i = 0; i < g->n; i++) {
    struct span all = plan_span(g->p, g->entries[i].name);
    if (span_is(span_from(all, last_dot(all)), name) && g->entries[i].tensor != UINT32_MAX)
      return &g->p->tensors[g->entries[i].tensor];
  }
  return NULL;
}

static uint64_t dim(const struct group *g, const struct plan_tensor *t, uint32_t i) {
  return g->p->dims[t->first_dim + i];
}

static bool is_vector(const struct group *g, const struct plan_tensor *t, uint64_t n) {
  return t && t->ndim == 1 && dim(g, t, 0) == n;
}

/* ---- the types ---- */

struct guess {
  struct span line, open;
};

#define GUESS(a, open_args, ...) ((struct guess){arena_printf((a), __VA_ARGS__), span_str(open_args)})

static unsigned long long ull(uint64_t n) { return n; }

static struct guess norm(struct arena *a, const struct group *g) {
  const struct plan_tensor *mean = find(g, "running_mean"), *weight = find(g, "weight"),
                           *bias = find(g, "bias");
  uint64_t n = mean && mean->ndim == 1 ? dim(g, mean, 0) : 0;
  uint32_t expected = 2U + (weight != NULL) + (bias != NULL) + (find(g, "num_batches_tracked") != NULL);
  bool fits = n && is_vector(g, find(g, "running_var"), n) && (!weight || is_vector(g, weight, n)) &&
              (weight != NULL) == (bias != NULL) && (!bias || is_vector(g, bias, n)) && g->n == expected;
  if (!fits) return (struct guess){0};
  return GUESS(a, "1d, 2d or 3d; eps", weight ? "BatchNorm2d(%llu)" : "BatchNorm2d(%llu, affine=False)",
               ull(n));
}

static struct guess convolution(struct arena *a, const struct group *g, const struct plan_tensor *w) {
  const struct plan_tensor *bias = find(g, "bias");
  uint64_t out = dim(g, w, 0), in = dim(g, w, 1);
  uint32_t dims = w->ndim - 2u;
  if (bias && !is_vector(g, bias, out)) return (struct guess){0};
  struct span kernel = SPAN("");
  bool same = true;
  for (uint32_t i = 0; i < dims; i++) {
    same = same && dim(g, w, 2 + i) == dim(g, w, 2);
    kernel = arena_printf(a, "%.*s%s%llu", (int)kernel.n, (const char *)kernel.p, i ? ", " : "",
                          ull(dim(g, w, 2 + i)));
  }
  struct span size = same ? arena_printf(a, "%llu", ull(dim(g, w, 2)))
                          : arena_printf(a, "(%.*s)", (int)kernel.n, (const char *)kernel.p);
  bool depthwise = in == 1 && out > 1;
  struct span groups = depthwise ? arena_printf(a, ", groups=%llu", ull(out)) : SPAN("");
  return GUESS(a, "stride, padding, dilation, groups", "Conv%ud(%llu, %llu, %.*s%.*s%s)", dims,
               ull(depthwise ? out : in), ull(out), (int)size.n, (const char *)size.p, (int)groups.n,
               (const char *)groups.p, bias ? "" : ", bias=False");
}

static bool is_table(struct span path) {
  static const char *const words[] = {"emb", "wte", "wpe", "relative_attention_bias", "shared"};
  for (size_t i = 0; i < ARRAY_LEN(words); i++)
    if (memmem(path.p, path.n, words[i], strlen(words[i]))) return true;
  return false;
}

static struct guess matrix(struct arena *a, const struct group *g, const struct plan_tensor *w) {
  const struct plan_tensor *bias = find(g, "bias");
  uint64_t rows = dim(g, w, 0), columns = dim(g, w, 1);
  if (is_vector(g, bias, rows)) return GUESS(a, "", "Linear(%llu, %llu)", ull(columns), ull(rows));
  if (is_vector(g, bias, columns)) return GUESS(a, "", "Conv1D(%llu, %llu)", ull(columns), ull(rows));
  if (bias) return (struct guess){0};
  if (is_table(g->path))
    return GUESS(a, "Embedding or Linear", "Embedding(%llu, %llu)", ull(rows), ull(columns));
  return GUESS(a, "Linear or Embedding", "Linear(%llu, %llu, bias=False)", ull(columns), ull(rows));
}

static struct guess vector(struct arena *a, const struct group *g, const struct plan_tensor *w) {
  const struct plan_tensor *bias = find(g, "bias");
  uint64_t n = dim(g, w, 0);
  if (is_vector(g, bias, n)) return GUESS(a, "LayerNorm or GroupNorm; eps", "LayerNorm(%llu)", ull(n));
  return bias ? (struct guess){0} : GUESS(a, "RMSNorm or PReLU; eps", "RMSNorm(%llu)", ull(n));
}

static struct guess by_weight(struct arena *a, const struct group *g) {
  const struct plan_tensor *w = find(g, "weight");
  if (!w || g->n != 1u + (find(g, "bias") != NULL)) return (struct guess){0};
  switch (w->ndim) {
  case 1: return vector(a, g, w);
  case 2: return matrix(a, g, w);
  case 3:
  case 4:
  case 5: return convolution(a, g, w);
  default: return (struct guess){0};
  }
}

static struct guess recurrent(struct arena *a, const struct group *g) {
  const struct plan_tensor *ih = find(g, "weight_ih_l0"), *hh = find(g, "weight_hh_l0");
  if (!ih || !hh || ih->ndim != 2 || hh->ndim != 2 || dim(g, hh, 1) == 0) return (struct guess){0};
  uint64_t hidden = dim(g, hh, 1), gates = dim(g, ih, 0) / hidden;
  const char *type = gates == 4 ? "LSTM" : gates == 3 ? "GRU" : gates == 1 ? "RNN" : NULL;
  bool bias = find(g, "bias_ih_l0") != NULL, both = find(g, "weight_ih_l0_reverse") != NULL;
  uint32_t each = (bias ? 4U : 2U) * (both ? 2U : 1U), layers = g->n / each;
  if (!type || layers == 0 || g->n % each || dim(g, ih, 0) % hidden || dim(g, hh, 0) != dim(g, ih, 0))
    return (struct guess){0};
  struct span number = layers > 1 ? arena_printf(a, ", num_layers=%u", layers) : SPAN("");
  return GUESS(a, "batch_first, dropout", "%s(%llu, %llu%.*s%s%s)", type, ull(dim(g, ih, 1)), ull(hidden),
               (int)number.n, (const char *)number.p, bias ? "" : ", bias=False",
               both ? ", bidirectional=True" : "");
}

static struct guess guess_type(struct arena *a, const struct group *g) {
  if (find(g, "running_mean")) return norm(a, g);
  if (find(g, "weight_ih_l0")) return recurrent(a, g);
  return by_weight(a, g);
}

/* ---- attention: its output projection is a module below it ---- */

static struct guess attention(struct arena *a, const struct group *g, const struct plan_entry *behind,
                              uint32_t n, uint32_t *taken) {
  const struct plan_tensor *w = find(g, "in_proj_weight");
  struct span out_proj = arena_printf(a, "%.*s.out_proj.", (int)g->path.n, (const char *)g->path.p);
  if (!w || w->ndim != 2 || dim(g, w, 0) != 3 * dim(g, w, 1)) return (struct guess){0};
  bool bias = find(g, "in_proj_bias") != NULL;
  *taken = 0;
  while (*taken < n && span_starts(plan_span(g->p, behind[*taken].name), out_proj)) ++*taken;
  if (g->n != 1u + bias || *taken != 1u + bias) return (struct guess){0};
  return GUESS(a, "num_heads, batch_first", "MultiheadAttention(%llu, 1%s)", ull(dim(g, w, 1)),
               bias ? "" : ", bias=False");
}

/* ---- rows ---- */

static uint32_t depth_of(struct span path) {
  uint32_t depth = path.n > 0;
  for (size_t i = 0; i < path.n; i++) depth += path.p[i] == '.';
  return depth;
}

static bool add_row(struct naming *w, struct described row) {
  struct described *slot = vec_push(w->a, &w->out->rows, w->max->tensors);
  if (slot) *slot = row;
  return slot != NULL;
}

/* The containers of a path that the path before it does not lie in. */
static bool open_containers(struct naming *w, struct span path) {
  size_t same = 0;
  for (size_t i = 0; i < path.n && i < w->above.n && path.p[i] == w->above.p[i]; i++)
    if (path.p[i] == '.') same = i + 1;
  if (span_starts(path, w->above) && path.n > w->above.n && w->above.n && path.p[w->above.n] == '.')
    same = w->above.n + 1;
  for (size_t i = same; i < path.n; i++) {
    if (path.p[i] != '.') continue;
    struct span here = span_first(path, i), name = span_from(here, last_dot(here));
    uint32_t depth = here.n ? depth_of(here) : 1; /* of ".weight": a module without a name, not the root */
    if (!add_row(w, (struct described){.depth = depth, .name = name})) return false;
  }
  w->above = path;
  return true;
}

static bool add_tensors(struct naming *w, const struct group *g) {
  uint32_t depth = depth_of(g->path);
  struct span name = span_from(g->path, last_dot(g->path));
  if (g->path.n && !add_row(w, (struct described){.depth = depth, .name = name})) return false;
  for (uint32_t i = 0; i < g->n; i++) {
    struct span all = plan_span(g->p, g->entries[i].name);
    if (g->entries[i].tensor == UINT32_MAX) continue;
    if (!describe_tensor(w->out, g->p, g->entries[i].tensor, span_from(all, last_dot(all)), depth + 1, false,
                         w->a, w->max))
      return false;
  }
  return true;
}

static uint64_t elements(const struct group *g, uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++)
    if (g->entries[i].tensor != UINT32_MAX && !try_add(sum, g->p->tensors[g->entries[i].tensor].numel, &sum))
      return UINT64_MAX;
  return sum;
}

/* Writes the rows of the group at `first`; answers how many entries they are of. 0: memory is spent. */
static uint32_t add_group(struct naming *w, uint32_t first) {
  const struct plan_entry *entries = w->p->entries + w->dict->first_entry + first;
  uint32_t left = w->dict->num_entries - first, below = 0;
  struct group g = {.path = path_of(plan_span(w->p, entries[0].name)), .p = w->p, .entries = entries};
  while (g.n < left && span_eq(path_of(plan_span(w->p, entries[g.n].name)), g.path)) g.n++;
  if (!open_containers(w, g.path)) return 0;
  struct guess guess = {0};
  if (g.n <= GROUP_MAX && g.path.n) guess = guess_type(w->a, &g);
  if (g.n <= GROUP_MAX && g.path.n && !guess.line.n)
    guess = attention(w->a, &g, entries + g.n, left - g.n, &below);
  if (!guess.line.n) return add_tensors(w, &g) ? g.n : 0;
  const struct described row = {.depth = depth_of(g.path),
                                .leaf = true,
                                .name = span_from(g.path, last_dot(g.path)),
                                .line = guess.line,
                                .open = guess.open,
                                .params = elements(&g, g.n + below)};
  return add_row(w, row) ? g.n + below : 0;
}

bool describe_names(struct description *out, const struct plan *p, const struct plan_dict *dict,
                    struct arena *a, const struct limits *max) {
  struct naming w = {.out = out, .p = p, .dict = dict, .a = a, .max = max};
  if (!add_row(&w, (struct described){.depth = 0})) return false;
  for (uint32_t at = 0, n; at < dict->num_entries; at += n)
    if (!(n = add_group(&w, at))) return false;
  return true;
}
