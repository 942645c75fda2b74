/* The inputs of one test: where they come from, what shape they must have, and their numbers. Everything that
 * contradicts the declared `inputs` is found here, before a graph is built. */
#ifndef CKPTLINT_FORWARD_INPUTS_H
#define CKPTLINT_FORWARD_INPUTS_H

#include "forward/forward.h"

enum finput_source { INPUT_ABSENT, INPUT_GENERATED, INPUT_ARRAY };

struct finput {
  const struct port *port;
  enum finput_source source;
  enum generator_kind generator; /* GENERATED */
  uint64_t seed;
  struct farray array; /* ARRAY */
  struct ftensor t;    /* the shape; its data are filled in by input_fill */
  uint64_t bound;      /* of integers: values are 0 … bound - 1. 0: none */
};

/* What the declared dimensions and types of one test come to. */
struct ports_scope {
  const struct forward_request *r;
  struct arena *arena;
  struct observations *obs;
  struct value *symbol; /* parallel to arch->symbols; VALUE_MISSING: not known yet */
  struct scope scope;   /* the symbols, above the config */
};

struct finputs {
  struct ports_scope ports;
  struct finput *list; /* one for each declared input */
  bool generated;      /* every number is made up */
};

/* Sources: the user's files where there are any, else the test's, else (test NULL) rand(0) and randint(0).
 * Symbols: the test's, then what the given arrays show, then B = 1 and all others 8. False: observed. */
NODISCARD bool inputs_resolve(struct finputs *out, const struct forward_request *r,
                              const struct arch_test *test, struct arena *a, struct observations *o);

/* Gives the input its numbers, in the pool. False: over the pool's budget. */
NODISCARD bool input_fill(struct finput *in, struct fpool *pool);

/* Writes the input's numbers into a tensor of its shape. */
void input_numbers(const struct finput *in, struct ftensor *out);

/* Does a shape fit what the port declares? False: a declared size has no value (observed). */
NODISCARD bool port_fits(struct ports_scope *s, const struct port *p, const struct ftensor *t, bool *fits);
/* "expected float32[B, 10] with B = 2, found float32[1, 12]" */
struct span port_contradiction(struct ports_scope *s, const struct port *p, const struct ftensor *found,
                               const char *found_dtype);
/* Opens the file of that name among the request's. False: observed. */
NODISCARD bool request_file(const struct forward_request *r, struct span name, struct observations *o,
                            struct farray *out);

#endif
