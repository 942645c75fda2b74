/* Which key of the checkpoint fills which of the model: names renamed as the architecture file says, then
 * without what wrappers left inside them, then with one prefix taken off and one put on. */
#include "arch/match_parts.h"

/* ---- renamed ---- */

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

bool match_read_names(struct matcher *m) {
  const struct arch *arch = m->model->arch;
  uint32_t *counts = arena_array(m->arena, arch->num_renames, uint32_t);
  if (!counts) return false;
  for (uint32_t i = 0; i < m->dict->num_entries; i++)
    m->names[i] = renamed(m, plan_span(m->plan, m->plan->entries[m->dict->first_entry + i].name), counts);
  for (uint32_t i = 0; i < arch->num_renames; i++) {
    if (counts[i] == 0) continue;
    m->out->renamed += counts[i];
    observe(m->o, (struct observation){.kind = OBS_MATCH_RENAMED,
                                       .subject = arch->renames[i].from,
                                       .got = counts[i],
                                       .detail = arch->renames[i].to});
  }
  return true;
}

enum { MAX_KEY = 4096, SAMPLE = 512, MAX_CHANGES = 64 };

/* The keys of a checkpoint stand in the model's order, mostly: the one behind the last answer is tried first.
 */
static uint32_t expected_number(struct matcher *m, struct span name) {
  bool next =
      m->last_number < m->model->num_expected && span_eq(m->model->expected[m->last_number].key, name);
  uint32_t number = next ? m->last_number + 1 : keys_find(&m->model->keys, 0, name);
  if (number) m->last_number = number;
  return number;
}

/* ---- without what wrappers leave inside ---- */

/* Modules that stand between a module and its child while training, and that state_dict() names (format-spec
 * F.2): FSDP of today and of 1.11 to 1.13, activation checkpointing, torch.compile, Lightning's own. */
static const char *const wrappers[] = {"_fsdp_wrapped_module.", "_fpw_module.", "_checkpoint_wrapped_module.",
                                       "_orig_mod.", "_forward_module."};

/* The name without the wrapper, wherever a part of it begins with it; *found says if there was one. */
static size_t remove_wrapper(uint8_t *name, size_t n, struct span wrapper, bool *found) {
  size_t kept = 0;
  for (size_t i = 0; i < n;) {
    bool part = kept == 0 || name[kept - 1] == '.';
    if (part && span_starts(span_of(name + i, n - i), wrapper)) {
      i += wrapper.n;
      *found = true;
      continue;
    }
    name[kept++] = name[i++];
  }
  return kept;
}

/* False: the name has none, or is too long. */
static bool unwrap(struct matcher *m, struct span *name, uint64_t *counts) {
  uint8_t text[MAX_KEY];
  size_t n = name->n;
  bool any = false;
  if (n == 0 || n > MAX_KEY || !memmem(name->p, n, SPAN("_mod").p, 4)) return false;
  memcpy(text, name->p, n);
  for (size_t k = 0; k < ARRAY_LEN(wrappers); k++) {
    bool found = false;
    n = remove_wrapper(text, n, span_str(wrappers[k]), &found);
    counts[k] += found;
    any = any || found;
  }
  return any && n && arena_copy(m->arena, span_of(text, n), name);
}

/* A name that the model knows stays. */
static void unwrap_names(struct matcher *m) {
  uint64_t counts[ARRAY_LEN(wrappers)] = {0};
  for (uint32_t i = 0; i < m->dict->num_entries; i++)
    if (!expected_number(m, m->names[i])) m->out->unwrapped += unwrap(m, &m->names[i], counts);
  for (size_t k = 0; k < ARRAY_LEN(wrappers); k++)
    if (counts[k])
      match_note(m, OBS_MATCH_WRAPPER, span_str(wrappers[k]), counts[k],
                 "state_dict = {k.replace(\"%s\", \"\"): v for k, v in state_dict.items()}", wrappers[k]);
}

/* ---- with a prefix taken off, or put on ---- */

/* What is done to the checkpoint's keys: `strip` is taken off where it stands, `add` is put in front where
 * the model's key has it. */
struct change {
  struct span strip, add;
  uint32_t hits; /* keys that then are expected ones */
};

static uint32_t number_of(struct matcher *m, const struct change *c, struct span name) {
  uint8_t joined[MAX_KEY];
  if (c->strip.n && span_starts(name, c->strip)) name = span_from(name, c->strip.n);
  if (c->add.n == 0) return expected_number(m, name);
  if (c->add.n > MAX_KEY || name.n > MAX_KEY - c->add.n) return 0;
  memcpy(joined, c->add.p, c->add.n);
  if (name.n) memcpy(joined + c->add.n, name.p, name.n);
  uint32_t number = expected_number(m, span_of(joined, c->add.n + name.n));
  return number ? number : expected_number(m, name);
}

