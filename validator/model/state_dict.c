/* Finds what looks like a state dict (format-spec F.3) and lists its entries; a whole-module pickle is
 * unfolded as Module.state_dict() would do it (E.3): own parameters, persistent buffers, then children. */
#include "model/checkpoint.h"
#include "model/purpose.h"

enum { SEARCH_DEPTH = 6, JOINED_LEVELS = 8, KEPT = 256, NAME_BYTES = 4096 };

/* Where projects put the weights, the likeliest first; what stands under another key comes after these. */
static const char *const weight_keys[] = {
    "state_dict", "model_state_dict", "model_state",     "model",          "module",
    "net",        "network",          "network_weights", "params",         "weights",
    "weight",     "model_weights",    "generator",       "encoder",        "backbone",
    "params_ema", "state_dict_ema",   "model_ema",       "ema_state_dict", "ema",
    "ema_model",  "teacher",          "student",         "G_ema",          "G"};
/* Never weights: their tensors are optimizer moments, random states, settings. */
static const char *const other_keys[] = {"*optim*", "*scheduler*", "lr_*", "callbacks",
                                         "loops",   "args",        "opt",  "hyper_parameters",
                                         "config",  "scaler",      "rng*", "_metadata"};

struct candidate {
  uint32_t value, rank;
  bool module, joined;
  uint64_t bytes;
};

struct search {
  struct checkpoint *cp;
  struct plan_writer *w;
  struct plan p;
  struct candidate found[KEPT]; /* best first */
  uint32_t num_found;
  uint32_t joined_end; /* behind the dicts in dicts that were found last: those inside are parts of them */
  uint8_t name[NAME_BYTES]; /* of the entry that is being written: the path of its module, then its own */
  uint64_t steps_left;
  bool cut; /* something was left out: the plan is not complete */
};

/* ---- what a row looks like ---- */

static struct span key_of(const struct plan *p, uint32_t i) { return plan_span(p, p->values[i].key); }

/* A field of a record or dict; of fields that are shared, only what stands here: a row that is SHARED has no
 * tensors below it, or encloses this one, and a module in itself has no end. */
static uint32_t field(const struct plan *p, uint32_t i, const char *name) {
  return plan_child(p, i, span_str(name));
}

static bool module_like(const struct plan *p, uint32_t i) {
  return p->values[i].kind == PLAN_VAL_RECORD && field(p, i, "_parameters") != UINT32_MAX &&
         field(p, i, "_buffers") != UINT32_MAX && field(p, i, "_modules") != UINT32_MAX;
}

/* A mapping of names at least half of which are tensors, or one that Module.state_dict() marked. */
static bool dict_like(const struct plan *p, uint32_t i) {
  const struct plan_value *v = &p->values[i];
  uint32_t n = 0, tensors = 0;
  if (v->kind != PLAN_VAL_DICT) return false;
  if (v->number & PLAN_DICT_METADATA) return true;
  for (uint32_t c = i + 1; c < v->end; c = p->values[c].end, n++)
    tensors += p->values[c].kind == PLAN_VAL_TENSOR;
  return tensors > 0 && tensors >= n - tensors && !(v->number & PLAN_DICT_OTHER_KEYS);
}

/* A pattern is a text with '*' at its ends. */
static bool matches(struct span key, struct span pattern) {
  bool open_front = pattern.p[0] == '*', open_back = pattern.p[pattern.n - 1] == '*';
  struct span text = span_of(pattern.p + open_front, pattern.n - open_front - open_back);
  if (open_front) return key.n && memmem(key.p, key.n, text.p, text.n);
  return open_back ? span_starts(key, text) : span_eq(key, text);
}

static bool skipped(const struct plan *p, uint32_t i) {
  for (size_t k = 0; i && k < ARRAY_LEN(other_keys); k++)
    if (matches(key_of(p, i), span_str(other_keys[k]))) return true;
  return purpose_of(p, i) != PURPOSE_OTHER;
}

/* ---- the order of candidates ---- */

static uint32_t likeliness(struct span key) {
  for (uint32_t k = 0; k < ARRAY_LEN(weight_keys); k++)
    if (span_is(key, weight_keys[k])) return k;
  return ARRAY_LEN(weight_keys);
}

/* The root; what stands below a likely key of the root, or of an item of a short list that is the root; what
 * stands below such a key elsewhere; anything else. */
