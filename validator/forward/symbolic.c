#include "forward/symbolic.h"

#include "forward/graph.h"
#include "forward/inputs.h"

enum { ASSIGNMENTS = 3, MAX_SYMBOLS = 8, MAX_OUTPUTS = 16, OWN_BYTES = 1 << 28 };

struct shapes {
  uint32_t n;
  struct ftensor list[MAX_OUTPUTS];
};

struct symbolic {
  const struct forward_request *r;
  struct arena *arena, *words;             /* its own, for graphs; the stage's, for what is told */
  uint64_t size[MAX_SYMBOLS][ASSIGNMENTS]; /* of each symbol */
  struct shapes shapes[ASSIGNMENTS];
};

/* ---- sizes ---- */

static uint64_t base_size(const struct forward_request *r, struct span symbol) {
  const struct arch_test *test = r->num_tests ? &r->tests[0] : NULL;
  for (uint32_t i = 0; test && i < test->num_symbols; i++)
    if (span_eq(test->symbols[i].name, symbol)) return test->symbols[i].value;
  return span_is(symbol, "B") ? 1 : 8;
}

/* The first test's sizes, then others, in a pattern of its own for each symbol, so that an output's size says
 * which one it follows. */
static void assign_sizes(struct symbolic *s) {
  static const uint64_t less[][2] = {{3, 1}, {2, 3}, {1, 3}, {3, 2}},
                        more[][2] = {{1, 2}, {2, 1}, {3, 1}, {1, 3}};
  const struct names *symbols = &s->r->model->arch->symbols;
  for (uint32_t i = 0; i < symbols->n; i++) {
    uint64_t base = base_size(s->r, symbols->list[i]);
    bool shrinks = base > 4;
    s->size[i][0] = base;
    for (uint32_t k = 1; k < ASSIGNMENTS; k++)
      s->size[i][k] =
          shrinks ? base - less[i % ARRAY_LEN(less)][k - 1] : base + more[i % ARRAY_LEN(more)][k - 1];
  }
}

/* ---- one assignment ---- */

/* The test that gives these sizes, its inputs zeros. */
static struct arch_test *make_test(struct symbolic *s, const uint64_t *sizes) {
  const struct arch *arch = s->r->model->arch;
  struct arch_test *test = arena_new(s->arena, struct arch_test);
  struct symbol_value *symbols = arena_array(s->arena, arch->symbols.n, struct symbol_value);
  struct test_input *inputs = arena_array(s->arena, arch->inputs.n, struct test_input);
  if (!test || !symbols || !inputs) return NULL;
  for (uint32_t i = 0; i < arch->symbols.n; i++)
    symbols[i] = (struct symbol_value){arch->symbols.list[i], sizes[i]};
  for (uint32_t i = 0; i < arch->inputs.n; i++) inputs[i] = (struct test_input){.port = i, .kind = GEN_ZEROS};
  *test = (struct arch_test){
      .num_symbols = arch->symbols.n, .num_inputs = arch->inputs.n, .symbols = symbols, .inputs = inputs};
  return test;
}

/* The declared shapes of the outputs are held as well. */
static bool keep_shapes(struct symbolic *s, struct finputs *in, const struct graph *g, struct shapes *out) {
  const struct ports *declared = &s->r->model->arch->outputs;
  out->n = g->results.n < MAX_OUTPUTS ? g->results.n : MAX_OUTPUTS;
  for (uint32_t i = 0; i < out->n; i++) {
    bool fits = true;
    out->list[i] = g->results.p[i]->t;
    if (declared->n == g->results.n && !port_fits(&in->ports, &declared->list[i], &out->list[i], &fits))
      return false;
    if (!fits)
      return refuse(in->ports.obs, (struct observation){.kind = OBS_FWD_OUTPUT_SHAPE,
                                                        .subject = declared->list[i].name,
                                                        .detail = port_contradiction(
                                                            &in->ports, &declared->list[i], &out->list[i],
                                                            ft_name(out->list[i].type))});
  }
  return true;
}

