#include "corpus/gen/text.h"

/* ---- words ---- */

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/* What follows a backslash; answers how many characters of the text that is. */
static size_t put_escape(struct line *l, struct span text) {
  static const char letters[] = "ntr\"\\", values[] = "\n\t\r\"\\";
  const char *known = text.n ? memchr(letters, text.p[0], sizeof letters - 1) : NULL;
  if (known) {
    put(&l->store, values + (known - letters), 1);
    return 1;
  }
  bool hex = text.n >= 3 && text.p[0] == 'x' && hex_digit(text.p[1]) >= 0 && hex_digit(text.p[2]) >= 0;
  if (!hex) give_up(l->file, l->number, "an escape that is not one of \\n \\t \\r \\\" \\\\ \\xhh");
  put_number(&l->store, (uint64_t)(hex_digit(text.p[1]) * 16 + hex_digit(text.p[2])), 1);
  return 3;
}

/* A quoted word behind its first quote; answers what is left of the line. */
static struct span quoted(struct line *l, struct span text) {
  while (text.n && text.p[0] != '"') {
    bool escape = text.p[0] == '\\';
    if (!escape) put(&l->store, text.p, 1);
    text = span_from(text, 1);
    if (escape) text = span_from(text, put_escape(l, text));
  }
  if (text.n == 0) give_up(l->file, l->number, "a quote is not closed");
  return span_from(text, 1);
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

static struct span bare(struct line *l, struct span text) {
  size_t n = 0;
  while (n < text.n && !is_blank(text.p[n])) n++;
  put(&l->store, text.p, n);
  return span_from(text, n);
}

void line_read(struct line *l, const char *file, unsigned number, struct span text) {
  size_t start[WORDS + 1] = {0};
  line_free(l);
  l->file = file;
  l->number = number;
  for (;;) {
    while (text.n && is_blank(text.p[0])) text = span_from(text, 1);
    if (text.n == 0 || text.p[0] == '#') break;
    if (l->n == WORDS) give_up(file, number, "more than %d words", WORDS);
    text = text.p[0] == '"' ? quoted(l, span_from(text, 1)) : bare(l, text);
    start[++l->n] = l->store.n;
  }
  for (size_t i = 0; i < l->n; i++) l->word[i] = span_of(l->store.p + start[i], start[i + 1] - start[i]);
}

void line_free(struct line *l) {
  bytes_free(&l->store);
  l->n = 0;
}

bool word_is(const struct line *l, size_t i, const char *text) {
  return i < l->n && span_is(l->word[i], text);
}

struct span word_at(const struct line *l, size_t i) {
  if (i >= l->n) give_up(l->file, l->number, "word %zu is missing", i + 1);
  return l->word[i];
}

/* ---- numbers ---- */

static struct span put_terminated(struct span word, char *out, size_t room) {
  size_t n = min_size(word.n, room - 1);
  memcpy(out, word.p, n);
  out[n] = '\0';
  return span_of(out, n);
}

/* Bits, not a value: 0xffffffffffffffff is -1, as its field has no sign. */
int64_t number_of(const struct line *l, struct span word) {
  char text[64], *end;
  struct span s = put_terminated(word, text, sizeof text);
  bool negative = s.n && s.p[0] == '-', power = span_starts(s, SPAN("2^"));
  uint64_t n = strtoull(text + (power ? 2 : negative), &end, 0);
  if (power) n = UINT64_C(1) << (n & 63);
  if (power && *end == '-') n -= strtoull(end + 1, &end, 10);
  if (s.n == 0 || *end || s.n != word.n) give_up(l->file, l->number, "'%s' is not a number", text);
  return negative ? -(int64_t)n : (int64_t)n;
}

int64_t word_number(const struct line *l, size_t i) { return number_of(l, word_at(l, i)); }

double word_double(const struct line *l, size_t i) {
  char text[64], *end;
  struct span s = put_terminated(word_at(l, i), text, sizeof text);
  double d = strtod(text, &end);
  if (s.n == 0 || *end) give_up(l->file, l->number, "'%s' is not a number", text);
  return d;
}

static void put_element(struct bytes *out, const struct line *l, size_t i) {
  float f = (float)word_double(l, i);
  double d = word_double(l, i);
  if (word_is(l, 2, "f32"))
    put(out, &f, sizeof f);
  else if (word_is(l, 2, "f64"))
    put(out, &d, sizeof d);
  else if (word_is(l, 2, "i64"))
    put_number(out, (uint64_t)word_number(l, i), 8);
  else if (word_is(l, 2, "u8"))
    put_number(out, (uint64_t)word_number(l, i), 1);
  else
    give_up(l->file, l->number, "data is f32, f64, i64, u8, text or zeros");
}

void put_elements(struct bytes *out, const struct line *l) {
  if (word_is(l, 2, "text"))
    put_span(out, word_at(l, 3));
  else if (word_is(l, 2, "zeros"))
    put_repeated(out, 0, (size_t)word_number(l, 3));
  else
    for (size_t i = 3; i < l->n; i++) put_element(out, l, i);
}

/* ---- files and lines ---- */

void read_file(const char *path, struct bytes *out) {
  uint8_t piece[4096];
  FILE *f = fopen(path, "rb");
  if (!f) give_up(path, 0, "can't be read");
  for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;) put(out, piece, n);
  fclose(f);
}

bool next_line(struct span *rest, struct span *line) {
  if (rest->n == 0) return false;
  const uint8_t *end = memchr(rest->p, '\n', rest->n);
  *line = span_first(*rest, end ? (size_t)(end - rest->p) : rest->n);
  size_t taken = line->n + (end != NULL);
  *rest = span_of(rest->p + taken, rest->n - taken);
  return true;
}
