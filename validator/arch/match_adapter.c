/* Adapters of PEFT (LoRA): no model, but two small factors for each of some weights of one. A [rank, inputs]
 * and B [outputs, rank] are compared with the weight that they change: names and sizes as peft's
 * get_peft_model_state_dict has them. */
#include "arch/adapter.h"
#include "arch/match_parts.h"

static const struct {
  const char *text;
  int half;
} marks[] = {
    {".lora_A.", HALF_A}, {".lora_B.", HALF_B}, {".lora_embedding_A", HALF_A}, {".lora_embedding_B", HALF_B}};

struct adapter {
  struct matcher *m;
  uint32_t *half[HALVES]; /* for each expected key: the entry, or UINT32_MAX */
  uint64_t least, most;   /* ranks */
};

int adapter_half(struct span name, size_t *at) {
  for (size_t k = 0; k < ARRAY_LEN(marks); k++) {
    const uint8_t *found = name.n ? memmem(name.p, name.n, marks[k].text, strlen(marks[k].text)) : NULL;
    if (!found) continue;
    *at = (size_t)(found - name.p);
    return marks[k].half;
  }
  return HALVES;
}

struct span adapter_key(struct span name) {
  static const struct span front = {(const uint8_t *)"base_model.model.", 17};
  return span_starts(name, front) ? span_from(name, front.n) : name;
}

bool match_is_adapter(const struct matcher *m) {
  uint32_t n = 0;
  size_t at;
  for (uint32_t i = 0; i < m->dict->num_entries; i++) n += adapter_half(m->names[i], &at) != HALVES;
  return n > 0 && n >= m->dict->num_entries - n;
}

/* The weight of that name, whether the model is the base model alone or has a head. */
static uint32_t weight_number(struct matcher *m, struct span key) {
  struct span base = m->model->arch->base_prefix;
  uint32_t number = match_key_number(m, key);
  if (number || base.n == 0) return number;
  if (span_starts(key, base)) return match_key_number(m, span_from(key, base.n));
  return match_key_number(m, arena_printf(m->arena, "%.*s%.*s", (int)base.n, (const char *)base.p,
                                          (int)min_size(key.n, 4000), (const char *)key.p));
}

/* What is no factor: a magnitude of DoRA, or a module that was trained as a whole. */
static void place_other(struct matcher *m, uint32_t i) {
  static const char magnitude[] = ".lora_magnitude_vector";
  struct span name = m->names[i];
  const uint8_t *found = name.n ? memmem(name.p, name.n, magnitude, sizeof magnitude - 1) : NULL;
  struct span module = span_first(name, found ? (size_t)(found - name.p) : 0);
  uint32_t entry = m->dict->first_entry + i, tensor = m->plan->entries[entry].tensor;
  uint32_t number =
      found ? weight_number(m, arena_printf(m->arena, "%.*s.weight", (int)module.n, (const char *)module.p))
            : weight_number(m, name);
  if (!number || tensor == UINT32_MAX) {
    m->out->unexpected++;
    match_add_problem(m, OBS_MATCH_UNEXPECTED, NULL, entry);
    return;
  }
  const struct expected *e = &m->model->expected[number - 1];
  if (found || match_same_sizes(m->plan, e->slot, &m->plan->tensors[tensor])) return;
  m->out->misshapen++;
  match_add_problem(m, OBS_MATCH_SHAPE, e, entry);
}

static void place(struct adapter *a, uint32_t i) {
  struct matcher *m = a->m;
  size_t at = 0;
  int half = adapter_half(m->names[i], &at);
  uint32_t entry = m->dict->first_entry + i;
  if (half == HALVES) {
    place_other(m, i);
    return;
  }
  struct span key = arena_printf(m->arena, "%.*s.weight", (int)at, (const char *)m->names[i].p);
  uint32_t number = key.n && m->plan->entries[entry].tensor != UINT32_MAX ? weight_number(m, key) : 0;
  if (!number) {
    m->out->unexpected++;
    match_add_problem(m, OBS_MATCH_UNEXPECTED, NULL, entry);
    return;
  }
  a->half[half][number - 1] = entry;
}

/* [rank, inputs] and [outputs, rank], of convolutions with their kernel behind. A table's rows are its
 * inputs. */
