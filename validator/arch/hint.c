#include "arch/hint.h"

#include "arch/lengths.h"
#include "arch/sample.h"
#include "arch/trial.h"

enum {
  MAX_CHANGES = 6, /* config values that are wrong at once */
  MAX_FIELDS = 64,
  MAX_ITEMS = 32, /* of a config value that is a list */
};

/* A config value that may be wrong: an integer, a flag, or an integer in a list. */
struct field {
  uint32_t line;
  int32_t item; /* in a list; -1: the value itself */
  int64_t value;
  bool flag, dead; /* dead: no key and no shape depends on it */
};

struct search {
  const struct hint_request *r;
  struct arena *arena;
  struct setting *set; /* the user's, and behind them the changes found */
  size_t num_set;
  struct pairs pairs;           /* with the changes found so far */
  struct lengths found, wanted; /* lengths of lists: in the checkpoint's keys, in the model's */
  uint32_t num_fields;
  struct field fields[MAX_FIELDS];
  uint64_t left; /* keys that may still be compared */
};

/* ---- one trial ---- */

static struct trial attempt_sources(struct search *s, const struct config_sources *sources,
                                    const struct pair *probe) {
  const struct hint_request *r = s->r;
  struct trial x = {.arch = r->arch,
                    .sources = sources,
                    .root = r->root,
                    .plan = r->plan,
                    .dict = r->match->dict,
                    .like = r->match,
                    .probe = probe,
                    .problems = UINT64_MAX};
  struct limits own = *r->max;
  if (s->left == 0) return x;
  own.arch_steps = min_u64(own.arch_steps, s->left * STEPS_PER_KEY);
  trial_run(&x, &own);
  s->left -= min_u64(s->left, x.cost);
  return x;
}

/* ---- what could be wrong ---- */

static void add_field(struct search *s, struct field f) {
  if (s->num_fields < MAX_FIELDS) s->fields[s->num_fields++] = f;
}

static bool is_list_of_integers(const struct value *v) {
  if (v->kind != VALUE_TUPLE || v->n > MAX_ITEMS) return false;
  for (uint32_t k = 0; k < v->n; k++)
    if (v->items[k].kind != VALUE_INT) return false;
  return true;
}

static void list_fields(struct search *s) {
  const struct scope *config = s->r->model->config;
  for (uint32_t i = 0; i < s->r->arch->num_config; i++) {
    const struct value *v = &config->values[i];
    if (v->kind == VALUE_INT) add_field(s, (struct field){.line = i, .item = -1, .value = v->number});
    if (v->kind == VALUE_BOOL)
      add_field(s, (struct field){.line = i, .item = -1, .value = v->truth, .flag = true});
    for (uint32_t k = 0; is_list_of_integers(v) && k < v->n; k++)
      add_field(s, (struct field){.line = i, .item = (int32_t)k, .value = v->items[k].number});
  }
}

/* ---- trying ---- */

/* An item of a list, as it is by now. */
static int64_t item_of(const struct search *s, uint32_t line, uint32_t item) {
  for (uint32_t i = 0; i < s->num_fields; i++)
    if (s->fields[i].line == line && s->fields[i].item == (int32_t)item) return s->fields[i].value;
  return s->r->model->config->values[line].items[item].number;
}

/* The setting that gives a field another value: "16", "true", "[3, 4, 6, 3]". */
static struct setting setting_of(struct search *s, const struct field *f, int64_t value) {
  struct setting set = {.name = s->r->arch->config[f->line].name};
  uint32_t n = f->item < 0 ? 0 : s->r->model->config->values[f->line].n;
  if (f->flag)
    set.value = value ? SPAN("true") : SPAN("false");
  else if (f->item < 0)
    set.value = arena_printf(s->arena, "%lld", (long long)value);
  else
    set.value = SPAN("[");
  for (uint32_t k = 0; k < n; k++)
    set.value = arena_printf(s->arena, "%.*s%lld%s", (int)set.value.n, (const char *)set.value.p,
                             (long long)(k == (uint32_t)f->item ? value : item_of(s, f->line, k)),
                             k + 1 < n ? ", " : "]");
  return set;
}

