#include "arch/match.h"

#include <stdarg.h>

#include "arch/match_parts.h"

/* ---- words ---- */

void match_note(struct matcher *m, enum obs_kind kind, struct span subject, uint64_t got, const char *format,
                ...) {
  struct observation what = {.kind = kind, .subject = subject, .got = got};
  if (m->o->seen[kind] < m->o->per_kind_max) {
    char text[600];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (!arena_copy(m->arena, span_of(text, n < 0 ? 0 : min_size((size_t)n, sizeof text - 1)), &what.detail))
      m->o->lost = true;
  }
  observe(m->o, what);
}

/* Whether a detail would still be kept; if not, the sight is only counted. */
static bool keeps(struct matcher *m, enum obs_kind kind) {
  if (m->o->seen[kind] < m->o->per_kind_max) return true;
  observe(m->o, (struct observation){.kind = kind});
  return false;
}

struct span sizes_text(struct arena *a, const uint64_t *sizes, uint32_t ndim) {
  char text[160] = "[";
  size_t n = 1;
  for (uint32_t i = 0; i < ndim && n < sizeof text - 32; i++) {
    int more = snprintf(text + n, sizeof text - n, i ? ", %llu" : "%llu", (unsigned long long)sizes[i]);
    n += more > 0 ? (size_t)more : 0;
  }
  return arena_printf(a, n < sizeof text - 32 ? "%.*s]" : "%.*s, …]", (int)n, text);
}

struct span tensor_text(struct arena *a, const struct plan *p, const struct plan_tensor *t) {
  struct span sizes = sizes_text(a, p->dims + t->first_dim, t->ndim);
  return arena_printf(a, "%s %.*s", dtype_name((enum dtype)t->dtype), (int)sizes.n, (const char *)sizes.p);
}

/* The last '*' is tried at one byte further whenever the rest does not fit: no recursion, at most |glob| *
 * |text|. */