static bool fits(struct adapter *a, const struct expected *e, const struct plan_tensor *in,
                 const struct plan_tensor *out) {
  const uint64_t *dims = a->m->plan->dims, *x = dims + in->first_dim, *y = dims + out->first_dim;
  struct span class = module_class(e->module);
  bool turned = span_is(class, "Conv1D") || span_is(class, "Embedding");
  if (in->ndim < 2 || out->ndim < 2 || e->slot->ndim < 2 || x[0] != y[1]) return false;
  if (x[1] != e->slot->sizes[!turned] || y[0] != e->slot->sizes[turned]) return false;
  a->least = a->most ? min_u64(a->least, x[0]) : x[0];
  a->most = max_u64(a->most, x[0]);
  return true;
}

static void judge(struct adapter *a, uint32_t i) {
  struct matcher *m = a->m;
  const struct plan_tensor *t[HALVES] = {0};
  const struct expected *e = &m->model->expected[i];
  uint32_t there = UINT32_MAX, n = 0;
  for (int h = 0; h < HALVES; h++) {
    uint32_t entry = a->half[h][i];
    if (entry == UINT32_MAX) continue;
    t[h] = &m->plan->tensors[m->plan->entries[entry].tensor];
    there = entry;
    n++;
  }
  if (n == 0) return;
  if (n == HALVES && fits(a, e, t[HALF_A], t[HALF_B])) {
    m->out->adapted++;
    for (int h = 0; h < HALVES; h++)
      if (!try_add(m->out->params_loaded, t[h]->numel, &m->out->params_loaded))
        m->out->params_loaded = UINT64_MAX;
    return;
  }
  m->out->misshapen++;
  match_add_problem(m, n == HALVES ? OBS_MATCH_ADAPTER_SHAPE : OBS_MATCH_ADAPTER_HALF, e, there);
}

/* "q_proj, v_proj": the last names of the modules that are adapted, the first eight. */
static struct span modules_text(const struct adapter *a) {
  enum { SHOWN = 8 };
  struct span seen[SHOWN], all = SPAN("");
  uint32_t n = 0;
  for (uint32_t i = 0; i < a->m->model->num_expected && n < SHOWN; i++) {
    if (a->half[HALF_A][i] == UINT32_MAX && a->half[HALF_B][i] == UINT32_MAX) continue;
    struct span name = a->m->model->expected[i].module->name;
    uint32_t k = 0;
    while (k < n && !span_eq(seen[k], name)) k++;
    if (k < n) continue;
    seen[n++] = name;
    all = arena_printf(a->m->arena, "%.*s%s%.*s", (int)all.n, (const char *)all.p, all.n ? ", " : "",
                       (int)min_size(name.n, 60), (const char *)name.p);
  }
  return all;
}

static void note(const struct adapter *a) {
  struct span modules = modules_text(a);
  struct arena *mem = a->m->arena;
  struct span rank = a->least == a->most
                         ? arena_printf(mem, "rank %llu", (unsigned long long)a->most)
                         : arena_printf(mem, "ranks %llu to %llu", (unsigned long long)a->least,
                                        (unsigned long long)a->most);
  if (a->most)
    match_note(a->m, OBS_MATCH_ADAPTER, rank, a->m->out->adapted, "%.*s", (int)modules.n,
               (const char *)modules.p);
}

bool match_adapter(struct matcher *m) {
  struct adapter a = {.m = m};
  uint32_t n = m->model->num_expected, *tensor = arena_array(m->arena, n, uint32_t);
  for (int h = 0; h < HALVES; h++) {
    a.half[h] = arena_array(m->arena, n, uint32_t);
    if (!a.half[h]) return false;
  }
  if (!tensor) return false;
  for (uint32_t i = 0; i < n; i++) {
    tensor[i] = MATCH_NO_TENSOR;
    m->entry[i] = a.half[HALF_A][i] = a.half[HALF_B][i] = UINT32_MAX;
  }
  m->out->tensor = tensor;
  m->out->keys = m->dict->num_entries;
  m->out->adapter = true;
  for (uint32_t i = 0; i < m->dict->num_entries; i++) {
    m->names[i] = adapter_key(m->names[i]);
    place(&a, i);
  }
  for (uint32_t i = 0; i < n; i++) judge(&a, i);
  m->out->matched = m->out->adapted;
  m->out->num_expected = m->out->adapted + m->out->misshapen;
  m->out->loads_strict = false;
  if (m->options->counts_only) return true;
  note(&a);
  return match_fold(m);
}