/* Shapes for these sizes. False: the graph can't be built; why is the last observation. */
static bool try_sizes(struct symbolic *s, const uint64_t *sizes, struct shapes *out,
                      struct observations *why) {
  const struct forward_request own = {
      .model = s->r->model, .match = s->r->match, .plan = s->r->plan, .file = s->r->file, .max = s->r->max};
  struct finputs in;
  struct graph graph = {.cost = 0};
  const struct arch_test *test = make_test(s, sizes);
  if (!test || !inputs_resolve(&in, &own, test, s->arena, why)) return false;
  for (uint32_t i = 0; i < own.model->arch->inputs.n; i++) {
    struct fvalue **slot = vec_push(s->arena, &graph.inputs, UINT32_MAX);
    struct fvalue *v = arena_new(s->arena, struct fvalue);
    if (!slot || !v) return false;
    *slot = v;
    *v = (struct fvalue){.t = in.list[i].t, .from = FROM_INPUT, .index = i, .root = v, .varies = true};
  }
  const struct lower_request lower = {.model = own.model,
                                      .match = own.match,
                                      .plan = own.plan,
                                      .max = own.max,
                                      .arena = s->arena,
                                      .obs = why};
  return graph_build(&graph, &lower) && keep_shapes(s, &in, &graph, out);
}

/* ---- telling ---- */

static bool is_shape(enum obs_kind kind) {
  return kind == OBS_FWD_SHAPE || kind == OBS_FWD_OUTPUT_SHAPE || kind == OBS_FWD_ARGUMENT ||
         kind == OBS_FWD_EXPRESSION;
}

/* "B = 2, T = 5" */
static struct span sizes_words(struct symbolic *s, const uint64_t *sizes) {
  const struct names *symbols = &s->r->model->arch->symbols;
  struct span text = SPAN("");
  for (uint32_t i = 0; i < symbols->n; i++)
    text = arena_printf(s->words, "%.*s%s%.*s = %llu", (int)text.n, (const char *)text.p, i ? ", " : "",
                        (int)min_size(symbols->list[i].n, 40), (const char *)symbols->list[i].p,
                        (unsigned long long)sizes[i]);
  return text;
}

static void tell_fixed(struct symbolic *s, const uint64_t *sizes, bool batch, const struct observations *why,
                       struct observations *o) {
  const struct observation *last = &why->list[why->n - 1];
  uint64_t first[MAX_SYMBOLS] = {0};
  for (uint32_t i = 0; i < s->r->model->arch->symbols.n; i++) first[i] = s->size[i][0];
  struct span works = sizes_words(s, first), fails = sizes_words(s, sizes);
  observe(o, (struct observation){
                 .kind = batch ? OBS_FWD_FIXED_BATCH : OBS_FWD_FIXED_SIZE,
                 .subject = s->r->model->root_name,
                 .detail = arena_printf(s->words, "%.*s, and not with %.*s: %.*s: %.*s", (int)works.n,
                                        (const char *)works.p, (int)fails.n, (const char *)fails.p,
                                        (int)min_size(last->subject.n, 200), (const char *)last->subject.p,
                                        (int)min_size(last->detail.n, 300), (const char *)last->detail.p)});
}

/* A size as a constant, a symbol, or a * symbol + b; else as the number of the first assignment. */
static struct span size_words(struct symbolic *s, const uint64_t found[ASSIGNMENTS]) {
  const struct names *symbols = &s->r->model->arch->symbols;
  struct arena *a = s->words;
  if (found[0] == found[1] && found[0] == found[2])
    return arena_printf(a, "%llu", (unsigned long long)found[0]);
  for (uint32_t i = 0; i < symbols->n; i++) {
    int64_t x[ASSIGNMENTS], y[ASSIGNMENTS];
    for (uint32_t k = 0; k < ASSIGNMENTS; k++)
      if (!try_cast(s->size[i][k], &x[k]) || !try_cast(found[k], &y[k])) return SPAN("?");
    int64_t dx = x[1] - x[0], dy = y[1] - y[0], scaled, rest;
    if (dx == 0 || dy % dx != 0) continue;
    int64_t factor = dy / dx;
    if (!try_mul(factor, x[0], &scaled) || !try_sub(y[0], scaled, &rest)) continue;
    if (!try_mul(factor, x[2], &scaled) || !try_add(scaled, rest, &scaled) || scaled != y[2]) continue;
    struct span name = span_first(symbols->list[i], min_size(symbols->list[i].n, 40)), text = name;
    if (factor != 1)
      text = arena_printf(a, "%lld * %.*s", (long long)factor, (int)name.n, (const char *)name.p);
    if (rest)
      text = arena_printf(a, "%.*s %c %lld", (int)text.n, (const char *)text.p, rest < 0 ? '-' : '+',
                          (long long)(rest < 0 ? -rest : rest));
    return text;
  }
  return arena_printf(a, "%llu", (unsigned long long)found[0]);
}

