/* What the parts of a constructor call share: construct.c has the calls, construct_plan.c the rows of
 * types.def, construct_bind.c arguments, construct_slot.c Parameter and Buffer, construct_state.c what a type
 * registers. Private to them. What fails answers false or NULL, with eval->error set. */
#ifndef CKPTLINT_ARCH_CONSTRUCT_PARTS_H
#define CKPTLINT_ARCH_CONSTRUCT_PARTS_H

#include "arch/build.h"

bool construct_memory(struct eval *ev, uint32_t at); /* it is spent */
#define construct_memory(...) ANSWERS_FALSE(construct_memory, __VA_ARGS__)
int construct_shown(struct span s); /* how much of a name messages show */

/* construct_bind.c */
struct binding {
  struct eval *ev;
  const struct expr *call;
  const struct scope *scope;    /* what the arguments mean */
  const struct scope *defaults; /* what the defaults mean */
  const struct signature *signature;
};
/* The arguments in the order of the signature. */
struct value *construct_bind_in(const struct binding *b);

/* construct_slot.c: "a size is an integer of 0 or more"; the slot of a Parameter, Buffer, Packed or Plain. */
bool construct_bad_size(struct eval *ev, uint32_t at, const struct value *v);
#define construct_bad_size(...) ANSWERS_FALSE(construct_bad_size, __VA_ARGS__)
NODISCARD bool construct_slot(struct builder *b, uint32_t at, struct module *m);

/* construct_state.c: carries out the row of the module's type, whose arguments are bound. */
NODISCARD bool construct_state(struct builder *b, const struct type_plan *plan, uint32_t at,
                               struct module *m);

#endif