bool glob_match(struct span glob, struct span text) {
  size_t g = 0, t = 0, star = SIZE_MAX, from = 0;
  while (t < text.n) {
    if (g < glob.n && glob.p[g] == '*') {
      star = g++;
      from = t;
    } else if (g < glob.n && (glob.p[g] == '?' || glob.p[g] == text.p[t])) {
      g++;
      t++;
    } else if (star != SIZE_MAX) {
      g = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (g < glob.n && glob.p[g] == '*') g++;
  return g == glob.n;
}

/* torch.load(…)["checkpoint"]["model"] */
static struct span loading_line(struct arena *a, const struct plan *plan, const struct plan_dict *d) {
  struct span path = plan_span(plan, d->path),
              line = SPAN("torch.load(FILE, map_location=\"cpu\", weights_only=True)");
  while (path.n) {
    const uint8_t *slash = memchr(path.p, '/', path.n);
    struct span key = slash ? span_first(path, (size_t)(slash - path.p)) : path;
    line = arena_printf(a, "%.*s[\"%.*s\"]", (int)line.n, (const char *)line.p, (int)min_size(key.n, 100),
                        (const char *)key.p);
    path = span_from(path, key.n + (slash ? 1 : 0));
  }
  return line;
}

/* ---- which state dict ---- */

static struct span path_shown(struct span path) { return path.n ? path : SPAN("the top level"); }

static struct span other_dicts(struct arena *a, const struct plan *plan, const struct plan_dict *chosen) {
  struct span all = {0};
  for (uint32_t i = 0; i < plan->num_dicts && all.n < 400; i++) {
    struct span path = path_shown(plan_span(plan, plan->dicts[i].path));
    if (&plan->dicts[i] == chosen) continue;
    all = arena_printf(a, "%.*s%s%.*s", (int)all.n, (const char *)all.p, all.n ? ", " : "",
                       (int)min_size(path.n, 100), (const char *)path.p);
  }
  return all;
}

static const struct plan_dict *dict_at(const struct plan *plan, struct span path) {
  for (uint32_t i = 0; i < plan->num_dicts; i++)
    if (span_eq(plan_span(plan, plan->dicts[i].path), path)) return &plan->dicts[i];
  return NULL;
}

static void note_module(const struct plan_dict *d, struct observations *o) {
  if (d->module)
    observe(o, (struct observation){.kind = OBS_DICT_MODULE,
                                    .detail = SPAN("torch.save(model.state_dict(), FILE)")});
}

static void note_place(const struct plan *plan, const struct plan_dict *d, struct arena *a,
                       struct observations *o) {
  if (d->path.n)
    observe(o, (struct observation){.kind = OBS_DICT_WRAPPED,
                                    .subject = plan_span(plan, d->path),
                                    .detail = loading_line(a, plan, d)});
  note_module(d, o);
}

const struct plan_dict *match_choose(const struct arch *arch, const struct plan *plan,
                                     const struct match_options *options, struct arena *a,
                                     struct observations *o) {
  struct span wanted = options->key.n ? options->key : arch->state_dict_path;
  const struct plan_dict *first = plan->num_dicts ? plan->dicts : NULL;
  if (!first) {
    observe(o, (struct observation){.kind = OBS_DICT_NONE});
    return NULL;
  }
  const struct plan_dict *d = wanted.n ? dict_at(plan, wanted) : first;
  if (d) {
    if (!wanted.n && plan->num_dicts > 1)
      observe(o, (struct observation){.kind = OBS_DICT_SEVERAL,
                                      .subject = path_shown(plan_span(plan, d->path)),
                                      .got = plan->num_dicts,
                                      .detail = other_dicts(a, plan, d)});
    note_place(plan, d, a, o);
    return d;
  }
  if (plan->num_dicts > 1) {
    observe(o, (struct observation){.kind = OBS_DICT_ABSENT,
                                    .subject = wanted,
                                    .got = plan->num_dicts,
                                    .detail = other_dicts(a, plan, NULL)});
    return NULL;
  }
  observe(o, (struct observation){
                 .kind = OBS_DICT_ELSEWHERE, .subject = wanted, .detail = loading_line(a, plan, first)});
  note_module(first, o);
  return first;
}

/* ---- names: renamed, then with a prefix taken off or put on ---- */

static struct span renamed(struct matcher *m, struct span name, uint32_t *counts) {
  const struct arch *arch = m->model->arch;
  for (uint32_t i = 0; i < arch->num_renames; i++) {
    const struct rename_line *r = &arch->renames[i];
    if (!span_ends(name, r->from)) continue;
    counts[i]++;
    return arena_printf(m->arena, "%.*s%.*s", (int)(name.n - r->from.n), (const char *)name.p, (int)r->to.n,
                        (const char *)r->to.p);
  }
  return name;
}

static bool read_names(struct matcher *m) {
  const struct arch *arch = m->model->arch;
  uint32_t *counts = arena_array(m->arena, arch->num_renames, uint32_t);
  if (!counts) return false;
  for (uint32_t i = 0; i < m->dict->num_entries; i++)
    m->names[i] = renamed(m, plan_span(m->plan, m->plan->entries[m->dict->first_entry + i].name), counts);
  for (uint32_t i = 0; i < arch->num_renames; i++)
    if (counts[i])
      observe(m->o, (struct observation){.kind = OBS_MATCH_RENAMED,
                                         .subject = arch->renames[i].from,
                                         .got = counts[i],
                                         .detail = arch->renames[i].to});
  return true;
}

/* What is done to the checkpoint's keys: `strip` is taken off where it stands, `add` is put in front. */
struct change {
  struct span strip, add;
  uint32_t hits; /* keys that then are expected ones */
};

enum { MAX_KEY = 4096, SAMPLE = 512, MAX_CHANGES = 40 };

static uint32_t number_of(const struct matcher *m, const struct change *c, struct span name) {
  uint8_t joined[MAX_KEY];
  if (c->strip.n && span_starts(name, c->strip)) name = span_from(name, c->strip.n);
  if (c->add.n == 0) return keys_find(&m->model->keys, 0, name);
  if (c->add.n > MAX_KEY || name.n > MAX_KEY - c->add.n) return 0;
  memcpy(joined, c->add.p, c->add.n);
  if (name.n) memcpy(joined + c->add.n, name.p, name.n);
  return keys_find(&m->model->keys, 0, span_of(joined, c->add.n + name.n));
}

static uint32_t hits(const struct matcher *m, const struct change *c, uint32_t step) {
  uint32_t n = 0;
  for (uint64_t i = 0; i < m->dict->num_entries; i += step) n += number_of(m, c, m->names[i]) != 0;
  return n;
}

struct changes {
  uint32_t n;
  struct change list[MAX_CHANGES];
};

static void propose(struct changes *all, struct span strip, struct span add) {
  for (uint32_t i = 0; i < all->n; i++)
    if (span_eq(all->list[i].strip, strip) && span_eq(all->list[i].add, add)) return;
  if (all->n < MAX_CHANGES && (strip.n || add.n))
    all->list[all->n++] = (struct change){.strip = strip, .add = add};
}

/* Every front part of a key that ends with a dot: "a.", "a.b.", … */
static void propose_fronts(struct changes *all, struct span key, bool add) {
  uint32_t dots = 0;
  for (size_t i = 0; i < key.n && dots < 8; i++) {
    if (key.p[i] != '.') continue;
    struct span front = span_first(key, i + 1);
    propose(all, add ? (struct span){0} : front, add ? front : (struct span){0});
    dots++;
  }
}

/* The prefixes seen in the wild, and those of the first keys that do not fit. */
static void propose_all(struct matcher *m, struct changes *all) {
  const struct change as_is = {.hits = 0};
  struct span base = m->model->arch->base_prefix;
  propose(all, SPAN("module."), (struct span){0});
  propose(all, SPAN("_orig_mod."), (struct span){0});
  propose(all, SPAN("model."), (struct span){0});
  propose(all, base, (struct span){0});
  propose(all, (struct span){0}, base);
  for (uint32_t i = 0; i < m->dict->num_entries; i++)
    if (!number_of(m, &as_is, m->names[i])) {
      propose_fronts(all, m->names[i], false);
      break;
    }
  for (uint32_t i = 0; i < m->model->num_expected; i++)
    if (m->entry[i] == UINT32_MAX) {
      propose_fronts(all, m->model->expected[i].key, true);
      break;
    }
}

/* The change that makes most keys fit: chosen on a sample, then counted. It must fit more than no change
 * does, and at least half of the keys on one side. */
static struct change best_change(struct matcher *m, uint32_t hits_as_is) {
  struct changes all = {.n = 0};
  struct change best = {.hits = 0};
  uint32_t step = m->dict->num_entries / SAMPLE + 1;
  propose_all(m, &all);
  for (uint32_t i = 0; i < all.n; i++) {
    all.list[i].hits = hits(m, &all.list[i], step);
    if (all.list[i].hits > best.hits) best = all.list[i];
  }
  best.hits = best.hits ? hits(m, &best, 1) : 0;
  bool many = best.hits >= m->dict->num_entries / 2 || best.hits >= m->model->num_expected / 2;
  return best.hits > hits_as_is && many ? best : (struct change){.hits = hits_as_is};
}

static void note_change(struct matcher *m, const struct change *c) {
  const struct arch *arch = m->model->arch;
  bool extra = c->strip.n != 0;
  struct span prefix = extra ? c->strip : c->add;
  bool base = span_eq(prefix, arch->base_prefix);
  uint64_t n = 0;
  for (uint32_t i = 0; i < m->dict->num_entries; i++) n += span_starts(m->names[i], prefix) == extra;
  enum obs_kind kind = extra ? (base ? OBS_MATCH_BASE_EXTRA : OBS_MATCH_PREFIX_EXTRA)
                             : (base ? OBS_MATCH_BASE_LACKING : OBS_MATCH_PREFIX_LACKING);
  int shown = (int)min_size(prefix.n, 200);
  if (extra)
    match_note(m, kind, prefix, n,
               "state_dict = {k.removeprefix(\"%.*s\"): v for k, v in state_dict.items()}", shown,
               (const char *)prefix.p);
  else
    match_note(m, kind, prefix, n, "state_dict = {\"%.*s\" + k: v for k, v in state_dict.items()}", shown,
               (const char *)prefix.p);
}

/* ---- assignment ---- */

static uint32_t assign(struct matcher *m, const struct change *c) {
  uint32_t filled = 0;
  for (uint32_t i = 0; i < m->model->num_expected; i++) m->entry[i] = UINT32_MAX;
  for (uint32_t i = 0; i < m->dict->num_entries; i++) {
    uint32_t number = number_of(m, c, m->names[i]);
    /* Two keys may become one by a change: the first stays, the other is unexpected. */
    if (number && m->entry[number - 1] != UINT32_MAX) number = 0;
    m->number[i] = number;
    if (!number) continue;
    m->entry[number - 1] = m->dict->first_entry + i;
    filled++;
  }
  return filled;
}

static void find_names(struct matcher *m) {
  struct change as_is = {.hits = 0}, change;
  as_is.hits = assign(m, &as_is);
  if (as_is.hits == m->model->num_expected || as_is.hits == m->dict->num_entries) return;
  change = best_change(m, as_is.hits);
  if (!change.strip.n && !change.add.n) return;
  note_change(m, &change);
  (void)assign(m, &change);
  m->out->prefix_removed = change.strip;
  m->out->prefix_added = change.add;
}

/* ---- key by key ---- */

static bool same_sizes(const struct matcher *m, const struct slot *slot, const struct plan_tensor *t) {
  return t->ndim == slot->ndim && (t->ndim == 0 || memcmp(m->plan->dims + t->first_dim, slot->sizes,
                                                          t->ndim * sizeof *slot->sizes) == 0);
}

/* Sizes are the architecture file's claim: a sum of them may not fit. */
static void add_elements(uint64_t *total, const struct slot *slot) {
  if (!slot->buffer && !try_add(*total, slot->numel, total)) *total = UINT64_MAX;
}

static void count_loaded(struct matcher *m, const struct expected *e) {
  m->out->matched++;
  add_elements(&m->out->params_loaded, e->slot);
}

static void count_misshapen(struct matcher *m, const struct expected *e) {
  m->out->misshapen++;
  add_elements(&m->out->params_missing, e->slot);
}

static void check_shape(struct matcher *m, const struct expected *e, const struct plan_tensor *t) {
  if (same_sizes(m, e->slot, t)) {
    count_loaded(m, e);
    return;
  }
  bool scalar = e->slot->ndim == 0 && t->ndim == 1 && t->numel > 0;
  if (scalar)
    count_loaded(m, e);
  else
    count_misshapen(m, e);
  enum obs_kind kind = scalar ? OBS_MATCH_SCALAR : OBS_MATCH_SHAPE;
  if (!keeps(m, kind)) return;
  struct span found = sizes_text(m->arena, m->plan->dims + t->first_dim, t->ndim),
              want = sizes_text(m->arena, e->slot->sizes, e->slot->ndim);
  struct span type = module_class(e->module);
  match_note(m, kind, e->key, t->numel, "%.*s, the architecture expects %.*s (%.*s)", (int)found.n,
             (const char *)found.p, (int)want.n, (const char *)want.p, (int)min_size(type.n, 60),
             (const char *)type.p);
}

static bool dtype_usual(enum dtype d) { return d == DTYPE_F32 || d == DTYPE_F16 || d == DTYPE_BF16; }

static void check_dtype(struct matcher *m, const struct expected *e, const struct plan_tensor *t) {
  enum dtype found = (enum dtype)t->dtype;
  switch (e->slot->rule) {
  case SLOT_ANY: break;
  case SLOT_EXACT:
    if (found != e->slot->dtype)
      match_note(m, OBS_MATCH_DTYPE, e->key, 0, "%s, the architecture expects %s", dtype_name(found),
                 dtype_name(e->slot->dtype));
    break;
  case SLOT_FLOAT:
    if (dtype_table[found].cls != DT_FLOAT)
      match_note(m, OBS_MATCH_DTYPE, e->key, 0, "%s, the architecture expects a floating dtype",
                 dtype_name(found));
    else if (!dtype_usual(found))
      match_note(m, OBS_MATCH_WIDE_DTYPE, e->key, 0, "%s, where float32, float16 or bfloat16 is usual",
                 dtype_name(found));
    break;
  }
}

static bool has_alias(const struct matcher *m, uint32_t number, struct span *target) {
  for (uint32_t i = 0; i < m->model->num_ties; i++)
    if (m->model->ties[i].alias == number) {
      *target = m->model->ties[i].line->target;
      return true;
    }
  return false;
}

/* True when a key may be absent without harm: optional, or tied to one that is there. */
static bool may_be_absent(struct matcher *m, uint32_t i, uint32_t *tensor) {
  struct span target;
  if (has_alias(m, i + 1, &target)) {
    uint32_t number = keys_find(&m->model->keys, 0, target);
    uint32_t entry = number ? m->entry[number - 1] : UINT32_MAX;
    if (entry != UINT32_MAX) *tensor = m->plan->entries[entry].tensor;
    if (entry != UINT32_MAX) return true;
  }
  return m->model->expected[i].slot->optional;
}

static void note_missing(struct matcher *m, const struct expected *e) {
  if (span_is(e->slot->name, "num_batches_tracked")) {
    m->batches_tracked++;
    return;
  }
  m->out->missing++;
  add_elements(&m->out->params_missing, e->slot);
  if (!keeps(m, OBS_MATCH_MISSING)) return;
  struct span want = sizes_text(m->arena, e->slot->sizes, e->slot->ndim), type = module_class(e->module);
  match_note(m, OBS_MATCH_MISSING, e->key, e->slot->numel, "%.*s (%.*s)", (int)want.n, (const char *)want.p,
             (int)min_size(type.n, 60), (const char *)type.p);
}

/* arch-language 1.1: torch takes it without these counters, unless the state dict carries _metadata of
 * version 2. */
static void note_batches_tracked(struct matcher *m) {
  if (m->batches_tracked == 0) return;
  observe(m->o,
          (struct observation){
              .kind = OBS_MATCH_BATCHES_TRACKED,
              .got = m->batches_tracked,
              .detail = m->dict->metadata ? SPAN("load_state_dict(strict=True) reports them")
                                          : SPAN("load_state_dict takes that from files without _metadata")});
  if (m->dict->metadata) m->out->loads_strict = false;
}

static void check_key(struct matcher *m, uint32_t i, uint32_t *tensor) {
  const struct expected *e = &m->model->expected[i];
  *tensor = MATCH_NO_TENSOR;
  if (m->entry[i] == UINT32_MAX) {
    if (!may_be_absent(m, i, tensor)) note_missing(m, e);
    return;
  }
  const struct plan_entry *entry = &m->plan->entries[m->entry[i]];
  if (entry->tensor == UINT32_MAX) {
    match_note(m, OBS_MATCH_NOT_TENSOR, e->key, 0, "no tensor");
    count_misshapen(m, e);
    return;
  }
  const struct plan_tensor *t = &m->plan->tensors[entry->tensor];
  *tensor = entry->tensor;
  check_shape(m, e, t);
  check_dtype(m, e, t);
}

static bool is_ignored(const struct matcher *m, struct span name) {
  const struct arch *arch = m->model->arch;
  for (uint32_t i = 0; i < arch->ignore.n; i++)
    if (glob_match(arch->ignore.list[i], name)) return true;
  for (uint32_t i = 0; i < m->model->num_ties; i++)
    if (span_eq(m->model->ties[i].line->alias, name)) return true;
  return false;
}

static void check_unexpected(struct matcher *m) {
  for (uint32_t i = 0; i < m->dict->num_entries; i++) {
    const struct plan_entry *entry = &m->plan->entries[m->dict->first_entry + i];
    if (m->number[i] || is_ignored(m, m->names[i])) continue;
    m->out->unexpected++;
    if (!keeps(m, OBS_MATCH_UNEXPECTED)) continue;
    struct span form = entry->tensor == UINT32_MAX
                           ? SPAN("no tensor")
                           : tensor_text(m->arena, m->plan, &m->plan->tensors[entry->tensor]);
    match_note(m, OBS_MATCH_UNEXPECTED, plan_span(m->plan, entry->name), 0, " (%.*s)", (int)form.n,
               (const char *)form.p);
  }
}

static bool check_keys(struct matcher *m) {
  uint32_t *tensor = arena_array(m->arena, m->model->num_expected, uint32_t);
  if (!tensor) return false;
  m->out->tensor = tensor;
  m->out->num_expected = m->model->num_expected;
  m->out->keys = m->dict->num_entries;
  for (uint32_t i = 0; i < m->model->num_expected; i++) check_key(m, i, &tensor[i]);
  note_batches_tracked(m);
  check_unexpected(m);
  return true;
}

/* load_state_dict: strict=False forgives missing and unexpected keys, never a size or a value that is no
 * tensor. Behind a prefix it forgives everything and loads next to nothing: that is not called loading. */
static void judge(struct match *out) {
  bool changed = out->prefix_removed.n || out->prefix_added.n;
  bool complete = out->missing == 0 && out->unexpected == 0 && out->misshapen == 0 && out->loads_strict;
  out->loads_after_fix = complete;
  out->loads_strict = complete && !changed;
  out->loads_loose = !changed && out->misshapen == 0;
}

bool match_run(struct match *out, const struct model *model, const struct plan *plan,
               const struct plan_dict *dict, const struct match_options *options, struct arena *a,
               struct observations *o) {
  *out = (struct match){.found = true, .dict = dict, .loads_strict = true};
  struct matcher m = {
      .out = out, .model = model, .plan = plan, .dict = dict, .options = options, .arena = a, .o = o};
  if (!try_mul(options->file.n, UINT64_C(4), &m.bytes_left)) m.bytes_left = UINT64_MAX;
  m.names = arena_array(a, dict->num_entries, struct span);
  m.number = arena_array(a, dict->num_entries, uint32_t);
  m.entry = arena_array(a, model->num_expected, uint32_t);
  if (!m.names || !m.number || !m.entry || !read_names(&m)) return false;
  find_names(&m);
  if (!check_keys(&m)) return false;
  judge(out);
  match_ties(&m);
  match_constants(&m);
  match_checks(&m);
  return match_fields(&m) && match_optimizer(&m);
}
