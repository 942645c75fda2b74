/* What the one pass over the numbers found in the weights of a state dict. */
#include "rules/facts.h"

enum { FEW = 16 }; /* fewer elements than this may be equal, or zero, by chance */

struct weight {
  const struct plan *plan;
  const struct plan_tensor *tensor;
  const struct plan_stats *stats;
  struct span name;
  struct arena *arena;
  struct observations *o;
};

static void note(const struct weight *w, enum obs_kind kind, uint64_t got, uint64_t want) {
  observe(w->o, (struct observation){.kind = kind, .subject = w->name, .got = got, .want = want});
}

static void note_real(const struct weight *w, enum obs_kind kind, double x, const char *behind) {
  struct span detail = will_list(w->o, kind) ? arena_printf(w->arena, "%.6g%s", x, behind) : SPAN("");
  observe(w->o, (struct observation){.kind = kind, .subject = w->name, .detail = detail});
}

static bool is_weight(const struct weight *w) { return span_ends(w->name, SPAN("weight")); }

static bool is_float(const struct weight *w) { return dtype_table[w->tensor->dtype].cls == DT_FLOAT; }

static void look_at_finiteness(const struct weight *w) {
  const struct plan_stats *s = w->stats;
  if (s->nan_count) note(w, OBS_WEIGHTS_NAN, s->nan_count, s->count);
  if (s->inf_count) note(w, OBS_WEIGHTS_INF, s->inf_count, s->count);
}

/* A bias, or a buffer of the norm family, starts at zero and may stay there; a norm's weight starts at one.
 * Rows of zeros: an embedding has one for its padding, vocabularies are padded to round numbers; more than a
 * tenth is pruned, or dead. */
static void look_at_sameness(const struct weight *w) {
  const struct plan_stats *s = w->stats;
  if (!is_weight(w) || s->count < FEW || s->finite != s->count) return;
  if (s->zero_count == s->count)
    note(w, OBS_WEIGHTS_ZERO, 0, s->count);
  else if (w->tensor->ndim >= 2 && is_float(w) && s->min >= s->max)
    note_real(w, OBS_WEIGHTS_CONSTANT, s->min, "");
  else if (s->zero_rows > 1 && w->tensor->ndim >= 2) {
    uint64_t rows = w->plan->dims[w->tensor->first_dim];
    if (s->zero_rows > rows / 10) note(w, OBS_WEIGHTS_ZERO_ROWS, s->zero_rows, rows);
  }
}

/* Beyond 1e30 is memory that nobody filled, or another dtype's or byte order's bits. Buffers may hold what
 * masks need. A tenth of subnormals is no accident of rounding: decay drives weights there, and processors
 * crawl. */
static void look_at_size(const struct weight *w) {
  const struct plan_stats *s = w->stats;
  bool learned = is_weight(w) || span_ends(w->name, SPAN("bias")) ||
                 span_ends(w->name, SPAN("running_mean")) || span_ends(w->name, SPAN("running_var"));
  if (!is_float(w) || !s->finite) return;
  if (learned && s->absmax > 1e30) note_real(w, OBS_WEIGHTS_EXTREME, s->absmax, "");
  if (s->count >= FEW && s->subnormal_count > s->count / 10)
    note(w, OBS_WEIGHTS_SUBNORMAL, s->subnormal_count, s->count);
}

/* From which magnitude on rounding to nearest, ties to even, gives infinity; and up to which it gives zero.
 */
struct narrow {
  enum dtype dtype;
  double infinite, zero;
  const char *behind;
};

static const struct narrow narrow_types[] = {{DTYPE_F16, 65520, 0x1p-25, " in float16"},
                                             {DTYPE_BF16, 0x1.ffp127, 0x1p-134, " in bfloat16"}};

static void look_at_cast(const struct weight *w, enum dtype target) {
  const struct plan_stats *s = w->stats;
  if (!is_float(w) || !s->finite || w->tensor->dtype == target) return;
  for (size_t i = 0; i < ARRAY_LEN(narrow_types); i++) {
    const struct narrow *n = &narrow_types[i];
    if (n->dtype != target) continue;
    if (s->absmax >= n->infinite) note_real(w, OBS_WEIGHTS_CAST_INF, s->absmax, n->behind);
    if (s->absmax > 0 && s->absmax <= n->zero) note_real(w, OBS_WEIGHTS_CAST_ZERO, s->absmax, n->behind);
  }
}

/* A byte that is neither is undefined behaviour to compiled code, and true to some of it only. */
static void look_at_bool(const struct weight *w) {
  const struct plan_stats *s = w->stats;
  if (w->tensor->dtype == DTYPE_BOOL && s->finite && s->max > 1) note_real(w, OBS_WEIGHTS_BOOL, s->max, "");
}

static void look_at_weight(const struct weight *w, enum dtype target) {
  look_at_finiteness(w);
  look_at_sameness(w);
  look_at_size(w);
  look_at_cast(w, target);
  look_at_bool(w);
  if (w->stats->finite && w->stats->min < 0 && span_ends(w->name, SPAN("running_var")))
    note(w, OBS_WEIGHTS_NEGATIVE_VAR, 0, w->stats->count);
}

void check_numbers(const struct facts *f, struct observations *o) {
  const struct plan *p = f->plan;
  if (!p || p->num_stats == 0 || p->num_dicts == 0) return;
  const struct plan_dict *d = &p->dicts[0];
  for (uint32_t i = 0; i < d->num_entries; i++) {
    const struct plan_entry *e = &p->entries[d->first_entry + i];
    if (e->tensor == UINT32_MAX || !p->stats[e->tensor].done) continue;
    const struct weight w = {.plan = p,
                             .tensor = &p->tensors[e->tensor],
                             .stats = &p->stats[e->tensor],
                             .name = plan_span(p, e->name),
                             .arena = f->checkpoint->arena,
                             .o = o};
    look_at_weight(&w, f->target);
  }
}
