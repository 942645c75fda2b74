/* Operations: what a forward statement or a module can compute. One row each in ops.def (name, parameters,
 * shape rule, cost, kernel, tolerance), one function each in the file of its family (linear.c, conv.c, act.c,
 * pool.c, shape.c, arith.c). Adding an op is a row in ops.def and its functions; a module type that an op
 * computes is a MODULE row.
 *
 * The shape rule of every call of a graph runs before the first kernel does. A kernel therefore trusts what
 * its shape rule has checked, and the shape rule trusts nothing: sizes and arguments come from the
 * checkpoint, the architecture file and the config. Semantics are PyTorch's in eval mode. */
#ifndef CKPTLINT_FORWARD_OP_H
#define CKPTLINT_FORWARD_OP_H

#include "arch/modules.h"
#include "forward/ftensor.h"
#include "forward/gemm.h"

/* What a parameter takes; a set. */
enum op_takes {
  TAKES_NONE = 1,
  TAKES_BOOL = 2,
  TAKES_INT = 4,
  TAKES_FLOAT = 8,
  TAKES_TEXT = 16,
  TAKES_INTS = 32, /* an int or a tuple of ints */
  TAKES_TENSOR = 64,
  TAKES_REST = 128,    /* all positional ints (or tensors) from here on: view(x, 2, -1) */
  TAKES_TENSORS = 256, /* a tuple of tensors */
  TAKES_DTYPE = 512,
  TAKES_FLOATS = 1024, /* a tuple of numbers */
  TAKES_GAPS = 2048,   /* with TAKES_INTS: None may stand in the tuple */
};
#define TAKES_NUMBER (TAKES_BOOL | TAKES_INT | TAKES_FLOAT)

enum op_value_kind {
  OPV_NONE,
  OPV_BOOL,
  OPV_INT,
  OPV_FLOAT,
  OPV_TEXT,
  OPV_INTS,
  OPV_FLOATS,
  OPV_TENSOR,
  OPV_TENSORS,
  OPV_DTYPE
};

/* None in a tuple of ints. An int of an architecture file that is this number is refused for it. */
#define OP_NONE_IN_INTS INT64_MIN

/* An argument. */
struct op_value {
  enum op_value_kind kind;
  uint32_t n;                     /* INTS, FLOATS, TENSORS */
  int64_t i;                      /* BOOL, INT; DTYPE: enum ftype */
  double f;                       /* FLOAT */
  struct span text;               /* TEXT */
  const int64_t *ints;            /* INTS */
  const double *reals;            /* FLOATS */
  struct ftensor *tensor;         /* TENSOR */
  struct ftensor *const *tensors; /* TENSORS */
};

struct op_param {
  const char *name;
  unsigned takes;
  bool required;
  struct op_value fallback;
};

enum { OP_PARAMS = 12 };

/* One call. Shape rule: reads arg (no data there yet), sets out's shape. Kernel: reads arg, fills out's data.
 */
struct op_call {
  struct arena *arena;        /* texts */
  struct fpool *pool;         /* scratch, in kernels: give back what you take */
  const struct gemm *gemm;    /* in kernels */
  const struct op_value *arg; /* in the order of the row's parameters */
  struct ftensor *out;
  bool dense;          /* a shape rule's word: the result lies in the first argument as it is … */
  uint64_t offset;     /* … so many elements behind its first */
  enum obs_kind error; /* why the rule or kernel answered false */
  struct span why;
};

typedef bool op_shape_fn(struct op_call *c);
typedef uint64_t op_cost_fn(const struct op_call *c); /* operations, saturating */
typedef bool op_kernel_fn(struct op_call *c);

struct op {
  const char *name;
  const struct op_param *params;
  uint32_t num_params;
  op_shape_fn *shape;
  op_cost_fn *cost;
  op_kernel_fn *kernel; /* NULL: the output is the first argument's data under another shape */
  double rtol, atol;    /* against PyTorch, for the tests of the op */
};

enum op_id {
#define OP(id, ...) OP_##id,
#include "forward/ops.def"
  OP_COUNT
};
extern const struct op op_table[OP_COUNT];

/* The op that computes a module type. Its first `inputs` parameters are what the module is called with; the
 * others are looked up in the module: a tensor of that name, else the constructor's argument of that name. */
struct op_module {
  enum op_id op;
  uint32_t inputs; /* 0: no row */
};