static uint32_t rank_of(const struct plan *p, uint32_t i) {
  enum { LIKELY = ARRAY_LEN(weight_keys), SHORT_LIST = 8 };
  uint32_t first = LIKELY, any = LIKELY;
  bool list = p->values[0].kind == PLAN_VAL_LIST || p->values[0].kind == PLAN_VAL_TUPLE;
  if (i == 0) return 0;
  for (uint32_t row = i; row; row = p->values[row].parent) {
    uint32_t here = likeliness(key_of(p, row));
    if (here < LIKELY) any = here;
    if (p->values[row].depth == 1 + (uint32_t)list) first = here;
  }
  return first < LIKELY ? 1 + first : 1 + LIKELY + any;
}

/* The tensor of a row that holds numbers: those of a sparse one stand in the rows below it. NULL: none. */
static const struct plan_tensor *numbers_of(const struct plan *p, uint32_t i) {
  const struct plan_value *v = &p->values[i];
  const struct plan_tensor *t = v->kind == PLAN_VAL_TENSOR ? &p->tensors[v->number] : NULL;
  return t && !(t->flags & PLAN_SPARSE) ? t : NULL;
}

static uint64_t tensor_bytes(const struct plan *p, uint32_t i) {
  uint64_t sum = 0;
  for (uint32_t c = i; c < p->values[i].end; c++) {
    const struct plan_tensor *t = numbers_of(p, c);
    if (!t) continue;
    uint64_t bytes = dtype_bytes_for((enum dtype)t->dtype, t->numel);
    if (!try_add(sum, bytes, &sum)) return UINT64_MAX;
  }
  return sum;
}

static bool is_better(const struct candidate *a, const struct candidate *b) {
  return a->rank < b->rank || (a->rank == b->rank && a->bytes > b->bytes);
}

/* Among equals the first stays first. Of more than are kept the worst is left out: they are guesses. */
static void keep(struct search *s, const struct candidate *c) {
  if (s->num_found == KEPT && !is_better(c, &s->found[KEPT - 1])) return;
  uint32_t i = s->num_found < KEPT ? s->num_found++ : KEPT - 1;
  for (; i > 0 && is_better(c, &s->found[i - 1]); i--) s->found[i] = s->found[i - 1];
  s->found[i] = *c;
}

/* Dicts in dicts down to the tensors, and nothing else, as Megatron writes them: {"encoder": {"layers": {…}},
 * "embedding": {…}}. Their names are joined with dots (F.3). */
static bool joined_like(const struct plan *p, uint32_t i) {
  const struct plan_value *v = &p->values[i];
  uint32_t dicts = 0, tensors = 0;
  if (v->kind != PLAN_VAL_DICT || v->depth > SEARCH_DEPTH) return false;
  for (uint32_t c = i; c < v->end; c = p->values[c].kind == PLAN_VAL_TENSOR ? p->values[c].end : c + 1) {
    const struct plan_value *x = &p->values[c];
    bool dict = x->kind == PLAN_VAL_DICT && !(x->number & PLAN_DICT_OTHER_KEYS) &&
                x->depth < v->depth + JOINED_LEVELS;
    if (!dict && x->kind != PLAN_VAL_TENSOR) return false;
    dicts += dict;
    tensors += !dict;
  }
  return dicts > 2 && tensors > 1;
}

/* The last resort: loaders want each of the dicts, unless the model is asked for as a whole. The root itself
 * is a file of several networks rather than one in parts. */
static void keep_joined(struct search *s, uint32_t i) {
  if (i == 0 || i < s->joined_end || !joined_like(&s->p, i)) return;
  s->joined_end = s->p.values[i].end;
  keep(s, &(struct candidate){i, UINT32_MAX, false, true, tensor_bytes(&s->p, i)});
}

static void search_values(struct search *s) {
  const struct plan *p = &s->p;
  for (uint32_t i = 0; i < p->num_values;) {
    const struct plan_value *v = &p->values[i];
    bool module = module_like(p, i), found = module || dict_like(p, i);
    bool below = v->depth <= SEARCH_DEPTH && !skipped(p, i);
    if (found && below) keep(s, &(struct candidate){i, rank_of(p, i), module, false, tensor_bytes(p, i)});
    if (!found && below && s->cp->programs.n) keep_joined(s, i);
    i = found || !below ? v->end : i + 1;
  }
}

