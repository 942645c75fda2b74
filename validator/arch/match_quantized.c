/* Weights as a quantiser has packed them: several tensors stand in the state dict instead of a "weight", and
 * from_pretrained builds other modules for them. What they are called and how long they must be, is told by
 * quantizers.def; which numbers they stand for, nobody here knows. */
#include "arch/match_parts.h"

/* How the integers of a [rows, columns] weight lie in the tensor that carries them. */
enum layout {
  LAYOUT_DOWN,   /* int32 [columns * bits / 32, rows]: packed along the inputs, transposed */
  LAYOUT_ACROSS, /* int32 [columns, rows * bits / 32]: packed along the outputs, transposed */
  LAYOUT_ROWS,   /* int32 [rows, columns * bits / 32] */
  LAYOUT_HALVES, /* uint8 of half as many elements, in any shape */
  LAYOUT_SAME,   /* one element each, in the same shape */
};

static const char *const endings[] = {
#define PART(ending) ending,
#include "arch/quantizers.def"
#undef PART
};
enum { ENDINGS = ARRAY_LEN(endings) };

static const struct method {
  const char *name, *carrier, *scale;
  enum layout layout;
} methods[] = {
#define QUANTIZER(name, carrier, scale, layout) {name, carrier, scale, LAYOUT_##layout},
#include "arch/quantizers.def"
#undef QUANTIZER
};

/* The tensors that stand for one weight, by ending; UINT32_MAX: not there. */
struct parts {
  uint32_t entry[ENDINGS];
};

struct packed {
  struct matcher *m;
  struct parts *parts; /* for each expected key; NULL: no entry looks like a part */
  uint32_t counts[ARRAY_LEN(methods)];
};

/* ---- which parts there are ---- */

static bool ready(struct packed *p) {
  if (p->parts) return true;
  p->parts = arena_array(p->m->arena, p->m->model->num_expected, struct parts);
  p->m->packed = arena_array(p->m->arena, p->m->model->num_expected, uint8_t);
  if (!p->parts || !p->m->packed) return false;
  memset(p->parts, 0xff, p->m->model->num_expected * sizeof *p->parts);
  return true;
}

/* "model.layers.0.mlp.up_proj.qzeros" is the part "qzeros" of the weight of that module. */
static bool place_part(struct packed *p, uint32_t i, size_t which) {
  struct matcher *m = p->m;
  struct span ending = span_str(endings[which]), name = m->names[i];
  if (!span_ends(name, ending) || name.n <= ending.n || name.p[name.n - ending.n - 1] != '.') return true;
  struct span module = span_first(name, name.n - ending.n),
              key = arena_printf(m->arena, "%.*sweight", (int)module.n, (const char *)module.p);
  uint32_t number = key.n ? match_key_number(m, key) : 0;
  if (key.n == 0) return false;
  if (!number || m->model->expected[number - 1].slot->ndim != 2) return true;
  if (!ready(p)) return false;
  p->parts[number - 1].entry[which] = m->dict->first_entry + i;
  return true;
}

static bool find_parts(struct packed *p) {
  for (uint32_t i = 0; i < p->m->dict->num_entries; i++) {
    if (p->m->number[i]) continue;
    for (size_t k = 0; k < ENDINGS; k++)
      if (!place_part(p, i, k)) return false;
  }
  return true;
}

static const struct plan_tensor *part(const struct packed *p, uint32_t number, const char *ending) {
  uint32_t entry = UINT32_MAX;
  if (strcmp(ending, "weight") == 0) entry = p->m->entry[number];
  for (size_t k = 0; k < ENDINGS; k++)
    if (strcmp(endings[k], ending) == 0) entry = p->parts[number].entry[k];
  uint32_t tensor = entry == UINT32_MAX ? UINT32_MAX : p->m->plan->entries[entry].tensor;
  return tensor == UINT32_MAX ? NULL : &p->m->plan->tensors[tensor];
}

/* ---- whether they are of the weight's size ---- */

/* Of 2, 3, 4 or 8 bits each, `n` integers fill `words` words of 32. */
static bool fills(uint64_t n, uint64_t words) {
  static const unsigned bits[] = {2, 3, 4, 8};
  uint64_t have;
  if (!try_mul(words, UINT64_C(32), &have)) return false;
  for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
    uint64_t want;
    if (try_mul(n, (uint64_t)bits[i], &want) && want <= have && have - want < 32) return true;
  }
  return false;
}

