/* The rows of types.def, parsed when they are first used. */
#include "arch/construct_parts.h"

/* Only a row of ours can be wrong here, and a test parses every one: no place is kept. */
static bool parse_state_line(struct builder *b, struct span text, struct state_line *out) {
  struct expr_error err;
  const uint8_t *equals;
  struct span rest = text;
  while (rest.n && rest.p[0] == ' ') rest = span_from(rest, 1);
  if (span_is(rest, "end")) {
    out->kind = STATE_END;
    return true;
  }
  if (span_starts(rest, SPAN("each "))) {
    const struct expr *e = expr_parse(b->arena, b->max, span_from(rest, 5), &err);
    if (!e || e->kind != EXPR_BINARY || e->op != BIN_LT) return false;
    *out = (struct state_line){STATE_EACH, e->kids[0]->text, e->kids[1]};
    return true;
  }
  if (span_starts(rest, SPAN("let "))) {
    out->kind = STATE_LET;
    rest = span_from(rest, 4);
  }
  equals = memmem(rest.p, rest.n, " = ", 3);
  if (!equals) return false;
  out->name = span_first(rest, (size_t)(equals - rest.p));
  out->value = expr_parse(b->arena, b->max, span_from(rest, out->name.n + 3), &err);
  return out->value != NULL;
}

static bool parse_state(struct builder *b, struct span text, struct type_plan *out) {
  uint32_t n = 0;
  for (size_t i = 0; i < text.n; i++) n += text.p[i] == ';';
  if (text.n) n++;
  struct state_line *lines = arena_array(b->arena, n, struct state_line);
  if (!lines) return false;
  for (uint32_t i = 0; i < n; i++) {
    const uint8_t *end = memchr(text.p, ';', text.n);
    struct span line = end ? span_first(text, (size_t)(end - text.p)) : text;
    if (!parse_state_line(b, line, &lines[i])) return false;
    text = span_from(text, line.n + 1);
  }
  out->lines = lines;
  out->num_lines = n;
  return true;
}

const struct type_plan *construct_plan(struct builder *b, enum module_type t) {
  if (b->plans[t]) return b->plans[t];
  struct expr_error err;
  struct type_plan *plan = arena_new(b->arena, struct type_plan);
  if (!plan ||
      !signature_parse(&plan->signature, b->arena, b->max, span_str(module_type_constructor(t)), &err) ||
      !parse_state(b, span_str(module_type_state(t)), plan)) {
    (void)construct_memory(b->eval, 0);
    return NULL;
  }
  return b->plans[t] = plan;
}
