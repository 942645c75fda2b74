#include "base/json.h"

#include <malloc.h>
#include <math.h>
#include <sys/auxv.h>

#include "base/reader.h"
#include "base/utf8.h"

enum {
  DEPTH_ROOM = 256,             /* of our tables; cJSON itself stops at 1000 */
  NUMBER_BYTES = 63,            /* cJSON copies a number into 64 bytes and silently splits a longer one */
  WRITTEN_AS_INTEGER = 1 << 16, /* our bit in cJSON's type; its own end at 1 << 9 */
};
#define EXACT_INTEGER (UINT64_C(1) << 53)

/* ---- memory: cJSON's hooks take no context, so the budget is the one mutable thing of this layer ---- */

static size_t budget_left = SIZE_MAX;

static void *budgeted_malloc(size_t size) {
  void *p = size > budget_left ? NULL : malloc(size);
  if (!p) return NULL;
  size_t held = malloc_usable_size(p);
  if (held > budget_left) {
    free(p);
    return NULL;
  }
  budget_left -= held;
  return p;
}

static void budgeted_free(void *p) {
  if (p) budget_left += malloc_usable_size(p);
  free(p);
}

void json_budget(size_t bytes) {
  budget_left = bytes;
  cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = budgeted_malloc, .free_fn = budgeted_free});
}

/* ---- places ---- */

void json_line_column(struct span text, uint64_t offset, uint32_t *line, uint32_t *column) {
  size_t end = offset < text.n ? (size_t)offset : text.n;
  *line = *column = 1;
  for (size_t i = 0; i < end; i++) {
    if (text.p[i] == '\n') {
      ++*line;
      *column = 1;
    } else if ((text.p[i] & 0xc0) != 0x80) {
      ++*column;
    }
  }
}

/* ---- the validator: RFC 8259 section by section, one cursor, an explicit stack of open brackets ---- */

struct key { /* of an object that was met */
  struct span raw;
  uint32_t object;
};

struct level { /* an open bracket */
  bool object;
  uint32_t number; /* objects are numbered, so that one hash table serves all */
};

struct scan {
  struct span text;
  size_t at;
  struct json_error *err;
  size_t depth, max_depth;
  bool rounds; /* takes integers that a double rounds */
  struct level open[DEPTH_ROOM];
  uint32_t objects;
  struct arena *arena;
  uint64_t seed[2];
  struct hash_index hashes;
  VEC(struct key) keys;
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

static bool is_space(uint8_t b) { return b == ' ' || b == '\t' || b == '\n' || b == '\r'; }
static bool is_digit(uint8_t b) { return b >= '0' && b <= '9'; }

static size_t skip_space(struct span text, size_t at) {
  while (at < text.n && is_space(text.p[at])) at++;
  return at;
}

/* RFC 8259 section 7, behind "\u". */
static bool hex4(struct span s, uint32_t *code) {
  if (s.n < 4) return false;
  *code = 0;
  for (size_t i = 0; i < 4; i++) {
    uint8_t b = s.p[i], low = b | 0x20;
    if (!is_digit(b) && (low < 'a' || low > 'f')) return false;
    *code = *code << 4 | (uint32_t)(is_digit(b) ? b - '0' : low - 'a' + 10);
  }
  return true;
}

static size_t unicode_escape(struct span s, uint32_t *code, const char **what) {
  uint32_t low;
  *what = "four hexadecimal digits behind \\u";
  if (!hex4(span_from(s, 2), code)) return 0;
  *what = "text without \\u0000, which ends a C string early";
  if (*code == 0) return 0;
  if (*code < 0xd800 || *code > 0xdfff) return 6;
  *what = "both halves of a surrogate pair";
  if (*code > 0xdbff || !span_starts(span_from(s, 6), SPAN("\\u")) || !hex4(span_from(s, 8), &low)) return 0;
  if (low < 0xdc00 || low > 0xdfff) return 0;
  *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
  return 12;
}

/* The first character between the quotes: how many bytes it takes; 0, with *what, when it is not JSON. */
static size_t string_char(struct span s, uint32_t *code, const char **what) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (s.p[0] != '\\') {
    *what = s.p[0] < 0x20 ? "control characters in a string to be escaped" : "valid UTF-8";
    return s.p[0] < 0x20 ? 0 : utf8_decode(s, UTF8_STRICT, code);
  }
  if (s.n > 1 && s.p[1] == 'u') return unicode_escape(s, code, what);
  const char *letter = s.n > 1 && s.p[1] ? strchr(letters, s.p[1]) : NULL;
  *what = "one of \" \\ / b f n r t u behind a backslash";
  if (!letter) return 0;
  *code = (uint8_t)meant[letter - letters];
  return 2;
}