/* ---- entries ---- */

/* Room for a name behind the first n bytes, and a dot behind that; the length then, or 0: too long. */
static size_t add_name(struct search *s, size_t n, struct span key) {
  if (key.n >= NAME_BYTES - n) {
    s->cut = true;
    return 0;
  }
  if (key.n) memcpy(s->name + n, key.p, key.n);
  s->name[n + key.n] = '.';
  return n + key.n + 1;
}

/* The row of an entry's tensor, or UINT32_MAX. A parameter from before torch 0.4 may be an object, whose
 * state begins with its tensor. */
static uint32_t tensor_row_of(const struct plan *p, uint32_t i) {
  const struct plan_value *v = &p->values[i];
  bool parameter = v->kind == PLAN_VAL_RECORD && v->end > i + 1 &&
                   span_is(plan_span(p, v->cls), "torch.nn.parameter.Parameter");
  if (parameter) v = &p->values[++i];
  return v->kind == PLAN_VAL_TENSOR ? i : UINT32_MAX;
}

/* The entry of a row, below a path of `prefix` bytes. */
static void put_entry(struct search *s, struct plan_dict *d, size_t prefix, uint32_t value) {
  const struct plan_value *v = &s->p.values[value];
  size_t end = prefix ? add_name(s, prefix, key_of(&s->p, value)) : 0;
  struct plan_entry *row = prefix && !end ? NULL : plan_row(s->w, PLAN_entries, sizeof *row);
  if (!row) return;
  /* Where nothing is joined the key is the name, and stands in the pool already. */
  struct plan_text name = prefix ? plan_put(s->w, span_of(s->name, end - 1), NAME_BYTES) : v->key;
  *row = (struct plan_entry){.name = name, .tensor = UINT32_MAX, .value = value};
  d->num_entries++;
  uint32_t of = tensor_row_of(&s->p, value);
  if (of == UINT32_MAX) return;
  row->tensor = (uint32_t)s->p.values[of].number;
  struct plan_tensor *t = plan_row_at(s->w, PLAN_tensors, sizeof *t, row->tensor);
  if (t->state_key.n == 0) t->state_key = name;
  const struct plan_tensor *numbers =
      numbers_of(&s->p, t->flags & PLAN_SPARSE ? s->p.values[of].end - 1 : of);
  if (numbers && !try_add(d->numel, numbers->numel, &d->numel)) d->numel = UINT64_MAX;
}

/* In a file without a program nothing is nested: a dict below the root is a group of texts, which loaders
 * keep apart from the tensors. */
static bool is_group(const struct search *s, uint32_t value) {
  return s->cp->programs.n == 0 && s->p.values[value].kind == PLAN_VAL_DICT;
}

static void dict_entries(struct search *s, struct plan_dict *d) {
  for (uint32_t c = d->value + 1; c < s->p.values[d->value].end; c = s->p.values[c].end)
    if (!is_group(s, c)) put_entry(s, d, 0, c);
}

/* Tensors of dicts in dicts; `prefix[k]`: bytes of the path down to level k, 0 where it is too long. */
static void joined_entries(struct search *s, struct plan_dict *d) {
  const struct plan *p = &s->p;
  size_t prefix[JOINED_LEVELS + 1] = {0};
  uint32_t top = p->values[d->value].depth;
  for (uint32_t c = d->value + 1; c < p->values[d->value].end;) {
    const struct plan_value *v = &p->values[c];
    uint32_t level = v->depth - top; /* of a child: 1 */
    size_t before = prefix[level - 1];
    bool reached = level == 1 || before;
    if (v->kind == PLAN_VAL_TENSOR && reached) put_entry(s, d, before, c);
    if (v->kind == PLAN_VAL_DICT) prefix[level] = reached ? add_name(s, before, key_of(p, c)) : 0;
    c = v->kind == PLAN_VAL_TENSOR ? v->end : c + 1;
  }
}

/* A set of names, which many modules may share: looking has a budget. */
static bool in_set(struct search *s, uint32_t set, struct span name) {
  const struct plan *p = &s->p;
  if (set == UINT32_MAX) return false;
  set = plan_resolve(p, set);
  for (uint32_t c = set + 1; c < p->values[set].end; c = p->values[c].end) {
    if (s->steps_left == 0) {
      s->cut = true;
      return false;
    }
    s->steps_left--;
    if (span_eq(plan_span(p, p->values[c].text), name)) return true;
  }
  return false;
}

