/* What the architecture file says about the numbers: ties, constants, checks. */
#include "arch/match_parts.h"

bool match_elements(struct elements *e, struct matcher *m, uint32_t tensor) {
  const struct plan_tensor *t = &m->plan->tensors[tensor];
  struct span bytes;
  if (m->options->file.n == 0 || !elements_readable(m->plan, t)) return false;
  uint64_t n = m->plan->storages[t->storage - 1].bytes;
  if (n > m->bytes_left) {
    observe(m->o,
            (struct observation){
                .kind = OBS_LIMIT_MATCH, .subject = plan_span(m->plan, t->key), .want = m->options->file.n});
    return false;
  }
  m->bytes_left -= n;
  if (!plan_bytes_read(&m->bytes, t->storage, &bytes)) return false;
  elements_begin(e, m->plan, t, bytes);
  return true;
}

/* ---- ties ---- */

bool match_same_form(const struct plan *p, const struct plan_tensor *a, const struct plan_tensor *b) {
  return a->dtype == b->dtype && a->ndim == b->ndim &&
         (a->ndim == 0 ||
          memcmp(p->dims + a->first_dim, p->dims + b->first_dim, a->ndim * sizeof *p->dims) == 0);
}

static bool same_bytes(struct matcher *m, uint32_t x, uint32_t y) {
  const struct plan_tensor *a = &m->plan->tensors[x], *b = &m->plan->tensors[y];
  struct elements ea, eb;
  if (a->tied == b->tied || a->numel == 0) return true; /* the same view of the same storage */
  if (m->options->metadata_only) {
    m->unread.ties++;
    return true;
  }
  if (!match_elements(&ea, m, x) || !match_elements(&eb, m, y))
    return true; /* nothing to compare: said elsewhere */
  size_t size = (size_t)dtype_size((enum dtype)a->dtype);
  if (a->flags & b->flags & PLAN_CONTIGUOUS && ea.big_endian == eb.big_endian)
    return memcmp(ea.bytes.p + a->offset * size, eb.bytes.p + b->offset * size, a->numel * size) == 0;
  for (const uint8_t *p, *q; (p = elements_next(&ea)) && (q = elements_next(&eb));)
    if (ea.big_endian == eb.big_endian ? memcmp(p, q, size) != 0
                                       : !(elements_value(&ea, p) >= elements_value(&eb, q) &&
                                           elements_value(&ea, p) <= elements_value(&eb, q)))
      return false;
  return true;
}

static uint32_t tensor_of_alias(const struct matcher *m, const struct model_tie *tie) {
  if (tie->alias)
    return m->entry[tie->alias - 1] == UINT32_MAX ? MATCH_NO_TENSOR : m->out->tensor[tie->alias - 1];
  for (uint32_t i = 0; i < m->dict->num_entries; i++)
    if (span_eq(m->names[i], tie->line->alias)) return m->plan->entries[m->dict->first_entry + i].tensor;
  return MATCH_NO_TENSOR;
}

void match_ties(struct matcher *m) {
  for (uint32_t i = 0; i < m->model->num_ties; i++) {
    const struct model_tie *tie = &m->model->ties[i];
    uint32_t target = keys_find(&m->model->keys, 0, tie->line->target), x = tensor_of_alias(m, tie);
    uint32_t y = target ? m->out->tensor[target - 1] : MATCH_NO_TENSOR;
    if (x == MATCH_NO_TENSOR || y == MATCH_NO_TENSOR) continue;
    struct observation what = {.subject = tie->line->alias, .detail = tie->line->target};
    if (!match_same_form(m->plan, &m->plan->tensors[x], &m->plan->tensors[y]))
      what.kind = OBS_TIE_UNLIKE;
    else if (!same_bytes(m, x, y))
      what.kind = OBS_TIE_DIFFERS;
    if (what.kind != OBS_NONE) observe(m->o, what);
  }
}

/* ---- constants: "position_ids": "Buffer((1, n), int64, value=arange(n))" ---- */

/* Of two patches in a window of w * w: how many rows and columns they are apart, both counted from 1 - w, as
 * one number (torchvision/models/swin_transformer.py, define_relative_position_index). */
static double relative_position(uint64_t w, uint64_t i) {
  uint64_t a = i / (w * w) % (w * w), b = i % (w * w);
  uint64_t rows = a / w + w - 1 - b / w, columns = a % w + w - 1 - b % w;
  return (double)(rows * (2 * w - 1) + columns);
}

static double constant_at(const struct value *v, uint64_t i) {
  if (v->kind == VALUE_RANGE) return (double)v->range.start + (double)i * (double)v->range.step;
  if (v->kind != VALUE_PATTERN) return value_number(v);
  uint64_t n = (uint64_t)v->pattern.n;
  return v->pattern.which == PATTERN_causal_mask ? i % n <= i / n % n : relative_position(n, i);
}

