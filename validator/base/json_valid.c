/* The validator: RFC 8259 section by section, one cursor, an explicit stack of open brackets. */
#include "base/json_valid.h"

#include <math.h>
#include <sys/auxv.h>

#include "base/json_token.h"
#include "base/reader.h"
#include "base/utf8.h"

enum {
  NUMBER_BYTES = 63, /* cJSON copies a number into 64 bytes and silently splits a longer one */
  FEW = 8            /* keys, which are compared one by one: a large table is made of small objects */
};

struct level { /* an open bracket */
  bool object;
  uint32_t first_key;       /* of the keys of open objects: its own are the last */
  struct hash_index hashes; /* of its keys, once they are more than a few */
};

struct scan {
  struct span text;
  size_t at;
  struct json_error *err;
  size_t depth, max_depth;
  bool rounds;        /* takes integers that a double rounds */
  struct level *open; /* max_depth of them */
  struct arena *arena;
  uint64_t seed[2];
  VEC(struct span) keys;
};

static bool stop(struct scan *s, enum json_fault fault, size_t at, const char *what) {
  *s->err = (struct json_error){.fault = fault, .offset = at, .what = what};
  json_line_column(s->text, at, &s->err->line, &s->err->column);
  return false;
}
static bool malformed(struct scan *s, const char *what) { return stop(s, JSON_MALFORMED, s->at, what); }

static bool next_is(const struct scan *s, uint8_t byte) {
  return s->at < s->text.n && s->text.p[s->at] == byte;
}
static bool take(struct scan *s, uint8_t byte) {
  if (!next_is(s, byte)) return false;
  s->at++;
  return true;
}

static bool string(struct scan *s, struct span *raw) {
  if (!take(s, '"')) return malformed(s, "a string");
  size_t start = s->at;
  while (!next_is(s, '"')) {
    uint32_t code;
    const char *what = "'\"' at the end of the string";
    struct span rest = span_from(s->text, s->at);
    size_t n = rest.n ? json_string_char(rest, &code, &what) : 0;
    if (n == 0) return malformed(s, what);
    s->at += n;
  }
  *raw = span_of(s->text.p + start, s->at - start);
  s->at++;
  return true;
}

static bool digits(struct scan *s) {
  if (s->at == s->text.n || !is_digit(s->text.p[s->at])) return malformed(s, "a digit");
  while (s->at < s->text.n && is_digit(s->text.p[s->at])) s->at++;
  return true;
}

static bool finite_as_double(struct span token) {
  char text[NUMBER_BYTES + 1] = {0};
  memcpy(text, token.p, token.n);
  return isfinite(strtod(text, NULL));
}

/* RFC 8259 section 6. */
static bool number(struct scan *s) {
  size_t start = s->at;
  bool integer = true;
  (void)take(s, '-');
  bool zero = next_is(s, '0');
  size_t first = s->at;
  if (!digits(s)) return false;
  if (zero && s->at - first > 1) return stop(s, JSON_MALFORMED, start, "a number without leading zeros");
  if (take(s, '.')) {
    integer = false;
    if (!digits(s)) return false;
  }
  if (take(s, 'e') || take(s, 'E')) {
    integer = false;
    if (!take(s, '+')) (void)take(s, '-');
    if (!digits(s)) return false;
  }
  struct span token = span_of(s->text.p + start, s->at - start);
  if (token.n > NUMBER_BYTES) return stop(s, JSON_MALFORMED, start, "a number of at most 63 characters");
  if (integer && !s->rounds && !json_exact(token))
    return stop(s, JSON_MALFORMED, start,
                "an integer between -2^53 and 2^53, beyond which a double rounds it");
  if (!finite_as_double(token)) return stop(s, JSON_MALFORMED, start, "a number that a double can hold");
  return true;
}

static bool word(struct scan *s) {
  static const char *const words[] = {"true", "false", "null"};
  struct span rest = span_from(s->text, s->at);
  for (size_t i = 0; i < ARRAY_LEN(words); i++) {
    if (!span_starts(rest, span_str(words[i]))) continue;
    s->at += strlen(words[i]);
    return true;
  }
  return malformed(s, span_starts(rest, SPAN("\xef\xbb\xbf")) ? "no byte order mark" : "a JSON value");
}

/* Feeds the UTF-8 of the unescaped text, so that "a" and "\u0061" hash alike. */
static uint32_t hash_key(const struct scan *s, struct span raw) {
  struct siphash h;
  siphash_init(&h, s->seed);
  while (raw.n) {
    const uint8_t *slash = memchr(raw.p, '\\', raw.n);
    size_t plain = slash ? (size_t)(slash - raw.p) : raw.n;
    siphash_bytes(&h, span_first(raw, plain));
    raw = span_from(raw, plain);
    if (raw.n == 0) break;
    uint32_t code = 0;
    const char *ignored;
    uint8_t utf8[UTF8_MAX];
    raw = span_from(raw, json_string_char(raw, &code, &ignored));
    siphash_bytes(&h, span_of(utf8, utf8_encode(utf8, code)));
  }
  return (uint32_t)(siphash_end(&h) & UINT32_MAX);
}

/* Is it one of the keys of this object? Of more than a few those are compared whose hashes are equal. */
static bool has_key(const struct scan *s, const struct level *l, struct span raw, uint32_t hash) {
  uint32_t n = s->keys.n - l->first_key;
  if (n == 0) return false;
  const struct span *keys = s->keys.p + l->first_key;
  if (l->hashes.links.n == 0) {
    for (uint32_t i = 0; i < n; i++)
      if (json_same_text(keys[i], raw, true)) return true;
    return false;
  }
  for (uint32_t i = hash_find(&l->hashes, hash, 0); i; i = hash_find(&l->hashes, hash, i))
    if (json_same_text(keys[i - 1], raw, true)) return true;
  return false;
}

