#include "model/purpose.h"

static bool has(const struct plan *p, uint32_t row, const char *key) {
  return plan_child(p, row, span_str(key)) != UINT32_MAX;
}

static bool is_mapping(const struct plan *p, uint32_t row) {
  return p->values[row].kind == PLAN_VAL_DICT || p->values[row].kind == PLAN_VAL_RECORD;
}

/* ---- random number states ---- */

/* torch.get_rng_state(): 5056 bytes of the CPU's Mersenne twister; CUDA's are 16, before 1.x 816. */
static bool random_tensor(const struct plan *p, uint32_t row) {
  const struct plan_value *v = &p->values[row];
  if (v->kind != PLAN_VAL_TENSOR) return false;
  const struct plan_tensor *t = &p->tensors[v->number];
  return t->dtype == DTYPE_U8 && t->ndim == 1 && (t->numel == 5056 || t->numel == 16 || t->numel == 816);
}

/* {"python": …, "numpy": …, "cpu": …, "cuda": …}: nothing else, and a tensor of them. */
static bool random_states(const struct plan *p, uint32_t row) {
  static const char *const keys[] = {"python", "numpy", "cpu", "cuda", "torch", "xla", "npu"};
  bool tensor = false;
  for (uint32_t c = row + 1; c < p->values[row].end; c = p->values[c].end) {
    struct span key = plan_span(p, p->values[c].key);
    bool known = memmem(key.p, key.n, "rng", 3) != NULL;
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) known = known || span_is(key, keys[k]);
    if (!known) return false;
    tensor = tensor || random_tensor(p, c);
  }
  return tensor;
}

enum purpose purpose_of(const struct plan *p, uint32_t row) {
  if (random_tensor(p, row)) return PURPOSE_RANDOM;
  if (!is_mapping(p, row)) return PURPOSE_OTHER;
  if (has(p, row, "state") && has(p, row, "param_groups")) return PURPOSE_OPTIMIZER;
  if (has(p, row, "last_epoch") && (has(p, row, "_step_count") || has(p, row, "base_lrs")))
    return PURPOSE_SCHEDULER;
  if (has(p, row, "growth_factor") && has(p, row, "backoff_factor")) return PURPOSE_SCALER;
  return p->values[row].kind == PLAN_VAL_DICT && random_states(p, row) ? PURPOSE_RANDOM : PURPOSE_OTHER;
}

/* ---- words ---- */

/* Which optimizer keeps such a state for a parameter (format-spec F.1); NULL: can't be told. */
static const char *optimizer_kind(const struct plan *p, uint32_t row) {
  static const struct {
    const char *key, *kind;
  } marks[] = {
      {"exp_avg_sq", "Adam or AdamW"}, {"exp_inf", "Adamax"},     {"momentum_buffer", "SGD with momentum"},
      {"acc_delta", "Adadelta"},       {"square_avg", "RMSprop"}, {"sum", "Adagrad"},
      {"func_evals", "LBFGS"},         {"prev", "Rprop"},         {"ax", "ASGD"}};
  uint32_t state = plan_resolve(p, plan_child(p, row, SPAN("state")));
  uint32_t first = state + 1 < p->values[state].end ? plan_resolve(p, state + 1) : state;
  for (size_t k = 0; first != state && k < ARRAY_LEN(marks); k++)
    if (has(p, first, marks[k].key)) return marks[k].kind;
  return NULL;
}

/* Lists that stand elsewhere are not counted: a hostile file shares one a thousand times. */
static uint64_t optimized(const struct plan *p, uint32_t row) {
  uint32_t groups = plan_resolve(p, plan_child(p, row, SPAN("param_groups")));
  uint64_t n = 0;
  for (uint32_t g = groups + 1; g < p->values[groups].end; g = p->values[g].end) {
    uint32_t params = plan_child(p, g, SPAN("params"));
    if (params == UINT32_MAX) continue;
    for (uint32_t i = params + 1; i < p->values[params].end; i = p->values[i].end) n++;
  }
  return n;
}

static struct span optimizer_words(const struct plan *p, uint32_t row, struct arena *a) {
  const char *kind = optimizer_kind(p, row);
  unsigned long long n = optimized(p, row);
  return arena_printf(a, "the state of an optimizer%s%s%s of %llu parameter%s", kind ? " (" : "",
                      kind ? kind : "", kind ? ")" : "", n, n == 1 ? "" : "s");
}

/* What has a purpose of its own; empty: nothing that is known. */
static struct span known_words(const struct plan *p, uint32_t row, struct arena *a) {
  switch (purpose_of(p, row)) {
  case PURPOSE_OPTIMIZER: return optimizer_words(p, row, a);
  case PURPOSE_SCHEDULER: return SPAN("the state of a learning rate scheduler");
  case PURPOSE_SCALER: return SPAN("the state of a gradient scaler");
  case PURPOSE_RANDOM: return SPAN("the state of random number generators");
  case PURPOSE_OTHER: break;
  }
  return SPAN("");
}

