/* Values as messages show them: written as one would write them in a file, long ones cut. Nothing is
 * decided here. */
#include <math.h>
#include <stdarg.h>

#include "arch/eval_parts.h"

struct shown {
  char text[80];
  size_t n;
};

static void put(struct shown *s, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(struct shown *s, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(s->text + s->n, sizeof s->text - s->n, format, ap);
  va_end(ap);
  if (n > 0) s->n = min_size(s->n + (size_t)n, sizeof s->text - 1);
}

static void put_dtype(struct shown *s, enum dtype d) {
  put(s, "%s", d == DTYPE_NONE ? "float" : dtype_name(d));
}

static const char *const patterns[] = {
    [PATTERN_causal_mask] = "causal_mask",
    [PATTERN_relative_position_index] = "relative_position_index",
};

static void put_value(struct shown *s, const struct value *v) {
  switch (v->kind) {
  case VALUE_NONE:
  case VALUE_MISSING:
  case VALUE_PENDING: put(s, "None"); break;
  case VALUE_BOOL: put(s, v->truth ? "True" : "False"); break;
  case VALUE_INT: put(s, "%lld", (long long)v->number); break;
  case VALUE_FLOAT:
    put(s, v->real >= -1e15 && v->real <= 1e15 && is_zero(v->real - trunc(v->real)) ? "%.1f" : "%.12g",
        v->real);
    break;
  case VALUE_TEXT:
    put(s, v->text.n > 48 ? "'%.*s…'" : "'%.*s'", (int)min_size(v->text.n, 48), (const char *)v->text.p);
    break;
  case VALUE_TUPLE: put(s, v->n ? "[…]" : "[]"); break;
  case VALUE_DICT: put(s, v->n ? "{…}" : "{}"); break;
  case VALUE_RANGE:
    put(s, "arange(%lld, %lld, %lld)", (long long)v->range.start, (long long)v->range.stop,
        (long long)v->range.step);
    break;
  case VALUE_PATTERN: put(s, "%s(%lld)", patterns[v->pattern.which], (long long)v->pattern.n); break;
  case VALUE_DTYPE: put_dtype(s, v->dtype); break;
  case VALUE_MODULE: put(s, "a module"); break;
  }
}

struct span value_show(struct arena *a, const struct value *v) {
  struct shown s = {.n = 0};
  if (v->kind == VALUE_TUPLE && v->n) {
    put(&s, "[");
    for (uint32_t i = 0; i < v->n && s.n < 56; i++) {
      if (i) put(&s, ", ");
      put_value(&s, &v->items[i]);
    }
    put(&s, s.n < 56 ? "]" : " …]");
  } else {
    put_value(&s, v);
  }
  return arena_printf(a, "%.*s", (int)s.n, s.text);
}
