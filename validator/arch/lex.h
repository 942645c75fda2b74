/* Tokens of the expression language. Private to arch/. */
#ifndef CKPTLINT_ARCH_LEX_H
#define CKPTLINT_ARCH_LEX_H

#include "arch/expr.h"

enum token {
  TOKEN_END,
  TOKEN_INT,
  TOKEN_FLOAT,
  TOKEN_TEXT,
  TOKEN_NAME,
  TOKEN_BAD, /* lexer.what says why */
#define TOKEN(id, text) TOKEN_##id,
#include "arch/tokens.def"
#undef TOKEN
  TOKEN_COUNT
};

struct lexer {
  struct span text;
  size_t next;       /* behind the current token */
  enum token token;  /* the current one … */
  uint32_t at;       /* … where it begins … */
  struct span bytes; /* … and its bytes; of a text without the quotes */
  int64_t number;
  double real;
  const char *what; /* TOKEN_BAD */
};

void lexer_init(struct lexer *lx, struct span text); /* at the first token */
void lexer_next(struct lexer *lx);
const char *token_text(enum token t); /* "'//'", "a name"; for "expected …" */
/* Length of the identifier at the start; 0 if there is none. */
size_t identifier_length(struct span s);

#endif
