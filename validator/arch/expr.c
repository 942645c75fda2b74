/* One expression, by precedence climbing. */
#include "arch/parse.h"

/* How tightly an operator binds, loosest first; as in Python. */
enum binding {
  BIND_IF = 1,
  BIND_OR,
  BIND_AND,
  BIND_NOT,
  BIND_COMPARE,
  BIND_SUM,
  BIND_TERM,
  BIND_UNARY,
  BIND_POWER,
  BIND_POSTFIX,
};

static const struct infix {
  enum binding left;  /* taken where the context binds no tighter than this */
  enum binding right; /* what its right operand may hold */
  enum expr_kind kind;
  enum expr_op op;
} infixes[TOKEN_COUNT] = {
    [TOKEN_OR] = {BIND_OR, BIND_AND, EXPR_OR, BIN_NONE},
    [TOKEN_AND] = {BIND_AND, BIND_NOT, EXPR_AND, BIN_NONE},
    [TOKEN_EQUAL] = {BIND_COMPARE, BIND_SUM, EXPR_BINARY, BIN_EQ},
    [TOKEN_NOT_EQUAL] = {BIND_COMPARE, BIND_SUM, EXPR_BINARY, BIN_NE},
    [TOKEN_AT_MOST] = {BIND_COMPARE, BIND_SUM, EXPR_BINARY, BIN_LE},
    [TOKEN_AT_LEAST] = {BIND_COMPARE, BIND_SUM, EXPR_BINARY, BIN_GE},
    [TOKEN_LESS] = {BIND_COMPARE, BIND_SUM, EXPR_BINARY, BIN_LT},
    [TOKEN_GREATER] = {BIND_COMPARE, BIND_SUM, EXPR_BINARY, BIN_GT},
    [TOKEN_IN] = {BIND_COMPARE, BIND_SUM, EXPR_BINARY, BIN_IN},
    [TOKEN_PLUS] = {BIND_SUM, BIND_TERM, EXPR_BINARY, BIN_ADD},
    [TOKEN_MINUS] = {BIND_SUM, BIND_TERM, EXPR_BINARY, BIN_SUB},
    [TOKEN_TIMES] = {BIND_TERM, BIND_UNARY, EXPR_BINARY, BIN_MUL},
    [TOKEN_DIVIDE] = {BIND_TERM, BIND_UNARY, EXPR_BINARY, BIN_DIV},
    [TOKEN_FLOORDIV] = {BIND_TERM, BIND_UNARY, EXPR_BINARY, BIN_FLOORDIV},
    [TOKEN_MODULO] = {BIND_TERM, BIND_UNARY, EXPR_BINARY, BIN_MOD},
    [TOKEN_MATMUL] = {BIND_TERM, BIND_UNARY, EXPR_BINARY, BIN_MATMUL},
    [TOKEN_POWER] = {BIND_POWER, BIND_UNARY, EXPR_BINARY, BIN_POW}, /* 2 ** -x; right to left */
};

static const char *const op_texts[] = {
    [BIN_EQ] = "==", [BIN_NE] = "!=", [BIN_LE] = "<=",  [BIN_GE] = ">=",    [BIN_LT] = "<",
    [BIN_GT] = ">",  [BIN_IN] = "in", [BIN_ADD] = "+",  [BIN_SUB] = "-",    [BIN_MUL] = "*",
    [BIN_DIV] = "/", [BIN_MOD] = "%", [BIN_POW] = "**", [BIN_MATMUL] = "@", [BIN_FLOORDIV] = "//",
};
const char *expr_op_text(enum expr_op op) { return op == BIN_NONE ? "" : op_texts[op]; }

/* NOLINTBEGIN(misc-no-recursion): at most one call a precedence (10) for each of limits.expr_depth nested
 * ones */
static const struct expr *parse_expr(struct parser *p, enum binding least);

/* ---- errors: each answers NULL ---- */

const struct expr *parser_reject(struct parser *p, uint32_t at, struct span what, bool limit) {
  *p->err = (struct expr_error){.at = at, .what = what, .limit = limit || what.n == 0};
  if (what.n == 0) p->err->what = SPAN("the memory budget is spent");
  return NULL;
}

const struct expr *parser_memory(struct parser *p) {
  return parser_reject(p, p->lx.at, SPAN("the memory budget is spent"), true);
}

