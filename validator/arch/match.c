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

/* ---- key by key ---- */

void match_add_problem(struct matcher *m, enum obs_kind kind, const struct expected *e, uint32_t entry) {
  struct problem *p = vec_push(m->arena, &m->problems, UINT32_MAX);
  if (p)
    *p = (struct problem){kind, e ? (uint32_t)(e - m->model->expected) : UINT32_MAX, entry};
  else
    m->o->lost = true;
}

static bool matches_any(const struct names *globs, struct span name) {
  for (uint32_t i = 0; i < globs->n; i++)
    if (glob_match(globs->list[i], name)) return true;
  return false;
}

bool match_same_sizes(const struct plan *p, const struct slot *slot, const struct plan_tensor *t) {
  return t->ndim == slot->ndim &&
         (t->ndim == 0 || memcmp(p->dims + t->first_dim, slot->sizes, t->ndim * sizeof *slot->sizes) == 0);
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

static void check_shape(struct matcher *m, const struct expected *e, uint32_t entry,
                        const struct plan_tensor *t) {
  if (match_same_sizes(m->plan, e->slot, t)) {
    count_loaded(m, e);
    return;
  }
  bool scalar = e->slot->ndim == 0 && t->ndim == 1 && t->numel > 0;
  if (scalar)
    count_loaded(m, e);
  else
    count_misshapen(m, e);
  match_add_problem(m, scalar ? OBS_MATCH_SCALAR : OBS_MATCH_SHAPE, e, entry);
}

static bool dtype_usual(enum dtype d) { return d == DTYPE_F32 || d == DTYPE_F16 || d == DTYPE_BF16; }

static void check_dtype(struct matcher *m, const struct expected *e, uint32_t entry, enum dtype found) {
  bool is_float = dtype_table[found].cls == DT_FLOAT;
  switch (e->slot->rule) {
  case SLOT_ANY: break;
  case SLOT_EXACT:
    if (found != e->slot->dtype) match_add_problem(m, OBS_MATCH_DTYPE, e, entry);
    break;
  case SLOT_FLOAT:
    if (!is_float || !dtype_usual(found))
      match_add_problem(m, is_float ? OBS_MATCH_WIDE_DTYPE : OBS_MATCH_DTYPE, e, entry);
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
    if (entry != UINT32_MAX) {
      *tensor = m->plan->entries[entry].tensor;
      m->out->forgiven++;
      return true;
    }
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
  if (matches_any(&m->options->ignore_missing, e->key))
    m->out->waived++;
  else
    match_add_problem(m, OBS_MATCH_MISSING, e, UINT32_MAX);
}

/* torch/nn/modules/batchnorm.py, _load_from_state_dict: torch takes it without these counters, unless the
 * state dict carries _metadata of version 2. */
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

/* (weight, bias) at a row: the tensor of the weight, or MATCH_NO_TENSOR. */
static uint32_t packed_weight(const struct plan *p, uint32_t row, const struct slot *slot) {
  uint32_t weight = plan_child(p, row, SPAN("0")), bias = plan_child(p, row, SPAN("1"));
  if (weight == UINT32_MAX || bias == UINT32_MAX || p->values[weight].kind != PLAN_VAL_TENSOR)
    return MATCH_NO_TENSOR;
  if (p->values[bias].kind != (slot->packs_bias ? PLAN_VAL_TENSOR : PLAN_VAL_NONE)) return MATCH_NO_TENSOR;
  return (uint32_t)p->values[weight].number;
}

/* An entry that is no tensor in the model. */
static void check_other(struct matcher *m, const struct expected *e, uint32_t entry, uint32_t *tensor) {
  const struct plan_entry *found = &m->plan->entries[entry];
  if (e->slot->holds == HOLDS_PACKED) *tensor = packed_weight(m->plan, found->value, e->slot);
  if (e->slot->holds == HOLDS_PLAIN ? found->tensor != UINT32_MAX : *tensor == MATCH_NO_TENSOR) {
    match_add_problem(m, OBS_MATCH_OTHER_VALUE, e, entry);
    count_misshapen(m, e);
  } else if (e->slot->holds == HOLDS_PACKED) {
    check_shape(m, e, entry, &m->plan->tensors[*tensor]);
  } else {
    count_loaded(m, e);
  }
}

static void check_packed(struct matcher *m, uint32_t i) {
  const struct expected *e = &m->model->expected[i];
  if (m->packed[i] == PACKED_RIGHT) {
    m->out->packed++;
    count_loaded(m, e);
  } else {
    count_misshapen(m, e);
    match_add_problem(m, OBS_MATCH_PACKED, e, m->entry[i]);
  }
}

static void check_key(struct matcher *m, uint32_t i, uint32_t *tensor) {
  const struct expected *e = &m->model->expected[i];
  *tensor = MATCH_NO_TENSOR;
  if (m->packed && m->packed[i]) {
    check_packed(m, i);
    return;
  }
  if (m->entry[i] == UINT32_MAX) {
    if (!may_be_absent(m, i, tensor)) note_missing(m, e);
    return;
  }
  const struct plan_entry *entry = &m->plan->entries[m->entry[i]];
  if (e->slot->holds != HOLDS_TENSOR) {
    check_other(m, e, m->entry[i], tensor);
    return;
  }
  if (entry->tensor == UINT32_MAX) {
    match_add_problem(m, OBS_MATCH_NOT_TENSOR, e, m->entry[i]);
    count_misshapen(m, e);
    return;
  }
  const struct plan_tensor *t = &m->plan->tensors[entry->tensor];
  *tensor = entry->tensor;
  check_shape(m, e, m->entry[i], t);
  check_dtype(m, e, m->entry[i], (enum dtype)t->dtype);
}

/* An alias that the file's module lines leave out; NULL where the name is none. */
static const struct model_tie *alias_of(const struct matcher *m, struct span name) {
  for (uint32_t i = 0; i < m->model->num_ties; i++)
    if (span_eq(m->model->ties[i].line->alias, name)) return &m->model->ties[i];
  return NULL;
}

/* The model has it all the same, if it has what the alias is tied to. */
static bool has_left_out(const struct matcher *m, const struct model_tie *tie) {
  return tie->alias == 0 && keys_find(&m->model->keys, 0, tie->line->target) != 0;
}

static void check_unexpected(struct matcher *m) {
  for (uint32_t i = 0; i < m->model->num_ties; i++) m->out->forgiven += has_left_out(m, &m->model->ties[i]);
  for (uint32_t i = 0; i < m->dict->num_entries; i++) {
    uint32_t entry = m->dict->first_entry + i, tensor = m->plan->entries[entry].tensor;
    if (m->number[i]) continue;
    const struct model_tie *tie = alias_of(m, m->names[i]);
    if (tie) {
      if (!has_left_out(m, tie))
        m->out->forgiven++;
      else if (m->out->forgiven)
        m->out->forgiven--;
      continue;
    }
    if (matches_any(&m->model->arch->ignore, m->names[i])) {
      m->out->forgiven++;
      continue;
    }
    m->out->unexpected++;
    if (tensor != UINT32_MAX &&
        !try_add(m->out->params_ignored, m->plan->tensors[tensor].numel, &m->out->params_ignored))
      m->out->params_ignored = UINT64_MAX;
    if (matches_any(&m->options->ignore_unexpected, m->names[i]))
      m->out->waived++;
    else
      match_add_problem(m, OBS_MATCH_UNEXPECTED, NULL, entry);
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
 * tensor. Behind a prefix or a wrapper it forgives everything and loads next to nothing: that is not called
 * loading. */
static void judge(struct match *out) {
  bool changed = out->dict->joined || out->renamed || out->unwrapped || out->prefix_removed.n ||
                 out->prefix_added.n || out->packed;
  bool complete = out->missing == 0 && out->unexpected == 0 && out->misshapen == 0 && out->forgiven == 0 &&
                  out->loads_strict;
  out->loads_after_fix = complete && !out->packed;
  out->loads_strict = complete && !changed;
  out->loads_loose = !changed && out->misshapen == 0;
}

/* The dtype that the config file names, against that of the weights. */
static void note_config_dtype(struct matcher *m) {
  uint64_t counts[DTYPE_COUNT] = {0}, all = 0;
  struct span name = m->model->dtype;
  enum dtype most = DTYPE_NONE,
             want = dtype_by_name(span_starts(name, SPAN("torch.")) ? span_from(name, 6) : name);
  if (want == DTYPE_NONE) return; /* "auto" */
  for (uint32_t i = 0; i < m->model->num_expected; i++) {
    if (m->model->expected[i].slot->buffer || m->out->tensor[i] == MATCH_NO_TENSOR) continue;
    enum dtype d = (enum dtype)m->plan->tensors[m->out->tensor[i]].dtype;
    all++;
    if (++counts[d] > counts[most]) most = d;
  }
  if (all == counts[want]) return;
  observe(m->o, (struct observation){.kind = OBS_MATCH_CONFIG_DTYPE,
                                     .subject = name,
                                     .got = all - counts[want],
                                     .want = all,
                                     .detail = span_str(dtype_name(most))});
}

/* What the config says, where no weight is packed in a way that is known. */
static void note_quantized(struct matcher *m) {
  const struct match *out = m->out;
  bool differs = out->missing + out->unexpected + out->misshapen != 0;
  if (m->model->quantized.n && !m->packed)
    observe(m->o, (struct observation){.kind = differs ? OBS_MATCH_QUANTIZED : OBS_MATCH_NOT_PACKED,
                                       .subject = m->model->quantized});
}

static void note_waived(struct matcher *m) {
  if (m->out->waived) observe(m->o, (struct observation){.kind = OBS_MATCH_WAIVED, .got = m->out->waived});
}

/* Another model altogether: its keys and the model's would be two walls of text. */
static bool note_nothing(struct matcher *m) {
  enum { WALL = 16 };
  const struct match *out = m->out;
  if (out->matched || out->misshapen || out->waived || !out->missing || !out->unexpected ||
      m->problems.n < WALL)
    return false;
  struct span found = m->names[0], want = m->model->expected[0].key;
  match_note(m, OBS_MATCH_NOTHING, m->model->root_name, out->unexpected,
             "the checkpoint's begin with %.*s, the model's with %.*s", (int)min_size(found.n, 200),
             (const char *)found.p, (int)min_size(want.n, 200), (const char *)want.p);
  return true;
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
  if (!m.names || !m.number || !m.entry || !plan_bytes_open(&m.bytes, plan, options->file, a, o) ||
      !match_read_names(&m))
    return false;
  if (match_is_adapter(&m)) return match_adapter(&m);
  match_find_names(&m);
  if (!match_quantized(&m) || !check_keys(&m)) return false;
  judge(out);
  if (options->counts_only) return true;
  note_waived(&m);
  note_quantized(&m);
  note_config_dtype(&m);
  if (!match_note_order(&m) && note_nothing(&m)) return true;
  if (!match_fold(&m)) return false;
  match_ties(&m);
  match_constants(&m);
  match_checks(&m);
  match_resume(&m);
  if (!match_fields(&m) || !match_optimizer(&m)) return false;
  match_note_unread(&m);
  return true;
}
