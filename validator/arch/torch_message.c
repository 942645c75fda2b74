#include "arch/torch_message.h"

#include <stdarg.h>
#include <stdlib.h>

enum { LINE_BYTES = 60000, SPARE = 64 };

/* A line that grows; what is beyond its cap is counted. */
struct line {
  uint8_t *p;
  size_t n, cap;
  uint64_t more; /* keys left out */
};

struct messages {
  const struct model *model;
  const struct plan *plan;
  const struct plan_dict *dict;
  struct arena *arena;
  size_t room;   /* bytes, for further lines … */
  uint64_t more; /* … and lines that had none */
  VEC(struct span) lines;
  uint32_t *entry; /* of each expected key; UINT32_MAX: none */
};

/* ---- lines ---- */

static void append(struct line *line, const char *format, ...) PRINTF_LIKE(2, 3);

/* All of it, or nothing: a line that is full only counts. */
static void append(struct line *line, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf((char *)line->p + line->n, line->cap - line->n, format, ap);
  va_end(ap);
  if (line->more || n < 0 || (size_t)n >= line->cap - line->n)
    line->more++;
  else
    line->n += (size_t)n;
}

static bool begin(struct messages *m, struct line *line) {
  *line = (struct line){.p = arena_alloc(m->arena, LINE_BYTES + SPARE, 1, 1), .cap = LINE_BYTES};
  return line->p != NULL;
}

/* Lines beyond the room for all of them are only counted. */
static bool finish(struct messages *m, struct line *line, const char *end) {
  uint64_t more = line->more;
  line->cap += SPARE;
  line->more = 0;
  if (more) append(line, " … and %llu more", (unsigned long long)more);
  append(line, "%s", end);
  if (line->n > m->room) {
    m->more++;
    return true;
  }
  m->room -= line->n;
  struct span *slot = vec_push(m->arena, &m->lines, UINT32_MAX);
  return slot && arena_copy(m->arena, span_of(line->p, line->n), slot);
}

static void append_key(struct line *line, struct span key, bool first, char quote) {
  append(line, "%s%c%.*s%c", first ? "" : ", ", quote, (int)min_size(key.n, 4096), (const char *)key.p,
         quote);
}

/* ---- the keys ---- */

struct stray {
  uint32_t module, entry; /* where torch finds it: by the order of modules */
};

struct findings {
  uint32_t *missing, num_missing; /* expected keys */
  struct stray *strays;
  uint32_t num_strays;
};

static int compare_strays(const void *a, const void *b) {
  const struct stray *x = a, *y = b;
  if (x->module != y->module) return x->module < y->module ? -1 : 1;
  return (x->entry > y->entry) - (x->entry < y->entry);
}

static struct span entry_name(const struct messages *m, uint32_t entry) {
  return plan_span(m->plan, m->plan->entries[entry].name);
}

/* The module whose turn it is when torch finds the key to be nobody's. */
static const struct module *finder(const struct model *model, struct span name) {
  const struct module *at = model->root;
  for (const uint8_t *dot; (dot = memchr(name.p, '.', name.n)) != NULL;) {
    struct span part = span_first(name, (size_t)(dot - name.p));
    const struct module *child = module_child(model, at, part);
    if (!child || child->kind == MODULE_ABSENT) break;
    at = child;
    name = span_from(name, part.n + 1);
  }
  return at;
}

/* The numbers of modules in the order in which torch visits them. */
static uint32_t *visits(struct messages *m) {
  uint32_t ids = 0, n = 0;
  for (const struct module *x = m->model->root; x; x = module_next(x))
    if (x->id >= ids) ids = x->id + 1;
  uint32_t *order = arena_array(m->arena, ids, uint32_t);
  for (const struct module *x = m->model->root; order && x; x = module_next(x)) order[x->id] = n++;
  return order;
}

