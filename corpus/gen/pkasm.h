/* An assembler for pickle programs: one instruction a line, the opcode's name (base/opcodes.def) and its
 * argument.
 *
 *     PROTO 2                       a number
 *     BINUNICODE "a\n"              text; a second word claims another length than the text has
 *     GLOBAL os system              two lines
 *     FRAME *                       a number, or * for what follows up to `endframe` or the program's end
 *     bytes "\x80\x02"              as they are
 *     str x · int 70000 · ints 2,3  BINUNICODE; the shortest integer opcode; a tuple of them, `-` for ()
 *     repeat 60 … end               the lines between, with $ as 0, 1, 2 …, $+1 and $*7 as computed from it
 *     NAME a b                      a macro: `macro NAME … end`, in whose lines %1 and %2 are the words a and
 * b */
#ifndef CKPTLINT_CORPUS_GEN_PKASM_H
#define CKPTLINT_CORPUS_GEN_PKASM_H

#include "corpus/gen/text.h"

/* Lines of a file; `number` is the first one's. */
struct lines {
  const char *file;
  unsigned number;
  struct span text;
};

/* Takes the lines up to the `end` that closes them out of `rest`, with the `repeat … end` inside. */
struct lines take_lines(const char *file, unsigned *number, struct span *rest);

struct macro {
  struct span name;
  struct lines body;
};

enum { MACROS = 128 };
struct macros {
  struct macro list[MACROS];
  size_t n;
};
/* The name must outlive the table. `head` is the macro's line, for messages. */
void add_macro(struct macros *m, const struct line *head, struct span name, struct lines body);

/* Appends the program to `out`. */
void assemble(const struct macros *m, struct lines program, struct bytes *out);

#endif