static bool fits(const struct matcher *m, const struct method *how, const struct expected *e,
                 const struct plan_tensor *t) {
  const uint64_t *d = m->plan->dims + t->first_dim;
  bool turned = span_is(module_class(e->module), "Conv1D");
  uint64_t rows = e->slot->sizes[turned], columns = e->slot->sizes[!turned];
  bool words = t->dtype == DTYPE_I32 && t->ndim == 2;
  switch (how->layout) {
  case LAYOUT_DOWN: return words && d[1] == rows && fills(columns, d[0]);
  case LAYOUT_ACROSS: return words && d[0] == columns && fills(rows, d[1]);
  case LAYOUT_ROWS: return words && d[0] == rows && fills(columns, d[1]);
  case LAYOUT_HALVES: return t->dtype == DTYPE_U8 && t->numel == e->slot->numel / 2 + e->slot->numel % 2;
  case LAYOUT_SAME: return dtype_size((enum dtype)t->dtype) == 1 && match_same_sizes(m->plan, e->slot, t);
  }
  return false;
}

/* [groups, rows], where integers are packed and turned. */
static bool scales_fit(const struct matcher *m, const struct method *how, const struct expected *e,
                       const struct plan_tensor *scales) {
  if (how->layout != LAYOUT_DOWN && how->layout != LAYOUT_ACROSS) return true;
  bool turned = span_is(module_class(e->module), "Conv1D");
  const uint64_t *d = m->plan->dims + scales->first_dim;
  return scales->ndim == 2 && d[1] == e->slot->sizes[turned] && d[0] <= e->slot->sizes[!turned];
}

/* The method whose tensors are all there, and are of this weight's size if any method's are; NULL: none. */
static const struct method *method_of(const struct packed *p, uint32_t number, bool *right) {
  const struct method *found = NULL;
  *right = false;
  for (size_t k = 0; k < ARRAY_LEN(methods) && !*right; k++) {
    const struct plan_tensor *carrier = part(p, number, methods[k].carrier),
                             *scales = part(p, number, methods[k].scale);
    const struct expected *e = &p->m->model->expected[number];
    if (!carrier || !scales) continue;
    *right = fits(p->m, &methods[k], e, carrier) && scales_fit(p->m, &methods[k], e, scales);
    if (*right || !found) found = &methods[k];
  }
  return found;
}

/* ---- what they do to the match ---- */

/* The weight is there, and its parts are expected. */
static void take(struct packed *p, uint32_t number, const struct method *how, bool right) {
  struct matcher *m = p->m;
  for (size_t k = 0; k < ENDINGS; k++) {
    uint32_t entry = p->parts[number].entry[k];
    if (entry == UINT32_MAX) continue;
    m->number[entry - m->dict->first_entry] = number + 1;
    if (strcmp(endings[k], how->carrier) == 0) m->entry[number] = entry;
  }
  m->packed[number] = right ? PACKED_RIGHT : PACKED_WRONG;
  p->counts[how - methods]++;
}

/* "qweight, qzeros, scales": those of the first weight that is packed so. */
static struct span parts_text(const struct packed *p, const struct method *how) {
  struct span all = SPAN("");
  bool right;
  for (uint32_t i = 0; i < p->m->model->num_expected; i++) {
    if (!p->m->packed[i] || method_of(p, i, &right) != how) continue;
    for (size_t k = 0; k < ENDINGS; k++)
      if (p->parts[i].entry[k] != UINT32_MAX)
        all = arena_printf(p->m->arena, "%.*s%s%s", (int)all.n, (const char *)all.p, all.n ? ", " : "",
                           endings[k]);
    break;
  }
  return all;
}

static void note_methods(const struct packed *p) {
  const struct model *model = p->m->model;
  bool untold = model->config_json && model->quantized.n == 0;
  for (size_t k = 0; k < ARRAY_LEN(methods); k++) {
    if (p->counts[k] == 0) continue;
    struct span parts = parts_text(p, &methods[k]);
    match_note(p->m, untold ? OBS_MATCH_PACKED_UNTOLD : OBS_MATCH_PACKED_AS, span_str(methods[k].name),
               p->counts[k], "%.*s", (int)parts.n, (const char *)parts.p);
  }
}

bool match_quantized(struct matcher *m) {
  struct packed p = {.m = m};
  bool right, any = false;
  if (!find_parts(&p)) return false;
  if (!p.parts) return true;
  for (uint32_t i = 0; i < m->model->num_expected; i++) {
    const struct method *how = method_of(&p, i, &right);
    if (how) take(&p, i, how, right);
    any = any || how;
  }
  if (!any) m->packed = NULL;
  if (any && !m->options->counts_only) note_methods(&p);
  return true;
}