static bool find_keys(struct messages *m, struct findings *f) {
  uint32_t *order = visits(m);
  m->entry = arena_array(m->arena, m->model->num_expected, uint32_t);
  f->missing = arena_array(m->arena, m->model->num_expected, uint32_t);
  f->strays = arena_array(m->arena, m->dict->num_entries, struct stray);
  if (!order || !m->entry || !f->missing || !f->strays) return false;
  for (uint32_t i = 0; i < m->model->num_expected; i++) m->entry[i] = UINT32_MAX;
  for (uint32_t i = 0; i < m->dict->num_entries; i++) {
    uint32_t entry = m->dict->first_entry + i;
    struct span name = entry_name(m, entry);
    uint32_t number = keys_find(&m->model->keys, 0, name);
    if (number)
      m->entry[number - 1] = entry;
    else
      f->strays[f->num_strays++] = (struct stray){order[finder(m->model, name)->id], entry};
  }
  qsort(f->strays, f->num_strays, sizeof *f->strays, compare_strays);
  for (uint32_t i = 0; i < m->model->num_expected; i++) {
    const struct slot *slot = m->model->expected[i].slot;
    /* BatchNorm takes state dicts from before its counter. */
    bool counter = span_is(slot->name, "num_batches_tracked") && !m->dict->metadata;
    if (m->entry[i] == UINT32_MAX && !slot->optional && !counter) f->missing[f->num_missing++] = i;
  }
  return true;
}

/* ---- the messages ---- */

static bool tell_missing(struct messages *m, const struct findings *f) {
  struct line line;
  if (f->num_missing == 0) return true;
  if (!begin(m, &line)) return false;
  append(&line, "Missing key(s) in state_dict: ");
  for (uint32_t i = 0; i < f->num_missing; i++)
    append_key(&line, m->model->expected[f->missing[i]].key, i == 0, '"');
  return finish(m, &line, ". ");
}

static bool tell_unexpected(struct messages *m, const struct findings *f) {
  struct line line;
  if (f->num_strays == 0) return true;
  if (!begin(m, &line)) return false;
  append(&line, "Unexpected key(s) in state_dict: ");
  for (uint32_t i = 0; i < f->num_strays; i++)
    append_key(&line, entry_name(m, f->strays[i].entry), i == 0, '"');
  return finish(m, &line, ". ");
}

static void append_sizes(struct line *line, const uint64_t *sizes, uint32_t ndim) {
  append(line, "torch.Size([");
  for (uint32_t i = 0; i < ndim; i++) append(line, i ? ", %llu" : "%llu", (unsigned long long)sizes[i]);
  append(line, "])");
}

static const char *python_type(const struct plan *p, uint32_t row, char out[200]) {
  static const char *const names[PLAN_VAL_KINDS] = {
      [PLAN_VAL_NONE] = "NoneType",
      [PLAN_VAL_BOOL] = "bool",
      [PLAN_VAL_INT] = "int",
      [PLAN_VAL_BIGINT] = "int",
      [PLAN_VAL_FLOAT] = "float",
      [PLAN_VAL_TEXT] = "str",
      [PLAN_VAL_BYTES] = "bytes",
      [PLAN_VAL_TUPLE] = "tuple",
      [PLAN_VAL_LIST] = "list",
      [PLAN_VAL_DICT] = "dict",
      [PLAN_VAL_SET] = "set",
      [PLAN_VAL_RECORD] = "object",
      [PLAN_VAL_ARRAY] = "numpy.ndarray",
      [PLAN_VAL_TENSOR] = "torch.Tensor",
      [PLAN_VAL_STORAGE] = "torch.Storage",
      [PLAN_VAL_GLOBAL] = "type",
      [PLAN_VAL_DTYPE] = "torch.dtype",
      [PLAN_VAL_DEVICE] = "torch.device",
      [PLAN_VAL_SIZE] = "torch.Size",
      [PLAN_VAL_SHARED] = "object",
      [PLAN_VAL_CUT] = "object",
  };
  const struct plan_value *v = &p->values[plan_resolve(p, row)];
  struct span cls = plan_span(p, v->cls);
  bool own = cls.n && (v->kind == PLAN_VAL_RECORD || v->kind == PLAN_VAL_DICT);
  (void)snprintf(out, 200, "<class '%.*s'>", own ? (int)min_size(cls.n, 180) : (int)strlen(names[v->kind]),
                 own ? (const char *)cls.p : names[v->kind]);
  return out;
}

