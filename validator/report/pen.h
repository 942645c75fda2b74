/* Writing for people: ink instead of escape sequences, glyphs that a terminal may lack. Texts are visible
 * text (escape.h) or our own. */
#ifndef CKPTLINT_REPORT_PEN_H
#define CKPTLINT_REPORT_PEN_H

#include "report/out.h"

/* What a piece of text is, not how it looks: the colours stand in pen.c. */
enum ink { INK_PLAIN, INK_STRONG, INK_FAINT, INK_GOOD, INK_NOTE, INK_DOUBT, INK_BAD, INK_WORST, INK_COUNT };

struct pen {
  struct out *out;
  bool color, unicode;
  size_t width; /* columns of the terminal; 0: lines are never broken */
};

void pen_text(struct pen *pen, enum ink ink, const char *text);
/* Our own text with numbers or visible text in it. At most 1,023 bytes: not for texts without a cap. */
void pen_format(struct pen *pen, enum ink ink, const char *format, ...) PRINTF_LIKE(3, 4);
/* Text that begins in `column`, broken between words where the terminal ends; further lines begin in
 * `indent`. */
void pen_folded(struct pen *pen, enum ink ink, size_t column, size_t indent, const char *text);
void pen_newline(struct pen *pen);
/* The glyph, or what stands for it where there is no Unicode. */
static inline const char *pen_glyph(const struct pen *pen, const char *glyph, const char *ascii) {
  return pen->unicode ? glyph : ascii;
}
/* Columns that a text takes when this pen writes it. */
size_t pen_width(const struct pen *pen, struct span text);
void pen_span(struct pen *pen, enum ink ink, struct span text);

enum ink ink_of_severity(const char *severity);
enum ink ink_of_verdict(const char *verdict);

#endif