/* The hashes of a few keys, when one more comes. */
static bool hash_few(struct scan *s, struct level *l) {
  for (uint32_t i = 0; i < FEW; i++)
    if (!hash_add(s->arena, &l->hashes, hash_key(s, s->keys.p[l->first_key + i]), UINT32_MAX)) return false;
  return true;
}

/* RFC 8259 section 4 leaves it open which of two equal keys counts, and readers differ: Python's takes the
 * last, cJSON the first. */
static bool note_key(struct scan *s, struct span raw, size_t at) {
  struct level *l = &s->open[s->depth - 1];
  uint32_t n = s->keys.n - l->first_key, hash = n < FEW ? 0 : hash_key(s, raw);
  bool fine = n != FEW || hash_few(s, l);
  if (fine && has_key(s, l, raw, hash)) return stop(s, JSON_MALFORMED, at, "each key once in an object");
  struct span *k = fine ? vec_push(s->arena, &s->keys, UINT32_MAX) : NULL;
  if (!k || (n >= FEW && !hash_add(s->arena, &l->hashes, hash, UINT32_MAX)))
    return stop(s, JSON_LIMIT_MEMORY, at, "fewer keys: the memory for JSON is spent");
  *k = raw;
  return true;
}

static bool open_bracket(struct scan *s, bool object) {
  if (s->depth == s->max_depth) return stop(s, JSON_LIMIT_DEPTH, s->at, "less nesting");
  s->open[s->depth++] = (struct level){.object = object, .first_key = s->keys.n};
  s->at++;
  return true;
}

static uint8_t closing(const struct level *l) { return l->object ? '}' : ']'; }

static bool close_bracket(struct scan *s) {
  if (!take(s, closing(&s->open[s->depth - 1]))) return false;
  s->keys.n = s->open[--s->depth].first_key;
  return true;
}

/* What may stand next. */
enum state { AT_VALUE, AT_FIRST, AT_KEY, AT_NEXT };

static bool value(struct scan *s, enum state *next) {
  struct span ignored;
  *next = AT_NEXT;
  if (next_is(s, '"')) return string(s, &ignored);
  if (next_is(s, '-') || (s->at < s->text.n && is_digit(s->text.p[s->at]))) return number(s);
  if (!next_is(s, '{') && !next_is(s, '[')) return word(s);
  *next = AT_FIRST;
  return open_bracket(s, next_is(s, '{'));
}

/* Behind an opening bracket. */
static bool first(struct scan *s, enum state *next) {
  const struct level *l = &s->open[s->depth - 1];
  *next = l->object ? AT_KEY : AT_VALUE;
  if (close_bracket(s)) *next = AT_NEXT;
  return true;
}

static bool key(struct scan *s, enum state *next) {
  struct span raw;
  size_t at = s->at;
  *next = AT_VALUE;
  if (!next_is(s, '"')) return malformed(s, "a key in double quotes");
  if (!string(s, &raw) || !note_key(s, raw, at)) return false;
  s->at = json_skip_space(s->text, s->at);
  return take(s, ':') || malformed(s, "':' behind the key");
}

/* Behind a value inside a bracket. */
static bool next_or_close(struct scan *s, enum state *next) {
  const struct level *l = &s->open[s->depth - 1];
  if (take(s, ',')) {
    *next = l->object ? AT_KEY : AT_VALUE;
    return true;
  }
  return close_bracket(s) || malformed(s, l->object ? "',' or '}'" : "',' or ']'");
}

static bool step(struct scan *s, enum state *state) {
  switch (*state) {
  case AT_VALUE: return value(s, state);
  case AT_FIRST: return first(s, state);
  case AT_KEY: return key(s, state);
  case AT_NEXT: return next_or_close(s, state);
  }
  return false;
}

static bool validate(struct scan *s) {
  enum state state = AT_VALUE;
  do {
    s->at = json_skip_space(s->text, s->at);
    if (!step(s, &state)) return false;
  } while (s->depth > 0 || state != AT_NEXT);
  s->at = json_skip_space(s->text, s->at);
  return s->at == s->text.n || malformed(s, "nothing behind the value");
}

/* The kernel's 16 random bytes of this process: no system call, so they are there in a sealed worker too. */
void json_seed(uint64_t seed[2]) {
  union {
    unsigned long address;
    const uint8_t *p;
  } random = {.address = getauxval(AT_RANDOM)};
  seed[0] = random.p ? load_u64le(random.p) : 0;
  seed[1] = random.p ? load_u64le(random.p + 8) : 0;
}

bool json_validate(struct span text, const struct limits *max, bool rounds, size_t budget,
                   struct json_error *err) {
  struct arena arena;
  arena_init(&arena, budget);
  struct scan s = {.text = text, .err = err, .arena = &arena, .rounds = rounds};
  s.max_depth = (size_t)min_u64(max->json_depth, JSON_DEPTH_ROOM);
  s.open = arena_array(&arena, s.max_depth, struct level);
  json_seed(s.seed);
  bool ok =
      s.open ? validate(&s) : stop(&s, JSON_LIMIT_MEMORY, 0, "less nesting: the memory for JSON is spent");
  arena_free(&arena);
  return ok;
}
