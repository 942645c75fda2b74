/* What the parts of the builder share: build.c carries out blocks, build_tree.c puts modules in their places,
 * build_keys.c lists the expected state dict, build_errors.c says what went wrong. Private to them. What
 * fails is observed, and false or NULL is answered. */
#ifndef CKPTLINT_ARCH_BUILD_TREE_H
#define CKPTLINT_ARCH_BUILD_TREE_H

#include "arch/build.h"

/* A module of the tree, and what only its making needs. */
struct node {
  struct module m; /* first: a module of the tree is a node */
  struct node *waiting;
  struct slot_link *params, *buffers; /* registered by lines, newest first */
  uint32_t num_registered;
};
struct slot_link {
  struct slot slot;
  struct slot_link *next;
};

struct builder_tree {
  struct builder b;
  struct node *waiting; /* modules that are not carried out yet, newest first */
  VEC(const struct module *) child;
};

/* build_errors.c */
bool build_memory(struct builder *b); /* it is spent */
#define build_memory(...) ANSWERS_FALSE(build_memory, __VA_ARGS__)
void *build_none(bool refused); /* the same answers, for what answers a pointer */
bool build_reject(struct builder *b, const struct place *where, const char *what, struct span name);
#define build_reject(...) ANSWERS_FALSE(build_reject, __VA_ARGS__)
bool build_too_large(struct builder *b, struct span what);
#define build_too_large(...) ANSWERS_FALSE(build_too_large, __VA_ARGS__)
bool build_eval_failed(struct builder *b, const struct place *where, const struct expr *line,
                       const struct scope *scope);
#define build_eval_failed(...) ANSWERS_FALSE(build_eval_failed, __VA_ARGS__)
bool build_eval_line(struct builder *b, const struct place *where, const struct expr *e,
                     const struct scope *scope, struct value *out);

/* build_tree.c */
struct node *tree_node(const struct module *m);
/* The texts in one, what keys and prefixes are made of; empty when memory is spent. */
struct span build_joined(struct builder *b, struct span x, struct span y, struct span z);
/* A copy of `what` as the child `name` of `parent` (NULL: the root), queued to be carried out. */
struct node *tree_attach(struct builder_tree *t, struct module *parent, struct span name,
                         const struct module *what);
/* Registers the value of a line under a name that may be dotted. */
bool tree_register(struct builder_tree *t, struct module *parent, struct span name, const struct value *v);
/* The container of repeated children is a list, which applies them in order; unless others stand in it too.
 */
bool tree_mark_list(struct builder_tree *t, struct module *parent, struct span name);

/* build_keys.c: the model's expected keys in torch's order; its ties; the number of its parameters. */
bool build_list_keys(struct builder *b);
bool build_resolve_ties(struct builder *b);
void build_count_parameters(struct builder *b);

#endif