uint32_t match_key_number(struct matcher *m, struct span name) {
  return number_of(m, &(struct change){.strip = m->out->prefix_removed, .add = m->out->prefix_added}, name);
}

static uint32_t hits(struct matcher *m, const struct change *c, uint32_t step) {
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

/* Every front part of a key that ends with a dot: "a.", "a.b.", …; what is taken off may stand before the
 * base model's keys ("module." before those of a BertModel). */
static void propose_fronts(struct changes *all, struct span key, bool add, struct span base) {
  uint32_t dots = 0;
  for (size_t i = 0; i < key.n && dots < 8; i++) {
    if (key.p[i] != '.') continue;
    struct span front = span_first(key, i + 1);
    propose(all, add ? (struct span){0} : front, add ? front : (struct span){0});
    if (!add && base.n) propose(all, front, base);
    dots++;
  }
}

/* The prefixes seen in the wild, and those of the first keys that do not fit. */
static void propose_all(struct matcher *m, struct changes *all) {
  const struct change as_is = {.hits = 0};
  struct span base = m->model->arch->base_prefix;
  propose(all, SPAN("module."), (struct span){0});
  propose(all, SPAN("model."), (struct span){0});
  propose(all, base, (struct span){0});
  propose(all, (struct span){0}, base);
  /* Of a file with two networks, both: the averaged one and the one in training. */
  const struct span *first = NULL, *last = NULL;
  for (uint32_t i = 0; i < m->dict->num_entries; i++) {
    const struct span *name = &m->names[i];
    if (name->n == 0 || !memchr(name->p, '.', name->n) || number_of(m, &as_is, *name)) continue;
    if (!first) first = name;
    last = name;
  }
  if (first) propose_fronts(all, *first, false, base);
  if (last) propose_fronts(all, *last, false, base);
  for (uint32_t i = 0; i < m->model->num_expected; i++)
    if (m->entry[i] == UINT32_MAX) {
      propose_fronts(all, m->model->expected[i].key, true, base);
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
  uint64_t twice = UINT64_C(2) * best.hits;
  bool many = twice >= m->dict->num_entries || twice >= m->model->num_expected;
  return best.hits > hits_as_is && many ? best : (struct change){.hits = hits_as_is};
}

static void note_extra(struct matcher *m, struct span prefix) {
  bool base = span_eq(prefix, m->model->arch->base_prefix);
  uint64_t n = 0;
  for (uint32_t i = 0; i < m->dict->num_entries; i++) n += span_starts(m->names[i], prefix);
  match_note(m, base ? OBS_MATCH_BASE_EXTRA : OBS_MATCH_PREFIX_EXTRA, prefix, n,
             "state_dict = {k.removeprefix(\"%.*s\"): v for k, v in state_dict.items()}",
             (int)min_size(prefix.n, 200), (const char *)prefix.p);
}

/* A head stands beside the base model and needs no prefix: "classifier.weight". */
static void note_lacking(struct matcher *m, const struct change *c) {
  bool base = span_eq(c->add, m->model->arch->base_prefix);
  const struct change without = {.strip = c->strip};
  uint64_t n = 0;
  for (uint32_t i = 0; i < m->dict->num_entries; i++) n += !number_of(m, &without, m->names[i]);
  match_note(
      m, base ? OBS_MATCH_BASE_LACKING : OBS_MATCH_PREFIX_LACKING, c->add, n,
      n == m->dict->num_entries
          ? "state_dict = {\"%.*s\" + k: v for k, v in state_dict.items()}"
          : "state_dict = {k if k in model.state_dict() else \"%.*s\" + k: v for k, v in state_dict.items()}",
      (int)min_size(c->add.n, 200), (const char *)c->add.p);
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

void match_find_names(struct matcher *m) {
  const struct match *like = m->options->like;
  struct change as_is = {.hits = 0}, change;
  if (like) as_is = (struct change){.strip = like->prefix_removed, .add = like->prefix_added};
  unwrap_names(m);
  as_is.hits = assign(m, &as_is);
  if (like || as_is.hits == m->model->num_expected || as_is.hits == m->dict->num_entries) return;
  change = best_change(m, as_is.hits);
  if (!change.strip.n && !change.add.n) return;
  if (change.strip.n) note_extra(m, change.strip);
  if (change.add.n) note_lacking(m, &change);
  (void)assign(m, &change);
  m->out->prefix_removed = change.strip;
  m->out->prefix_added = change.add;
}