static void check_constant(struct matcher *m, const struct expected *e, uint32_t tensor) {
  struct elements it;
  uint64_t i = 0;
  m->unread.constants += m->options->metadata_only;
  if (m->options->metadata_only || !match_elements(&it, m, tensor)) return;
  for (const uint8_t *p; (p = elements_next(&it)); i++) {
    double want = constant_at(&e->slot->constant, i), found = elements_value(&it, p);
    if (found >= want && found <= want) continue;
    struct span text = value_show(m->arena, &e->slot->constant);
    match_note(m, OBS_CONSTANT_DIFFERS, e->key, i, "%.*s", (int)text.n, (const char *)text.p);
    return;
  }
}

void match_constants(struct matcher *m) {
  for (uint32_t i = 0; i < m->model->num_expected; i++) {
    const struct expected *e = &m->model->expected[i];
    uint32_t tensor = m->out->tensor[i];
    if (e->slot->constant.kind != VALUE_NONE && tensor != MATCH_NO_TENSOR && m->entry[i] != UINT32_MAX &&
        match_same_sizes(m->plan, e->slot, &m->plan->tensors[tensor]))
      check_constant(m, e, tensor);
  }
}

/* ---- what was left out ---- */

static struct span counted(struct matcher *m, struct span before, uint64_t n, const char *what) {
  if (n == 0) return before;
  return arena_printf(m->arena, "%.*s%s%llu %s%s", (int)before.n, (const char *)before.p,
                      before.n ? ", " : "", (unsigned long long)n, what, n == 1 ? "" : "s");
}

void match_note_unread(struct matcher *m) {
  struct span all = counted(m, SPAN(""), m->unread.ties, "tied tensor");
  all = counted(m, all, m->unread.constants, "constant buffer");
  all = counted(m, all, m->unread.numbers, "training-state number");
  if (all.n) observe(m->o, (struct observation){.kind = OBS_MATCH_UNREAD, .detail = all});
}

/* ---- checks ---- */

static void check_values(struct matcher *m, const struct check_line *c, struct span key,
                         const struct plan_stats *s) {
  bool variance = span_ends(key, SPAN("running_var")) && c->has_min && c->min >= 0 && s->min < 0;
  if (c->finite && s->nan_count) match_note(m, OBS_CHECK_NAN, key, s->nan_count, "%s", "");
  if (c->finite && s->inf_count) match_note(m, OBS_CHECK_INF, key, s->inf_count, "%s", "");
  if (c->nonzero && s->count && s->zero_count == s->count)
    match_note(m, OBS_CHECK_ZERO, key, s->count, "%s", "");
  if (s->finite == 0) return;
  if (c->has_min && s->min < c->min)
    match_note(m, variance ? OBS_CHECK_NEGATIVE_VAR : OBS_CHECK_RANGE, key, 0,
               "its minimum is %.6g, allowed is %.6g", s->min, c->min);
  if (c->has_max && s->max > c->max)
    match_note(m, OBS_CHECK_RANGE, key, 0, "its maximum is %.6g, allowed is %.6g", s->max, c->max);
  if (c->has_absmax && s->absmax > c->absmax)
    match_note(m, OBS_CHECK_RANGE, key, 0, "its largest magnitude is %.6g, allowed is %.6g", s->absmax,
               c->absmax);
}

static bool wants_values(const struct check_line *c) {
  return c->finite || c->nonzero || c->has_min || c->has_max || c->has_absmax;
}

void match_checks(struct matcher *m) {
  const struct arch *arch = m->model->arch;
  uint64_t skipped = 0;
  for (uint32_t i = 0; i < m->model->num_expected && arch->num_checks; i++) {
    uint32_t tensor = m->out->tensor[i];
    struct span key = m->model->expected[i].key;
    if (tensor == MATCH_NO_TENSOR) continue;
    const struct plan_stats *s = m->plan->num_stats > tensor ? &m->plan->stats[tensor] : NULL;
    for (uint32_t k = 0; k < arch->num_checks; k++) {
      const struct check_line *c = &arch->checks[k];
      enum dtype dtype = (enum dtype)m->plan->tensors[tensor].dtype;
      if (!glob_match(c->glob, key)) continue;
      if (c->dtypes && !(c->dtypes >> dtype & 1))
        match_note(m, OBS_CHECK_DTYPE, key, 0, "%s, which the architecture file does not allow",
                   dtype_name(dtype));
      if (s && s->done)
        check_values(m, c, key, s);
      else
        skipped += wants_values(c);
    }
  }
  if (skipped) observe(m->o, (struct observation){.kind = OBS_CHECK_SKIPPED, .got = skipped});
}
