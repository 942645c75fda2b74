/* The parser of expressions, and what parses whole texts with it. Private to arch/expr.c and
 * arch/statement.c. What answers a node answers NULL, and what answers true answers false, with *err set. */
#ifndef CKPTLINT_ARCH_PARSE_H
#define CKPTLINT_ARCH_PARSE_H

#include "arch/lex.h"

struct parser {
  struct arena *arena;
  const struct limits *max;
  struct lexer lx;
  uint32_t depth;                 /* brackets and right-hand recursion open; bounds parse_expr's own */
  VEC(const struct expr *) items; /* of the lists being read, the innermost last */
  struct expr_error *err;
};

bool parser_init(struct parser *p, struct arena *a, const struct limits *max, struct span text,
                 struct expr_error *err);
/* A value in which anything may stand that stands in brackets. */
const struct expr *parser_value(struct parser *p);
bool parser_push(struct parser *p, const struct expr *e); /* to the items of the list being read */
/* A node of kind whose children are the items from `first` on. */
const struct expr *parser_close(struct parser *p, enum expr_kind kind, uint32_t at, uint32_t first);
bool parser_eat(struct parser *p, enum token t);
bool parser_need(struct parser *p, enum token t);
bool parser_at_end(struct parser *p);
const struct expr *parser_reject(struct parser *p, uint32_t at, struct span what, bool limit);
const struct expr *parser_expected(struct parser *p, const char *what);
const struct expr *parser_memory(struct parser *p); /* it is spent */

#endif
