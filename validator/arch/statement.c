/* Statements of a forward, and the heads of blocks, functions and module types. */
#include "arch/parse.h"

/* "x, y =" at the front, if it is there. */
static bool parse_targets(struct parser *p, struct statement *out) {
  struct lexer ahead = p->lx;
  uint32_t n = 0;
  bool more = true;
  while (more && ahead.token == TOKEN_NAME) {
    n++;
    lexer_next(&ahead);
    more = ahead.token == TOKEN_COMMA;
    if (more) lexer_next(&ahead);
  }
  if (more || n == 0 || ahead.token != TOKEN_ASSIGN) return true;
  struct span *names = arena_array(p->arena, n, struct span);
  if (!names) {
    (void)parser_memory(p);
    return false;
  }
  for (uint32_t i = 0; i < n; i++) {
    names[i] = p->lx.bytes;
    lexer_next(&p->lx);
    lexer_next(&p->lx); /* the comma, at last the '=' */
  }
  out->names = names;
  out->num_names = n;
  return true;
}

bool statement_parse(struct statement *out, struct arena *a, const struct limits *max, struct span text,
                     struct expr_error *err) {
  struct parser p;
  *out = (struct statement){.source = text};
  if (!parser_init(&p, a, max, text, err)) return false;
  (void)parser_eat(&p, TOKEN_RETURN);
  if (!parse_targets(&p, out)) return false;
  uint32_t at = p.lx.at;
  do
    if (!parser_push(&p, parser_value(&p))) return false;
  while (parser_eat(&p, TOKEN_COMMA));
  if (!parser_at_end(&p)) return false;
  out->value = p.items.n == 1 ? p.items.p[0] : parser_close(&p, EXPR_TUPLE, at, 0);
  return out->value != NULL;
}

static bool parse_param(struct parser *p, struct param *out) {
  *out = (struct param){.name = p->lx.bytes};
  if (p->lx.token != TOKEN_NAME) {
    (void)parser_expected(p, "the name of a parameter");
    return false;
  }
  lexer_next(&p->lx);
  return !parser_eat(p, TOKEN_ASSIGN) || (out->fallback = parser_value(p));
}

static bool repeats(const struct param *params, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (span_eq(params[i].name, params[n].name)) return true;
  return false;
}

enum { MAX_PARAMS = 64 };

static bool parse_params(struct parser *p, struct signature *out) {
  struct param params[MAX_PARAMS];
  uint32_t n = 0;
  while (p->lx.token != TOKEN_CLOSE) {
    uint32_t at = p->lx.at;
    if (n == MAX_PARAMS) return parser_reject(p, at, SPAN("at most 64 parameters are taken"), true) != NULL;
    if (!parse_param(p, &params[n])) return false;
    if (repeats(params, n))
      return parser_reject(p, at, SPAN("this parameter's name stands twice"), false) != NULL;
    if (n && params[n - 1].fallback && !params[n].fallback)
      return parser_reject(p, at, SPAN("a parameter without a default stands behind one with a default"),
                           false) != NULL;
    n++;
    if (!parser_eat(p, TOKEN_COMMA)) break;
  }
  struct param *own = arena_array(p->arena, n, struct param);
  if (!own) return parser_memory(p) != NULL;
  if (n) memcpy(own, params, n * sizeof *own);
  out->params = own;
  out->num_params = n;
  return true;
}

bool signature_parse(struct signature *out, struct arena *a, const struct limits *max, struct span text,
                     struct expr_error *err) {
  struct parser p;
  *out = (struct signature){0};
  if (!parser_init(&p, a, max, text, err)) return false;
  out->name = p.lx.bytes;
  if (p.lx.token != TOKEN_NAME) return parser_expected(&p, "a name") != NULL;
  lexer_next(&p.lx);
  if (parser_eat(&p, TOKEN_OPEN) && (!parse_params(&p, out) || !parser_need(&p, TOKEN_CLOSE))) return false;
  return parser_at_end(&p);
}