static bool string(struct scan *s, struct span *raw) {
  if (!take(s, '"')) return malformed(s, "a string");
  size_t start = s->at;
  while (!next_is(s, '"')) {
    uint32_t code;
    const char *what = "'\"' at the end of the string";
    struct span rest = span_from(s->text, s->at);
    size_t n = rest.n ? string_char(rest, &code, &what) : 0;
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

static bool exact_as_double(struct span token) {
  uint64_t n = 0;
  for (size_t i = token.p[0] == '-'; i < token.n; i++) {
    n = n * 10 + (token.p[i] - (uint64_t)'0'); /* at most 10 * 2^53 + 9 */
    if (n > EXACT_INTEGER) return false;
  }
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
  if (integer && !s->rounds && !exact_as_double(token))
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
  siphash_u64(&h, s->open[s->depth - 1].number);
  while (raw.n) {
    const uint8_t *slash = memchr(raw.p, '\\', raw.n);
    size_t plain = slash ? (size_t)(slash - raw.p) : raw.n;
    siphash_bytes(&h, span_first(raw, plain));
    raw = span_from(raw, plain);
    if (raw.n == 0) break;
    uint32_t code = 0;
    const char *ignored;
    uint8_t utf8[UTF8_MAX];
    raw = span_from(raw, string_char(raw, &code, &ignored));
    siphash_bytes(&h, span_of(utf8, utf8_encode(utf8, code)));
  }
  return (uint32_t)(siphash_end(&h) & UINT32_MAX);
}

static size_t text_char(struct span s, bool escaped, uint32_t *code) {
  const char *ignored;
  return escaped ? string_char(s, code, &ignored) : utf8_decode(s, UTF8_STRICT, code);
}

/* Is what stands between two quotes, escapes and all, the same text as another, which is spelled so too or
 * plain? */
static bool same_text(struct span raw, struct span other, bool other_escaped) {
  while (raw.n && other.n) {
    uint32_t x, y;
    size_t n = text_char(raw, true, &x), m = text_char(other, other_escaped, &y);
    if (n == 0 || m == 0 || x != y) return false;
    raw = span_from(raw, n);
    other = span_from(other, m);
  }
  return raw.n == other.n;
}

/* RFC 8259 section 4 leaves it open which of two equal keys counts, and readers differ: Python's takes the
 * last, cJSON the first. */
static bool note_key(struct scan *s, struct span raw, size_t at) {
  uint32_t hash = hash_key(s, raw), object = s->open[s->depth - 1].number;
  for (uint32_t i = hash_find(&s->hashes, hash, 0); i; i = hash_find(&s->hashes, hash, i)) {
    const struct key *k = &s->keys.p[i - 1];
    if (k->object == object && same_text(k->raw, raw, true))
      return stop(s, JSON_MALFORMED, at, "each key once in an object");
  }
  struct key *k = vec_push(s->arena, &s->keys, UINT32_MAX);
  if (!k || !hash_add(s->arena, &s->hashes, hash, UINT32_MAX))
    return stop(s, JSON_LIMIT_MEMORY, at, "fewer keys: the memory for JSON is spent");
  *k = (struct key){raw, object};
  return true;
}

static bool open_bracket(struct scan *s, bool object) {
  if (s->depth == s->max_depth) return stop(s, JSON_LIMIT_DEPTH, s->at, "less nesting");
  s->open[s->depth++] = (struct level){object, object ? s->objects++ : 0};
  s->at++;
  return true;
}

static uint8_t closing(const struct level *l) { return l->object ? '}' : ']'; }

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
  if (!take(s, closing(l))) return true;
  s->depth--;
  *next = AT_NEXT;
  return true;
}

static bool key(struct scan *s, enum state *next) {
  struct span raw;
  size_t at = s->at;
  *next = AT_VALUE;
  if (!next_is(s, '"')) return malformed(s, "a key in double quotes");
  if (!string(s, &raw) || !note_key(s, raw, at)) return false;
  s->at = skip_space(s->text, s->at);
  return take(s, ':') || malformed(s, "':' behind the key");
}

/* Behind a value inside a bracket. */
static bool next_or_close(struct scan *s, enum state *next) {
  const struct level *l = &s->open[s->depth - 1];
  if (take(s, ',')) {
    *next = l->object ? AT_KEY : AT_VALUE;
    return true;
  }
  if (!take(s, closing(l))) return malformed(s, l->object ? "',' or '}'" : "',' or ']'");
  s->depth--;
  return true;
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
    s->at = skip_space(s->text, s->at);
    if (!step(s, &state)) return false;
  } while (s->depth > 0 || state != AT_NEXT);
  s->at = skip_space(s->text, s->at);
  return s->at == s->text.n || malformed(s, "nothing behind the value");
}

