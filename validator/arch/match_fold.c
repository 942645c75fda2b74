/* Answers, not walls: what differs key by key becomes a few observations. A module that is missing as a
 * whole, or that the model does not have, is one subject; subjects that differ in the numbers of their paths
 * alone are one line: "layers.{0-31}.self_attn.k_proj.weight". Linear in the problems. */
#include <stdlib.h>

#include "arch/match_parts.h"

enum { MAX_NUMBERS = 6, MAX_RANGES = 8 };

/* A path with the numbers between its dots. Numbers behind the sixth stay text. */
struct numbers {
  uint32_t n;
  struct {
    uint32_t at, len, value;
  } list[MAX_NUMBERS];
};

struct subject {
  struct problem first;
  struct span path; /* of a key, or of a module with its dot */
  bool module;
  uint32_t keys, next; /* next: of its group, from 1 */
};
struct group {
  uint32_t first, last, n;
}; /* subjects, from 1 */

struct fold {
  struct matcher *m;
  const struct module **whole; /* by module id: the highest module around it all of whose keys are missing */
  struct key_table paths;      /* of subjects, by kind and path */
  VEC(struct subject) subjects;
  struct hash_index hashes; /* of groups */
  VEC(struct group) groups;
  uint64_t seed[2];
  struct observation waiting; /* OBS_NONE: none. The next line may be the same but for its last part */
  struct span front, leaves;
  uint32_t num_leaves;
};

/* ---- missing modules ---- */

struct tally {
  uint32_t wanted, missing;
};

/* Counts by module, its children included: parents stand before their children in the list. */
static bool count_missing(struct fold *f, const struct module **order, uint32_t n, struct tally *tally) {
  struct matcher *m = f->m;
  for (uint32_t i = 0; i < m->model->num_expected; i++)
    if (m->entry[i] != UINT32_MAX) tally[m->model->expected[i].module->id].wanted++;
  for (uint32_t i = 0; i < m->problems.n; i++) {
    if (m->problems.p[i].kind != OBS_MATCH_MISSING) continue;
    struct tally *t = &tally[m->model->expected[m->problems.p[i].expected].module->id];
    t->wanted++;
    t->missing++;
  }
  for (uint32_t i = n; i > 1; i--) {
    struct tally *own = &tally[order[i - 1]->id], *up = &tally[order[i - 1]->parent->id];
    up->wanted += own->wanted;
    up->missing += own->missing;
  }
  for (uint32_t i = 1; i < n; i++) {
    const struct module *x = order[i], *around = f->whole[x->parent->id];
    bool all = tally[x->id].missing > 1 && tally[x->id].missing == tally[x->id].wanted;
    f->whole[x->id] = around ? around : all ? x : NULL;
  }
  return true;
}

static bool find_whole(struct fold *f) {
  struct arena *a = f->m->arena;
  uint32_t n = 0, ids = 0;
  for (const struct module *x = f->m->model->root; x; x = module_next(x)) {
    n++;
    if (x->id >= ids) ids = x->id + 1;
  }
  const struct module **order = arena_array(a, n, const struct module *);
  f->whole = arena_array(a, ids, const struct module *);
  struct tally *tally = arena_array(a, ids, struct tally);
  if (!order || !f->whole || !tally) return false;
  n = 0;
  for (const struct module *x = f->m->model->root; x; x = module_next(x)) order[n++] = x;
  return count_missing(f, order, n, tally);
}

/* ---- subjects ---- */

/* The front of an unexpected key that leads out of the model: "layers.5." where there are five layers. The
 * key itself where only its last part is unknown. */
static struct span way_out(const struct matcher *m, struct span name) {
  const struct module *at = m->model->root;
  struct span rest = name;
  for (const uint8_t *dot; at && (dot = memchr(rest.p, '.', rest.n)) != NULL;) {
    size_t n = (size_t)(dot - rest.p);
    at = module_child(m->model, at, span_first(rest, n));
    if (at && at->kind == MODULE_ABSENT) at = NULL;
    rest = span_from(rest, n + 1);
  }
  return at ? name : span_first(name, name.n - rest.n);
}

static struct subject subject_of(const struct fold *f, struct problem p) {
  const struct matcher *m = f->m;
  struct subject s = {.first = p, .keys = 1};
  if (p.kind == OBS_MATCH_UNEXPECTED) {
    s.path = way_out(m, m->names[p.entry - m->dict->first_entry]);
    s.module = span_ends(s.path, SPAN("."));
    return s;
  }
  const struct expected *e = &m->model->expected[p.expected];
  const struct module *whole = p.kind == OBS_MATCH_MISSING ? f->whole[e->module->id] : NULL;
  s.path = whole ? whole->prefix : e->key;
  s.module = whole != NULL;
  return s;
}

