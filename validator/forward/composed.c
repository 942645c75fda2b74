/* Carries out the rows of composed.def. */
#include "forward/lower.h"

struct composed_row {
  const char *name, *parameters, *statements;
};

/* Forwards and methods by module type, then functions. */
enum composed_id {
#define FORWARD(type, ...)      COMPOSED_FORWARD_##type,
#define METHOD(type, name, ...) COMPOSED_##type##_##name,
#define FUNCTION(name, ...)     COMPOSED_##name,
#include "forward/composed.def"
  COMPOSED_COUNT
};
static const struct composed_row composed_rows[COMPOSED_COUNT] = {
#define FORWARD(type, parameters, statements) [COMPOSED_FORWARD_##type] = {NULL, parameters, statements},
#define METHOD(type, name, parameters, statements) \
  [COMPOSED_##type##_##name] = {NULL, parameters, statements},
#define FUNCTION(name, parameters, statements) [COMPOSED_##name] = {#name, parameters, statements},
#include "forward/composed.def"
};
/* name NULL: the forward */
static const struct {
  enum module_type type;
  enum composed_id id;
  const char *name;
} composed_methods[] = {
#define FORWARD(type, ...)      {TYPE_##type, COMPOSED_FORWARD_##type, NULL},
#define METHOD(type, name, ...) {TYPE_##type, COMPOSED_##type##_##name, #name},
#include "forward/composed.def"
};

/* ---- reading a row, once a pass ---- */

static uint32_t count_statements(struct span text) {
  uint32_t n = 1;
  for (size_t i = 0; i < text.n; i++) n += text.p[i] == ';';
  return n;
}

static bool read_statements(struct lowering *l, struct span text, struct function *out) {
  struct expr_error error;
  struct statement *list = arena_array(l->r->arena, count_statements(text), struct statement);
  if (!list) return false;
  out->statements = list;
  while (text.n) {
    const uint8_t *end = memchr(text.p, ';', text.n);
    const size_t n = end ? (size_t)(end - text.p) : text.n;
    if (!statement_parse(&list[out->num_statements++], l->r->arena, l->r->max, span_first(text, n), &error))
      return false;
    text = span_from(text, end ? n + 1 : n);
  }
  return true;
}

static const struct function *read_row(struct lowering *l, enum composed_id id) {
  const struct composed_row *row = &composed_rows[id];
  struct expr_error error;
  if (!l->composed) l->composed = arena_array(l->r->arena, COMPOSED_COUNT, const struct function *);
  if (!l->composed) return NULL;
  if (l->composed[id]) return l->composed[id];
  struct function *f = arena_new(l->r->arena, struct function);
  struct span head = arena_printf(l->r->arena, "forward(%s)", row->parameters);
  if (!f || !signature_parse(&f->signature, l->r->arena, l->r->max, head, &error) ||
      !read_statements(l, span_str(row->statements), f))
    return NULL;
  l->composed[id] = f;
  return f;
}

/* ---- calling it ---- */

static bool call(struct lowering *l, struct frame *caller, enum composed_id id, const struct module *self,
                 const struct call_args *args, struct gval *out) {
  const struct function *body = read_row(l, id);
  if (!body) return lower_memory(l); /* the rows are ours: a test reads them all */
  if (!eval_charge(&l->ev, 1, args->at)) return lower_error(l, caller);
  if (l->depth >= 4 * l->r->max->arch_depth)
    return lower_refuse(l, caller, args->at, OBS_FWD_STEPS, SPAN("modules inside modules, too deep"));
  frame_at(caller, args->at);
  struct frame f = {.place = caller->place, .self = self, .body = body, .composed = true};
  if (self) f.place.module = self;
  l->depth++;
  bool done = lower_body(l, caller, &f, args, out);
  l->depth--;
  return done;
}

static bool is_method(const char *row, const struct span *name) {
  return row && name ? span_is(*name, row) : !row && !name;
}

bool lower_composed_method(struct lowering *l, struct frame *f, const struct module *m,
                           const struct span *name, const struct call_args *args, struct gval *out,
                           bool *found) {
  *found = false;
  if (m->kind != MODULE_TYPE) return true;
  for (size_t i = 0; i < ARRAY_LEN(composed_methods); i++) {
    *found = composed_methods[i].type == m->type && is_method(composed_methods[i].name, name);
    if (*found) return call(l, f, composed_methods[i].id, m, args, out);
  }
  return true;
}

/* beside(y, w): an output and what stands beside it; only rows of composed.def say so. */
static bool beside(struct lowering *l, const struct call_args *args, struct gval *out) {
  struct gval *items = arena_array(l->r->arena, args->n, struct gval);
  if (!items) return lower_memory(l);
  for (uint32_t i = 0; i < args->n; i++) items[i] = args->positional[i];
  *out = (struct gval){.kind = GVAL_TUPLE, .beside = true, .n = args->n, .items = items};
  return true;
}

static bool call_named(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                       struct gval *out, bool *found);

/* each('f', tensors): the tuple of what the row f makes of each; only rows of composed.def say so. */
static bool each(struct lowering *l, struct frame *f, const struct call_args *args, struct gval *out) {
  const struct gval *of = &args->positional[1];
  const bool tuple = of->kind == GVAL_TUPLE;
  const uint32_t n = tuple ? of->n : 1;
  struct gval *items = arena_array(l->r->arena, n, struct gval);
  if (!items) return lower_memory(l);
  for (uint32_t i = 0; i < n; i++) {
    bool found;
    const struct call_args one = {.at = args->at, .positional = tuple ? &of->items[i] : of, .n = 1};
    if (!call_named(l, f, args->positional[0].plain.text, &one, &items[i], &found)) return false;
  }
  *out = (struct gval){.kind = GVAL_TUPLE, .n = n, .items = items};
  return true;
}

static bool call_named(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                       struct gval *out, bool *found) {
  for (uint32_t i = 0; i < COMPOSED_COUNT; i++) {
    *found = composed_rows[i].name && span_is(name, composed_rows[i].name);
    if (*found) return call(l, f, (enum composed_id)i, NULL, args, out);
  }
  return true;
}

bool lower_composed_function(struct lowering *l, struct frame *f, struct span name,
                             const struct call_args *args, struct gval *out, bool *found) {
  *found = f->composed && span_is(name, "beside");
  if (*found) return beside(l, args, out);
  *found = f->composed && span_is(name, "each");
  if (*found) return each(l, f, args, out);
  return call_named(l, f, name, args, out, found);
}
