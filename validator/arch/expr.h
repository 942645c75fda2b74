/* The expression language of architecture files: PyTorch-like expressions, `a if c else b`, calls, slices,
 * tuples. It is used for everything that is not plain JSON: module lines, forward statements, computed
 * config values, dimensions, tensor types. Nodes are const after parsing, live in the arena and may be
 * shared.
 *
 *   stmt    = ["return"] [ name {"," name} "=" ] expr {"," expr}
 *   expr    = or ["if" or "else" expr]
 *   or      = and {"or" and}       and = not {"and" not}       not = "not" not | cmp
 *   cmp     = sum [("=="|"!="|"<="|">="|"<"|">"|"in") sum]
 *   sum     = term {("+"|"-") term}
 *   term    = unary {("*"|"/"|"//"|"%"|"@") unary}
 *   unary   = "-" unary | power    power = postfix ["**" unary]
 *   postfix = atom { "." name | "(" args ")" | "[" index {"," index} "]" }
 *   args    = [ arg {"," arg} ]    arg = [name "="] expr
 *   index   = "..." | expr | [expr] ":" [expr] [":" expr]
 *   atom    = number | 'string' | True | False | None | name
 *           | "(" [expr {"," expr} [","]] ")" | "[" [expr {"," expr}] "]"
 *
 * A tree is at most limits.expr_depth (64) nodes high, whatever its shape. So a walk over one may recurse:
 * that is the bound of every recursion over expressions in arch/ and forward/. */
#ifndef CKPTLINT_ARCH_EXPR_H
#define CKPTLINT_ARCH_EXPR_H

#include "base/arena.h"
#include "base/limits.h"

enum expr_kind {
  EXPR_NONE,
  EXPR_TRUE,
  EXPR_FALSE,
  EXPR_INT,   /* number */
  EXPR_FLOAT, /* real */
  EXPR_TEXT,  /* text, without its quotes; the language has no escapes */
  EXPR_NAME,  /* text */
  EXPR_TUPLE, /* kids: the items; (a, b) and [a, b] alike */
  EXPR_IF,    /* kids: condition, value if true, value if false */
  EXPR_OR,
  EXPR_AND, /* kids: left, right; the answer is one of the operands, as in Python */
  EXPR_NOT,
  EXPR_NEG,
  EXPR_BINARY,   /* op; kids: left, right */
  EXPR_ATTR,     /* kids: object; text: the name behind the dot */
  EXPR_CALL,     /* kids: what is called, the positional arguments, then the EXPR_KEYWORDs */
  EXPR_KEYWORD,  /* text: name; kids: value. Only among the arguments of a call */
  EXPR_INDEX,    /* kids: object, then one node for each index */
  EXPR_SLICE,    /* kids: start, stop, step, NULL where absent. Only among the indices */
  EXPR_ELLIPSIS, /* likewise */
};

enum expr_op {
  BIN_NONE,
  BIN_EQ,
  BIN_NE,
  BIN_LE,
  BIN_GE,
  BIN_LT,
  BIN_GT,
  BIN_IN,
  BIN_ADD,
  BIN_SUB,
  BIN_MUL,
  BIN_DIV,
  BIN_FLOORDIV,
  BIN_MOD,
  BIN_MATMUL,
  BIN_POW,
};

struct expr {
  enum expr_kind kind;
  enum expr_op op;
  uint32_t at;     /* offset of its operator, name or first character in the text it was parsed from */
  uint32_t height; /* 1 for a leaf; at most limits.expr_depth */
  uint32_t num_kids;
  const struct expr *const *kids;
  struct span text; /* in the text it was parsed from */
  int64_t number;
  double real;
};

/* "x, y = f(a), b": names is empty where nothing is assigned; several values after commas are one
 * EXPR_TUPLE. */
struct statement {
  struct span source;
  uint32_t num_names;
  const struct span *names;
  const struct expr *value;
};

/* "Layer(i, bias=True)": the parameters of a block, a forward function or a module type. */
struct param {
  struct span name;
  const struct expr *fallback; /* NULL: must be given */
};
struct signature {
  struct span name;
  uint32_t num_params;
  const struct param *params;
};

/* What is wrong with a text, in words, and where. `what` lies in the arena or is a literal. */
struct expr_error {
  uint32_t at;
  struct span what; /* "expected ')', found ','" */
  bool limit;       /* a budget of ours (memory, steps, length, depth), not the text */
  bool absent;      /* a config value that is required was not given */
};

/* All answer NULL or false with *err set. The text must outlive the nodes. */
const struct expr *expr_parse(struct arena *a, const struct limits *max, struct span text,
                              struct expr_error *err);
NODISCARD bool statement_parse(struct statement *out, struct arena *a, const struct limits *max,
                               struct span text, struct expr_error *err);
/* "Name(a, b=1)"; the parentheses may be missing: no parameters. */
NODISCARD bool signature_parse(struct signature *out, struct arena *a, const struct limits *max,
                               struct span text, struct expr_error *err);

const char *expr_op_text(enum expr_op op); /* "//" */
bool is_identifier(struct span text);      /* [A-Za-z_][A-Za-z0-9_]*, and no word of the language */

#endif
