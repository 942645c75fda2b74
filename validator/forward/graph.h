/* A forward pass as a list of steps: what the statements of an architecture file come to once names, modules
 * and arguments are known. Building it runs every shape rule and multiplies nothing; so cost, memory and the
 * last use of every value are known before the first number is computed. */
#ifndef CKPTLINT_FORWARD_GRAPH_H
#define CKPTLINT_FORWARD_GRAPH_H

#include "arch/match.h"
#include "forward/op.h"

enum fvalue_from { FROM_INPUT, FROM_WEIGHT, FROM_STEP };
#define GRAPH_KEEP UINT32_MAX

/* A tensor of the graph. */
struct fvalue {
  struct ftensor t; /* first, so that an argument's tensor is its value */
  enum fvalue_from from;
  uint32_t index;         /* INPUT: among the ports; WEIGHT: tensor of the plan; STEP: who makes it */
  struct fvalue *root;    /* whose memory it is: itself, or the value that it is another view of … */
  uint64_t offset;        /* … from this byte on */
  uint32_t last_use;      /* of a root: the last step that reads it or a view of it; GRAPH_KEEP for results */
  bool needed;            /* of a root: a result depends on it (prune.c) */
  bool varies;            /* some input reaches it */
  bool was_zero;          /* of a step's root: every element, when it was made (forward.c) */
  struct fvalue *part_of; /* of a root: whose memory it shares in PyTorch, where it is a copy here; or NULL */
  bool overwritten;   /* of a root: something was done in place, so views made before it hold other numbers */
  struct fvalue *now; /* what an operation in place made of it; NULL: it is what it was */
  void *owned;        /* of a weight, while a step runs: the memory it was converted into, or NULL */
};

/* Where in the architecture file a step comes from. */
struct fplace {
  const struct module *module;
  const struct function *function;
  uint32_t statement;
  uint32_t at; /* offset in the statement */
};

struct fstep {
  const struct op *op;
  const struct op_value *arg; /* op->num_params of them */
  struct fvalue *out;
  uint64_t cost; /* operations */
  struct fplace place;
};

struct graph {
  VEC(struct fstep) steps;
  VEC(struct fvalue *) inputs; /* one for each input port, NULL where none was given */
  VEC(struct fvalue *) results;
  uint64_t cost;  /* operations; saturating */
  bool quantized; /* some weight is */
};

struct lower_request {
  const struct model *model;
  const struct match *match;
  const struct plan *plan;
  const struct limits *max;
  struct arena *arena;
  struct observations *obs;
};

/* Carries out the root's forward, of which inputs_resolve knows that there is one, on values that have a
 * shape only. g->inputs is filled in by the caller. False: observed. */
NODISCARD bool graph_build(struct graph *g, const struct lower_request *r);

static inline struct fvalue *graph_value(const struct op_value *arg, uint32_t i) {
  return (struct fvalue *)op_value_tensor(arg, i);
}
/* Bytes of a weight that need memory of their own: 0 when the mapping can be used as it is. */
uint64_t weight_bytes(const struct plan *plan, const struct fvalue *weight);
/* A view of another value's memory: nothing is computed. */
static inline bool step_is_view(const struct fstep *step) { return step->out->root != step->out; }
/* Where the value's numbers are, once its root's are known. */
static inline const void *fvalue_data(const struct fvalue *v) {
  return (const uint8_t *)v->root->t.data.in + v->offset;
}
/* Is the result of step `index` written over its first argument? Not over an input: the pass may be run
 * again. */
bool step_in_place(const struct fstep *step, uint32_t index);
/* Leaves out steps that compute nothing or that no result depends on; then every last_use and the cost are
 * known. */
void graph_prune(struct graph *g);
/* The most memory that the steps need at once, kernels' scratch left out. */
uint64_t graph_peak(const struct graph *g, const struct plan *plan);

/* "layer1: `relu(linear(x))` (line 9, column 12)", for messages. */
struct span place_text(struct arena *a, const struct model *m, const struct fplace *p);

#endif