/* The kernel's 16 random bytes of this process: no system call, so they are there in a sealed worker too. */
static void random_seed(uint64_t seed[2]) {
  union {
    unsigned long address;
    const uint8_t *p;
  } random = {.address = getauxval(AT_RANDOM)};
  seed[0] = random.p ? load_u64le(random.p) : 0;
  seed[1] = random.p ? load_u64le(random.p + 8) : 0;
}

static bool validate_text(struct span text, const struct limits *max, bool rounds, struct json_error *err) {
  struct arena arena;
  arena_init(&arena, budget_left);
  struct scan s = {.text = text, .err = err, .arena = &arena, .rounds = rounds};
  s.max_depth = (size_t)min_u64(max->json_depth, DEPTH_ROOM);
  random_seed(s.seed);
  bool ok = validate(&s);
  arena_free(&arena);
  return ok;
}

/* ---- the tree ---- */

static size_t skip_string(struct span text, size_t at) {
  while (++at < text.n && text.p[at] != '"')
    if (text.p[at] == '\\') at++;
  return min_size(at + 1, text.n);
}

static size_t skip_number(struct span text, size_t at) {
  while (at < text.n && (is_digit(text.p[at]) || (text.p[at] && strchr("+-.eE", text.p[at])))) at++;
  return at;
}

/* The next number token at or behind *at, and moves behind it. */
static struct span next_number(struct span text, size_t *at) {
  while (*at < text.n && text.p[*at] != '-' && !is_digit(text.p[*at]))
    *at = text.p[*at] == '"' ? skip_string(text, *at) : *at + 1;
  size_t start = *at;
  *at = skip_number(text, start);
  return span_of(text.p + start, *at - start);
}

static bool written_as_integer(struct span token) {
  for (size_t i = token.n && token.p[0] == '-'; i < token.n; i++)
    if (!is_digit(token.p[i])) return false;
  return token.n > 0 && exact_as_double(token);
}

/* cJSON forgets how a number was written. The tree in preorder has its numbers in the order of the text. */
static void mark_integers(cJSON *root, struct span text) {
  cJSON *open[DEPTH_ROOM];
  size_t depth = 0, at = 0;
  for (cJSON *item = root; item;) {
    if (cJSON_IsNumber(item) && written_as_integer(next_number(text, &at))) item->type |= WRITTEN_AS_INTEGER;
    if (item->child) {
      open[depth++] = item; /* fits: the validator counted the levels */
      item = item->child;
      continue;
    }
    while (!item->next && depth > 0) item = open[--depth];
    item = item->next;
  }
}

static cJSON *parse(struct span text, const struct limits *max, bool rounds, struct json_error *err) {
  *err = (struct json_error){.line = 1, .column = 1};
  if (text.n > max->json_bytes) {
    err->fault = JSON_LIMIT_BYTES;
    err->what = "a smaller JSON file";
    return NULL;
  }
  if (!validate_text(text, max, rounds, err)) return NULL;
  cJSON *root = cJSON_ParseWithLength((const char *)text.p, text.n);
  if (!root) { /* what passed the validator is JSON: only memory is left as a reason */
    err->fault = JSON_LIMIT_MEMORY;
    err->what = "fewer values: the memory for JSON is spent";
    return NULL;
  }
  mark_integers(root, text);
  return root;
}

cJSON *json_parse(struct span text, const struct limits *max, struct json_error *err) {
  return parse(text, max, false, err);
}

