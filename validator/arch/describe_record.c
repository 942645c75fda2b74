/* A whole-module pickle holds every module's attributes: torch names them as the constructor's parameters. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/build.h"
#include "arch/describe.h"
#include "base/real.h"

enum { LINE_BYTES = 512 };

struct line {
  char text[LINE_BYTES];
  size_t n;
};

static void PRINTF_LIKE(2, 3) put(struct line *l, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(l->text + l->n, sizeof l->text - l->n, format, ap);
  va_end(ap);
  if (n > 0) l->n = min_size(l->n + (size_t)n, sizeof l->text - 1);
}

static const struct plan_value *field(const struct plan *p, uint32_t record, struct span key) {
  uint32_t i = plan_child(p, record, key);
  return i == UINT32_MAX ? NULL : &p->values[plan_resolve(p, i)];
}

static uint32_t row_of(const struct plan *p, const struct plan_value *v) { return (uint32_t)(v - p->values); }

/* ---- arguments ---- */

/* (3, 3) is 3: torch makes a pair of a number. */
static const struct plan_value *only_item(const struct plan *p, const struct plan_value *v) {
  uint32_t first = row_of(p, v) + 1;
  if (v->kind != PLAN_VAL_TUPLE || first == v->end || p->values[first].kind != PLAN_VAL_INT) return NULL;
  for (uint32_t i = first; i < v->end; i++)
    if (p->values[i].kind != PLAN_VAL_INT || p->values[i].number != p->values[first].number) return NULL;
  return &p->values[first];
}

/* A word, as torch's modes are; what would end the text, or is long, is not shown. */
static void put_text(struct line *l, struct span text) {
  bool plain = text.n <= 40;
  for (size_t i = 0; i < text.n; i++)
    plain = plain && text.p[i] >= ' ' && text.p[i] <= '~' && text.p[i] != '\'' && text.p[i] != '\\';
  if (plain)
    put(l, "'%.*s'", (int)text.n, (const char *)text.p);
  else
    put(l, "?");
}

static void put_value(struct line *l, const struct plan *p, const struct plan_value *v) {
  char real[REAL_ROOM];
  switch ((enum plan_value_kind)v->kind) {
  case PLAN_VAL_NONE: put(l, "None"); return;
  case PLAN_VAL_BOOL: put(l, v->number ? "True" : "False"); return;
  case PLAN_VAL_INT: put(l, "%lld", (long long)v->number); return;
  case PLAN_VAL_FLOAT:
    real_shortest(real, v->real);
    put(l, "%s", real);
    return;
  case PLAN_VAL_TEXT: put_text(l, plan_span(p, v->text)); return;
  default: break;
  }
  if (v->kind != PLAN_VAL_TUPLE && v->kind != PLAN_VAL_LIST) {
    put(l, "?");
    return;
  }
  const char *before = "(";
  for (uint32_t i = row_of(p, v) + 1; i < v->end; i = p->values[i].end) {
    put(l, p->values[i].kind == PLAN_VAL_INT ? "%s%lld" : "%s?", before, (long long)p->values[i].number);
    before = ", ";
  }
  put(l, row_of(p, v) + 2 == v->end ? ",)" : ")");
}

static bool is_default(struct span shown, struct span def) {
  char a[64], b[64];
  if (span_eq(shown, def)) return true;
  if (shown.n == 0 || def.n == 0 || shown.n >= sizeof a || def.n >= sizeof b) return false;
  memcpy(a, shown.p, shown.n);
  memcpy(b, def.p, def.n);
  a[shown.n] = b[def.n] = 0;
  char *end_a, *end_b;
  double x = strtod(a, &end_a), y = strtod(b, &end_b);
  return !*end_a && !*end_b && !(x < y) && !(x > y);
}

/* The next parameter of "Linear(in_features, out_features, bias=True)". */
static bool next_parameter(struct span *rest, struct span *name, struct span *def) {
  size_t n = 0, depth = 0, equals = SIZE_MAX;
  while (rest->n && (rest->p[0] == ' ' || rest->p[0] == ',')) *rest = span_from(*rest, 1);
  for (; n < rest->n; n++) {
    uint8_t c = rest->p[n];
    if (c == '(' || c == '[') depth++;
    if (depth == 0 && (c == ',' || c == ')')) break;
    if (c == ')' || c == ']') depth--;
    if (c == '=' && equals == SIZE_MAX) equals = n;
  }
  *name = span_first(*rest, equals == SIZE_MAX ? n : equals);
  *def = equals == SIZE_MAX ? SPAN("") : span_of(rest->p + equals + 1, n - equals - 1);
  *rest = span_from(*rest, n);
  return name->n > 0;
}

/* What the record does not keep under the parameter's name: whether there is a bias shows in its parameters.
 */
static bool put_bias(struct line *l, const struct plan *p, uint32_t record) {
  const struct plan_value *params = field(p, record, SPAN("_parameters"));
  const struct plan_value *bias = params ? field(p, row_of(p, params), SPAN("bias")) : NULL;
  if (params && !bias) bias = field(p, row_of(p, params), SPAN("in_proj_bias"));
  if (params) put(l, bias && bias->kind != PLAN_VAL_NONE ? "True" : "False");
  return params != NULL;
}

/* The constructor that makes such a module, and the arguments that can't be shown; no line where one of these
 * has no default. */