static struct trial attempt_value(struct search *s, const struct field *f, int64_t value,
                                  const struct pair *probe) {
  struct config_sources sources = *s->r->sources;
  s->set[s->num_set] = setting_of(s, f, value);
  sources.set = s->set;
  sources.num_set = s->num_set + 1;
  return attempt_sources(s, &sources, probe);
}

/* Values that never show are left out from here on. */
static void find_dead(struct search *s) {
  const struct hint_request *r = s->r;
  uint64_t print = model_print(r->model);
  for (uint32_t i = 0; i < s->num_fields; i++) {
    struct field *f = &s->fields[i];
    /* One more may show nowhere: 225 pixels make as many patches as 224. */
    struct trial x = attempt_value(s, f, f->flag ? !f->value : f->value + 1, NULL);
    bool same = x.problems != UINT64_MAX && x.print == print;
    if (same && !f->flag && f->value > 0)
      x = attempt_value(s, f, f->value <= INT32_MAX ? 2 * f->value : 1, NULL);
    f->dead = same && x.problems != UINT64_MAX && x.print == print;
  }
}

struct best {
  uint64_t problems;
  struct pairs pairs;
  struct field *field;
  int64_t value;
};

static void try_value(struct search *s, struct field *f, int64_t value, struct best *best) {
  if (value == f->value || value < 0 || best->problems == 0)
    return; /* of two that resolve all the first one counts */
  struct trial x = attempt_value(s, f, value, NULL);
  if (x.problems < best->problems) *best = (struct best){x.problems, x.pairs, f, value};
}

static void try_field(struct search *s, struct field *f, struct best *best) {
  if (f->flag) {
    try_value(s, f, !f->value, best);
    return;
  }
  try_value(s, f, f->value + 1, best); /* one layer more or less, where numbers do not tell */
  try_value(s, f, f->value - 1, best);
  for (uint32_t i = 0; i < s->found.n; i++) try_value(s, f, s->found.list[i], best);
  for (uint32_t i = 0; i < s->pairs.n; i++) {
    int64_t found, want, moved;
    if (!try_cast(s->pairs.list[i].found, &found) || !try_cast(s->pairs.list[i].want, &want)) continue;
    try_value(s, f, found, best);
    if (try_sub(found, want, &moved) && try_add(f->value, moved, &moved) && moved != found)
      try_value(s, f, moved, best);
  }
}

/* What a size that is found makes of a field: the size itself where the field is the one expected, else its
 * share. */
static bool share_of_size(const struct field *f, const struct pair *p, bool itself, int64_t *out) {
  int64_t found, want, scaled;
  if (!try_cast(p->found, &found) || !try_cast(p->want, &want)) return false;
  *out = found;
  if (itself) return want == f->value;
  if (want == 0 || !try_mul(f->value, found, &scaled) || scaled % want != 0) return false;
  *out = scaled / want;
  return true;
}

/* Most often a field is a size, or a factor of one: such values are tried before the others. */
static void try_sizes(struct search *s, bool itself, struct best *best) {
  for (uint32_t i = 0; i < s->num_fields; i++) {
    struct field *f = &s->fields[i];
    int64_t value;
    for (uint32_t k = 0; k < s->pairs.n && !f->dead && !f->flag; k++)
      if (share_of_size(f, &s->pairs.list[k], itself, &value)) try_value(s, f, value, best);
  }
}

/* Of lists that are longer or shorter than the model's, the length: most often a field is that, too. */
static void try_lengths(struct search *s, struct best *best) {
  for (uint32_t i = 0; i < s->num_fields; i++) {
    struct field *f = &s->fields[i];
    if (f->flag || f->dead || !lengths_have(&s->wanted, f->value)) continue;
    for (uint32_t k = 0; k < s->found.n; k++)
      if (!lengths_have(&s->wanted, s->found.list[k])) try_value(s, f, s->found.list[k], best);
  }
}