static const struct expr *too_deep(struct parser *p) {
  return parser_reject(
      p, p->lx.at,
      arena_printf(p->arena, "expressions are nested at most %u deep", (unsigned)p->max->expr_depth), true);
}

static struct span found(struct parser *p) {
  if (p->lx.token == TOKEN_END) return SPAN("the end");
  struct span b = span_first(p->lx.bytes, 40);
  return arena_printf(p->arena, p->lx.token == TOKEN_TEXT ? "the text '%.*s'" : "'%.*s'", (int)b.n,
                      (const char *)b.p);
}

const struct expr *parser_expected(struct parser *p, const char *what) {
  if (p->lx.token == TOKEN_BAD) what = p->lx.what;
  struct span seen = found(p);
  return parser_reject(
      p, p->lx.at, arena_printf(p->arena, "expected %s, found %.*s", what, (int)seen.n, (const char *)seen.p),
      false);
}

/* ---- pieces ---- */

bool parser_eat(struct parser *p, enum token t) {
  if (p->lx.token != t) return false;
  lexer_next(&p->lx);
  return true;
}

bool parser_need(struct parser *p, enum token t) {
  if (parser_eat(p, t)) return true;
  char quoted[16];
  (void)snprintf(quoted, sizeof quoted, "'%s'", token_text(t));
  (void)parser_expected(p, quoted);
  return false;
}

static struct expr *new_node(struct parser *p, enum expr_kind kind, uint32_t at) {
  struct expr *e = arena_new(p->arena, struct expr);
  if (!e) {
    (void)parser_memory(p);
    return NULL;
  }
  e->kind = kind;
  e->at = at;
  e->height = 1;
  return e;
}

/* Gives a node its children (NULL among them: absent), and its height. */
static const struct expr *adopt(struct parser *p, struct expr *e, const struct expr *const *kids,
                                uint32_t n) {
  if (!e) return NULL;
  const struct expr **own = arena_array(p->arena, n, const struct expr *);
  if (!own) return parser_memory(p);
  for (uint32_t i = 0; i < n; i++) {
    own[i] = kids[i];
    if (kids[i] && kids[i]->height >= e->height) e->height = kids[i]->height + 1;
  }
  e->kids = own;
  e->num_kids = n;
  return e->height > p->max->expr_depth ? too_deep(p) : e;
}

static const struct expr *node1(struct parser *p, enum expr_kind kind, uint32_t at, const struct expr *kid) {
  return kid ? adopt(p, new_node(p, kind, at), &kid, 1) : NULL;
}

static bool enter(struct parser *p) {
  if (p->depth >= p->max->expr_depth) {
    (void)too_deep(p);
    return false;
  }
  p->depth++;
  return true;
}

static const struct expr *parse_nested(struct parser *p, enum binding least) {
  if (!enter(p)) return NULL;
  const struct expr *e = parse_expr(p, least);
  p->depth--;
  return e;
}

bool parser_push(struct parser *p, const struct expr *e) {
  if (!e) return false;
  const struct expr **slot = vec_push(p->arena, &p->items, UINT32_MAX);
  if (!slot) {
    (void)parser_memory(p);
    return false;
  }
  *slot = e;
  return true;
}

/* A node of kind whose children are the items from `first` on. */
const struct expr *parser_close(struct parser *p, enum expr_kind kind, uint32_t at, uint32_t first) {
  uint32_t n = p->items.n - first;
  const struct expr *e = adopt(p, new_node(p, kind, at), n ? p->items.p + first : NULL, n);
  p->items.n = first;
  return e;
}

/* ---- atoms ---- */

/* "(…)" and "[…]": one value in parentheses is itself, everything else a tuple. */
static const struct expr *parse_bracket(struct parser *p, enum token close) {
  uint32_t at = p->lx.at, first = p->items.n;
  bool tuple = close == TOKEN_CLOSE_INDEX;
  lexer_next(&p->lx);
  while (p->lx.token != close) {
    if (!parser_push(p, parse_nested(p, BIND_IF))) return NULL;
    if (!parser_eat(p, TOKEN_COMMA)) break;
    tuple = true;
  }
  if (!parser_need(p, close)) return NULL;
  if (!tuple && p->items.n == first + 1) return p->items.p[--p->items.n];
  return parser_close(p, EXPR_TUPLE, at, first);
}

