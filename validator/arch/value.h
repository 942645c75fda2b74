/* Values of the expression language that are known before any tensor is: config values, dimensions,
 * constructor arguments; and their evaluation with Python's meaning. Integers are int64 and checked:
 * overflow is an error. */
#ifndef CKPTLINT_ARCH_VALUE_H
#define CKPTLINT_ARCH_VALUE_H

#include "arch/expr.h"
#include "tensor/dtype.h"

struct module;

enum value_kind {
  VALUE_NONE,
  VALUE_BOOL,
  VALUE_INT,
  VALUE_FLOAT,
  VALUE_TEXT,
  VALUE_TUPLE,   /* JSON lists too */
  VALUE_DICT,    /* a nested object of a config */
  VALUE_RANGE,   /* arange(start, stop, step) */
  VALUE_PATTERN, /* what a buffer holds: a table known by its name and size */
  VALUE_DTYPE,   /* int64, float32 …; DTYPE_NONE is the bare word `float`: any floating dtype */
  VALUE_MODULE,  /* what a module line yields */
  VALUE_MISSING, /* a config value that is required and was not given: an error where it is used */
  VALUE_PENDING, /* a computed config value whose line has not come yet: likewise */
};

enum pattern { PATTERN_causal_mask, PATTERN_relative_position_index };

struct value {
  enum value_kind kind;
  uint32_t n; /* items of a TUPLE, pairs of a DICT */
  union {
    bool truth;
    int64_t number;
    double real;
    struct span text;
    const struct value *items;
    const struct value_pair *pairs;
    struct {
      int64_t start, stop, step;
    } range; /* step is not 0 */
    struct {
      enum pattern which;
      int64_t n; /* 1 to 65536 */
    } pattern;
    enum dtype dtype;
    const struct module *module;
  };
};

struct value_pair {
  struct span key;
  struct value value;
};

/* Names and their values, innermost first: block arguments and lets, then the config. */
struct scope {
  const struct scope *up;
  uint32_t n;
  const struct span *names;
  const struct value *values;
};
/* NULL if no scope has the name. The innermost wins. */
const struct value *scope_find(const struct scope *s, struct span name);

/* One evaluation's means. `call` answers calls of names that are not built-in functions (module types,
 * blocks); NULL: there are none. */
struct eval {
  struct arena *arena;
  const struct limits *max;
  uint64_t *steps;         /* what is left of the budget of steps; shared by all evaluations of a file */
  struct expr_error error; /* set by the call that failed */
  struct value culprit;    /* the value that was not what was expected; VALUE_PENDING: none */
  bool (*call)(struct eval *ev, const struct expr *call, const struct scope *scope, struct value *out);
  void *context; /* for `call` */
  const struct span
      *undeclared; /* names that a config has in vain: one may be meant for one that is missing */
  uint32_t num_undeclared;
};

/* False with ev->error set (at: the node's). Recursion is bounded by e->height. */
NODISCARD bool expr_eval(struct eval *ev, const struct expr *e, const struct scope *scope, struct value *out);

/* The pieces, for a runner that mixes these values with tensors. `at` goes into the error. */
NODISCARD bool value_binary(struct eval *ev, enum expr_op op, const struct value *a, const struct value *b,
                            uint32_t at, struct value *out);
NODISCARD bool value_negate(struct eval *ev, const struct value *v, uint32_t at, struct value *out);
/* v.name for a DICT: None if it has no such key, as in a config that leaves it out. */
NODISCARD bool value_attr(struct eval *ev, const struct value *v, struct span name, uint32_t at,
                          struct value *out);
NODISCARD bool value_index(struct eval *ev, const struct value *v, const struct value *index, uint32_t at,
                           struct value *out);
/* v[start:stop:step] of a TUPLE; NULL or a VALUE_NONE bound is absent. */
NODISCARD bool value_slice(struct eval *ev, const struct value *v, const struct value *start,
                           const struct value *stop, const struct value *step, uint32_t at,
                           struct value *out);
/* The dtype of that name: what a name means that nothing else has. */
bool value_dtype(struct span name, struct value *out);
bool value_truth(const struct value *v);
/* 1 == 1.0 == True, as in Python. False too for values too large to be compared (2^24 steps). */
bool value_equal(const struct value *a, const struct value *b);
/* The function of that name applied; the rows of builtins.def. Keywords are not taken. */
bool builtin_is(struct span name);
NODISCARD bool builtin_call(struct eval *ev, struct span name, const struct value *args, uint32_t n,
                            uint32_t at, struct value *out);

/* Sets ev->error; always false: `return eval_error(ev, at, "expected …, found %s", …)`. */
bool eval_error(struct eval *ev, uint32_t at, const char *format, ...) PRINTF_LIKE(3, 4);
#define eval_error(...) ANSWERS_FALSE(eval_error, __VA_ARGS__)
/* Takes n steps from the budget; false, with the error set, when it is spent. */
NODISCARD bool eval_charge(struct eval *ev, uint64_t n, uint32_t at);

const char *value_kind_name(enum value_kind k); /* "an integer", "a tuple" */
static inline bool value_is_number(const struct value *v) {
  return v->kind == VALUE_BOOL || v->kind == VALUE_INT || v->kind == VALUE_FLOAT;
}
double value_number(const struct value *v); /* of a BOOL, INT or FLOAT */
/* The value as one would write it ("16", "'gelu'", "[2, 2]"), cut at about 60 bytes. For messages. */
struct span value_show(struct arena *a, const struct value *v);

static inline struct value value_int(int64_t i) { return (struct value){.kind = VALUE_INT, .number = i}; }
static inline struct value value_real(double f) { return (struct value){.kind = VALUE_FLOAT, .real = f}; }
static inline struct value value_bool(bool b) { return (struct value){.kind = VALUE_BOOL, .truth = b}; }
static inline struct value value_text(struct span s) { return (struct value){.kind = VALUE_TEXT, .text = s}; }
static inline struct value value_tuple(const struct value *items, uint32_t n) {
  return (struct value){.kind = VALUE_TUPLE, .n = n, .items = items};
}

#endif