static bool add_subject(struct fold *f, struct problem p) {
  struct subject s = subject_of(f, p);
  uint32_t known = s.module ? keys_find(&f->paths, (uint32_t)p.kind, s.path) : 0;
  if (known) {
    f->subjects.p[known - 1].keys++;
    return true;
  }
  struct subject *slot = vec_push(f->m->arena, &f->subjects, UINT32_MAX);
  if (!slot || !keys_add(&f->paths, (uint32_t)p.kind, s.path)) return false;
  *slot = s;
  return true;
}

/* One key that leads out of the model is told by its whole name. */
static void name_single(const struct fold *f, struct subject *s) {
  if (!s->module || s->keys > 1 || s->first.kind != OBS_MATCH_UNEXPECTED) return;
  s->path = f->m->names[s->first.entry - f->m->dict->first_entry];
  s->module = false;
}

/* ---- groups ---- */

static bool is_number(struct span part, uint32_t *value) {
  uint32_t v = 0;
  if (part.n == 0 || part.n > 9 || (part.n > 1 && part.p[0] == '0')) return false;
  for (size_t i = 0; i < part.n; i++) {
    if (part.p[i] < '0' || part.p[i] > '9') return false;
    v = v * 10 + (uint32_t)(part.p[i] - '0');
  }
  *value = v;
  return true;
}

static struct numbers numbers_of(struct span path) {
  struct numbers x = {.n = 0};
  for (size_t at = 0; at < path.n && x.n < MAX_NUMBERS;) {
    const uint8_t *dot = memchr(path.p + at, '.', path.n - at);
    size_t n = dot ? (size_t)(dot - path.p) - at : path.n - at;
    uint32_t value;
    if (at <= UINT32_MAX && is_number(span_of(path.p + at, n), &value)) {
      x.list[x.n].at = (uint32_t)at;
      x.list[x.n].len = (uint32_t)n;
      x.list[x.n++].value = value;
    }
    at += n + 1;
  }
  return x;
}

/* The text in front of number i; behind the last one for i == n. */
static struct span text_before(struct span path, const struct numbers *x, uint32_t i) {
  size_t from = i ? x->list[i - 1].at + x->list[i - 1].len : 0, to = i < x->n ? x->list[i].at : path.n;
  return span_of(path.p + from, to - from);
}

static void hash_tensor(struct siphash *h, const struct matcher *m, const struct plan_tensor *t) {
  siphash_u64(h, t ? t->dtype : UINT64_MAX);
  for (uint32_t d = 0; t && d < t->ndim; d++) siphash_u64(h, m->plan->dims[t->first_dim + d]);
}

static uint32_t hash_subject(const struct fold *f, const struct subject *s) {
  struct siphash h;
  struct numbers x = numbers_of(s->path);
  const struct matcher *m = f->m;
  siphash_init(&h, f->seed);
  siphash_u64(&h, (uint64_t)s->first.kind << 32 | s->keys);
  for (uint32_t i = 0; i <= x.n; i++) {
    siphash_bytes(&h, text_before(s->path, &x, i));
    siphash_u64(&h, i);
  }
  if (s->module) return siphash_end32(&h);
  hash_tensor(&h, m, match_found(m, &s->first));
  if (s->first.expected == UINT32_MAX) return siphash_end32(&h);
  const struct slot *slot = m->model->expected[s->first.expected].slot;
  for (uint32_t d = 0; d < slot->ndim; d++) siphash_u64(&h, slot->sizes[d]);
  return siphash_end32(&h);
}

static bool same_template(const struct subject *a, const struct subject *b) {
  struct numbers x = numbers_of(a->path), y = numbers_of(b->path);
  if (a->first.kind != b->first.kind || a->module != b->module || a->keys != b->keys || x.n != y.n)
    return false;
  for (uint32_t i = 0; i <= x.n; i++)
    if (!span_eq(text_before(a->path, &x, i), text_before(b->path, &y, i))) return false;
  return true;
}

static bool same_tensors(const struct matcher *m, const struct problem *a, const struct problem *b) {
  const struct plan_tensor *s = match_found(m, a), *t = match_found(m, b);
  if (!s != !t || (s && !match_same_form(m->plan, s, t))) return false;
  if (a->expected == UINT32_MAX || b->expected == UINT32_MAX) return a->expected == b->expected;
  const struct expected *x = &m->model->expected[a->expected], *y = &m->model->expected[b->expected];
  return x->slot->ndim == y->slot->ndim &&
         (x->slot->ndim == 0 ||
          memcmp(x->slot->sizes, y->slot->sizes, x->slot->ndim * sizeof *x->slot->sizes) == 0) &&
         span_eq(module_class(x->module), module_class(y->module));
}

