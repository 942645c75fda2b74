/* What a module type registers: its row of types.def carried out line by line. */
#include "arch/construct_parts.h"

enum { MAX_LOCALS = 16 + 64 }; /* arguments and lets of a row */

struct running {
  struct builder *b;
  const struct type_plan *plan;
  uint32_t at; /* of the call, for errors */
  struct scope scope;
  struct span names[MAX_LOCALS];
  struct value values[MAX_LOCALS];
  uint32_t params, buffers, parts; /* heights of the builder's stacks before this type */
  bool repeated;
};

static void set_local(struct running *r, struct span name, struct value v) {
  uint32_t i = r->scope.n;
  while (i > 0 && !span_eq(r->names[i - 1], name)) i--;
  i = i ? i - 1 : r->scope.n++; /* a test proves that every row fits */
  r->names[i] = name;
  r->values[i] = v;
}

/* "weight_ih_l{k // dirs}": the text with its expressions evaluated. */
static bool expand_name(struct running *r, struct span name, struct span *out) {
  struct eval *ev = r->b->eval;
  *out = name;
  const uint8_t *open;
  while ((open = memchr(out->p, '{', out->n)) != NULL) {
    size_t before = (size_t)(open - out->p), inside = 0;
    while (open[1 + inside] != '}') inside++;
    struct expr_error err;
    struct value v;
    const struct expr *e = expr_parse(ev->arena, ev->max, span_of(open + 1, inside), &err);
    if (!e || !expr_eval(ev, e, &r->scope, &v)) return false;
    struct span tail = span_from(*out, before + inside + 2);
    struct span text = v.kind == VALUE_TEXT ? v.text : value_show(ev->arena, &v);
    *out = arena_printf(ev->arena, "%.*s%.*s%.*s", (int)before, (const char *)out->p, (int)text.n,
                        (const char *)text.p, (int)tail.n, (const char *)tail.p);
    if (out->n == 0) return construct_memory(ev, r->at);
  }
  return true;
}

static bool add_slot(struct running *r, struct span name, const struct slot *slot) {
  struct builder *b = r->b;
  struct slot *into =
      slot->buffer ? vec_push(b->arena, &b->buffers, UINT32_MAX) : vec_push(b->arena, &b->params, UINT32_MAX);
  if (!into) return construct_memory(b->eval, r->at);
  *into = *slot;
  into->name = name;
  return true;
}

static bool add_part(struct running *r, struct span name, const struct module *m) {
  struct module_part *part = vec_push(r->b->arena, &r->b->parts, UINT32_MAX);
  if (!part) return construct_memory(r->b->eval, r->at);
  *part = (struct module_part){name, m, r->repeated};
  return true;
}

static bool register_line(struct running *r, const struct state_line *line) {
  struct value v;
  struct span name;
  if (!expr_eval(r->b->eval, line->value, &r->scope, &v)) return false;
  if (v.kind == VALUE_NONE) return true;
  if (v.kind != VALUE_MODULE)
    return eval_error(r->b->eval, r->at, "expected a module, found %s", value_kind_name(v.kind));
  if (!expand_name(r, line->name, &name)) return false;
  return module_is_slot(v.module) ? add_slot(r, name, v.module->slots) : add_part(r, name, v.module);
}

static bool loop_count(struct running *r, const struct state_line *line, int64_t *out) {
  struct value v;
  if (!expr_eval(r->b->eval, line->value, &r->scope, &v)) return false;
  if (v.kind != VALUE_INT || v.number < 0) return construct_bad_size(r->b->eval, r->at, &v);
  if ((uint64_t)v.number > r->b->max_modules)
    return eval_error(r->b->eval, r->at, "%lld repetitions, more than the checkpoint could fill",
                      (long long)v.number);
  *out = v.number;
  return true;
}

/* Rows have at most one loop open at a time. */
static bool run_state(struct running *r) {
  uint32_t body = 0;
  int64_t k = 0, count = 0;
  for (uint32_t i = 0; i < r->plan->num_lines; i++) {
    const struct state_line *line = &r->plan->lines[i];
    struct value v;
    switch (line->kind) {
    case STATE_LET:
      if (!expr_eval(r->b->eval, line->value, &r->scope, &v)) return false;
      set_local(r, line->name, v);
      break;
    case STATE_REGISTER:
      if (!register_line(r, line)) return false;
      break;
    case STATE_EACH:
      if (!loop_count(r, line, &count)) return false;
      body = i;
      k = 0;
      r->repeated = true;
      while (count == 0 && r->plan->lines[i + 1].kind != STATE_END) i++;
      set_local(r, line->name, value_int(k));
      break;
    case STATE_END:
      if (++k < count) i = body;
      r->repeated = k < count;
      set_local(r, r->plan->lines[body].name, value_int(k));
      break;
    }
  }
  return true;
}

/* Moves what this type registered from the builder's stacks to the module. */
static bool collect(struct running *r, struct module *m) {
  struct builder *b = r->b;
  uint32_t params = b->params.n - r->params, buffers = b->buffers.n - r->buffers,
           parts = b->parts.n - r->parts;
  struct slot *slots = arena_array(b->arena, params + buffers, struct slot);
  struct module_part *own = arena_array(b->arena, parts, struct module_part);
  if (!slots || !own) return construct_memory(b->eval, r->at);
  if (params) memcpy(slots, b->params.p + r->params, params * sizeof *slots);
  if (buffers) memcpy(slots + params, b->buffers.p + r->buffers, buffers * sizeof *slots);
  if (parts) memcpy(own, b->parts.p + r->parts, parts * sizeof *own);
  b->params.n = r->params;
  b->buffers.n = r->buffers;
  b->parts.n = r->parts;
  m->slots = slots;
  m->num_slots = params + buffers;
  m->parts = own;
  m->num_parts = parts;
  return true;
}

/* Prefixes a failure inside a row by the type, and by the argument that holds the wrong value. */
static bool explain(struct running *r) {
  struct eval *ev = r->b->eval;
  struct expr_error e = ev->error;
  struct span type = r->plan->signature.name;
  if (e.limit) return false;
  for (uint32_t i = 0; i < r->plan->signature.num_params; i++) {
    struct span name = r->plan->signature.params[i].name;
    if (ev->culprit.kind == VALUE_PENDING || r->values[i].kind != ev->culprit.kind ||
        !value_equal(&r->values[i], &ev->culprit))
      continue;
    return eval_error(ev, r->at, "%.*s, %.*s: %.*s", construct_shown(type), (const char *)type.p,
                      construct_shown(name), (const char *)name.p, (int)e.what.n, (const char *)e.what.p);
  }
  return eval_error(ev, r->at, "%.*s: %.*s", construct_shown(type), (const char *)type.p, (int)e.what.n,
                    (const char *)e.what.p);
}

bool construct_state(struct builder *b, const struct type_plan *plan, uint32_t at, struct module *m) {
  struct running r;
  if (plan->num_lines == 0) return true;
  r.b = b;
  r.plan = plan;
  r.at = at;
  r.params = b->params.n;
  r.buffers = b->buffers.n;
  r.parts = b->parts.n;
  r.repeated = false;
  r.scope = (struct scope){.n = m->num_args, .names = r.names, .values = r.values};
  for (uint32_t i = 0; i < m->num_args; i++) {
    r.names[i] = plan->signature.params[i].name;
    r.values[i] = m->args[i];
  }
  b->eval->culprit.kind = VALUE_PENDING;
  return (run_state(&r) && collect(&r, m)) || explain(&r);
}