cJSON *json_parse_event(struct span text, const struct limits *max, struct json_error *err) {
  return parse(text, max, true, err);
}

const cJSON *json_get(const cJSON *object, const char *key) {
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

bool json_int(const cJSON *item, int64_t *out) {
  if (!cJSON_IsNumber(item) || !(item->type & WRITTEN_AS_INTEGER)) return false;
  *out = (int64_t)item->valuedouble; /* exact: the validator refused what is beyond 2^53 */
  return true;
}

/* ---- many lookups in one object ---- */

static uint32_t hash_text(struct span key) {
  uint64_t seed[2];
  random_seed(seed);
  return (uint32_t)(siphash(seed, key) & UINT32_MAX);
}

bool json_index(struct json_index *x, struct arena *a, const cJSON *object) {
  if (!cJSON_IsObject(object)) return true;
  for (const cJSON *item = object->child; item; item = item->next) {
    struct json_member *slot = vec_push(a, &x->members, UINT32_MAX);
    if (!slot || !hash_add(a, &x->hashes, hash_text(span_str(item->string)), UINT32_MAX)) return false;
    slot->item = item;
  }
  return true;
}

const cJSON *json_find(const struct json_index *x, struct span key) {
  uint32_t hash = hash_text(key);
  for (uint32_t i = hash_find(&x->hashes, hash, 0); i; i = hash_find(&x->hashes, hash, i))
    if (span_is(key, x->members.p[i - 1].item->string)) return x->members.p[i - 1].item;
  return NULL;
}

/* ---- places of values: the text once more, since cJSON keeps none ---- */

static bool opens(uint8_t b) { return b == '{' || b == '['; }
static bool closes(uint8_t b) { return b == '}' || b == ']'; }

/* The offset behind the value at `at`. Brackets are counted, not remembered: the text is known to be JSON. */
static size_t skip_value(struct span text, size_t at) {
  size_t depth = 0;
  while (at < text.n) {
    uint8_t b = text.p[at];
    if (depth == 0 && (b == ',' || closes(b) || is_space(b))) break;
    if (opens(b)) depth++;
    if (closes(b)) depth--;
    at = b == '"' ? skip_string(text, at) : at + 1;
    if (depth == 0 && (b == '"' || closes(b))) break;
  }
  return at;
}

/* The place number of a list item as a path spells it; UINT64_MAX, which no list reaches, for other text. */
static uint64_t list_place(struct span step) {
  uint64_t place = 0;
  for (size_t i = 0; i < step.n; i++)
    if (!is_digit(step.p[i]) || !try_mul(place, UINT64_C(10), &place) ||
        !try_add(place, step.p[i] - (uint64_t)'0', &place))
      return UINT64_MAX;
  return step.n ? place : UINT64_MAX;
}

/* With *at on a member's key: moves to its value, and tells whether it is the one. */
static bool enter_member(struct span text, size_t *at, struct span step) {
  size_t start = *at + 1;
  *at = skip_string(text, *at);
  size_t end = *at > start ? *at - 1 : start;
  bool hit = same_text(span_of(text.p + start, end - start), step, false);
  *at = skip_space(text, skip_space(text, *at) + 1);
  return hit;
}

/* From the bracket at *at to the member or item that `step` names. */
static bool enter(struct span text, size_t *at, struct span step) {
  if (*at >= text.n || !opens(text.p[*at])) return false;
  bool object = text.p[*at] == '{';
  uint64_t place = list_place(step);
  *at = skip_space(text, *at + 1);
  for (uint64_t i = 0; *at < text.n && !closes(text.p[*at]); i++) {
    if (object ? enter_member(text, at, step) : i == place) return *at < text.n;
    *at = skip_space(text, skip_value(text, *at));
    if (*at < text.n && text.p[*at] == ',') *at = skip_space(text, *at + 1);
  }
  return false;
}

bool json_offset(struct span text, const char *const *path, size_t n, uint64_t *offset) {
  size_t at = skip_space(text, 0);
  for (size_t i = 0; i < n; i++)
    if (!enter(text, &at, span_str(path[i]))) return false;
  *offset = at;
  return true;
}

bool json_locate(struct span text, const char *const *path, size_t n, uint32_t *line, uint32_t *column) {
  uint64_t at;
  if (!json_offset(text, path, n, &at)) return false;
  json_line_column(text, at, line, column);
  return true;
}