const struct op *op_by_name(struct span name); /* NULL: there is none */
/* In PyTorch the result shares its first argument's memory, where ours is a copy: a SHARES row. */
bool op_shares(const struct op *op);
/* The kernel may be given one memory for its first argument and its result: an IN_PLACE row. */
bool op_in_place(const struct op *op);
/* Before a loop over such memory, in which no element depends on one of another place. GCC gives up its
 * vectors for a memory that overlaps, unless it is told; clang warns of each loop that it can't do anything
 * about. */
#ifdef __clang__
#define SAME_PLACES
#else
#define SAME_PLACES _Pragma("GCC ivdep")
#endif
const struct op_module *op_module_by_type(enum module_type type); /* NULL: there is none */

struct op_keyword {
  struct span name;
  struct op_value value;
};
struct op_arguments {
  const struct op_value *positional;
  uint32_t n;
  const struct op_keyword *keywords;
  uint32_t num_keywords;
};
/* Binds arguments to parameters as Python does, and checks their kinds; out has OP_PARAMS elements. False:
 * c->error. */
NODISCARD bool op_bind(struct op_call *c, const struct op *op, const struct op_arguments *given,
                       struct op_value *out);

/* The op's kernel. Where the result is empty nothing is computed: the sizes beside the empty one may be any.
 */
NODISCARD bool op_run(const struct op *op, struct op_call *c);

/* ---- for op files ---- */

/* The shapes or arguments don't fit (FWD702). Our own words and numbers only. Answers false. */
bool op_error(struct op_call *c, const char *format, ...) PRINTF_LIKE(2, 3);
#define op_error(...) ANSWERS_FALSE(op_error, __VA_ARGS__)
/* PyTorch can do it, this pass can't (FWD704). Answers false. */
bool op_unsupported(struct op_call *c, const char *format, ...) PRINTF_LIKE(2, 3);
#define op_unsupported(...) ANSWERS_FALSE(op_unsupported, __VA_ARGS__)
/* Scratch memory is over the budget (LIM805). Answers false. */
bool op_no_memory(struct op_call *c);
#define op_no_memory(...) ANSWERS_FALSE(op_no_memory, __VA_ARGS__)
/* The shape rule's result: error when the product overflows. */
NODISCARD bool op_result(struct op_call *c, enum ftype type, const uint64_t *size, uint32_t ndim);
/* False (an error naming `what`) unless t is float32. */
NODISCARD bool op_wants_f32(struct op_call *c, const char *what, const struct ftensor *t);
/* An axis such as -1 for the last of ndim; error outside [-ndim, ndim). A 0-d tensor counts as 1-d. */
NODISCARD bool op_axis(struct op_call *c, int64_t axis, uint32_t ndim, uint32_t *out);

static inline const struct ftensor *op_tensor(const struct op_call *c, uint32_t i) {
  return c->arg[i].tensor;
}
/* NULL where None was given. */
static inline const struct ftensor *op_tensor_or_null(const struct op_call *c, uint32_t i) {
  return c->arg[i].kind == OPV_TENSOR ? c->arg[i].tensor : NULL;
}
static inline double op_number(const struct op_call *c, uint32_t i) { /* of TAKES_NUMBER */
  return c->arg[i].kind == OPV_FLOAT ? c->arg[i].f : (double)c->arg[i].i;
}
/* The answer of a call that was made in c's place, with other arguments. */
static inline bool op_answer(struct op_call *c, const struct op_call *as, bool answer) {
  c->error = as->error;
  c->why = as->why;
  return answer;
}
/* The tensors of an argument, for those who ask for all that a step reads. */
static inline uint32_t op_value_tensors(const struct op_value *v) {
  return v->kind == OPV_TENSOR ? 1 : v->kind == OPV_TENSORS ? v->n : 0;
}
static inline struct ftensor *op_value_tensor(const struct op_value *v, uint32_t i) {
  return v->kind == OPV_TENSOR ? v->tensor : v->tensors[i];
}
static inline uint64_t saturating_mul(uint64_t a, uint64_t b) {
  uint64_t r;
  return try_mul(a, b, &r) ? r : UINT64_MAX;
}
static inline uint64_t saturating_add(uint64_t a, uint64_t b) {
  uint64_t r;
  return try_add(a, b, &r) ? r : UINT64_MAX;
}

/* Shape rules and costs that several families share. */
op_shape_fn shape_like_input; /* the first argument's type and shape */
op_cost_fn cost_of_output;    /* one operation an element */
op_cost_fn cost_nothing;

#endif
