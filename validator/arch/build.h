/* Making modules: the builder's state and its two halves. Private to arch/. construct*.c evaluate
 * constructor calls to modules that stand nowhere yet; build*.c put them into the tree. */
#ifndef CKPTLINT_ARCH_BUILD_H
#define CKPTLINT_ARCH_BUILD_H

#include "arch/config.h"

/* Something that a module type registers: a child, under a name that may be dotted. */
struct module_part {
  struct span name;
  const struct module *module;
  bool repeated; /* the container in front of its last dot is a list */
};

/* The state column of a row of types.def, parsed. */
enum state_kind { STATE_REGISTER, STATE_LET, STATE_EACH, STATE_END };
struct state_line {
  enum state_kind kind;
  struct span name;         /* REGISTER: with its {…}; LET, EACH: of the value */
  const struct expr *value; /* EACH: the count */
};
struct type_plan {
  struct signature signature;
  uint32_t num_lines;
  const struct state_line *lines;
};

struct builder {
  struct arena *arena;
  const struct limits *max;
  struct observations *o;
  const struct arch *arch;
  struct model *model;
  struct eval *eval;
  const struct scope *config;
  uint32_t num_keys; /* tensors in the checkpoint */
  uint64_t max_modules, max_tensors, modules, tensors;
  bool sample;                               /* of many repetitions only some */
  const struct place *place;                 /* of the line being evaluated */
  const struct type_plan *plans[TYPE_COUNT]; /* parsed when first used */
  struct key_table blocks;                   /* of the file, by name */
  /* Stacks of what the types being constructed have registered so far, the innermost last. */
  VEC(struct slot) params;
  VEC(struct slot) buffers;
  VEC(struct module_part) parts;
};

/* For struct eval.call, with the builder as context. */
bool construct_call(struct eval *ev, const struct expr *call, const struct scope *scope, struct value *out);
/* A Sequential of these values: modules and None. */
NODISCARD bool construct_sequential(struct builder *b, const struct value *items, uint32_t n, uint32_t at,
                                    struct value *out);
/* The block in place, which sees the names around it. */
NODISCARD bool construct_in_place(struct builder *b, const struct module_block *block,
                                  const struct scope *scope, struct value *out);
/* The arguments of a call in the order of the signature; NULL with eval->error set. */
struct value *construct_bind(struct builder *b, const struct expr *call, const struct scope *scope,
                             const struct signature *signature);
/* weight_norm(…), parametrizations.spectral_norm(…): is what is called one of them, and the call (which it
 * must be). */
bool reparam_is(const struct expr *callee);
NODISCARD bool reparam_call(struct builder *b, const struct expr *call, const struct scope *scope,
                            struct value *out);
/* The parsed row of a type; NULL, with eval->error set, when memory is spent. */
const struct type_plan *construct_plan(struct builder *b, enum module_type t);

const char *module_type_constructor(enum module_type t); /* "Linear(in_features, …)" */
const char *module_type_state(enum module_type t);

#endif