static struct span constructor(struct arena *a, const struct plan *p, uint32_t record, enum module_type type,
                               struct span *open) {
  struct span rest = span_str(module_type_constructor(type)), name, def;
  struct line all = {.n = 0}, unknown = {.n = 0};
  const char *before = "";
  bool named = false; /* a parameter was left out: those behind it need their names */
  put(&all, "%s(", module_type_name(type));
  rest = span_from(rest, strlen(module_type_name(type)) + 1);
  while (next_parameter(&rest, &name, &def)) {
    struct line one = {.n = 0};
    const struct plan_value *v = field(p, record, name);
    const struct plan_value *item = v && !span_is(name, "output_size") ? only_item(p, v) : NULL;
    bool found = v || (span_is(name, "bias") && put_bias(&one, p, record));
    if (v) put_value(&one, p, item ? item : v);
    bool shown = found && !memchr(one.text, '?', one.n);
    if (!shown && !def.n) return SPAN("");
    if (found && !shown) put(&unknown, "%s%.*s", unknown.n ? ", " : "", (int)name.n, (const char *)name.p);
    if (!shown || (def.n && is_default(span_of(one.text, one.n), def))) {
      named = true;
      continue;
    }
    if (def.n && named)
      put(&all, "%s%.*s=%s", before, (int)name.n, (const char *)name.p, one.text);
    else
      put(&all, "%s%s", before, one.text);
    before = ", ";
  }
  put(&all, ")");
  *open = arena_printf(a, "%s", unknown.text);
  return arena_printf(a, "%s", all.text);
}

/* ---- the tree ---- */

static enum module_type known_type(struct span cls) {
  if (!span_starts(cls, SPAN("torch.nn."))) return TYPE_NONE;
  size_t at = cls.n;
  while (at > 0 && cls.p[at - 1] != '.') at--;
  return module_type_by_name(span_from(cls, at));
}

static uint64_t own_elements(const struct plan *p, uint32_t record) {
  static const char *const tables[] = {"_parameters", "_buffers"};
  uint64_t sum = 0;
  for (size_t k = 0; k < ARRAY_LEN(tables); k++) {
    const struct plan_value *table = field(p, record, span_str(tables[k]));
    for (uint32_t i = table ? row_of(p, table) + 1 : 0; table && i < table->end; i = p->values[i].end) {
      const struct plan_value *v = &p->values[plan_resolve(p, i)];
      if (v->kind == PLAN_VAL_TENSOR && !try_add(sum, p->tensors[v->number].numel, &sum)) return UINT64_MAX;
    }
  }
  return sum;
}

struct walk {
  struct description *out;
  const struct plan *p;
  struct arena *a;
  const struct limits *max;
};

static bool add_module(struct walk *w, uint32_t record, struct span name, uint32_t depth) {
  const struct plan *p = w->p;
  const struct plan_value *v = &p->values[record], *training = field(p, record, SPAN("training"));
  struct span cls = plan_span(p, v->cls);
  enum module_type type = known_type(cls);
  struct described *row = vec_push(w->a, &w->out->rows, w->max->tensors);
  if (!row) return false;
  struct span open = SPAN(""), line = SPAN("");
  if (type != TYPE_NONE && type != TYPE_Sequential) line = constructor(w->a, p, record, type, &open);
  bool told = training && training->kind == PLAN_VAL_BOOL;
  *row = (struct described){.depth = depth,
                            .leaf = line.n > 0,
                            .mode = !told              ? MODE_UNKNOWN
                                    : training->number ? MODE_TRAINING
                                                       : MODE_EVAL,
                            .name = name,
                            .line = line.n ? line : cls,
                            .open = open,
                            .params = own_elements(p, record)};
  return true;
}

/* Parameters and buffers that no constructor of a known type makes. */
static bool add_tensors(struct walk *w, uint32_t record, uint32_t depth) {
  static const char *const tables[] = {"_parameters", "_buffers"};
  const struct plan *p = w->p;
  for (size_t k = 0; k < ARRAY_LEN(tables); k++) {
    const struct plan_value *table = field(p, record, span_str(tables[k]));
    for (uint32_t i = table ? row_of(p, table) + 1 : 0; table && i < table->end; i = p->values[i].end) {
      const struct plan_value *v = &p->values[plan_resolve(p, i)];
      if (v->kind != PLAN_VAL_TENSOR) continue;
      if (!describe_tensor(w->out, p, (uint32_t)v->number, plan_span(p, p->values[i].key), depth, k == 1,
                           w->a, w->max))
        return false;
    }
  }
  return true;
}

enum { MAX_DEPTH = 64 };
struct level {
  uint32_t at, end; /* children of a _modules dict that are still to come */
};

static bool open_level(struct walk *w, uint32_t record, struct level *level, uint32_t depth) {
  const struct described *row = &w->out->rows.p[w->out->rows.n - 1];
  const struct plan_value *modules = field(w->p, record, SPAN("_modules"));
  *level = (struct level){0, 0};
  if (row->leaf) return true;
  if (modules) *level = (struct level){row_of(w->p, modules) + 1, modules->end};
  return add_tensors(w, record, depth);
}

bool describe_record(struct description *out, const struct plan *p, const struct plan_dict *dict,
                     struct arena *a, const struct limits *max) {
  struct walk w = {out, p, a, max};
  struct level stack[MAX_DEPTH];
  uint32_t depth = 0, root = plan_resolve(p, dict->value);
  if (!add_module(&w, root, SPAN(""), 0) || !open_level(&w, root, &stack[0], 1)) return false;
  for (;;) {
    struct level *level = &stack[depth];
    if (level->at >= level->end) {
      if (depth == 0) return true;
      depth--;
      continue;
    }
    uint32_t child = level->at, record = plan_resolve(p, child);
    level->at = p->values[child].end;
    if (p->values[record].kind != PLAN_VAL_RECORD) continue;
    if (!add_module(&w, record, plan_span(p, p->values[child].key), depth + 1)) return false;
    if (depth + 2 < MAX_DEPTH && record == child && !open_level(&w, record, &stack[depth + 1], depth + 2))
      return false;
    if (depth + 2 < MAX_DEPTH && record == child) depth++;
  }
}