static const struct expr *parse_leaf(struct parser *p, enum expr_kind kind) {
  struct expr *e = new_node(p, kind, p->lx.at);
  if (!e) return NULL;
  e->text = p->lx.bytes;
  if (kind == EXPR_INT) e->number = p->lx.number;
  if (kind == EXPR_FLOAT) e->real = p->lx.real;
  lexer_next(&p->lx);
  return e;
}

static const struct expr *parse_prefix(struct parser *p, enum expr_kind kind, enum binding operand) {
  uint32_t at = p->lx.at;
  lexer_next(&p->lx);
  return node1(p, kind, at, parse_nested(p, operand));
}

static const struct expr *parse_atom(struct parser *p, enum binding least) {
  static const enum expr_kind leaf[TOKEN_COUNT] = {
      [TOKEN_INT] = EXPR_INT,   [TOKEN_FLOAT] = EXPR_FLOAT, [TOKEN_TEXT] = EXPR_TEXT,
      [TOKEN_NAME] = EXPR_NAME, [TOKEN_TRUE] = EXPR_TRUE,   [TOKEN_FALSE] = EXPR_FALSE,
  };
  enum token t = p->lx.token;
  if (leaf[t] || t == TOKEN_NONE) return parse_leaf(p, leaf[t]);
  if (t == TOKEN_OPEN) return parse_bracket(p, TOKEN_CLOSE);
  if (t == TOKEN_OPEN_INDEX) return parse_bracket(p, TOKEN_CLOSE_INDEX);
  if (t == TOKEN_MINUS && least <= BIND_UNARY) return parse_prefix(p, EXPR_NEG, BIND_UNARY);
  if (t == TOKEN_NOT && least <= BIND_NOT) return parse_prefix(p, EXPR_NOT, BIND_NOT);
  return parser_expected(p, "a value");
}

/* ---- behind a value: .name (args) [index] ---- */

static const struct expr *parse_attr(struct parser *p, const struct expr *object) {
  lexer_next(&p->lx);
  if (p->lx.token != TOKEN_NAME) return parser_expected(p, "a name behind '.'");
  struct expr *e = new_node(p, EXPR_ATTR, p->lx.at);
  if (e) e->text = p->lx.bytes;
  lexer_next(&p->lx);
  return adopt(p, e, &object, 1);
}

/* "name = value" among arguments, or a plain value. */
static const struct expr *parse_arg(struct parser *p, bool *keyword) {
  struct lexer ahead = p->lx;
  lexer_next(&ahead);
  *keyword = p->lx.token == TOKEN_NAME && ahead.token == TOKEN_ASSIGN;
  if (!*keyword) return parse_nested(p, BIND_IF);
  struct expr *e = new_node(p, EXPR_KEYWORD, p->lx.at);
  if (!e) return NULL;
  e->text = p->lx.bytes;
  lexer_next(&p->lx);
  lexer_next(&p->lx);
  const struct expr *value = parse_nested(p, BIND_IF);
  return value ? adopt(p, e, &value, 1) : NULL;
}

static const struct expr *parse_call(struct parser *p, const struct expr *callee) {
  uint32_t at = p->lx.at, first = p->items.n;
  bool keywords = false, keyword;
  lexer_next(&p->lx);
  if (!parser_push(p, callee)) return NULL;
  while (p->lx.token != TOKEN_CLOSE) {
    uint32_t arg_at = p->lx.at;
    if (!parser_push(p, parse_arg(p, &keyword))) return NULL;
    if (keywords && !keyword)
      return parser_reject(p, arg_at, SPAN("a positional argument stands behind a keyword argument"), false);
    keywords = keyword;
    if (!parser_eat(p, TOKEN_COMMA)) break;
  }
  if (!parser_need(p, TOKEN_CLOSE)) return NULL;
  return parser_close(p, EXPR_CALL, callee->kind == EXPR_NAME ? callee->at : at, first);
}

static bool slice_ends(const struct parser *p) {
  return p->lx.token == TOKEN_COLON || p->lx.token == TOKEN_COMMA || p->lx.token == TOKEN_CLOSE_INDEX;
}