static bool group_subject(struct fold *f, uint32_t number) {
  struct subject *all = f->subjects.p, *s = &all[number - 1];
  uint32_t hash = hash_subject(f, s);
  for (uint32_t g = hash_find(&f->hashes, hash, 0); g; g = hash_find(&f->hashes, hash, g)) {
    struct group *group = &f->groups.p[g - 1];
    const struct subject *one = &all[group->first - 1];
    if (!same_template(one, s) || (!s->module && !same_tensors(f->m, &one->first, &s->first))) continue;
    all[group->last - 1].next = number;
    group->last = number;
    group->n++;
    return true;
  }
  struct group *group = vec_push(f->m->arena, &f->groups, UINT32_MAX);
  if (!group) return false;
  *group = (struct group){number, number, 1};
  return hash_add(f->m->arena, &f->hashes, hash, UINT32_MAX);
}

/* ---- the folded path ---- */

static int compare_numbers(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* "{0-31}", "{0,2,5-7}"; a single value without the braces. Sorts the values. */
static struct span set_text(struct arena *a, uint32_t *values, uint32_t n, uint32_t *distinct) {
  struct span text = SPAN("");
  uint32_t ranges = 0;
  qsort(values, n, sizeof *values, compare_numbers);
  *distinct = 0;
  for (uint32_t i = 0; i < n;) {
    uint32_t from = values[i], to = from;
    while (i < n && values[i] <= to + 1) to = values[i++];
    *distinct += to - from + 1;
    if (++ranges > MAX_RANGES) continue;
    const char *comma = ranges > 1 ? "," : "";
    text = to == from ? arena_printf(a, "%.*s%s%u", (int)text.n, (const char *)text.p, comma, from)
                      : arena_printf(a, "%.*s%s%u%s%u", (int)text.n, (const char *)text.p, comma, from,
                                     to == from + 1 ? "," : "-", to);
  }
  if (*distinct == 1) return text;
  return arena_printf(a, ranges > MAX_RANGES ? "{%.*s,…}" : "{%.*s}", (int)text.n, (const char *)text.p);
}

static struct span join(struct arena *a, struct span front, struct span back) {
  return arena_printf(a, "%.*s%.*s", (int)min_size(front.n, 1000), (const char *)front.p,
                      (int)min_size(back.n, 1000), (const char *)back.p);
}

/* The path with a set for each number; false when the subjects are not all that the sets would say. */
static bool product_path(struct fold *f, const struct group *g, struct span *out) {
  struct arena *a = f->m->arena;
  const struct subject *all = f->subjects.p;
  struct span path = all[g->first - 1].path;
  struct numbers x = numbers_of(path);
  uint32_t *values = arena_array(a, g->n, uint32_t);
  uint64_t product = 1;
  if (!values) return false;
  *out = SPAN("");
  for (uint32_t i = 0; i < x.n; i++) {
    uint32_t n = 0, distinct;
    for (uint32_t s = g->first; s; s = all[s - 1].next)
      values[n++] = numbers_of(all[s - 1].path).list[i].value;
    struct span set = set_text(a, values, n, &distinct);
    if (!try_mul(product, (uint64_t)distinct, &product)) return false;
    *out = join(a, join(a, *out, text_before(path, &x, i)), set);
  }
  *out = join(a, *out, text_before(path, &x, x.n));
  return product == g->n && out->n;
}

/* ---- words ---- */

static struct span class_text(struct arena *a, const struct module *x) {
  if (x->kind == MODULE_GROUP || x->kind == MODULE_LIST || x->kind == MODULE_ABSENT) return SPAN("modules");
  struct span name = module_class(x);
  return arena_printf(a, "%.*s", (int)min_size(name.n, 60), (const char *)name.p);
}

/* "[64, 16] (Linear), 32 keys" */
static struct span detail_text(struct fold *f, const struct subject *s, uint32_t n) {
  struct arena *a = f->m->arena;
  struct span what = SPAN("");
  const char *comma = "";
  if (!s->module) {
    what = match_problem_text(f->m, &s->first);
    if (n == 1) return what;
    return arena_printf(a, "%.*s, %u keys", (int)what.n, (const char *)what.p, n);
  }
  if (s->first.kind == OBS_MATCH_MISSING) {
    what = class_text(a, f->whole[f->m->model->expected[s->first.expected].module->id]);
    comma = ", ";
  }
  if (n == 1)
    return arena_printf(a, "%.*s%s%u key%s", (int)what.n, (const char *)what.p, comma, s->keys,
                        s->keys == 1 ? "" : "s");
  return arena_printf(a, "%.*s%s%llu keys", (int)what.n, (const char *)what.p, comma,
                      (unsigned long long)n * s->keys);
}

/* The line that waits is told. */
static void flush(struct fold *f) {
  struct observation *o = &f->waiting;
  struct span leaves = f->leaves;
  if (o->kind == OBS_NONE) return;
  if (f->num_leaves > 1)
    o->subject = arena_printf(f->m->arena, "%.*s{%.*s}", (int)f->front.n, (const char *)f->front.p,
                              (int)leaves.n, (const char *)leaves.p);
  observe(f->m->o, *o);
  o->kind = OBS_NONE;
}

/* "bn1.weight", then "bn1.bias" of the same words: "bn1.{weight, bias}". */
static bool extend(struct fold *f, const struct observation *o, struct span leaf) {
  struct observation *w = &f->waiting;
  struct span front = span_first(o->subject, o->subject.n - leaf.n), all = f->leaves;
  if (w->kind != o->kind || leaf.n == 0 || !span_eq(f->front, front) || !span_eq(w->detail, o->detail) ||
      all.n > 200)
    return false;
  f->leaves = arena_printf(f->m->arena, "%.*s, %.*s", (int)all.n, (const char *)all.p,
                           (int)min_size(leaf.n, 100), (const char *)leaf.p);
  f->num_leaves++;
  w->got += o->got;
  return true;
}

static struct span last_part(struct span path) {
  size_t n = path.n;
  while (n > 0 && path.p[n - 1] != '.') n--;
  return span_from(path, n);
}

static void tell(struct fold *f, const struct subject *s, struct span path, uint32_t n) {
  struct matcher *m = f->m;
  enum obs_kind kind = s->first.kind;
  if (m->o->seen[kind] >= m->o->per_kind_max) {
    flush(f);
    observe(m->o, (struct observation){.kind = kind});
    return;
  }
  struct span star = s->module ? SPAN("*") : SPAN(""), what = detail_text(f, s, n);
  struct observation o = {.kind = kind,
                          .subject = s->module || n > 1 ? join(m->arena, path, star) : path,
                          .got = (uint64_t)n * s->keys,
                          .detail = what};
  if (kind == OBS_MATCH_UNEXPECTED)
    o.detail = arena_printf(m->arena, " (%.*s)", (int)what.n, (const char *)what.p);
  struct span leaf = s->module ? SPAN("") : last_part(o.subject);
  if (extend(f, &o, leaf)) return;
  flush(f);
  f->waiting = o;
  f->leaves = leaf;
  f->num_leaves = 1;
  f->front = span_first(o.subject, o.subject.n - leaf.n);
}

static bool tell_product(struct fold *f, const struct group *g) {
  const struct subject *one = &f->subjects.p[g->first - 1];
  struct span path = one->path;
  if (g->n > 1 && !product_path(f, g, &path)) return false;
  tell(f, one, path, g->n);
  return true;
}

/* The same but for the last number. */
static bool neighbours(struct span a, struct span b) {
  struct numbers x = numbers_of(a), y = numbers_of(b);
  return x.n && span_eq(span_first(a, x.list[x.n - 1].at), span_first(b, y.list[y.n - 1].at));
}

/* As one line if it is a product of sets, else as one for each run of neighbours. */
static void tell_group(struct fold *f, const struct group *g) {
  struct subject *all = f->subjects.p;
  bool kept = f->m->o->seen[all[g->first - 1].first.kind] < f->m->o->per_kind_max;
  if (kept && tell_product(f, g)) return;
  for (uint32_t s = g->first, next; s; s = next) {
    struct group run = {s, s, 1};
    for (next = all[s - 1].next; kept && next && neighbours(all[s - 1].path, all[next - 1].path);
         next = all[next - 1].next) {
      run.last = next;
      run.n++;
    }
    all[run.last - 1].next = 0;
    if (!tell_product(f, &run)) tell(f, &all[s - 1], all[s - 1].path, run.n);
  }
}

bool match_fold(struct matcher *m) {
  struct fold f = {.m = m};
  if (m->problems.n == 0) return true;
  keys_init(&f.paths, m->arena);
  memcpy(f.seed, f.paths.seed, sizeof f.seed);
  if (!find_whole(&f)) return false;
  for (uint32_t i = 0; i < m->problems.n; i++)
    if (!add_subject(&f, m->problems.p[i])) return false;
  for (uint32_t i = 0; i < f.subjects.n; i++) name_single(&f, &f.subjects.p[i]);
  for (uint32_t i = 0; i < f.subjects.n; i++)
    if (!group_subject(&f, i + 1)) return false;
  for (uint32_t i = 0; i < f.groups.n; i++) tell_group(&f, &f.groups.p[i]);
  flush(&f);
  return true;
}