struct span plan_kind_words(enum plan_value_kind kind) {
  static const char *const words[PLAN_VAL_KINDS] = {
      [PLAN_VAL_NONE] = "None",           [PLAN_VAL_BOOL] = "a bool",     [PLAN_VAL_INT] = "an int",
      [PLAN_VAL_BIGINT] = "an int",       [PLAN_VAL_FLOAT] = "a float",   [PLAN_VAL_TEXT] = "a str",
      [PLAN_VAL_BYTES] = "bytes",         [PLAN_VAL_TUPLE] = "a tuple",   [PLAN_VAL_LIST] = "a list",
      [PLAN_VAL_DICT] = "a dict",         [PLAN_VAL_SET] = "a set",       [PLAN_VAL_RECORD] = "an object",
      [PLAN_VAL_ARRAY] = "a numpy array", [PLAN_VAL_TENSOR] = "a tensor", [PLAN_VAL_STORAGE] = "a storage",
      [PLAN_VAL_GLOBAL] = "a class",      [PLAN_VAL_DTYPE] = "a dtype",   [PLAN_VAL_DEVICE] = "a device",
      [PLAN_VAL_SIZE] = "a torch.Size",   [PLAN_VAL_SHARED] = "shared",   [PLAN_VAL_CUT] = "not listed",
  };
  return span_str(words[kind]);
}

/* "lr, epochs, …": the first keys of a mapping; what is known by its form with what it is. */
static struct span keys_words(const struct plan *p, uint32_t row, struct arena *a) {
  enum { SHOWN = 8 };
  struct span all = SPAN("");
  uint32_t n = 0;
  for (uint32_t c = row + 1; c < p->values[row].end; c = p->values[c].end, n++) {
    struct span key = plan_span(p, p->values[c].key), known = known_words(p, plan_resolve(p, c), a);
    if (n == SHOWN) return arena_printf(a, "%.*s, …", (int)all.n, (const char *)all.p);
    all = arena_printf(a, "%.*s%s%.*s%s%.*s", (int)all.n, (const char *)all.p, n ? ", " : "",
                       (int)min_size(key.n, 60), (const char *)key.p, known.n ? ": " : "", (int)known.n,
                       (const char *)known.p);
  }
  return all;
}

static struct span tensor_words(const struct plan *p, uint32_t row, struct arena *a) {
  const struct plan_tensor *t = &p->tensors[p->values[row].number];
  struct span sizes = SPAN("");
  for (uint32_t d = 0; d < t->ndim && d < 8; d++)
    sizes = arena_printf(a, "%.*s%s%llu", (int)sizes.n, (const char *)sizes.p, d ? ", " : "",
                         (unsigned long long)p->dims[t->first_dim + d]);
  return arena_printf(a, "one tensor without a name, %s [%.*s]", dtype_name((enum dtype)t->dtype),
                      (int)sizes.n, (const char *)sizes.p);
}

static struct span items_words(const struct plan *p, uint32_t row, struct arena *a) {
  const struct plan_value *v = &p->values[row];
  unsigned n = 0, tensors = 0;
  for (uint32_t c = row + 1; c < v->end; c = p->values[c].end, n++)
    tensors += p->values[c].kind == PLAN_VAL_TENSOR;
  struct span kind = plan_kind_words((enum plan_value_kind)v->kind);
  return arena_printf(a, "%.*s of %u value%s, %u of them tensors, without names", (int)kind.n,
                      (const char *)kind.p, n, n == 1 ? "" : "s", tensors);
}

struct span purpose_words(const struct plan *p, struct arena *a) {
  if (p->num_values == 0) return SPAN("without values");
  const struct plan_value *v = &p->values[0];
  struct span known = known_words(p, 0, a), cls = plan_span(p, v->cls), keys;
  if (known.n) return known;
  switch ((enum plan_value_kind)v->kind) {
  case PLAN_VAL_TENSOR: return tensor_words(p, 0, a);
  case PLAN_VAL_TUPLE:
  case PLAN_VAL_LIST: return items_words(p, 0, a);
  case PLAN_VAL_DICT:
    keys = keys_words(p, 0, a);
    return arena_printf(a, keys.n ? "a dict without weights: %.*s" : "an empty dict", (int)keys.n,
                        (const char *)keys.p);
  case PLAN_VAL_RECORD:
    keys = keys_words(p, 0, a);
    return arena_printf(a, "an object of %.*s%s%.*s", (int)min_size(cls.n, 120), (const char *)cls.p,
                        keys.n ? ": " : "", (int)keys.n, (const char *)keys.p);
  default: return plan_kind_words((enum plan_value_kind)v->kind);
  }
}