/* Two values that have the one wanted between them, by doubling or halving from the present one; *rising: the
 * size grows with the value. */
static bool bracket(struct search *s, const struct field *f, const struct pair *pair, bool up, int64_t *low,
                    int64_t *high, bool *rising) {
  enum { DOUBLINGS = 8 };
  int64_t at = f->value;
  for (int i = 0; i < DOUBLINGS && at > 0 && at <= INT32_MAX; i++) {
    int64_t next = up ? at * 2 : at / 2;
    struct trial x = attempt_value(s, f, next, pair);
    if (x.problems == UINT64_MAX || x.probed == 0 || x.probed == pair->want) return false;
    bool grew = x.probed > pair->want;
    if (grew != (pair->found > pair->want)) return false;
    *low = up ? at : next;
    *high = up ? next : at;
    *rising = grew == up;
    if (grew ? x.probed >= pair->found : x.probed <= pair->found) return true;
    at = next;
  }
  return false;
}

/* A size need not be a multiple of the value, or the value and something: a table of (2 * window - 1) ** 2
 * rows. Where it grows with the value, or shrinks, the value is found by halving. */
static void solve_field(struct search *s, struct field *f, struct best *best) {
  const struct pair *pair = &s->pairs.list[0];
  int64_t low, high;
  bool rising;
  if (f->flag || s->pairs.n == 0) return;
  if (!bracket(s, f, pair, true, &low, &high, &rising) && !bracket(s, f, pair, false, &low, &high, &rising))
    return;
  /* Several values may give one size; of these the doubled one is a better guess than its neighbours. */
  try_value(s, f, low, best);
  try_value(s, f, high, best);
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    struct trial x = attempt_value(s, f, middle, pair);
    if (x.problems == UINT64_MAX || x.probed == 0) return;
    if (rising ? x.probed < pair->found : x.probed > pair->found)
      low = middle;
    else
      high = middle;
  }
  try_value(s, f, low, best);
  try_value(s, f, high, best);
}

/* ---- telling ---- */

static void tell(struct observations *o, struct span what, uint64_t before, uint64_t after) {
  observe(o, (struct observation){.kind = OBS_HINT, .subject = what, .got = before - after, .want = before});
}

static uint64_t try_presets(struct search *s, struct span *name) {
  const struct arch *arch = s->r->arch;
  uint64_t best = UINT64_MAX;
  for (uint32_t i = 0; i < arch->num_presets; i++) {
    struct config_sources sources = *s->r->sources;
    sources.preset = arch->presets[i].name;
    struct trial x = attempt_sources(s, &sources, NULL);
    if (x.problems >= best) continue;
    best = x.problems;
    *name = arch->presets[i].name;
  }
  return best;
}

/* "hidden_dim=16 (now 20), layers=[3, 4, 6, 3] (now [2, 2, 2, 2])": the last setting of each name counts. */
static struct span words_of(struct search *s, const uint32_t *lines) {
  struct span words = SPAN("");
  for (size_t i = s->r->sources->num_set; i < s->num_set; i++) {
    const struct setting *set = &s->set[i];
    bool later = false;
    for (size_t k = i + 1; k < s->num_set; k++) later = later || span_eq(s->set[k].name, set->name);
    if (later) continue;
    words = arena_printf(s->arena, "%.*s%s%.*s=%.*s", (int)words.n, (const char *)words.p,
                         words.n ? ", " : "", (int)min_size(set->name.n, 100), (const char *)set->name.p,
                         (int)set->value.n, (const char *)set->value.p);
    if (s->r->bare) continue;
    struct span old = value_show(s->arena, &s->r->model->config->values[lines[i - s->r->sources->num_set]]);
    words = arena_printf(s->arena, "%.*s (now %.*s)", (int)words.n, (const char *)words.p, (int)old.n,
                         (const char *)old.p);
  }
  return words;
}