static const struct expr *parse_one_index(struct parser *p) {
  uint32_t at = p->lx.at;
  if (parser_eat(p, TOKEN_ELLIPSIS)) return new_node(p, EXPR_ELLIPSIS, at);
  const struct expr *part[3] = {0};
  for (uint32_t i = 0; i < 3; i++) {
    if (!slice_ends(p) && !(part[i] = parse_nested(p, BIND_IF))) return NULL;
    if (i < 2 && parser_eat(p, TOKEN_COLON)) continue;
    if (i == 0) return part[0] ? part[0] : parser_expected(p, "an index");
    break;
  }
  return adopt(p, new_node(p, EXPR_SLICE, at), part, 3);
}

static const struct expr *parse_index(struct parser *p, const struct expr *object) {
  uint32_t at = p->lx.at, first = p->items.n;
  lexer_next(&p->lx);
  if (!parser_push(p, object)) return NULL;
  do
    if (!parser_push(p, parse_one_index(p))) return NULL;
  while (parser_eat(p, TOKEN_COMMA));
  if (!parser_need(p, TOKEN_CLOSE_INDEX)) return NULL;
  return parser_close(p, EXPR_INDEX, at, first);
}

/* ---- operators ---- */

static const struct expr *parse_choice(struct parser *p, const struct expr *yes) {
  uint32_t at = p->lx.at;
  lexer_next(&p->lx);
  const struct expr *kids[3] = {NULL, yes, NULL};
  if (!(kids[0] = parse_nested(p, BIND_OR)) || !parser_need(p, TOKEN_ELSE)) return NULL;
  if (!(kids[2] = parse_nested(p, BIND_IF))) return NULL;
  return adopt(p, new_node(p, EXPR_IF, at), kids, 3);
}

static const struct expr *parse_infix(struct parser *p, const struct expr *left) {
  const struct infix *op = &infixes[p->lx.token];
  uint32_t at = p->lx.at;
  lexer_next(&p->lx);
  const struct expr *kids[2] = {left,
                                op->op == BIN_POW ? parse_nested(p, op->right) : parse_expr(p, op->right)};
  if (!kids[1]) return NULL;
  if (op->left == BIND_COMPARE && infixes[p->lx.token].left == BIND_COMPARE)
    return parser_expected(p, "'and' between comparisons, which don't chain here");
  struct expr *e = new_node(p, op->kind, at);
  if (e) e->op = op->op;
  return adopt(p, e, kids, 2);
}

/* Precedence climbing: an operand, then whatever binds at least as tightly as the context does. */
static const struct expr *parse_expr(struct parser *p, enum binding least) {
  const struct expr *e = parse_atom(p, least);
  while (e) {
    enum token t = p->lx.token;
    if (t == TOKEN_DOT)
      e = parse_attr(p, e);
    else if (t == TOKEN_OPEN)
      e = parse_call(p, e);
    else if (t == TOKEN_OPEN_INDEX)
      e = parse_index(p, e);
    else if (t == TOKEN_IF && least <= BIND_IF)
      e = parse_choice(p, e);
    else if (infixes[t].left && infixes[t].left >= least)
      e = parse_infix(p, e);
    else
      break;
  }
  return e;
}

/* NOLINTEND(misc-no-recursion) */

const struct expr *parser_value(struct parser *p) { return parse_expr(p, BIND_IF); }

/* ---- whole texts ---- */

bool parser_init(struct parser *p, struct arena *a, const struct limits *max, struct span text,
                 struct expr_error *err) {
  *p = (struct parser){.arena = a, .max = max, .err = err};
  *err = (struct expr_error){0};
  if (text.n > max->expr_bytes) {
    (void)parser_reject(
        p, 0,
        arena_printf(a, "an expression of %zu bytes, the limit is %u", text.n, (unsigned)max->expr_bytes),
        true);
    return false;
  }
  lexer_init(&p->lx, text);
  return true;
}

bool parser_at_end(struct parser *p) {
  if (p->lx.token == TOKEN_END) return true;
  bool child = p->lx.token == TOKEN_FLOAT && p->lx.bytes.p[0] == '.';
  (void)parser_expected(
      p, child ? "an operator (the child named 0 of m is written m[0])" : "an operator or the end");
  return false;
}

const struct expr *expr_parse(struct arena *a, const struct limits *max, struct span text,
                              struct expr_error *err) {
  struct parser p;
  if (!parser_init(&p, a, max, text, err)) return NULL;
  const struct expr *e = parse_expr(&p, BIND_IF);
  return e && parser_at_end(&p) ? e : NULL;
}