static void tell_shapes(struct symbolic *s, struct observations *o) {
  for (uint32_t i = 0; i < s->shapes[0].n; i++) {
    const struct ftensor *first = &s->shapes[0].list[i];
    struct span text = arena_printf(s->words, "%s[", ft_name(first->type));
    for (uint32_t d = 0; d < first->ndim; d++) {
      const uint64_t found[ASSIGNMENTS] = {first->size[d], s->shapes[1].list[i].size[d],
                                           s->shapes[2].list[i].size[d]};
      struct span size = size_words(s, found);
      text = arena_printf(s->words, "%.*s%s%.*s", (int)text.n, (const char *)text.p, d ? ", " : "",
                          (int)size.n, (const char *)size.p);
    }
    observe(o, (struct observation){
                   .kind = OBS_FWD_SYMBOLIC,
                   .got = i,
                   .detail = arena_printf(s->words, "%.*s]", (int)text.n, (const char *)text.p)});
  }
}

static bool same_ranks(const struct symbolic *s) {
  for (uint32_t k = 1; k < ASSIGNMENTS; k++)
    for (uint32_t i = 0; i < s->shapes[0].n; i++)
      if (s->shapes[k].n != s->shapes[0].n || s->shapes[k].list[i].ndim != s->shapes[0].list[i].ndim)
        return false;
  return true;
}

static bool is_batch(struct span symbol) { return span_is(symbol, "B") || span_is(symbol, "N"); }

/* The batch alone is changed first: what fails then fails for no other reason. */
static bool batch_is_fixed(struct symbolic *s, struct observations *o) {
  const struct names *symbols = &s->r->model->arch->symbols;
  uint64_t sizes[MAX_SYMBOLS] = {0};
  bool has_batch = false;
  struct shapes unused;
  struct observations why;
  for (uint32_t i = 0; i < symbols->n; i++) {
    bool batch = is_batch(symbols->list[i]);
    sizes[i] = s->size[i][batch];
    has_batch = has_batch || batch;
  }
  observations_init(&why, s->arena, 1);
  if (!has_batch || try_sizes(s, sizes, &unused, &why) || why.n == 0 || !is_shape(why.list[0].kind))
    return false;
  tell_fixed(s, sizes, true, &why, o);
  return true;
}

static void try_all(struct symbolic *s, struct observations *o) {
  const struct arch *arch = s->r->model->arch;
  struct observations why;
  assign_sizes(s);
  for (uint32_t k = 0; k < ASSIGNMENTS; k++) {
    uint64_t sizes[MAX_SYMBOLS] = {0};
    for (uint32_t i = 0; i < arch->symbols.n; i++) sizes[i] = s->size[i][k];
    observations_init(&why, s->arena, 1);
    if (k == 1 && batch_is_fixed(s, o)) return;
    if (try_sizes(s, sizes, &s->shapes[k], &why)) continue;
    if (k && why.n && is_shape(why.list[0].kind)) tell_fixed(s, sizes, false, &why, o);
    return;
  }
  if (arch->outputs.n == 0 && same_ranks(s)) tell_shapes(s, o);
}

void forward_symbolic(const struct forward_request *r, struct arena *a, struct observations *o) {
  const struct arch *arch = r->model->arch;
  struct symbolic *s = arena_new(a, struct symbolic);
  struct arena own;
  if (!s || arch->symbols.n == 0 || arch->symbols.n > MAX_SYMBOLS) return;
  arena_init(&own, OWN_BYTES);
  s->r = r;
  s->arena = &own;
  s->words = a;
  try_all(s, o);
  arena_free(&own);
}