/* The best change, then the best on top of it, until nothing is left to resolve. */
static uint64_t try_values(struct search *s, uint64_t before, struct span *words) {
  uint64_t left = before;
  uint32_t lines[MAX_CHANGES] = {0};
  for (uint32_t n = 0; n < MAX_CHANGES && left > 0; n++) {
    struct best best = {.problems = left};
    try_lengths(s, &best);
    try_sizes(s, true, &best);
    if (n == 0 && best.problems) find_dead(s);
    try_sizes(s, false, &best);
    for (uint32_t i = 0; i < s->num_fields; i++)
      if (!s->fields[i].dead) try_field(s, &s->fields[i], &best);
    for (uint32_t i = 0; i < s->num_fields && !best.field; i++)
      if (!s->fields[i].dead) solve_field(s, &s->fields[i], &best);
    if (!best.field) break;
    lines[n] = best.field->line;
    s->set[s->num_set++] = setting_of(s, best.field, best.value);
    best.field->value = best.value;
    best.field->dead = true; /* a value is changed once */
    left = best.problems;
    s->pairs = best.pairs;
  }
  *words = words_of(s, lines);
  return left;
}

static bool prepare(struct search *s) {
  const struct config_sources *from = s->r->sources;
  s->num_set = from->num_set;
  s->set = arena_array(s->arena, from->num_set + MAX_CHANGES + 1, struct setting);
  if (!s->set) return false;
  if (from->num_set) memcpy(s->set, from->set, from->num_set * sizeof *s->set);
  s->left = s->r->max->hint_keys;
  list_fields(s);
  match_pairs(&s->pairs, s->r->model, s->r->match, s->r->plan);
  lengths_found(&s->found, s->r->plan, s->r->match->dict);
  lengths_wanted(&s->wanted, s->r->model);
  return true;
}

/* Is the model so large that only a few trials of the whole can be made? */
static bool is_large(const struct hint_request *r) {
  enum { FEW = 200 };
  return ((uint64_t)r->model->num_expected + r->match->dict->num_entries) * FEW > r->max->hint_keys;
}

/* What resolves the problems of a part of the model, tried on the whole. */
static uint64_t try_sample(struct search *s, struct span *words) {
  struct sample sample;
  struct search part = {.r = &sample.request, .arena = s->arena};
  uint64_t resolved = UINT64_MAX;
  if (sample_open(&sample, s->r, s->arena) && prepare(&part)) {
    (void)try_values(&part, match_problems(&sample.match), words);
    struct config_sources sources = *s->r->sources;
    sources.set = part.set;
    sources.num_set = part.num_set;
    if (words->n) resolved = attempt_sources(s, &sources, NULL).problems;
  }
  sample_close(&sample);
  return resolved;
}

bool hint_run(const struct hint_request *r, struct arena *a, struct observations *o) {
  struct search s = {.r = r, .arena = a};
  uint64_t before = match_problems(r->match), by_values = UINT64_MAX;
  struct span preset = SPAN(""), words = SPAN("");
  if (before == 0 || r->match->matched + r->match->misshapen == 0) return true;
  if (!prepare(&s)) return false;
  uint64_t by_preset = try_presets(&s, &preset);
  if (by_preset > 0 && is_large(r)) by_values = try_sample(&s, &words);
  if (by_preset > 0 && by_values > before / 2) by_values = try_values(&s, before, &words);
  if (by_preset <= by_values && by_preset <= before / 2)
    tell(o, arena_printf(a, "--arch %.*s", (int)min_size(preset.n, 100), (const char *)preset.p), before,
         by_preset);
  else if (by_values <= before / 2)
    tell(o, words, before, by_values);
  return true;
}
