/* Values of the machine in Python's notation, a line at a time. The text holds bytes of the file: only a
 * writer shows it. What is too long for a line is cut, and how much was cut stands there. */
#ifndef CKPTLINT_PICKLE_PYTHON_TEXT_H
#define CKPTLINT_PICKLE_PYTHON_TEXT_H

#include "pickle/machine.h"

enum {
  PY_LINE = 4000,      /* bytes of a line behind which everything is abbreviated */
  PY_LINE_MAX = 16384, /* room for what was begun before, closed */
  PY_STRING = 1000,    /* bytes of a string that are shown */
  PY_ITEMS = 32,       /* items of a container that are shown */
  PY_DEPTH = 8,        /* containers inside containers that are shown */
};

/* A line, and the names that values have in it. */
struct py_text {
  const struct machine *machine;
  VEC(uint32_t) variables; /* by val_id: 1 + the number of its variable; 0 or not there: it has none */
  size_t n;
  char bytes[PY_LINE_MAX];
};

void py_put(struct py_text *t, struct span s);
void py_str(struct py_text *t, const char *s);
void py_format(struct py_text *t, const char *format, ...) PRINTF_LIKE(2, 3);
/* A str literal; `prefix` "b" makes it bytes. */
void py_string(struct py_text *t, const char *prefix, struct span s);
/* The variable of a value, or the value itself. */
void py_value(struct py_text *t, val_id v);
/* n items between two brackets; `pairs`: n counts keys and values. */
void py_items(struct py_text *t, const char *open, const val_id *items, uint32_t n, bool pairs,
              const char *close);
/* The value itself though it may have a variable: how it is made. */
void py_literal(struct py_text *t, val_id v);
/* 1 + the number of the value's variable, or 0. */
static inline uint32_t py_variable(const struct py_text *t, val_id v) {
  return v < t->variables.n ? t->variables.p[v] : 0;
}

#endif
