/* What the parts of evaluation share. Private to arch/eval.c, value.c, value_show.c, arithmetic.c and
 * functions.c; others include arch/value.h. */
#ifndef CKPTLINT_ARCH_EVAL_PARTS_H
#define CKPTLINT_ARCH_EVAL_PARTS_H

#include "arch/value.h"

enum { MAX_ITEMS = 65536 }; /* of a tuple that an expression makes */

/* eval.c. Like eval_error: they set ev->error and are always false. */
bool eval_out_of_memory(struct eval *ev, uint32_t at); /* a limit, not a fault of the expression */
#define eval_out_of_memory(...) ANSWERS_FALSE(eval_out_of_memory, __VA_ARGS__)
bool eval_overflow(struct eval *ev, uint32_t at);
#define eval_overflow(...) ANSWERS_FALSE(eval_overflow, __VA_ARGS__)
/* "expected <what>, found <v>"; v becomes the culprit. */
bool eval_unfit(struct eval *ev, uint32_t at, const char *what, const struct value *v);
#define eval_unfit(...) ANSWERS_FALSE(eval_unfit, __VA_ARGS__)

/* value.c. value_equal, on the budget of an evaluation: false when that is spent, else *out is the answer. */
NODISCARD bool eval_equal(struct eval *ev, const struct value *a, const struct value *b, uint32_t at,
                          bool *out);
/* The value of a key of a DICT; NULL if it has none. Takes up to dict->n comparisons: the caller charges. */
const struct value *dict_find(const struct value *dict, struct span key);

/* arithmetic.c. a == b * quotient + rest as in Python; false, with the error set, where b is 0 or the
 * quotient does not fit. */
NODISCARD bool floor_divide(struct eval *ev, int64_t a, int64_t b, uint32_t at, int64_t *quotient,
                            int64_t *rest);
/* The TUPLE `times` times, in the arena; none of it for a negative number. False, with the error set, beyond
 * MAX_ITEMS or when steps or memory are spent. */
NODISCARD bool repeat_tuple(struct eval *ev, const struct value *tuple, int64_t times, uint32_t at,
                            struct value *out);

/* What looking at a text costs: configs may hold texts of megabytes. */
static inline uint64_t text_steps(const struct value *v) {
  return v->kind == VALUE_TEXT ? v->text.n / 64 : 0;
}

/* In Python a bool is an integer. */
static inline bool is_integer(const struct value *v) { return v->kind == VALUE_INT || v->kind == VALUE_BOOL; }
static inline int64_t integer(const struct value *v) { return v->kind == VALUE_BOOL ? v->truth : v->number; }

static inline bool is_zero(double x) { return x >= 0 && x <= 0; }

#endif
