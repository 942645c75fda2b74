/* The case files are lines of words. A word is bare, or a string in double quotes: "a\n\x00\"". `#` begins a
 * comment where a word could begin. */
#ifndef CKPTLINT_CORPUS_GEN_TEXT_H
#define CKPTLINT_CORPUS_GEN_TEXT_H

#include "corpus/gen/bytes.h"

enum { WORDS = 40 };

struct line {
  const char *file;
  unsigned number;
  size_t n;
  struct span word[WORDS]; /* escapes resolved; in the store */
  struct bytes store;
};

/* Cuts one line (without its newline) into words. What the line held before is freed. */
void line_read(struct line *l, const char *file, unsigned number, struct span text);
void line_free(struct line *l);

/* Word i is there and is this. */
bool word_is(const struct line *l, size_t i, const char *text);
struct span word_at(const struct line *l, size_t i); /* gives up if there is none */
/* Decimal or 0x…, with a sign; `2^62`, `2^62-1`. Gives up on anything else. */
int64_t word_number(const struct line *l, size_t i);
int64_t number_of(const struct line *l, struct span word);
double word_double(const struct line *l, size_t i);
/* The bytes of `f32 1 2 3`, `text "…"` or `zeros 24`, from word 2 on. */
void put_elements(struct bytes *out, const struct line *l);

/* A whole file. */
void read_file(const char *path, struct bytes *out);
/* The next line of `rest`, which moves behind it; false at the end. */
bool next_line(struct span *rest, struct span *line);

#endif
