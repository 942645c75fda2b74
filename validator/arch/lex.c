#include "arch/lex.h"

#include <math.h>

static const char *const token_texts[TOKEN_COUNT] = {
    [TOKEN_END] = "the end", [TOKEN_INT] = "a number", [TOKEN_FLOAT] = "a number",
    [TOKEN_TEXT] = "a text", [TOKEN_NAME] = "a name",  [TOKEN_BAD] = "a token",
#define TOKEN(id, text) [TOKEN_##id] = (text),
#include "arch/tokens.def"
#undef TOKEN
};

const char *token_text(enum token t) { return token_texts[t]; }

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
static bool is_name_start(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

size_t identifier_length(struct span s) {
  if (s.n == 0 || !is_name_start(s.p[0])) return 0;
  size_t n = 1;
  while (n < s.n && (is_name_start(s.p[n]) || is_digit(s.p[n]))) n++;
  return n;
}

static bool is_word(struct span s, enum token *out) {
  for (enum token t = TOKEN_IF; t <= TOKEN_RETURN; t++)
    if (span_is(s, token_texts[t])) {
      *out = t;
      return true;
    }
  return false;
}

bool is_identifier(struct span text) {
  enum token t;
  return text.n > 0 && identifier_length(text) == text.n && !is_word(text, &t);
}

static void take(struct lexer *lx, enum token t, size_t n) {
  lx->token = t;
  lx->bytes = span_first(span_from(lx->text, lx->next), n);
  lx->next += lx->bytes.n;
}

static void bad(struct lexer *lx, const char *what, size_t n) {
  take(lx, TOKEN_BAD, n);
  lx->what = what;
}

static size_t digits_at(struct span s, size_t i) {
  size_t n = 0;
  while (i + n < s.n && is_digit(s.p[i + n])) n++;
  return n;
}

/* Length of the number at the start, and whether it is a float: digits, a fraction, an exponent. */
static size_t number_length(struct span s, bool *is_float) {
  size_t n = digits_at(s, 0);
  *is_float = false;
  if (n < s.n && s.p[n] == '.') {
    *is_float = true;
    n += 1 + digits_at(s, n + 1);
  }
  if (n < s.n && (s.p[n] == 'e' || s.p[n] == 'E')) {
    size_t sign = n + 1 < s.n && (s.p[n + 1] == '+' || s.p[n + 1] == '-');
    size_t digits = digits_at(s, n + 1 + sign);
    if (digits) {
      *is_float = true;
      n += 1 + sign + digits;
    }
  }
  return n;
}

static void read_int(struct lexer *lx) {
  int64_t value = 0;
  for (size_t i = 0; i < lx->bytes.n; i++)
    if (!try_mul(value, (int64_t)10, &value) || !try_add(value, (int64_t)(lx->bytes.p[i] - '0'), &value)) {
      lx->token = TOKEN_BAD;
      lx->what = "an integer of at most 64 bits";
      return;
    }
  lx->number = value;
}

static void read_float(struct lexer *lx) {
  char copy[64]; /* strtod wants a terminated text */
  lx->token = TOKEN_BAD;
  lx->what = "a number of at most 63 characters";
  if (lx->bytes.n >= sizeof copy) return;
  memcpy(copy, lx->bytes.p, lx->bytes.n);
  copy[lx->bytes.n] = 0;
  lx->real = strtod(copy, NULL);
  lx->what = "a number that a float holds";
  if (isfinite(lx->real)) lx->token = TOKEN_FLOAT;
}

static void lex_number(struct lexer *lx, struct span s) {
  bool is_float;
  size_t n = number_length(s, &is_float);
  size_t glued = identifier_length(span_from(s, n));
  if (glued) {
    bad(lx, "a space or a sign behind a number", n + glued);
    return;
  }
  if (!is_float && n > 1 && s.p[0] == '0') {
    bad(lx, "a number without leading zeros", n);
    return;
  }
  take(lx, is_float ? TOKEN_FLOAT : TOKEN_INT, n);
  if (is_float)
    read_float(lx);
  else
    read_int(lx);
}

static void lex_text(struct lexer *lx, struct span s) {
  const uint8_t *end = memchr(s.p + 1, '\'', s.n - 1);
  if (!end) {
    bad(lx, "a closing ' of the text", s.n);
    return;
  }
  size_t n = (size_t)(end - s.p) - 1;
  take(lx, TOKEN_TEXT, n + 2);
  lx->bytes = span_of(s.p + 1, n);
}

static bool lex_sign(struct lexer *lx, struct span s) {
  for (enum token t = TOKEN_ELLIPSIS; t < TOKEN_IF; t++)
    if (span_starts(s, span_str(token_texts[t]))) {
      take(lx, t, strlen(token_texts[t]));
      return true;
    }
  return false;
}

/* A byte that begins nothing, with the rest of its UTF-8 sequence. */
static void lex_stray(struct lexer *lx, struct span s) {
  size_t n = 1;
  while (n < s.n && (s.p[n] & 0xc0) == 0x80) n++;
  bad(lx, s.p[0] == '"' ? "text in single quotes" : "a name, a number or a sign of the language", n);
}

void lexer_next(struct lexer *lx) {
  while (lx->next < lx->text.n && is_space(lx->text.p[lx->next])) lx->next++;
  struct span s = span_from(lx->text, lx->next);
  lx->at = (uint32_t)min_size(lx->next, UINT32_MAX);
  if (s.n == 0) {
    take(lx, TOKEN_END, 0);
    return;
  }
  size_t name = identifier_length(s);
  if (name) {
    take(lx, TOKEN_NAME, name);
    (void)is_word(lx->bytes, &lx->token);
  } else if (is_digit(s.p[0]) || (s.p[0] == '.' && s.n > 1 && is_digit(s.p[1]))) {
    lex_number(lx, s);
  } else if (s.p[0] == '\'') {
    lex_text(lx, s);
  } else if (!lex_sign(lx, s)) {
    lex_stray(lx, s);
  }
}

void lexer_init(struct lexer *lx, struct span text) {
  *lx = (struct lexer){.text = text};
  lexer_next(lx);
}
