#include "report/pen.h"

#include <stdarg.h>
#include <stdio.h>

#include "report/escape.h"

/* The 16 colours that every terminal maps to its own palette, so that they are readable on dark and on light.
 */
static const char *const sgr[INK_COUNT] = {
    [INK_PLAIN] = NULL, [INK_STRONG] = "1", [INK_FAINT] = "2", [INK_GOOD] = "32",
    [INK_NOTE] = "36",  [INK_DOUBT] = "33", [INK_BAD] = "31",  [INK_WORST] = "1;31",
};

void pen_span(struct pen *pen, enum ink ink, struct span text) {
  const char *code = pen->color ? sgr[ink] : NULL;
  if (text.n == 0) return;
  if (code) out_format(pen->out, "\033[%sm", code);
  if (pen->unicode)
    out_span(pen->out, text);
  else
    escape_ascii(pen->out, text);
  if (code) out_str(pen->out, "\033[0m");
}

void pen_text(struct pen *pen, enum ink ink, const char *text) { pen_span(pen, ink, span_str(text)); }

void pen_format(struct pen *pen, enum ink ink, const char *format, ...) {
  char text[1024];
  va_list ap;
  va_start(ap, format);
  (void)vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  pen_text(pen, ink, text);
}

enum { FOLD_LEAST = 24 }; /* columns: in less room than that, broken lines read worse than long ones */

void pen_folded(struct pen *pen, enum ink ink, size_t column, size_t indent, const char *text) {
  bool folds = pen->width >= indent + FOLD_LEAST;
  const char *line = text, *end = text; /* line to end: what this line takes */
  while (*end) {
    const char *word = end + strspn(end, " ");
    size_t n = strcspn(word, " ");
    size_t columns = pen_width(pen, span_of(end, (size_t)(word - end) + n));
    if (folds && column > indent && column + columns > pen->width) {
      pen_span(pen, ink, span_of(line, (size_t)(end - line)));
      pen_newline(pen);
      out_repeat(pen->out, ' ', indent);
      columns -= (size_t)(word - end);
      line = word;
      column = indent;
    }
    column += columns;
    end = word + n;
  }
  pen_span(pen, ink, span_of(line, (size_t)(end - line)));
}

void pen_newline(struct pen *pen) { out_str(pen->out, "\n"); }

size_t pen_width(const struct pen *pen, struct span text) {
  if (pen->unicode) return visible_width(text);
  struct out ascii = out_to_memory(SIZE_MAX);
  escape_ascii(&ascii, text);
  size_t n = ascii.n;
  out_free(&ascii);
  return n;
}

struct word_ink {
  const char *word;
  enum ink ink;
};

static enum ink ink_of(const struct word_ink *list, size_t n, const char *word) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(list[i].word, word) == 0) return list[i].ink;
  return INK_PLAIN;
}

enum ink ink_of_severity(const char *severity) {
  static const struct word_ink inks[] = {{"critical", INK_WORST},
                                         {"high", INK_BAD},
                                         {"medium", INK_DOUBT},
                                         {"low", INK_NOTE},
                                         {"info", INK_FAINT}};
  return ink_of(inks, ARRAY_LEN(inks), severity);
}

enum ink ink_of_verdict(const char *verdict) {
  static const struct word_ink inks[] = {{"clean", INK_GOOD},        {"findings", INK_DOUBT},
                                         {"error", INK_DOUBT},       {"unsafe", INK_WORST},
                                         {"not checked", INK_DOUBT}, {"incompatible", INK_BAD}};
  return ink_of(inks, ARRAY_LEN(inks), verdict);
}
