/* Private to lower*.c, graph.c and composed.c: from statements to steps. */
#ifndef CKPTLINT_FORWARD_LOWER_H
#define CKPTLINT_FORWARD_LOWER_H

#include "forward/graph.h"

/* What an expression of a forward is: a plain value (modules included), a tensor, or a tuple that holds a
 * tensor. */
enum gval_kind { GVAL_PLAIN, GVAL_TENSOR, GVAL_TUPLE };
struct gval {
  enum gval_kind kind;
  bool beside; /* TUPLE: an output and what stands beside it (attention weights, states); where a tensor is
                  wanted it is the output */
  uint32_t n;  /* TUPLE */
  union {
    struct value plain;
    struct fvalue *tensor;
    const struct gval *items;
  };
};

struct local {
  struct span name;
  struct gval value;
};

/* One call of a forward or of a function of composed.def. */
struct frame {
  struct fplace place;
  const struct module *self; /* whose children and tensors names mean; NULL in a function */
  const struct function *body;
  bool composed; /* a row of composed.def: messages name the statement that called it */
  VEC(struct local) locals;
};

enum { SHOWN_SOURCE = 120 }; /* bytes of a name or statement in a message */

struct slot_index;
struct lowering {
  struct graph *graph;
  const struct lower_request *r;
  struct eval ev;
  uint64_t steps_left; /* budget of evaluation; ev.steps points here */
  uint32_t depth;      /* module calls inside module calls */
  const struct slot_index *slots;
  uint32_t num_slot_modules;
  const struct function **composed; /* rows of composed.def that were read; NULL: none yet */
};

struct call_args {
  uint32_t at; /* offset of the call in its statement, for messages */
  const struct gval *positional;
  uint32_t n;
  const struct local *keywords;
  uint32_t num_keywords;
};

/* Recursion: over an expression, at most limits.expr_depth deep; over modules that call modules, at most
 * 4 * limits.arch_depth deep (checked in lower_module_call). */
NODISCARD bool lower_expr(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out);
NODISCARD bool lower_index(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out);
NODISCARD bool lower_call(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out);
NODISCARD bool lower_module_call(struct lowering *l, struct frame *f, const struct module *m,
                                 const struct call_args *args, struct gval *out);
NODISCARD bool lower_op(struct lowering *l, struct frame *f, const struct op *op,
                        const struct call_args *args, struct gval *out);
/* x.add_(y): x is `out`, the result of add(x, y), from here on. name: "add" */
NODISCARD bool lower_in_place(struct lowering *l, struct frame *f, struct span name,
                              const struct call_args *args, const struct gval *out);
/* Is it of a kind that operations take? */
bool lower_is_argument(struct lowering *l, const struct gval *g);
/* Binds the arguments of a call to the parameters of op (kernel and shape rule are not asked). */
NODISCARD bool lower_bind(struct lowering *l, struct frame *f, const struct op *op,
                          const struct call_args *args, const struct op_value **bound);
/* The functions that give several tensors (several.c). *found: name is one of them. */
NODISCARD bool lower_several(struct lowering *l, struct frame *f, struct span name,
                             const struct call_args *args, struct gval *out, bool *found);
/* arange(…) as a value becomes a tensor, all else stays what it is. */
NODISCARD bool lower_range(struct lowering *l, struct frame *f, uint32_t at, struct gval *g);
/* lower_names.c. Before the first name is looked up; false: memory is spent. */
NODISCARD bool lower_index_slots(struct lowering *l);
/* A name in a statement: a local value, a child or tensor of the block, an argument, a config value, a dtype.
 */
NODISCARD bool lower_name(struct lowering *l, struct frame *f, const struct expr *e, struct gval *out);
/* Observes what is wrong with a name; answers false. */
bool lower_name_error(struct lowering *l, struct frame *f, const struct expr *e, const char *what);
#define lower_name_error(...) ANSWERS_FALSE(lower_name_error, __VA_ARGS__)
/* A module's child, slot or absent child by name. *found says whether there is one. False: observed. */
NODISCARD bool lower_member(struct lowering *l, struct frame *f, const struct module *m, struct span name,
                            uint32_t at, struct gval *out, bool *found);
/* Binds the arguments to the body's parameters and carries out its statements. */
NODISCARD bool lower_body(struct lowering *l, struct frame *caller, struct frame *f,
                          const struct call_args *args, struct gval *out);
/* composed.def. *found: there is such a row. name NULL: the module's forward. */
NODISCARD bool lower_composed_method(struct lowering *l, struct frame *f, const struct module *m,
                                     const struct span *name, const struct call_args *args, struct gval *out,
                                     bool *found);
NODISCARD bool lower_composed_function(struct lowering *l, struct frame *f, struct span name,
                                       const struct call_args *args, struct gval *out, bool *found);
/* rope(…). *found: that is the name. */
NODISCARD bool lower_rope(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                          struct gval *out, bool *found);
/* RNN, LSTM, GRU. *found: it is one. */
NODISCARD bool lower_recurrent(struct lowering *l, struct frame *f, const struct module *m,
                               const struct call_args *args, struct gval *out, bool *found);
/* A module's parameter or buffer by name, computed where it is no slot. */
NODISCARD bool lower_parameter(struct lowering *l, struct frame *f, const struct module *m, struct span name,
                               uint32_t at, struct gval *out, bool *found);
NODISCARD bool lower_reparam(struct lowering *l, struct frame *f, const struct module *m,
                             const struct reparam *r, uint32_t at, struct gval *out);
/* x.shape, x.ndim, size(x, 0) …: what is known of a tensor without its numbers. *found: there is such a
 * property. */
NODISCARD bool lower_property(struct lowering *l, struct frame *f, struct span name,
                              const struct call_args *args, struct gval *out, bool *found);

/* What the tensor is by now: the value, or what operations in place have made of it. NULL: it is a view of
 * memory that was overwritten through another one. */
struct fvalue *lower_current(struct fvalue *v);

/* Observes, naming the place; answer false. */
bool lower_refuse(struct lowering *l, struct frame *f, uint32_t at, enum obs_kind kind, struct span detail);
#define lower_refuse(...) ANSWERS_FALSE(lower_refuse, __VA_ARGS__)
bool lower_error(struct lowering *l, struct frame *f); /* what l->ev.error says */
#define lower_error(...) ANSWERS_FALSE(lower_error, __VA_ARGS__)
bool lower_memory(struct lowering *l);
#define lower_memory(...) ANSWERS_FALSE(lower_memory, __VA_ARGS__)

/* The place that messages name from here on. */
static inline void frame_at(struct frame *f, uint32_t at) {
  if (!f->composed) f->place.at = at;
}

/* The output of a tuple that has something beside it, else what it is. */
static inline struct gval gval_output(const struct gval *g) {
  return g->kind == GVAL_TUPLE && g->beside ? g->items[0] : *g;
}

static inline struct gval gval_of(struct value v) { return (struct gval){.kind = GVAL_PLAIN, .plain = v}; }
static inline struct gval gval_tensor(struct fvalue *t) {
  return (struct gval){.kind = GVAL_TENSOR, .tensor = t};
}
static inline bool gval_is(const struct gval *g, enum value_kind kind) {
  return g->kind == GVAL_PLAIN && g->plain.kind == kind;
}

#endif