/* What is not None of one of a module's mappings; names of `transient` are left out. */
static void module_tensors(struct search *s, struct plan_dict *d, uint32_t map, size_t prefix,
                           uint32_t transient) {
  const struct plan *p = &s->p;
  for (uint32_t c = map + 1; c < p->values[map].end; c = p->values[c].end)
    if (p->values[c].kind != PLAN_VAL_NONE && !in_set(s, transient, key_of(p, c))) put_entry(s, d, prefix, c);
}

struct module_frame {
  uint32_t next, end; /* rows of the _modules mapping that are still to be visited */
  size_t prefix;      /* bytes of its path in search.name */
};

static struct module_frame enter_module(struct search *s, struct plan_dict *d, uint32_t module,
                                        size_t prefix) {
  const struct plan *p = &s->p;
  uint32_t transient = field(p, module, "_non_persistent_buffers_set"), map = field(p, module, "_modules");
  module_tensors(s, d, field(p, module, "_parameters"), prefix, UINT32_MAX);
  module_tensors(s, d, field(p, module, "_buffers"), prefix, transient);
  return (struct module_frame){map + 1, p->values[map].end, prefix};
}

/* The tree of rows is finite and each is visited once, whatever refers to what in the pickle. */
static void module_entries(struct search *s, struct plan_dict *d) {
  VEC(struct module_frame) stack = {0};
  struct module_frame frame = enter_module(s, d, d->value, 0);
  const struct plan *p = &s->p;
  for (;;) {
    if (frame.next >= frame.end) {
      if (stack.n == 0) return;
      frame = stack.p[--stack.n];
      continue;
    }
    uint32_t child = frame.next;
    frame.next = p->values[child].end;
    size_t prefix = module_like(p, child) ? add_name(s, frame.prefix, key_of(p, child)) : 0;
    if (prefix == 0) continue;
    struct module_frame *slot = vec_push(s->cp->arena, &stack, UINT32_MAX);
    if (!slot) {
      s->cut = true;
      return;
    }
    *slot = frame;
    frame = enter_module(s, d, child, prefix);
  }
}

/* ---- the tables ---- */

/* Path of a row: keys from the root, joined with '/'. */
static struct span path_of(struct search *s, uint32_t value) {
  const struct plan *p = &s->p;
  uint32_t chain[SEARCH_DEPTH + 1], n = 0;
  for (uint32_t i = value; i && n < ARRAY_LEN(chain); i = p->values[i].parent) chain[n++] = i;
  struct span out = SPAN("");
  for (; n > 0; n--) {
    struct span key = key_of(p, chain[n - 1]);
    out = out.n ? arena_printf(s->cp->arena, "%.*s/%.*s", (int)out.n, (const char *)out.p,
                               (int)min_size(key.n, NAME_BYTES), (const char *)key.p)
                : key;
  }
  return out;
}

static bool put_dicts(struct search *s) {
  for (uint32_t i = 0; i < s->num_found; i++) {
    const struct candidate *c = &s->found[i];
    struct plan_dict *row = plan_row(s->w, PLAN_dicts, sizeof *row);
    if (!row) return false;
    bool metadata = !c->module && s->p.values[c->value].number & PLAN_DICT_METADATA;
    *row = (struct plan_dict){.path = plan_put(s->w, path_of(s, c->value), NAME_BYTES),
                              .value = c->value,
                              .module = c->module,
                              .joined = c->joined,
                              .metadata = metadata,
                              .bytes = c->bytes};
  }
  return true;
}

bool plan_emit_dicts(struct checkpoint *cp, struct plan_writer *w) {
  struct search *s = arena_new(cp->arena, struct search);
  if (!s) return false;
  s->cp = cp;
  s->w = w;
  plan_peek(&s->p, w);
  s->steps_left = cp->max->call_steps;
  search_values(s);
  if (!put_dicts(s)) return false;
  for (uint32_t i = 0; i < s->num_found; i++) {
    struct plan_dict *row = plan_row_at(w, PLAN_dicts, sizeof *row, i);
    row->first_entry = plan_rows(w, PLAN_entries);
    if (row->module)
      module_entries(s, row);
    else if (row->joined)
      joined_entries(s, row);
    else
      dict_entries(s, row);
  }
  return !s->cut;
}
