#include "api/message.h"

struct text {
  char *p;
  size_t n, size;
};

static void put(struct text *t, struct span s) {
  size_t n = min_size(s.n, t->size - t->n);
  if (n) memcpy(t->p + t->n, s.p, n);
  t->n += n;
}

static void put_number(struct text *t, uint64_t n, bool hex) {
  char digits[32];
  int len = snprintf(digits, sizeof digits, hex ? "0x%llx" : "%llu", (unsigned long long)n);
  put(t, span_of(digits, len > 0 ? (size_t)len : 0));
}

/* "{got:key is|keys are}", or of {want:…}: the words for one, or for any other number. */
static bool put_words(struct text *t, struct span words, uint64_t n) {
  const uint8_t *bar = memchr(words.p, '|', words.n);
  if (!bar) return false;
  size_t one = (size_t)(bar - words.p);
  put(t, n == 1 ? span_first(words, one) : span_from(words, one + 1));
  return true;
}

/* Fills in one placeholder; false when there is none of that name: the text then stands as it is. */
static bool put_field(struct text *t, const struct finding *f, struct span name) {
  bool hex = span_ends(name, SPAN(":x"));
  if (hex) name.n -= 2;
  if (span_starts(name, SPAN("got:"))) return put_words(t, span_from(name, 4), f->got);
  if (span_starts(name, SPAN("want:"))) return put_words(t, span_from(name, 5), f->want);
  if (span_is(name, "subject"))
    put(t, f->subject);
  else if (span_is(name, "detail"))
    put(t, f->detail);
  else if (span_is(name, "member"))
    put(t, f->member.n ? f->member : SPAN("the file"));
  else if (span_is(name, "at"))
    put_number(t, f->at, hex);
  else if (span_is(name, "got"))
    put_number(t, f->got, hex);
  else if (span_is(name, "want"))
    put_number(t, f->want, hex);
  else
    return false;
  return true;
}

struct span finding_message(const struct finding *f, char *out, size_t size) {
  struct text t = {out, 0, size};
  struct span left = span_str(reason_table[f->reason].text);
  while (left.n) {
    const uint8_t *open = memchr(left.p, '{', left.n);
    const uint8_t *close = open ? memchr(open, '}', left.n - (size_t)(open - left.p)) : NULL;
    if (!close) break;
    put(&t, span_first(left, (size_t)(open - left.p)));
    struct span name = span_of(open + 1, (size_t)(close - open) - 1);
    if (!put_field(&t, f, name)) put(&t, span_of(open, name.n + 2));
    left = span_from(left, (size_t)(close - left.p) + 1);
  }
  put(&t, left);
  return span_of(out, t.n);
}
