#include "cli/option_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/near.h"

/* ---- errors: the first one stays ---- */

void option_wrong(struct options *o, const char *format, ...) {
  if (o->error[0]) return;
  va_list ap;
  va_start(ap, format);
  (void)vsnprintf(o->error, sizeof o->error, format, ap);
  va_end(ap);
}

const char *option_hint(char room[OPTION_HINT], const char *before, struct span best) {
  room[0] = '\0';
  if (best.n)
    (void)snprintf(room, OPTION_HINT, "; did you mean %s%.*s?", before, (int)best.n, (const char *)best.p);
  return room;
}

/* ---- values ---- */

static bool parse_digits(const char *text, const char **end, uint64_t *out) {
  uint64_t n = 0;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++)
    if (!try_mul(n, 10u, &n) || !try_add(n, (uint64_t)(*p - '0'), &n)) return false;
  *end = p;
  *out = n;
  return p > text;
}

struct scale {
  const char *suffix;
  uint64_t factor;
};

/* The factor of a suffix, 0 if there is none such. */
static uint64_t scale_of(const char *suffix, const char *unit) {
  static const struct scale bytes[] = {{"", 1},         {"B", 1},        {"K", 1u << 10},
                                       {"M", 1u << 20}, {"G", 1u << 30}, {"T", UINT64_C(1) << 40}};
  static const struct scale seconds[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};
  static const struct scale counts[] = {
      {"", 1}, {"K", 1000}, {"M", 1000000}, {"G", 1000000000}, {"T", UINT64_C(1000000000000)}};
  bool of_bytes = strcmp(unit, "bytes") == 0, of_seconds = strcmp(unit, "seconds") == 0;
  const struct scale *list = of_bytes ? bytes : of_seconds ? seconds : counts;
  size_t n = of_bytes ? ARRAY_LEN(bytes) : of_seconds ? ARRAY_LEN(seconds) : ARRAY_LEN(counts);
  for (size_t i = 0; i < n; i++) {
    size_t len = strlen(list[i].suffix);
    if (strncmp(suffix, list[i].suffix, len) != 0) continue;
    const char *rest = suffix + len;
    if (!*rest) return list[i].factor;
    if (of_bytes && list[i].factor > 1 && (strcmp(rest, "B") == 0 || strcmp(rest, "iB") == 0))
      return list[i].factor;
  }
  return 0;
}

bool parse_amount(const char *text, const char *unit, uint64_t *out) {
  const char *suffix;
  uint64_t n;
  if (!parse_digits(text, &suffix, &n)) return false;
  uint64_t factor = scale_of(suffix, unit);
  return factor > 0 && try_mul(n, factor, out) && *out > 0 && *out <= INT64_MAX;
}

static bool parse_real(const char *text, double *out) {
  char *end;
  /* strtod also takes blanks, signs, "nan" and "inf". */
  if ((*text < '0' || *text > '9') && *text != '.') return false;
  *out = strtod(text, &end);
  return *end == '\0' && isfinite(*out) && !strpbrk(text, "xX");
}

/* Index of the word among "a|b|c"; false if it is none of them. */
static bool parse_choice(const char *words, const char *word, unsigned *out) {
  size_t len = strlen(word);
  unsigned i = 0;
  for (const char *p = words;; i++) {
    size_t n = strcspn(p, "|");
    if (n == len && memcmp(p, word, n) == 0) {
      *out = i;
      return true;
    }
    if (!p[n]) return false;
    p += n + 1;
  }
}

static void wrong_choice(struct options *o, const struct option_row *row, const char *value) {
  struct nearest near = {.word = span_str(value)};
  for (const char *p = row->argument;; p++) {
    size_t n = strcspn(p, "|");
    nearest_try(&near, span_of(p, n));
    p += n;
    if (!*p) break;
  }
  char room[OPTION_HINT];
  option_wrong(o, "--%s: %.200s is none of %s%s", row->name, value, row->argument,
               option_hint(room, "", near.best));
}

static bool is_name(struct span s) {
  for (size_t i = 0; i < s.n; i++) {
    uint8_t c = s.p[i], lower = c | 0x20;
    bool letter = (lower >= 'a' && lower <= 'z') || c == '_', digit = c >= '0' && c <= '9';
    if (!letter && (i == 0 || !(digit || c == '.'))) return false;
  }
  return s.n > 0;
}

/* "x=in.npy" and "in.npy"; what stands before '=' is only taken for a name when it could be one, not in
 * "./a=b.npy". */
static bool parse_pair(enum option_kind kind, const char *text, struct name_value *out) {
  const char *equals = kind == OPTION_NAMES ? NULL : strchr(text, '=');
  struct span name = equals ? span_of(text, (size_t)(equals - text)) : SPAN("");
  if (kind == OPTION_SETTINGS) {
    if (name.n == 0) return false;
  } else if (!is_name(name)) {
    name = SPAN("");
    equals = NULL;
  }
  *out = (struct name_value){name, span_str(equals ? equals + 1 : text)};
  return out->value.n > 0 || kind == OPTION_SETTINGS;
}

static void add_pair(struct options *o, struct arena *a, const struct option_row *row, struct pair_list *list,
                     const char *value) {
  struct name_value pair, *slot;
  if (!parse_pair(row->kind, value, &pair))
    option_wrong(o, "--%s: %.200s is not %s", row->name, *value ? value : "\"\"", row->argument);
  else if (!(slot = vec_push(a, &list->rows, UINT32_MAX)))
    option_wrong(o, "out of memory");
  else
    *slot = pair;
}

static void set_limit(struct options *o, const struct option_row *row, const char *value) {
  uint64_t n;
  if (parse_amount(value, row->unit, &n))
    memcpy((char *)&o->limits + row->offset, &n, sizeof n);
  else
    option_wrong(o, "--%s: %.200s is not a number of %s from 1", row->name, value, row->unit);
}

void option_set(struct options *o, struct arena *a, const struct option_row *row, const char *given,
                bool negated) {
  const char *value = given ? given : "";
  union {
    char *any;
    bool *flag;
    unsigned *choice;
    const char **text;
    struct pair_list *pairs;
    double *real;
    uint32_t *count;
  } field;
  field.any = (char *)o + row->offset;
  uint64_t n;
  switch (row->kind) {
  case OPTION_FLAG:
  case OPTION_SWITCH: *field.flag = !negated; break;
  case OPTION_CHOICE:
    if (!parse_choice(row->argument, value, field.choice)) wrong_choice(o, row, value);
    break;
  case OPTION_TEXT:
    if (!*value) option_wrong(o, "--%s: %s must not be empty", row->name, row->argument);
    *field.text = value;
    break;
  case OPTION_NAMES:
  case OPTION_PAIRS:
  case OPTION_SETTINGS: add_pair(o, a, row, field.pairs, value); break;
  case OPTION_REAL:
    if (!parse_real(value, field.real))
      option_wrong(o, "--%s: %.200s is not a number from 0", row->name, value);
    break;
  case OPTION_COUNT:
    if (!parse_amount(value, "", &n) || n > 1024)
      option_wrong(o, "--%s: %.200s is not a number from 1 to 1024", row->name, value);
    else
      *field.count = (uint32_t)n;
    break;
  case OPTION_LEVELS:
    if (!given)
      *field.count = (uint32_t)o->limits.nested_payloads;
    else if (!parse_amount(value, "", &n) || n > 16)
      option_wrong(o, "--%s: %.200s is not a number from 1 to 16", row->name, value);
    else
      *field.count = (uint32_t)n;
    break;
  case OPTION_LIMIT: set_limit(o, row, value); break;
  }
}