static bool tell_value(struct messages *m, const struct expected *e, uint32_t entry) {
  struct line line;
  char type[200];
  if (!begin(m, &line)) return false;
  append(&line,
         "While copying the parameter named \"%.*s\", expected torch.Tensor or Tensor-like object from "
         "checkpoint but received %s",
         (int)min_size(e->key.n, 4096), (const char *)e->key.p,
         python_type(m->plan, m->plan->entries[entry].value, type));
  return finish(m, &line, "");
}

static bool tell_size(struct messages *m, const struct expected *e, const struct plan_tensor *t) {
  const uint64_t *found = m->plan->dims + t->first_dim;
  struct line line;
  bool same = t->ndim == e->slot->ndim &&
              (t->ndim == 0 || memcmp(found, e->slot->sizes, t->ndim * sizeof *found) == 0);
  bool first_element = e->slot->ndim == 0 && t->ndim == 1 && t->numel > 0;
  if (same || first_element) return true;
  if (!begin(m, &line)) return false;
  append(&line, "size mismatch for %.*s: copying a param with shape ", (int)min_size(e->key.n, 4096),
         (const char *)e->key.p);
  append_sizes(&line, found, t->ndim);
  append(&line, " from checkpoint, the shape in current model is ");
  append_sizes(&line, e->slot->sizes, e->slot->ndim);
  return finish(m, &line, ".");
}

static bool tell_tensors(struct messages *m) {
  for (uint32_t i = 0; i < m->model->num_expected; i++) {
    const struct expected *e = &m->model->expected[i];
    if (m->entry[i] == UINT32_MAX || e->slot->holds != HOLDS_TENSOR) continue;
    uint32_t tensor = m->plan->entries[m->entry[i]].tensor;
    bool ok =
        tensor == UINT32_MAX ? tell_value(m, e, m->entry[i]) : tell_size(m, e, &m->plan->tensors[tensor]);
    if (!ok) return false;
  }
  return true;
}

/* repr() of the named tuple that load_state_dict returns. */
static bool tell_answer(struct messages *m, const struct findings *f) {
  struct line line;
  if (!begin(m, &line)) return false;
  if (f->num_missing + f->num_strays == 0) {
    append(&line, "<All keys matched successfully>");
    return finish(m, &line, "");
  }
  append(&line, "_IncompatibleKeys(missing_keys=[");
  for (uint32_t i = 0; i < f->num_missing; i++)
    append_key(&line, m->model->expected[f->missing[i]].key, i == 0, '\'');
  append(&line, "], unexpected_keys=[");
  for (uint32_t i = 0; i < f->num_strays; i++)
    append_key(&line, entry_name(m, f->strays[i].entry), i == 0, '\'');
  return finish(m, &line, "])");
}

static bool tell_error(struct messages *m, const struct findings *f, bool strict) {
  struct line line;
  struct span name = m->model->root_name;
  if (!begin(m, &line)) return false;
  append(&line, "Error(s) in loading state_dict for %.*s:", (int)min_size(name.n, 200), (const char *)name.p);
  if (!finish(m, &line, "")) return false;
  return (!strict || (tell_missing(m, f) && tell_unexpected(m, f))) && tell_tensors(m);
}

bool torch_message(struct names *out, const struct model *model, const struct plan *plan,
                   const struct plan_dict *dict, bool strict, size_t room, struct arena *a) {
  struct messages m = {.model = model, .plan = plan, .dict = dict, .arena = a, .room = room};
  struct findings f = {0};
  if (!find_keys(&m, &f) || !tell_error(&m, &f, strict)) return false;
  if (m.lines.n == 1) {
    m.lines.n = 0; /* no error */
    if (!tell_answer(&m, &f)) return false;
  }
  struct span *last = m.more ? vec_push(a, &m.lines, UINT32_MAX) : NULL;
  if (last) *last = arena_printf(a, "… and %llu more lines", (unsigned long long)m.more);
  *out = (struct names){m.lines.n, m.lines.p};
  return !m.more || (last && last->n);
}
